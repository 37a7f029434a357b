"""A cancelled run ends in order: the cancellation is raised again with the result so far, and nothing goes on."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import httpx
import pytest

import arazzo_runner
from arazzo_runner import AsyncWorld, RunOptions, RunResult, WorkflowFinished, partial_result
from arazzo_runner.engine.effects import SendRequest
from arazzo_runner.runtime.transports import connection_pool
from tests.loopback import Loopback, Reply, json_reply, serving

NAMES = ("before", "hold", "hold2", "after", "busy")
API: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://127.0.0.1:9"}],
    "paths": {f"/{name}": {"get": {"operationId": name, "responses": {"200": {"description": ""}}}} for name in NAMES},
}


def step(name: str, **fields: Any) -> dict[str, Any]:
    return {"stepId": name, "operationId": name, **fields}


HELD = [step("before"), step("hold"), step("after")]
PARALLEL = [
    step("before"),
    step("hold", dependsOn=["before"]),
    step("hold2", dependsOn=["before"]),
    step("after", dependsOn=["hold", "hold2"]),
]
RETRIED = [
    step("before"),
    step(
        "busy",
        dependsOn=["before"],
        successCriteria=[{"condition": "$statusCode == 200"}],
        onFailure=[{"name": "again", "type": "retry", "retryAfter": 600, "retryLimit": 3}],
    ),
    step("after", dependsOn=["busy"]),
]
CALLED = [{"stepId": "call", "workflowId": "called"}, step("after", dependsOn=["call"])]
SHAPES: dict[str, dict[str, Any]] = {
    "in order": {"steps": HELD},
    "at the same time": {"steps": PARALLEL, "parallel": 8},
    "waiting for a retry": {"steps": RETRIED},
    "waiting for a retry at the same time": {"steps": RETRIED, "parallel": 8},
    "in a nested workflow": {"steps": CALLED},
    "in a nested workflow at the same time": {"steps": CALLED, "called": PARALLEL, "parallel": 8},
    "in a workflow that it depends on": {"steps": [step("after")], "dependsOn": ["called"]},
}


def document(steps: list[Any], called: list[Any] = HELD, depends_on: tuple[str, ...] = ()) -> dict[str, Any]:
    workflows: list[dict[str, Any]] = [{"workflowId": "w", "steps": steps}, {"workflowId": "called", "steps": called}]
    if depends_on:
        workflows[0]["dependsOn"] = list(depends_on)
    sources = [{"name": "api", "url": "api.json", "type": "openapi"}]
    return {"arazzo": "1.1.0", "info": {"title": "t", "version": "1"}, "sourceDescriptions": sources, "workflows": workflows}  # fmt: skip


class Case:
    """A run that waits, and what became of it."""

    def __init__(self, folder: Any, shape: dict[str, Any]) -> None:
        (folder / "api.json").write_text(json.dumps(API))
        (folder / "w.json").write_text(
            json.dumps(document(shape["steps"], shape.get("called", HELD), tuple(shape.get("dependsOn", ()))))
        )
        self.path = folder / "w.json"
        self.options = RunOptions(parallel=shape.get("parallel", 1), max_retry_wait=3600, run_timeout=None)
        self._never = () if PARALLEL in shape.values() else ("hold2",)
        self.server: Loopback
        self.asked: list[str] = []
        self.events: list[Any] = []
        self.released = threading.Event()

    @contextmanager
    def served(self) -> Iterator[None]:
        def answer(request: Any) -> Reply:
            name = request.target.removeprefix("/")
            self.asked.append(name)
            if name.startswith("hold"):
                self.released.wait(30)
            return Reply(503) if name == "busy" else json_reply({})

        with serving(answer) as self.server:
            try:
                yield
            finally:
                self.released.set()

    async def run(self, **more: Any) -> RunResult:
        program = arazzo_runner.load(self.path, "w", servers={"api": self.server.url})
        return await arazzo_runner.arun(
            program, options=self.options, on_event=lambda event, secrets: self.events.append(event), **more
        )

    async def waits(self) -> None:
        """Return when the run waits: for a response, or for a retry."""
        while not ("busy" in self.asked or {"hold", "hold2"} <= {*self.asked, *self._never}):
            await asyncio.sleep(0.01)
        while "busy" in self.asked and not any(isinstance(each, arazzo_runner.RetryScheduled) for each in self.events):
            await asyncio.sleep(0.01)


# ------------------------------------------------------------------ the ways to cancel


async def by_cancel(case: Case, run: Awaitable[RunResult]) -> BaseException:
    task = asyncio.ensure_future(run)
    await case.waits()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as raised:
        await task
    assert task.cancelled()
    return raised.value


async def by_timeout(case: Case, run: Awaitable[RunResult]) -> BaseException:
    async def expiring() -> None:
        await case.waits()
        limit.reschedule(0)

    watching = asyncio.ensure_future(expiring())
    with pytest.raises(TimeoutError) as raised:
        async with asyncio.timeout(None) as limit:
            await run
    await watching
    assert limit.expired()
    return raised.value


async def by_wait_for(case: Case, run: Awaitable[RunResult]) -> BaseException:
    task = asyncio.ensure_future(run)
    await case.waits()
    with pytest.raises(TimeoutError) as raised:
        await asyncio.wait_for(task, 0.01)
    return raised.value


async def by_a_task_group(case: Case, run: Awaitable[RunResult]) -> BaseException:
    async def failing() -> None:
        await case.waits()
        raise ValueError("a neighbour")

    caught: list[BaseException] = []

    async def running() -> None:
        try:
            await run
        except asyncio.CancelledError as stop:
            caught.append(stop)
            raise

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(running())
            group.create_task(failing())

    with pytest.raises(ExceptionGroup) as raised:
        await both()
    assert [str(each) for each in raised.value.exceptions] == ["a neighbour"]
    return caught[0]


async def by_an_anyio_scope(case: Case, run: Awaitable[RunResult]) -> BaseException:
    caught: list[BaseException] = []
    with anyio.move_on_after(None) as scope:
        watching = asyncio.ensure_future(_cancels(case, scope))
        try:
            await run
        except asyncio.CancelledError as stop:
            caught.append(stop)
            raise
    await watching
    assert scope.cancelled_caught
    return caught[0]


async def _cancels(case: Case, scope: Any) -> None:
    await case.waits()
    scope.cancel()


async def by_an_anyio_task_group(case: Case, run: Awaitable[RunResult]) -> BaseException:
    caught: list[BaseException] = []

    async def running() -> None:
        try:
            await run
        except asyncio.CancelledError as stop:
            caught.append(stop)
            raise

    async with anyio.create_task_group() as group:
        group.start_soon(running)
        await case.waits()
        group.cancel_scope.cancel()
    return caught[0]


WAYS = {
    "task.cancel": by_cancel,
    "asyncio.timeout": by_timeout,
    "asyncio.wait_for": by_wait_for,
    "asyncio.TaskGroup": by_a_task_group,
    "anyio.move_on_after": by_an_anyio_scope,
    "anyio.create_task_group": by_an_anyio_task_group,
}
Way = Callable[[Case, Awaitable[RunResult]], Awaitable[BaseException]]


async def nothing_goes_on(case: Case) -> None:
    """Fail when a task, a connection or a request is started by the run after it has ended."""
    assert asyncio.all_tasks() == {asyncio.current_task()}
    asked = list(case.asked)
    case.released.set()
    while case.server.clients:
        await asyncio.sleep(0.01)
    assert case.asked == asked
    assert "after" not in asked


def check_result(case: Case, error: BaseException, step_id: str) -> None:
    result = partial_result(error)
    assert result is not None
    assert (result.status, result.reason) == ("interrupted", "interrupted")
    last = case.events[-1]
    assert isinstance(last, WorkflowFinished)
    assert (last.result.status, last.result.workflow_id, last.depth) == ("interrupted", "w", 0)
    runs: list[Any] = [*result.dependencies, *(each.workflow for each in result.steps if each.workflow)]
    steps = {each.step_id: each for run in [result, *runs] for each in run.steps}
    assert steps["before"].status == "passed"
    assert steps[step_id].status == "failed"
    assert steps["after"].status == "skipped"


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_cancelled_run_raises_the_cancellation_with_the_result_so_far(tmp_path: Any, shape: Any, way: Way) -> None:
    case = Case(tmp_path, shape)

    async def main() -> None:
        error = await way(case, case.run())
        check_result(case, error, "busy" if shape["steps"] is RETRIED else "hold")
        await nothing_goes_on(case)

    with case.served():
        asyncio.run(main())


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_shared_world_serves_other_runs_after_a_cancelled_one(tmp_path: Any, way: Way) -> None:
    case = Case(tmp_path, SHAPES["at the same time"])

    async def main() -> None:
        async with AsyncWorld() as world:
            await way(case, case.run(world=world))
            assert asyncio.all_tasks() == {asyncio.current_task()}
            case.released.set()
            assert (await case.run(world=world)).status == "succeeded"
        while case.server.clients:
            await asyncio.sleep(0.01)

    with case.served():
        asyncio.run(main())


@pytest.mark.parametrize("mock", [True, "stateful"])
def test_the_mock_of_a_cancelled_run_is_closed(tmp_path: Any, mock: Any) -> None:
    case = Case(tmp_path, SHAPES["in order"])
    scenario = tmp_path / "slow.yml"
    scenario.write_text("rules:\n  - operation: hold\n    delay: 600\n")
    threads = set(threading.enumerate())

    async def main() -> None:
        program = arazzo_runner.load(case.path, "w")
        run = arazzo_runner.arun(
            program, mock=mock, scenario=scenario, on_event=lambda event, secrets: case.events.append(event)
        )
        task = asyncio.create_task(run)
        while not (task.done() or any(getattr(each, "step_id", "") == "hold" for each in case.events)):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        check_result(case, raised.value, "hold")
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert [each.name for each in threading.enumerate() if each not in threads and "serve_forever" in each.name] == []


def test_a_run_that_is_cancelled_before_it_begins_has_no_result(tmp_path: Any) -> None:
    async def main() -> None:
        task = asyncio.create_task(arazzo_runner.arun(tmp_path / "gone.yml"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        assert partial_result(raised.value) is None

    asyncio.run(main())


class Stubborn:
    """A World whose clean-up takes a while, and whose requests never end."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self.cleaned = 0

    async def perform(self, effect: Any, /) -> Any:
        if not isinstance(effect, SendRequest) or effect.key.startswith("before"):
            return await self._world.perform(effect)
        try:
            return await asyncio.sleep(600)
        finally:
            await asyncio.shield(self._clean_up())

    async def _clean_up(self) -> None:
        await asyncio.sleep(0.05)
        self.cleaned += 1


