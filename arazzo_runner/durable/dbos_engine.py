"""What runs in DBOS: its process-wide instance, its workflows, its checkpoints (rows.py has its client).

DBOS has one instance per process, and workflows are registered with it when this module is
imported; the one exception to the rule that nothing is global. It is imported when a durable run
is asked for, which costs about a second.
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
from typing import Any, Final, cast

import dbos._dbos
import sqlalchemy.exc
from dbos import DBOS, DBOSConfig, SetWorkflowID, error

from arazzo_runner.base.json_values import JsonValue
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

APPLICATION: Final = "arazzo"
# Of DBOS's own making it would be a hash of source code: any edit would leave runs waiting for ever.
VERSION: Final = f"arazzo-journal-{JOURNAL_VERSION}"
RUN, SCHEDULED = "arazzo_run", "arazzo_scheduled"
OWN_QUEUE: Final = "arazzo:"
_SECONDS_TO_BEGIN = 30.0
UNUSABLE: Final = (sqlalchemy.exc.SQLAlchemyError, OSError, ValueError, error.DBOSException)
"""What DBOS raises over a store that it cannot open."""

CarryOut = Callable[[str, Any], JsonValue]
OnProblem = Callable[[str, Exception], None]


class Engine:
    """DBOS, launched for one store: `executor` names this process, `queues` are those it takes runs from.

    `carry_out` is called, in a thread of DBOS, with the id and the specification of every run that
    comes out of a queue and has no Host here; the specification is still sealed, or a ForeignRecord.
    `on_problem` is told what became of a schedule's run that cannot be submitted.
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
        self._until: float | None = None  # when it is closed, the moment from which nothing new is sent
        self.shown = store.shown
        self._carry_out = carry_out
        self._on_problem = on_problem
        quiet()
        if getattr(dbos._dbos, "_dbos_global_instance", None) is not None:
            message = "this process runs a DBOS of its own, and there can be only one"
            raise refusal(message, code="durable-not-possible", hint="run the workflow in a process of its own")
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
            "sys_db_pool_size": 8,  # a checkpoint holds a connection for a moment only
        }
        _instances[:] = [self]
        try:
            DBOS(config=config)
            DBOS.listen_queues(list(queues))
            DBOS.launch()
        except UNUSABLE as problem:
            self.close()
            raise _unopened(store, problem) from None
        # DBOS leaves a hundred thousand objects behind: without this, every search for garbage visits them all.
        gc.freeze()

    def close(self, *, grace: float = 0.0) -> None:
        """Stop DBOS; runs that are still under way after `grace` seconds stay unfinished."""
        self._until = time.monotonic() + grace
        for host in self._hosts.values():
            host.end(Parked())
        DBOS.destroy(workflow_completion_timeout_sec=int(grace))
        _instances.clear()
        if self.database is not None:
            self.database.dispose()

    @property
    def closing(self) -> bool:
        """Whether it is being closed, or is closed."""
        return self._until is not None

    @property
    def over(self) -> bool:
        """Whether no run may do anything new here."""
        return self._until is not None and time.monotonic() >= self._until

    def begin(self, run_id: str, spec: JsonValue) -> Host:
        """Record a new run and begin it here; raises InvalidUsage when there is one of that id."""
        host = self._hosts[run_id] = Host()
        with SetWorkflowID(run_id, workflow_id_reuse_policy="reject"):
            try:
                DBOS.start_workflow(_run, Sealed(input_seal(run_id, RUN), spec))
            except BaseException as problem:
                del self._hosts[run_id]
                if not isinstance(problem, error.DBOSWorkflowIDInUseError):
                    raise
                message = f'there is already a run "{run_id}"'
                hint = f"go on with it by arazzo resume {run_id}, or choose another --run-id"
                raise refusal(message, code="run-exists", hint=hint) from None
        return host

    def take_over(self, run_id: str, queue: str) -> Host:
        """Go on with a run that nobody carries out; it comes by a queue of its own."""
        host = self._hosts[run_id] = Host()
        try:
            DBOS.resume_workflow(run_id, queue_name=queue)
        except BaseException:
            del self._hosts[run_id]
            raise
        return host

    def in_context(self, host: Host) -> Any:
        """Return the context of a run that DBOS has begun (see Host)."""
        context = host.context(_SECONDS_TO_BEGIN)
        if context is None:
            raise refusal("the run could not be begun: another process may have taken it", code="run-in-use")
        return context

    def host(self, run_id: str) -> Host | None:
        """Return the Host that waits for a run."""
        return self._hosts.get(run_id)

    def end(self, run_id: str, outcome: Any) -> None:
        """Give a run its outcome, or park it; returns when the outcome is on disk.

        A run that was cancelled or deleted a moment ago keeps none: who carried it out has it nevertheless.
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
        """Whether a run is carried out in a thread of the caller."""
        return bool(self._hosts)

    def carry_out(self, run_id: str, spec: Any) -> Any:
        """Carry out a run that came out of a queue."""
        if self._carry_out is None:
            raise Parked
        return self._carry_out(run_id, spec)

    def submit(self, run_id: str, due: Any, context: Any) -> None:
        """Submit the run that a schedule asks for; its id says when it was due, so it is submitted once."""
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
    """The run stops without an outcome: it stays unfinished, to be carried on later.

    No Exception, which the engine would record as the outcome.
    """


class Host:
    """The meeting point of DBOS's thread, which waits, and the caller's, which carries the run out."""

    def __init__(self) -> None:
        self._begun: queue.SimpleQueue[contextvars.Context] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def occupy(self) -> Any:
        """In DBOS's thread: lend the context, wait, and return the run's outcome (or raise Parked)."""
        self._begun.put(contextvars.copy_context())
        outcome = self._ended.get()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def context(self, seconds: float) -> contextvars.Context | None:
        """In the caller's thread: return the run's context when DBOS has begun it, None when that takes too long."""
        try:
            return self._begun.get(timeout=seconds)
        except queue.Empty:
            return None

    def end(self, outcome: Any) -> None:
        """Let DBOS's thread go on, with an outcome or with Parked."""
        self._ended.put(outcome)


