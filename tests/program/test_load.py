"""Linking and compiling: the target of every name, and the error if there is none (semantics §2, §3)."""

from __future__ import annotations

import json
import re

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.errors import Severity
from arazzo_runner.program.model import OperationCall, SelectorValue

PETS = {
    "openapi": "3.1.0",
    "info": {"title": "pets", "version": "1"},
    "servers": [{"url": "https://pets.test"}],
    "paths": {
        "/pets": {
            "get": {"operationId": "listPets", "parameters": [{"name": "limit", "in": "query"}]},
            "post": {
                "operationId": "addPet",
                "requestBody": {"content": {"application/json": {"schema": {"required": ["name"]}}}},
            },
        },
        "/pets/{id}": {"get": {"operationId": "getPet"}},
        "/both": {"get": {"operationId": "both"}},
        "/guarded": {"get": {"operationId": "guarded", "security": [{"key": []}, {"session": []}]}},
    },
    "components": {
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            "session": {"type": "apiKey", "in": "cookie", "name": "sid"},
            "elsewhere": {"type": "apiKey", "in": "query", "name": "key"},
        }
    },
}
SHOP = {**PETS, "paths": {"/orders": {"get": {"operationId": "listOrders"}}, "/both": {"get": {"operationId": "both"}}}}
CHILD = {
    "arazzo": "1.0.1",
    "info": {"title": "child", "version": "1"},
    "sourceDescriptions": [{"name": "pets", "url": "./pets.json", "type": "openapi"}],
    "workflows": [
        {
            "workflowId": "child",
            "steps": [{"stepId": "c", "operationId": "listPets"}],
            "inputs": {"properties": {"x": {}}},
            "outputs": {"o": "$inputs.x"},
        }
    ],
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pets.json").write_text(json.dumps(PETS))
    (tmp_path / "shop.json").write_text(json.dumps(SHOP))
    (tmp_path / "child.json").write_text(json.dumps(CHILD))
    (tmp_path / "events.json").write_text(json.dumps({"asyncapi": "3.0.0"}))
    (tmp_path / "nothing.json").write_text("[]")
    (tmp_path / "broken.json").write_text("{")
    return tmp_path


def document(step, *, sources=("pets",), version="1.1.0", **workflow):
    steps = step if isinstance(step, list) else [step]
    return {
        "arazzo": version,
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": name, "url": f"./{name}.json"} for name in sources],
        "workflows": [
            {"workflowId": "w", "steps": [{"stepId": f"s{n}", **each} for n, each in enumerate(steps)], **workflow}
        ],
    }


def findings(folder, value, **options):
    path = folder / "doc.json"
    path.write_text(json.dumps(value))
    found = arazzo_runner.validate(path, rules=(), load_options=LoadOptions(root=str(folder), **options))
    return [(each.code, each.severity.value, each.at.pointer, each.hint) for each in found]


def codes(folder, value, **options):
    return [(code, severity) for code, severity, *_ in findings(folder, value, **options)]


TWO = ("pets", "shop")


@pytest.mark.parametrize(
    ("target", "sources", "expected"),
    [
        pytest.param({"operationId": "listPets"}, ("pets",), [], id="a bare operationId"),
        pytest.param({"operationId": "$sourceDescriptions.pets.listPets"}, TWO, [], id="an operationId with its source"),
        pytest.param({"operationId": "listOrders"}, TWO, [("unqualified-operation", "error")], id="bare, in one of several sources"),
        pytest.param({"operationId": "both"}, TWO, [("ambiguous-operation", "error")], id="bare, in several sources"),
        pytest.param({"operationId": "pets.listPets"}, TWO, [("operation-reference", "error")], id="without $sourceDescriptions"),
        pytest.param({"operationId": "pets.nope"}, TWO, [("unknown-operation", "error")], id="without $sourceDescriptions and wrong"),
        pytest.param({"operationId": "listPet"}, ("pets",), [("unknown-operation", "error")], id="a near miss"),
        pytest.param({"operationId": "$sourceDescriptions.pets.listPet"}, ("pets",), [("unknown-operation", "error")], id="a near miss with source"),
        pytest.param({"operationId": "$sourceDescriptions.dogs.listPets"}, ("pets",), [("unknown-source", "error")], id="an unknown source"),
        pytest.param({"operationId": "$sourceDescriptions.pets"}, ("pets",), [("unknown-operation", "error")], id="a source without an operation"),
        pytest.param({"operationId": "$inputs.op"}, ("pets",), [("unknown-operation", "error")], id="another expression"),
        pytest.param({"operationPath": "{$sourceDescriptions.pets.url}#/paths/~1pets/get"}, ("pets",), [], id="operationPath"),
        pytest.param({"operationPath": "$sourceDescriptions.pets.url#/paths/~1pets/get"}, ("pets",), [("operation-path-form", "warning")], id="without braces"),
        pytest.param({"operationPath": "pets#/paths/~1pets/get"}, ("pets",), [("operation-path-form", "error")], id="name and pointer"),
        pytest.param({"operationPath": "$sourceDescriptions.pets.listPets"}, ("pets",), [("operation-path-form", "warning")], id="an operationId in operationPath"),
        pytest.param({"operationPath": "{$sourceDescriptions.pets.url}#/paths//pets/get"}, ("pets",), [("operation-path-form", "error")], id="an unescaped pointer"),
        pytest.param({"operationPath": "POST /pets"}, ("pets",), [("operation-path-form", "error")], id="method and path"),
        pytest.param({"operationPath": "/both"}, ("pets",), [("operation-path-form", "error")], id="a path that is unique"),
        pytest.param({"operationPath": "/pets"}, ("pets",), [("operation-path-form", "error")], id="a path with several methods"),
        pytest.param({"operationPath": "/nope"}, ("pets",), [("operation-path-form", "error")], id="a path that is nowhere"),
        pytest.param({"operationPath": "https://x.test/pets"}, ("pets",), [("operation-path-form", "error")], id="an absolute URL"),
        pytest.param({"operationPath": "dogs#/paths/~1pets/get"}, ("pets",), [("unknown-source", "error")], id="a pointer into an unknown source"),
        pytest.param({"operationPath": "{$sourceDescriptions.pets.url}#/paths/~1pet/get"}, ("pets",), [("unknown-operation", "error")], id="a pointer to nothing"),
        pytest.param({"workflowId": "w2"}, ("pets",), [("unknown-workflow", "error")], id="an unknown workflow"),
        pytest.param({"workflowId": "$sourceDescriptions.child.child"}, ("child",), [], id="a workflow of another document"),
        pytest.param({"workflowId": "$sourceDescriptions.child.kid"}, ("child",), [("unknown-workflow", "error")], id="an unknown workflow of another document"),
        pytest.param({"workflowId": "$sourceDescriptions.pets.child"}, ("pets",), [("unknown-workflow", "error")], id="a workflow of an OpenAPI source"),
        pytest.param({"workflowId": "$workflows.w"}, ("pets",), [("unknown-workflow", "error")], id="a workflow named as an expression"),
        pytest.param({"operationId": "$sourceDescriptions.child.child"}, ("child",), [("unknown-operation", "error")], id="an operation of an Arazzo source"),
        pytest.param({"operationId": "$sourceDescriptions.events.op"}, ("events",), [("unknown-message-operation", "error")], id="an unknown AsyncAPI operation"),
        pytest.param({"channelPath": "x", "action": "send"}, ("pets",), [("channel-path-form", "error")], id="an unknown channel"),
    ],
)  # fmt: skip
def test_a_target_resolves_to_its_operation_or_has_a_reason(folder, target, sources, expected):
    assert codes(folder, document(target, sources=sources)) == expected


def test_a_near_name_is_suggested(folder):
    found = findings(folder, document({"operationId": "listPet"}))
    assert found == [
        ("unknown-operation", "error", "/workflows/0/steps/0/operationId", 'did you mean "listPets" or "getPet"?')
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gone", ("source-not-found", "error")),
        ("nothing", ("source-kind", "error")),
        ("broken", ("json-syntax", "error")),
    ],
)
def test_a_source_that_cannot_be_read_is_one_error(folder, name, expected):
    found = codes(folder, document({"operationId": "x"}, sources=(name,)))
    assert found[0] == expected or expected[1] == found[0][1] == "error"
    assert len(found) == 1


