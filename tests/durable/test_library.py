"""Durable runs from Python: blocking, on an event loop, by a worker; decided, interrupted, taken over."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions, durable_runs
from arazzo_runner.durable.records import Decision, step_of
from arazzo_runner.engine.effects import HttpResponse, SendRequest
from arazzo_runner.engine.options import RunOptions, TransportOptions
from arazzo_runner.errors import InvalidUsage
from tests.durable.cluster import SPEC as NOTE
from tests.durable.crash import SPEC
from tests.durable.notes_server import notes_server
from tests.durable.token_server import FIRST, token_server


class Stopping:
    """Interrupts the run, as Ctrl-C does, when a step's request is about to be sent."""

    def __init__(self, inner: Any, step: str) -> None:
        self._inner = inner
        self._step = step

    async def perform(self, effect: Any, /) -> Any:
        if isinstance(effect, SendRequest) and step_of(effect.key) == self._step:
            raise KeyboardInterrupt
        return await self._inner.perform(effect)


def stop_at(runtime: Any, step: str | None) -> None:
    """Let the runs of a Runtime be interrupted at a step."""
    real = durable_runs.ApiPerformer()

    class Performer:
        def perform(self, job: Any) -> Any:
            return real.perform(self._job(job))

        async def aperform(self, job: Any) -> Any:
            return await real.aperform(self._job(job))

        def _job(self, job: Any) -> Any:
            from arazzo_runner.base.records import replace

            if step is None or job.world is not None:
                return job
            return replace(job, wrap=lambda program, world: job.wrap(program, Stopping(world, step)))

    runtime.performer = Performer()


def interrupted(perform: Callable[[], Any]) -> Any:
    """Return the Outcome so far of a run that is interrupted."""
    with pytest.raises(KeyboardInterrupt) as raised:
        perform()
    outcome = durable_runs.partial_outcome(raised.value)
    assert arazzo_runner.partial_result(raised.value) == outcome.result
    return outcome


def test_an_unsafe_request_interrupted_in_flight_waits_for_a_decision(state: Path) -> None:
    with token_server() as tokens, durable_runs.opened() as runtime:
        stop_at(runtime, "second")
        servers = {"tokens": tokens.url}
        outcome = interrupted(
            lambda: durable_runs.run(runtime, SPEC, "rotate", {"refreshToken": FIRST}, run_id="r1", servers=servers)
        )
        assert (outcome.result.status, outcome.unfinished) == ("in_doubt", True)
        assert [doubt.step_id for doubt in outcome.doubts] == ["second"]
        assert runtime.status("r1").state == "in_doubt"
        stop_at(runtime, None)
        waiting = runtime.resume("r1", on_event=_ignore)
        assert (waiting.result.status, [doubt.step_id for doubt in waiting.doubts]) == ("in_doubt", ["second"])
        with pytest.raises(InvalidUsage, match="not in doubt"):
            runtime.decide("r1", {"first": Decision(kind="resend")})
        runtime.decide("r1", {"second": Decision(kind="resend")})
        ended = runtime.resume("r1", on_event=_ignore)
        assert ended.result.status == "succeeded"
        assert ended.result.outputs["refreshToken"] in tokens.live
        assert tokens.twice() == []
        assert runtime.show("r1").result.outputs == ended.result.outputs
        with pytest.raises(InvalidUsage, match="has ended"):
            runtime.resume("r1", on_event=_ignore)
        with pytest.raises(InvalidUsage, match="has ended"):
            runtime.cancel("r1")
        runtime.delete("r1")
        assert runtime.list() == []


def test_a_safe_request_interrupted_is_asked_again(state: Path) -> None:
    with token_server() as tokens, durable_runs.opened() as runtime:
        stop_at(runtime, "look")
        servers = {"tokens": tokens.url}
        outcome = interrupted(
            lambda: durable_runs.run(runtime, SPEC, "rotate", {"refreshToken": FIRST}, run_id="r1", servers=servers)
        )
        assert (outcome.result.status, outcome.doubts, runtime.status("r1").state) == ("interrupted", (), "interrupted")
        stop_at(runtime, None)
        assert runtime.resume("r1", on_event=_ignore).result.status == "succeeded"
        assert tokens.twice() == []


