"""One mistake is one finding."""

from __future__ import annotations

import json

import pytest

import arazzo_runner

API = {"openapi": "3.1.0", "info": {"title": "A", "version": "1"}, "servers": [{"url": "http://api.test"}],
       "paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {"description": "ok"}}}}}}  # fmt: skip
READS = {"stepId": "r", "operationId": "a", "outputs": {"x": "$steps.s.outputs.pet name"}}


@pytest.mark.parametrize(
    ("workflow", "wanted"),
    [
        pytest.param({"steps": [{"stepId": "s", "operationId": "a", "outputs": {"pet name": "$statusCode"}}, READS]},
                     [("unusual-name", "/workflows/0/steps/0/outputs/pet name")], id="an output's name where it is defined"),
        pytest.param({"inputs": {"type": "object", "properties": {"pet name": {"type": "string"}}},
                      "steps": [{"stepId": "s", "operationId": "a", "outputs": {"x": "$inputs.pet name"}}]},
                     [("unusual-name", "/workflows/0/steps/0/outputs/x")], id="an input's name where it is read"),
        pytest.param({"inputs": {"type": "object", "properties": {"x": {"type": "integer", "required": True}}},
                      "steps": [{"stepId": "s", "operationId": "a", "outputs": {"x": "$inputs.x"}}]},
                     [("invalid-schema", "/workflows/0/inputs/properties/x/required")], id="required is true"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_finding(workflow, wanted, tmp_path):
    (tmp_path / "api.json").write_text(json.dumps(API))
    source = {"name": "api", "url": "api.json", "type": "openapi"}
    raw = {"arazzo": "1.0.1", "info": {"title": "T", "version": "1"}, "sourceDescriptions": [source],
           "workflows": [{"workflowId": "w", **workflow}]}  # fmt: skip
    (tmp_path / "w.json").write_text(json.dumps(raw))
    found = arazzo_runner.validate(tmp_path / "w.json")
    assert [(each.code, each.at.pointer) for each in found] == wanted
