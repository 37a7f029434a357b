"""Read and write the records of a store through DBOS's client, without running anything.

Bundles and decisions are stored as the inputs of entries in a queue that nobody listens to, and
found by their ids. Everything read is opened with the seal of the place where it was found.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

import sqlalchemy.exc
from dbos import DBOSClient, EnqueueOptions, error
from dbos._schemas.system_database import SystemSchema

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.durable.codec import (
    Codec,
    ForeignRecord,
    Sealed,
    error_seal,
    input_seal,
    opened,
    opened_schedule,
    output_seal,
    step_seal,
)
from arazzo_runner.durable.database import database
from arazzo_runner.durable.dbos_engine import APPLICATION, OWN_QUEUE, RUN, SCHEDULED, UNUSABLE, VERSION, quiet
from arazzo_runner.durable.errors import foreign, refusal, unreachable, unusable
from arazzo_runner.durable.journal import Entry
from arazzo_runner.durable.records import JOURNAL_VERSION, RunSpec
from arazzo_runner.durable.store import Store

_STORED: Final = f"{OWN_QUEUE}kept"
_KEY: Final = "key"
_NEEDED: Final = {table.name: {*table.columns.keys()} for table in SystemSchema.metadata_obj.tables.values()}


class Rows:
    """Reads and writes the records of one store.

    Its methods raise InvalidUsage if the store cannot be reached, is not ours, or has another key.
    """

    def __init__(self, store: Store, codec: Codec) -> None:
        self._store = store
        self._codec = codec
        self._key_is_known = False
        quiet()
        self._database = database(store)
        try:
            self._client = DBOSClient(
                system_database_url=store.connection,
                system_database_engine=self._database,
                serializer=cast(Any, codec),
                application_name=APPLICATION,
                retry_connection_errors=False,
            )
        except UNUSABLE as problem:
            raise unreachable(store.shown, problem) from None

    @property
    def client(self) -> DBOSClient:
        """DBOS's client, for queues and schedules; to be used within `store_errors`."""
        return self._client

    @contextmanager
    def store_errors(self) -> Iterator[None]:
        """Turn exceptions of DBOS and SQLAlchemy into InvalidUsage."""
        try:
            yield
        except (sqlalchemy.exc.SQLAlchemyError, OSError, ValueError, TypeError, error.DBOSQueryTimeoutError) as problem:
            raise unusable(self._store.shown, problem) from None

    def close(self) -> None:
        """Close the connections."""
        self._client.destroy()
        if self._database is not None:
            self._database.dispose()

    def exists(self) -> bool:
        """Return whether the store has tables; raises InvalidUsage if some are missing, or it has another key.

        The check is needed because DBOS's threads retry for ever what fails for a missing table.
        """
        columns = self._columns()
        if not columns:
            return False
        if missing := _missing(columns):
            raise unusable(self._store.shown, LookupError(f"it lacks {missing}"))
        self._check_key()
        return True

    def is_older(self) -> bool:
        """Return whether tables or columns are missing, as in a store of an earlier DBOS."""
        columns = self._columns()
        return bool(columns) and _missing(columns) is not None

    def _columns(self) -> dict[str, set[str]]:
        schema = None if self._store.path else "dbos"
        with self.store_errors():
            found = sqlalchemy.inspect(self._client._sys_db.engine).get_multi_columns(schema=schema)
        return {name: {column["name"] for column in each} for (_, name), each in found.items()}

    def _check_key(self) -> None:
        """Refuse a store that was written with none of our keys; record our first key otherwise.

        Compares fingerprints without decrypting anything: a damaged record does not look like another key.
        """
        if self._key_is_known:
            return
        self._key_is_known = True
        known = set(self.names(_KEY))
        own = self._codec.fingerprints
        if known and known.isdisjoint(own):
            hint = "set ARAZZO_JOURNAL_KEY to the key it was written with, the same on every machine"
            message = f"the store {self._store.shown} was written with another key"
            self._key_is_known = False
            raise refusal(message, code="journal-key", hint=hint)
        if own[0] not in known:
            self.put(_KEY, own[0], None)

    # ------------------------------------------------------------------ records by id

    def put(self, kind: str, name: str, value: JsonValue) -> None:
        """Store a value under a kind and a name, unless there is one."""
        self._enqueue(_id(kind, name), f"arazzo_{kind}", value, {"queue_name": _STORED})

    def get(self, kind: str, name: str) -> Any:
        """Return a stored value, None if there is none."""
        found = self.rows([_id(kind, name)], kind=f"arazzo_{kind}", load_output=False)
        return self.argument(found[0]) if found else None

    def drop(self, kind: str, name: str) -> None:
        """Delete a stored value."""
        with self.store_errors():
            self._client.delete_workflows([_id(kind, name)])

    def names(self, kind: str, prefix: str = "") -> list[str]:
        """Return the names of the stored values of a kind."""
        with self.store_errors():
            found = self._client.list_workflows(
                name=f"arazzo_{kind}", workflow_id_prefix=_id(kind, prefix), load_input=False, load_output=False
            )
        return [row.workflow_id.partition(":")[2] for row in found]

    # ------------------------------------------------------------------ runs

    def rows(
        self, ids: Sequence[str] | None = None, *, kind: str = RUN, load_output: bool = True, **filters: Any
    ) -> list[Any]:
        """Return DBOS's records of runs, newest first; sealed values in them are not opened."""
        given = None if ids is None else list(ids)
        with self.store_errors():
            found = self._client.list_workflows(
                workflow_ids=given, name=kind, sort_desc=True, load_output=load_output, **filters
            )
        return [_texts(row) for row in found if isinstance(row.workflow_id, str)]  # SQLite allows NULL as a primary key

    def argument(self, row: Any) -> Any:
        """Return the input of a record; raises InvalidUsage if it does not belong there."""
        with self._opening("the input", row.workflow_id):
            return opened(_only(row.input), input_seal(row.workflow_id, row.name))

    def spec(self, row: Any) -> RunSpec:
        """Return the specification of a run."""
        given = self.argument(row)
        with self._opening("the input", row.workflow_id):
            return spec_of(given)

    def output(self, row: Any, spec: RunSpec) -> Any:
        """Return the output of a run; None if it has not ended."""
        if row.output is None:
            return None
        with self._opening("the output", row.workflow_id):
            return opened(row.output, output_seal(spec.identity(row.workflow_id)))

    def error(self, row: Any) -> Any:
        """Return the exception of a run that could not be carried out."""
        with self._opening("the error", row.workflow_id):
            return opened(row.error, error_seal(row.workflow_id))

    def entries(self, run_id: str, spec: RunSpec) -> list[Entry]:
        """Return the journal of a run; raises InvalidUsage if an entry is missing or does not belong there."""
        with self.store_errors():
            steps = self._client.list_workflow_steps(run_id)
        return [self._entry(run_id, spec, step, position) for position, step in enumerate(steps, 1)]

    def _entry(self, run_id: str, spec: RunSpec, step: Any, position: int) -> Entry:
        name = step["function_name"]
        with self._opening(f'step "{name}"', run_id):
            if step["function_id"] != position:
                raise ForeignRecord(f"an entry of the journal is missing before it (number {position})")
            if step["error"] is not None:
                problem = step["error"]
                raise (
                    problem
                    if isinstance(problem, ForeignRecord)
                    else ForeignRecord("no step of arazzo ends with an error")
                )
            value = opened(step["output"], step_seal(spec.identity(run_id), position, name))
        return Entry(name, value)

    @contextmanager
    def _opening(self, what: str, run_id: str) -> Iterator[None]:
        try:
            yield
        except ForeignRecord as problem:
            raise foreign(problem, f"{what} of run", run_id, self._store.shown) from None

    def schedules(self) -> list[Any]:
        """Return DBOS's records of schedules; sealed values in them are not opened."""
        with self.store_errors():
            return list(self._client.list_schedules(workflow_name=SCHEDULED))

    def scheduled(self, row: Any) -> Any:
        """Return what a schedule submits (its queue and spec); raises InvalidUsage."""
        name = row["schedule_name"]
        try:
            return opened_schedule(row)
        except ForeignRecord as problem:
            forget = f"schedule remove {shlex.quote(name)}"
            raise foreign(problem, "schedule", name, self._store.shown, forget=forget) from None

    def enqueue(self, run_id: str, spec: JsonValue, queue: str, priority: int | None) -> None:
        """Submit a run, unless there is one of that id."""
        options: dict[str, Any] = {"queue_name": queue}
        if priority is not None:
            options["priority"] = priority
        self._enqueue(run_id, RUN, spec, options)

    def _enqueue(self, name: str, kind: str, value: JsonValue, options: Mapping[str, Any]) -> None:
        self._check_key()
        given = {"workflow_name": kind, "workflow_id": name, "app_version": VERSION, **options}
        with self.store_errors():
            self._client.enqueue(cast(EnqueueOptions, given), Sealed(input_seal(name, kind), value))

    def hand_over(self, ids: Sequence[str], queue: str) -> None:
        """Put unfinished runs back into a queue, whichever worker owns them."""
        with self.store_errors():
            self._client.resume_workflows(list(ids), queue_name=queue)

    def cancel(self, run_id: str, *, by_user: bool) -> None:
        """Take a run from its owner; `by_user` if a user cancels it, permanently."""
        with self.store_errors():
            if by_user:
                self._client.update_workflow_attributes(run_id, {"cancelled": True})
            self._client.cancel_workflow(run_id)

    def delete(self, run_id: str) -> None:
        """Delete a run, its journal and its decisions."""
        decisions = [_id("decision", name) for name in self.names("decision", f"{run_id}:")]
        with self.store_errors():
            self._client.delete_workflows([run_id, *decisions])

    def own_queue(self, run_id: str) -> str:
        """Create the queue that only the process that resumes this run listens to."""
        name = f"{OWN_QUEUE}{run_id}"
        with self.store_errors():
            self._client.register_queue(name, polling_interval_sec=0.02, application_name=APPLICATION)
        return name

    def drop_queue(self, name: str) -> None:
        """Delete a queue."""
        with self.store_errors():
            self._client.delete_queue(name)