def test_a_decided_answer_is_as_good_as_the_servers(state: Path) -> None:
    with notes_server() as notes, durable_runs.opened() as runtime:
        stop_at(runtime, "add")
        interrupted(
            lambda: durable_runs.run(runtime, NOTE, inputs={"text": "x"}, run_id="r1", servers={"notes": notes.url})
        )
        answer = HttpResponse(201, (("Content-Type", "application/json"),), b'{"id": 41}')
        runtime.decide("r1", {"add": Decision(kind="answered", answer=answer)})
        stop_at(runtime, None)
        assert runtime.resume("r1", on_event=_ignore).result.outputs == {"id": 41}
        assert (dict(notes.added), "/notes/41/publish" in notes.asked) == ({}, True)


def test_many_at_once_on_an_event_loop_and_one_that_is_cancelled(state: Path) -> None:
    with notes_server() as notes, durable_runs.opened() as runtime:

        async def go() -> list[Any]:
            servers = {"notes": notes.url}
            runs = [
                durable_runs.arun(runtime, NOTE, inputs={"text": f"n{number}"}, run_id=f"r{number}", servers=servers)
                for number in range(4)
            ]
            return await asyncio.gather(*runs)

        outcomes = asyncio.run(go())
        assert [outcome.result.status for outcome in outcomes] == ["succeeded"] * 4
        assert notes.twice() == []
        notes.asking_delay = 1.0

        async def stopped() -> Any:
            servers = {"notes": notes.url}
            run = durable_runs.arun(runtime, NOTE, inputs={"text": "last"}, run_id="late", servers=servers)
            task = asyncio.create_task(run)
            while "/notes/5/publish" not in notes.asked:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as raised:
                await task
            return durable_runs.partial_outcome(raised.value)

        outcome = asyncio.run(stopped())
        assert (outcome.result.status, runtime.status("late").state) == ("in_doubt", "in_doubt")
        assert [doubt.step_id for doubt in outcome.doubts] == ["publish"]
        notes.asking_delay = 0.0
        runtime.decide("late", {"publish": Decision(kind="resend")})
        assert asyncio.run(runtime.aresume("late", on_event=_ignore)).result.status == "succeeded"


def test_a_worker_sets_runs_in_doubt_aside_and_continues_them_after_a_decision(state: Path) -> None:
    told: list[Any] = []
    with notes_server() as notes, durable_runs.opened() as runtime:
        queues = durable_runs.queues(runtime)
        _, spec, bundle = durable_runs.prepared(
            NOTE, None, {"text": "x"}, False, None, LoadOptions(servers={"notes": notes.url})
        )
        runtime.keep(bundle)
        queued = _queued(spec)
        assert (queues.submit([("r1", queued)]), queues.submit([("r1", queued), ("r2", queued)])) == (1, 1)
        stop_at(runtime, "add")
        worker = durable_runs.worker(
            runtime, "w1", ["default"], told.append, lambda run_id, problem: told.append(problem)
        )
        worker.work(threading.Event(), drain=True, grace=1.0)
        assert [outcome.result.status for outcome in told] == ["in_doubt", "in_doubt"]
        assert {status.state for status in runtime.list()} == {"in_doubt"}
        assert queues.adopt("w1") == ([], [])
        stop_at(runtime, None)
        for name in ("r1", "r2"):
            runtime.signal(name, {"add": Decision(kind="resend")})
        assert {status.state for status in runtime.list()} == {"queued"}
        worker.work(threading.Event(), drain=True, grace=1.0)
        assert {status.state for status in runtime.list()} == {"succeeded"}
        assert (notes.added.total(), notes.total) == (2, 6)


