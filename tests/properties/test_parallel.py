"""Random workflows give the results of the sequential run in parallel, whichever answers come first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import arazzo_runner
from arazzo_runner import HttpResponse, LoadOptions, NoResponse, Now, RunOptions, SendRequest, Sleep
from arazzo_runner.engine.effects import Race

NAMES = "abcdefg"
METHODS = ("get", "post")
API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {f"/{name}": {each: {"operationId": f"{each}-{name}"} for each in METHODS} for name in NAMES},
}


class Picking:
    """A World whose server answers by step and attempt; `pick` says which of several effects is done first."""

    races = True

    def __init__(self, answers: dict[str, list[int]], pick: Any) -> None:
        self._answers = answers
        self._pick = pick
        self._now = 1_700_000_000.0
        self.most = 0

    async def perform(self, effect: Any, /) -> Any:
        match effect:
            case Race():
                self.most = max(self.most, len(effect.effects))
                index = self._pick(len(effect.effects))
                return index, await self.perform(effect.effects[index])
            case SendRequest():
                return self._answer(effect)
            case Sleep():
                self._now += effect.seconds
                return None
            case Now():
                self._now += 0.001
                return self._now
        raise AssertionError(effect)

    def _answer(self, effect: SendRequest) -> HttpResponse | NoResponse:
        name, _, number = effect.key.rpartition("/")[2].partition("#")
        statuses = self._answers[name]
        status = statuses[min(int(number), len(statuses)) - 1]
        if status == 0:  # of unknown outcome, an unsafe one would rightly be in doubt, whether its turn comes or not
            return NoResponse("timeout" if effect.safe else "refused", "no answer", sent=effect.safe)
        body = {"of": name, "sent": json.loads(effect.request.body) if effect.request.body else None}
        headers = [("Content-Type", "application/json"), ("Set-Cookie", f"{name}={number}")]
        if status == 429:
            headers.append(("Retry-After", "7"))
        return HttpResponse(status, tuple(headers), json.dumps(body).encode())


@st.composite
def steps(draw: Any, names: str, called: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return steps that read outputs of earlier ones, retry, end, and go to others."""
    found = []
    for index, name in enumerate(names):
        reads = draw(st.sets(st.sampled_from(names[:index]), max_size=2)) if index else set()
        waits = draw(st.sets(st.sampled_from(names[:index]), max_size=1)) if index else set()
        step: dict[str, Any] = {"stepId": name, "outputs": {"o": "$response.body#/of"}}
        if called and draw(st.integers(0, 3)) == 0:
            step["workflowId"] = draw(st.sampled_from(called))
            step["outputs"] = {"o": "$outputs.o"}
            step["parameters"] = [{"name": "i", "value": f"$steps.{each}.outputs.o"} for each in sorted(reads)[:1]]
        else:
            method = draw(st.sampled_from(METHODS))
            step["operationId"] = f"{method}-{name}"
            step["successCriteria"] = [{"condition": "$statusCode == 200"}]
            if method == "post":
                step["requestBody"] = {"payload": {each: f"$steps.{each}.outputs.o" for each in sorted(reads)}}
                step["requestBody"]["contentType"] = "application/json"
            elif reads:
                step["dependsOn"] = sorted(reads)
        if waits:
            step["dependsOn"] = sorted({*waits, *step.get("dependsOn", ())})
        later = names[index + 1 :]
        failure = draw(st.lists(st.sampled_from(["retry", "end", "goto"]), max_size=2, unique=True))
        if failure:
            step["onFailure"] = [action for kind in failure for action in _action(draw, kind, later)]
        if later and draw(st.integers(0, 7)) == 0:
            step["onSuccess"] = [{"name": "s", "type": "goto", "stepId": draw(st.sampled_from(later))}]
        found.append(step)
    return found


