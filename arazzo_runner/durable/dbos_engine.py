"""What runs in DBOS: its process-wide instance, its workflows, its checkpoints (rows.py has its client).

DBOS has one instance per process, and workflows are registered with it when this module is
imported; the one exception to the rule that nothing is global. It is imported when a durable run
is asked for, which costs about a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, cast

import dbos._dbos
import sqlalchemy
import sqlalchemy.exc
from dbos import DBOS, DBOSConfig, SetWorkflowID, error

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.durable.codec import Codec, ForeignRecord, Seal, Sealed, SealedError, opened
from arazzo_runner.durable.host import Host, Parked
from arazzo_runner.durable.journal import ANSWERED, Entry, LostOwnership
from arazzo_runner.durable.records import JOURNAL_VERSION
from arazzo_runner.durable.refusal import foreign, refusal, unreachable, unusable
from arazzo_runner.durable.sqlite import prepare_file, sqlite_module
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


def input_seal(name: str, kind: str) -> Seal:
    """Return where the input of a run (or of another record of DBOS's workflows) belongs."""
    return Seal("input", name, kind)


def schedule_seal(name: str) -> Seal:
    """Return where the context of a schedule belongs."""
    return Seal("schedule", name)


def opened_schedule(row: Any) -> Any:
    """Return what a schedule submits, when it is the one that was added; raises ForeignRecord."""
    found = opened(row["context"], schedule_seal(row["schedule_name"]))
    if (row["schedule"], row["cron_timezone"]) != (found["cron"], found["timezone"]):
        raise ForeignRecord("its times are not those that it was added with")
    return found


def output_seal(identity: str) -> Seal:
    """Return where the output of a run belongs."""
    return Seal("output", identity)


def error_seal(run_id: str) -> Seal:
    """Return where the exception of a run that could not be carried out belongs."""
    return Seal("error", run_id)


def step_seal(identity: str, position: int, name: str) -> Seal:
    """Return where an entry of a journal belongs; positions count from 1."""
    return Seal("step", identity, f"{position} {name}")


def database(store: Store) -> Any:
    """Return SQLAlchemy's engine for a SQLite store, set up as DBOS would; None lets DBOS make its own."""
    if store.path is None:
        return None
    module = sqlite_module()
    prepare_file(store.path, module)
    made = sqlalchemy.create_engine(store.url, module=module)

    @sqlalchemy.event.listens_for(made, "connect")
    def _set_up(connection: Any, record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    return made


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
