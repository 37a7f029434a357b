"""The subscriptions that a workflow needs, and after which steps each can begin (semantics §9)."""

from __future__ import annotations

from collections.abc import Iterable

from arazzo_runner.program.model import Arm, CompiledStep, MessageCall
from arazzo_runner.program.values import steps_read, value_references


def arms_of(steps: Iterable[CompiledStep]) -> tuple[Arm, ...]:
    """Return one Arm for each channel and address that steps receive from, in the order of its first step."""
    found: dict[tuple[object, ...], list[CompiledStep]] = {}
    for step in steps:
        call = step.call
        if isinstance(call, MessageCall) and call.action == "receive":
            found.setdefault(_subscription(step, call), []).append(step)
    return tuple(
        Arm(
            name=each[0].step_id,
            step_ids=tuple(step.step_id for step in each),
            after=frozenset().union(*map(_read_by_address, each)),
        )
        for each in found.values()
    )


def _subscription(step: CompiledStep, call: MessageCall) -> tuple[object, ...]:
    """Return what makes two steps share a subscription."""
    filled = tuple((each.name, repr(each.value)) for each in step.parameters if each.location == "path")
    return call.url, call.channel.pointer, call.address, filled


def _read_by_address(step: CompiledStep) -> frozenset[str]:
    values = [each.value for each in step.parameters if each.location == "path"]
    return steps_read(expression for value in values for expression in value_references(value))
