"""Runs against an application in the same process, and a program loaded on an event loop."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import anyio
import httpx
import pytest

import arazzo_runner
from arazzo_runner import (
    AsyncWorld,
    BlockingWorld,
    HttpRequest,
    NoResponse,
    RunOptions,
    SendRequest,
    aload,
    arun,
    partial_result,
    run,
)
from arazzo_runner.engine.run import drive
from tests.runtime.test_cancellation import PARALLEL, SHAPES, Case, check_result


class App:
    """An ASGI application that answers every request; it holds /hold until it is cancelled or let go."""

    def __init__(self, *, holds: bool = False) -> None:
        self.asked: list[str] = []
        self.cancelled = 0
        self._holds = holds

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["path"].removeprefix("/"))
        try:
            if self._holds and scope["path"] == "/hold":
                await anyio.sleep(600)
        except BaseException:
            self.cancelled += 1
            raise
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"a": 1}'})


@pytest.mark.parametrize("parallel", [1, 8])
def test_an_asgi_application_answers_without_a_socket(tmp_path: Any, parallel: int) -> None:
    case, app = Case(tmp_path, {"steps": PARALLEL}), App()

    async def main() -> Any:
        async with AsyncWorld(transport=httpx.ASGITransport(app)) as world:
            return await arun(case.path, "w", world=world, options=RunOptions(parallel=parallel))

    assert asyncio.run(main()).status == "succeeded"
    assert sorted(app.asked) == ["after", "before", "hold", "hold2"]


def test_a_cancelled_run_cancels_the_application(tmp_path: Any) -> None:
    case, app = Case(tmp_path, SHAPES["in order"]), App(holds=True)

    async def main() -> None:
        async with AsyncWorld(transport=httpx.ASGITransport(app)) as world:
            listener = lambda event, secrets: case.events.append(event)  # noqa: E731
            task = asyncio.create_task(arun(case.path, "w", world=world, on_event=listener))
            while "hold" not in app.asked:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as raised:
                await task
        check_result(case, raised.value, "hold")
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert (app.cancelled, app.asked) == (1, ["before", "hold"])


@pytest.mark.parametrize("kind", ["blocking", "async"])
def test_a_mock_transport_answers_with_a_function(tmp_path: Any, kind: str) -> None:
    case = Case(tmp_path, SHAPES["in order"])
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"path": request.url.path}))

    async def on_loop() -> Any:
        async with AsyncWorld(transport=transport) as world:
            return await arun(case.path, "w", world=world)

    def blocking() -> Any:
        with BlockingWorld(transport=transport) as world:
            return run(case.path, "w", world=world)

    result = blocking() if kind == "blocking" else asyncio.run(on_loop())
    assert json.loads(result.step("after").attempts[0].response.body) == {"path": "/after"}


def test_loading_does_not_hold_up_the_event_loop(tmp_path: Any, monkeypatch: Any) -> None:
    case = Case(tmp_path, SHAPES["in order"])
    reading, ticked = threading.Event(), threading.Event()
    real = arazzo_runner.api.load

    def slow(*arguments: Any, **options: Any) -> Any:
        reading.set()
        assert ticked.wait(30), "the event loop waits for the file"
        return real(*arguments, **options)

    monkeypatch.setattr(arazzo_runner.api, "load", slow)

    async def main() -> Any:
        loading = asyncio.create_task(aload(case.path, "w"))
        while not reading.is_set():
            await asyncio.sleep(0.01)
        ticked.set()
        return await loading

    assert asyncio.run(main()).workflow.workflow_id == "w"


def test_loading_raises_what_is_wrong_with_a_document(tmp_path: Any) -> None:
    (tmp_path / "w.json").write_text("{}")
    with pytest.raises(arazzo_runner.InvalidDescription) as raised:
        asyncio.run(aload(tmp_path / "w.json"))
    assert partial_result(raised.value) is None


@pytest.mark.parametrize(("seconds", "hint"), [(5.0, "allow more time"), (60.0, "is the server running?")])
def test_only_a_longer_timeout_that_would_help_is_suggested(seconds: float, hint: str) -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("")

    request = SendRequest(key="a#1", request=HttpRequest("GET", "http://a.test/"), timeout=seconds)
    with BlockingWorld(transport=httpx.MockTransport(never)) as world:
        answer = drive(world.perform(request))
    assert isinstance(answer, NoResponse)
    assert hint in (answer.hint or "")
