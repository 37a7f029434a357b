"""What is offered of a workflow: names, schemas and annotations of tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, strategies as st

from arazzo_runner import load
from arazzo_runner.api import choose_workflow
from arazzo_runner.mcp.input_schema import input_schema, secret_inputs
from arazzo_runner.mcp.kept import Shelf
from arazzo_runner.mcp.names import LONGEST, tool_names
from arazzo_runner.mcp.output_schema import output_schema
from arazzo_runner.mcp.reach import reach_of
from arazzo_runner.program.model import Program


@given(st.lists(st.text(max_size=80), max_size=20))
def test_names_fit_and_are_unique(ids: list[str]) -> None:
    names = tool_names(ids, ["run_status"])
    assert len({*names, "run_status"}) == len(ids) + 1
    assert all(1 <= len(name) <= LONGEST and name.isascii() for name in names)
    assert all(character.isalnum() or character in "_-" for name in names for character in name)


API = """\
openapi: 3.1.0
info: {title: Pets, version: "1"}
servers: [{url: "http://127.0.0.1:9"}]
paths:
  /pets:
    get: {operationId: list, responses: {"200": {description: ok, content: {application/json: {schema: {
      type: array, items: {$ref: "#/components/schemas/Pet"}}}}}}}
    post: {operationId: create, responses: {"201": {description: ok}}}
    put: {operationId: replace, responses: {"200": {description: ok}}}
    patch: {operationId: change, responses: {"200": {description: ok}}}
    delete: {operationId: remove, responses: {"204": {description: ok}}}
  /search:
    post: {operationId: search, responses: {"200": {description: ok}}}
components:
  schemas:
    Pet:
      type: object
      properties: {id: {type: integer}, kind: {enum: [cat, dog]}, friends: {type: array, items: {$ref: "#/components/schemas/Pet"}}}
