"""One execution of a run: the interpreter inside the durable World, and what is to be said at its end."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.durable.codec import Sealed, output_seal
from arazzo_runner.durable.dbos_engine import DbosJournal
from arazzo_runner.durable.errors import refusal
from arazzo_runner.durable.job import Bundle, Job, OnEvent, Performer, keyed_by
from arazzo_runner.durable.journal import Entry, InDoubt, open_doubts
from arazzo_runner.durable.records import Decision, Doubt, RunSpec
from arazzo_runner.durable.world import DurableWorld, JournalMismatch, Terms
from arazzo_runner.engine.effects import World
from arazzo_runner.engine.results import RunResult
from arazzo_runner.program.model import Program

Decided = Mapping[str, Mapping[str, Decision]]


class Outcome(Record):
    """What an execution came to; `doubts` are the requests the run waits for a decision about.

    An `unfinished` run can be resumed.
    """

    run_id: str
    result: RunResult
    doubts: tuple[Doubt, ...] = ()
    unfinished: bool = False

    def sealed(self, spec: RunSpec) -> Sealed:
        """Return what is kept of a run that has ended, besides its journal."""
        result = self.result
        kept: JsonValue = {"status": result.status, "outputs": dict(result.outputs), "reason": result.reason}
        return Sealed(output_seal(spec.identity(self.run_id)), kept)


class Execution:
    """One execution of one run; `threaded` when it is on an event loop. `decided` holds decisions by token."""

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
        self._world: DurableWorld | None = None
        self._job = Job(spec=spec, bundle=bundle, wrap=self._wrapped, on_event=on_event, program=program)

    def run(self, performer: Performer) -> Outcome:
        """Carry the run out, in the context that DBOS gave it."""
        try:
            return self._outcome(performer.perform(self._job))
        except JournalMismatch as problem:
            raise self._mismatch(problem) from None

    async def arun(self, performer: Performer) -> Outcome:
        """The same on the running event loop."""
        try:
            return self._outcome(await performer.aperform(self._job))
        except JournalMismatch as problem:
            raise self._mismatch(problem) from None

    def _wrapped(self, program: Program, world: World) -> World:
        terms = Terms(
            run_id=self.run_id,
            execution=uuid.uuid4().hex,
            decisions=lambda token: self._decided.get(token, {}),
            keyed=keyed_by(program, self.spec),
            resend=self.spec.options.resend_unknown,
        )
        journal = DbosJournal(self._entries, self.spec.identity(self.run_id), threaded=self._threaded)
        self._world = DurableWorld(world, journal, terms)
        return self._world

    def _outcome(self, result: RunResult) -> Outcome:
        """Say whether the run has ended: not when it was interrupted, nor while an outcome is unknown."""
        world = self._world
        assert world is not None
        last = [] if world.last is None else [world.last]
        if isinstance(world.stopped, InDoubt):
            return self._waiting(result, world.stopped.doubts)
        if world.stopped is not None:
            reason = "the run was cancelled, or another process has taken it over"
            return Outcome(self.run_id, replace(result, status="interrupted", reason=reason), unfinished=True)
        if result.status in ("interrupted", "in_doubt") and (doubts := open_doubts(last)):
            return self._waiting(result, doubts)
        return Outcome(self.run_id, result, unfinished=result.status == "interrupted")

    def _waiting(self, result: RunResult, doubts: tuple[Doubt, ...]) -> Outcome:
        steps = ", ".join(f'"{doubt.step_id}"' for doubt in doubts)
        reason = f"nobody knows whether the request of step {steps} was acted on"
        return Outcome(self.run_id, replace(result, status="in_doubt", reason=reason), doubts, unfinished=True)

    def _mismatch(self, problem: JournalMismatch) -> Any:
        return refusal(
            f'the journal of run "{self.run_id}" does not fit: {problem}',
            code="journal-mismatch",
            hint=problem.hint,
        )
