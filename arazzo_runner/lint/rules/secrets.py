"""Safety: credentials in documents, unencrypted connections, remote references, markup that runs in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeGuard

from arazzo_runner.base.json_values import JsonValue, escaped, preview, resolve_pointer
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.secrets import SECRET_HEADERS, is_secret_name
from arazzo_runner.document.model import Extensions, Parameter
from arazzo_runner.errors import Location, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule

_SHORTEST: Final = 5


@rule("hard-coded-password", "safety")
def hard_coded_password(inspection: Inspection) -> Iterator[Finding]:
    """Report constants in parameters, payloads and defaults whose name is that of a secret."""
    for name, value, pointer in (*_sent(inspection), *_defaults(inspection)):
        if len(value.split(" ")[-1]) < _SHORTEST or _is_placeholder(value):
            continue  # `Basic Og==` is an empty user name and password
        if is_secret_name(name) or name.lower() in SECRET_HEADERS:
            message = f'"{name}" is hard-coded in the document'
            hint = "make it an input with format: password, and read it with $inputs.<name>"
            yield Finding(message, inspection.at(pointer), hint)


def _is_literal(value: JsonValue) -> TypeGuard[str]:
    return isinstance(value, str) and "$" not in value and "{" not in value


def _sent(inspection: Inspection) -> Iterator[tuple[str, str, str]]:
    for items in (*inspection.reusable_lists, inspection.description.components.parameters.values()):
        for item in items:
            if isinstance(item, Parameter) and _is_literal(item.value):
                yield item.name, item.value, f"{item.at.pointer}/value"
    for _, step in inspection.steps:
        if step.request_body is not None:
            yield from _members(step.request_body.payload, f"{step.request_body.at.pointer}/payload")
            for replacement in step.request_body.replacements:
                name = replacement.target.replace(".", "/").rpartition("/")[2]
                if _is_literal(replacement.value):
                    yield name, replacement.value, f"{replacement.at.pointer}/value"


def _members(payload: JsonValue, pointer: str) -> Iterator[tuple[str, str, str]]:
    waiting = [(payload, pointer)]
    while waiting:
        value, place = waiting.pop()
        if isinstance(value, dict):
            for name, part in value.items():
                if _is_literal(part):
                    yield name, part, f"{place}/{escaped(name)}"
            nested = [(name, part) for name, part in value.items() if isinstance(part, (dict, list))]
            waiting += [(part, f"{place}/{escaped(name)}") for name, part in reversed(nested)]
        elif isinstance(value, list):
            waiting += [(part, f"{place}/{index}") for index, part in enumerate(value)]


def _defaults(inspection: Inspection) -> Iterator[tuple[str, str, str]]:
    for each in inspection.schemas:
        default = each.schema.get("default")
        parent, _, name = each.pointer.rpartition("/") if _is_literal(default) else ("", "", "")
        if parent.endswith("/properties") and _is_literal(default):
            yield name, default, f"{each.pointer}/default"


_SHORTEST_SECRET: Final = 12
_SECRETS: Final = tuple(
    (what, marks, pattern(form))
    for what, marks, form in (
        ("an AWS access key", ("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
        (
            "a GitHub token",
            ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
            r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})",
        ),
        ("a GitLab token", ("glpat-",), r"\bglpat-[A-Za-z0-9_\-]{20,}"),
        ("a Slack token", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9\-]{20,}"),
        ("a Stripe key", ("k_live_",), r"\b[rs]k_live_[A-Za-z0-9]{16,}"),
        ("a Google API key", ("AIza",), r"\bAIza[A-Za-z0-9_\-]{35}\b"),
        ("a Google OAuth secret", ("GOCSPX-",), r"\bGOCSPX-[A-Za-z0-9_\-]{20,}"),
        ("an API key of an AI service", ("sk-",), r"\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_\-]{32,}"),
        ("a SendGrid key", ("SG.",), r"\bSG\.[A-Za-z0-9_\-]{20,}\.[A-Za-z0-9_\-]{20,}"),
        ("an npm token", ("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
        ("a PyPI token", ("pypi-",), r"\bpypi-AgEI[A-Za-z0-9_\-]{50,}"),
        (
            "a private key",
            ("PRIVATE KEY",),
            r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:\s|\\n)*([A-Za-z0-9+/=:,\- ]{16})",
        ),
        ("a JSON Web Token", ("eyJ",), r"\beyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{16,}"),
        (
            "a bearer token",
            ("Bearer ", "bearer "),
            r"^[Bb]earer ((?=[^ ]*[0-9])(?=[^ ]*[A-Za-z])[A-Za-z0-9._~+/\-]{20,}=*)$",
        ),
        ("a user name and password", ("Basic ", "basic "), r"^[Bb]asic ([A-Za-z0-9+/]{8,}={0,2})$"),
        (
            "a password in a URL",
            ("@",),
            r"\b[a-z][a-z0-9+.\-]{1,15}://[^\s/:@{}$<>]{1,80}:([^\s/@{}$<>]{3,80})@[A-Za-z0-9.\-]",
        ),
    )
)
"""(what it is, marks of which every such text has one, its form); the last group, if any, is the credential itself."""


@rule("secret-literal", "safety")
def secret_literal(inspection: Inspection) -> Iterator[Finding]:
    """Report credentials in texts: known prefixes of issuers, private keys, passwords in URLs."""
    texts = inspection.texts
    forms = [(what, form) for what, marks, form in _SECRETS if texts.has_any_part(marks)]
    long = [text for text in texts.distinct if len(text) >= _SHORTEST_SECRET] if forms else ()
    suspects = {text for _, form in forms for text in long if form.search(text)}
    for text, pointer, _ in texts.placed(suspects):
        for what, form in forms:
            found = form.search(text)
            if found is not None and not _is_placeholder(found.group(found.lastindex or 0)):
                message = f"this text contains {what}"
                at = inspection.at(pointer).within(found.start(), len(found.group()))
                hint = "make it an input with format: password, and revoke the one that was written here"
                yield Finding(message, at, hint)
                break


@rule("undeclared-secret", "style", default=False, trigger=Trigger(words=("properties",)))
def undeclared_secret(inspection: Inspection) -> Iterator[Finding]:
    """Report inputs with the name of a secret that have neither a format nor `x-sensitive`."""
    for workflow in inspection.description.workflows:
        properties = workflow.inputs.get("properties") if isinstance(workflow.inputs, dict) else None
        for name, schema in properties.items() if isinstance(properties, dict) else ():
            if (
                not isinstance(schema, dict)
                or not is_secret_name(name)
                or schema.keys() & {"format", "x-sensitive", "$ref"}
            ):
                continue
            message, hint = f'input "{name}" looks secret, but is not marked as secret', "add format: password"
            at = workflow.at.child("inputs").child("properties").child(name).at_key()
            yield Finding(message, at, hint)


_VALUES: Final = {
    "apiKey": ("apiKey",),
    "basic": ("username", "password"),
    "digest": ("username", "password"),
    "bearer": ("token",),
    "oauth2": ("accessToken",),
    "openIdConnect": ("accessToken",),
    "mutualTLS": (),
}


@rule("x-security-form", "shape", trigger=Trigger(words=("x-security",)))
def x_security_form(inspection: Inspection) -> Iterator[Finding]:
    """Report entries of Redocly's x-security extension that Redocly would refuse."""
    for workflow in inspection.description.workflows:
        yield from _entries(inspection, workflow.extensions, workflow.at, is_workflow=True)
    for _, step in inspection.steps:
        yield from _entries(inspection, step.extensions, step.at, is_workflow=False)


