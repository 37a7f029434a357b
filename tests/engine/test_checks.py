"""Requests and responses against their description: the findings, and the effect of levels."""

import json
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.base.records import replace
from arazzo_runner.engine.mismatches import summarised
from arazzo_runner.engine.options import NO_CHECKS, CheckOptions, RunOptions
from arazzo_runner.runtime.scripted import ScriptedWorld
from arazzo_runner.sources.schema.check import schema_errors

PET = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string", "maxLength": 5},
        "owner": {"$ref": "#/components/schemas/Owner"},
        "secret": {"type": "string", "writeOnly": True},
    },
}
API: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test/v1"}],
    "components": {
        "schemas": {"Pet": PET, "Owner": {"properties": {"name": {"type": "string"}, "nick": {"type": "string", "nullable": True}}}},
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
    },
    "paths": {
        "/pets/{id}": {
            "get": {
                "operationId": "get",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
                    {"name": "size", "in": "query", "schema": {"enum": ["small", "big"]}},
                    {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "X-Key", "in": "header", "required": True, "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}, "text/csv": {}},
                        "headers": {"X-Rate": {"required": True, "schema": {"type": "integer"}}, "X-Tags": {"schema": {"type": "array", "items": {"type": "integer"}}}},
                    },
                    "4XX": {"content": {"application/problem+json": {"schema": {"required": ["title"]}}}},
                },
            },
        },
        "/pets": {
            "post": {
                "operationId": "add",
                "parameters": [{"name": "trace", "in": "header", "required": True, "schema": {"type": "string"}}, {"name": "page", "in": "query", "required": True, "schema": {"type": "integer"}}],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Pet"}},
                        "application/x-www-form-urlencoded": {"schema": {"$ref": "#/components/schemas/Pet"}},
                    },
                },
                "responses": {"default": {"description": "any"}},
            }
        },
    },
}  # fmt: skip


@pytest.fixture
def run(tmp_path):
    def perform(step, answer=None, checks=None, **more):
        (tmp_path / "api.json").write_text(json.dumps(API))
        document = {
            "arazzo": "1.0.1",
            "info": {"title": "t", "version": "1"},
            "sourceDescriptions": [{"name": "api", "url": (tmp_path / "api.json").as_uri()}],
            "workflows": [{"workflowId": "w", "steps": [{"stepId": "s", **step}], **more}],
        }
        world = ScriptedWorld(
            [{"times": 0, "request": "GET /v1/pets/7", **(answer or {})}, {"times": 0, "request": "POST /v1/pets"}]
        )
        options = RunOptions(checks=checks) if checks is not None else RunOptions()
        return arazzo_runner.run(
            document, world=world, load_options=LoadOptions(root=str(tmp_path)), options=options
        ), world

    return perform


GET = {"operationId": "get", "parameters": [{"name": "id", "in": "path", "value": 7}]}
OK: dict[str, Any] = {"headers": {"Content-Type": "application/json", "X-Rate": "5"}, "body": {"id": 7, "name": "Rex"}}