def _texts(row: Any) -> Any:
    """Return a record with its names as strings: SQLite columns accept any type."""
    for name in ("status", "executor_id", "queue_name", "parent_workflow_id", "app_version"):
        value = getattr(row, name)
        if value is not None and not isinstance(value, str):
            setattr(row, name, str(value))
    if not isinstance(row.attributes, dict):
        row.attributes = None
    return row


def _missing(columns: Mapping[str, set[str]]) -> str | None:
    """Return the first table or column of DBOS that a store lacks, None if it has all."""
    for name, needed in _NEEDED.items():
        if name not in columns:
            return f"the table {name}"
        if lacking := needed - columns[name]:
            return f"the column {min(lacking)} of {name}"
    return None


def _id(kind: str, name: str) -> str:
    """Return the id of a stored value, which differs between journal versions."""
    return f"{kind}-{JOURNAL_VERSION}:{name}"


def opened_spec(run_id: str, found: Any) -> RunSpec:
    """Return the specification in the input of a run from a queue; raises ForeignRecord."""
    return spec_of(opened(found, input_seal(run_id, RUN)))


def spec_of(value: Any) -> RunSpec:
    """Return the specification in an opened input; raises ForeignRecord if another version wrote it."""
    try:
        return RunSpec.from_json(value)
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError):
        raise ForeignRecord("another version of arazzo wrote it", "journal-mismatch") from None


def _only(given: Any) -> Any:
    """Return the single argument of an input, or the ForeignRecord that it is."""
    if isinstance(given, ForeignRecord):
        return given
    args = given.get("args") if isinstance(given, Mapping) else None
    return args[0] if isinstance(args, list) and len(args) == 1 else None