def _entries(inspection: Inspection, extensions: Extensions, at: Location, *, is_workflow: bool) -> Iterator[Finding]:
    listed = extensions.get("x-security")
    for index, entry in enumerate(listed if isinstance(listed, list) else ()):
        problem = _problem(inspection, entry, extensions, is_workflow) if isinstance(entry, dict) else None
        if problem is not None:
            place = at.child("x-security").child(index)
            yield Finding(problem[0], place, problem[1])


def _problem(
    inspection: Inspection, entry: dict[str, JsonValue], extensions: Extensions, is_workflow: bool
) -> tuple[str, str] | None:
    name, scheme = entry.get("schemeName"), entry.get("scheme")
    if name is not None and scheme is not None:
        return "x-security has both scheme and schemeName", "keep one of them"
    if name is not None and "x-operation" in extensions:
        return "schemeName needs an operation of a description; x-operation has none", "write the scheme itself"
    is_bare = not (isinstance(name, str) and name.startswith("$sourceDescriptions."))
    if name is not None and is_workflow and is_bare and len(inspection.description.source_descriptions) > 1:
        return "schemeName does not say which source it is of", "write $sourceDescriptions.<name>.<schemeName>"
    return _values_problem(scheme, entry.get("values")) if isinstance(scheme, dict) else None


