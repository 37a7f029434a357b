"""Swagger 2.0, read as if it were OpenAPI 3."""

from __future__ import annotations

import json

import pytest

from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value, read
from arazzo_runner.sources.fetch import make_fetch
from arazzo_runner.sources.openapi import load_openapi
from arazzo_runner.sources.operation import server_url
from arazzo_runner.sources.uris import uri_of_path

BASE = "https://api.test/specs/api.yaml"

SWAGGER = {
    "swagger": "2.0",
    "host": "api.test",
    "basePath": "/v2/",
    "schemes": ["http", "https"],
    "consumes": ["application/json"],
    "produces": ["application/json"],
    "securityDefinitions": {
        "basic": {"type": "basic"},
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "oauth": {"type": "oauth2", "flow": "accessCode", "tokenUrl": "https://t", "scopes": {"r": "read"}},
    },
    "parameters": {"Limit": {"name": "limit", "in": "query", "type": "integer"}},
    "paths": {
        "/pets": {
            "post": {
                "operationId": "addPet",
                "parameters": [
                    {"$ref": "#/parameters/Limit"},
                    {"name": "ids", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "multi"},
                    {"name": "body", "in": "body", "required": True, "schema": {"type": "object"}},
                ],
                "responses": {"200": {"description": "ok", "schema": {"type": "object"}, "examples": {"application/json": {"id": 1}},
                                      "headers": {"X-Rate": {"type": "integer"}}}},
                "security": [{"basic": []}, {"oauth": ["r"]}],
            }
        },
        "/upload": {
            "post": {
                "operationId": "upload",
                "parameters": [
                    {"name": "file", "in": "formData", "type": "file", "required": True},
                    {"name": "note", "in": "formData", "type": "string"},
                ],
            }
        },
        "/form": {"post": {"operationId": "form", "parameters": [{"name": "a", "in": "formData", "type": "string"}]}},
    },
}  # fmt: skip


def test_swagger_2_is_read_as_if_it_were_3():
    api = load_openapi(from_value(SWAGGER, "swagger.json"), None, Problems(), base=BASE)
    operation = api.operation("addPet")
    assert [server.url for server in operation.servers] == ["https://api.test/v2", "http://api.test/v2"]
    assert {(each.name, each.style, each.explode) for each in operation.parameters} == {
        ("limit", "form", True),
        ("ids", "form", True),
    }
    assert operation.request_body.required
    assert operation.responses["200"].content["application/json"].example == {"id": 1}
    assert operation.responses["200"].headers["X-Rate"] == {"schema": {"type": "integer"}}
    assert operation.security == ({"basic": ()}, {"oauth": ("r",)})
    assert operation.security_schemes["basic"] == {"type": "http", "scheme": "basic"}
    assert "authorizationCode" in operation.security_schemes["oauth"]["flows"]
    upload = api.operation("upload").request_body.content
    assert upload["multipart/form-data"].schema["properties"]["file"] == {"type": "string", "format": "binary"}
    assert list(api.operation("form").request_body.content) == ["application/x-www-form-urlencoded"]


def test_swagger_2_without_host_uses_where_it_came_from():
    bare = {key: value for key, value in SWAGGER.items() if key != "host"}
    api = load_openapi(from_value(bare, "swagger.json"), None, Problems(), base=BASE)
    assert server_url(api.operation("form"), {}, {}, None) == "https://api.test/v2"


def only(operation, **root):
    """Return the operation of a description with just this one."""
    value = {"swagger": "2.0", "host": "api.test", "paths": {"/a": {"post": {"operationId": "a", **operation}}}, **root}
    problems = Problems()
    found = load_openapi(from_value(value, "swagger.json"), None, problems, base=BASE).operation("a")
    return found, problems


@pytest.mark.parametrize(
    ("place", "collection", "expected"),
    [
        ("query", "csv", ("form", False)),
        ("query", "ssv", ("spaceDelimited", False)),
        ("query", "tsv", ("form", False)),
        ("query", "pipes", ("pipeDelimited", False)),
        ("query", "multi", ("form", True)),
        ("query", None, ("form", False)),
        ("path", "csv", ("simple", False)),
        ("header", "csv", ("simple", False)),
    ],
)
def test_collection_format_becomes_a_style(place, collection, expected):
    stated = {} if collection is None else {"collectionFormat": collection}
    parameter = {
        "name": "p",
        "in": place,
        "type": "array",
        "items": {"type": "string"},
        "maxItems": 3,
        "x-a": 1,
        **stated,
    }
    found, _ = only({"parameters": [parameter]})
    assert (found.parameters[0].style, found.parameters[0].explode) == expected
    assert found.parameters[0].schema == {"type": "array", "items": {"type": "string"}, "maxItems": 3}


