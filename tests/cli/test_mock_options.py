"""Options of the mock on the command line, and inputs that are made up."""

from __future__ import annotations

import json

import pytest

import arazzo_runner
from arazzo_runner.cli.main import run
from arazzo_runner.runtime.mock.inputs import sample_inputs

API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {
        "/pets": {
            "post": {
                "operationId": "addPet",
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["name", "status"],
                                "properties": {
                                    "name": {"type": "string", "minLength": 9},
                                    "status": {"enum": ["free", "sold"]},
                                    "age": {"type": "integer"},
                                    "home": {
                                        "type": "object",
                                        "properties": {"town": {"type": "string", "example": "Ulm"}},
                                    },
                                },
                            }
                        }
                    }
                },
                "responses": {
                    "201": {
                        "description": "d",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                    }
                },
            }
        },
        "/pets/{petId}": {
            "parameters": [{"name": "petId", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {
                "operationId": "getPet",
                "parameters": [
                    {"name": "view", "in": "query", "schema": {"type": "string"}, "example": "short"},
                    {"name": "since", "in": "query", "schema": {"type": "string", "format": "date"}},
                ],
                "responses": {
                    "200": {
                        "description": "d",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                    },
                    "404": {"description": "d"},
                },
            },
            "delete": {"operationId": "dropPet", "responses": {"204": {"description": "d"}}},
        },
    },
    "components": {
        "schemas": {
            "Pet": {
                "type": "object",
                "properties": {"id": {"type": "integer"}, "name": {"type": "string"}, "status": {"type": "string"}},
            }
        }
    },
}


def step(name, operation, **more):
    """Return a step of that name."""
    return {"stepId": name, "operationId": operation, **more}


def by_id(value):
    """Return the parameters of a step that names a pet."""
    return [{"name": "petId", "in": "path", "value": value}]


def ends(condition):
    """Return success criteria."""
    return [{"condition": condition}]


PET = {"name": "$inputs.name", "status": "$inputs.status"}
FLOWS = [
    {
        "workflowId": "life",
        "inputs": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string"}, "status": {"type": "string"}},
        },
        "steps": [
            step("add", "addPet", requestBody={"payload": PET}, outputs={"id": "$response.body#/id"}),
            step("get", "getPet", parameters=by_id("$steps.add.outputs.id"), outputs={"name": "$response.body#/name"}),
            step("drop", "dropPet", parameters=by_id("$steps.add.outputs.id")),
            step("gone", "getPet", parameters=by_id("$steps.add.outputs.id"), outputs={"status": "$statusCode"}),
        ],
        "outputs": {"name": "$steps.get.outputs.name", "gone": "$steps.gone.outputs.status"},
        "failureActions": [],
    },
    {
        "workflowId": "accepted",
        "steps": [step("drop", "dropPet", parameters=by_id(7), successCriteria=ends("$statusCode == 202"))],
    },
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a description and a document of workflows; it is the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "api.json").write_text(json.dumps(API))
    flows = [{key: value for key, value in flow.items() if value != []} for flow in FLOWS]
    document = {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.json", "type": "openapi"}],
        "workflows": flows,
    }
    (tmp_path / "flow.json").write_text(json.dumps(document))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "statuses"),
    [
        (
            ["run", "--mock", "flow.json", "-w", "life", "-i", "name=Alexander", "-i", "status=free"],
            0,
            [201, 200, 204, 200],
        ),
        (
            ["run", "flow.json", "-w", "life", "-i", "name=Alexander", "-i", "status=free", "--mock=stateful"],
            1,
            [201, 200, 204, 404],
        ),
        (["run", "flow.json", "-w", "life", "--mock=examples", "--sample-inputs"], 0, [201, 200, 204, 200]),
        (["run", "flow.json", "-w", "life", "--mock"], 2, []),
        (["run", "flow.json", "-w", "life", "--mock", "-i", "name=Rex", "-i", "status=free"], 1, [422]),
        (["run", "flow.json", "-w", "accepted", "--mock"], 1, [204]),
        (["run", "flow.json", "-w", "accepted", "--mock", "--mock-lenient"], 0, [202]),
    ],
)
def test_a_run_is_answered_as_the_options_say(folder, capsys, arguments, code, statuses):
    assert run([*arguments, "--format", "json"]) == code
    report = json.loads(capsys.readouterr().out)
    found = [attempt["response"]["status"] for each in report.get("steps", ()) for attempt in each["attempts"]]
    assert found == statuses


