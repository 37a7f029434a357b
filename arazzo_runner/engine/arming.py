"""Subscriptions of a workflow: made before anything can cause the messages that they are for (semantics §9).

Each is made as soon as its address is known, and anew when the steps that the address reads give another one. One
that cannot be made fails the step whose turn it is, before that sends anything, if the steps that follow it lead to
one that receives from there: what they cause could not be heard. Its failure actions follow; a retry subscribes again.
A step that only a failure leads to holds up nobody: it subscribes at its own turn, and fails there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing
from arazzo_runner.base.records import replace
from arazzo_runner.base.secrets import header_secrets
from arazzo_runner.engine.message_address import address_of, request_headers
from arazzo_runner.engine.messages import BindingsByPlace, Broker, NoMessage, Subscribe, Subscribed
from arazzo_runner.engine.resolve import CannotBuild
from arazzo_runner.engine.state import Frame, Run, Tap, Unheard
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.program.message_links import inbox_of as inbox_arm
from arazzo_runner.program.model import Arm, CompiledStep, MessageCall
from arazzo_runner.program.schemas import secret_values
from arazzo_runner.program.security import message_security
from arazzo_runner.sources.protocols import rules_of


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
    # Bindings have one name for a protocol, which has another one with TLS (AsyncAPI §Server Bindings Object).
    names = (call.protocol, *rules_of(call.protocol).names)
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


def operation_of(call: MessageCall) -> str:
    """Return where the operation of a call is described, or its channel."""
    described = call.channel if call.operation is None else call.operation
    return f"{call.description.uri}#{described.pointer}"


def arm_of(frame: Frame, step: CompiledStep) -> Arm:
    """Return the Arm of a step that receives."""
    return next(each for each in frame.workflow.arms if step.step_id in each.step_ids)


# ------------------------------------------------------------------ before steps


async def arm_ready(run: Run, frame: Frame) -> None:
    """Subscribe to every channel whose address is known by now."""
    for arm in frame.workflow.arms:
        is_known = arm.after <= frame.outputs.keys() and (arm.after or arm.name not in frame.taps)
        if is_known and run.stop is None and arm.name not in frame.unheard and _is_selected(frame, arm):
            failure = await _arm(run, frame, arm, run.options.timeout)
            why = _unheard(frame, arm, failure)
            if why is not None:
                frame.unheard[arm.name] = Unheard(why)


def _is_selected(frame: Frame, arm: Arm) -> bool:
    """Return whether a step that receives is in the part of the workflow that runs."""
    part = frame.selection
    positions = [frame.workflow.positions[each] for each in arm.step_ids]
    return any(
        part.start <= each and (part.last is None or each <= part.last) and (part.chosen is None or each in part.chosen)
        for each in positions
    )


async def why_unheard(run: Run, frame: Frame, step: CompiledStep, number: int) -> Diagnostic | None:
    """Return why a step must not begin: what it or those after it cause could not be heard; None when it may.

    A subscription that has failed the step before is tried again; other steps go on without it.
    """
    led_to = _led_to(frame, frame.workflow.positions[step.step_id])
    for name, unheard in list(frame.unheard.items()):
        arm = next(each for each in frame.workflow.arms if each.name == name)
        if unheard.failed_step not in (None, step.step_id) or led_to.isdisjoint(arm.step_ids):
            continue
        if step.step_id in arm.step_ids:
            continue  # it subscribes itself
        if unheard.failed_step is not None or number > 1:
            why = _unheard(frame, arm, await _arm(run, frame, arm, run.options.timeout))
            if why is None:
                continue
            unheard.why = why
        unheard.failed_step = step.step_id
        return unheard.why
    return None


def _led_to(frame: Frame, index: int) -> set[str]:
    """Return the steps that a step leads to unless something fails, itself included."""
    steps, last = frame.workflow.steps, frame.selection.last
    found, waiting = set[str](), [index]
    while waiting:
        index = waiting.pop()
        if index >= len(steps) or (last is not None and index > last) or steps[index].step_id in found:
            continue
        found.add(steps[index].step_id)
        waiting += _following(frame, index)
    return found


def _following(frame: Frame, index: int) -> Iterator[int]:
    """Yield the steps that may follow one that passes."""
    for action in frame.workflow.steps[index].on_success:
        if action.step_id is not None:
            yield frame.workflow.entrance(action.step_id)
        if not action.criteria:
            return
    yield index + 1


def _unheard(frame: Frame, arm: Arm, failure: CannotBuild | NoMessage | None) -> Diagnostic | None:
    """Return why a step could not receive; None for nothing, or an address that is not known yet."""
    step = frame.workflow.steps[frame.workflow.positions[arm.step_ids[0]]]
    beginning = f'step "{step.step_id}" could not receive: '
    if isinstance(failure, CannotBuild):
        found = failure.diagnostic
        return replace(found, message=beginning + found.message) if found.code == "unusable-value" else None
    if failure is None:
        return None
    code = failure.code or "not-subscribed"
    return Diagnostic(
        code=code, severity=Severity.ERROR, message=beginning + failure.message, at=step.at, hint=failure.hint
    )


# ------------------------------------------------------------------ subscriptions


async def armed(run: Run, frame: Frame, step: CompiledStep, timeout: float) -> Tap | NoMessage:
    """Return the subscription of a step whose turn it is, made now if it is not there.

    Raises CannotBuild when its address cannot be known.
    """
    arm = arm_of(frame, step)
    before = frame.taps.get(arm.name)
    answer = await _arm(run, frame, arm, timeout, step)
    if isinstance(answer, NoMessage):
        return answer
    if isinstance(answer, CannotBuild):
        raise answer
    tap = frame.taps[arm.name]
    if tap is not before:
        await run.tick(_arm_key(frame, tap.name))  # it took some of the step's time
    return tap


async def _arm(
    run: Run, frame: Frame, arm: Arm, timeout: float, step: CompiledStep | None = None
) -> CannotBuild | NoMessage | None:
    """Subscribe, unless there is the same subscription already; return why that was not possible.

    An address that cannot be known yet is of no concern before the turn of the step that receives.
    """
    step = step or frame.workflow.steps[frame.workflow.positions[arm.step_ids[0]]]
    before = frame.taps.get(arm.name)
    number = 1 if before is None else before.number + 1
    name = f"{frame.prefix}{arm.name}" if before is None else f"{frame.prefix}{arm.name}~{number}"
    try:
        effect = _subscribe(run, frame, arm, step, name, timeout)
    except CannotBuild as problem:
        return problem
    if before is not None and before.source == _source_of(effect):
        return None
    tap: Tap | NoMessage | None = _shared(frame, effect, number)
    if tap is None:
        tap = _made(run, effect, number, await run.subscribe(effect))
    if isinstance(tap, NoMessage):
        return tap
    frame.taps[arm.name] = tap
    frame.unheard.pop(arm.name, None)
    _tell_callback(run, frame, arm, tap.address)
    if before is not None and not before.is_shared:
        await run.unsubscribe(f"{_arm_key(frame, before.name)}/end", (before.name,))
    return None


def _subscribe(run: Run, frame: Frame, arm: Arm, step: CompiledStep, name: str, timeout: float) -> Subscribe:
    call, left = step.call, run.time_left()
    assert isinstance(call, MessageCall)
    scope = frame.scope(run, later=step.later)
    headers = () if arm.callbacks else request_headers(step, call, scope)
    for secret in header_secrets(headers):
        run.secrets.add(secret)
    return Subscribe(
        key=_arm_key(frame, name),
        broker=broker_of(call),
        address=call.address if arm.callbacks else address_of(step, call, scope),
        tap=name,
        headers=headers,
        bindings=bindings_of(call),
        position=_given_callback(frame, arm),
        timeout=timeout if left is None else max(0.0, min(timeout, left)),
        inbox=call.inbox,
        callback=bool(arm.callbacks),
        retained=run.options.retained,
        operation=operation_of(call),
        at=step.at,
    )


def _shared(frame: Frame, effect: Subscribe, number: int) -> Tap | None:
    """Return the same subscription of a workflow that has called this one: a message is taken by one of them."""
    outer = None if effect.inbox or effect.callback else frame.outer
    while outer is not None:
        for tap in outer.taps.values():
            if tap.source == _source_of(effect):
                return replace(tap, number=number, is_shared=True)
        outer = outer.outer
    return None


def _source_of(effect: Subscribe) -> tuple[object, ...]:
    return (effect.broker, effect.address, effect.headers, effect.bindings, effect.inbox)


def _made(run: Run, effect: Subscribe, number: int, answer: Subscribed | NoMessage) -> Tap | NoMessage:
    if isinstance(answer, NoMessage):
        where = effect.address if not effect.inbox else "an address for replies"
        return replace(answer, message=f"cannot subscribe to {where}: {answer.message}")
    run.taps.add(effect.tap)
    return Tap(effect.tap, answer.address, _source_of(effect), number)


def _given_callback(frame: Frame, arm: Arm) -> JsonValue | None:
    """Return where a webhook is expected, as a position: at the URL that an input gives; None to make one."""
    given = [frame.inputs[name] for name in arm.callbacks if name in frame.inputs and name not in frame.callbacks]
    return {"url": given[0]} if given else None


def _tell_callback(run: Run, frame: Frame, arm: Arm, url: str) -> None:
    """Make the URL of a webhook the value of the inputs that are for it and that nobody gives."""
    for name in arm.callbacks:
        if name not in frame.inputs or name in frame.callbacks:
            frame.inputs[name] = url
            frame.callbacks.add(name)
            for secret in secret_values({name: url}, frame.workflow.inputs, frame.workflow.document.raw):
                run.secrets.declare(secret)


def _arm_key(frame: Frame, tap: str) -> str:
    return f"{frame.prefix}arm/{tap.removeprefix(frame.prefix)}"


async def lose(run: Run, frame: Frame, step: CompiledStep) -> None:
    """Forget a subscription that its broker ended: a step that tries again makes a new one."""
    tap = frame.taps.get(arm_of(frame, step).name)
    if tap is None:
        return
    outer: Frame | None = frame
    while outer is not None:
        for name in [name for name, each in outer.taps.items() if each.name == tap.name]:
            del outer.taps[name]
        outer = outer.outer
    await run.unsubscribe(f"{_arm_key(frame, tap.name)}/lost", (tap.name,))


async def disarm(run: Run, frame: Frame) -> None:
    """End the subscriptions of a workflow that ends."""
    taps = [tap.name for tap in frame.taps.values() if not tap.is_shared]
    frame.taps.clear()
    if taps:
        await run.unsubscribe(f"{frame.prefix}disarm", taps)


# ------------------------------------------------------------------ replies


def inbox_of(frame: Frame, call: MessageCall) -> str | Missing:
    """Return the address that replies to a request go to, which was made for this run; MISSING for none."""
    arm = inbox_arm(frame.workflow.arms, frame.workflow.steps, call)
    tap = None if arm is None else frame.taps.get(arm.name)
    return MISSING if tap is None else tap.address