def test_runs_that_a_worker_cannot_execute_wait(state: Path) -> None:
    problems: list[tuple[str, Exception]] = []
    with durable_runs.opened() as runtime:
        queues = durable_runs.queues(runtime)
        _, spec, bundle = durable_runs.prepared(NOTE, None, {"text": "x"}, False, None, LoadOptions())
        runtime.keep(bundle)
        queues.submit([("r1", _queued(spec))])

        class Broken:
            def perform(self, job: Any) -> Any:
                raise RuntimeError("no")

        runtime.performer = Broken()
        worker = durable_runs.worker(runtime, "w1", ["default"], problems.append, lambda *what: problems.append(what))
        worker.work(threading.Event(), drain=True, grace=1.0)
        assert [(name, str(problem)) for name, problem in problems] == [("r1", "no")]
        assert runtime.status("r1").state == "interrupted"
        runtime.hand_back("r1")
        assert runtime.status("r1").state == "queued"


def test_options_come_back_from_the_journal(state: Path) -> None:
    transport = TransportOptions(
        certificates={"api.test": ("c.pem", None)}, insecure_hosts=frozenset({"a", "b"}), proxies={"*": "direct"}
    )
    options = RunOptions(timeout=3.5, parallel=4, transport=transport, run_timeout=None)
    _, spec, bundle = durable_runs.prepared(
        NOTE, None, {"text": "x"}, True, options, LoadOptions(servers={"notes": "http://h:1"})
    )
    from arazzo_runner.durable.records import RunSpec

    again = RunSpec.from_json(spec.to_json())
    assert again == spec
    assert again.options.transport == transport
    assert durable_runs.load_bundle(bundle, "note").workflow.workflow_id == "note"


def test_folders_of_files_may_be_paths_and_are_absolute(state: Path) -> None:
    from arazzo_runner.durable.records import RunSpec

    options = RunOptions(file_roots=(Path("specs"),), run_timeout=None)  # type: ignore[arg-type]
    servers = LoadOptions(servers={"notes": "http://h:1"})
    _, spec, _ = durable_runs.prepared(NOTE, None, {"text": "x"}, True, options, servers)
    assert RunSpec.from_json(spec.to_json()).options.file_roots == (str(Path("specs").absolute()),)


def _queued(spec: Any) -> Any:
    from arazzo_runner.base.records import replace

    return replace(spec, queue="default")


def _ignore(event: Any, secrets: Any) -> None:
    """Nobody watches."""


def test_a_store_opened_twice_keeps_its_locks(state: Path) -> None:
    """Closing any descriptor of the file would drop them, and the next process to leave would take the log away."""
    opening = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM workflow_status')"
    with durable_runs.opened() as one:
        one.list()
        one.make_tables()
        one.list()
        with durable_runs.opened() as two:
            two.list()
            path = one.store.path
            assert path is not None
            subprocess.run([sys.executable, "-c", opening, path], check=True)
            assert Path(f"{path}-wal").exists()


def test_a_bundle_has_the_documents_that_schemas_refer_to(tmp_path: Path) -> None:
    content = {"application/json": {"schema": {"$ref": "schemas.json#/Pet"}}}
    responses = {"200": {"description": "", "content": content}}
    description = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": "http://api.test"}],
        "paths": {"/ask": {"get": {"operationId": "ask", "responses": responses}}},
    }
    document = {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.json"}],
        "workflows": [{"workflowId": "w", "steps": [{"stepId": "ask", "operationId": "ask"}]}],
    }
    for name, value in {"api": description, "schemas": {"Pet": {"type": "object"}}, "w": document}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    _, bundle = durable_runs.load_bundled(tmp_path / "w.json", None, LoadOptions())
    assert sorted(uri.rpartition("/")[2] for uri in bundle.snapshot.documents) == ["api.json", "schemas.json", "w.json"]


