"""OpenAPI 2.0 to 3.2 → Operations; references, servers, and broken descriptions that must not break us."""

from __future__ import annotations

import json

import pytest

from arazzo_runner.diagnostics import Problems, Severity
from arazzo_runner.document.source_map import from_value, read
from arazzo_runner.sources.fetch import make_fetch
from arazzo_runner.sources.openapi import load_openapi
from arazzo_runner.sources.references import ReferenceFailure
from arazzo_runner.sources.servers import NoServer, server_url
from arazzo_runner.sources.uris import uri_of_path

BASE = "https://api.test/specs/api.yaml"


def description(paths, **more):
    value = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths, **more}
    problems = Problems()
    return load_openapi(from_value(value, "api.yaml"), None, problems, base=BASE), problems


def test_operation_is_found_by_id_pointer_and_path():
    api, _ = description({"/a/{id}": {"get": {"operationId": "getA"}, "put": {"operationId": "putA"}}})
    by_id = api.operation("getA")
    assert by_id is not None
    assert (by_id.method, by_id.path, by_id.pointer) == ("GET", "/a/{id}", "/paths/~1a~1{id}/get")
    assert api.operation_at("/paths/~1a~1{id}/put").operation_id == "putA"
    assert api.operation_by_path("GET", "/a/{id}") is by_id
    assert api.operation("nope") is None
    assert api.operation_at("/paths/~1a/post") is None
    assert list(api.operation_ids) == ["getA", "putA"]


def test_duplicate_operation_ids_are_a_warning_and_the_first_counts():
    api, problems = description({"/a": {"get": {"operationId": "x"}}, "/b": {"get": {"operationId": "x"}}})
    assert api.operation("x").path == "/a"
    assert [found.code for found in problems] == ["duplicate-operation-id"]


def test_parameters_of_the_path_item_are_merged_and_overridden():
    item = {
        "parameters": [{"name": "q", "in": "query"}, {"name": "h", "in": "header"}],
        "get": {"parameters": [{"name": "q", "in": "query", "required": True, "style": "pipeDelimited"}]},
    }
    api, _ = description({"/a": item})
    found = {parameter.name: parameter for parameter in api.operation_by_path("GET", "/a").parameters}
    assert (found["q"].required, found["q"].style, found["q"].explode) == (True, "pipeDelimited", False)
    assert (found["h"].style, found["h"].explode) == ("simple", False)


def test_references_inside_the_document_are_followed():
    components = {
        "parameters": {"P": {"name": "p", "in": "query"}},
        "requestBodies": {"B": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/S"}}}}},
        "responses": {"R": {"description": "r", "headers": {"X": {"$ref": "#/components/headers/H"}}}},
        "headers": {"H": {"schema": {"type": "integer"}}},
        "schemas": {"S": {"type": "object", "properties": {"self": {"$ref": "#/components/schemas/S"}}}},
        "pathItems": {"I": {"post": {"operationId": "op", "parameters": [{"$ref": "#/components/parameters/P"}],
                                     "requestBody": {"$ref": "#/components/requestBodies/B"},
                                     "responses": {200: {"$ref": "#/components/responses/R"}}}}},
    }  # fmt: skip
    api, problems = description({"/a": {"$ref": "#/components/pathItems/I"}}, components=components)
    operation = api.operation("op")
    assert operation.parameters[0].name == "p"
    assert operation.request_body.required
    assert operation.request_body.content["application/json"].schema["properties"]["self"] == {
        "$ref": "#/components/schemas/S"
    }
    assert operation.responses["200"].headers["X"] == {"schema": {"type": "integer"}}
    assert list(problems) == []


def test_what_is_broken_in_a_description_is_left_out_and_said():
    paths = {
        "/a": {"get": {"operationId": "a", "parameters": [{"$ref": "#/nowhere"}, {"name": 1}, "x"],
                       "requestBody": 5, "responses": {"200": {"$ref": "#/loop"}, "default": []},
                       "servers": "x", "security": [1, {"k": "x"}]}},
        "/b": 7, "x-c": {}, "/d": {"get": 1},
        "/e": {"$ref": "#/gone", "get": {}},
    }  # fmt: skip
    api, problems = description(paths, loop={"$ref": "#/loop"}, components=[])
    operation = api.operation("a")
    assert operation.parameters == ()
    assert operation.request_body is None
    assert sorted((found.code, found.at.pointer.removeprefix("/paths/~1a/get")) for found in problems) == [
        ("broken-description", "/parameters/1"),
        ("broken-description", "/parameters/2"),
        ("broken-description", "/requestBody"),
        ("broken-description", "/responses/default"),
        ("broken-description", "/security/0"),
        ("broken-description", "/servers"),
        ("broken-reference", "/parameters/0"),
        ("broken-reference", "/responses/200"),
    ]
    assert all(found.severity is Severity.WARNING and found.hint for found in problems)
    assert [(each.path, each.operation_id) for each in api.operations()] == [("/a", "a"), ("/e", None)]


def test_3_2_has_query_additional_operations_and_querystring():
    item = {
        "query": {
            "operationId": "q",
            "parameters": [{"name": "all", "in": "querystring", "content": {"application/json": {}}}],
        },
        "additionalOperations": {"LINK": {"operationId": "l"}},
    }
    api, _ = description({"/a": item}, openapi="3.2.0")
    assert api.operation("q").method == "QUERY"
    assert api.operation("q").safe
    assert api.operation("q").parameters[0].location == "querystring"
    assert api.operation("l").method == "LINK"


def test_references_lead_into_other_files(tmp_path):
    (tmp_path / "api.yaml").write_text(
        "openapi: 3.0.0\npaths:\n  /a:\n    $ref: 'parts/items.yaml#/a'\n  /b: {get: {operationId: b, parameters: [{$ref: '../out.yaml'}]}}\n"
    )
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "items.yaml").write_text(
        "a: {get: {operationId: a, parameters: [{$ref: '#/p'}], responses: {'200': {$ref: './r.json'}}}}\np: {name: x, in: query}\n"
    )
    (tmp_path / "parts" / "r.json").write_text(json.dumps({"description": "from another file"}))
    location = uri_of_path(str(tmp_path / "api.yaml"))
    fetch = make_fetch(location, root=str(tmp_path))
    problems = Problems()
    document = read(fetch.entry(location), "api.yaml", problems)
    api = load_openapi(document, fetch, problems, base=location)
    assert api.operation("a").parameters[0].name == "x"
    assert api.operation("a").responses["200"].description == "from another file"
    assert list(problems) == []
    api.operation("b")
    assert ["outside of" in found.message for found in problems] == [True]


