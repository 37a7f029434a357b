"""A store with runs of every kind, whose rows are then overwritten without the key."""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from arazzo_runner import LoadOptions, durable_runs
from arazzo_runner.base.records import replace
from arazzo_runner.cli.group import run_command_line
from arazzo_runner.durable.codec import LABEL
from arazzo_runner.durable.database import sqlite_module
from arazzo_runner.durable.store import store_of
from tests.durable.cluster import SPEC as NOTE
from tests.durable.notes_server import notes_server
from tests.durable.test_library import stop_at

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return open, (self._path, "w")


@dataclass(frozen=True)
class Place:
    """A column that DBOS decodes, in one row: `label` is the table that has the label, None when there is none."""

    table: str
    column: str
    where: str
    label: str | None
    shown: str = ""
    ready: tuple[str, ...] = ()


@dataclass(frozen=True)
class Poison:
    """A row's new content: label and text; `seen` is the expected reason in the diagnostic."""

    label: str | None
    text: Callable[[Store, Place], str]
    seen: str = ""
    code: str = "foreign-record"


class Store:
    """The tables of a store, written past arazzo and DBOS."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.trap = folder / "trap"
        self.environment = {"XDG_STATE_HOME": str(folder), "ARAZZO_STORE": url, "ARAZZO_JOURNAL_KEY": KEY}
        self._schema = "" if store_of(url, {}).path else "dbos."
        if self._schema:
            self.engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        else:  # the library of arazzo: two in one process drop each other's locks, and read what is no longer so
            self.engine = sa.create_engine(f"sqlite:///{url}", module=sqlite_module())

    def arazzo(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command line in this process."""
        out, err = io.StringIO(), io.StringIO()
        with patch.dict(os.environ, self.environment), redirect_stdout(out), redirect_stderr(err):
            code = run_command_line([*arguments])
        return code, out.getvalue(), err.getvalue()

    def execute(self, statement: str, **values: Any) -> list[Any]:
        """Execute a statement whose tables are written {table}."""
        with self.engine.begin() as connection:
            done = connection.execute(sa.text(self._named(statement)), values)
            return [*done.fetchall()] if done.returns_rows else []

    def _named(self, statement: str) -> str:
        tables = ("workflow_status", "workflow_input", "workflow_output", "operation_outputs", "notifications",
                  "workflow_events", "workflow_events_history", "streams", "workflow_schedules")  # fmt: skip
        return statement.format(**{name: self._schema + name for name in tables})

    def text(self, place: Place) -> str:
        """Return the value at a place."""
        [(found,)] = self.execute(f"SELECT {place.column} FROM {{{place.table}}} WHERE {place.where}")
        assert isinstance(found, str)
        return found

    @contextmanager
    def poisoned(self, place: Place, poison: Poison) -> Iterator[None]:
        """Write over a place as long as the block, then put everything back."""
        kept = {name: self.execute(f"SELECT * FROM {{{name}}}") for name in self._touched(place)}
        text = poison.text(self, place)
        try:
            for statement in place.ready:
                self.execute(statement)
            self.execute(f"UPDATE {{{place.table}}} SET {place.column} = :text WHERE {place.where}", text=text)
            if place.label is not None:
                key = (
                    place.where.replace("destination_uuid", "workflow_uuid")
                    if place.label != place.table
                    else place.where
                )
                self.execute(f"UPDATE {{{place.label}}} SET serialization = :label WHERE {key}", label=poison.label)
            yield
        finally:
            for name, rows in kept.items():
                self._restored(name, rows)

    def _touched(self, place: Place) -> list[str]:
        return list(dict.fromkeys(["workflow_status", "workflow_input", "workflow_output", place.table]))

    def _restored(self, name: str, rows: list[Any]) -> None:
        current = {tuple(row): row for row in self.execute(f"SELECT * FROM {{{name}}}")}
        if {*current} == {tuple(row) for row in rows}:
            return
        meta = sa.MetaData()
        table = sa.Table(name, meta, autoload_with=self.engine, schema=self._schema.rstrip(".") or None)
        with self.engine.begin() as connection:
            if self._schema:
                connection.execute(sa.text("SET session_replication_role = replica"))
            connection.execute(table.delete())
            connection.execute(table.insert(), [row._mapping for row in rows])


