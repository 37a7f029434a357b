"""References of inputs: followed when a document is loaded, with the same verdict in `validate` and `run`."""

from __future__ import annotations

import json

import pytest

import arazzo_runner
from arazzo_runner.errors import InvalidDescription, InvalidInputs
from arazzo_runner.program.library import LoadOptions

API = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": [{"url": "http://x.test"}],
       "paths": {"/a": {"get": {"operationId": "op", "responses": {"200": {"description": "ok"}}}}}}  # fmt: skip
USER = {
    "User": {"type": "object", "required": ["name"],
             "properties": {"name": {"$ref": "#/Name"}, "friend": {"$ref": "#/User"}, "card": {"$ref": "./parts/card.json"}}},
    "Name": {"type": "string", "minLength": 2},
}  # fmt: skip
CARD = {"properties": {"number": {"$ref": "#number"}}, "$defs": {"n": {"$anchor": "number", "type": "integer"}}}
IDS = {
    "Shelf": {"$id": "https://s.test/a/", "$defs": {"zip": {"$id": "zip", "properties": {"code": {"$ref": "code"}}},
                                                    "code": {"$id": "code", "type": "string"}}},
    "Relative": {"$id": "relative", "type": "boolean"},
    "Deep": {"properties": {"x": {"$anchor": "deep", "type": "integer"}}},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "parts").mkdir()
    for name, value in {"api": API, "user": USER, "parts/card": CARD, "broken": {"a": {"$ref": "#/gone"}}}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    return tmp_path


def write(folder, schema, components=None):
    document = {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "./api.json", "type": "openapi"}],
        "workflows": [{"workflowId": "w", "inputs": {"type": "object", "properties": {"v": schema}},
                       "steps": [{"stepId": "s", "operationId": "op"}]}],
        **({"components": {"inputs": components}} if components else {}),
    }  # fmt: skip
    path = folder / "doc.json"
    path.write_text(json.dumps(document))
    return path, LoadOptions(root=str(folder), any_server=True)


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        pytest.param({"$ref": "./user.json#/User"}, {"name": "ab"}, {}, id="a schema in a file"),
        pytest.param({"$ref": "user.json#/User"}, {"name": "ab"}, {"name": "a"}, id="a reference inside that file"),
        pytest.param({"$ref": "user.json#/User"}, {"name": "ab", "friend": {"name": "cd"}}, {"name": "ab", "friend": {}}, id="a circle there"),
        pytest.param({"$ref": "user.json#/User"}, {"name": "ab", "card": {"number": 1}}, {"name": "ab", "card": {"number": "x"}}, id="an anchor in a third file"),
        pytest.param({"type": "array", "items": {"$ref": "user.json#/Name"}}, ["ab"], ["a"], id="below items"),
        pytest.param({"anyOf": [{"type": "null"}, {"$ref": "user.json#/Name"}]}, "ab", "a", id="below anyOf"),
        pytest.param({"$ref": "#/components/inputs/Local"}, "ab", "a", id="behind a component"),
        pytest.param({"$ref": "https://s.test/a/zip"}, {"code": "x"}, {"code": 1}, id="an $id below another"),
        pytest.param({"$ref": "https://s.test/a/code"}, "x", 1, id="an $id relative to another"),
        pytest.param({"$ref": "relative"}, True, 1, id="an $id relative to the document"),
        pytest.param({"$ref": "#deep"}, 1, "x", id="an anchor deep in a component"),
    ],
)  # fmt: skip
def test_a_reference_is_followed(folder, schema, right, wrong):
    path, options = write(folder, schema, {**IDS, "Local": {"$ref": "./user.json#/Name"}})
    shown = arazzo_runner.validate(path, load_options=options)
    assert {each.code for each in shown} <= {"unused-component", "unused-input"}
    assert [each.severity.value for each in shown if each.code != "unused-component"] in ([], ["warning"])
    program = arazzo_runner.load(path, load_options=options)
    assert arazzo_runner.dry_run(program, inputs={"v": right}).status == "succeeded"
    with pytest.raises(InvalidInputs):
        arazzo_runner.dry_run(program, inputs={"v": wrong})


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        pytest.param({"$ref": "./gone.json#/User"}, "broken-reference", id="a file that does not exist"),
        pytest.param({"$ref": "./user.json#/Gone"}, "broken-reference", id="nothing in a file"),
        pytest.param({"$ref": "./broken.json#/a"}, "broken-reference", id="a broken reference in a file"),
        pytest.param({"$ref": "../out.json#/User"}, "broken-reference", id="a file outside of the root"),
        pytest.param({"$ref": "https://s.test/other.json"}, "remote-reference", id="another server"),
        pytest.param({"$ref": "#/components/inputs/Gone"}, "unknown-schema", id="nothing in the document"),
    ],
)
def test_validate_and_run_refuse_the_same(folder, schema, code):
    path, options = write(folder, schema)
    shown = [each for each in arazzo_runner.validate(path, load_options=options) if each.severity.value == "error"]
    assert [(each.code, each.at.pointer) for each in shown] == [(code, "/workflows/0/inputs/properties/v/$ref")]
    with pytest.raises(InvalidDescription) as refused:
        arazzo_runner.load(path, load_options=options)
    assert code in [each.code for each in refused.value.diagnostics if each.severity.value == "error"]


def test_a_component_named_by_its_id_is_used(folder):
    path, options = write(
        folder, {"$ref": "https://s.test/profile"}, {"P": {"$id": "https://s.test/profile", "type": "string"}}
    )
    found = arazzo_runner.validate(path, load_options=options)
    assert {"unused-component", "remote-reference"}.isdisjoint(each.code for each in found)


def test_a_reference_where_no_schema_is_is_data(folder):
    path, options = write(folder, {"const": {"$ref": "./gone.json"}, "default": {"$ref": "./gone.json"}})
    assert "broken-reference" not in [each.code for each in arazzo_runner.validate(path, load_options=options)]
