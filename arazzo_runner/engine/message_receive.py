"""One attempt at a step that receives a message: which one it takes (semantics §9).

With a correlationId it is the first one that correlates: it is judged once, so that an answer that tells of an error
fails the step at once, and a retry takes the next one. Without, nothing says that a message is meant for this run: one
that does not meet the criteria is left to other steps.
"""

from __future__ import annotations

from typing import Final

from arazzo_runner.base.json_values import MISSING, to_text
from arazzo_runner.base.records import MutableRecord, field, replace
from arazzo_runner.engine.arming import arm_of, armed, lose
from arazzo_runner.engine.attempt import Tried
from arazzo_runner.engine.checks import failed_checks
from arazzo_runner.engine.criteria import judge_all
from arazzo_runner.engine.message_checks import check_received
from arazzo_runner.engine.message_decoding import decoded, type_of_content
from arazzo_runner.engine.message_try import MessageTry, register_secrets
from arazzo_runner.engine.messages import Correlation, NoMessage, Receive, Received, Settle
from arazzo_runner.engine.resolve import CannotBuild, Unresolved, expression_text, resolve
from arazzo_runner.engine.results import MessageAwaited, MessageExchange, PassedOver, Verdict
from arazzo_runner.engine.state import Tap
from arazzo_runner.engine.waits import last_visit
from arazzo_runner.errors import Diagnostic
from arazzo_runner.expressions.scope import Message, Scope
from arazzo_runner.sources.protocols import rules_of

MOST_LOOKED_AT: Final = 20
MOST_BYTES_LOOKED_AT: Final = 1_000_000
_SHORT: Final = 0.1
"""Seconds: who writes a shorter timeout means seconds."""


class _Waiting(MutableRecord):
    """A step that waits: for how long in all, and what it has seen. Times in seconds."""

    tap: Tap
    correlation: Correlation | None
    allowed: float
    waited: float = 0.0
    after: int = -1
    foreign: int = 0
    looks: int = 0
    looked_at: list[PassedOver] = field(default_factory=list)

    @property
    def passed_over(self) -> int:
        """How many messages were passed over."""
        return self.foreign + max(0, self.looks - 1)


class _Judged(MutableRecord):
    """A message that came, and what is thought of it."""

    seen: Message
    verdicts: tuple[Verdict, ...]
    notes: tuple[Diagnostic, ...]

    @property
    def passed(self) -> bool:
        """Whether it meets the criteria and the checks."""
        return all(each.passed for each in self.verdicts)


async def try_receive(this: MessageTry) -> Tried:
    """Wait for the step's message and judge it."""
    run, scope = this.run, this.frame.scope(this.run, later=this.step.later)
    gone = _gone(this)
    try:
        correlation = _correlation(this, scope)
        tap = await armed(run, this.frame, this.step, this.time_left(gone))
    except CannotBuild as problem:
        return this.cannot(scope, problem)
    if isinstance(tap, NoMessage):
        return this.failed(replace(this.exchange(this.call.address), failure=tap), None, (), tap.elapsed_ms)
    allowed = this.time_left(gone + run.now - this.started)
    waiting = _Waiting(tap, correlation, allowed)
    has_id = correlation is not None
    run.report(
        MessageAwaited(
            this.frame.workflow.workflow_id, this.step.step_id, tap.address, allowed, has_id, this.frame.depth
        )
    )
    return await _wait(this, waiting)


def _gone(this: MessageTry) -> float:
    """Return how long the step has been waiting, from where it was written if it runs later."""
    if this.number > 1 or this.step.waits_from is None:
        return 0.0
    visit = last_visit(this.frame, this.step.step_id, this.step.waits_from)
    if visit is None or visit.step_id == this.step.step_id or not visit.attempts:
        return 0.0  # it comes, or comes again, without its place
    return max(0.0, this.started - visit.attempts[0].started)


def _correlation(this: MessageTry, scope: Scope) -> Correlation | None:
    """Return what the message must have; raises CannotBuild when the value is missing."""
    step, call = this.step, this.call
    if call.correlation is None:
        return None
    at = step.at.child("correlationId")
    try:
        value = resolve(call.correlation, scope)
    except Unresolved as missing:
        raise CannotBuild.because("missing-value", f"correlationId: {missing.expression} has no value", at) from None
    if value is MISSING or value is None:
        text = f"correlationId: {expression_text(call.correlation)} has no value"
        raise CannotBuild.because("missing-value", text, at)
    return Correlation(places=call.places, value=to_text(value), native=not call.places)