@pytest.mark.parametrize("times", [2, 5])
@pytest.mark.parametrize("shape", ["in order", "at the same time"])
def test_a_cancellation_during_the_clean_up_neither_hangs_nor_loses_the_result(
    tmp_path: Any, shape: str, times: int
) -> None:
    case = Case(tmp_path, SHAPES[shape])

    async def main() -> None:
        task = asyncio.create_task(case.run(around=Stubborn))
        while "before" not in case.asked or len([each for each in case.events if hasattr(each, "step_id")]) < 3:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0.01)
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        result = partial_result(raised.value)
        assert result is not None
        assert result.status == "interrupted"
        await asyncio.sleep(0.1)  # the shielded work of this test
        await nothing_goes_on(case)

    with case.served():
        asyncio.run(main())


def test_a_cancellation_while_the_connections_are_closed_keeps_the_result(tmp_path: Any, monkeypatch: Any) -> None:
    case = Case(tmp_path, {"steps": [step("before")]})
    closing = asyncio.Event()

    async def slow_close(world: Any) -> None:
        closing.set()
        await asyncio.sleep(0.05)
        for route in world._routes.values():
            await route.transport.aclose()

    monkeypatch.setattr(AsyncWorld, "_close", slow_close)

    async def main() -> None:
        task = asyncio.create_task(case.run())
        await closing.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        result = partial_result(raised.value)
        assert result is not None
        assert result.status == "succeeded"
        await nothing_goes_on(case)

    with case.served():
        asyncio.run(main())