def test_a_source_of_another_type_than_declared_is_an_error(folder):
    value = document({"operationId": "listPets"})
    value["sourceDescriptions"][0]["type"] = "arazzo"
    assert codes(folder, value)[0] == ("source-kind", "error")


def test_remote_sources_are_not_read_while_validating(folder):
    value = document({"operationId": "listPets"})
    value["sourceDescriptions"][0]["url"] = "https://example.invalid/pets.yaml"
    assert codes(folder, value) == [("not-checked", "info")]
    assert codes(folder, value, sources={"pets": str(folder / "pets.json")}) == []


def test_a_source_that_does_not_exist_is_looked_up_elsewhere(folder):
    (folder / "deep").mkdir()
    path = folder / "deep" / "doc.json"
    path.write_text(json.dumps(document({"operationId": "listPets"})))
    found = arazzo_runner.validate(path, load_options=LoadOptions(root=str(folder)), rules=())
    assert [each.code for each in found] == ["source-moved"]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param({"operationId": "getPet"}, [("missing-path-parameter", "error")], id="a path parameter without value"),
        pytest.param({"operationId": "getPet", "parameters": [{"name": "id", "in": "path", "value": 1}]}, [], id="a path parameter the description forgot"),
        pytest.param({"operationId": "listPets", "parameters": [{"name": "petId", "in": "path", "value": 1}]}, [("unknown-path-parameter", "error")], id="a path parameter that is none"),
        pytest.param({"operationId": "listPets", "parameters": [{"name": "limits", "in": "query", "value": 1}]}, [("undeclared-parameter", "warning")], id="an undeclared parameter"),
        pytest.param({"operationId": "listPets", "parameters": [{"name": "Authorization", "in": "header", "value": "x"}]}, [], id="a header that cannot be declared"),
        pytest.param({"operationId": "guarded", "parameters": [{"name": "x-api-key", "in": "header", "value": "x"}, {"name": "sid", "in": "cookie", "value": "x"}]}, [], id="keys that the operation's security asks for"),
        pytest.param({"operationId": "guarded", "parameters": [{"name": "key", "in": "query", "value": "x"}]}, [("undeclared-parameter", "warning")], id="a key that another operation's security asks for"),
        pytest.param({"operationId": "listPets", "parameters": [{"name": "limit", "value": 1}]}, [("missing-field", "error")], id="a parameter without in"),
        pytest.param({"operationId": "listPets", "parameters": [{"name": "limit", "in": "query", "value": "$inputs.x"}]}, [("undeclared-input", "error")], id="no inputs schema, no inputs"),
        pytest.param({"operationId": "listPets", "parameters": [{"name": "limit", "in": "query", "value": "$steps.zero.outputs.x"}]}, [("unknown-step", "error")], id="an unknown step"),
        pytest.param({"operationId": "listPets", "parameters": [{"name": "limit", "in": "query", "value": "$workflows.z.outputs.x"}]}, [("unknown-workflow", "error")], id="an unknown workflow"),
        pytest.param({"operationId": "listPets", "parameters": [{"name": "limit", "in": "query", "value": "$sourceDescriptions.z.url"}]}, [("unknown-source", "error")], id="an unknown source"),
        pytest.param({"operationId": "listPets", "parameters": [{"name": "limit", "in": "query", "value": "$components.parameters.z"}]}, [("unknown-component", "error")], id="an unknown component"),
        pytest.param({"operationId": "listPets", "parameters": [{"reference": "$components.parameters.z"}]}, [("unknown-component", "error")], id="a reference to nothing"),
        pytest.param({"operationId": "listPets", "parameters": [{"reference": "#/components/parameters/z"}]}, [("unknown-component", "error")], id="a reference that is a pointer"),
        pytest.param({"operationId": "listPets", "outputs": {"a": "$response.bodies"}}, [("expression-syntax", "error")], id="a malformed expression"),
        pytest.param({"operationId": "listPets", "outputs": {"a": "text"}}, [("constant-output", "warning")], id="an output that is a text"),
        pytest.param({"operationId": "listPets", "successCriteria": [{"condition": "$statusCode = 200"}]}, [("condition-syntax", "error")], id="a malformed condition"),
        pytest.param({"operationId": "listPets", "successCriteria": [{"context": "$statusCode", "condition": "200"}]}, [("context-comparison", "error")], id="a value compared with its context"),
        pytest.param({"operationId": "listPets", "successCriteria": [{"context": "$response.body", "condition": "$.[", "type": "jsonpath"}]}, [("jsonpath-syntax", "error")], id="a malformed JSONPath"),
        pytest.param({"operationId": "listPets", "successCriteria": [{"context": "$response.body", "condition": "(", "type": "regex"}]}, [("regex-syntax", "error")], id="a malformed regular expression"),
        pytest.param({"operationId": "listPets", "successCriteria": [{"context": "body", "condition": "a", "type": "regex"}]}, [("expression-syntax", "error")], id="a context that is not an expression"),
        pytest.param({"operationId": "addPet", "requestBody": {"payload": {"$inputs.key": 1, "name": "x"}}}, [("undeclared-input", "error"), ("expression-as-key", "warning")], id="a computed key"),
        pytest.param({"operationId": "addPet", "requestBody": {"payload": {}, "replacements": [{"target": "a", "value": 1}]}}, [("jsonpointer-syntax", "error")], id="a target that is not a pointer"),
        pytest.param({"operationId": "addPet", "requestBody": {"payload": {}, "replacements": [{"target": "$.a", "value": 1}]}}, [("target-language", "warning")], id="a target that is a JSONPath"),
        pytest.param({"operationId": "listPets", "dependsOn": ["$steps.s0"]}, [("depends-on-form", "error"), ("dependency-cycle", "error")], id="dependsOn as an expression, of itself"),
        pytest.param({"operationId": "listPets", "dependsOn": ["zero"]}, [("unknown-step", "error")], id="dependsOn an unknown step"),
        pytest.param({"operationId": "listPets", "dependsOn": ["$workflows.w"]}, [("unknown-step", "error")], id="dependsOn a workflow"),
        pytest.param({"workflowId": "w", "requestBody": {"payload": 1}}, [("exclusive-fields", "error")], id="a body for a workflow"),
        pytest.param({"workflowId": "w", "parameters": [{"name": "a", "in": "query", "value": 1}]}, [("ignored-in", "warning")], id="in for a workflow's input"),
    ],
)  # fmt: skip
def test_a_step_is_checked_before_anything_runs(folder, step, expected):
    assert codes(folder, document(step)) == expected


