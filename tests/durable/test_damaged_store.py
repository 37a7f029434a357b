"""A store that is damaged, another program's or out of reach is a user's error: named, with a remedy, exit code 2."""

from __future__ import annotations

import os
import random
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import dbos._migration
import pytest

from arazzo_runner import durable_runs
from arazzo_runner.durable.database import sqlite_module
from arazzo_runner.errors import InvalidUsage
from tests.durable.cluster import SPEC
from tests.durable.poison import Store, fill
from tests.durable.postgres import Postgres

COMMANDS = {
    "runs list": ["runs", "list"],
    "runs show": ["runs", "show", "done"],
    "runs export": ["runs", "export", "done"],
    "runs cancel": ["runs", "cancel", "stopped"],
    "runs delete": ["runs", "delete", "other"],
    "resume": ["resume", "stopped"],
    "resume with a decision": ["resume", "stopped", "--step", "add", "--as", "failed"],
    "run --durable": ["run", SPEC, "-i", "text=x", "--durable", "--run-id", "new", "--server", "notes=http://127.0.0.1:9"],
    "submit": ["submit", SPEC, "-i", "text=x", "--run-id", "new"],
    "worker": ["worker", "--name", "w", "--drain"],
    "worker adopt": ["worker", "adopt", "w9"],
    "queue list": ["queue", "list"],
    "queue configure": ["queue", "configure", "bulk"],
    "queue remove": ["queue", "remove", "bulk"],
    "schedule list": ["schedule", "list"],
    "schedule add": ["schedule", "add", "new", SPEC, "-i", "text=x", "--cron", "0 3 * * *"],
    "schedule remove": ["schedule", "remove", "nightly"],
}  # fmt: skip
FEW = {name: COMMANDS[name] for name in ("runs list", "resume", "run --durable", "worker")}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite store with runs; copied for every case."""
    folder = tmp_path_factory.mktemp("sound")
    store = Store(str(folder / "journal.db"), folder)
    fill(store)
    store.engine.dispose()
    return folder / "journal.db"


def sql(*statements: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with closing(sqlite_module().connect(str(path))) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    return damage


def bytes_of(make: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(make(path.read_bytes()))

    return damage


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def foreign(path: Path) -> None:
    path.unlink()
    sql("CREATE TABLE cookies (name TEXT)")(path)


def scribbled(data: bytes) -> bytes:
    chance = random.Random(1)
    found = bytearray(data)
    for _ in range(400):
        found[chance.randrange(4096, len(found))] = chance.randrange(256)
    return bytes(found)


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "random bytes": (bytes_of(lambda data: random.Random(1).randbytes(9000)), "file is not a database"),
    "a text": (bytes_of(lambda data: b"hello\n" * 99), "file is not a database"),
    "the header only": (bytes_of(lambda data: data[:100]), "malformed"),
    "half of it": (bytes_of(lambda data: data[: len(data) // 2]), "malformed"),
    "some bytes are others": (bytes_of(scribbled), "malformed"),
    "a folder": (folder, "Is a directory"),
    "another program's database": (foreign, "the database of another program"),
    **{
        f"without the table {name}": (sql(f"DROP TABLE {name}"), name)
        for name in ("workflow_status", "operation_outputs", "workflow_input", "workflow_output", "queues", "workflow_schedules")
    },
    "without DBOS's own table": (sql("DROP TABLE dbos_migrations"), "another program"),
    "without a column": (sql("ALTER TABLE workflow_status DROP COLUMN attributes"), "attributes"),
}  # fmt: skip


CASES = [
    pytest.param(damage, seen, command, id=f"{name}, {command_name}")
    for name, (damage, seen) in DAMAGES.items()
    for command_name, command in (
        COMMANDS if name in ("random bytes", "without the table operation_outputs") else FEW
    ).items()
]


@pytest.mark.parametrize(("damage", "seen", "command"), CASES)
def test_a_damaged_file_is_named(
    sound: Path, tmp_path: Path, damage: Callable[[Path], None], seen: str, command: list[str]
) -> None:
    path = tmp_path / "journal.db"
    shutil.copy(sound, path)
    damage(path)
    code, out, err = Store(str(path), tmp_path).arazzo(*command)
    said = out + err
    assert (code, "invalid-store" in said, str(path) in said, seen in said) == (2, True, True, True), said
    is_helpful = "= help: " in said or '"hint": "' in said  # `runs export` is JSON
    assert (is_helpful, "Traceback" in said) == (True, False)


@pytest.mark.parametrize("command", FEW.values(), ids=FEW)
@pytest.mark.parametrize(
    "url",
    ["postgresql://127.0.0.1:1/none", "postgresql://127.0.0.1:abc/none", "postgresql://[::1/none", "postgresql://", "mysql://db/x",
     "/proc/version", "/proc/nowhere/x.db", "/dev/null/x.db"],
)  # fmt: skip
def test_a_store_out_of_reach_is_named(tmp_path: Path, url: str, command: list[str]) -> None:
    code, out, err = Store("x.db", tmp_path).arazzo(*command, "--store", url)
    said = out + err
    assert (code, "invalid-store" in said, "= help: " in said, "Traceback" in said) == (2, True, True, False), said


UNUSABLE_NAMES = {
    "a NUL": "a\0b",
    "a NUL in a sqlite URL": "sqlite:///a\0b",
    "a NUL in a PostgreSQL URL": "postgresql://u@h/d\0b",
    "bytes that are not UTF-8": "a\udcff",
    "a folder that is not UTF-8": "/tmp/\udcff/journal.db",
    "a host that is not UTF-8": "postgresql://u@h\udcff:1/db",
    "a database that is not UTF-8": "postgresql://u@h:1/\udcff",
}


@pytest.mark.parametrize("name", UNUSABLE_NAMES.values(), ids=UNUSABLE_NAMES)
def test_a_name_that_no_store_can_have_is_refused_before_anything_is_made(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for given, variable in ((name, {}), (None, {"ARAZZO_STORE": name})):
        with pytest.raises(InvalidUsage) as refused:
            durable_runs.opened(given, {"XDG_STATE_HOME": str(tmp_path), **variable})
        assert [(each.code, each.hint is not None) for each in refused.value.diagnostics] == [("invalid-store", True)]
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_accepts_and_never_answers_times_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/x?connect_timeout=2"
        code, _, err = Store("x.db", tmp_path).arazzo("runs", "list", "--store", url)
    assert (code, "invalid-store" in err) == (2, True)


@pytest.fixture
def unprivileged(database: Postgres) -> Iterator[str]:
    """A database whose role may do nothing in it."""
    import psycopg

    url = database.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE nobody_here LOGIN")
        connection.execute(f"REVOKE ALL ON DATABASE {url.rpartition('/')[2]} FROM PUBLIC")
        connection.execute(f"GRANT CONNECT ON DATABASE {url.rpartition('/')[2]} TO nobody_here")
    yield url.replace("postgres@", "nobody_here@")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY nobody_here CASCADE")
        connection.execute("DROP ROLE nobody_here")


def test_a_database_that_forbids_tables_is_named(unprivileged: str, tmp_path: Path) -> None:
    store = Store(unprivileged, tmp_path)
    assert store.arazzo("runs", "list")[:2] == (0, "no runs\n")
    for command in (COMMANDS["run --durable"], COMMANDS["submit"], COMMANDS["worker"]):
        code, _, err = store.arazzo(*command)
        assert (code, "permission denied" in err, "invalid-store" in err) == (2, True, True), err


def test_a_database_that_goes_down_is_named(database: Postgres, tmp_path: Path) -> None:
    import psycopg

    url = database.new_database()
    store = Store(url, tmp_path)
    fill(store)
    store.engine.dispose()
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {url.rpartition('/')[2]} ALLOW_CONNECTIONS false")
    for command in COMMANDS.values():
        code, out, err = store.arazzo(*command)
        assert (code, "invalid-store" in out + err, "Traceback" in err) == (2, True, False), err


def test_a_postgresql_store_without_a_table_is_named(database: Postgres, tmp_path: Path) -> None:
    store = Store(database.new_database(), tmp_path)
    fill(store)
    store.execute("DROP TABLE {operation_outputs}")
    store.engine.dispose()
    for command in COMMANDS.values():
        code, out, err = store.arazzo(*command)
        assert (code, "it lacks the table operation_outputs" in out + err) == (2, True), err


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_another_key_is_refused_before_anything_is_read_or_written(
    sound: Path, tmp_path: Path, command: list[str]
) -> None:
    path = tmp_path / "journal.db"
    shutil.copy(sound, path)
    store = Store(str(path), tmp_path)
    before = store.execute("SELECT workflow_uuid, status FROM {workflow_status} ORDER BY 1")
    store.environment["ARAZZO_JOURNAL_KEY"] = "A" * 43 + "="
    code, out, err = store.arazzo(*command)
    assert (code, "journal-key" in out + err, str(path) in out + err) == (2, True, True), err
    assert store.execute("SELECT workflow_uuid, status FROM {workflow_status} ORDER BY 1") == before
    store.engine.dispose()


def test_a_store_of_an_earlier_dbos_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with closing(sqlite_module().connect(path)) as connection:
        connection.executescript("CREATE TABLE dbos_migrations (version INTEGER PRIMARY KEY)")
        for number, script in enumerate(dbos._migration.sqlite_migrations[:9], 1):
            connection.executescript(script)
            connection.execute("DELETE FROM dbos_migrations")
            connection.execute("INSERT INTO dbos_migrations VALUES (?)", (number,))
            connection.commit()
    assert Store(str(path), tmp_path).arazzo("runs", "list") == (0, "no runs\n", "")


ODD_ROWS = {
    "a moment that is a text": "UPDATE workflow_status SET created_at = 'soon', completed_at = 'later'",
    "a moment in the year 9999": "UPDATE workflow_status SET created_at = 253402300799000, completed_at = 253402300799000",
    "a moment beyond all calendars": "UPDATE workflow_status SET created_at = 9e30, completed_at = -1",
    "an input of bytes": "UPDATE workflow_input SET inputs = x'ff00'",
    "a number for an output": "UPDATE workflow_output SET output = 7",
    "roles that are not JSON": "UPDATE workflow_status SET authenticated_roles = '{'",
    "attributes that are not JSON": "UPDATE workflow_status SET attributes = '{'",
    "attributes that are a list": "UPDATE workflow_status SET attributes = '[1]'",
    "no input": "DELETE FROM workflow_input",
    "an unknown status": "UPDATE workflow_status SET status = 'WHAT'",
    "no status": "UPDATE workflow_status SET status = NULL",
    "an id that leads elsewhere": "UPDATE workflow_status SET workflow_uuid = '../../' || workflow_uuid",
    "an id with a line break and colours": "UPDATE workflow_status SET workflow_uuid = char(10, 27) || '[31m' || workflow_uuid",
    "no id": "UPDATE workflow_status SET workflow_uuid = NULL",
    "a very long id": "UPDATE workflow_status SET workflow_uuid = hex(zeroblob(3000)) || workflow_uuid",
    "no documents": "DELETE FROM workflow_status WHERE name = 'arazzo_bundle'",
    "times of a schedule that are none": "UPDATE workflow_schedules SET schedule = 'x', cron_timezone = 'y', last_fired_at = 'z'",
    "limits of a queue that are texts": "UPDATE queues SET concurrency = 'x', polling_interval_sec = 'y'",
    "a worker whose name leads elsewhere": "UPDATE workflow_status SET status = 'PENDING', executor_id = 'worker-../../x'",
    "numbers for names": "UPDATE workflow_status SET status = 'PENDING', executor_id = 7, queue_name = 8, parent_workflow_id = 9",
    "a step's name of bytes": "UPDATE operation_outputs SET function_name = x'ff'",
    "a step is missing": "DELETE FROM operation_outputs WHERE function_id = 1",
}  # fmt: skip


@pytest.mark.parametrize("statement", ODD_ROWS.values(), ids=ODD_ROWS)
def test_odd_rows_end_no_command_in_a_bug(sound: Path, tmp_path: Path, statement: str) -> None:
    for name in (
        "runs list",
        "runs show",
        "runs export",
        "resume",
        "schedule list",
        "queue list",
        "worker adopt",
        "submit",
    ):
        path = tmp_path / "journal.db"
        for file in tmp_path.glob("journal.db-*"):
            file.unlink()
        shutil.copy(sound, path)
        sql(statement)(path)
        code, out, err = Store(str(path), tmp_path).arazzo(*COMMANDS[name])
        assert (code in (0, 1, 2), "Traceback" in err, "\x1b" in out + err) == (True, False, False), (name, err)
        if code == 2:
            assert "error[" in err or '"severity": "error"' in out
    assert {entry.name for entry in os.scandir(tmp_path.parent)} >= {tmp_path.name}


def test_a_locked_file_is_waited_for_and_then_named(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arazzo_runner.durable.database.SECONDS_LOCKED", 0.2)
    path = tmp_path / "journal.db"
    shutil.copy(sound, path)
    with closing(sqlite_module().connect(path, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        for command in COMMANDS.values():
            code, out, err = Store(str(path), tmp_path).arazzo(*command)
            assert (code, "invalid-store" in out + err, "locked" in out + err) == (2, True, True), err
