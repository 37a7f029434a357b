"""The parameters of a step that sends or receives a message, and the address of its channel (semantics §9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing, preview, to_text
from arazzo_runner.base.patterns import pattern
from arazzo_runner.engine.absent import missing_value
from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.message_places import read_place
from arazzo_runner.engine.resolve import CannotBuild, Unresolved, expression_text, may_be_left_out, resolve
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.scope import Message, Scope
from arazzo_runner.program.model import CompiledParameter, CompiledStep, MessageCall
from arazzo_runner.sources.protocols import in_address, rules_of, wrong_address, wrong_in_address

_VARIABLE: Final = pattern(r"\{([^{}]+)\}")
_CONTROL: Final = pattern(r"[\x00\r\n\ud800-\udfff]")


def address_of(step: CompiledStep, call: MessageCall, scope: Scope, sent: Message | None = None) -> str:
    """Return the address of a step's channel, its variables filled in; raises CannotBuild.

    `sent` is the message of a step that sends: variables may be described as parts of it. Of a step that receives
    one without a value is the wildcard of the protocol. Where an inbox is made this is what its name is made of.
    """
    if call.inbox:
        return call.channel.key
    given = values_of(step, scope, "path")

    def value_of(name: str) -> str:
        value = given.get(name, MISSING)
        if value is MISSING:
            value = _described(call, name, sent)
        if value is MISSING:
            wildcard = rules_of(call.protocol).wildcard if call.action == "receive" else None
            if wildcard is None:
                raise _open(step, call, name)
            return wildcard
        return _checked(step, call, name, value)

    address = _VARIABLE.sub(lambda match: value_of(match[1]), call.address)
    wrong = wrong_address(call.protocol, address, call.action)
    if wrong is not None:
        raise CannotBuild.because("unusable-value", f"the address {preview(address, 100)} {wrong}", step.at)
    return address + _query(step, call, scope)


def _described(call: MessageCall, name: str, sent: Message | None) -> JsonValue | Missing:
    """Return the value that the description gives a variable: a part of the message that is sent, or its default."""
    declared = call.channel.parameters.get(name)
    if declared is None:
        return MISSING
    found = MISSING if sent is None or declared.location is None else read_place(sent, declared.location)
    if found is not MISSING and found is not None:
        return found
    return MISSING if declared.default is None else declared.default


def _open(step: CompiledStep, call: MessageCall, name: str) -> CannotBuild:
    message = f'the variable "{name}" of the address {preview(call.address)} has no value'
    hint = f"add a parameter with name: {name}, in: path"
    return CannotBuild.because("open-address-parameter", message, step.at, hint)


def _checked(step: CompiledStep, call: MessageCall, name: str, value: JsonValue) -> str:
    """Return a value as it is written into an address; raises CannotBuild for one that would change its meaning."""
    parameter = next((each for each in step.parameters if (each.name, each.location) == (name, "path")), None)
    at = step.at if parameter is None else parameter.at
    if value is None or isinstance(value, (dict, list)):
        kind = "null" if value is None else "no text"
        raise CannotBuild.because("unusable-value", f'the variable "{name}" of the address is {kind}', at)
    text = to_text(value)
    declared = call.channel.parameters.get(name)
    if declared is not None and declared.enum and text not in declared.enum:
        message = f'the variable "{name}" of the address takes {", ".join(declared.enum[:8])}, not {preview(text)}'
        raise CannotBuild.because("unusable-value", message, at)
    wrong = wrong_in_address(call.protocol, text)
    if wrong is not None:
        raise CannotBuild.because("unusable-value", f'the variable "{name}" of the address {wrong}', at)
    return in_address(call.protocol, text)


def _query(step: CompiledStep, call: MessageCall, scope: Scope) -> str:
    """Return the query string of the step's parameters; only where an address is a path of a URL can it have one."""
    is_path = rules_of(call.protocol).is_path
    found = values_of(step, scope, "query", own_only=not is_path)
    if not found:
        return ""
    if not is_path:
        message = f'{rules_of(call.protocol).title} has no query parameters, and the step has "{next(iter(found))}"'
        raise CannotBuild.because("unusable-value", message, step.at, "write in: header, or in: path")
    try:
        pairs = [f"{quote(name, safe='')}={quote(to_text(value), safe='')}" for name, value in found.items()]
    except UnicodeEncodeError:
        raise CannotBuild.because("unusable-value", "a query parameter contains half of a character", step.at) from None
    return ("&" if "?" in call.address else "?") + "&".join(pairs)


def values_of(
    step: CompiledStep, scope: Scope, location: str, notes: list[Diagnostic] | None = None, *, own_only: bool = False
) -> dict[str, JsonValue]:
    """Return the values of the step's parameters of one location, by name; raises CannotBuild for a missing one.

    What is not part of the address is left out when its value is an input that was not given; `notes` get that.
    `own_only` leaves out the parameters of the workflow, which may be for steps of another kind.
    """
    found: dict[str, JsonValue] = {}
    for parameter in step.parameters:
        if parameter.location != location or (own_only and parameter.is_inherited):
            continue
        value = _value(parameter, scope)
        if value is not MISSING:
            found[parameter.name] = value
        elif notes is not None:
            text = expression_text(parameter.value)
            message = f'{text} has no value; {location} parameter "{parameter.name}" is left out'
            notes.append(Diagnostic(code="left-out", severity=Severity.INFO, message=message, at=parameter.at))
    return found


def request_headers(step: CompiledStep, call: MessageCall, scope: Scope) -> Headers:
    """Return the headers of the request that opens a subscription, over HTTP and WebSocket; raises CannotBuild."""
    return header_pairs(values_of(step, scope, "header"), step) if rules_of(call.protocol).is_path else ()


def header_pairs(values: Mapping[str, JsonValue], step: CompiledStep) -> Headers:
    """Return headers as text; raises CannotBuild for what would be more than one line."""
    pairs = tuple((name, to_text(value)) for name, value in values.items())
    for pair in pairs:
        if any(_CONTROL.search(text) for text in pair):
            message = f"the header {preview(pair[0])} has a line break, a NUL or half of a character in it"
            raise CannotBuild.because("unusable-value", message, step.at)
    return pairs


def _value(parameter: CompiledParameter, scope: Scope) -> JsonValue | Missing:
    what = f'{parameter.location} parameter "{parameter.name}"'
    try:
        value = resolve(parameter.value, scope)
    except Unresolved as missing:
        raise missing_value(missing.expression, missing.value, scope, what, parameter.at) from None
    is_optional = parameter.location != "path" and may_be_left_out(parameter.value, scope)
    if value is MISSING and not is_optional:
        raise missing_value(expression_text(parameter.value), parameter.value, scope, what, parameter.at)
    return value