def test_references_to_outputs_and_inputs_are_checked(folder):
    steps = [
        {"operationId": "listPets", "outputs": {"a.b": "$response.body"}},
        {"operationId": "listPets", "parameters": [{"name": "limit", "in": "query", "value": "$steps.s0.outputs.c"}]},
        {"operationId": "listPets", "parameters": [{"name": "limit", "in": "query", "value": "$steps.s0.outputs.a.b"}]},
        {"operationId": "listPets", "parameters": [{"name": "limit", "in": "query", "value": "$inputs.y"}]},
    ]
    schema = {"allOf": [{"$ref": "#/components/inputs/Base"}, {"properties": {"x": {}}}]}
    value = document(steps, inputs=schema, outputs={"z": "$outputs.q"})
    value["components"] = {"inputs": {"Base": {"properties": {"w": {"type": "string"}}}}}
    found = findings(folder, value)
    assert [(code, pointer) for code, _, pointer, _ in found] == [
        ("unknown-output", "/workflows/0/steps/1/parameters/0/value"),
        ("undeclared-input", "/workflows/0/steps/3/parameters/0/value"),
    ]


def test_strict_makes_every_warning_an_error(folder):
    value = document({"operationPath": "pets#/paths/~1pets/get"})
    assert codes(folder, value, strict=True) == [("operation-path-form", "error")]


