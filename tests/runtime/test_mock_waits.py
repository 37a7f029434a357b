"""A mock run waits for nothing, and says so; other runs wait and say for how long. Waits of minutes would stop these tests."""

from __future__ import annotations

import asyncio
import io
import json

import pytest
import yaml

import arazzo_runner
from arazzo_runner import PollScheduled, RetryScheduled, RunOptions, Wait
from arazzo_runner.cli.main import run as command
from arazzo_runner.runtime.scripted import ScriptedWorld

LONG = 290  # seconds: as long as a run waits by default, nearly
ITEM = {"type": "object", "properties": {"status": {"enum": ["queued", "done"]}}}
API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {
        "/a": {
            "get": {
                "operationId": "a",
                "responses": {"200": {"description": "d", "content": {"application/json": {"schema": ITEM}}}},
            }
        }
    },
}
RETRY = {
    "stepId": "s",
    "operationId": "a",
    "successCriteria": [{"condition": "$statusCode == 200"}],
    "onFailure": [{"name": "again", "type": "retry", "retryAfter": LONG, "retryLimit": 5}],
}
POLL = {
    "stepId": "s",
    "operationId": "a",
    "onSuccess": [
        {
            "name": "look",
            "type": "goto",
            "stepId": "s",
            "criteria": [{"condition": "$response.body#/status == 'queued'"}],
        }
    ],
}
FAILS = {"request": "GET /a", "status": 503}
ASKS = {"request": "GET /a", "status": 503, "headers": {"Retry-After": "7"}}
QUEUED = {"request": "GET /a", "body": {"status": "queued"}}
DONE = {"request": "GET /a", "body": {"status": "done"}}
BY_ACTION = Wait(seconds=LONG, reason="retry 1 of 5", action="again", origin="retryAfter")
BY_SERVER = Wait(seconds=7, reason="retry 1 of 5", action="again", origin="Retry-After")
BY_POLLING = Wait(seconds=1, reason="poll 1", action="look", origin="poll_interval")


@pytest.fixture
def flow(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "api.yml").write_text(yaml.safe_dump(API))

    def written(step):
        document = {
            "arazzo": "1.0.1",
            "info": {"title": "t", "version": "1"},
            "sourceDescriptions": [{"name": "api", "url": "api.yml", "type": "openapi"}],
            "workflows": [{"workflowId": "w", "steps": [step]}],
        }
        (tmp_path / "flow.yml").write_text(yaml.safe_dump(document))
        return tmp_path / "flow.yml"

    return written


@pytest.fixture
def scenario(tmp_path):
    """A scenario of which the first answer asks to wait."""
    rules = {
        "rules": [{"operation": "a", "times": 1, "answer": {"status": 503, "headers": {"Retry-After": str(LONG)}}}]
    }
    (tmp_path / "scenario.yml").write_text(yaml.safe_dump(rules))
    return tmp_path / "scenario.yml"


def waits(events):
    return [each.wait for each in events if isinstance(each, (RetryScheduled, PollScheduled))]


@pytest.mark.parametrize(
    ("step", "script", "expected"),
    [
        pytest.param(RETRY, [FAILS, DONE], BY_ACTION, id="retryAfter of the action"),
        pytest.param(RETRY, [ASKS, DONE], BY_SERVER, id="Retry-After of the server"),
        pytest.param(POLL, [QUEUED, DONE], BY_POLLING, id="a goto to the same step"),
        pytest.param(
            POLL,
            [{**QUEUED, "headers": {"Retry-After": "3"}}, DONE],
            arazzo_runner.replace(BY_POLLING, seconds=3, origin="Retry-After"),
            id="a goto to the same step after a Retry-After",
        ),
    ],
)
def test_every_wait_is_an_event_and_in_the_attempt_before_it(flow, step, script, expected):
    events = []
    world = ScriptedWorld(script)
    result = arazzo_runner.run(flow(step), world=world, on_event=lambda event, _: events.append(event))
    assert waits(events) == [expected]
    assert [each.wait for step in result.steps for each in step.attempts] == [expected, None]
    assert world.waits == [expected.seconds]


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("mock", [True, "stateful"])
@pytest.mark.parametrize("way", ["run", "arun"])
def test_a_mock_waits_for_nothing(flow, scenario, way, mock, parallel):
    events = []
    arguments = {
        "mock": mock,
        "scenario": scenario,
        "on_event": lambda event, _: events.append(event),
        "options": RunOptions(parallel=parallel),
    }
    if way == "run":
        result = arazzo_runner.run(flow(RETRY), **arguments)
    else:
        result = asyncio.run(arazzo_runner.arun(flow(RETRY), **arguments))
    assert result.status == "succeeded"
    assert [(each.seconds, each.skipped) for each in waits(events)] == [(LONG, "mock")]


def test_a_mock_does_not_wait_between_polls_either(flow):
    result = arazzo_runner.run(flow(POLL), mock=True, options=RunOptions(poll_interval=LONG))
    assert result.status == "succeeded"
    assert {each.skipped for step in result.steps for each in (a.wait for a in step.attempts) if each} == {"mock"}


@pytest.mark.parametrize("more", [("run",), ("run", "-v"), ("run", "-w", "*", "-v"), ("debug",)], ids=" ".join)
def test_the_command_says_that_nobody_waited(flow, scenario, capsys, more, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n" * 9))  # which `debug` reads
    code = command([more[0], str(flow(RETRY)), "--mock", "--scenario", str(scenario), *more[1:]])
    shown = capsys.readouterr().err
    assert code == 0, shown
    assert "s: 4 min 50 s not waited (mock; retry 1 of 5, again, Retry-After)" in shown


def test_json_has_the_wait(flow, scenario, capsys):
    assert command(["run", str(flow(RETRY)), "--mock", "--scenario", str(scenario), "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [each["wait"] for each in report["steps"][0]["attempts"]] == [
        {"seconds": LONG, "reason": "retry 1 of 5", "action": "again", "origin": "Retry-After", "skipped": "mock"},
        None,
    ]


def test_a_scenario_may_still_be_slower_than_a_timeout(flow, tmp_path):
    rules = {"rules": [{"operation": "a", "times": 1, "delay": 1.0}]}
    (tmp_path / "slow.yml").write_text(yaml.safe_dump(rules))
    step = {**RETRY, "onFailure": []}
    options = RunOptions(timeout=0.2)
    result = arazzo_runner.run(flow(step), mock=True, scenario=tmp_path / "slow.yml", options=options)
    assert (result.status, result.steps[0].attempts[0].response.reason) == ("failed", "timeout")


@pytest.mark.parametrize(
    ("step", "script", "who"),
    [
        (RETRY, [FAILS], 'the action "again" waits 290 s'),
        (RETRY, [ASKS], "the server asks to wait 7 s"),
        (POLL, [QUEUED], "polling waits 6 s"),
    ],
)
def test_a_wait_that_is_too_long_says_whose_it_is(flow, step, script, who):
    options = RunOptions(max_retry_wait=5, poll_interval=6)
    result = arazzo_runner.run(flow(step), world=ScriptedWorld(script), options=options)
    assert result.reason == f"{who}, more than 5 s (max-retry-wait)"
