"""Unencrypted connections, remote references, markup that runs in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import preview
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.secrets import SECRET_HEADERS, is_secret_name
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.model import CompiledStep, OperationCall

_HERE: Final = ("127.0.0.1", "::1", "0.0.0.0")


@rule("insecure-server", "safety", trigger=Trigger(needs="operations"))
def insecure_server(inspection: Inspection) -> Iterator[Finding]:
    """Report, once for each source and server, credentials that are sent over plain http to another machine."""
    reported: set[tuple[str, str]] = set()
    sources = {source.name: source.at.child("url") for source in inspection.description.source_descriptions}
    for _, step, call in inspection.operation_steps():
        if call.source not in sources or (call.source, call.server) in reported:
            continue
        what = _credential(step, call) if _is_plain(call.server) else None
        if what:
            reported.add((call.source, call.server))
            message = f'{what} is sent to {call.server}, which is not encrypted, by step "{step.step_id}"'
            at, related = sources[call.source], (step.at.child("stepId"),)
            hint = "use the https server of the API, and name it in the description"
            yield Finding(message, at, hint, related=related)


def _is_plain(server: str) -> bool:
    """Return whether a URL is http and of another machine (the names of RFC 6761 are not)."""
    if not server.lower().startswith("http://"):
        return False
    host = server[7:].partition("/")[0].rpartition("@")[2]
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    is_far = "." in name or ":" in name  # a single word is a machine in the same network, or a placeholder
    return is_far and name not in _HERE and not name.endswith((".localhost", ".local", ".test", ".invalid"))


def _credential(step: CompiledStep, call: OperationCall) -> str | None:
    for parameter in step.parameters:
        if parameter.name.lower() in SECRET_HEADERS or is_secret_name(parameter.name):
            return f'"{parameter.name}"'
    return "a credential of its security scheme" if any(call.operation.security) else None


@rule("insecure-source", "safety", trigger=Trigger(parts=("://",)))
def insecure_source(inspection: Inspection) -> Iterator[Finding]:
    """Report descriptions that are read over plain http: who changes them decides which requests a run sends."""
    for source in inspection.description.source_descriptions:
        host = source.url[7:].partition("/")[0].partition(":")[0]
        if source.url.lower().startswith("http://") and host not in ("localhost", "127.0.0.1"):
            message = f'source "{source.name}" is read from {source.url} without encryption'
            hint = f"write https://{source.url[7:]}, or a file"
            at = source.at.child("url")
            yield Finding(message, at, hint)


@rule("remote-reference", "safety", trigger=Trigger(words=("$ref",)))
def remote_reference(inspection: Inspection) -> Iterator[Finding]:
    """Report `$ref`s to other servers in the schemas of inputs; they are not followed."""
    for each in inspection.schemas:
        reference = each.schema.get("$ref")
        if isinstance(reference, str) and "://" in reference[:12]:
            message = f"the schema is on another server: {preview(reference, 80)}"
            at = inspection.at(f"{each.pointer}/$ref")
            hint = "copy it into components/inputs, and refer to it with #/components/inputs/<name>"
            yield Finding(message, at, hint)


_UNSAFE: Final = pattern(
    r"<\s{0,9}(?:script|iframe|object|embed|applet|meta|base|link|style|form)\b[^>]{0,200}>?"
    r"|<[a-zA-Z][^>`]{0,400}?\son[a-z]{3,20}\s{0,9}="
    r"|\]\(\s{0,9}(?:javascript|vbscript|data:text/html)[^)]{0,100}"
    r"|(?:href|src)\s{0,9}=\s{0,9}[\"']?\s{0,9}(?:javascript|vbscript):"
    r"|\beval\s{0,9}\(",
    re.IGNORECASE,
)


# Every text that _UNSAFE finds has one of these, case folded. The letter i, which has several forms, is in none.
# Saves 7 % of `validate`, since the pattern is tried at every character.
_MARKS: Final = ("<", "javascr", "vbscr", "data:text", "eval")


def _is_marked(text: str) -> bool:
    folded = text.casefold()
    return any(mark in folded for mark in _MARKS)


@rule("unsafe-markdown", "safety")
def unsafe_markdown(inspection: Inspection) -> Iterator[Finding]:
    """Report HTML and links in descriptions and summaries that run code in the browser of the reader."""
    texts = inspection.texts
    marked = texts.distinct if _is_marked(texts.joined) else ()
    unsafe = [text for text in marked if _is_marked(text) and _UNSAFE.search(text)]
    for text, pointer, is_key in texts.placed(unsafe):
        if is_key or not pointer.endswith(("/description", "/summary", "/title")):
            continue
        found = _UNSAFE.search(text)
        if found is not None:
            message = f"{preview(' '.join(found.group().split()), 40)} runs in the browser of whoever reads this"
            at = inspection.at(pointer).within(found.start(), len(found.group()))
            hint = "say it in Markdown without markup, or show it as code in backticks"
            yield Finding(message, at, hint)