class DbosJournal:
    """The journal of the run whose context is current: every entry is one checkpoint of DBOS.

    `identity` is the run's (RunSpec.identity). It ends with the Engine that it began in: a thread that outlives
    a worker neither records nor sends anything more.
    """

    def __init__(self, entries: Sequence[Entry], identity: str, *, threaded: bool) -> None:
        self.entries = entries
        self._identity = identity
        self._threaded = threaded
        self._appended = 0
        self._engine = _instances[0]

    async def append(self, name: str, value: JsonValue) -> Any:
        """Record an entry; blocking, or in another thread when there is an event loop to keep."""
        gone = self._engine not in _instances
        if gone or (self._engine.over and not name.endswith(f" {ANSWERED}")):  # an answer is kept as long as it can be
            raise LostOwnership
        self._appended += 1
        sealed = Sealed(step_seal(self._identity, self._appended, name), value)
        try:
            return await asyncio.to_thread(checkpoint, name, sealed) if self._threaded else checkpoint(name, sealed)
        except Exception:
            if self._engine.closing:  # not a fault of the run: DBOS is being taken down
                raise LostOwnership from None
            raise


def checkpoint(name: str, sealed: Sealed) -> Any:
    """Record a value under a name and return it; during replay return the recorded one.

    Raises LostOwnership, and InvalidUsage when the store fails, or holds something else there.
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
    """Create or bring up to date what DBOS needs in the store."""
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
    """Return the schedule that a run of DBOS's scheduler is of; the id alone binds it to the schedule and the time."""
    if isinstance(due, ForeignRecord):
        raise due
    before, after = "sched-", f"-{due.isoformat()}" if isinstance(due, datetime) else "-"
    if not run_id.startswith(before) or not run_id.endswith(after) or after == "-":
        raise ForeignRecord("it was written for another schedule or another time")
    return run_id[len(before) : -len(after)]


@contextlib.contextmanager
def _sealed_errors(run_id: str) -> Iterator[None]:
    """Bind the exception that DBOS is about to record to the run that failed."""
    try:
        yield
    except Exception as problem:
        raise SealedError(error_seal(run_id), type(problem).__name__, str(problem)) from None