def test_a_selector_object_is_compiled_and_warned_of_in_1_0(folder):
    body = {
        "payload": {
            "name": {
                "context": "$inputs",
                "selector": "$.n[{$inputs.i}]",
                "type": {"type": "jsonpath", "version": "rfc9535"},
            }
        }
    }
    value = document({"operationId": "addPet", "requestBody": body}, version="1.0.1", inputs={"properties": {"i": {}}})
    assert {code for code, _ in codes(folder, value)} == {"newer-field", "whole-inputs"}
    program = arazzo_runner.load(folder / "doc.json", load_options=LoadOptions(root=str(folder)))
    member = program.workflow.steps[0].body.payload.members[0][1]
    assert isinstance(member, SelectorValue)
    assert program.workflow.steps[0].body.payload.required == {"name"}


def test_no_server_is_an_error_unless_a_mock_serves(folder):
    (folder / "pets.json").write_text(json.dumps({key: value for key, value in PETS.items() if key != "servers"}))
    path = folder / "doc.json"
    path.write_text(json.dumps(document({"operationId": "listPets"})))
    with pytest.raises(arazzo_runner.InvalidDescription, match=re.escape('servers={"pets": URL}')):
        arazzo_runner.load(path, load_options=LoadOptions(root=str(folder)))
    assert arazzo_runner.run(path, load_options=LoadOptions(root=str(folder)), mock=True).status == "succeeded"
    program = arazzo_runner.load(
        path, load_options=LoadOptions(root=str(folder)), servers={"pets": "http://127.0.0.1:9/base/"}
    )
    call = program.workflow.steps[0].call
    assert isinstance(call, OperationCall)
    assert call.server == "http://127.0.0.1:9/base"