def test_an_answer_that_came_when_the_run_was_cancelled_is_in_the_result(tmp_path: Any) -> None:
    """Both answers are there when the cancellation comes: the run was told of neither."""
    case = Case(tmp_path, SHAPES["at the same time"])

    class Ready:
        def __init__(self, world: Any) -> None:
            self._world = world
            self.begun: list[Any] = []

        async def perform(self, effect: Any, /) -> Any:
            if isinstance(effect, SendRequest) and effect.key.startswith("hold"):
                self.begun.append(asyncio.get_running_loop().create_future())
                await self.begun[-1]
            return await self._world.perform(effect)

    async def main() -> None:
        worlds: list[Ready] = []

        def around(world: Any) -> Any:
            worlds.append(Ready(world))
            return worlds[0]

        case.released.set()
        task = asyncio.create_task(case.run(around=around, world=Instant()))
        while not worlds or len(worlds[0].begun) < 2:
            await asyncio.sleep(0)
        for each in worlds[0].begun:
            each.set_result(None)
        await asyncio.sleep(0)  # both tasks end in this turn of the loop, in the next one the run hears of it
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        result = partial_result(raised.value)
        assert result is not None
        assert {each.step_id: each.status for each in result.steps} == {
            "before": "passed", "hold": "passed", "hold2": "passed", "after": "skipped",
        }  # fmt: skip

    with case.served():
        asyncio.run(main())


