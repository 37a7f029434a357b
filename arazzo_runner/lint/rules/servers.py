"""Servers: credentials that are sent without encryption, passwords in URLs of brokers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.secrets import SECRET_HEADERS, is_secret_name
from arazzo_runner.errors import Location
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.model import CompiledStep, MessageCall, OperationCall
from arazzo_runner.sources.hosts import is_unencrypted
from arazzo_runner.sources.protocols import rules_of


@rule("insecure-server", "safety", trigger=Trigger(needs="exchanges"))
def insecure_server(inspection: Inspection) -> Iterator[Finding]:
    """Report, once for each source and server, credentials that are sent to another machine without encryption."""
    reported: set[tuple[str, str]] = set()
    sources = {source.name: source.at.child("url") for source in inspection.description.source_descriptions}
    for _, step, call in inspection.operation_steps():
        if call.source not in sources or (call.source, call.server) in reported:
            continue
        what = _credential(step, call) if is_unencrypted(call.server) else None
        if what:
            reported.add((call.source, call.server))
            message = f'{what} is sent to {call.server}, which is not encrypted, by step "{step.step_id}"'
            at, related = sources[call.source], (step.at.child("stepId"),)
            hint = "use the https server of the API, and name it in the description"
            yield Finding(message, at, hint, related=related)
    yield from _insecure_brokers(inspection, sources)


def _insecure_brokers(inspection: Inspection, sources: Mapping[str, Location]) -> Iterator[Finding]:
    reported: set[tuple[str, str]] = set()
    for _, step, call in inspection.message_steps():
        what = _credential_of_message(step, call) if _is_plain_broker(call) else None
        if what is None or call.source not in sources or (call.source, call.url) in reported:
            continue
        reported.add((call.source, call.url))
        message = f'{what} is sent to {_shown(call.url)}, which is not encrypted, by step "{step.step_id}"'
        hint = "use the port of the broker with TLS, and name its protocol in the description"
        yield Finding(message, sources[call.source], hint, related=(step.at.child("stepId"),))


def _is_plain_broker(call: MessageCall) -> bool:
    """Return whether messages go to another machine without TLS."""
    rules = rules_of(call.protocol)
    is_plain = bool(rules.secure) and call.protocol not in rules.secure
    return is_plain and is_unencrypted(f"http://{call.url.partition('://')[2]}")


def _shown(url: str) -> str:
    """Return a URL without user name and password."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _credential_of_message(step: CompiledStep, call: MessageCall) -> str | None:
    alternatives = (
        *(call.server.security if call.server else ()),
        *(call.operation.security if call.operation else ()),
    )
    return _parameter(step) or ("a credential of its security scheme" if any(alternatives) else None)


def _credential(step: CompiledStep, call: OperationCall) -> str | None:
    return _parameter(step) or ("a credential of its security scheme" if any(call.operation.security) else None)


def _parameter(step: CompiledStep) -> str | None:
    named = (each.name for each in step.parameters)
    return next((f'"{name}"' for name in named if name.lower() in SECRET_HEADERS or is_secret_name(name)), None)


_PASSWORD: Final = pattern(r"://[^\s/:@]*:[^\s/@]+@")


@rule("password-in-server", "safety", trigger=Trigger(needs="messages"))
def password_in_server(inspection: Inspection) -> Iterator[Finding]:
    """Report, once for each server, a password in the URL of a broker; it is masked wherever it is shown."""
    sources = {each.name: each.at.child("url") for each in inspection.description.source_descriptions}
    seen = set[tuple[str, str]]()
    for _, step, call in inspection.message_steps():
        server = call.server
        if server is None or (call.source, server.name) in seen or not _PASSWORD.search(server.url):
            continue
        seen.add((call.source, server.name))
        message = f'the URL of server "{server.name}" in source "{call.source}" has a password in it'
        hint = "describe a security scheme instead, and give the password by ARAZZO_AUTH_… variables"
        own = step.at.child("stepId")
        yield Finding(message, sources.get(call.source, own), hint, related=(own,))
