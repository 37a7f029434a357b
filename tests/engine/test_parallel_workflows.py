"""Workflows that others depend on run at the same time where they are independent, with the sequential results."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.engine.effects import HttpResponse, Race, SendRequest
from arazzo_runner.engine.independence import depended_on
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.results import WorkflowStarted
from arazzo_runner.runtime.scripted import ScriptedWorld

API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {f"/{name}": {"get": {"operationId": name}} for name in ("base", "left", "right", "top", "last")},
}


class CountingWorld:
    """Notes how many effects are under way at the same time; answers the first of them."""

    races = True

    def __init__(self, inner):
        self.inner = inner
        self.together = []

    async def perform(self, effect, /):
        if isinstance(effect, Race):
            self.together.append(len(effect.effects))
            return 0, await self.inner.perform(effect.effects[0])
        return await self.inner.perform(effect)


def workflow(name, *depends, **fields):
    steps = [{"stepId": "s", "operationId": name, "outputs": {"o": "$response.body#/n"}}]
    return {"workflowId": name, "dependsOn": list(depends), "steps": steps, "outputs": {"o": "$steps.s.outputs.o"}, **fields}  # fmt: skip


def calling(name, called):
    return {"workflowId": name, "steps": [{"stepId": "call", "workflowId": called}]}


DIAMOND = [workflow("top", "left", "right"), workflow("left", "base"), workflow("right", "base"), workflow("base")]
WRONG = {"type": "object", "required": ["needed"], "properties": {"needed": {"type": "string"}}}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "api.json").write_text(json.dumps(API))

    def run(workflows, parallel, failing=()):
        document = {
            "arazzo": "1.1.0",
            "info": {"title": "t", "version": "1"},
            "sourceDescriptions": [{"name": "api", "url": (tmp_path / "api.json").as_uri()}],
            "workflows": workflows,
        }
        script = [
            {"request": f"GET {path}", "times": 0, "status": 500 if path[1:] in failing else 200, "body": {"n": path}}
            for path in API["paths"]
        ]
        scripted = ScriptedWorld(script)
        world = CountingWorld(scripted)
        result = arazzo_runner.run(
            document,
            "top",
            world=world,
            load_options=LoadOptions(root=str(tmp_path)),
            options=RunOptions(parallel=parallel),
        )
        return result, [each.url.removeprefix("http://api.test/") for each in scripted.requests], world.together

    return run


def test_independent_workflows_run_at_the_same_time_each_once(run):
    sequential, one_by_one, none = run(DIAMOND, 1)
    parallel, at_once, together = run(DIAMOND, 4)
    assert (one_by_one, none) == (["base", "left", "right", "top"], [])
    assert at_once == one_by_one
    assert max(together) == 2
    assert (
        (parallel.status, parallel.outputs) == (sequential.status, sequential.outputs) == ("succeeded", {"o": "/top"})
    )
    assert [each.workflow_id for each in parallel.dependencies] == ["base", "left", "right"]
    assert [each.workflow_id for each in sequential.dependencies] == ["base", "left", "right"]


@pytest.mark.parametrize(
    ("workflows", "failing", "reason"),
    [
        pytest.param(DIAMOND, ("left",), 'workflow "left", which this one depends on, did not succeed', id="one of two fails"),
        pytest.param(DIAMOND, ("base",), 'workflow "left", which this one depends on, did not succeed', id="what both need fails"),
        pytest.param([*DIAMOND[:2], workflow("right", "base", inputs=WRONG), DIAMOND[3]], (), "needed", id="one lacks an input"),
    ],
)  # fmt: skip
def test_a_failure_is_reported_as_in_a_sequential_run(run, workflows, failing, reason):
    sequential, _, _ = run(workflows, 1, failing)
    parallel, _, _ = run(workflows, 4, failing)
    assert (parallel.status, parallel.reason) == (sequential.status, sequential.reason)
    assert parallel.status == "failed"
    assert reason in parallel.reason


def test_a_tower_of_diamonds_is_walked_once():
    tower = {n: SimpleNamespace(depends_on=(n - 1, n - 2) if n > 1 else ()) for n in range(200)}
    found = list(depended_on(SimpleNamespace(workflows=tower), 199))
    assert sorted(found) == list(range(199))
    assert all(found.index(n - 1) < found.index(n) for n in range(2, 199))


@pytest.mark.parametrize(
    "workflows",
    [
        pytest.param(
            [workflow("top", "left", "base"), calling("left", "right"), workflow("right", "base"), workflow("base")],
            id="a workflow that an earlier one runs through a step",
        ),
        pytest.param(
            [workflow("top", "left", "base", "right"), calling("left", "mid"), calling("mid", "end"),
             {**calling("end", "last"), "dependsOn": ["right"]}, workflow("last"), workflow("right", "base"), workflow("base")],
            id="also through a step of a workflow that it calls, and what that depends on",
        ),
    ],
)  # fmt: skip
def test_a_workflow_that_others_need_through_their_steps_runs_once(run, workflows):
    sequential, one_by_one, _ = run(workflows, 1)
    parallel, at_once, _ = run(workflows, 4)
    assert (parallel.status, sequential.status) == ("succeeded", "succeeded")
    assert sorted(at_once) == sorted(one_by_one)
    assert at_once.count("base") == 1


def test_nothing_is_sent_for_what_comes_after_a_workflow_whose_inputs_are_missing(run):
    workflows = [workflow("top", "left", "right"), workflow("left", inputs=WRONG), workflow("right")]
    _, one_by_one, _ = run(workflows, 1)
    _, at_once, _ = run(workflows, 4)
    assert (one_by_one, at_once) == ([], [])


class SlowWorld:
    """Answers each request with its path after some time, and notes what was sent."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.sent = []

    async def perform(self, effect, /):
        if not isinstance(effect, SendRequest):
            return 0.0
        path = effect.request.url.removeprefix("http://api.test/")
        self.sent.append(path)
        await asyncio.sleep(self.seconds.get(path, 0.0))
        return HttpResponse(200, (("Content-Type", "application/json"),), json.dumps({"n": path}).encode())