def _values_problem(scheme: dict[str, JsonValue], values: JsonValue) -> tuple[str, str] | None:
    kind = str(scheme.get("scheme")).lower() if scheme.get("type") == "http" else str(scheme.get("type"))
    needed = _VALUES.get(kind)
    if needed is None:
        return f"the scheme {preview(kind, 40)} is not known", f"known are {', '.join(_VALUES)}"
    missing = [name for name in needed if not (isinstance(values, dict) and name in values)]
    return (f"values of {kind} lack {' and '.join(missing)}", f"add {missing[0]} to values:") if missing else None


_PLACEHOLDER: Final = pattern(
    r"^[<\[({$%*]|^123e4567-|\.\.\.|…|\*\*|x{4,}|X{4,}|0{8,}|(?i:example|your|placeholder|dummy|sample|insert|replace|redacted"
    r"|changeme|todo|fake|mock|\btest|test[-_ ]|[-_ ]test|demo|secret-?here|<.*>"
    r"|^(?:string|text|null|none|true|false|n/a|undefined)$"
    r"|^(?:my|some|the|valid|invalid|wrong|bad|incorrect)[-_ ]?\w*$)"
)


def _is_placeholder(text: str) -> bool:
    """Return whether a text is a placeholder for a credential (`<token>`, `YOUR_API_KEY`, `xxxx`)."""
    return not text.strip() or _PLACEHOLDER.search(text) is not None


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


@rule("remote-reference", "safety", severity=Severity.ERROR, trigger=Trigger(words=("$ref",)))
def remote_reference(inspection: Inspection) -> Iterator[Finding]:
    """Report `$ref`s to other servers in the schemas of inputs, unless the schema is embedded or may be read."""
    for each in inspection.schemas:
        reference = each.schema.get("$ref")
        if isinstance(reference, str) and "://" in reference[:12] and not _is_followed(inspection, each.pointer):
            message = f"the schema is on another server: {preview(reference, 80)}"
            at = inspection.at(f"{each.pointer}/$ref")
            hint = "copy it into components/inputs, and refer to it with #/components/inputs/<name>"
            yield Finding(message, at, hint)


def _is_followed(inspection: Inspection, pointer: str) -> bool:
    """Return whether the `$ref` of a schema was led into the document."""
    workflow = next((each for each in inspection.compiled if pointer.startswith(f"{each.at.pointer}/inputs")), None)
    if workflow is None:
        found = resolve_pointer(inspection.root, f"{pointer}/$ref")
    else:
        inner = pointer.removeprefix(f"{workflow.at.pointer}/inputs")
        found = resolve_pointer(workflow.inputs, f"{inner}/$ref")
    return isinstance(found, str) and found.startswith("#")


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