def test_every_run_of_many_has_a_mock_and_made_up_inputs_of_its_own(folder, capsys):
    assert run(["run", "flow.json", "-w", "*", "--mock=stateful", "--mock-lenient", "--sample-inputs"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["workflowId"], line["status"]) for line in lines] == [("life", "failed"), ("accepted", "succeeded")]


# ------------------------------------------------------------------ made-up inputs


def made_up(folder, schema, *steps, given=None):
    """Return the inputs that are made up for a workflow of steps."""
    document = json.loads((folder / "flow.json").read_text())
    document["workflows"] = [
        {"workflowId": "w", "steps": list(steps), **({} if schema is None else {"inputs": schema})}
    ]
    (folder / "one.json").write_text(json.dumps(document))
    return sample_inputs(arazzo_runner.load("one.json"), given or {})


def test_inputs_fit_their_schema_and_the_operation_that_reads_them(folder):
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "status": {"type": "string"},
            "age": {"type": "integer", "minimum": 4},
            "id": {"type": "string"},
            "town": {"type": "string", "examples": ["Bonn"]},
            "size": {"type": "integer", "default": 20},
            "view": {},
        },
    }
    payload = {**PET, "age": "$inputs.age", "home": {"town": "$inputs.town"}}
    view = [{"name": name, "in": "query", "value": f"$inputs.{name}"} for name in ("view", "since")]
    found = made_up(
        folder,
        schema,
        step("add", "addPet", requestBody={"payload": payload}),
        step("get", "getPet", parameters=[*by_id("$inputs.id"), *view]),
        given={"note": "kept"},
    )
    assert found == {
        "note": "kept",
        "name": "exampleex",
        "status": "free",
        "age": 4,
        "id": "1",
        "town": "Bonn",
        "view": "short",
        "since": "2024-01-01",
    }


def test_inputs_are_made_up_for_what_a_whole_payload_or_a_member_of_an_input_is_sent_as(folder):
    assert made_up(folder, None, step("add", "addPet", requestBody={"payload": "$inputs.pet"})) == {
        "pet": {"name": "exampleex", "status": "free", "age": 1, "home": {"town": "Ulm"}}
    }
    payload = {"name": "$inputs.pet#/called", "status": "sold"}
    assert made_up(folder, None, step("add", "addPet", requestBody={"payload": payload})) == {
        "pet": {"called": "exampleex"}
    }


@pytest.mark.parametrize("content_type", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_inputs_declared_as_text_fit_the_numbers_of_a_form_which_are_sent_as_text(folder, content_type):
    members = {
        "delay": {"$ref": "#/components/schemas/Delay"},
        "deep": {"type": "boolean"},
        "ratio": {"type": "number"},
    }
    form = {"type": "object", "properties": members}
    operation = {"operationId": "shoot", "requestBody": {"content": {content_type: {"schema": form}}}}
    answers = {"responses": {"200": {"description": "d"}}}
    schemas = {"Delay": {"type": "integer", "minimum": 3}}
    paths = {"/shots": {"post": {**operation, **answers}}}
    (folder / "api.json").write_text(json.dumps({**API, "paths": paths, "components": {"schemas": schemas}}))
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in members}}
    payload = {name: f"$inputs.{name}" for name in members}
    body = {"contentType": content_type, "payload": payload}
    found = made_up(folder, schema, step("shoot", "shoot", requestBody=body))
    assert found == {"delay": "3", "deep": "true", "ratio": "1"}
    result = arazzo_runner.run("one.json", "w", mock=True, sample_inputs=True)
    assert (result.status, result.reason) == ("succeeded", None)


def test_a_misspelt_input_is_not_made_up(folder):
    schema = {"type": "object", "properties": {"petId": {"type": "integer"}}}
    assert made_up(folder, schema, step("get", "getPet", parameters=by_id("$inputs.petID"))) == {"petId": 1}


def test_an_input_whose_schema_allows_no_sample_of_the_operation_keeps_its_own(folder):
    schema = {"type": "object", "properties": {"name": {"enum": ["Rex"]}, "status": {"type": "boolean"}}}
    assert made_up(folder, schema, step("add", "addPet", requestBody={"payload": PET})) == {
        "name": "Rex",
        "status": True,
    }


def test_the_library_makes_inputs_up_and_keeps_state_too(folder):
    result = arazzo_runner.run("flow.json", "life", mock="stateful", sample_inputs=True)
    assert [each.attempts[-1].response.status for each in result.steps] == [201, 200, 204, 404]
    shown = arazzo_runner.dry_run("flow.json", "life", sample_inputs=True)
    assert b"exampleex" in shown.steps[0].attempts[0].request.body
