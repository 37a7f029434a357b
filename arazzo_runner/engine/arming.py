"""Subscriptions of a workflow: made before anything can cause the messages that they are for (semantics §9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.engine.message_build import build_address
from arazzo_runner.engine.messages import BindingsByPlace, Broker, NoMessage, Subscribe, Unsubscribe
from arazzo_runner.engine.resolve import CannotBuild
from arazzo_runner.engine.state import Frame, Run, Stop
from arazzo_runner.program.model import Arm, CompiledStep, MessageCall
from arazzo_runner.program.security import message_security


def broker_of(call: MessageCall) -> Broker:
    """Return where the messages of a call go to and come from."""
    server = call.server
    return Broker(
        source=call.source,
        server="" if server is None else server.name,
        protocol=call.protocol,
        url=call.url,
        protocol_version=None if server is None else server.protocol_version,
        security=message_security(call),
        schemes=call.description.security_schemes,
    )


def bindings_of(call: MessageCall) -> BindingsByPlace:
    """Return the binding objects of the call's protocol, and with `message` the content type of its messages."""
    owners = {
        "server": call.server, "channel": call.channel, "operation": call.operation,
        "message": call.messages[0] if call.messages else None,
    }  # fmt: skip
    names = (call.protocol, _WITHOUT_TLS.get(call.protocol, call.protocol))
    found: dict[str, Mapping[str, JsonValue]] = {}
    for place, owner in owners.items():
        bindings = {} if owner is None else owner.bindings
        binding = next((bindings[name] for name in names if isinstance(bindings.get(name), Mapping)), None)
        if binding is not None:
            found[place] = binding
    described = next((each.content_type for each in call.messages if each.content_type is not None), None)
    if described is not None:
        found["message"] = {**found.get("message", {}), "contentType": described}
    return found  # type: ignore[return-value]


_WITHOUT_TLS: Final = {
    "amqps": "amqp", "https": "http", "kafka-secure": "kafka", "mqtts": "mqtt", "nats-secure": "nats",
    "rediss": "redis", "redis-secure": "redis", "secure-mqtt": "mqtt", "secure-redis": "redis", "wss": "ws",
}  # fmt: skip
"""Bindings have the name of the protocol without TLS (AsyncAPI §Server Bindings Object)."""


async def arm_ready(run: Run, frame: Frame) -> None:
    """Subscribe to every channel whose address is known by now; one that cannot be ends the run.

    What a later step would cause is lost without the subscription, so nothing more is sent.
    """
    for arm in frame.workflow.arms:
        if run.stop is None and arm.name not in frame.taps and arm.after <= frame.outputs.keys():
            await _arm(run, frame, arm)


async def _arm(run: Run, frame: Frame, arm: Arm) -> None:
    step = frame.workflow.steps[frame.workflow.positions[arm.step_ids[0]]]
    assert isinstance(step.call, MessageCall)
    failure = await _subscribed(run, frame, arm, step, step.call)
    if failure is not None:
        run.stop = run.stop or Stop("failed", f'step "{step.step_id}": {failure}')


async def _subscribed(run: Run, frame: Frame, arm: Arm, step: CompiledStep, call: MessageCall) -> str | None:
    """Subscribe; return why it was not possible."""
    try:
        address = build_address(step, call, frame.scope(run))
    except CannotBuild as problem:
        return problem.diagnostic.message
    effect = Subscribe(
        key=f"{frame.prefix}arm/{arm.name}",
        broker=broker_of(call),
        address=address,
        tap=tap_name(frame, arm.name),
        bindings=bindings_of(call),
        timeout=run.options.timeout,
        retained=run.options.retained,
        at=step.at,
    )
    answer = await run.exchange(effect)
    if isinstance(answer, NoMessage):
        return f"cannot subscribe to {address}: {answer.message}"
    frame.taps[arm.name] = answer.address
    return None


def tap_name(frame: Frame, name: str) -> str:
    """Return the name of a subscription within the run."""
    return f"{frame.prefix}{name}"


def arm_of(frame: Frame, step: CompiledStep) -> Arm:
    """Return the Arm of a step that receives."""
    return next(each for each in frame.workflow.arms if step.step_id in each.step_ids)


async def disarm(run: Run, frame: Frame) -> None:
    """End the subscriptions of a workflow that ends, however it does."""
    if frame.taps:
        taps = tuple(tap_name(frame, name) for name in frame.taps)
        await run.exchange(Unsubscribe(key=f"{frame.prefix}disarm", taps=taps))
