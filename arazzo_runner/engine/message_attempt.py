"""One attempt at a step that sends a message or receives one (Arazzo 1.1 §Step Object)."""

from __future__ import annotations

from arazzo_runner.base.json_values import MISSING, to_text
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import header_secrets
from arazzo_runner.engine.arming import arm_of, bindings_of, broker_of, tap_name
from arazzo_runner.engine.attempt import Tried
from arazzo_runner.engine.criteria import judge_all
from arazzo_runner.engine.message_build import BuiltMessage, build_message
from arazzo_runner.engine.messages import ChannelMessage, Correlation, NoMessage, Publish, Receive, Received, Settle
from arazzo_runner.engine.outputs import evaluated
from arazzo_runner.engine.resolve import CannotBuild, Unresolved, expression_text, resolve
from arazzo_runner.engine.results import Attempt, MessageExchange, Verdict
from arazzo_runner.engine.state import Frame, Run
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.scope import Message, Scope
from arazzo_runner.program.model import CompiledStep, MessageCall
from arazzo_runner.sources.http_media.media import decode_body


async def try_message(run: Run, frame: Frame, step: CompiledStep, call: MessageCall, number: int) -> Tried:
    """Send the step's message, or wait for one, and judge it."""
    key = frame.key(step.step_id)
    started = await run.tick(key)
    if call.action == "send":
        return await _try_send(_Try(run, frame, step, call, key, number, started))
    return await _try_receive(_Try(run, frame, step, call, key, number, started))


class _Try(Record):
    """An attempt under way; `started` in seconds since the epoch."""

    run: Run
    frame: Frame
    step: CompiledStep
    call: MessageCall
    key: str
    number: int
    started: float

    @property
    def timeout(self) -> float:
        """The seconds that the step may take."""
        timeout = self.step.timeout if self.step.timeout is not None else self.run.options.timeout
        left = self.run.time_left()
        return timeout if left is None else min(timeout, left)

    def exchange(self, address: str) -> MessageExchange:
        """Return the record of an exchange in which nothing has happened yet."""
        call = self.call
        return MessageExchange(
            action=call.action, source=call.source, protocol=call.protocol, url=call.url, address=address
        )

    def unbuilt(self, scope: Scope, problem: CannotBuild) -> Tried:
        """Return the outcome of an attempt for which nothing was sent."""
        attempt = Attempt(number=self.number, started=self.started, diagnostics=(problem.diagnostic,))
        return Tried(attempt, scope, {}, built=False)


# ------------------------------------------------------------------ send


async def _try_send(this: _Try) -> Tried:
    run, scope = this.run, this.frame.scope(this.run, later=this.step.later)
    try:
        built = await build_message(this.step, this.call, scope, run, this.key)
    except CannotBuild as problem:
        return this.unbuilt(scope, problem)
    _register_secrets(run, built.message, built.seen)
    exchange = replace(this.exchange(built.message.address), message=built.message, body=built.seen.body)
    if run.stop is not None:
        attempt = Attempt(number=this.number, started=this.started, message=exchange)
        return Tried(attempt, scope, {}, built=False)
    effect = Publish(
        key=this.key,
        safe=False,
        broker=broker_of(this.call),
        message=built.message,
        timeout=this.timeout,
        bindings=bindings_of(this.call),
        at=this.step.at,
    )
    answer = await run.exchange(effect)
    if isinstance(answer, NoMessage):
        return _unsent(this, built, exchange, answer)
    exchange = replace(exchange, receivers=answer.receivers)
    verdicts = judge_all(this.step.criteria, _scope(this, built.seen), run.options.criterion_timeout)
    return _ended(this, exchange, built.seen, verdicts, answer.elapsed_ms, built.notes)


def _unsent(this: _Try, built: BuiltMessage, exchange: MessageExchange, answer: NoMessage) -> Tried:
    unknown = answer.sent and not this.run.options.resend_unknown
    if unknown:
        this.run.unknown[this.key] = f"message to {built.message.address}"
    attempt = Attempt(
        number=this.number,
        started=this.started,
        message=replace(exchange, failure=answer),
        diagnostics=built.notes + _reported(this, answer),
        duration_ms=answer.elapsed_ms,
    )
    return Tried(attempt, _scope(this, built.seen), {}, unknown=unknown)


# ------------------------------------------------------------------ receive