def _action(draw: Any, kind: str, later: str) -> list[dict[str, Any]]:
    if kind == "retry":
        return [{"name": "r", "type": "retry", "retryAfter": draw(st.sampled_from([0, 5])), "retryLimit": 2}]
    if kind == "end":
        return [{"name": "e", "type": "end"}]
    return [{"name": "g", "type": "goto", "stepId": draw(st.sampled_from(later))}] if later else []


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    inner = draw(st.booleans())
    workflows: list[dict[str, Any]] = []
    if inner:
        below = draw(steps(names="fg"))
        workflows.append({"workflowId": "inner", "steps": below, "outputs": {"o": "$steps.f.outputs.o"}})
        workflows[0]["inputs"] = {"type": "object", "properties": {"i": {}}}
    mine = draw(steps(names=NAMES[: draw(st.integers(2, 5))], called=("inner",) if inner else ()))
    outputs = {each["stepId"]: f"$steps.{each['stepId']}.outputs.o" for each in mine}
    workflows.insert(0, {"workflowId": "w", "steps": mine, "outputs": outputs})
    return {"arazzo": "1.1.0", "info": {"title": "t", "version": "1"}, "workflows": workflows}


STATUSES = st.lists(st.sampled_from([200, 200, 200, 429, 500, 0]), min_size=1, max_size=3)


def seen(result: Any) -> Any:
    """Return what must not depend on time: all but times, and requests of steps whose turn never came."""
    return (
        result.status,
        result.reason,
        dict(result.outputs),
        [_seen(step) for step in result.steps],
    )


def _seen(step: Any) -> Any:
    if step.status == "skipped":
        return step.step_id
    nested = None if step.workflow is None else [_seen(each) for each in step.workflow.steps]
    attempts = [
        (None if each.request is None else (each.request.method, each.request.url, each.request.body), each.response, each.passed)
        for each in step.attempts
    ]  # fmt: skip
    return step.step_id, step.status, step.action, step.reason, dict(step.outputs), attempts, nested


@pytest.fixture(scope="module")
def api(tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("parallel") / "api.json"
    path.write_text(json.dumps(API))
    return path


@settings(max_examples=60, deadline=None)
@given(documents(), st.fixed_dictionaries(dict.fromkeys(NAMES, STATUSES)), st.integers(2, 8), st.data())
def test_results_in_parallel_are_those_in_sequence(
    api: Path, document: dict[str, Any], answers: dict[str, list[int]], limit: int, data: Any
) -> None:
    document["sourceDescriptions"] = [{"name": "api", "url": api.as_uri(), "type": "openapi"}]
    program = arazzo_runner.load(document, "w", load_options=LoadOptions(root=str(api.parent)))

    def run(parallel: int, pick: Any) -> Any:
        world = Picking(answers, pick)
        options = RunOptions(parallel=parallel, cookies="off", max_steps=10_000)
        result = arazzo_runner.run(program, world=world, options=options)
        assert world.most <= parallel * parallel  # workflows that are called have as many again
        return result

    expected = seen(run(1, None))
    assert seen(run(limit, lambda number: data.draw(st.integers(0, number - 1)))) == expected
    assert seen(run(limit, lambda number: number - 1)) == expected


@settings(max_examples=25, deadline=None)
@given(documents(), st.fixed_dictionaries(dict.fromkeys(NAMES, STATUSES)), st.data())
def test_cookies_do_not_depend_on_the_order_of_answers(
    api: Path, document: dict[str, Any], answers: dict[str, list[int]], data: Any
) -> None:
    document["sourceDescriptions"] = [{"name": "api", "url": api.as_uri(), "type": "openapi"}]
    program = arazzo_runner.load(document, "w", load_options=LoadOptions(root=str(api.parent)))

    def cookies(pick: Any) -> Any:
        result = arazzo_runner.run(program, world=Picking(answers, pick), options=RunOptions(parallel=8))
        return [_cookies(step) for step in result.steps if step.status != "skipped"]

    assert cookies(lambda number: data.draw(st.integers(0, number - 1))) == cookies(lambda number: 0)


def _cookies(step: Any) -> Any:
    nested = (
        [] if step.workflow is None else [_cookies(each) for each in step.workflow.steps if each.status != "skipped"]
    )
    return [each.request.header("Cookie") for each in step.attempts if each.request is not None], nested