def test_schema_references_by_anchor_and_in_circles():
    api, _ = description(
        {},
        components={"schemas": {"A": {"$anchor": "here", "type": "integer"}, "L": {"$ref": "#/components/schemas/L"}}},
    )
    assert api.resolve({"$ref": "#here"})[0]["type"] == "integer"
    with pytest.raises(ReferenceFailure, match="circle"):
        api.resolve({"$ref": "#/components/schemas/L"})
    with pytest.raises(ReferenceFailure, match="nowhere"):
        api.resolve({"$ref": "#missing"})


# ------------------------------------------------------------------ Swagger 2.0

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


# ------------------------------------------------------------------ servers


def one(servers, **more):
    api, _ = description({"/a": {"get": {"operationId": "a", **more}}}, servers=servers)
    return api.operation("a")


REGION = {
    "url": "https://{region}.test/{v}",
    "variables": {"region": {"default": "eu", "enum": ["eu", "us"]}, "v": {"default": "v1"}},
}


@pytest.mark.parametrize(
    ("servers", "variables", "environment", "override", "expected"),
    [
        pytest.param([{"url": "https://a.test/v1/"}], {}, {}, None, "https://a.test/v1", id="absolute"),
        pytest.param([{"url": "/v1"}], {}, {}, None, "https://api.test/v1", id="relative to the description"),
        pytest.param([REGION], {}, {}, None, "https://eu.test/v1", id="defaults of variables"),
        pytest.param([REGION], {"region": "us"}, {}, None, "https://us.test/v1", id="a run option"),
        pytest.param([REGION], {}, {"ARAZZO_SERVER_VAR_V": "v9"}, None, "https://eu.test/v9", id="the environment"),
        pytest.param([REGION], {}, {}, "http://127.0.0.1:8/x/", "http://127.0.0.1:8/x", id="the override wins"),
    ],
)
def test_server_is_chosen(servers, variables, environment, override, expected):
    assert server_url(one(servers), variables, environment, override) == expected


@pytest.mark.parametrize(
    ("operation", "variables", "override", "message"),
    [
        pytest.param(
            one([REGION]), {"region": "mars"}, None, 'is "mars", expected one of eu, us', id="outside the enum"
        ),
        pytest.param(one([{"url": "https://{x}.test"}]), {}, None, 'variable "x" has no default', id="no default"),
        pytest.param(one([REGION]), {}, "ftp://x", "no http", id="an override that is no http URL"),
        pytest.param(one([]), {}, None, "names no server", id="no server at all"),
    ],
)
def test_no_usable_server_is_said(operation, variables, override, message):
    with pytest.raises(NoServer, match=message):
        server_url(operation, variables, {}, override)


def test_servers_of_the_operation_come_first():
    item = {"get": {"operationId": "a", "servers": [{"url": "https://own.test"}]}}
    api, _ = description({"/a": item}, servers=[{"url": "https://root.test"}])
    assert api.operation("a").servers[0].url == "https://own.test"
