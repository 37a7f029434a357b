"""Nothing that somebody else has written into the store is decoded, believed or carried out."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle, product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dbos
import dbos._serialization
import pytest
import sqlalchemy as sa
from dbos._schemas.system_database import SystemSchema

from arazzo_runner import LoadOptions, durable_runs
from arazzo_runner.base.records import replace as replaced
from arazzo_runner.durable.codec import ForeignRecord
from arazzo_runner.durable.dbos_engine import Engine
from arazzo_runner.errors import InvalidUsage
from tests.durable.cluster import SPEC as NOTE
from tests.durable.notes_server import notes_server
from tests.durable.poison import (
    PLACES,
    POISONS,
    SCHEDULE,
    Place,
    Poison,
    Store,
    fill,
    garbage,
    pickled,
    worked,
)

COMMANDS = [["runs", "show"], ["runs", "export"], ["runs", "cancel"], ["resume"]]
RUNS = {"done", "other", "stopped", "stopped-too", "waiting", "waiting-too"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("poisoned")
    sqlite = request.param == "sqlite"
    url = str(folder / "journal.db") if sqlite else request.getfixturevalue("database").new_database()
    made = Store(url, folder)
    fill(made)
    yield made
    made.engine.dispose()


def rows() -> list[Any]:
    """Return every poison at every place of SQLite. Who decodes knows no database: PostgreSQL has each of both once."""
    pairs = [("sqlite", *pair) for pair in product(PLACES, POISONS)]
    pairs += [("postgresql", *pair) for pair in zip(cycle(PLACES), POISONS, strict=False)]
    return [
        pytest.param(kind, PLACES[place], POISONS[poison], id=f"{kind}-{place}-{poison}")
        for kind, place, poison in pairs
    ]


@pytest.mark.parametrize(("store", "place", "poison"), rows(), indirect=["store"], scope="module")
def test_a_poisoned_row_is_refused_and_named_and_the_others_are_listed(
    store: Store, place: Place, poison: Poison
) -> None:
    with store.poisoned(place, poison):
        code, out, err = store.arazzo("runs", "list", "--format", "json")
        states = {run["runId"]: run["state"] for run in json.loads(out)["runs"]}
        assert (code, {*states}) == (2, RUNS)
        assert [name for name, state in states.items() if state == "unreadable"] == [place.shown]
        assert f"error[{poison.code}]" in err
        assert f'"{place.shown}"' in err
        assert poison.seen in err
        for command in COMMANDS if poison.text is pickled else COMMANDS[:1]:
            code, out, err = store.arazzo(*command, place.shown)
            assert (code, poison.code in out + err, "Traceback" in err) == (2, True, False), command
        if poison.text is pickled:
            assert store.arazzo("runs", "show", "other")[0] == 0
    assert not store.trap.exists()


@pytest.mark.parametrize("poison", [name for name in POISONS if "label" not in name.partition(",")[0] or "our" in name])
def test_a_poisoned_schedule_is_refused_and_named_and_can_be_removed(store: Store, poison: str) -> None:
    """DBOS sets no label for schedules: their context is always decoded by our codec."""
    with store.poisoned(SCHEDULE, POISONS[poison]):
        code, out, err = store.arazzo("schedule", "list", "--format", "json")
        found = {each["name"]: each for each in json.loads(out)["schedules"]}
        assert (code, {*found}) == (2, {"nightly", "weekly"})
        assert "refused" in found["nightly"]["problem"]
        assert "problem" not in found["weekly"]
        assert 'schedule "nightly"' in err
        assert store.arazzo("schedule", "remove", "nightly")[0] == 0
        assert "nightly" not in store.arazzo("schedule", "list")[1]
    assert not store.trap.exists()


@pytest.mark.parametrize("place", ["notifications", "workflow_events", "workflow_events_history", "streams"])
@pytest.mark.parametrize(
    "poison",
    [
        "a pickle",
        "DBOS's portable JSON",
        "an unknown label",
        "no label, and a pickle",
        "our label, and no text of ours",
    ],
)
def test_tables_that_arazzo_does_not_use_are_not_decoded_either(store: Store, place: str, poison: str) -> None:
    given = POISONS[poison]
    text = (
        garbage(store, PLACES["the output of a run"])
        if "text" in poison
        else pickled(store, PLACES["the output of a run"])
    )
    columns, read = {
        "notifications": (
            """(destination_uuid, topic, message, serialization, message_uuid, created_at_epoch_ms, consumed)
            VALUES ('other', 't', :text, :label, 'm1', 0, false)""",
            lambda client: [client._sys_db.recv_consume("other", 99, "t", 0)],
        ),
        "workflow_events": (
            "(workflow_uuid, key, value, serialization) VALUES ('other', 'k', :text, :label)",
            lambda client: [client.get_event("other", "k", 0.01)],
        ),
        "workflow_events_history": (
            "(workflow_uuid, key, value, serialization, function_id) VALUES ('other', 'k', :text, :label, 1)",
            lambda client: client._sys_db.get_all_events("other"),
        ),
        "streams": (
            "(workflow_uuid, key, value, serialization, \"offset\", function_id) VALUES ('other', 'k', :text, :label, 0, 1)",
            lambda client: [*client.read_stream("other", "k")],
        ),
    }[place]  # fmt: skip
    store.execute(f"INSERT INTO {{{place}}} {columns}", text=text, label=given.label)
    try:
        with patch.dict(os.environ, store.environment), durable_runs.opened() as runtime:
            try:
                found = read(runtime.rows.client)
            except (ForeignRecord, TypeError):
                found = []
            values = found.values() if isinstance(found, dict) else found
            assert [value for value in values if not isinstance(value, ForeignRecord)] == []
    finally:
        store.execute(f"DELETE FROM {{{place}}}")
        store.execute("DELETE FROM {operation_outputs} WHERE function_id = 99")
    assert not store.trap.exists()


def test_a_worker_executes_the_valid_runs_among_poisoned_ones(store: Store) -> None:
    """The poisoned ones are put aside and named: no request of theirs is sent, and no place in the queue is held."""
    waiting = PLACES["the input of a waiting run"]
    names = {f"bad-{number}": name for number, name in enumerate(POISONS)}
    texts = {run: POISONS[name].text(store, waiting) for run, name in names.items()}
    with notes_server() as notes, patch.dict(os.environ, store.environment):
        with durable_runs.opened() as runtime:
            servers = LoadOptions(servers={"notes": notes.url})
            queues = durable_runs.queues(runtime)
            for run in ("good-1", *names, "good-2"):
                _, spec, bundle = durable_runs.prepared(NOTE, None, {"text": run}, False, None, servers)
                runtime.keep(bundle)
                queues.submit([(run, replaced(spec, queue="worked"))])
            queues.configure(durable_runs.queue_limits("worked", 1, 1, None, 0.02))
        for run, name in names.items():
            label = POISONS[name].label
            store.execute(
                "UPDATE {workflow_input} SET inputs = :text WHERE workflow_uuid = :run", text=texts[run], run=run
            )
            store.execute(
                "UPDATE {workflow_status} SET serialization = :label WHERE workflow_uuid = :run", label=label, run=run
            )
        ended, refused = worked(store, "worked")
    assert (sorted(ended), sorted(notes.added)) == (["good-1", "good-2"], ["good-1", "good-2"])
    assert {*refused} == {*names}
    for run, name in names.items():
        assert f'the input of run "{run}"' in refused[run]
        assert POISONS[name].seen in refused[run]
    assert not store.trap.exists()
    code, _, err = store.arazzo("runs", "delete", *names)
    assert (code, err.count("is deleted")) == (0, len(names)), err


def test_a_run_whose_journal_is_poisoned_after_it_was_read_sends_nothing(store: Store) -> None:
    """The journal is read before the run resumes; DBOS reads each entry again while it runs."""
    place = Place("operation_outputs", "output", "workflow_uuid = 'stopped' AND function_id = 1", "operation_outputs")
    for name in ("a pickle", "DBOS's portable JSON", "the same step of another run", "another step of the same run"):
        with patch.dict(os.environ, store.environment), durable_runs.opened() as runtime:
            turn = runtime._take_over("stopped", lambda event, secrets: None, threaded=False)
            with store.poisoned(place, POISONS[name]), pytest.raises(InvalidUsage, match='step "add#1 begun"'):
                runtime._carry_out(lambda turn=turn: turn)
    assert not store.trap.exists()


def test_a_schedule_of_another_name_or_time_submits_nothing(store: Store) -> None:
    with patch.dict(os.environ, store.environment), durable_runs.opened() as runtime:
        context = next(row["context"] for row in runtime.rows.schedules() if row["schedule_name"] == "nightly")
        due = datetime(2026, 1, 2, 3, tzinfo=UTC)
        told: dict[str, str] = {}
        engine = Engine(
            runtime.store,
            runtime.codec,
            executor="test",
            on_problem=lambda run, problem: told.update({run: str(problem)}),
        )
        try:
            for run in ("sched-weekly-2026-01-02T03:00:00+00:00", "sched-nightly-2026-01-03T03:00:00+00:00", "nightly"):
                with pytest.raises(InvalidUsage, match="is refused"):
                    engine.submit(run, due, context)
            with pytest.raises(InvalidUsage, match="is refused"):
                engine.submit("sched-nightly-2026-01-02T03:00:00+00:00", context, None)
        finally:
            engine.close()
    assert len(told) == 4


def test_runs_of_an_earlier_version_wait_for_it_and_are_named(store: Store) -> None:
    place = PLACES["the input of a waiting run"]
    earlier = replace(place, ready=("UPDATE {workflow_status} SET application_version = 'arazzo-journal-1'",))
    with store.poisoned(earlier, POISONS["the label of version 1"]):
        ended, refused = worked(store, "default")
        assert ended == []
        assert "needs a worker of arazzo-journal-1, this one is of arazzo-journal-2" in refused["waiting"]
        assert store.execute("SELECT status FROM {workflow_status} WHERE workflow_uuid = 'waiting'") == [("ENQUEUED",)]
        code, _, err = store.arazzo("resume", "waiting")
        assert (code, "journal-mismatch" in err, "use the version of arazzo that wrote it" in err) == (2, True, True)


# ------------------------------------------------------------------ DBOS as it is


LABELLED = {
    "workflow_status",
    "operation_outputs",
    "notifications",
    "workflow_events",
    "workflow_events_history",
    "streams",
}
DECODED = {
    ("workflow_status", "inputs"), ("workflow_status", "output"), ("workflow_status", "error"),
    ("workflow_input", "inputs"), ("workflow_output", "output"), ("workflow_output", "error"),
    ("operation_outputs", "output"), ("operation_outputs", "error"),
    ("notifications", "message"), ("workflow_events", "value"), ("workflow_events_history", "value"), ("streams", "value"),
    ("workflow_schedules", "context"),
}  # fmt: skip
PLAIN = {
    "workflow_uuid", "status", "name", "authenticated_user", "assumed_role", "authenticated_roles", "request", "executor_id",
    "application_version", "application_id", "class_name", "config_name", "queue_name", "deduplication_id",
    "queue_partition_key", "forked_from", "owner_xid", "creator_xid", "parent_workflow_id", "serialization", "attributes",
    "schedule_name", "application_name", "function_name", "child_workflow_id", "destination_uuid", "topic", "message_uuid",
    "key", "schedule_id", "workflow_name", "workflow_class_name", "schedule", "last_fired_at", "cron_timezone", "version_id",
    "version_name", "queue_id", "service_name", "workflow_fn_name",
}  # fmt: skip
NOT_DECODED = {("event_dispatch_kv", "value")}  # the offsets of DBOS's event receivers, on PostgreSQL


def test_dbos_stores_nothing_that_these_tests_do_not_know(store: Store) -> None:
    """A new table or text column of DBOS may hold something that it decodes: look at it, and add it above."""
    inspector = sa.inspect(store.engine)
    schema = None if store.url.startswith("/") else "dbos"
    columns = {
        (table.name, column.name): column.type
        for table in SystemSchema.metadata_obj.tables.values()
        for column in table.columns
    }
    for name in inspector.get_table_names(schema):
        columns |= {(name, column["name"]): column["type"] for column in inspector.get_columns(name, schema)}
    assert {table for table, column in columns if column == "serialization"} == LABELLED
    texts = {(table, column) for (table, column), kind in columns.items() if _is_text(kind) and column not in PLAIN}
    assert texts - NOT_DECODED == DECODED
    covered = {(place.table, place.column) for place in (*PLACES.values(), SCHEDULE)}
    assert DECODED - covered == {
        ("notifications", "message"),
        ("workflow_events", "value"),
        ("workflow_events_history", "value"),
        ("streams", "value"),
    }


def _is_text(kind: Any) -> bool:
    return isinstance(kind, (sa.String, sa.JSON)) or type(kind).__name__ in ("JSONB", "NullType")


def test_dbos_unpickles_and_reads_portable_json_in_the_two_methods_that_are_replaced() -> None:
    """`pickle`, and the decoders that the guard replaces, are named nowhere else in DBOS."""
    folder = Path(dbos.__file__).parent
    trees = {path.name: ast.parse(path.read_text("utf-8")) for path in folder.glob("*.py")}
    unpickling = {
        name
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
        if alias.name in ("pickle", "cloudpickle", "dill", "marshal", "shelve", "jsonpickle")
        or getattr(node, "module", None) in ("pickle", "cloudpickle", "dill", "marshal", "shelve", "jsonpickle")
    }
    assert unpickling == {"_serialization.py"}
    loads = [
        function.name
        for node in ast.walk(trees["_serialization.py"])
        if isinstance(node, ast.ClassDef)
        for function in node.body
        if isinstance(function, ast.FunctionDef) and "loads" in ast.unparse(function)
    ]
    assert loads == ["deserialize", "deserialize"]
    assert ast.unparse(trees["_serialization.py"]).count(".loads(") == 2
    for name, users in {"deserialize_args": {"_core.py"}, "safe_deserialize": {"_sys_db.py"}}.items():
        calls = {
            file
            for file, tree in trees.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
        }
        assert calls - {"_serialization.py"} == users


def test_dbos_decodes_again_when_the_last_runtime_is_closed(tmp_path: Path) -> None:
    """A host application may use DBOS after us."""
    real = dbos._serialization.DBOSDefaultSerializer
    text = real.serialize({"a": 1})
    with durable_runs.opened(str(tmp_path / "a.db"), {"XDG_STATE_HOME": str(tmp_path)}):
        with durable_runs.opened(str(tmp_path / "b.db"), {"XDG_STATE_HOME": str(tmp_path)}):
            pass
        for decoder in (real, dbos._serialization.DBOSPortableJSON):
            with pytest.raises(ForeignRecord, match="label"):
                decoder.deserialize(text)
    assert real.deserialize(text) == {"a": 1}
    assert dbos._serialization.DBOSPortableJSON.deserialize("[1]") == [1]
