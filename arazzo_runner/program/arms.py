"""The subscriptions that a workflow needs, and after which steps each can begin (semantics §9)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from arazzo_runner.base.json_values import to_json
from arazzo_runner.program.model import Arm, CompiledParameter, CompiledStep, MessageCall
from arazzo_runner.program.values import steps_read, value_references
from arazzo_runner.sources.operation import VARIABLE
from arazzo_runner.sources.protocols import rules_of

CALLBACK: Final = "callbackUrl"
"""The input that is the URL of the first webhook of a workflow; `callbackUrl_<stepId>` is that of another one."""


def arms_of(steps: Iterable[CompiledStep], inputs: Collection[str]) -> tuple[Arm, ...]:
    """Return one Arm for each subscription that steps receive from, in the order of its first step.

    `inputs` are the names of those that the workflow declares.
    """
    found: dict[tuple[object, ...], list[tuple[CompiledStep, MessageCall]]] = {}
    for step in steps:
        call = step.call
        if isinstance(call, MessageCall) and call.action == "receive":
            found.setdefault(_subscription(step, call), []).append((step, call))
    arms, has_webhook = list[Arm](), False
    for each in found.values():
        step_ids = tuple(step.step_id for step, _ in each)
        is_hook = is_webhook(each[0][1])
        names = (*(() if has_webhook else (CALLBACK,)), *(f"{CALLBACK}_{name}" for name in step_ids))
        callbacks = tuple(name for name in names if name in inputs) if is_hook else ()
        read = (_read_to_subscribe(step, call) for step, call in each)
        after = frozenset[str]() if callbacks else frozenset[str]().union(*read)  # others post to any address
        arms.append(Arm(name=step_ids[0], step_ids=step_ids, after=after, inbox=each[0][1].inbox, callbacks=callbacks))
        has_webhook = has_webhook or is_hook
    return tuple(arms)


def is_webhook(call: MessageCall) -> bool:
    """Return whether the messages of a step that receives are posted to the run, which listens for them."""
    if call.protocol not in ("http", "https"):
        return False
    if call.inbox:
        return True
    described = next((each.content_type for each in call.messages if each.content_type is not None), "")
    return described.partition(";")[0].strip().lower() != "text/event-stream" and _method(call) != "GET"


def _method(call: MessageCall) -> str:
    for owner in (call.operation, call.channel, call.server):
        binding = {} if owner is None else owner.bindings.get(call.protocol, owner.bindings.get("http", {}))
        if isinstance(binding, dict) and "method" in binding:
            return str(binding["method"]).upper()
    return ""


def _subscription(step: CompiledStep, call: MessageCall) -> tuple[object, ...]:
    """Return the key by which steps share a subscription: its address and its bindings."""
    operation = call.operation
    bindings = {} if operation is None else operation.bindings.get(call.protocol, {})
    owner = operation.pointer if call.inbox and operation is not None else ""
    filled = sorted((str(each.location), each.name, repr(each.value)) for each in _of_subscription(step, call))
    return (call.source, call.url, call.channel.pointer, call.address, to_json(bindings), owner, *filled)


def _of_subscription(step: CompiledStep, call: MessageCall) -> Iterator[CompiledParameter]:
    """Yield the parameters that a subscription is made with: variables of the address, over HTTP the request's too."""
    names = VARIABLE.findall(call.address)
    for each in step.parameters:
        if (each.location == "path" and each.name in names) or (
            each.location in ("query", "header") and rules_of(call.protocol).is_path
        ):
            yield each


def _read_to_subscribe(step: CompiledStep, call: MessageCall) -> frozenset[str]:
    values = [each.value for each in _of_subscription(step, call)]
    return steps_read(expression for value in values for expression in value_references(value))