def found(result):
    return [(each.code, each.message) for each in result.steps[0].attempts[0].diagnostics]


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        pytest.param(OK, None, "", id="a response as documented"),
        pytest.param({**OK, "status": 201}, "undocumented-status", "GET /pets/{id} documents 200, 4XX, not status 201", id="an undocumented status"),
        pytest.param({"status": 404, "headers": {"Content-Type": "application/problem+json"}, "body": {"title": "gone"}}, None, "", id="a status of a documented range"),
        pytest.param({"status": 404, "headers": {"Content-Type": "application/problem+json"}, "body": {}}, "response-schema", 'lacks "title"', id="the schema of a range"),
        pytest.param({**OK, "headers": {"Content-Type": "text/html", "X-Rate": "5"}, "body": "hi"}, "undocumented-content-type", "the response is text/html, documented is application/json, text/csv", id="another content type"),
        pytest.param({**OK, "headers": {"Content-Type": "text/csv", "X-Rate": "5"}, "body": "a;b"}, None, "", id="the second of two content types"),
        pytest.param({**OK, "headers": {"Content-Type": "application/json"}}, "response-header", 'lacks the header "X-Rate"', id="a required header that is not there"),
        pytest.param({**OK, "headers": {**OK["headers"], "X-Rate": "many"}}, "response-header", '"X-Rate" does not fit: it must be integer, found string "many"', id="a header of another type"),
        pytest.param({**OK, "headers": {**OK["headers"], "X-Tags": "1, 2"}}, None, "", id="a header that is a list"),
        pytest.param({**OK, "headers": {**OK["headers"], "X-Tags": "1,b"}}, "response-header", '"X-Tags" does not fit', id="a list with a wrong item"),
        pytest.param({**OK, "body": {"id": "7", "name": "Rex"}}, "response-schema", 'the response body does not fit: "id" must be integer, found string "7"', id="a member of another type"),
        pytest.param({**OK, "body": {"id": 7, "name": "Rex", "owner": {"name": 5}}}, "response-schema", '"owner.name" must be string, found integer 5', id="through a reference"),
        pytest.param({**OK, "body": {"id": 7, "name": "Rex", "owner": {"nick": None}}}, None, "", id="nullable"),
        pytest.param({**OK, "body": {"id": 7, "name": "Rex", "secret": "s"}}, "response-schema", "is writeOnly", id="a writeOnly member in a response"),
        pytest.param({**OK, "body": ""}, "response-schema", "the response has no body, expected application/json, text/csv", id="no body"),
        pytest.param({**OK, "body": {"id": 7, "name": "Rex", "age": 3}}, None, "", id="an undocumented member is not a misfit"),
    ],
)  # fmt: skip
def test_a_response_is_checked_against_its_description(run, answer, code, message):
    step = {**GET, "successCriteria": [{"condition": "$statusCode < 500"}]}
    result, _ = run(step, answer)
    findings = found(result)
    assert [each for each, _ in findings] == ([] if code is None else [code])
    assert all(message in text for _, text in findings)
    assert result.status == "succeeded"


def test_undocumented_members_are_reported_on_request(run):
    answer = {**OK, "body": {"id": 7, "name": "Rex", "age": 3, "owner": {"pet": 1}}}
    result, _ = run(GET, answer, CheckOptions(undocumented="warn"))
    assert [text for _, text in found(result)] == [
        'the response body has more: "age" is not in the schema',
        'the response body has more: "owner.pet" is not in the schema',
    ]


def test_the_same_mismatch_of_many_items_is_reported_once():
    schema = {"type": "array", "items": {"type": "integer"}}
    assert summarised(schema_errors(["a"] * 30, schema)) == [
        '"0" must be integer, found string "a" (and 29 more like it)'
    ]
    many = {"properties": {f"p{n}": {"type": "integer"} for n in range(12)}}
    sentences = summarised(schema_errors({f"p{n}": "x" for n in range(12)}, many))
    assert len(sentences) == 9
    assert sentences[-1] == "4 more kinds of mismatches"


def test_level_error_fails_the_step_and_its_failure_action_follows(run):
    step = {
        **GET,
        "onFailure": [{"name": "again", "type": "retry", "retryLimit": 1}],
        "outputs": {"n": "$response.body#/name"},
    }
    answer = {**OK, "body": {"id": "7", "name": "Rex"}}
    result, world = run(step, answer, CheckOptions(schema="error"))
    assert (result.status, len(world.requests)) == ("failed", 2)
    assert result.reason is not None
    assert '"id" must be integer' in result.reason
    verdict = result.steps[0].attempts[0].verdicts[-1]
    assert (verdict.type, verdict.passed, verdict.condition) == ("check", False, "check response-schema")


def test_a_schema_that_cannot_be_used_is_a_note_and_fails_nothing(run, monkeypatch):
    schemas = {**API["components"]["schemas"], "Owner": {"$ref": "#/components/schemas/Gone"}}
    monkeypatch.setitem(API, "components", {**API["components"], "schemas": schemas})
    result, _ = run(GET, {**OK, "body": {"id": 7, "name": "Rex", "owner": {}}}, CheckOptions(schema="error"))
    (note,) = result.steps[0].attempts[0].diagnostics
    assert (result.status, note.severity.value) == ("succeeded", "info")
    assert (
        note.message
        == 'the response body was not checked: the schema\'s $ref "#/components/schemas/Gone" points to nothing in api.json'
    )