async def _wait(this: MessageTry, waiting: _Waiting) -> Tried:
    """Look at messages until one is taken, or the time is over."""
    while True:
        waiting.looks += 1
        answer = await this.run.receive(
            Receive(
                key=f"{this.key}/m{waiting.looks}",
                tap=waiting.tap.name,
                timeout=max(0.0, waiting.allowed - waiting.waited),
                correlation=waiting.correlation,
                after=waiting.after,
                at=this.step.at,
            )
        )
        waiting.waited += answer.elapsed_ms / 1000
        if waiting.correlation is not None:
            waiting.foreign += answer.passed_over
        if isinstance(answer, NoMessage):
            return await _nothing(this, waiting, answer)
        judged = _judged(this, answer)
        if waiting.correlation is not None or judged.passed:
            return await _taken(this, waiting, answer, judged)
        _pass_over(waiting, answer, judged)


def _judged(this: MessageTry, answer: Received) -> _Judged:
    run, step, message = this.run, this.step, answer.message
    seen, notes = decoded(message, this.call.messages, step.at)
    register_secrets(run, seen)
    verdicts = judge_all(step.criteria, this.scope(seen), run.options.criterion_timeout)
    kind = type_of_content(message, this.call.messages)
    findings = check_received(step, this.call, seen, kind, run.options.checks, run.unknown_formats)
    return _Judged(seen, verdicts + failed_checks(findings, step.at), notes + findings)


def _pass_over(waiting: _Waiting, answer: Received, judged: _Judged) -> None:
    failed = next(each for each in judged.verdicts if not each.passed)
    reason = f"{failed.condition} does not hold"  # and not what it has instead, which may be of others
    waiting.after = answer.index
    waiting.looked_at.append(PassedOver(message=answer.message, body=judged.seen.body, reason=reason))
    del waiting.looked_at[:-MOST_LOOKED_AT]
    while sum(len(each.message.payload) for each in waiting.looked_at) > MOST_BYTES_LOOKED_AT:
        del waiting.looked_at[0]


def _exchange(this: MessageTry, waiting: _Waiting) -> MessageExchange:
    return replace(
        this.exchange(waiting.tap.address),
        correlation=None if waiting.correlation is None else waiting.correlation.value,
        passed_over=waiting.passed_over,
        looked_at=tuple(waiting.looked_at),
    )


async def _taken(this: MessageTry, waiting: _Waiting, answer: Received, judged: _Judged) -> Tried:
    exchange = replace(_exchange(this, waiting), message=answer.message, body=judged.seen.body)
    tried = this.ended(exchange, judged.seen, judged.verdicts, judged.notes, waiting.waited * 1000)
    await this.run.settle(Settle(key=f"{this.key}/settle", tap=waiting.tap.name, token=answer.token))
    return tried


async def _nothing(this: MessageTry, waiting: _Waiting, answer: NoMessage) -> Tried:
    if answer.reason == "timeout":
        answer = replace(answer, message=_told(waiting, answer), hint=answer.hint or _to_look_at(this, waiting))
    elif answer.reason != "interrupted":
        await lose(this.run, this.frame, this.step)
    exchange = replace(_exchange(this, waiting), failure=answer, retained=answer.retained)
    return this.failed(exchange, None, (), waiting.waited * 1000)


def _to_look_at(this: MessageTry, waiting: _Waiting) -> str | None:
    """Return what to look at when no message came in time; None where criteria tell it."""
    if waiting.foreign and waiting.correlation is not None and waiting.correlation.places:
        places = " or ".join(each.text for each in waiting.correlation.places)
        return f"the correlation id is looked for at {places}, and compared exactly"
    if waiting.foreign or waiting.looked_at:
        return None
    if waiting.allowed < _SHORT and this.step.timeout is not None:
        return "timeout is in milliseconds: write 3000 for 3 s"
    after = sorted(arm_of(this.frame, this.step).after)
    if after:
        text = f'the address reads an output of "{after[0]}": what was sent before that step ended was not heard'
        if rules_of(this.call.protocol).wildcard is None:
            return text
        return f"{text}; leave out the parameter of the address, and compare in successCriteria or by correlationId"
    for visit in this.frame.results:
        for sent in (each.message for each in visit.attempts):
            if sent is not None and sent.receivers == 0:
                return f'nobody was subscribed to {sent.address} when step "{visit.step_id}" sent its message'
    return "is its sender there, at the same broker and address? what was sent before the run does not count"


def _told(waiting: _Waiting, answer: NoMessage) -> str:
    """Return in one sentence that no message came in time, and what came instead."""
    which = "no message" if waiting.correlation is None else "no message with the correlation id"
    text = f"{which} came on {waiting.tap.address} within {round(waiting.allowed, 3):g} s"
    if waiting.foreign:
        text += f"; {waiting.foreign} with other ids did"
    if waiting.looked_at:
        text += f"; {waiting.looks - 1} did that do not meet the criteria ({waiting.looked_at[-1].reason})"
    if answer.retained:
        text += f"; {answer.retained} from before the subscription do not count"
    return text
