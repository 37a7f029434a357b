"""DBOS launched in this process: its instance, its workflows, its checkpoints (rows.py has its client).

DBOS has one instance per process, and its workflows are registered when this module is imported:
the one exception to the rule that nothing is global.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import logging
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, cast

import dbos._dbos
import sqlalchemy.exc
from dbos import DBOS, DBOSConfig, SetWorkflowID, error

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.settings import RUN_ID
from arazzo_runner.durable.codec import (
    Codec,
    ForeignRecord,
    Sealed,
    SealedError,
    error_seal,
    input_seal,
    opened,
    opened_schedule,
    schedule_seal,
    step_seal,
)
from arazzo_runner.durable.database import database
from arazzo_runner.durable.errors import foreign, refusal, unreachable, unusable
from arazzo_runner.durable.journal import ANSWERED, Entry, LostOwnership
from arazzo_runner.durable.records import JOURNAL_VERSION
from arazzo_runner.durable.store import Store
from arazzo_runner.runtime.cleanup import completed

APPLICATION: Final = "arazzo"
# DBOS's default is a hash of source code: after any edit, runs would wait for ever.
VERSION: Final = f"arazzo-journal-{JOURNAL_VERSION}"
RUN, SCHEDULED = "arazzo_run", "arazzo_scheduled"
OWN_QUEUE: Final = "arazzo:"
_SECONDS_TO_BEGIN = 30.0
UNUSABLE: Final = (sqlalchemy.exc.SQLAlchemyError, OSError, ValueError, error.DBOSException)
"""What DBOS raises if it cannot open a store."""

CarryOut = Callable[[str, Any], JsonValue]
OnProblem = Callable[[str, Exception], None]


class Engine:
    """DBOS, launched for one store: `executor` names this process, `queues` are those it takes runs from.

    `carry_out` is called in a thread of DBOS with the id and the input of every run from a queue that
    has no Host here; the input is still sealed, or a ForeignRecord. `on_problem` is called for a
    scheduled run that cannot be submitted.
    """

    def __init__(
        self,
        store: Store,
        codec: Codec,
        *,
        executor: str,
        queues: Sequence[str] = (),
        carry_out: CarryOut | None = None,
        on_problem: OnProblem | None = None,
    ) -> None:
        self._hosts: dict[str, Host] = {}
        self._until: float | None = None  # once closed, the time from which nothing new is sent
        self.shown = store.shown
        self._carry_out = carry_out
        self._on_problem = on_problem
        quiet()
        if getattr(dbos._dbos, "_dbos_global_instance", None) is not None:
            message = (
                "this process uses DBOS itself, or another Runtime is open, and there can be only one in a process"
            )
            raise refusal(message, code="durable-not-possible", hint="close the other one, or run in another process")
        self.database = database(store)
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": store.connection,
            "system_database_engine": self.database,
            "application_version": VERSION,
            "executor_id": executor,
            "serializer": cast(Any, codec),
            "log_level": "ERROR",
            "notification_listener_polling_interval_sec": 0.05,
            "scheduler_polling_interval_sec": 1.0,
            "sys_db_pool_size": 8,  # a checkpoint needs a connection only briefly
        }
        _instances[:] = [self]
        try:
            DBOS(config=config)
            DBOS.listen_queues(list(queues))
            DBOS.launch()
        except UNUSABLE as problem:
            self.close()
            raise _unopened(store, problem) from None
        # Importing DBOS creates a hundred thousand objects, which every garbage collection would visit.
        gc.freeze()

    def close(self, *, grace: float = 0.0) -> None:
        """Stop DBOS; runs that are still going on after `grace` seconds stay unfinished."""
        self._until = time.monotonic() + grace
        for host in self._hosts.values():
            host.end(Parked())
        DBOS.destroy(workflow_completion_timeout_sec=int(grace))
        _instances.clear()
        if self.database is not None:
            self.database.dispose()

    @property
    def closing(self) -> bool:
        """Whether it is closing or closed."""
        return self._until is not None

    @property
    def over(self) -> bool:
        """Whether no run may start anything new here."""
        return self._until is not None and time.monotonic() >= self._until

    def begin(self, run_id: str, spec: JsonValue) -> Host:
        """Record a new run and begin it here; raises InvalidUsage if the id is taken."""
        host = self._hosts[run_id] = Host()
        with SetWorkflowID(run_id, workflow_id_reuse_policy="reject"):
            try:
                DBOS.start_workflow(_run, Sealed(input_seal(run_id, RUN), spec))
            except BaseException as problem:
                del self._hosts[run_id]
                if not isinstance(problem, error.DBOSWorkflowIDInUseError):
                    raise
                message = f'there is already a run "{run_id}"'
                hint = f"resume it with arazzo resume {run_id}, or choose another {RUN_ID}"
                raise refusal(message, code="run-exists", hint=hint) from None
        return host

    def take_over(self, run_id: str, queue: str) -> Host:
        """Resume a run that no process carries out, through a queue of its own."""
        host = self._hosts[run_id] = Host()
        try:
            DBOS.resume_workflow(run_id, queue_name=queue)
        except BaseException:
            del self._hosts[run_id]
            raise
        return host

    def in_context(self, host: Host) -> Any:
        """Return the context of a run that DBOS has begun (see Host); raises InvalidUsage after a timeout."""
        context = host.context(_SECONDS_TO_BEGIN)
        if context is None:
            raise refusal("the run could not be started: another process may have taken it", code="run-in-use")
        return context

    def host(self, run_id: str) -> Host | None:
        """Return the Host of a run, None if there is none."""
        return self._hosts.get(run_id)

    def end(self, run_id: str, outcome: Any) -> None:
        """Give a run its outcome, or park it; the outcome is on disk on return.

        A run that was cancelled or deleted meanwhile gets none, which is not an error.
        """
        try:
            self._hosts[run_id].end(outcome)
            if not isinstance(outcome, Parked):
                DBOS.retrieve_workflow(run_id).get_result(polling_interval_sec=0.005)
        except (error.DBOSAwaitedWorkflowCancelledError, error.DBOSNonExistentWorkflowError):
            return
        except ForeignRecord as problem:
            raise foreign(problem, "the output of run", run_id, self.shown) from None
        finally:
            del self._hosts[run_id]

    @property
    def busy(self) -> bool:
        """Whether a run is being carried out in a thread of the caller."""
        return bool(self._hosts)

    def carry_out(self, run_id: str, spec: Any) -> Any:
        """Carry out a run from a queue."""
        if self._carry_out is None:
            raise Parked
        return self._carry_out(run_id, spec)

    def submit(self, run_id: str, due: Any, context: Any) -> None:
        """Submit a scheduled run, once: its id contains the time when it was due."""
        try:
            name = _schedule_of(run_id, due)
            found = opened(context, schedule_seal(name))
            if (row := DBOS.get_schedule(name)) is not None:
                opened_schedule(row)
        except ForeignRecord as problem:
            refused = foreign(problem, "the input of run", run_id, self.shown)
            if self._on_problem is not None:
                self._on_problem(run_id, refused)
            raise refused from None
        name = f"{name}-{due:%Y%m%dT%H%M%S}"
        with SetWorkflowID(name):
            DBOS.enqueue_workflow(found["queue"], _run, Sealed(input_seal(name, RUN), found["spec"]))


class Parked(BaseException):
    """The run stops without an outcome, to be resumed later.

    Not an Exception, which DBOS would record as the outcome.
    """


class Host:
    """Lets the caller's thread carry out a run that DBOS starts in a thread of its own, which waits.

    DBOS knows the run by its context, which the caller borrows. So Ctrl-C reaches the run, it can be
    on an event loop, and resumed runs (from a queue) are carried out like new ones.
    """

    def __init__(self) -> None:
        self._begun: queue.SimpleQueue[contextvars.Context] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def occupy(self) -> Any:
        """Lend the context, wait, and return the run's outcome or raise Parked. Called in DBOS's thread."""
        self._begun.put(contextvars.copy_context())
        outcome = self._ended.get()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def context(self, seconds: float) -> contextvars.Context | None:
        """Return the run's context once DBOS has begun it, None after a timeout. Called in the caller's thread."""
        try:
            return self._begun.get(timeout=seconds)
        except queue.Empty:
            return None

    def end(self, outcome: Any) -> None:
        """Let DBOS's thread continue with an outcome, or with Parked."""
        self._ended.put(outcome)