class Instant:
    """A World that answers everything at once."""

    async def perform(self, effect: Any, /) -> Any:
        return arazzo_runner.HttpResponse(200) if isinstance(effect, SendRequest) else 1_700_000_000.0


# ------------------------------------------------------------------ a thousand at once


class Crowd:
    """A server on an event loop of its own, in a thread: it answers half of the requests, and holds the others."""

    def __init__(self, threshold: int) -> None:
        self.begun = 0
        self.open = 0
        self.crowded = threading.Event()
        self._threshold = threshold
        self._ready = threading.Event()

    def __enter__(self) -> Crowd:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self._ready.wait(30)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._conversation, "127.0.0.1", 0, backlog=2000)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stop.wait()
        server.close()

    async def _conversation(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.begun += 1
                if self.begun >= self._threshold:
                    self.crowded.set()
                    await reader.read()  # until the client leaves
                    return
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.open -= 1


@pytest.mark.parametrize(("transport", "count"), [("aiohttp", 1000), ("connection pool", 200)])
def test_of_a_thousand_runs_at_once_none_starts_or_goes_on_after_the_cancellation(
    tmp_path: Any, transport: str, count: int
) -> None:
    case = Case(tmp_path, SHAPES["in order"])
    started = ended = 0
    results: list[RunResult] = []

    async def main() -> None:
        nonlocal started, ended
        program = arazzo_runner.load(case.path, "w", servers={"api": crowd.url})

        async def worker(world: AsyncWorld) -> None:
            nonlocal started, ended
            for _ in range(3):
                started += 1
                try:
                    await arazzo_runner.arun(program, world=world)
                except asyncio.CancelledError as stop:
                    found = partial_result(stop)
                    results.extend([] if found is None else [found])
                    raise
                finally:
                    ended += 1

        async def all_of_them() -> None:
            async with (
                AsyncWorld(transport=pool) as world,
                asyncio.timeout(None) as limit,
                asyncio.TaskGroup() as group,
            ):
                for _ in range(count):
                    group.create_task(worker(world))
                await asyncio.to_thread(crowd.crowded.wait, 60)
                limit.reschedule(0)
                await asyncio.sleep(60)

        pool = None if transport == "aiohttp" else connection_pool(httpx, {"verify": False, "trust_env": False})
        with pytest.raises(TimeoutError):
            await all_of_them()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with Crowd(threshold=count * 3 // 2) as crowd:
        asyncio.run(main())
        begun, in_all = crowd.begun, started
        until = time.monotonic() + 30
        while crowd.open and time.monotonic() < until:
            time.sleep(0.01)
        assert (crowd.open, crowd.begun, started, ended) == (0, begun, in_all, in_all)
    assert started < 3 * count
    assert len(results) > count // 2
    assert {each.status for each in results} <= {"interrupted", "succeeded"}
    gc.collect()  # an unclosed transport or socket is a ResourceWarning, which is an error here
