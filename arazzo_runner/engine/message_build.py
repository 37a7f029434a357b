"""CompiledStep + Scope → ChannelMessage: address, headers, key, payload (semantics §9)."""

from __future__ import annotations

from arazzo_runner.base.json_values import MISSING, JsonValue, to_text
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.engine.absent import missing_value
from arazzo_runner.engine.body import UnusableBody, build_body
from arazzo_runner.engine.files import named_files
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.engine.resolve import CannotBuild, Unresolved, resolve
from arazzo_runner.engine.state import Run
from arazzo_runner.errors import Diagnostic
from arazzo_runner.expressions.scope import Message, Scope
from arazzo_runner.program.model import CompiledStep, MessageCall

_VARIABLE = pattern(r"\{([^{}]+)\}")


class BuiltMessage(Record):
    """A message, and what expressions refer to as `$message`; `notes` say what was left out."""

    message: ChannelMessage
    seen: Message
    notes: tuple[Diagnostic, ...] = ()


async def build_message(step: CompiledStep, call: MessageCall, scope: Scope, run: Run, key: str) -> BuiltMessage:
    """Return the message that a step sends; raises CannotBuild when a value is missing or cannot be sent.

    Files that the payload names are read through the run's World; `key` is the effect key of the message.
    """
    headers = tuple((name, to_text(value)) for name, value in _parameters(step, scope, "header").items())
    body: JsonValue = MISSING
    payload: bytes | None = None
    content_type: str | None = None
    if step.body is not None:
        try:
            files = named_files(run, step.body, scope)
            body, payload, content_type = await build_body(step.body, None, scope, key, files)
        except UnusableBody as problem:
            raise CannotBuild.because(problem.code, problem.message, problem.at, problem.hint) from None
        except Unresolved as missing:
            raise missing_value(missing.expression, missing.value, scope, "the payload", step.body.at) from None
    message = ChannelMessage(
        address=build_address(step, call, scope), payload=payload or b"", headers=headers, content_type=content_type
    )
    return BuiltMessage(message, Message(headers=headers, body=body))


def build_address(step: CompiledStep, call: MessageCall, scope: Scope) -> str:
    """Return the address of a step's channel, its variables filled in; raises CannotBuild."""
    given = _parameters(step, scope, "path")

    def value_of(name: str) -> str:
        declared = call.channel.parameters.get(name)
        value = given.get(name, MISSING if declared is None or declared.default is None else declared.default)
        if value is MISSING:
            message = f'the variable "{name}" of the address "{call.address}" has no value'
            hint = f"add a parameter with name: {name}, in: path"
            raise CannotBuild.because("open-address-parameter", message, step.at, hint)
        return to_text(value)

    return _VARIABLE.sub(lambda match: value_of(match[1]), call.address)


def _parameters(step: CompiledStep, scope: Scope, location: str) -> dict[str, JsonValue]:
    """Return the values of the step's parameters of one location, by name."""
    found: dict[str, JsonValue] = {}
    for parameter in step.parameters:
        if parameter.location != location:
            continue
        what = f'{location} parameter "{parameter.name}"'
        try:
            value = resolve(parameter.value, scope)
        except Unresolved as missing:
            raise missing_value(missing.expression, missing.value, scope, what, parameter.at) from None
        if value is MISSING:
            raise missing_value(parameter.name, parameter.value, scope, what, parameter.at)
        found[parameter.name] = value
    return found
