"""Running a part of a workflow: which steps run, which outputs they can read, which selections are refused."""

from __future__ import annotations

import json

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.runtime.scripted import ScriptedWorld

NAMES = ("a", "b", "c", "d", "e")
API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {
        f"/{name}": {"get": {"operationId": name, "parameters": [{"name": "x", "in": "query"}]}} for name in NAMES
    },
}


def step(name, reads=None, **fields):
    parameters = [{"name": "x", "in": "query", "value": f"$steps.{reads}.outputs.o"}] if reads else []
    return {"stepId": name, "operationId": name, "parameters": parameters, "outputs": {"o": "$response.body#/n"}, **fields}  # fmt: skip


def goto(name):
    return {"onSuccess": [{"name": "go", "type": "goto", "stepId": name}]}


STRAIGHT = [step("a"), step("b", "a"), step("c"), step("d", "b"), step("e", "d")]
JUMPS = [step("a", **goto("c")), step("b"), step("c"), step("d", "a"), step("e")]
LEAVES = [step("a", onSuccess=[{"name": "stop", "type": "end"}]), step("b"), step("c"), step("d"), step("e", "a")]
WAITS = [step("a"), step("b"), step("c", dependsOn=["a"]), step("d"), step("e")]


@pytest.fixture
def run(tmp_path):
    (tmp_path / "api.json").write_text(json.dumps(API))

    def run(steps, **options):
        document = {
            "arazzo": "1.1.0",
            "info": {"title": "t", "version": "1"},
            "sourceDescriptions": [{"name": "api", "url": (tmp_path / "api.json").as_uri()}],
            "workflows": [{"workflowId": "w", "steps": steps, "outputs": {"last": "$steps.e.outputs.o"}}],
        }
        world = ScriptedWorld([{"request": f"GET /{name}", "times": 0, "body": {"n": name.upper()}} for name in NAMES])
        result = arazzo_runner.run(
            document, world=world, load_options=LoadOptions(root=str(tmp_path)), options=RunOptions(**options)
        )
        return result, [request.url.removeprefix("http://api.test/") for request in world.requests]

    return run


GIVEN = {"b": {"o": "given"}}


@pytest.mark.parametrize(
    ("steps", "options", "sent"),
    [
        pytest.param(STRAIGHT, {}, ["a", "b?x=A", "c", "d?x=B", "e?x=D"], id="all of it"),
        pytest.param(STRAIGHT, {"step": "c"}, ["c"], id="one step that needs none"),
        pytest.param(STRAIGHT, {"step": "d"}, ["a", "b?x=A", "d?x=B"], id="one step with those it reads, and they read"),
        pytest.param(STRAIGHT, {"step": "d", "step_outputs": GIVEN}, ["d?x=given"], id="given outputs need no step"),
        pytest.param(WAITS, {"step": "c"}, ["a", "c"], id="one step with those it waits for"),
        pytest.param(STRAIGHT, {"until": "b"}, ["a", "b?x=A"], id="up to a step"),
        pytest.param(STRAIGHT, {"from_step": "c", "step_outputs": GIVEN}, ["c", "d?x=given", "e?x=D"], id="from a step"),
        pytest.param(
            STRAIGHT, {"from_step": "c", "until": "d", "step_outputs": GIVEN}, ["c", "d?x=given"], id="from one to another"
        ),
        pytest.param(JUMPS, {"until": "b"}, ["a"], id="a goto past the last step ends it"),
        pytest.param(JUMPS, {"step": "d"}, ["a", "d?x=A"], id="a goto between chosen steps leaves the others out"),
        pytest.param(WAITS, {"from_step": "c", "step_outputs": {"a": {}}}, ["c", "d", "e"], id="a given step counts as run"),
    ],
)  # fmt: skip
def test_the_chosen_steps_run(run, steps, options, sent):
    for parallel in (1, 4):
        result, urls = run(steps, parallel=parallel, **options)
        assert sorted(urls) == sorted(sent) if parallel > 1 else urls == sent
        skipped = {each.step_id for each in result.steps if each.status == "skipped"}
        assert skipped == set(NAMES) - {url.partition("?")[0] for url in sent}


def test_given_outputs_reach_the_workflow_outputs(run):
    result, _ = run(STRAIGHT, step="c", step_outputs={"e": {"o": 5}})
    assert (result.status, result.outputs) == ("succeeded", {"last": 5})


@pytest.mark.parametrize(
    ("steps", "options", "reason"),
    [
        pytest.param(JUMPS, {"until": "b"}, 'step "b" was not reached', id="a goto jumped over it"),
        pytest.param(LEAVES, {"step": "e"}, None, id="a step before it ended the workflow, as it may"),
    ],
)
def test_a_last_step_that_was_not_reached_is_reported(run, steps, options, reason):
    result, _ = run(steps, **options)
    assert (result.status, result.reason) == (("failed", reason) if reason else ("succeeded", None))


@pytest.mark.parametrize(
    ("options", "code", "hint"),
    [
        pytest.param({"step": "x"}, "unknown-step", "available: a, b, c, d, e", id="an unknown step"),
        pytest.param({"step_outputs": {"x": {}}}, "unknown-step", "available", id="outputs of an unknown step"),
        pytest.param({"from_step": "d"}, "dependency-not-run", "step_outputs", id="outputs that nobody gives"),
        pytest.param({"from_step": "d", "until": "b", "step_outputs": GIVEN}, "usage", None, id="the last before the first"),
        pytest.param({"step": "b", "until": "b"}, "usage", None, id="one step and a last one"),
    ],
)  # fmt: skip
def test_a_step_that_cannot_run_alone_is_refused(run, options, code, hint):
    with pytest.raises(arazzo_runner.InvalidUsage) as caught:
        run(STRAIGHT, **options)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert hint is None or hint in found.hint
