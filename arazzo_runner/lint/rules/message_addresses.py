"""Steps that send or receive messages against their protocol: parameters, headers, addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import preview, to_text
from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Severity
from arazzo_runner.expressions.nodes import MessageReference
from arazzo_runner.lint.analysis.uses import BEFORE
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.context import pinpoint
from arazzo_runner.program.model import Literal, MessageCall
from arazzo_runner.sources.protocols import has_headers, rules_of, wrong_address, wrong_in_address

_QUERY: Final = ("query", "querystring")


@rule("message-parameter-place", "asyncapi", severity=Severity.ERROR, trigger=Trigger(words=("in",), needs="messages"))
def message_parameter_place(inspection: Inspection) -> Iterator[Finding]:
    """Report parameters in places that messages do not have: cookies, and the query except over HTTP and WebSocket."""
    for _, step, call in inspection.message_steps():
        for parameter in step.parameters:
            place = parameter.location
            is_url = place in _QUERY and (call.server is None or rules_of(call.protocol).is_path)
            if parameter.is_inherited or is_url or place not in ("cookie", *_QUERY):
                continue
            if f"{{{parameter.name}}}" in call.address and not parameter.is_inherited:
                continue  # reported by open-address-parameter
            what = "cookies" if place == "cookie" else f"query: an address of {_title(call)} is no URL"
            message = f'parameter "{parameter.name}" cannot be sent: messages have no {what}'
            hint = "write in: header, or in: path for a variable of the channel's address"
            yield Finding(message, parameter.at.child("in"), hint)


@rule("header-not-carried", "asyncapi", trigger=Trigger(needs="messages"))
def header_not_carried(inspection: Inspection) -> Iterator[Finding]:
    """Report headers that are given or read where messages of the protocol have none, or where nothing is sent."""
    for _, step, call in inspection.message_steps():
        for parameter in step.parameters:
            why = _why_unsent(call) if parameter.location == "header" and not parameter.is_inherited else None
            if why is not None:
                yield Finding(f'header "{parameter.name}" is not sent: {why[0]}', parameter.at, why[1])
        if _has_headers(call):
            continue
        if call.correlation is not None and call.places and all(each.part == "header" for each in call.places):
            message = f"the correlation id is described as a header: {_without_headers(call)}"
            hint = "describe a place in the payload: location: '$message.payload#/…'"
            yield Finding(message, step.at.child("correlationId"), hint)
    for use in inspection.uses:
        expression, called = use.expression, None if use.step is None else use.step.call
        if not isinstance(expression, MessageReference) or expression.part != "header" or use.role in BEFORE:
            continue
        if expression.message == "message" and isinstance(called, MessageCall) and not _has_headers(called):
            message = f"{expression} has no value: {_without_headers(called)}"
            at = pinpoint(expression, use.at, inspection.description.raw)
            yield Finding(message, at, "read a member of $message.payload")


def _why_unsent(call: MessageCall) -> tuple[str, str] | None:
    """Return why headers of a step go nowhere, and what to do; None where they are sent."""
    if call.action == "send" and not _has_headers(call):
        return _without_headers(call), "put it into the payload, or use a protocol with headers"
    if call.action == "send" or call.server is None or rules_of(call.protocol).is_path:
        return None  # to receive, they go with the request that opens the connection
    return f"a step that receives sends nothing over {_title(call)}", "remove it; correlationId chooses the message"


def _has_headers(call: MessageCall) -> bool:
    version = None if call.server is None else call.server.protocol_version
    return has_headers(call.protocol, version, call.channel.bindings)


def _without_headers(call: MessageCall) -> str:
    version = "" if call.server is None or rules_of(call.protocol).title != "MQTT" else call.server.protocol_version
    return f"messages of {_title(call)}{f' {version}' if version else ''} have no headers"


def _title(call: MessageCall) -> str:
    return rules_of(call.protocol).title


# ------------------------------------------------------------------ addresses

_VARIABLE: Final = pattern(r"\{[^{}]+\}")


@rule("unusable-address", "asyncapi", severity=Severity.ERROR, trigger=Trigger(needs="messages"))
def unusable_address(inspection: Inspection) -> Iterator[Finding]:
    """Report invalid values in the address of a channel: not in its enum, or special in its protocol."""
    for _, step, call in inspection.message_steps():
        for parameter in step.parameters:
            if parameter.location == "path" and isinstance(parameter.value, Literal):
                found = _misfit(parameter.name, to_text(parameter.value.value), call)
                if found is not None:
                    yield Finding(found[0], parameter.at.child("value"), found[1])
        wrong = _wrong_address(call)
        if wrong is not None:
            message = f"the address {preview(call.address)} of the channel {wrong}"
            hint = "correct the address in the description"
            yield Finding(message, step.at.child("stepId"), hint)


def _misfit(name: str, value: str, call: MessageCall) -> tuple[str, str] | None:
    """Return why a value cannot fill a variable, and what to write; None if it can."""
    declared = call.channel.parameters.get(name)
    if declared is not None and declared.enum and value not in declared.enum:
        message = (
            f'"{name}" of the address {preview(call.address)} is {preview(value, 40)}, which its enum does not have'
        )
        return message, f"write one of {', '.join(declared.enum[:8])}"
    wrong = wrong_in_address(call.protocol, value)
    if wrong is None or f"{{{name}}}" not in call.address:
        return None
    return f'"{name}" of the address {preview(call.address)} {wrong}', "write a value without it"


def _wrong_address(call: MessageCall) -> str | None:
    """Return why the protocol has no such address, as the end of a sentence; None if it has."""
    return None if call.inbox else wrong_address(call.protocol, _VARIABLE.sub("x", call.address), call.action)
