"""The fuzz target `store`: bytes written into one column of a small SQLite store, which is then read.

The store is made once, and put back after each input. A run is resumed only when that must be refused.
"""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path
from typing import Any

from arazzo_runner import LoadOptions, durable_runs
from arazzo_runner.cli.commands.runs import _heading, _table, status_json
from arazzo_runner.durable.database import sqlite_module
from arazzo_runner.errors import ArazzoError
from arazzo_runner.report.findings.text import render_diagnostics
from arazzo_runner.report.json import pretty
from tests.durable.cluster import SPEC
from tests.durable.notes_server import notes_server
from tests.durable.test_library import stop_at

_COLUMNS = {
    "workflow_status": "workflow_uuid", "workflow_input": "workflow_uuid", "workflow_output": "workflow_uuid",
    "operation_outputs": "workflow_uuid", "workflow_schedules": "schedule_name", "queues": "name",
}  # fmt: skip
_LABELLED = ("workflow_status", "operation_outputs")


class Kept:
    """A store with a run that ended, one that stopped, one that waits, and a schedule; never closed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{os.getpid()}-store.db"
        environment = {"XDG_STATE_HOME": str(folder)}
        with notes_server() as notes, durable_runs.opened(str(self.path), environment) as runtime:
            servers = {"notes": notes.url}
            durable_runs.run(runtime, SPEC, inputs={"text": "a"}, run_id="done", servers=servers)
            stop_at(runtime, "read")
            with contextlib.suppress(KeyboardInterrupt):
                durable_runs.run(runtime, SPEC, inputs={"text": "b"}, run_id="stopped", servers=servers)
            _, spec, bundle = durable_runs.prepared(
                SPEC, None, {"text": "c"}, False, None, LoadOptions(servers=servers)
            )
        with durable_runs.opened(str(self.path), environment) as runtime:
            queues = durable_runs.queues(runtime)
            runtime.keep(bundle)
            queues.submit([("waiting", spec)])
            queues.add_schedule("nightly", "0 3 * * *", spec)
        self.sqlite = sqlite_module()
        self.raw = self.sqlite.connect(str(self.path), isolation_level=None, check_same_thread=False)
        self.raw.execute("PRAGMA synchronous=OFF")
        self.columns = {
            table: [row[1] for row in self.raw.execute(f"PRAGMA table_info({table})")] for table in _COLUMNS
        }
        self.rows = {table: self.raw.execute(f"SELECT * FROM {table}").fetchall() for table in _COLUMNS}
        self.runtime = durable_runs.opened(str(self.path), environment)
        self.queues = durable_runs.queues(self.runtime)

    def write(self, data: bytes) -> bool:
        """Write an input into the store; False when it does not name a place."""
        head, _, text = data.partition(b"\n")
        table, column, key, *label = [*head.decode("utf-8", "replace").split(" "), "", ""]
        if column not in self.columns.get(table, ()):
            return False
        value: Any = text
        with contextlib.suppress(UnicodeDecodeError):
            value = text.decode("utf-8")
        with contextlib.suppress(self.sqlite.IntegrityError):
            self.raw.execute(f'UPDATE {table} SET "{column}" = ? WHERE {_COLUMNS[table]} = ?', (value, key))
            if label[0]:
                given = None if label[0] == "NULL" else label[0]
                for each in _LABELLED:
                    self.raw.execute(f"UPDATE {each} SET serialization = ? WHERE workflow_uuid = ?", (given, key))
        return True

    def put_back(self) -> None:
        """Put every row back that has changed."""
        for table, rows in self.rows.items():
            if self.raw.execute(f"SELECT * FROM {table}").fetchall() != rows:
                self.raw.execute(f"DELETE FROM {table}")
                marks = ", ".join("?" * len(self.columns[table]))
                self.raw.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


@functools.cache
def kept(folder: Path) -> Kept:
    """Return the store of this process."""
    return Kept(folder)


def tried(data: bytes, folder: Path) -> None:
    """Write an input into the store, read everything, and put the store back."""
    store = kept(folder)
    try:
        if store.write(data):
            _read(store)
    finally:
        store.put_back()


def _read(store: Kept) -> None:
    with _refusals():
        found = store.runtime.list()
        pretty({"runs": [status_json(each) for each in found]})
        _checked(_table(found))
        for status in found:
            with _refusals():
                _checked(_heading(store.runtime.show(status.run_id).status))
            if status.state in ("unreadable", "succeeded", "failed", "cancelled"):
                with _refusals():
                    store.runtime.resume(status.run_id, on_event=lambda event, secrets: None)
                    raise AssertionError(f"{status.state} run {status.run_id!r} was resumed")
    with _refusals():
        store.queues.schedules()
    with _refusals():
        store.queues.queues()


@contextlib.contextmanager
def _refusals() -> Any:
    try:
        yield
    except ArazzoError as problem:
        _checked(render_diagnostics(problem.diagnostics))


def _checked(text: str) -> None:
    from tests.fuzz.targets import _STEERS

    steering = _STEERS.search(text)
    assert steering is None, f"{steering.group()!r} reaches the terminal"
