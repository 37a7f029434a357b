"""Faults around a run: the run is not lost, not marked as failed, and does not block the worker."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from arazzo_runner import LoadOptions, durable_runs
from arazzo_runner.base.records import replace
from arazzo_runner.errors import InvalidUsage
from tests.durable.cluster import SPEC as NOTE
from tests.durable.notes_server import notes_server
from tests.durable.postgres import Postgres
from tests.durable.test_library import stop_at


def submit(runtime: Any, url: str, *names: str) -> None:
    _, spec, bundle = durable_runs.prepared(
        NOTE, None, {"text": names[0]}, False, None, LoadOptions(servers={"notes": url})
    )
    queues = durable_runs.queues(runtime)
    runtime.keep(bundle)
    queues.submit([(name, replace(spec, queue="default")) for name in names])


def nothing(*_: Any) -> None:
    """Ignore a problem."""


@contextmanager
def working(
    runtime: Any, on_outcome: Callable[..., None] = nothing, on_problem: Callable[..., None] = nothing, **options: Any
) -> Iterator[threading.Event]:
    """Let a worker work as long as the block."""
    stop = threading.Event()
    worker = durable_runs.worker(runtime, "w1", ["default"], on_outcome, on_problem)
    thread = threading.Thread(target=worker.work, args=(stop,), kwargs=options)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive(), "the worker does not stop"


def wait_until(ready: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.02)


def test_a_listener_that_raises_does_not_change_the_outcome_of_a_run(state: Path) -> None:
    def raises(*_: Any) -> None:
        raise OSError("nobody listens")

    with notes_server() as notes, durable_runs.opened() as runtime:
        submit(runtime, notes.url, "r1")
        with working(runtime, raises, raises):
            wait_until(lambda: runtime.status("r1").ended is not None)
        assert (runtime.status("r1").state, runtime.show("r1").result.outputs) == ("succeeded", {"id": 1})


def test_a_run_in_progress_when_its_worker_stops_continues_on_the_next(state: Path) -> None:
    with notes_server() as notes:
        with durable_runs.opened() as runtime:
            submit(runtime, notes.url, "r1")
            ended: list[str] = []
            notes.asking_delay = 3.0
            with working(runtime, grace=0.0) as stop:
                wait_until(lambda: notes.asked.total() == 1)  # a safe request is under way
                stop.set()
        time.sleep(4.0)
        notes.asking_delay = 0.0
        with durable_runs.opened() as runtime:
            with working(runtime, lambda outcome: ended.append(outcome.run_id)):
                wait_until(lambda: runtime.status("r1").ended is not None, 15)
            assert (runtime.status("r1").state, notes.twice()) == ("succeeded", [])


@pytest.mark.parametrize("doubtful", [True, False], ids=["a run in doubt", "a run that stops with an exception"])
def test_a_database_that_is_out_of_reach_ends_no_run(doubtful: bool, state: Path, database: Postgres) -> None:
    url = database.new_database()
    name = url.rpartition("/")[2]
    with notes_server() as notes, durable_runs.opened(url) as runtime:
        submit(runtime, notes.url, "r1")
        stop_at(runtime, "add" if doubtful else None)
        performer, away = runtime.performer, threading.Event()

        class Performer:
            """Loses the database when the run stops."""

            def perform(self, job: Any) -> Any:
                if job.world is not None:
                    return performer.perform(job)
                try:
                    if doubtful:
                        return performer.perform(job)
                    raise LookupError
                finally:
                    lose(database, name)
                    away.set()

        runtime.performer = Performer()
        with working(runtime):
            assert away.wait(60)
            time.sleep(1.0)
            find(database, name)
            wait_until(lambda: stands(url) != "running")
        assert stands(url) == ("in_doubt" if doubtful else "interrupted")


def lose(database: Postgres, name: str) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND application_name <> 'arazzo lock'",
            (name,),
        )


def find(database: Postgres, name: str) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def stands(url: str) -> str:
    with durable_runs.opened(url) as runtime:
        return str(runtime.status("r1").state)


def test_a_run_cancelled_at_its_end_still_reports_its_outcome(state: Path) -> None:
    real = durable_runs.ApiPerformer()
    with notes_server() as notes, durable_runs.opened() as runtime:

        class Performer:
            """Is too late: a person cancels the run when its last answer is on disk."""

            def perform(self, job: Any) -> Any:
                result = real.perform(job)
                runtime.rows.cancel("r1", by_user=True)
                return result

        runtime.performer = Performer()
        outcome = durable_runs.run(runtime, NOTE, inputs={"text": "x"}, run_id="r1", servers={"notes": notes.url})
        assert (outcome.result.outputs, runtime.status("r1").state) == ({"id": 1}, "cancelled")


def test_two_resumed_at_once_do_not_stop_each_other(state: Path) -> None:
    with notes_server() as notes, durable_runs.opened() as runtime:
        stop_at(runtime, "read")
        for name in ("r1", "r2"):
            with pytest.raises(KeyboardInterrupt):
                durable_runs.run(runtime, NOTE, inputs={"text": name}, run_id=name, servers={"notes": notes.url})
        stop_at(runtime, None)
        notes.delay = 1.0

        async def go() -> list[Any]:
            resumed = (runtime.aresume(name, on_event=nothing) for name in ("r1", "r2"))
            return await asyncio.wait_for(asyncio.gather(*resumed, return_exceptions=True), 60)

        found = asyncio.run(go())
        refused = [each for each in found if isinstance(each, InvalidUsage)]
        assert [each.result.status for each in found if each not in refused] == ["succeeded"]
        assert "durable-not-possible" in str(refused[0])
        (left,) = [each.run_id for each in runtime.list() if each.state == "interrupted"]
        assert runtime.resume(left, on_event=nothing).result.status == "succeeded"
        assert notes.twice() == []
