"""Every query of a run obeys `criterion_timeout`: of criteria, of outputs and of replacements."""

import json

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.runtime.scripted import ScriptedWorld

API = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {"/pets": {"post": {"operationId": "add", "responses": {"200": {"description": "ok"}}}}},
}
MANY = {"items": [{"a": number} for number in range(300)]}
HEAVY = "$.items[?count($.items[?@.a >= 0]) > 0]"
KINDS = ("application/json", "text/plain")
QUERY_OF = {
    "a criterion": {"successCriteria": [{"context": "$response.body", "type": "jsonpath", "condition": HEAVY}]},
    "an output": {
        "outputs": {"found": {"context": "$response.body", "selector": HEAVY, "type": "jsonpath"}},
    },
    "a replacement": {
        "requestBody": {
            "contentType": "application/json",
            "payload": MANY,
            "replacements": [{"target": HEAVY, "targetSelectorType": "jsonpath", "value": 1}],
        }
    },
}


def ran(folder, step, seconds, body):
    (folder / "api.json").write_text(json.dumps(API))
    document = {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": (folder / "api.json").as_uri()}],
        "workflows": [
            {
                "workflowId": "w",
                "inputs": {"type": "object", "properties": {"all": {"default": MANY}}},
                "steps": [{"stepId": "s", "operationId": "add", **step}, {"stepId": "t", "operationId": "add"}],
                "outputs": {"found": "$steps.s.outputs.found"} if "outputs" in step else {},
            }
        ],
    }
    answer = {
        "times": 0,
        "request": "POST /pets",
        "headers": {"Content-Type": KINDS[isinstance(body, str)]},
        "body": body,
    }
    options = RunOptions(criterion_timeout=seconds)
    return arazzo_runner.run(
        document, world=ScriptedWorld([answer]), load_options=LoadOptions(root=str(folder)), options=options
    )


def succeeds(folder, step, seconds):
    result = ran(folder, step, seconds, MANY)
    return result.status == "succeeded" and ("outputs" not in step or result.outputs.get("found") is not None)


@pytest.mark.parametrize("step", QUERY_OF.values(), ids=QUERY_OF)
def test_a_query_takes_no_longer_than_it_may(tmp_path, step):
    assert succeeds(tmp_path, step, 60.0)
    assert not succeeds(tmp_path, step, 0.001)


LIMITED = {
    "JSONPath": ("jsonpath", HEAVY),
    "a comparison": ("simple", "$response.body == $response.body"),
}


@pytest.mark.parametrize(("kind", "condition"), LIMITED.values(), ids=LIMITED)
def test_a_criterion_that_its_limit_stops_names_the_setting_that_raises_it(tmp_path, kind, condition):
    body = {"jsonpath": MANY, "simple": MANY}[kind]
    criterion = {"context": "$response.body", "type": kind, "condition": condition}
    step = {"successCriteria": [{"condition": condition} if kind == "simple" else criterion]}
    result = ran(tmp_path, step, 0.0001 if kind == "simple" else 0.01, body)
    assert "criterion-timeout" in result.reason


def test_a_value_that_its_limit_stops_names_the_setting_that_raises_it(tmp_path):
    value = {"context": "$inputs.all", "selector": HEAVY, "type": "jsonpath"}
    step = {"requestBody": {"contentType": "application/json", "payload": {"found": value}}}
    result = ran(tmp_path, step, 0.001, MANY)
    assert "criterion-timeout" in result.reason
