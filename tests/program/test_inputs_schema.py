"""The schema of a workflow's inputs on its own: the same values fit as in the document, whatever it refers to."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

import arazzo_runner
from arazzo_runner import inputs_schema

COMPONENTS = {
    "address": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "tree": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "below": {"type": "array", "items": {"$ref": "#/components/inputs/tree"}}},
        "required": ["name"],
    },
    "anchored": {"$anchor": "short", "type": "string", "maxLength": 3},
    "two words": {"type": "integer"},
}  # fmt: skip


def self_contained(tmp_path: Any, inputs: Any) -> dict[str, Any]:
    paths = {"/x": {"get": {"operationId": "x"}}}
    info = {"title": "t", "version": "1"}
    api = {"openapi": "3.1.0", "info": info, "servers": [{"url": "http://a.test"}], "paths": paths}
    workflow = {"workflowId": "w", "steps": [{"stepId": "s", "operationId": "x"}]}
    document = {
        "arazzo": "1.1.0",
        "info": info,
        "sourceDescriptions": [{"name": "api", "url": "api.json", "type": "openapi"}],
        "workflows": [workflow if inputs is None else {**workflow, "inputs": inputs}],
        "components": {"inputs": COMPONENTS},
    }
    (tmp_path / "api.json").write_text(json.dumps(api))
    (tmp_path / "w.json").write_text(json.dumps(document))
    schema = inputs_schema(arazzo_runner.load(tmp_path / "w.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    return schema


@pytest.mark.parametrize(
    ("inputs", "fitting", "wrong"),
    [
        pytest.param({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": "x"}, {"a": 1}, id="no reference"),
        pytest.param(
            {"type": "object", "properties": {"to": {"$ref": "#/components/inputs/address"}}},
            {"to": {"city": "x"}}, {"to": {}}, id="a reference to a component",
        ),
        pytest.param({"$ref": "#/components/inputs/address"}, {"city": "x"}, {}, id="nothing but a reference"),
        pytest.param(
            {"$ref": "#/components/inputs/tree"},
            {"name": "a", "below": [{"name": "b", "below": []}]}, {"name": "a", "below": [{"name": 1}]}, id="recursion",
        ),
        pytest.param(
            {"type": "object", "properties": {"s": {"$ref": "#short"}}}, {"s": "abc"}, {"s": "abcd"}, id="an anchor",
        ),
        pytest.param(
            {"type": "object", "properties": {"n": {"$ref": "#/components/inputs/two words"}}}, {"n": 1}, {"n": "x"},
            id="a name that a pointer escapes",
        ),
        pytest.param(
            {"allOf": [{"$ref": "#/components/inputs/address"}, {"properties": {"again": {"$ref": "#/workflows/0/inputs"}}}]},
            {"city": "x", "again": {"city": "y"}}, {"city": "x", "again": {}}, id="a reference to itself",
        ),
        pytest.param(
            {"type": "object", "properties": {"default": {"$ref": "#/components/inputs/address"}}, "default": {"$ref": "#/x"}},
            {"default": {"city": "x"}}, {"default": {}}, id="an input named as a keyword",
        ),
        pytest.param(None, {"anything": 1}, [], id="no schema"),
    ],
)  # fmt: skip
def test_the_same_values_fit(tmp_path: Any, inputs: Any, fitting: Any, wrong: Any) -> None:
    check = jsonschema.Draft202012Validator(self_contained(tmp_path, inputs))
    check.validate(fitting)
    assert not check.is_valid(wrong)


def test_tools_get_the_members_at_the_top(tmp_path: Any) -> None:
    schema = self_contained(tmp_path, {"$ref": "#/components/inputs/tree", "description": "a tree"})
    assert (schema["type"], schema["required"], schema["description"]) == ("object", ["name"], "a tree")
    assert list(schema["$defs"]) == ["tree"]