def test_form_lists_have_encoding_objects_and_files_need_multipart():
    form = [{"name": "ids", "in": "formData", "type": "array", "items": {}, "collectionFormat": "pipes"}]
    found, _ = only({"consumes": ["application/x-www-form-urlencoded"], "parameters": form})
    media = found.request_body.content["application/x-www-form-urlencoded"]
    assert media.encoding == {"ids": {"style": "pipeDelimited", "explode": False}}
    file = [{"name": "f", "in": "formData", "type": "file"}]
    found, _ = only({"consumes": ["application/x-www-form-urlencoded"], "parameters": file})
    assert list(found.request_body.content) == ["multipart/form-data"]


def test_consumes_and_produces_of_the_operation_come_first():
    responses = {"200": {"description": "ok", "schema": {"type": "file"}}, "x-a": 1}
    body = [{"name": "b", "in": "body", "schema": {}}]
    own = {"consumes": ["text/plain"], "produces": ["image/png"], "parameters": body, "responses": responses}
    found, _ = only(own, consumes=["a/b"], produces=["c/d"])
    assert list(found.request_body.content) == ["text/plain"]
    assert found.responses["200"].content["image/png"].schema == {"type": "string", "format": "binary"}
    assert list(found.responses) == ["200"]


@pytest.mark.parametrize(
    ("flow", "name"),
    [("implicit", "implicit"), ("password", "password"), ("application", "clientCredentials"), ("accessCode", "authorizationCode")],
)  # fmt: skip
def test_oauth2_flows_have_their_new_names(flow, name):
    scheme = {"type": "oauth2", "flow": flow, "tokenUrl": "https://t", "scopes": {}}
    found, _ = only({}, securityDefinitions={"o": scheme})
    assert found.security_schemes == {"o": {"type": "oauth2", "flows": {name: {"tokenUrl": "https://t", "scopes": {}}}}}


@pytest.mark.parametrize(
    ("root", "operation", "expected"),
    [
        pytest.param({"basePath": "v2"}, {}, ["https://api.test/v2"], id="without schemes the one it was read by"),
        pytest.param({"schemes": ["http"]}, {}, ["http://api.test"], id="the description's schemes"),
        pytest.param({"schemes": ["http"]}, {"schemes": ["https"]}, ["https://api.test"], id="the operation's schemes"),
        pytest.param(
            {"schemes": ["ws"], "basePath": 5}, {}, ["https://api.test"], id="what cannot be used is left out"
        ),
    ],
)
def test_host_base_path_and_schemes_become_servers(root, operation, expected):
    found, _ = only(operation, **root)
    assert [server.url for server in found.servers] == expected


def test_parts_of_another_file_keep_their_references(tmp_path):
    parts = {
        "pets": {"get": {"operationId": "pets", "parameters": [{"$ref": "#/limit"}],
                         "responses": {"200": {"$ref": "#/ok"}}}},
        "limit": {"name": "limit", "in": "query", "type": "integer"},
        "ok": {"description": "ok", "schema": {"type": "array", "items": {"$ref": "#/pet"}}},
        "pet": {"type": "object"},
    }  # fmt: skip
    (tmp_path / "parts.json").write_text(json.dumps(parts))
    value = {"swagger": "2.0", "paths": {"/pets": {"$ref": "parts.json#/pets"}}}
    (tmp_path / "api.json").write_text(json.dumps(value))
    location = uri_of_path(str(tmp_path / "api.json"))
    fetch = make_fetch(location, root=str(tmp_path))
    api = load_openapi(read(fetch.entry(location), "api.json", Problems()), fetch, Problems(), base=location)
    operation = api.operation("pets")
    assert operation.parameters[0].name == "limit"
    media = operation.responses["200"].content["application/json"]
    assert api.resolve(media.schema["items"], media.base)[0] == {"type": "object"}