def test_documents_given_together_are_found_by_identity(folder):
    child = {**CHILD, "$self": "https://example.test/flows/child.yaml", "arazzo": "1.1.0"}
    child["sourceDescriptions"] = [{"name": "pets", "url": "./pets.json"}]
    (folder / "child.json").write_text(json.dumps(child))
    parent = document({"workflowId": "$sourceDescriptions.kid.child"})
    parent["sourceDescriptions"] = [{"name": "kid", "url": "https://example.test/flows/child.yaml"}]
    (folder / "parent.json").write_text(json.dumps(parent))
    found = arazzo_runner.validate(
        folder / "parent.json", folder / "child.json", load_options=LoadOptions(root=str(folder)), rules=()
    )
    assert [each for each in found if each.severity is Severity.ERROR] == []
    program = arazzo_runner.load(
        folder / "parent.json", load_options=LoadOptions(include=[folder / "child.json"], root=str(folder))
    )
    assert {key.document for key in program.workflows} == {
        (folder / "parent.json").as_uri(),
        "https://example.test/flows/child.yaml",
    }


def test_a_program_is_loaded_once_and_run_many_times(folder):
    value = document({"operationId": "listPets"})
    value["workflows"].append({**value["workflows"][0], "workflowId": "other"})
    path = folder / "doc.json"
    path.write_text(json.dumps(value))
    program = arazzo_runner.load(path, load_options=LoadOptions(root=str(folder)))
    assert program.entry is None
    with pytest.raises(arazzo_runner.UnknownWorkflow, match="available: w, other"):
        arazzo_runner.run(program, mock=True)
    assert [arazzo_runner.run(program, name, mock=True).workflow_id for name in ("w", "other")] == ["w", "other"]
    with pytest.raises(arazzo_runner.UnknownWorkflow, match=r'no workflow "othr".*did you mean "other"'):
        arazzo_runner.load(path, "othr", load_options=LoadOptions(root=str(folder)))


def test_secrets_are_inferred_from_the_places_that_read_them(folder):
    steps = [
        {
            "operationId": "listPets",
            "outputs": {
                "key": "$response.body#/access_token",
                "n": "$response.body#/n",
                "h": "$response.header.Set-Cookie",
            },
        },
        {
            "operationId": "listPets",
            "outputs": {
                "copy": "$steps.s0.outputs.key",
                "from": "$inputs.pw",
                "nextToken": "$response.body#/nextToken",
            },
        },
    ]
    schema = {"properties": {"pw": {"type": "string", "format": "password"}, "x": {"x-sensitive": True}, "plain": {}}}
    path = folder / "doc.json"
    path.write_text(
        json.dumps(document(steps, inputs=schema, outputs={"o": "$steps.s1.outputs.copy", "p": "$steps.s0.outputs.n"}))
    )
    workflow = arazzo_runner.load(path, load_options=LoadOptions(root=str(folder))).workflow
    assert workflow.secret_inputs == {"pw", "x"}
    assert [step.secret_outputs for step in workflow.steps] == [{"key", "h"}, {"copy", "from"}]
    assert workflow.secret_outputs == {"o"}


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"if": {"required": ["a"]}, "then": {"properties": {"pin": {"format": "password"}}}}, id="then"),
        pytest.param({"if": {"required": ["a"]}, "else": {"properties": {"pin": {"format": "password"}}}}, id="else"),
        pytest.param({"if": {"properties": {"pin": {"format": "password"}}}}, id="if"),
        pytest.param(
            {"dependentSchemas": {"a": {"properties": {"pin": {"format": "password"}}}}}, id="dependentSchemas"
        ),
    ],
)
def test_inputs_that_a_condition_adds_are_declared_and_may_be_secret(folder, schema):
    step = {"operationId": "listPets", "parameters": [{"name": "limit", "in": "query", "value": "$inputs.pin"}]}
    assert codes(folder, document([step], inputs={"type": "object", **schema})) == []
    path = folder / "doc.json"
    path.write_text(json.dumps(document([step], inputs={"type": "object", **schema})))
    assert arazzo_runner.load(path, load_options=LoadOptions(root=str(folder))).workflow.secret_inputs == {"pin"}