def test_level_off_checks_nothing(run):
    result, _ = run(GET, {**OK, "status": 201, "body": {"id": "x"}}, NO_CHECKS)
    assert found(result) == []


ADD = {
    "operationId": "add",
    "parameters": [{"name": "trace", "in": "header", "value": "t"}, {"name": "page", "in": "query", "value": "1"}],
}


def add(payload, content_type="application/json"):
    return {**ADD, "requestBody": {"contentType": content_type, "payload": payload}}


@pytest.mark.parametrize(
    ("step", "code", "message"),
    [
        pytest.param(add({"name": "Rex"}), None, "", id="a request as described; readOnly members are not required"),
        pytest.param(add({"name": "Rex", "id": 1}), "request-schema", '"id" is readOnly', id="a readOnly member in a request"),
        pytest.param(add({"name": 5}), "request-schema", '"name" must be string, found integer 5', id="a member of another type"),
        pytest.param(add({"name": 5}, "application/x-www-form-urlencoded"), None, "", id="members of a form are text anyway"),
        pytest.param(add({}, "application/x-www-form-urlencoded"), "request-schema", 'lacks "name"', id="a form that lacks a member"),
        pytest.param(add("x", "text/plain"), "request-content-type", "takes application/json, application/x-www-form-urlencoded, not text/plain", id="another content type"),
        pytest.param(ADD, "missing-body", "POST /pets requires a request body", id="no body"),
        pytest.param({**add({"name": "R"}), "parameters": ADD["parameters"][:1]}, "missing-parameter", 'requires the query parameter "page"', id="a required parameter is not given"),
        pytest.param({**GET, "parameters": [*GET["parameters"], {"name": "size", "in": "query", "value": "huge"}]}, "request-schema",
                     'query parameter "size" does not fit: the value must be one of "small", "big", found string "huge"', id="a parameter outside of its enum"),
        pytest.param({**GET, "parameters": [*GET["parameters"], {"name": "tags", "in": "query", "value": [1, 2]}]}, None, "", id="numbers where texts are meant"),
        pytest.param({**GET, "parameters": [*GET["parameters"], {"name": "tags", "in": "query", "value": {"a": 1}}]}, "request-schema", "must be array, found object", id="a mapping where a list is meant"),
        pytest.param({**GET, "parameters": [{"name": "id", "in": "path", "value": "7"}]}, None, "", id="a text that is a number; the key comes from credentials"),
    ],
)  # fmt: skip
def test_a_request_is_checked_against_its_description_before_it_is_sent(run, step, code, message):
    result, world = run(step, OK)
    findings = [(each, text) for each, text in found(result) if not each.startswith("undocumented")]
    assert [each for each, _ in findings] == ([] if code is None else [code])
    assert all(message in text for _, text in findings)
    assert len(world.requests) == 1
    refused, silent = run(step, OK, replace(NO_CHECKS, requests="error"))
    assert (len(silent.requests), refused.status) == ((1, "succeeded") if code is None else (0, "failed"))
    if code is not None:
        assert refused.reason is not None
        assert message in refused.reason


def test_openapi_core_finds_the_same_and_more(run):
    deep = replace(NO_CHECKS, deep="error")
    result, _ = run(
        GET, {**OK, "headers": {**OK["headers"], "X-Rate": "many"}, "body": {"id": "7", "name": "Rexxxx"}}, deep
    )
    texts = " ".join(text for code, text in found(result) if code == "response-contract")
    assert '"id" must be integer' in texts
    assert '"name" must have at most 5 characters' in texts
    assert "Failed to cast value to integer type: many" in texts
    assert result.status == "failed"
    fine, _ = run(GET, OK, deep)
    assert (fine.status, found(fine)) == ("succeeded", [])


def test_openapi_core_looks_at_requests_as_they_go_over_the_wire(run):
    deep = replace(NO_CHECKS, deep="warn")
    result, _ = run(add({"name": 5}), None, deep)
    assert found(result) == [("request-contract", 'request body: "name" must be string, found integer 5')]
    size = [*GET["parameters"], {"name": "size", "in": "query", "value": "huge"}]
    result, _ = run({**GET, "parameters": size}, OK, deep)
    ((code, message),) = found(result)
    assert (code, message) == (
        "request-contract",
        'query "size": the value must be one of "small", "big", found string "huge"',
    )