def fill(store: Store) -> None:
    """Put runs into a store: two that ended, two that stopped, two that wait, a schedule."""
    with notes_server() as notes, patch.dict(os.environ, store.environment), durable_runs.opened() as runtime:
        servers = {"notes": notes.url}
        for name in ("done", "other"):
            outcome = durable_runs.run(runtime, NOTE, inputs={"text": name}, run_id=name, servers=servers)
            assert outcome.result.status == "succeeded"
        stop_at(runtime, "read")
        for name in ("stopped", "stopped-too"):
            with pytest.raises(KeyboardInterrupt) as raised:
                durable_runs.run(runtime, NOTE, inputs={"text": name}, run_id=name, servers=servers)
            assert durable_runs.partial_outcome(raised.value).unfinished
    with patch.dict(os.environ, store.environment), durable_runs.opened() as runtime:
        _, spec, bundle = durable_runs.prepared(NOTE, None, {"text": "x"}, False, None, LoadOptions(servers=servers))
        queues = durable_runs.queues(runtime)
        runtime.keep(bundle)
        queues.submit([(name, replace(spec, queue="default")) for name in ("waiting", "waiting-too")])
        queues.add_schedule("nightly", "0 3 * * *", spec)
        queues.add_schedule("weekly", "0 3 * * 1", spec)


def worked(store: Store, queue: str, seconds: float = 60.0) -> tuple[list[str], dict[str, str]]:
    """Let a worker empty a queue; return the runs that ended, and why others were put aside."""
    ended: list[str] = []
    refused: dict[str, str] = {}
    stop = threading.Event()
    alarm = threading.Timer(seconds, stop.set)
    alarm.start()
    try:
        with patch.dict(os.environ, store.environment), durable_runs.opened() as runtime:
            worker = durable_runs.worker(
                runtime,
                "w1",
                [queue],
                lambda outcome: ended.append(outcome.run_id),
                lambda run_id, problem: refused.__setitem__(run_id, str(problem)),
            )
            worker.work(stop, drain=True, grace=5.0)
        assert not stop.is_set(), "the queue does not become empty"
    finally:
        alarm.cancel()
    return ended, refused


# ------------------------------------------------------------------ what is written


def pickled(store: Store, place: Place) -> str:
    """DBOS's own default: a pickle that makes a file when it is read."""
    return base64.b64encode(pickle.dumps(Trap(str(store.trap)))).decode()


def portable(store: Store, place: Place) -> str:
    """Return unsigned JSON as DBOS accepts it from other languages: a specification, or an answer."""
    from arazzo_runner.durable.records import RunSpec

    if place.column == "inputs":
        spec = RunSpec(
            workflow_id="note", inputs={"text": "evil"}, bundle="0" * 64, document="file:///x.yml", queue="default"
        )
        return json.dumps({"positionalArgs": [spec.to_json()], "namedArgs": {}})
    if place.column == "error":
        return json.dumps({"name": "Error", "message": "evil"})
    return json.dumps(
        {
            "by": "x",
            "answers": [{"status": 200, "headers": [], "text": "{}", "ms": 1}],
            "now": [],
            "status": "succeeded",
        }
    )


def its_own(store: Store, place: Place) -> str:
    """The very text that belongs there, or would."""
    if place.column == "error":
        place = PLACES["the output of a step"]
    elif place.table == _STATUS:
        place = Place(f"workflow_{place.column}".removesuffix("s"), place.column, place.where, None)
    return store.text(place)


def garbage(store: Store, place: Place) -> str:
    return "gAAAAAB" + "x" * 93