XPATH_10 = {"type": "xpath", "version": "xpath-10"}


@pytest.mark.parametrize(
    ("condition", "kind", "expected"),
    [
        pytest.param("$.pets[?@.id == {$inputs.x}]", "jsonpath", [], id="a value"),
        pytest.param("$.pets[{$inputs.x}:3].{$inputs.x}", "jsonpath", [], id="an index and a name"),
        pytest.param("$.pets[?@.id = {$inputs.x}]", "jsonpath", [("jsonpath-syntax", "error")], id="no operator"),
        pytest.param("$.pets[?@.id == {$inputs.x}", "jsonpath", [("jsonpath-syntax", "error")], id="an open bracket"),
        pytest.param("$.id == {$inputs.x}", "jsonpath", [("jsonpath-comparison", "error")], id="a comparison"),
        pytest.param("$.a[?@.b.length > {$inputs.x}]", "jsonpath", [("length-property", "warning")], id="a length"),
        pytest.param("//pet[@id = {$inputs.x}]", "xpath", [], id="an XPath"),
        pytest.param("xs:date('{$inputs.x}') > current-date()", "xpath", [], id="an XPath that needs a date"),
        pytest.param("//pet[@id = {$inputs.x}", "xpath", [("xpath-syntax", "error")], id="an XPath that is open"),
        pytest.param(
            "//pet[@id = '{$inputs.x}'", XPATH_10, [("xpath-syntax", "error")], id="an XPath 1.0 that is open"
        ),
        pytest.param("^a{$inputs.x}$", "regex", [], id="a pattern"),
        pytest.param("^(a{$inputs.x}$", "regex", [("regex-syntax", "error")], id="a pattern that is open"),
    ],
)
def test_a_query_is_checked_whatever_is_put_into_it(folder, condition, kind, expected):
    criterion = {"context": "$response.body", "condition": condition, "type": kind}
    step = {"operationId": "listPets", "successCriteria": [criterion]}
    assert codes(folder, document([step], inputs={"type": "object", "properties": {"x": {}}})) == expected


def test_steps_are_ordered_and_checked_without_their_operations(folder):
    reader = {"operationId": "nope", "parameters": [{"name": "q", "in": "query", "value": "$steps.s1.outputs.id"}]}
    giver = {"operationId": "nope", "outputs": {"id": "$response.body#/id"}}
    found = codes(folder, document([reader, giver]))
    assert found == [("unknown-operation", "error"), ("unknown-operation", "error"), ("later-step", "error")]


def test_operation_steps_are_those_that_call_operations(folder):
    steps = [{"operationId": "listPets"}, {"workflowId": "$sourceDescriptions.child.child"}]
    path = folder / "doc.json"
    path.write_text(json.dumps(document(steps, sources=("pets", "child"))))
    program = arazzo_runner.load(path, load_options=LoadOptions(root=str(folder)))
    found = [
        (workflow.workflow_id, step.step_id, call.operation.operation_id)
        for workflow, step, call in program.operation_steps()
    ]
    assert found == [("w", "s0", "listPets"), ("child", "c", "listPets")]
    called = [step.called_workflow for step in program.workflows[next(iter(program.workflows))].steps]
    assert [key and key.workflow_id for key in called] == [None, "child"]
