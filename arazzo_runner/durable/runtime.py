"""The Runtime: starts durable runs, goes on with them, says how they stand, takes a person's decisions."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

from arazzo_runner.base.records import MutableRecord, Record
from arazzo_runner.durable.answers import decision_from_json, decision_to_json
from arazzo_runner.durable.bundle import Bundle
from arazzo_runner.durable.codec import Codec
from arazzo_runner.durable.dbos_engine import Engine, make_tables
from arazzo_runner.durable.dbos_guard import ForeignRowsRefused
from arazzo_runner.durable.execution import Execution, Outcome
from arazzo_runner.durable.host import Host, Parked
from arazzo_runner.durable.journal import Entry, open_doubts
from arazzo_runner.durable.keys import journal_keys
from arazzo_runner.durable.ownership import Ownership
from arazzo_runner.durable.performing import OnEvent, Performer
from arazzo_runner.durable.records import Decision, RunSpec, RunStatus
from arazzo_runner.durable.refusal import refusal
from arazzo_runner.durable.replay import replay
from arazzo_runner.durable.rows import Rows
from arazzo_runner.durable.status import is_alive, listed_status, status_of
from arazzo_runner.durable.store import Store
from arazzo_runner.engine.results import RunResult
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.program.model import Program


class Shown(Record):
    """A run read again: how it stands, what it is, its journal, and what it came to so far."""

    status: RunStatus
    spec: RunSpec
    bundle: Bundle
    entries: tuple[Entry, ...]
    result: RunResult


class Runtime:
    """Durable runs of one store; a context manager, one at a time in a process.

    `performer` loads documents and walks steps (the API does), `environment` may hold the journal
    key. Every method raises InvalidUsage when it cannot do what is asked.
    """

    def __init__(self, store: Store, performer: Performer, environment: Mapping[str, str]) -> None:
        self.store = store
        try:
            store.prepare()
        except OSError as problem:
            message = f"the folder of {store.shown} cannot be made: {problem.strerror or problem}"
            raise refusal(message, code="invalid-store", hint="name a place that can be written with --store") from None
        self.codec = Codec(journal_keys(store, environment))
        self._guard = ForeignRowsRefused()
        self.performer = performer
        self._engine: Engine | None = None
        self._rows: Rows | None = None
        self._bundles: dict[str, Bundle] = {}
        self._lock = threading.RLock()  # runs on an event loop begin in threads, many at once

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop; runs that are under way stay unfinished."""
        if self._rows is not None:
            self._rows.close()
            self._rows = None
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        self._guard.close()

    @property
    def rows(self) -> Rows:
        """The records of the store."""
        with self._lock:
            if self._rows is None:
                self._rows = self._read_rows()
            return self._rows

    def _read_rows(self) -> Rows:
        """Return the records; a store of an earlier DBOS is brought up to date, what is no store of ours refused."""
        rows = Rows(self.store, self.codec)
        try:
            if self._engine is None and rows.is_older():
                self.make_tables()
            rows.there()
        except BaseException:
            rows.close()
            raise
        return rows

    # ------------------------------------------------------------------ running here

    def start(
        self, spec: RunSpec, bundle: Bundle, *, run_id: str, on_event: OnEvent, program: Program | None = None
    ) -> Outcome:
        """Begin a run and carry it out in this thread."""
        return self._carried_out(self._begun(spec, bundle, run_id, on_event, program, threaded=False))

    async def astart(
        self, spec: RunSpec, bundle: Bundle, *, run_id: str, on_event: OnEvent, program: Program | None = None
    ) -> Outcome:
        """Begin a run and carry it out on the running event loop; several may go on at once."""
        begin = partial(self._begun, spec, bundle, run_id, on_event, program, threaded=True)
        return await self._acarried_out(await asyncio.to_thread(begin))

    def resume(self, run_id: str, *, on_event: OnEvent) -> Outcome:
        """Go on with a run that nobody carries out, in this thread."""
        return self._carried_out(self._taken_up(run_id, on_event, threaded=False))

    async def aresume(self, run_id: str, *, on_event: OnEvent) -> Outcome:
        """Go on with a run that nobody carries out, on the running event loop."""
        return await self._acarried_out(await asyncio.to_thread(self._taken_up, run_id, on_event, threaded=True))

    def _begun(
        self,
        spec: RunSpec,
        bundle: Bundle,
        run_id: str,
        on_event: OnEvent,
        program: Program | None,
        *,
        threaded: bool,
    ) -> _Turn:
        """Record a new run, which DBOS then begins."""
        ownership = self._owned(run_id, spec.document)
        try:
            job = Execution(run_id, spec, bundle, [], decided={}, on_event=on_event, program=program, threaded=threaded)
            with self._lock:
                engine = self._launched()
                self.keep(bundle)
                return _Turn(engine, engine.begin(run_id, spec.to_json()), job, ownership)
        except BaseException:
            ownership.let_go(ended=True)
            raise

    def _taken_up(self, run_id: str, on_event: OnEvent, *, threaded: bool) -> _Turn:
        """Take an unfinished run to this process, where DBOS then begins it; by a queue that nobody else listens to."""
        spec, bundle = self._resumable(run_id)
        ownership = self._owned(run_id, spec.document)
        try:
            entries = self.rows.entries(run_id, spec)
            decided = self.decided(run_id, entries)
            job = Execution(run_id, spec, bundle, entries, decided=decided, on_event=on_event, threaded=threaded)
            with self._lock:
                self._check_idle(run_id)
                queue = self.rows.own_queue(run_id)
                engine = self._launched(queue)
                return _Turn(engine, engine.take_over(run_id, queue), job, ownership, queue)
        except BaseException:
            ownership.let_go(ended=False)
            raise

    def _carried_out(self, turn: _Turn) -> Outcome:
        outcome: Outcome | None = None
        try:
            outcome = turn.engine.in_context(turn.host).run(turn.job.run, self.performer)
            return outcome
        finally:
            self._settled(turn, outcome)

    async def _acarried_out(self, turn: _Turn) -> Outcome:
        outcome: Outcome | None = None
        try:
            context = await asyncio.to_thread(turn.engine.in_context, turn.host)
            # Cancelling the caller cancels this task, which then ends as an interrupted run.
            outcome = await asyncio.create_task(turn.job.arun(self.performer), context=context)
            return outcome
        finally:
            await asyncio.to_thread(self._settled, turn, outcome)

    def _settled(self, turn: _Turn, outcome: Outcome | None) -> None:
        """Give the run its outcome, or leave it unfinished, and give it back."""
        unfinished = outcome is None or outcome.unfinished
        turn.engine.end(turn.job.run_id, Parked() if outcome is None or unfinished else outcome.sealed(turn.job.spec))
        if turn.queue is not None:
            self.rows.drop_queue(turn.queue)
        turn.ownership.let_go(ended=not unfinished)

    def _owned(self, run_id: str, document: str) -> Ownership:
        ownership = Ownership(self.store, run_id)
        if not ownership.take(document):
            message = f'another process carries out the run "{run_id}"'
            raise refusal(message, code="run-in-use", hint=f"arazzo runs show {run_id} tells how it stands")
        return ownership

    def _check_idle(self, run_id: str) -> None:
        """Refuse to begin DBOS anew while it carries out other runs, which would never end."""
        if self._engine is not None and self._engine.busy:
            message = f'the run "{run_id}" cannot be resumed while this process carries out others'
            raise refusal(message, code="durable-not-possible", hint="resume it when they have ended")

    def _launched(self, queue: str | None = None) -> Engine:
        """Return DBOS, listening to `queue`; which queues it listens to is settled when it is launched."""
        with self._lock:
            if self._engine is not None and queue is not None:
                self._engine.close()
                self._engine = None
            if self._engine is None:
                queues = [] if queue is None else [queue]
                executor = f"process-{uuid.uuid4().hex}"
                self._engine = Engine(self.store, self.codec, executor=executor, queues=queues)
            return self._engine

    # ------------------------------------------------------------------ bundles and decisions

    def keep(self, bundle: Bundle) -> str:
        """Store a bundle once and return its name."""
        name = bundle.sha256
        if name not in self._bundles:
            self.rows.put("bundle", name, bundle.to_json())
            self.rows.get("bundle", name)  # somebody else's record of that name would stay, and the run could not go on
            self._bundles[name] = bundle
        return name

    def bundle(self, name: str) -> Bundle:
        """Return a stored bundle."""
        if name not in self._bundles:
            found = self.rows.get("bundle", name)
            if found is None:
                hint = "begin the run anew from its documents"
                raise refusal(f"{self.store.shown} lacks the documents of the run", code="foreign-record", hint=hint)
            self._bundles[name] = Bundle.from_json(found)
        return self._bundles[name]

    def decide(self, run_id: str, decisions: Mapping[str, Decision]) -> None:
        """Store what a person decided, by stepId or effect key; every request in doubt needs a decision."""
        doubts = self.status(run_id).doubts
        if not doubts:
            raise refusal(f'nothing of run "{run_id}" is in doubt', code="invalid-decision")
        known = {name for doubt in doubts for name in (doubt.key, doubt.step_id)}
        for name in decisions:
            if name not in known:
                hint = f"in doubt: {', '.join(sorted(known))}"
                raise refusal(f'step "{name}" is not in doubt', code="invalid-decision", hint=hint)
        decided = {doubt.key: decisions.get(doubt.key) or decisions.get(doubt.step_id) for doubt in doubts}
        open_ = [key for key, decision in decided.items() if decision is None]
        if open_:
            message = f"{', '.join(open_)}: nothing is decided about it"
            raise refusal(message, code="invalid-decision", hint="give --step and --as for each request in doubt")
        found = {key: decision_to_json(each) for key, each in decided.items() if each is not None}
        self.rows.put("decision", f"{run_id}:{doubts[0].token}", {**found})

    def hand_back(self, run_id: str) -> None:
        """Put a run that stopped back into its queue: its workers go on with it."""
        spec, _ = self._resumable(run_id)
        assert spec.queue is not None
        self.rows.hand_over([run_id], spec.queue)

    def signal(self, run_id: str, decisions: Mapping[str, Decision]) -> None:
        """Tell a run of a queue what a person decided, and let its workers go on."""
        self.decide(run_id, decisions)
        self.hand_back(run_id)

    def decided(self, run_id: str, entries: Sequence[Entry]) -> dict[str, Mapping[str, Decision]]:
        """Return what was decided about the requests in doubt, by token and effect key."""
        tokens = {doubt.token for doubt in open_doubts(entries)}
        found = {token: self.rows.get("decision", f"{run_id}:{token}") or {} for token in tokens}
        return {token: {key: decision_from_json(each) for key, each in kept.items()} for token, kept in found.items()}

    # ------------------------------------------------------------------ looking, and putting away

    def list(self, *, limit: int | None = None) -> list[RunStatus]:
        """Return the runs of the store, the newest first; those with records that are refused are `unreadable`."""
        if not self._there():
            return []
        return [listed_status(row, self.rows, self.store) for row in self.rows.rows(limit=limit)]

    def status(self, run_id: str) -> RunStatus:
        """Return how a run stands."""
        return status_of(self._row(run_id), self.rows, self.store)

    def show(self, run_id: str) -> Shown:
        """Read a run again from its journal: its result is complete when it has ended."""
        row = self._row(run_id)
        spec = self.rows.spec(row)
        bundle = self.bundle(spec.bundle)
        entries = self.rows.entries(run_id, spec)
        result = replay(run_id, spec, bundle, entries, self.performer)
        return Shown(status_of(row, self.rows, self.store), spec, bundle, tuple(entries), result)

    def cancel(self, run_id: str) -> RunStatus:
        """End a run for good; a request that is under way is not called back. Returns how it stood."""
        status = self.status(run_id)
        if status.ended is not None:
            raise refusal(f'the run "{run_id}" has ended', code="run-ended")
        self.rows.cancel(run_id, by_user=True)
        self._forget_lock(run_id)
        return status

    def delete(self, run_id: str) -> None:
        """Forget a run that nobody carries out, and its bundle when nothing else has it.

        A run whose records are refused can be forgotten too.
        """
        row = self._row(run_id)
        if row.status == "PENDING" and is_alive(row, self.store):
            message = f'the run "{run_id}" is under way'
            raise refusal(message, code="run-in-use", hint=f"cancel it first: arazzo runs cancel {run_id}")
        bundle = self._bundle_of(row)
        self.rows.delete(run_id)
        self._forget_lock(run_id)
        if bundle is not None and not self._is_needed(bundle):
            self.rows.drop("bundle", bundle)
            self._bundles.pop(bundle, None)

    def _bundle_of(self, row: Any) -> str | None:
        try:
            return self.rows.spec(row).bundle
        except InvalidUsage:
            return None

    def _is_needed(self, bundle: str) -> bool:
        """Whether a run or a schedule has this bundle, or may have it: some cannot be read."""
        try:
            runs = (self.rows.spec(row) for row in self.rows.rows(load_output=False))
            schedules = (self.rows.scheduled(row)["spec"] for row in self.rows.schedules())
            return any(spec.bundle == bundle for spec in runs) or any(spec["bundle"] == bundle for spec in schedules)
        except InvalidUsage:
            return True

    def _forget_lock(self, run_id: str) -> None:
        ownership = Ownership(self.store, run_id)
        if ownership.take(""):
            ownership.let_go(ended=True)

    def _resumable(self, run_id: str) -> tuple[RunSpec, Bundle]:
        row = self._row(run_id)
        status = status_of(row, self.rows, self.store)
        spec = self.rows.spec(row)
        if status.ended is not None:
            message = f'the run "{run_id}" has ended ({status.state.replace("_", " ")})'
            raise refusal(message, code="run-ended", hint=f"arazzo runs show {run_id} tells what it came to")
        if status.state in ("running", "waiting"):
            who = f" by {status.owner}" if status.queue is not None else ""
            message = f'the run "{run_id}" is being carried out{who}'
            raise refusal(message, code="run-in-use", hint=f"arazzo runs show {run_id} tells how it stands")
        return spec, self.bundle(spec.bundle)

    def _row(self, run_id: str) -> Any:
        rows = self.rows.rows([run_id]) if self._there() else []
        if not rows:
            message = f'there is no run "{run_id}" in {self.store.shown}'
            raise refusal(message, code="unknown-run", hint="arazzo runs list names them; --store says where to look")
        return rows[0]

    def _there(self) -> bool:
        return self.rows.there()

    def make_tables(self) -> None:
        """Make the store ready for others to write into."""
        make_tables(self.store, self.codec)


class _Turn(MutableRecord):
    """One execution about to happen: DBOS has begun the run, this process has it, `queue` is where it came from."""

    engine: Engine
    host: Host
    job: Execution
    ownership: Ownership
    queue: str | None = None
