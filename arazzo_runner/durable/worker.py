"""A worker: carries out runs from queues until it is stopped.

A worker that was killed and is restarted under the same name resumes its runs. A run in doubt is
put aside until a person decides, so that it does not occupy the queue.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

from arazzo_runner.base.settings import WORKER_NAME
from arazzo_runner.durable.codec import ForeignRecord
from arazzo_runner.durable.dbos_engine import VERSION, Engine, Parked
from arazzo_runner.durable.errors import foreign, refusal
from arazzo_runner.durable.execution import Execution, Outcome, outcome_of
from arazzo_runner.durable.locks import Ownership
from arazzo_runner.durable.records import ignore_event
from arazzo_runner.durable.rows import opened_spec
from arazzo_runner.durable.runtime import Runtime
from arazzo_runner.durable.status import WORKER
from arazzo_runner.errors import InvalidUsage

_WAITING = ["ENQUEUED", "DELAYED", "PENDING"]

OnOutcome = Callable[[Outcome], None]
OnProblem = Callable[[str, Exception], None]


class Worker:
    """Carries out the runs of `queues`, under a `name` that no other living worker of the store has.

    `on_outcome` is called with the outcome of every run, `on_problem` for runs that could not be
    carried out here; both are called in many threads.
    """

    def __init__(
        self, runtime: Runtime, name: str, queues: Sequence[str], on_outcome: OnOutcome, on_problem: OnProblem
    ) -> None:
        self._runtime = runtime
        self._name = name
        self._queues = queues
        self._on_outcome = on_outcome
        self._on_problem = on_problem
        self._stopping = threading.Event()

    def work(self, stop: threading.Event, *, drain: bool = False, grace: float = 30.0) -> None:
        """Work until `stop` is set (with `drain`, also until the queues are empty).

        Then wait up to `grace` seconds for runs to end. Raises InvalidUsage if a living worker has this name.
        """
        ownership = Ownership(self._runtime.store, WORKER + self._name)
        if not ownership.take(""):
            message = f'there is a worker "{self._name}" already'
            raise refusal(message, code="worker-in-use", hint=f"give every worker a name of its own: {WORKER_NAME}")
        try:
            engine = Engine(
                self._runtime.store,
                self._runtime.codec,
                executor=WORKER + self._name,
                queues=self._queues,
                carry_out=self._carry_out,
                on_problem=self._on_problem,
            )
            try:
                self._report_other_versions()
                while not stop.wait(0.2):
                    if drain and self._is_idle():
                        break
            finally:
                self._stopping.set()
                engine.close(grace=grace)
        finally:
            ownership.release(ended=True)

    def _is_idle(self) -> bool:
        return not self._runtime.rows.rows(
            queue_name=list(self._queues),
            status=_WAITING,
            app_version=VERSION,
            limit=1,
            load_input=False,
            load_output=False,
        )

    def _report_other_versions(self) -> None:
        """Report the runs in the queues that need a worker of another version."""
        waiting = self._runtime.rows.rows(
            queue_name=list(self._queues), status=_WAITING, load_input=False, load_output=False
        )
        for row in waiting:
            if row.app_version != VERSION:
                message = f'run "{row.workflow_id}" needs a worker of {row.app_version}, this one is of {VERSION}'
                _notify(self._on_problem, row.workflow_id, refusal(message, code="journal-mismatch"))

    def _carry_out(self, run_id: str, given: Any) -> Any:
        """Carry out a run in a thread of DBOS; raises Parked if it does not end.

        A run whose records are refused is put aside too, without sending anything.
        """
        try:
            execution = self._prepare(run_id, given)
            outcome = self._outcome(execution)
        except Exception as problem:
            # This is not the outcome of the run: put it aside, to be resumed when the cause is fixed.
            self._put_aside(run_id)
            _notify(self._on_problem, run_id, problem)
            raise Parked from None
        if outcome.doubts:
            self._put_aside(run_id)
        _notify(self._on_outcome, outcome)
        if outcome.unfinished:
            raise Parked
        return outcome.sealed(execution.spec)

    def _outcome(self, execution: Execution) -> Outcome:
        """Return the outcome of a run, also of one that its World interrupts; raises Parked when there is none."""
        try:
            return execution.run(self._runtime.performer)
        except KeyboardInterrupt as stop:
            outcome = outcome_of(stop)
            if outcome is None:
                raise Parked from None
            return outcome

    def _put_aside(self, run_id: str) -> None:
        """Prevent workers from taking the run until a person resumes it; returns when that is stored.

        Waits for a store that cannot be reached, as DBOS does: an exception would become the final
        outcome of the run. A worker that stops meanwhile still owns the run when it restarts.
        """
        while True:
            try:
                return self._runtime.rows.cancel(run_id, by_user=False)
            except InvalidUsage:
                if self._stopping.wait(1.0):
                    raise Parked from None

    def _prepare(self, run_id: str, given: Any) -> Execution:
        runtime = self._runtime
        try:
            spec = opened_spec(run_id, given)
        except ForeignRecord as problem:
            raise foreign(problem, "the input of run", run_id, runtime.store.shown) from None
        entries = runtime.rows.entries(run_id, spec)
        decided = runtime.decided(run_id, entries)
        return Execution(run_id, spec, runtime.bundle(spec.bundle), entries, decided=decided, on_event=ignore_event)


def _notify(listener: Callable[..., None], *arguments: Any) -> None:
    """Call a listener; its exceptions are ignored, because they would replace the outcome of the run."""
    with contextlib.suppress(Exception):
        listener(*arguments)