def cut_off(store: Store, place: Place) -> str:
    """A text of ours without its end."""
    return copied(PLACES["the input of an ended run"])(store, place)[:-20]


def of_version_1(store: Store, place: Place) -> str:
    """A record of an earlier version with the same key: not bound to any run."""
    return Fernet(KEY).encrypt(b'j{"args":[{"workflowId":"note"}],"kwargs":{}}').decode()


def copied(source: Place) -> Callable[[Store, Place], str]:
    """The text of another place."""
    return lambda store, place: store.text(source)


def _run(name: str) -> str:
    return f"workflow_uuid = '{name}'"


def _step(name: str, number: int) -> str:
    return f"workflow_uuid = '{name}' AND function_id = {number}"


_STATUS = "workflow_status"
_FAILED = "UPDATE {workflow_status} SET status = 'ERROR' WHERE workflow_uuid = 'done'"
_NO_INPUT = "DELETE FROM {workflow_input} WHERE workflow_uuid = 'done'"
_NO_OUTPUT = "DELETE FROM {workflow_output} WHERE workflow_uuid = 'done'"
PLACES = {
    "the input of an ended run": Place("workflow_input", "inputs", _run("done"), _STATUS, "done"),
    "the input of a stopped run": Place("workflow_input", "inputs", _run("stopped"), _STATUS, "stopped"),
    "the input of a waiting run": Place("workflow_input", "inputs", _run("waiting"), _STATUS, "waiting"),
    "the output of a run": Place("workflow_output", "output", _run("done"), _STATUS, "done"),
    "the error of a run": Place("workflow_output", "error", _run("done"), _STATUS, "done", (_FAILED,)),
    "the output of a step": Place("operation_outputs", "output", _step("stopped", 1), "operation_outputs", "stopped"),
    "the error of a step": Place("operation_outputs", "error", _step("stopped", 2), "operation_outputs", "stopped"),
    "an input, where DBOS kept it before": Place(_STATUS, "inputs", _run("done"), _STATUS, "done", (_NO_INPUT,)),
    "an output, where DBOS kept it before": Place(_STATUS, "output", _run("done"), _STATUS, "done", (_NO_OUTPUT,)),
    "an error, where DBOS kept it before": Place(_STATUS, "error", _run("done"), _STATUS, "done", (_NO_OUTPUT, _FAILED)),
}  # fmt: skip
SCHEDULE = Place("workflow_schedules", "context", "schedule_name = 'nightly'", None, "nightly")
POISONS = {
    "a pickle": Poison("py_pickle", pickled, "py_pickle"),
    "DBOS's portable JSON": Poison("portable_json", portable, "portable_json"),
    "an unknown label": Poison("yaml", its_own, "yaml"),
    "no label, and a pickle": Poison(None, pickled, "no label"),
    "no label, and the right text": Poison(None, its_own, "no label"),
    "our label, and a pickle": Poison(LABEL, pickled, "damaged"),
    "our label, and no text of ours": Poison(LABEL, garbage, "damaged"),
    "our label, and a text that is cut off": Poison(LABEL, cut_off, "damaged"),
    "the label of version 1": Poison("arazzo-fernet-1", of_version_1, "earlier version", "journal-mismatch"),
    "our label, and a text of version 1": Poison(LABEL, of_version_1, "earlier version", "journal-mismatch"),
    "the input of another run": Poison(LABEL, copied(Place("workflow_input", "inputs", _run("other"), None))),
    "the output of another run": Poison(LABEL, copied(Place("workflow_output", "output", _run("other"), None))),
    "the same step of another run": Poison(LABEL, copied(Place("operation_outputs", "output", _step("stopped-too", 1), None))),
    "another step of the same run": Poison(LABEL, copied(Place("operation_outputs", "output", _step("stopped", 2), None))),
    "the context of a schedule": Poison(LABEL, copied(Place("workflow_schedules", "context", "schedule_name = 'weekly'", None))),
}  # fmt: skip
