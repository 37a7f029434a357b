"""Dry runs: each request once, with what would repeat it and what ends that."""

from __future__ import annotations

import json

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.report.dry_run import render_requests

SCHEMA = {"type": "object", "properties": {"next": {"type": "string"}, "state": {"enum": ["new", "ready"]}}}
EXAMPLE = {"next": "abc", "state": "new"}
API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {
        f"/{name}": {
            "get": {
                "operationId": name,
                "parameters": [{"name": "cursor", "in": "query"}],
                "responses": {"200": {"content": {"application/json": {"schema": SCHEMA, "example": EXAMPLE}}}},
            }
        }
        for name in ("take", "wait", "done")
    },
}


def goto(target, *conditions, name="go"):
    return {
        "name": name,
        "type": "goto",
        "stepId": target,
        "criteria": [{"condition": condition} for condition in conditions],
    }


TAKE, WAIT, DONE = ({"stepId": name, "operationId": name} for name in ("take", "wait", "done"))
EMPTY = goto("done", "$statusCode == 404", name="empty")
CURSOR = {"parameters": [{"name": "cursor", "in": "query", "value": "$steps.take.outputs.next"}]}
PAGE = {**TAKE, **CURSOR, "outputs": {"next": "$response.body#/next"}}
MORE = goto("take", "$response.body#/next != null")
OTHER = {"context": "$response.body", "condition": "$[?@.state == 7]", "type": "jsonpath"}


@pytest.mark.parametrize(
    ("steps", "requests", "repeats"),
    [
        pytest.param([{**TAKE, "onSuccess": [goto("take")], "onFailure": [EMPTY]}, DONE], ["take", "done"], ["repeats until $statusCode == 404"], id="a step that is repeated until it fails"),
        pytest.param([{**PAGE, "onSuccess": [MORE]}, DONE], ["take", "done"], ["repeats while $response.body#/next != null"], id="pages, as long as there is a next one"),
        pytest.param([TAKE, {**WAIT, "onSuccess": [goto("take")], "onFailure": [EMPTY]}, DONE], ["take", "wait", "done"], ['repeats from "take" until $statusCode == 404'], id="a loop of two steps"),
        pytest.param([{**TAKE, "onSuccess": [goto("done", "$response.body#/state == 'ready'", name="ready"), goto("wait")]}, {**DONE, "onSuccess": [{"name": "stop", "type": "end"}]}, {**WAIT, "onSuccess": [goto("take")]}], ["take", "wait", "done"],
                     ["repeats from \"take\" until $response.body#/state == 'ready'"], id="a step that waits between the tries"),
        pytest.param([{**TAKE, "successCriteria": [OTHER], "onFailure": [{"name": "again", "type": "retry", "retryLimit": 9}]}, DONE], ["take", "done"],
                     ["repeats until $response.body has $[?@.state == 7], at most 9 times"], id="a retry"),
        pytest.param([{**TAKE, "onSuccess": [goto("done")]}, WAIT, {**DONE, "onSuccess": [goto("wait", "$statusCode == 200")]}], ["take", "done", "wait"], [None], id="a goto back to a step that was not visited is not a loop"),
    ],
)  # fmt: skip
def test_a_dry_run_has_each_request_once(tmp_path, steps, requests, repeats):
    (tmp_path / "api.json").write_text(json.dumps(API))
    value = {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": (tmp_path / "api.json").as_uri()}],
        "workflows": [{"workflowId": "w", "steps": steps}],
    }
    result = arazzo_runner.dry_run(value, load_options=LoadOptions(root=str(tmp_path)))
    sent = [attempt.request.url.partition("?")[0] for step in result.steps for attempt in step.attempts]
    assert sent == [f"http://api.test/{name}" for name in requests]
    assert result.status == "succeeded"
    assert [step.repeats for step in result.steps if step.repeats] == [each for each in repeats if each]
    text = render_requests(result)
    assert all(f" {each}\n" in text for each in repeats if each)