@pytest.mark.parametrize("parallel", [1, 4], ids=["in order", "at the same time"])
def test_a_run_that_is_cancelled_at_any_moment_goes_on_and_sends_nothing_twice(state: Path, parallel: int) -> None:
    with notes_server(0.02) as notes, durable_runs.opened() as runtime:

        async def cancelled(run_id: str, seconds: float) -> Any:
            servers, options = {"notes": notes.url}, RunOptions(parallel=parallel, run_timeout=None)
            try:
                async with asyncio.timeout(seconds):
                    return await durable_runs.arun(
                        runtime, NOTE, inputs={"text": run_id}, run_id=run_id, servers=servers, options=options
                    )
            except TimeoutError as error:
                return durable_runs.partial_outcome(error)

        def decision(run_id: str, doubt: Any) -> Decision:
            if doubt.step_id == "add" and notes.added[run_id]:
                return Decision(kind="answered", answer=HttpResponse(201, (), json.dumps({"id": 1}).encode()))
            if doubt.step_id == "publish" and any(path.endswith("/publish") for path in notes.asked):
                return Decision(kind="answered", answer=HttpResponse(200))
            return Decision(kind="resend")

        for number in range(12):
            notes.asked.clear()
            run_id = f"m{number}"
            asyncio.run(cancelled(run_id, 0.02 * number))
            status = runtime.status(run_id)
            assert status.state in ("interrupted", "in_doubt", "succeeded")
            if status.doubts:
                runtime.decide(run_id, {doubt.step_id: decision(run_id, doubt) for doubt in status.doubts})
            if status.state != "succeeded":
                assert asyncio.run(runtime.aresume(run_id, on_event=_ignore)).result.status == "succeeded"
            assert (notes.added[run_id], notes.twice()) == (1, [])


WRONG_DECISIONS: list[tuple[Any, str]] = [
    (["refresh"], "decisions is a mapping of stepIds to Decision(…), not list of str"),
    ({"refresh": "resend"}, "decisions is a mapping of stepIds to Decision(…), not dict of str to str"),
    ({"refresh": Decision(kind="resnd")}, 'Decision: kind is "resend", "failed", "answered" or "sent", not str'),  # type: ignore[arg-type]
    ({"refresh": Decision(kind="answered")}, 'the kind "answered" has an answer, and no other kind has one'),
    ({"refresh": Decision(kind="failed", answer=HttpResponse(200))}, 'the kind "answered" has an answer'),
    ({"refresh": Decision(kind="answered", answer={})}, "answer is an HttpResponse or a NoResponse, not dict"),  # type: ignore[arg-type]
    ({"refresh": Decision(kind="answered", answer=HttpResponse(200, (), "x"))}, "the answer has the body of type str"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("decisions", "message"), WRONG_DECISIONS, ids=[message for _, message in WRONG_DECISIONS])
def test_a_decision_that_nobody_could_act_on_is_refused(tmp_path: Path, decisions: Any, message: str) -> None:
    with durable_runs.opened(str(tmp_path / "j.db")) as runtime, pytest.raises(InvalidUsage) as refused:
        runtime.decide("any", decisions)
    assert message in str(refused.value)


def test_a_closed_runtime_is_refused(tmp_path: Path) -> None:
    with durable_runs.opened(str(tmp_path / "j.db")) as runtime:
        assert runtime.list() == []
    inputs = {"refreshToken": FIRST}
    for use in (
        runtime.list,
        lambda: runtime.resume("any"),
        lambda: durable_runs.run(runtime, SPEC, "rotate", inputs, servers={"tokens": "http://127.0.0.1:9"}),
    ):
        with pytest.raises(InvalidUsage, match="is closed"):
            use()


def test_a_store_is_a_path_or_a_url(tmp_path: Path) -> None:
    with durable_runs.opened(tmp_path / "j.db") as runtime:
        assert runtime.list() == []
    wrong: Any = 3
    with pytest.raises(InvalidUsage, match="store is a path or a postgresql:// URL, not int"):
        durable_runs.opened(wrong)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"options": {}}, "options is RunOptions(…), not dict"),
        ({"load_options": {}}, "load_options is LoadOptions(…), not dict"),
        ({"on_event": "print"}, "on_event is a function of two arguments"),
        ({"run_id": 3}, "run_id is a str, not int"),
        ({"idempotency_keys": "yes"}, "idempotency_keys is True or False, not str"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_refused(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with durable_runs.opened(str(tmp_path / "j.db")) as runtime:
        with pytest.raises(InvalidUsage) as refused:
            durable_runs.run(runtime, SPEC, **given)
        assert message in str(refused.value)
        with pytest.raises(InvalidUsage) as refused:
            asyncio.run(durable_runs.arun(runtime, SPEC, **given))
        assert message in str(refused.value)
