"""Which step of a workflow sends what another one waits for, as far as the descriptions and the document say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from arazzo_runner.program.model import CompiledStep, ExpressionValue, MessageCall, ObjectValue, Value
from arazzo_runner.program.values import value_references

if TYPE_CHECKING:
    from arazzo_runner.sources.channel import Place

Link: TypeAlias = Literal["reply", "channel", "correlation"]
"""Why: the awaited message is the reply to what is sent; it is sent itself; both have the same correlation id."""
_STRENGTH: Final[tuple[Link, ...]] = get_args(Link)


def senders_of(step: CompiledStep, steps: Sequence[CompiledStep]) -> list[tuple[CompiledStep, Link]]:
    """Return the steps whose message, or whose answer, one that receives waits for, with the strongest reason.

    `steps` are in order of execution; what comes after `step` counts only if nothing before it does.
    """
    call = step.call
    if not isinstance(call, MessageCall) or call.action != "receive":
        return []
    found = [(index, each, why) for index, each in enumerate(steps) if (why := _link(each, step, call)) is not None]
    own = next((index for index, each in enumerate(steps) if each.step_id == step.step_id), -1)
    likely = [each for each in found if each[0] < own] or found
    strongest = min((_STRENGTH.index(why) for _, _, why in likely), default=0)
    return [(each, why) for _, each, why in likely if _STRENGTH.index(why) == strongest]


def asks_with_id(sender: CompiledStep, receiver: CompiledStep) -> bool:
    """Return whether what is sent has the awaited correlation id where its description places correlation ids."""
    call, awaited = sender.call, receiver.call
    value = awaited.correlation if isinstance(awaited, MessageCall) else None
    if not isinstance(call, MessageCall) or not isinstance(value, ExpressionValue):
        return False
    found = [_at(sender, place) for place in call.places]
    return any(isinstance(each, ExpressionValue) and str(each.expression) == str(value.expression) for each in found)


def _at(step: CompiledStep, place: Place) -> Value | None:
    """Return the value that a step writes to a place of its message, None for nothing that is known."""
    if place.part == "header":
        name = "".join(place.pointer).lower()
        given = (each.value for each in step.parameters if each.location == "header" and each.name.lower() == name)
        return next(given, None)
    value = None if step.body is None else step.body.payload
    for token in place.pointer:
        value = (
            next((item for name, item in value.members if name == token), None)
            if isinstance(value, ObjectValue)
            else None
        )
    return value


def _link(sender: CompiledStep, receiver: CompiledStep, awaited: MessageCall) -> Link | None:
    call = sender.call
    if not isinstance(call, MessageCall) or call.action != "send":
        return None
    if call.source == awaited.source:
        if _is_reply(call, awaited):
            return "reply"
        if call.channel.pointer == awaited.channel.pointer:
            return "channel"
    value = awaited.correlation
    is_same = isinstance(value, ExpressionValue) and str(value.expression) in _sent(sender)
    return "correlation" if is_same else None


def _is_reply(call: MessageCall, awaited: MessageCall) -> bool:
    if call.reply is None:
        return False
    if call.reply.channel is not None:
        return call.reply.channel.pointer == awaited.channel.pointer
    one, other = call.operation, awaited.operation
    return one is not None and other is not None and one.pointer == other.pointer


def _sent(step: CompiledStep) -> set[str]:
    """Return the expressions of which a step's message is made."""
    values = [each.value for each in step.parameters]
    if step.body is not None:
        values += [] if step.body.payload is None else [step.body.payload]
        values += [each.value for each in step.body.replacements]
    return {str(expression) for value in values for expression in value_references(value)}