"""


def program(folder: Path, inputs: Any, *operations: str, outputs: Any = None, more: Any = None) -> Program:
    """Return a workflow with these inputs, whose steps call operations."""
    steps = [
        {"stepId": f"s{number}", "operationId": name, "outputs": {"all": "$response.body"}}
        for number, name in enumerate(operations)
    ]
    flow = {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "pets", "url": "api.yml", "type": "openapi"}],
        "workflows": [{"workflowId": "w", "inputs": inputs, "steps": steps, "outputs": outputs or {}}, *(more or [])],
        "components": {
            "inputs": {
                "tree": {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": _TREE}}}},
                "paged": {"type": "object", "required": ["page"], "properties": {"page": {"type": "integer"}}},
            }
        },
    }
    (folder / "api.yml").write_text(API)
    (folder / "flow.yml").write_text(json.dumps(flow))
    return choose_workflow(load(folder / "flow.yml"), "w")


_TREE = "#/components/inputs/tree"


def offered(program: Program) -> dict[str, Any]:
    workflow = program.workflow
    schema = input_schema(workflow, secret_inputs(workflow), ())
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


@pytest.mark.parametrize(
    ("inputs", "properties", "required"),
    [
        pytest.param({"type": "object", "properties": {"a": {"type": "string"}}}, {"a"}, [], id="plain"),
        pytest.param({"$ref": "#/components/inputs/paged"}, {"page"}, ["page"], id="a component"),
        pytest.param(
            {"allOf": [{"$ref": "#/components/inputs/paged"}, {"properties": {"b": {}}, "required": ["b"]}]},
            {"page", "b"}, ["b", "page"], id="all of several",
        ),
        pytest.param(
            {"anyOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}]},
            {"a", "b"}, [], id="any of several: none is required by itself",
        ),
        pytest.param(
            {"properties": {"apiKey": {"type": "string"}, "a": {}}, "required": ["apiKey", "a"]},
            {"a"}, ["a"], id="a secret by its name",
        ),
        pytest.param(
            {"properties": {"pin": {"type": "string", "format": "password"}, "a": {}}}, {"a"}, [], id="a secret by its format",
        ),
        pytest.param(
            {"properties": {"login": {"properties": {"u": {}, "password": {}}}, "a": {}}},
            {"a"}, [], id="a secret inside of an input",
        ),
        pytest.param(
            {"properties": {"logins": {"type": "array", "items": {"allOf": [{"properties": {"k": {"writeOnly": True}}}]}}, "a": {}}},
            {"a"}, [], id="a secret in the items of an input",
        ),
    ],
)  # fmt: skip
def test_inputs(tmp_path: Path, inputs: Any, properties: set[str], required: list[str]) -> None:
    schema = offered(program(tmp_path, inputs, "list"))
    assert schema["type"] == "object"
    assert set(schema["properties"]) == properties
    assert schema["required"] == required


def test_a_recursive_input_stays_recursive(tmp_path: Path) -> None:
    schema = offered(program(tmp_path, {"properties": {"tree": {"$ref": _TREE}}}, "list"))
    assert "#/components" not in json.dumps(schema)
    jsonschema.validate({"tree": {"kids": [{"kids": []}]}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"tree": {"kids": [{"kids": [5]}]}}, schema)


@pytest.mark.parametrize(
    ("operations", "read_only", "destructive", "idempotent"),
    [
        pytest.param(["list"], True, False, True, id="it only reads"),
        pytest.param(["list", "create"], False, False, False, id="it adds"),
        pytest.param(["search"], False, True, False, id="a POST that may do anything"),
        pytest.param(["replace"], False, True, True, id="it replaces"),
        pytest.param(["change"], False, True, False, id="it changes"),
        pytest.param(["list", "remove"], False, True, True, id="it removes"),
    ],
)
def test_annotations(
    tmp_path: Path, operations: list[str], read_only: bool, destructive: bool, idempotent: bool
) -> None:
    found = reach_of(program(tmp_path, {}, *operations))
    assert (found.is_read_only, found.is_destructive, found.is_idempotent) == (read_only, destructive, idempotent)


def test_what_a_called_workflow_does_counts(tmp_path: Path) -> None:
    called = {"workflowId": "inner", "steps": [{"stepId": "x", "operationId": "remove"}]}
    steps = [{"stepId": "call", "workflowId": "inner"}]
    outer = program(tmp_path, {}, "list", more=[called, {"workflowId": "outer", "steps": steps}])
    assert reach_of(choose_workflow(outer, "w")).is_read_only
    assert reach_of(choose_workflow(outer, "outer")).unsafe == ("DELETE /pets",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(value=JSON)
def test_no_value_of_an_output_is_refused(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    schema = _schema_of_outputs(tmp_path_factory)
    result = {"status": "succeeded", "workflowId": "w", "outputs": {"pets": value, "first": value}, "steps": []}
    jsonschema.validate(result, schema)


_known: list[dict[str, Any]] = []


def _schema_of_outputs(folders: pytest.TempPathFactory) -> dict[str, Any]:
    if not _known:
        outputs = {"pets": "$steps.s0.outputs.all", "first": "$steps.s0.outputs.all#/0/kind"}
        _known.append(output_schema(program(folders.mktemp("outputs"), {}, "list", outputs=outputs)))
    return _known[0]


def test_documented_types_are_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    outputs = _schema_of_outputs(tmp_path_factory)["properties"]["outputs"]["properties"]
    pets = outputs["pets"]["anyOf"][0]
    assert pets["type"] == "array"
    assert pets["items"]["properties"]["id"] == {"type": "integer"}
    assert outputs["first"]["anyOf"][0]["enum"] == ["cat", "dog"]


def test_a_shelf_is_bounded() -> None:
    shelf = Shelf(most=3, most_characters=100)
    kept = [shelf.add("n", "t", "x" * 30) for _ in range(5)]
    assert [each.uri for each in shelf] == [each.uri for each in kept[2:]]
    large = shelf.add("n", "t", "x" * 500)
    assert list(shelf) == [large]
    assert shelf.get(kept[4].uri) is None
