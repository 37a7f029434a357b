"""An attempt at a step that sends or receives a message: what sending and receiving have in common."""

from __future__ import annotations

from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import header_secrets
from arazzo_runner.engine.attempt import Tried
from arazzo_runner.engine.messages import NoMessage
from arazzo_runner.engine.outputs import evaluated
from arazzo_runner.engine.resolve import CannotBuild
from arazzo_runner.engine.results import Attempt, MessageExchange, Verdict
from arazzo_runner.engine.state import Frame, Run
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.scope import Message, Scope
from arazzo_runner.program.model import CompiledStep, MessageCall


class MessageTry(Record):
    """An attempt under way; `started` in seconds since the epoch."""

    run: Run
    frame: Frame
    step: CompiledStep
    call: MessageCall
    key: str
    number: int
    started: float

    def time_left(self, gone: float = 0.0) -> float:
        """Return the seconds that the step may take when some are gone: at most what the run has left."""
        timeout = self.step.timeout if self.step.timeout is not None else self.run.options.timeout
        left = self.run.time_left()
        return max(0.0, timeout - gone if left is None else min(timeout - gone, left))

    def exchange(self, address: str) -> MessageExchange:
        """Return the record of an exchange in which nothing has happened yet."""
        call = self.call
        return MessageExchange(
            action=call.action, source=call.source, protocol=call.protocol, url=call.url, address=address
        )

    def scope(self, seen: Message | None) -> Scope:
        """Return what expressions can refer to when a message was sent or came."""
        return self.frame.scope(self.run, message=seen)

    def unbuilt(self, scope: Scope, findings: tuple[Diagnostic, ...], exchange: MessageExchange | None = None) -> Tried:
        """Return the outcome of an attempt for which nothing was sent."""
        attempt = Attempt(number=self.number, started=self.started, message=exchange, diagnostics=findings)
        return Tried(attempt, scope, {}, built=False)

    def cannot(self, scope: Scope, problem: CannotBuild) -> Tried:
        """Return the outcome of an attempt whose message, or address, cannot be built."""
        return self.unbuilt(scope, (problem.diagnostic,))

    def failed(
        self, exchange: MessageExchange, seen: Message | None, notes: tuple[Diagnostic, ...], elapsed: float,
        *, unknown: bool = False,
    ) -> Tried:  # fmt: skip
        """Return the outcome of an attempt that sent nothing for certain, or got nothing."""
        assert exchange.failure is not None
        attempt = Attempt(
            number=self.number,
            started=self.started,
            message=exchange,
            diagnostics=notes + self._reported(exchange.failure),
            duration_ms=elapsed,
        )
        return Tried(attempt, self.scope(seen), {}, unknown=unknown)

    def _reported(self, answer: NoMessage) -> tuple[Diagnostic, ...]:
        if answer.code is None:
            return ()
        message, at = f'step "{self.step.step_id}": {answer.message}', self.step.at
        return (Diagnostic(code=answer.code, severity=Severity.ERROR, message=message, at=at, hint=answer.hint),)

    def ended(
        self,
        exchange: MessageExchange,
        seen: Message,
        verdicts: tuple[Verdict, ...],
        notes: tuple[Diagnostic, ...],
        elapsed: float,
    ) -> Tried:
        """Return the outcome of an attempt that sent its message, or got it."""
        step, scope = self.step, self.scope(seen)
        made = evaluated(
            step.outputs, scope, self.run.secrets, step.secret_outputs,
            owner=f'step "{step.step_id}"', at=step.at.child("outputs"),
        )  # fmt: skip
        passed = all(each.passed for each in verdicts)
        attempt = Attempt(
            number=self.number,
            started=self.started,
            message=exchange,
            verdicts=verdicts,
            diagnostics=notes + (made.findings if passed else ()),
            duration_ms=elapsed,
            passed=passed,
        )
        return Tried(attempt, scope, made.values, made.missing)


def register_secrets(run: Run, seen: Message) -> None:
    """Keep the secrets of a message out of reports."""
    for secret in header_secrets(seen.headers):
        run.secrets.add(secret)
    run.secrets.add_named(seen.body)
