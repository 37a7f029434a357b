"""Worlds that raise, or answer what no effect can have: the result so far is not lost, and a sentence says what is wrong."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import (
    HttpResponse,
    InvalidUsage,
    NoResponse,
    Now,
    RunOptions,
    RunResult,
    SendRequest,
    partial_result,
)

API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {f"/{name}": {"post": {"operationId": name, "responses": {"200": {"description": ""}}}} for name in "ab"},
}
STEPS: list[dict[str, Any]] = [
    {"stepId": "a", "operationId": "a", "outputs": {"token": "$response.body#/token"}},
    {
        "stepId": "b",
        "operationId": "b",
        "parameters": [{"name": "t", "in": "query", "value": "$steps.a.outputs.token"}],
    },
]
TOKEN = HttpResponse(200, (("content-type", "application/json"),), json.dumps({"token": "new-token-1"}).encode())


class World:
    """Answers the request of `a` with a token; that of `b` with what it is given, or raises it."""

    def __init__(self, second: Any, now: Any = 1_700_000_000.0) -> None:
        self.second = second
        self.now = now

    async def perform(self, effect: Any, /) -> Any:
        if isinstance(effect, Now):
            return self.now
        if not isinstance(effect, SendRequest) or effect.operation.endswith("a/post"):
            return TOKEN
        if isinstance(self.second, BaseException):
            raise self.second
        return self.second


async def later() -> HttpResponse:
    return TOKEN


@pytest.fixture(params=["blocking", "async", "blocking, parallel", "async, parallel"])
def run(request: Any, tmp_path: Any) -> Any:
    (tmp_path / "api.json").write_text(json.dumps(API))
    document = {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.json", "type": "openapi"}],
        "workflows": [{"workflowId": "w", "steps": STEPS, "outputs": {"token": "$steps.a.outputs.token"}}],
    }
    (tmp_path / "w.json").write_text(json.dumps(document))
    options = RunOptions(parallel=4 if "parallel" in request.param else 1)

    def run(world: Any, **more: Any) -> RunResult:
        if "blocking" in request.param:
            return arazzo_runner.run(tmp_path / "w.json", world=world, options=options, **more)
        return asyncio.run(arazzo_runner.arun(tmp_path / "w.json", world=world, options=options, **more))

    return run


@pytest.mark.parametrize(
    "problem", [OSError("the disk is full"), ZeroDivisionError(), SystemExit(3)], ids=lambda each: type(each).__name__
)
def test_what_a_world_raises_is_raised_with_the_result_so_far(run: Any, problem: BaseException) -> None:
    with pytest.raises(type(problem)) as raised:
        run(World(problem))
    assert raised.value is problem
    result = partial_result(problem)
    assert result is not None
    assert result.outputs == {"token": "new-token-1"}
    assert result.step("a").status == "passed"
    assert result.status == "in_doubt"  # the World may have sent it before it raised


ATTRIBUTES = {"result": "mine", "answers": ["mine"], "sent": False}


def test_attributes_of_somebody_elses_exception_are_not_touched(run: Any) -> None:
    problem = ValueError("x")
    vars(problem).update(ATTRIBUTES)
    with pytest.raises(ValueError, match="x"):
        run(World(problem))
    assert {name: getattr(problem, name) for name in ATTRIBUTES} == ATTRIBUTES
    result = partial_result(problem)
    assert result is not None
    assert result.status == "in_doubt"


WRONG: list[tuple[Any, str]] = [
    (None, "must be an HttpResponse or a NoResponse, not None"),
    ((200, {}, b"new-token-2"), "must be an HttpResponse or a NoResponse, not tuple"),
    (Now(key="x"), "must be an HttpResponse or a NoResponse, not arazzo_runner.Now"),
    (HttpResponse("200"), "has the status of type str: HttpResponse(status=…) is an int"),  # type: ignore[arg-type]
    (HttpResponse(200, (), "x"), "has the body of type str: HttpResponse(body=…) is bytes"),  # type: ignore[arg-type]
    (HttpResponse(200, {"a": "b"}), "has the wrong headers"),  # type: ignore[arg-type]
    (HttpResponse(200, ((b"a", b"b"),)), "has the wrong headers"),  # type: ignore[arg-type]
    (HttpResponse(200, None), "has the wrong headers"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("answer", "wrong"), WRONG, ids=[f"{n}: {wrong}" for n, (_, wrong) in enumerate(WRONG)])
def test_an_answer_that_a_request_cannot_have_is_a_type_error_with_the_result_so_far(
    run: Any, answer: Any, wrong: str
) -> None:
    with pytest.raises(TypeError) as raised:
        run(World(answer))
    assert str(raised.value).startswith(f"the World's answer to SendRequest {wrong}")
    assert "new-token-2" not in str(raised.value)
    result = partial_result(raised.value)
    assert result is not None
    assert result.outputs == {"token": "new-token-1"}


def test_an_answer_that_was_not_awaited_is_a_type_error(run: Any) -> None:
    with pytest.raises(TypeError, match="not a coroutine: await it in perform"):
        run(World(later()))


def test_a_clock_that_answers_no_number_is_a_type_error(run: Any) -> None:
    with pytest.raises(TypeError, match="answer to Now must be a float, the seconds since the epoch, not None"):
        run(World(TOKEN, now=None))


def test_no_response_is_an_answer(run: Any) -> None:
    assert run(World(NoResponse("forbidden", "not signed", sent=False))).status == "failed"


class Suspended:
    """What an event loop would wait for."""

    def __await__(self) -> Any:
        yield


class Waits(World):
    """Waits for an event loop before it answers the second request."""

    async def perform(self, effect: Any, /) -> Any:
        if isinstance(effect, SendRequest) and not effect.operation.endswith("a/post"):
            await Suspended()
        return await super().perform(effect)


@pytest.mark.parametrize("run", ["blocking", "blocking, parallel"], indirect=True)
def test_a_world_that_waits_in_a_blocking_run_is_refused_with_the_result_so_far(run: Any) -> None:
    with pytest.raises(InvalidUsage, match="give run a World that blocks") as raised:
        run(Waits(None))
    result = partial_result(raised.value)
    assert result is not None
    assert result.outputs == {"token": "new-token-1"}
