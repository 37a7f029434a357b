"""Formats in a run: of inputs, requests and responses, with the effect of each level."""

from __future__ import annotations

import json

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.engine.options import CheckOptions, RunOptions
from arazzo_runner.errors import InvalidInputs
from arazzo_runner.runtime.scripted import ScriptedWorld

DAY = {"type": "object", "properties": {"day": {"type": "string", "format": "date"}, "odd": {"format": "odd"}}}
API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {
        "/a": {
            "post": {
                "operationId": "a",
                "parameters": [{"name": "n", "in": "query", "schema": {"type": "integer", "format": "int32"}}],
                "requestBody": {"content": {"application/json": {"schema": DAY}, "application/x-www-form-urlencoded": {"schema": DAY}}},
                "responses": {"200": {"content": {"application/json": {"schema": DAY}}, "headers": {"X-At": {"schema": {"type": "string", "format": "date-time"}}}}},
            }
        }
    },
}  # fmt: skip
RIGHT = {"day": "2026-01-31"}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "api.json").write_text(json.dumps(API))

    def perform(step=None, level="warn", inputs=None, schema=None, answer=RIGHT, headers=None, **more):
        steps = [
            step
            if step and "workflowId" in step
            else {"stepId": "s", "operationId": "a", "requestBody": {"payload": RIGHT}, **(step or {})}
        ]
        workflows = [{"workflowId": "w", "inputs": schema or {}, "steps": steps}, *more.get("workflows", ())]
        document = {
            "arazzo": "1.1.0", "info": {"title": "t", "version": "1"}, "workflows": workflows,
            "sourceDescriptions": [{"name": "api", "url": (tmp_path / "api.json").as_uri()}],
        }  # fmt: skip
        script = [{"request": "POST /a", "times": 9, "body": answer, "headers": headers or {}}]
        options = RunOptions(checks=CheckOptions(formats=level))
        world = ScriptedWorld(script)
        load = LoadOptions(root=str(tmp_path))
        found = arazzo_runner.run(document, "w", inputs=inputs or {}, world=world, options=options, load_options=load)
        return found, world

    return perform


def _formats(result):
    found = [each for step in result.steps for attempt in step.attempts for each in attempt.diagnostics]
    return [(each.code, each.severity.value, each.message) for each in found if "format" in each.code]


WRONG = {"requestBody": {"payload": {"day": "soon"}}}
A_DATE = 'must be a date such as 2026-01-31, found string "soon"'


@pytest.mark.parametrize(
    ("given", "what"),
    [
        pytest.param({"step": WRONG}, f'the request body does not fit: "day" {A_DATE}', id="a body"),
        pytest.param({"step": {"requestBody": {"contentType": "application/x-www-form-urlencoded", "payload": {"day": "soon"}}}},
                     f'the request body does not fit: "day" {A_DATE}', id="a form"),
        pytest.param({"step": {"parameters": [{"name": "n", "in": "query", "value": 2**40}]}},
                     'query parameter "n" does not fit: the value must be an int32, from -2147483648 to 2147483647, found integer 1099511627776', id="a parameter"),
        pytest.param({"step": {"parameters": [{"name": "n", "in": "query", "value": "99999999999"}]}},
                     'query parameter "n" does not fit: the value must be an int32, from -2147483648 to 2147483647, found integer 99999999999', id="a parameter as text"),
        pytest.param({"answer": {"day": "soon"}}, f'the response body does not fit: "day" {A_DATE}', id="an answer"),
        pytest.param({"headers": {"X-At": "soon"}}, 'the response header "X-At" does not fit: the value must be a date-time such as 2026-01-31T12:00:00Z, found string "soon"', id="a header"),
    ],
)  # fmt: skip
def test_a_wrong_format_is_found_and_its_level_decides(run, given, what):
    warned, _ = run(**given)
    assert (warned.status, _formats(warned)) == ("succeeded", [("value-format", "warning", what)])
    failed, world = run(**given, level="error")
    assert failed.status == "failed"
    assert _formats(failed) == [("value-format", "error", what)]
    assert len(world.requests) == (0 if "step" in given else 1)
    silent, _ = run(**given, level="off")
    assert (silent.status, _formats(silent)) == ("succeeded", [])


def test_right_formats_are_no_finding(run):
    result, _ = run(
        {"parameters": [{"name": "n", "in": "query", "value": 5}]}, headers={"X-At": "2026-01-31T12:00:00Z"}
    )
    assert _formats(result) == []


def test_an_unknown_format_is_told_once(run):
    result, _ = run({"requestBody": {"payload": {"odd": "x"}}}, answer={"odd": "y"})
    message = 'the format "odd" is not known, so no value is checked for it'
    assert _formats(result) == [("unknown-format", "info", message)]


INPUTS = {"type": "object", "properties": {"day": {"type": "string", "format": "date"}, "pin": {"type": "string", "format": "uuid", "x-sensitive": True}, "odd": {"format": "odd"}}}  # fmt: skip


def test_inputs_are_checked_too(run):
    given = {"schema": INPUTS, "inputs": {"day": "soon", "odd": 1}}
    result, _ = run(**given)
    notes = [(each.code, each.severity.value, each.message) for each in result.diagnostics]
    assert ("value-format", "warning", f'input "day" {A_DATE}') in notes
    assert ("unknown-format", "info", 'the format "odd" is not known, so no value is checked for it') in notes
    with pytest.raises(InvalidInputs, match='input "day" must be a date'):
        run(**given, level="error")
    result, _ = run(**given, level="off")
    assert [each for each in result.diagnostics if "format" in each.code] == []


def test_a_secret_input_of_a_wrong_format_is_not_shown(run):
    with pytest.raises(InvalidInputs) as caught:
        run(schema=INPUTS, inputs={"pin": "4711-4711"}, level="error")
    assert "4711" not in str(caught.value)
    assert 'input "pin" does not fit its schema: format' in str(caught.value)


def test_inputs_of_a_called_workflow_are_checked(run):
    called = {"workflowId": "c", "inputs": INPUTS, "steps": [{"stepId": "t", "operationId": "a"}]}
    step = {"stepId": "s", "workflowId": "c", "parameters": [{"name": "day", "value": "soon"}]}
    for level, status in (("warn", "succeeded"), ("error", "failed")):
        result, _ = run(step, level, workflows=[called])
        assert result.status == status
        assert any(f'input "day" {A_DATE}' in each.message for each in result.steps[0].attempts[0].diagnostics)
