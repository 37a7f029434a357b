"""Executions of a run: live, with the durable World around the one that sends, or replayed from its journal."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, cast

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.durable.codec import Sealed, output_seal
from arazzo_runner.durable.dbos_engine import DbosJournal
from arazzo_runner.durable.errors import refusal
from arazzo_runner.durable.journal import Entry, InDoubt, LostOwnership
from arazzo_runner.durable.messages import CannotSubscribe, with_lossy
from arazzo_runner.durable.records import Bundle, Decision, Doubt, Job, OnEvent, Performer, RunSpec, keyed_by
from arazzo_runner.durable.world import DurableWorld, JournalMismatch, Terms
from arazzo_runner.engine.effects import Answer, Effect, Now, World
from arazzo_runner.engine.interruption import carried, carry, partial_result
from arazzo_runner.engine.results import Event, RunResult
from arazzo_runner.program.model import Program

Decided = Mapping[str, Mapping[str, Decision]]


class Outcome(Record):
    """The outcome of an execution; `doubts` are the requests for whose decision the run waits.

    An `unfinished` run can be resumed.
    """

    run_id: str
    result: RunResult
    doubts: tuple[Doubt, ...] = ()
    unfinished: bool = False

    def sealed(self, spec: RunSpec) -> Sealed:
        """Return the output to store for a run that has ended."""
        result = self.result
        kept: JsonValue = {"status": result.status, "outputs": dict(result.outputs), "reason": result.reason}
        return Sealed(output_seal(spec.identity(self.run_id)), kept)


def outcome_of(stop: BaseException) -> Outcome | None:
    """Return the Outcome so far of a durable run that an exception interrupted; None when it had not begun."""
    outcome = carried(stop, "outcome")
    return outcome if isinstance(outcome, Outcome) else None


def carry_outcome(stop: BaseException, outcome: Outcome) -> None:
    """Put an Outcome, and its result, on the exception that interrupted the run."""
    carry(stop, outcome.result)
    carry(stop, outcome, "outcome")


def _result_of(stop: BaseException) -> RunResult:
    result = partial_result(stop)
    if result is None:
        raise stop
    return result


class Execution:
    """An execution of a run; `threaded` if on an event loop. `decided` are the decisions by token and effect key."""

    def __init__(
        self,
        run_id: str,
        spec: RunSpec,
        bundle: Bundle,
        entries: Sequence[Entry],
        *,
        decided: Decided,
        on_event: OnEvent,
        program: Program | None = None,
        threaded: bool = False,
    ) -> None:
        self.run_id = run_id
        self.spec = spec
        self._entries = entries
        self._decided = decided
        self._threaded = threaded
        self._lossless = bool(bundle.reading.get("strict"))
        self._world: DurableWorld | None = None
        self._on_event = on_event
        self._job = Job(
            spec=spec, bundle=bundle, wrap=self._wrapped, run_id=run_id, on_event=self._reported, program=program
        )

    def run(self, performer: Performer) -> Outcome:
        """Carry out the run; to be called in the context that DBOS gave it.

        What interrupts it is raised again, with the Outcome so far (`outcome_of`).
        """
        try:
            return self._outcome(performer.perform(self._job))
        except (InDoubt, LostOwnership, CannotSubscribe) as stop:
            return self._outcome(_result_of(stop))
        except KeyboardInterrupt as stop:
            self._carry(stop)
            raise
        except JournalMismatch as problem:
            raise self._mismatch(problem) from None

    async def arun(self, performer: Performer) -> Outcome:
        """Carry out the run on the running event loop."""
        import asyncio  # lazily: a blocking run does not need it

        try:
            return self._outcome(await performer.aperform(self._job))
        except (InDoubt, LostOwnership, CannotSubscribe) as stop:
            return self._outcome(_result_of(stop))
        except (KeyboardInterrupt, asyncio.CancelledError) as stop:
            self._carry(stop)
            raise
        except JournalMismatch as problem:
            raise self._mismatch(problem) from None

    def _carry(self, stop: BaseException) -> None:
        """Put the outcome, and its result, on what interrupted the run."""
        result = partial_result(stop)
        if result is not None:
            carry_outcome(stop, self._outcome(result))

    def _wrapped(self, program: Program, world: World) -> World:
        terms = Terms(
            run_id=self.run_id,
            execution=uuid.uuid4().hex,
            decisions=lambda token: self._decided.get(token, {}),
            keyed=keyed_by(program, self.spec),
            keyed_messages=self.spec.idempotency_keys,
            lossless=self._lossless,
            resend=self.spec.options.resend_unknown,
        )
        journal = DbosJournal(self._entries, self.spec.identity(self.run_id), threaded=self._threaded)
        self._world = DurableWorld(world, journal, terms)
        return self._world

    def _reported(self, event: Event, secrets: Secrets) -> None:
        """Report an event; the first comes before anything is sent."""
        if self._world is not None:
            self._world.secrets = secrets
        self._on_event(event, secrets)

    def _outcome(self, result: RunResult) -> Outcome:
        """Return the outcome: unfinished if the run was interrupted, or an outcome is unknown."""
        world = self._world
        assert world is not None
        result = with_lossy(result, world.lossy)
        if isinstance(world.stopped, InDoubt):
            return self._waiting(result, world.stopped.doubts)
        if world.stopped is not None:
            reason = "the run was cancelled, or another process has taken it over"
            if isinstance(world.stopped, CannotSubscribe):
                reason = world.stopped.reason
            return Outcome(self.run_id, replace(result, status="interrupted", reason=reason), unfinished=True)
        if result.status in ("interrupted", "in_doubt") and (doubts := world.doubts):
            return self._waiting(result, doubts)
        return Outcome(self.run_id, result, unfinished=result.status == "interrupted")

    def _waiting(self, result: RunResult, doubts: tuple[Doubt, ...]) -> Outcome:
        steps = ", ".join(f'"{doubt.step_id}"' for doubt in doubts)
        is_message = any(doubt.is_message for doubt in doubts)
        what = "message of step {} may have been sent" if is_message else "request of step {} may have been acted on"
        reason = f"the {what.format(steps)}"
        return Outcome(self.run_id, replace(result, status="in_doubt", reason=reason), doubts, unfinished=True)

    def _mismatch(self, problem: JournalMismatch) -> Any:
        return refusal(
            f'the journal of run "{self.run_id}" does not match: {problem}',
            code="journal-mismatch",
            hint=problem.hint,
        )


# ------------------------------------------------------------------ replay


class JournalEnds(KeyboardInterrupt):
    """The replay has reached the end of the journal."""


class _ReadOnlyJournal:
    """A journal that is only read."""

    interrupt: BaseException | None = None

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self._read = 0

    async def append(self, name: str, value: JsonValue) -> Any:
        """Return the next entry; raises JournalEnds."""
        if self._read == len(self.entries):
            raise JournalEnds
        self._read += 1
        return self.entries[self._read - 1].value


class _StoppedWorld:
    """The World after the end of a journal: its clock is stopped."""

    def __init__(self, clock: float) -> None:
        self._clock = clock

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Return the time of the journal's end; raises JournalEnds for other effects."""
        if isinstance(effect, Now):
            return cast(Answer, self._clock)
        raise JournalEnds


def replay(run_id: str, spec: RunSpec, bundle: Bundle, entries: Sequence[Entry], performer: Performer) -> RunResult:
    """Return the result of a run so far, without sending or recording anything; `interrupted` if it has not ended."""
    ticks = [tick for entry in entries for tick in entry.value["now"]]
    world = _StoppedWorld(max(ticks, default=0.0))

    def wrap(program: Any, inner: Any) -> DurableWorld:
        terms = Terms(
            run_id=run_id,
            execution="replay",
            decisions=lambda token: {},
            keyed=keyed_by(program, spec),
            keyed_messages=spec.idempotency_keys,
            resend=spec.options.resend_unknown,
            only_shown=True,
        )
        shown.append(DurableWorld(inner, _ReadOnlyJournal(entries), terms))
        return shown[-1]

    def reported(event: Event, secrets: Secrets) -> None:
        shown[-1].secrets = secrets

    shown: list[DurableWorld] = []
    try:
        return performer.perform(Job(spec=spec, bundle=bundle, wrap=wrap, on_event=reported, world=world))
    except (JournalEnds, InDoubt) as end:
        return _result_of(end)