def test_workflows_of_one_name_in_two_documents_get_their_own_answers(tmp_path):
    (tmp_path / "api.json").write_text(json.dumps(API))
    api = {"name": "api", "url": (tmp_path / "api.json").as_uri()}
    one = [{**workflow("same", "base"), "steps": workflow("left")["steps"]}, workflow("base")]
    two = [{**workflow("same"), "steps": workflow("right")["steps"]}]
    head = {"arazzo": "1.1.0", "info": {"title": "t", "version": "1"}}
    for name, workflows in (("one", one), ("two", two)):
        (tmp_path / f"{name}.json").write_text(
            json.dumps({**head, "sourceDescriptions": [api], "workflows": workflows})
        )
    sources = [{"name": name, "url": (tmp_path / f"{name}.json").as_uri(), "type": "arazzo"} for name in ("one", "two")]
    top = workflow("top", "$sourceDescriptions.one.same", "$sourceDescriptions.two.same")
    document = {**head, "sourceDescriptions": [api, *sources], "workflows": [top]}
    world = SlowWorld({"right": 0.2, "base": 0.02})
    running = arazzo_runner.arun(
        document, "top", world=world, load_options=LoadOptions(root=str(tmp_path)), options=RunOptions(parallel=4)
    )
    result = asyncio.run(running)
    assert result.status == "succeeded"
    assert sorted(world.sent) == ["base", "left", "right", "top"]
    assert [each.outputs["o"] for each in result.dependencies] == ["base", "left", "right"]


@pytest.mark.parametrize("parallel", [1, 4])
def test_effects_have_the_keys_of_a_sequential_run(tmp_path, parallel):
    (tmp_path / "api.json").write_text(json.dumps(API))
    document = {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": (tmp_path / "api.json").as_uri()}],
        "workflows": DIAMOND,
    }
    world = ScriptedWorld([{"request": f"GET {path}", "times": 0, "body": {"n": path}} for path in API["paths"]])
    depths = []

    def on_event(event, secrets):
        if isinstance(event, WorkflowStarted):
            depths.append((event.workflow_id, event.depth))

    arazzo_runner.run(
        document,
        "top",
        world=world,
        on_event=on_event,
        load_options=LoadOptions(root=str(tmp_path)),
        options=RunOptions(parallel=parallel),
    )
    assert sorted(world.keys) == ["left!/base!/s#1", "left!/s#1", "right!/s#1", "s#1"]
    assert sorted(depths) == [("base", 2), ("left", 1), ("right", 1), ("top", 0)]