class DbosJournal:
    """The journal of the run whose context is current: every entry is a DBOS checkpoint.

    `identity` is the run's (RunSpec.identity). It ends with its Engine: a thread that outlives a
    worker can neither record nor send.
    """

    def __init__(self, entries: Sequence[Entry], identity: str, *, threaded: bool) -> None:
        self.entries = entries
        self._identity = identity
        self._threaded = threaded
        self._appended = 0
        self.interrupt: BaseException | None = None
        self._engine = _instances[0]

    async def append(self, name: str, value: JsonValue) -> Any:
        """Record an entry: blocking, or in another thread on an event loop.

        It is recorded also when the task is cancelled meanwhile: `interrupt` is then the cancellation.
        """
        gone = self._engine not in _instances
        if gone or (self._engine.over and not name.endswith(f" {ANSWERED}")):  # responses are recorded to the last
            raise LostOwnership
        self._appended += 1
        sealed = Sealed(step_seal(self._identity, self._appended, name), value)
        try:
            if not self._threaded:
                return checkpoint(name, sealed)
            in_context = partial(contextvars.copy_context().run, checkpoint, name, sealed)
            recorded, stop = await completed(asyncio.get_running_loop().run_in_executor(None, in_context))
            self.interrupt = self.interrupt or stop
            return recorded
        except Exception:
            if self._engine.closing:  # not an error of the run: DBOS is stopping
                raise LostOwnership from None
            raise


