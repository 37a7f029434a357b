"""One attempt at a step that sends a message or receives one (Arazzo 1.1 §Step Object)."""

from __future__ import annotations

from arazzo_runner.base.records import replace
from arazzo_runner.engine.arming import bindings_of, broker_of, inbox_of, operation_of
from arazzo_runner.engine.attempt import Tried
from arazzo_runner.engine.checks import errors_in
from arazzo_runner.engine.criteria import judge_all
from arazzo_runner.engine.message_build import BuiltMessage, build_message
from arazzo_runner.engine.message_checks import check_sent
from arazzo_runner.engine.message_receive import try_receive
from arazzo_runner.engine.message_try import MessageTry, register_secrets
from arazzo_runner.engine.messages import ChannelMessage, NoMessage, Publish, Published
from arazzo_runner.engine.resolve import CannotBuild
from arazzo_runner.engine.results import MessageExchange
from arazzo_runner.engine.state import Frame, Run
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.program.model import CompiledStep, MessageCall


async def try_message(run: Run, frame: Frame, step: CompiledStep, call: MessageCall, number: int) -> Tried:
    """Send the step's message, or wait for one, and judge it."""
    key = frame.key(step.step_id)
    started = await run.tick(key)
    this = MessageTry(run, frame, step, call, key, number, started)
    return await (_try_send(this) if call.action == "send" else try_receive(this))


async def _try_send(this: MessageTry) -> Tried:
    run, step, call = this.run, this.step, this.call
    scope = this.frame.scope(run, later=step.later)
    try:
        built = await build_message(step, call, scope, run, this.key, inbox_of(this.frame, call))
    except CannotBuild as problem:
        return this.cannot(scope, problem)
    register_secrets(run, built.seen)
    sent = built.message
    exchange = replace(this.exchange(sent.address), message=sent, body=built.seen.body)
    findings = check_sent(step, call, built.seen, sent.content_type, run.options.checks, run.unknown_formats)
    if errors_in(findings) or run.stop is not None:
        return this.unbuilt(scope, findings + built.notes, exchange)
    built = replace(built, notes=built.notes + findings)
    answer = await run.publish(_effect(this, sent))
    if isinstance(answer, NoMessage):
        return _unsent(this, built, exchange, answer)
    verdicts = judge_all(step.criteria, this.scope(built.seen), run.options.criterion_timeout)
    notes = built.notes + _receivers(this, exchange, answer)
    exchange = replace(exchange, receivers=answer.receivers)
    return this.ended(exchange, built.seen, verdicts, notes, answer.elapsed_ms)


def _effect(this: MessageTry, message: ChannelMessage) -> Publish:
    return Publish(
        key=this.key,
        safe=False,
        broker=broker_of(this.call),
        message=message,
        timeout=this.time_left(),
        bindings=bindings_of(this.call),
        operation=operation_of(this.call),
        at=this.step.at,
    )


def _unsent(this: MessageTry, built: BuiltMessage, exchange: MessageExchange, answer: NoMessage) -> Tried:
    unknown = answer.sent and not _repeatable(this, built.message)
    if unknown:
        this.run.unknown[this.key] = f"message to {built.message.address}"
    return this.failed(replace(exchange, failure=answer), built.seen, built.notes, answer.elapsed_ms, unknown=unknown)


def _repeatable(this: MessageTry, message: ChannelMessage) -> bool:
    # Semantics §5: what was perhaps sent is sent again only when that does no harm: receivers know it by its id.
    return this.run.options.resend_unknown or has_id(message)


def has_id(message: ChannelMessage) -> bool:
    """Return whether a message has an id by which a receiver knows that it came twice."""
    names = {name.lower() for name, _ in message.headers}
    return bool(names & {"idempotency-key", "nats-msg-id"}) or message.native.get("message_id") is not None


def _receivers(this: MessageTry, exchange: MessageExchange, answer: Published) -> tuple[Diagnostic, ...]:
    """Return a note on a message that nobody gets: it was sent, which is what the step is about."""
    if answer.receivers != 0:
        return ()
    message = f"nobody is subscribed to {exchange.address}"
    return (Diagnostic(code="no-receiver", severity=Severity.INFO, message=message, at=this.step.at),)
