"""Outputs without a value are reported where they are written: what is missing, and what there is instead."""

from __future__ import annotations

import json

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.runtime.scripted import ScriptedWorld

SCHEMA = {"type": "object", "properties": {"known": {"type": "string"}}}
API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {
        "/a": {"get": {"operationId": "a", "responses": {"200": {"description": "d"}}}},
        "/b": {
            "get": {
                "operationId": "b",
                "responses": {
                    "200": {
                        "description": "d",
                        "headers": {"X-Next": {"schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": SCHEMA}},
                    }
                },
            }
        },
    },
}
BODY = {"token": "t", "page": {"items": [1]}, "text": "x"}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "api.json").write_text(json.dumps(API))

    def performed(*workflows, inputs=None, status=200, body=BODY, workflow_id="w"):
        document = {
            "arazzo": "1.0.1",
            "info": {"title": "t", "version": "1"},
            "sourceDescriptions": [{"name": "api", "url": (tmp_path / "api.json").as_uri(), "type": "openapi"}],
            "workflows": list(workflows),
        }
        script = [{"request": f"GET /{name}", "times": 0, "status": status, "body": body} for name in "ab"]
        options = LoadOptions(root=str(tmp_path))
        world = ScriptedWorld(script)
        return arazzo_runner.run(document, workflow_id, inputs, world=world, load_options=options)

    return performed


def one(outputs, operation="a", **more):
    step = {"stepId": "s", "operationId": operation, "outputs": outputs, **more}
    return {"workflowId": "w", "inputs": {"type": "object", "properties": {"id": {}}}, "steps": [step]}


@pytest.mark.parametrize(
    ("value", "reason", "hint"),
    [
        pytest.param(
            "$response.body#/tokn",
            '$response.body#/tokn: there is no "tokn" in the body of the response, only "token", "page", "text"',
            'did you mean "token"?',
            id="a member",
        ),
        pytest.param(
            "$response.body#/page/item",
            '$response.body#/page/item: there is no "item" in /page in the body of the response, only "items"',
            'did you mean "items"?',
            id="a member of a member",
        ),
        pytest.param(
            "$response.body#/page/items/3",
            '$response.body#/page/items/3: /page/items in the body of the response has no item "3": '
            "it is an array of 1",
            None,
            id="an item",
        ),
        pytest.param(
            "$response.body#/text/x",
            '$response.body#/text/x: /text in the body of the response has no "x": it is a string',
            None,
            id="a member of a text",
        ),
        pytest.param(
            "$response.header.Content-Typ",
            '$response.header.Content-Typ: there is no "Content-Typ" in the headers of the response, '
            'only "content-type"',
            'did you mean "content-type"?',
            id="a header",
        ),
        pytest.param(
            "$inputs.id", '$inputs.id: there is no "id" in the inputs (empty)', None, id="an input that is not given"
        ),
        pytest.param(
            "x {$response.body#/tokn}",
            'x {$response.body#/tokn}: there is no "tokn" in the body of the response, only "token", "page", "text"',
            'did you mean "token"?',
            id="an expression in a text",
        ),
    ],
)
def test_an_output_without_a_value_says_what_there_is(run, value, reason, hint):
    result = run(one({"o": value}))
    [found] = result.steps[0].attempts[0].diagnostics
    assert result.status == "succeeded"
    assert (found.code, found.severity.value, found.at.pointer) == (
        "missing-output", "warning", "/workflows/0/steps/0/outputs/o",
    )  # fmt: skip
    assert found.message == f'output "o" of step "s" has no value: {reason}'
    assert found.hint == hint


@pytest.mark.parametrize("value", ["$response.body#/known", "$response.header.X-Next"], ids=["a member", "a header"])
def test_what_is_documented_as_optional_is_only_noted(run, value):
    found = [each for each in run(one({"o": value}, "b")).steps[0].attempts[0].diagnostics if "output" in each.code]
    assert [each.severity.value for each in found] == ["info"]


def test_a_response_without_a_body_has_no_member(run):
    [found] = run(one({"o": "$response.body#/x"}), body=None).steps[0].attempts[0].diagnostics
    assert found.message.endswith("the response has no body")


def test_outputs_of_an_attempt_that_failed_are_not_missed(run):
    result = run(one({"o": "$response.body#/tokn"}), status=500)
    assert [each.code for each in result.steps[0].attempts[0].diagnostics] in ([], ["undocumented-status"])


def test_outputs_of_the_workflow_are_reported_too(run):
    workflow = {**one({"token": "$response.body#/token"}), "outputs": {"all": "$steps.s.outputs.token#/x"}}
    result = run(workflow)
    [found] = (each for each in result.diagnostics if each.code == "missing-output")
    assert found.message == (
        'output "all" of workflow "w" has no value: $steps.s.outputs.token#/x: '
        '"token" of the outputs of step "s" has no "x": it is a string'
    )
    assert found.at.pointer == "/workflows/0/outputs/all"


def test_a_step_that_calls_a_workflow_reports_its_own_outputs_and_that_workflow_its(run):
    inner = {
        **one({"token": "$response.body#/token"}),
        "workflowId": "inner",
        "outputs": {"x": "$steps.s.outputs.gone"},
    }
    inner["steps"][0]["outputs"]["gone"] = "$response.body#/gone"
    call = {"stepId": "call", "workflowId": "inner", "outputs": {"y": "$outputs.x"}}
    result = run(inner, {"workflowId": "w", "steps": [call]})
    step = result.steps[0]
    assert [each.message for each in step.attempts[0].diagnostics] == [
        'output "y" of step "call" has no value: $outputs.x: there is no "x" in the outputs (empty)'
    ]
    assert step.missing_outputs == ("x", "y")
    assert [each.at.pointer for each in step.workflow.diagnostics] == ["/workflows/0/outputs/x"]


def test_a_workflow_that_failed_reports_why_and_not_its_outputs(run):
    workflow = {**one({"gone": "$response.body#/gone"}), "outputs": {"all": "$steps.s.outputs.gone"}}
    assert run(workflow, status=500).diagnostics == ()