def checkpoint(name: str, sealed: Sealed) -> Any:
    """Record a value under a name and return it; during replay return the recorded one.

    Raises LostOwnership, and InvalidUsage if the store fails or holds something else.
    """
    store = _instances[0].shown
    try:
        return opened(DBOS.run_step({"name": name}, lambda: sealed), sealed.seal)
    except (error.DBOSWorkflowConflictIDError, error.DBOSWorkflowCancelledError):
        raise LostOwnership from None
    except ForeignRecord as problem:
        raise foreign(problem, f'step "{name}" of run', sealed.seal.owner.partition("/")[0], store) from None
    except sqlalchemy.exc.SQLAlchemyError as problem:
        raise unusable(store, problem) from None


def make_tables(store: Store, codec: Codec) -> None:
    """Create or migrate DBOS's tables in the store."""
    if store.path is None:
        quiet()
        try:
            DBOS.migrate(store.connection)
        except UNUSABLE as problem:
            raise unreachable(store.shown, problem) from None
        return
    Engine(store, codec, executor="tables").close()


def _unopened(store: Store, problem: Exception) -> Exception:
    return (unusable if store.path is not None else unreachable)(store.shown, problem)


def quiet() -> None:
    """Keep DBOS from writing to the terminal."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.propagate = False


_instances: list[Engine] = []


@DBOS.workflow(name=RUN)
def _run(spec: Any) -> Any:
    engine, run_id = _instances[0], cast(str, DBOS.workflow_id)
    host = engine.host(run_id)
    with _sealed_errors(run_id):
        return engine.carry_out(run_id, spec) if host is None else host.occupy()


@DBOS.workflow(name=SCHEDULED)
def _scheduled(due: Any, context: Any = None) -> None:
    run_id = cast(str, DBOS.workflow_id)
    with _sealed_errors(run_id):
        _instances[0].submit(run_id, due, context)


def _schedule_of(run_id: str, due: Any) -> str:
    """Return the schedule of a scheduled run, whose id alone binds it to the schedule and the time."""
    if isinstance(due, ForeignRecord):
        raise due
    before, after = "sched-", f"-{due.isoformat()}" if isinstance(due, datetime) else "-"
    if not run_id.startswith(before) or not run_id.endswith(after) or after == "-":
        raise ForeignRecord("it was written for another schedule or another time")
    return run_id[len(before) : -len(after)]


@contextlib.contextmanager
def _sealed_errors(run_id: str) -> Iterator[None]:
    """Seal exceptions, which DBOS records, to the run."""
    try:
        yield
    except Exception as problem:
        raise SealedError(error_seal(run_id), type(problem).__name__, str(problem)) from None