async def _try_receive(this: _Try) -> Tried:
    run, scope = this.run, this.frame.scope(this.run, later=this.step.later)
    try:
        correlation = _correlation(this, scope)
    except CannotBuild as problem:
        return this.unbuilt(scope, problem)
    arm = arm_of(this.frame, this.step)
    exchange = this.exchange(this.frame.taps.get(arm.name, this.call.address))
    exchange = replace(exchange, correlation=None if correlation is None else correlation.value)
    tap, left, after, looked_at, elapsed = tap_name(this.frame, arm.name), this.timeout, -1, 0, 0.0
    while True:
        looked_at += 1
        effect = Receive(
            key=f"{this.key}/m{looked_at}",
            tap=tap,
            timeout=max(0.0, left - elapsed / 1000),
            correlation=correlation,
            after=after,
            at=this.step.at,
        )
        answer = await run.exchange(effect)
        elapsed += answer.elapsed_ms
        exchange = replace(exchange, passed_over=exchange.passed_over + answer.passed_over)
        if isinstance(answer, NoMessage):
            return _nothing_came(this, exchange, answer, elapsed)
        seen, note = _decoded(this, answer.message)
        verdicts = judge_all(this.step.criteria, _scope(this, seen), run.options.criterion_timeout)
        if correlation is not None or all(each.passed for each in verdicts):
            return await _taken(this, exchange, answer, seen, verdicts, elapsed, note)
        # Nothing says that a message without a correlation id is meant for this run.
        after = answer.index
        exchange = replace(exchange, passed_over=exchange.passed_over + 1)


def _correlation(this: _Try, scope: Scope) -> Correlation | None:
    """Return what the message must have; raises CannotBuild when the value is missing."""
    value = this.call.correlation
    if value is None:
        return None
    at = this.step.at.child("correlationId")
    try:
        resolved = resolve(value, scope)
    except Unresolved as missing:
        raise CannotBuild.because("missing-value", f"correlationId: {missing.expression} has no value", at) from None
    if resolved is MISSING or resolved is None:
        raise CannotBuild.because("missing-value", f"correlationId: {expression_text(value)} has no value", at)
    return Correlation(places=this.call.places, value=to_text(resolved), native=not this.call.places)


async def _taken(
    this: _Try,
    exchange: MessageExchange,
    answer: Received,
    seen: Message,
    verdicts: tuple[Verdict, ...],
    elapsed: float,
    note: tuple[Diagnostic, ...],
) -> Tried:
    arm = arm_of(this.frame, this.step)
    exchange = replace(exchange, message=answer.message, body=seen.body)
    tried = _ended(this, exchange, seen, verdicts, elapsed, note)
    await this.run.exchange(Settle(key=f"{this.key}/settle", tap=tap_name(this.frame, arm.name), token=answer.token))
    return tried


def _nothing_came(this: _Try, exchange: MessageExchange, answer: NoMessage, elapsed: float) -> Tried:
    attempt = Attempt(
        number=this.number,
        started=this.started,
        message=replace(exchange, failure=answer),
        diagnostics=_reported(this, answer),
        duration_ms=elapsed,
    )
    return Tried(attempt, _scope(this, None), {})


def _decoded(this: _Try, message: ChannelMessage) -> tuple[Message, tuple[Diagnostic, ...]]:
    """Return a message as expressions read it, decoded by its own content type, else by the described one."""
    described = next((each.content_type for each in this.call.messages if each.content_type is not None), None)
    body, note = decode_body(message.payload, message.content_type or described)
    seen = Message(headers=message.headers, body=body)
    _register_secrets(this.run, message, seen)
    if note is None:
        return seen, ()
    return seen, (Diagnostic(code="unreadable-body", severity=Severity.WARNING, message=note, at=this.step.at),)


# ------------------------------------------------------------------ both


def _ended(
    this: _Try,
    exchange: MessageExchange,
    seen: Message,
    verdicts: tuple[Verdict, ...],
    elapsed: float,
    notes: tuple[Diagnostic, ...],
) -> Tried:
    step, scope = this.step, _scope(this, seen)
    made = evaluated(
        step.outputs,
        scope,
        this.run.secrets,
        step.secret_outputs,
        owner=f'step "{step.step_id}"',
        at=step.at.child("outputs"),
    )
    passed = all(each.passed for each in verdicts)
    attempt = Attempt(
        number=this.number,
        started=this.started,
        message=exchange,
        verdicts=verdicts,
        diagnostics=notes + (made.findings if passed else ()),
        duration_ms=elapsed,
        passed=passed,
    )
    return Tried(attempt, scope, made.values, made.missing)


def _scope(this: _Try, seen: Message | None) -> Scope:
    return this.frame.scope(this.run, message=seen)


def _reported(this: _Try, answer: NoMessage) -> tuple[Diagnostic, ...]:
    if answer.code is None:
        return ()
    message = f'step "{this.step.step_id}": {answer.message}'
    return (Diagnostic(code=answer.code, severity=Severity.ERROR, message=message, at=this.step.at, hint=answer.hint),)


def _register_secrets(run: Run, message: ChannelMessage, seen: Message) -> None:
    for secret in header_secrets(message.headers):
        run.secrets.add(secret)
    run.secrets.add_named(seen.body)
