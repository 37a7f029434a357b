"""openapi-core behind our own documents: any version, any file, circles, and nothing fetched by itself."""

import json

import pytest

from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value
from arazzo_runner.sources.bundle import bundled
from arazzo_runner.sources.contract import check_request, check_response
from arazzo_runner.sources.description_check import check_description
from arazzo_runner.sources.openapi import load_openapi
from arazzo_runner.sources.policy import FetchError
from arazzo_runner.sources.schema.check import schema_errors
from tests.loopback import Reply, serving

BASE = "https://api.test/openapi.json"
JSON = (("Content-Type", "application/json"),)


def operation_of(root, files=None):
    """Return the only operation of a description; `files` are the documents that its references may name."""

    class Files:
        def referenced(self, uri: str, base: str) -> bytes:
            if uri not in (files or {}):
                raise FetchError("not read here")
            return json.dumps((files or {})[uri]).encode()

    (operation,) = load_openapi(from_value(root, BASE), Files(), Problems(), base=BASE).operations()
    return operation


def described(schema, version="3.1.0", media_type="application/json", **more):
    content = {media_type: {"schema": schema}}
    operation = {"requestBody": {"content": content}, "responses": {"200": {"description": "ok", "content": content}}}
    return {"openapi": version, "info": {"title": "t", "version": "1"}, "paths": {"/x": {"post": operation}}, **more}


SWAGGER = {
    "swagger": "2.0",
    "info": {"title": "t", "version": "1"},
    "paths": {"/x": {"post": {
        "parameters": [{"name": "body", "in": "body", "schema": {"$ref": "#/definitions/Thing"}}],
        "responses": {"200": {"description": "ok", "schema": {"$ref": "#/definitions/Thing"}}},
    }}},
    "definitions": {"Thing": {"type": "object", "properties": {"n": {"type": "integer", "x-nullable": True}}}},
}  # fmt: skip
THING = {"type": "object", "properties": {"n": {"type": "integer"}}}
TREE = {
    "Tree": {
        "type": "object",
        "properties": {
            "n": {"type": "integer"},
            "below": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
        },
    }
}


@pytest.mark.parametrize(
    ("operation", "content_type"),
    [
        pytest.param(operation_of(described(THING)), "application/json", id="3.1"),
        pytest.param(operation_of(described(THING, "3.0.3")), "application/json", id="3.0"),
        pytest.param(operation_of(described(THING, "3.2.0")), "application/json", id="3.2"),
        pytest.param(operation_of(SWAGGER), "application/json", id="2.0, which openapi-core does not know"),
        pytest.param(
            operation_of(described({"$ref": "#/components/schemas/Tree"}, components={"schemas": TREE})), "application/json", id="a circle",
        ),
        pytest.param(
            operation_of(described({"$ref": "parts.json#/Thing"}), {"https://api.test/parts.json": {"Thing": THING}}), "application/json", id="another document",
        ),
        pytest.param(
            operation_of(described(THING, media_type="application/vnd.things+json")), "application/vnd.things+json", id="a JSON type that openapi-core does not know",
        ),
        pytest.param(
            operation_of(described(THING, media_type="application/json; charset=utf-8")), "application/json;charset=UTF-8", id="with a charset",
        ),
    ],
)  # fmt: skip
def test_requests_and_responses_are_checked(operation, content_type):
    headers = (("Content-Type", content_type),)
    assert check_request(operation, "https://api.test/x", headers, b'{"n": 1}') == ((), None)
    assert check_response(operation, "https://api.test/x", headers, b"{}", 200, headers, b'{"n": 1}') == ((), None)
    wrong = ('request body: "n" must be integer, found string "a"',)
    assert check_request(operation, "https://api.test/x", headers, b'{"n": "a"}') == (wrong, None)
    (found,), _ = check_response(operation, "https://api.test/x", headers, b"{}", 200, headers, b'{"n": "a"}')
    assert found == 'response body: "n" must be integer, found string "a"'


def test_parts_that_openapi_core_misreads_are_left_out():
    kinds = {"matrix": "path", "label": "path", "pipeDelimited": "query", "deepObject": "query"}
    parameters = [
        {"name": style, "in": place, "required": True, "style": style, "schema": {"type": "array", "items": {}}}
        for style, place in kinds.items()
    ]
    parameters += [
        {"name": "n", "in": "query", "schema": {"type": ["integer", "null"]}},
        {"name": "plain", "in": "query", "schema": {"type": "integer"}},
        {"name": "key", "in": "header", "required": True, "schema": {"type": "string"}},
    ]  # fmt: skip
    root = described({"type": "string", "pattern": "^(a+)+$", "discriminator": {"propertyName": "k"}})
    root["components"] = {"securitySchemes": {"k": {"type": "apiKey", "in": "header", "name": "key"}}}
    root["paths"] = {"/x/{matrix}/{label}": {"post": {**root["paths"]["/x"]["post"], "parameters": parameters}}}
    operation = operation_of(root)
    document = bundled(operation, next(iter(operation.request_body.content.values())))
    (written,) = document["paths"]["/contract"].values()
    assert [each["name"] for each in written["parameters"]] == ["plain"]
    assert written["requestBody"]["content"]["application/json"]["schema"] == {"type": "string"}


@pytest.fixture
def elsewhere():
    with serving(lambda request: Reply(200, b'{"type": "integer"}')) as server:
        yield server


def test_neither_library_fetches_by_itself(elsewhere):
    url = f"{elsewhere.url}/schema.json"
    schema = {"properties": {"n": {"$ref": url}}, "$schema": url, "propertyNames": {}}
    operation = operation_of(described(schema))
    (error,) = schema_errors({"n": "a"}, schema, operation.schemas, base=BASE)
    assert error.is_about_schema
    assert check_request(operation, "https://api.test/x", JSON, b'{"n": "a"}') == ((), None)
    check_description(operation, "3.1.0")
    assert elsewhere.received == []


def test_a_method_unknown_to_openapi_core_is_reported():
    root = described(THING, "3.2.0")
    root["paths"] = {"/x": {"query": root["paths"]["/x"]["post"]}}
    assert check_request(operation_of(root), "https://api.test/x", JSON, b"{}") == (
        (),
        "openapi-core does not know QUERY",
    )
