"""The Runtime: starts and resumes durable runs, reports their status, stores decisions."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

from arazzo_runner.base.records import MutableRecord, Record
from arazzo_runner.base.settings import DECISIONS, STORE
from arazzo_runner.durable.codec import Codec
from arazzo_runner.durable.dbos_engine import Engine, Host, Parked, make_tables
from arazzo_runner.durable.dbos_guard import ForeignRowsRefused
from arazzo_runner.durable.decisions import check_decisions, check_fits
from arazzo_runner.durable.errors import refusal
from arazzo_runner.durable.execution import Execution, Outcome, carry_outcome, outcome_of, replay
from arazzo_runner.durable.journal import Entry, decision_from_json, decision_to_json, open_doubts
from arazzo_runner.durable.locks import Ownership
from arazzo_runner.durable.records import Bundle, Decision, OnEvent, Performer, RunSpec, RunStatus, ignore_event
from arazzo_runner.durable.rows import Rows
from arazzo_runner.durable.status import is_alive, listed_status, status_of
from arazzo_runner.durable.store import Store, journal_keys
from arazzo_runner.engine.results import RunResult
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.program.model import Program
from arazzo_runner.runtime.argument_kinds import check_kinds
from arazzo_runner.runtime.cleanup import completed, to_the_end
from arazzo_runner.runtime.signals import held_signals


class Shown(Record):
    """A run read from the store: status, specification, bundle, journal, result so far."""

    status: RunStatus
    spec: RunSpec
    bundle: Bundle
    entries: tuple[Entry, ...]
    result: RunResult


class Runtime:
    """The durable runs of one store; a context manager, one at a time in a process.

    `performer` loads documents and runs workflows, `environment` may contain the journal key. All
    methods raise InvalidUsage if they cannot do what they should.
    """

    def __init__(self, store: Store, performer: Performer, environment: Mapping[str, str]) -> None:
        self.store = store
        try:
            store.prepare()
        except OSError as problem:
            message = f"the folder of {store.shown} cannot be created: {problem.strerror or problem}"
            raise refusal(message, code="invalid-store", hint=f"name a writable path with {STORE}") from None
        self.codec = Codec(journal_keys(store, environment))
        self._guard = ForeignRowsRefused()
        self.performer = performer
        self._is_closed = False
        self._engine: Engine | None = None
        self._rows: Rows | None = None
        self._bundles: dict[str, Bundle] = {}
        self._lock = threading.RLock()  # runs on an event loop begin in threads, concurrently

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop; runs that are going on stay unfinished. It cannot be used again: DBOS is guarded no more."""
        self._is_closed = True
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
        self._check_open()
        with self._lock:
            if self._rows is None:
                self._rows = self._read_rows()
            return self._rows

    def _check_open(self) -> None:
        if self._is_closed:
            message = f"the Runtime of {self.store.shown} is closed"
            raise refusal(message, code="durable-not-possible", hint="use it in its with block, or open another one")

    def _read_rows(self) -> Rows:
        """Return the records of the store, which is migrated first if an earlier DBOS made it."""
        rows = Rows(self.store, self.codec)
        try:
            if self._engine is None and rows.is_older():
                self.make_tables()
            rows.exists()
        except BaseException:
            rows.close()
            raise
        return rows

    # ------------------------------------------------------------------ running here

    def start(
        self, spec: RunSpec, bundle: Bundle, *, run_id: str, on_event: OnEvent, program: Program | None = None
    ) -> Outcome:
        """Start a run and carry it out in this thread."""
        return self._carry_out(partial(self._start, spec, bundle, run_id, on_event, program, threaded=False))

    async def astart(
        self, spec: RunSpec, bundle: Bundle, *, run_id: str, on_event: OnEvent, program: Program | None = None
    ) -> Outcome:
        """Start a run and carry it out on the running event loop, concurrently with others."""
        return await self._acarry_out(partial(self._start, spec, bundle, run_id, on_event, program, threaded=True))

    def resume(self, run_id: str, *, on_event: OnEvent = ignore_event) -> Outcome:
        """Resume a run that no process carries out, in this thread."""
        check_kinds(run_id=run_id, on_event=on_event)
        return self._carry_out(partial(self._take_over, run_id, on_event, threaded=False))

    async def aresume(self, run_id: str, *, on_event: OnEvent = ignore_event) -> Outcome:
        """Resume a run that no process carries out, on the running event loop."""
        check_kinds(run_id=run_id, on_event=on_event)
        return await self._acarry_out(partial(self._take_over, run_id, on_event, threaded=True))

    def _start(
        self,
        spec: RunSpec,
        bundle: Bundle,
        run_id: str,
        on_event: OnEvent,
        program: Program | None,
        *,
        threaded: bool,
    ) -> _Started:
        """Record a new run, which DBOS then starts."""
        ownership = self._own(run_id, spec.document)
        try:
            job = Execution(run_id, spec, bundle, [], decided={}, on_event=on_event, program=program, threaded=threaded)
            with self._lock:
                engine = self._launch()
                self.keep(bundle)
                return _Started(engine, engine.begin(run_id, spec.to_json()), job, ownership)
        except BaseException:
            ownership.release(ended=True)
            raise

    def _take_over(self, run_id: str, on_event: OnEvent, *, threaded: bool) -> _Started:
        """Move an unfinished run to this process, through a queue of its own, and let DBOS start it."""
        spec, bundle = self._resumable(run_id)
        ownership = self._own(run_id, spec.document)
        try:
            entries = self.rows.entries(run_id, spec)
            decided = self.decided(run_id, entries)
            job = Execution(run_id, spec, bundle, entries, decided=decided, on_event=on_event, threaded=threaded)
            with self._lock:
                self._check_idle(run_id)
                queue = self.rows.own_queue(run_id)
                engine = self._launch(queue)
                return _Started(engine, engine.take_over(run_id, queue), job, ownership, queue)
        except BaseException:
            ownership.release(ended=False)
            raise

    def _carry_out(self, start: Callable[[], _Started]) -> Outcome:
        """Start or take over a run, and carry it out in this thread; interrupted, it is left in order."""
        outcome: Outcome | None = None
        try:
            with held_signals():
                outcome = self._carried_out(start())
        except KeyboardInterrupt as stop:
            if outcome is not None:
                carry_outcome(stop, outcome)
            raise
        return outcome

    def _carried_out(self, started: _Started) -> Outcome:
        outcome: Outcome | None = None
        try:
            outcome = started.engine.in_context(started.host).run(started.job.run, self.performer)
            return outcome
        except BaseException as stop:
            outcome = outcome_of(stop)
            raise
        finally:
            self._finish(started, outcome)

    async def _acarry_out(self, start: Callable[[], _Started]) -> Outcome:
        """Start or take over a run in another thread, and carry it out; cancelled, it is left in order."""
        started, cancellation = await completed(asyncio.to_thread(start))
        outcome: Outcome | None = None
        try:
            if cancellation is not None:
                raise cancellation
            context = await to_the_end(asyncio.to_thread(started.engine.in_context, started.host))
            # Cancelling the caller cancels this task, and the run ends as interrupted.
            outcome = await asyncio.create_task(started.job.arun(self.performer), context=context)
        except BaseException as stop:
            await completed(asyncio.to_thread(self._finish, started, outcome_of(stop)))
            raise
        _, cancellation = await completed(asyncio.to_thread(self._finish, started, outcome))
        if cancellation is not None:
            carry_outcome(cancellation, outcome)
            raise cancellation
        return outcome

    def _finish(self, started: _Started, outcome: Outcome | None) -> None:
        """Record the outcome of the run, or leave it unfinished, and release it."""
        unfinished = outcome is None or outcome.unfinished
        started.engine.end(
            started.job.run_id, Parked() if outcome is None or unfinished else outcome.sealed(started.job.spec)
        )
        if started.queue is not None:
            self.rows.drop_queue(started.queue)
        started.ownership.release(ended=not unfinished)

    def _own(self, run_id: str, document: str) -> Ownership:
        ownership = Ownership(self.store, run_id)
        if not ownership.take(document):
            message = f'another process carries out the run "{run_id}"'
            raise refusal(message, code="run-in-use", hint=f"arazzo runs show {run_id} shows its status")
        return ownership

    def _check_idle(self, run_id: str) -> None:
        """Refuse to relaunch DBOS while it carries out other runs, which would never end."""
        if self._engine is not None and self._engine.busy:
            message = f'the run "{run_id}" cannot be resumed while this process carries out others'
            raise refusal(message, code="durable-not-possible", hint="resume it when they have ended")

    def _launch(self, queue: str | None = None) -> Engine:
        """Return DBOS, relaunched if `queue` is given: which queues it listens to is fixed at its launch."""
        self._check_open()
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
            self.rows.get("bundle", name)  # refuse another record of that name now: the run could not go on
            self._bundles[name] = bundle
        return name

    def bundle(self, name: str) -> Bundle:
        """Return a stored bundle."""
        if name not in self._bundles:
            found = self.rows.get("bundle", name)
            if found is None:
                hint = "start the run again from its documents"
                raise refusal(f"{self.store.shown} lacks the documents of the run", code="foreign-record", hint=hint)
            self._bundles[name] = Bundle.from_json(found)
        return self._bundles[name]

    def decide(self, run_id: str, decisions: Mapping[str, Decision]) -> None:
        """Store decisions by stepId or effect key; every request in doubt needs one."""
        check_decisions(decisions)
        doubts = self.status(run_id).doubts
        if not doubts:
            raise refusal(f'no request of run "{run_id}" is in doubt', code="invalid-decision")
        known = {name for doubt in doubts for name in (doubt.key, doubt.step_id)}
        for name in decisions:
            if name not in known:
                hint = f"in doubt: {', '.join(sorted(known))}"
                raise refusal(f'step "{name}" is not in doubt', code="invalid-decision", hint=hint)
        decided = {doubt.key: decisions.get(doubt.key) or decisions.get(doubt.step_id) for doubt in doubts}
        open_ = [key for key, decision in decided.items() if decision is None]
        if open_:
            message = f"{', '.join(open_)}: there is no decision about it"
            raise refusal(message, code="invalid-decision", hint=f"give {DECISIONS} for each request in doubt")
        for doubt in doubts:
            given = decided[doubt.key]
            if given is not None:
                check_fits(doubt, given)
        found = {key: decision_to_json(each) for key, each in decided.items() if each is not None}
        for token in {doubt.token for doubt in doubts}:
            self.rows.put("decision", f"{run_id}:{token}", {**found})

    def hand_back(self, run_id: str) -> None:
        """Put a stopped run back into its queue, for its workers to resume."""
        spec, _ = self._resumable(run_id)
        assert spec.queue is not None
        self.rows.hand_over([run_id], spec.queue)

    def signal(self, run_id: str, decisions: Mapping[str, Decision]) -> None:
        """Store decisions about a run of a queue, and put it back into the queue."""
        self.decide(run_id, decisions)
        self.hand_back(run_id)

    def decided(self, run_id: str, entries: Sequence[Entry]) -> dict[str, Mapping[str, Decision]]:
        """Return the decisions about the requests in doubt, by token and effect key."""
        tokens = {doubt.token for doubt in open_doubts(entries)}
        found = {token: self.rows.get("decision", f"{run_id}:{token}") or {} for token in tokens}
        return {token: {key: decision_from_json(each) for key, each in kept.items()} for token, kept in found.items()}

    # ------------------------------------------------------------------ reading, cancelling, deleting

    def list(self, *, limit: int | None = None) -> list[RunStatus]:
        """Return the status of every run, newest first; runs with refused records are `unreadable`."""
        if not self.rows.exists():
            return []
        return [listed_status(row, self.rows, self.store) for row in self.rows.rows(limit=limit)]

    def status(self, run_id: str) -> RunStatus:
        """Return the status of a run."""
        return status_of(self._row(run_id), self.rows, self.store)

    def show(self, run_id: str) -> Shown:
        """Return a run replayed from its journal; its result is complete if the run has ended."""
        row = self._row(run_id)
        spec = self.rows.spec(row)
        bundle = self.bundle(spec.bundle)
        entries = self.rows.entries(run_id, spec)
        result = replay(run_id, spec, bundle, entries, self.performer)
        return Shown(status_of(row, self.rows, self.store), spec, bundle, tuple(entries), result)

    def cancel(self, run_id: str) -> RunStatus:
        """Cancel a run, whichever worker owns it, and return its status before.

        In-flight requests are not aborted.
        """
        status = self.status(run_id)
        if status.ended is not None:
            raise refusal(f'the run "{run_id}" has ended', code="run-ended")
        self.rows.cancel(run_id, by_user=True)
        self._remove_lock(run_id)
        return status

    def delete(self, run_id: str) -> None:
        """Delete a run that no process carries out, and its bundle if nothing else needs it.

        Works for runs with refused records too.
        """
        row = self._row(run_id)
        if row.status == "PENDING" and is_alive(row, self.store):
            message = f'the run "{run_id}" is being carried out'
            raise refusal(message, code="run-in-use", hint=f"cancel it first: arazzo runs cancel {run_id}")
        bundle = self._bundle_of(row)
        self.rows.delete(run_id)
        self._remove_lock(run_id)
        if bundle is not None and not self._is_needed(bundle):
            self.rows.drop("bundle", bundle)
            self._bundles.pop(bundle, None)

    def _bundle_of(self, row: Any) -> str | None:
        try:
            return self.rows.spec(row).bundle
        except InvalidUsage:
            return None

    def _is_needed(self, bundle: str) -> bool:
        """Return whether a run or schedule has this bundle, or may have it because it cannot be read."""
        try:
            runs = (self.rows.spec(row) for row in self.rows.rows(load_output=False))
            schedules = (self.rows.scheduled(row)["spec"] for row in self.rows.schedules())
            return any(spec.bundle == bundle for spec in runs) or any(spec["bundle"] == bundle for spec in schedules)
        except InvalidUsage:
            return True

    def _remove_lock(self, run_id: str) -> None:
        ownership = Ownership(self.store, run_id)
        if ownership.take(""):
            ownership.release(ended=True)

    def _resumable(self, run_id: str) -> tuple[RunSpec, Bundle]:
        row = self._row(run_id)
        status = status_of(row, self.rows, self.store)
        spec = self.rows.spec(row)
        if status.ended is not None:
            message = f'the run "{run_id}" has ended ({status.state.replace("_", " ")})'
            raise refusal(message, code="run-ended", hint=f"arazzo runs show {run_id} shows its result")
        if status.state in ("running", "waiting"):
            who = f" by {status.owner}" if status.queue is not None else ""
            message = f'the run "{run_id}" is being carried out{who}'
            raise refusal(message, code="run-in-use", hint=f"arazzo runs show {run_id} shows its status")
        return spec, self.bundle(spec.bundle)

    def _row(self, run_id: str) -> Any:
        rows = self.rows.rows([run_id]) if self.rows.exists() else []
        if not rows:
            message = f'there is no run "{run_id}" in {self.store.shown}'
            raise refusal(message, code="unknown-run", hint=f"arazzo runs list names them; {STORE} says where to look")
        return rows[0]

    def make_tables(self) -> None:
        """Create or migrate the tables of the store."""
        make_tables(self.store, self.codec)


class _Started(MutableRecord):
    """A run that this process owns and DBOS has started; `queue` is the one it came through."""

    engine: Engine
    host: Host
    job: Execution
    ownership: Ownership
    queue: str | None = None
