"""OpenAPI 3.0 to 3.2 → Operations, found lazily; and broken descriptions that must not break us."""

from __future__ import annotations

import copy

import pytest

from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value
from arazzo_runner.errors import Severity
from arazzo_runner.sources.openapi import load_openapi

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


def test_all_operations_with_the_same_id_are_known():
    api, problems = description({"/a": {"get": {"operationId": "x"}}, "/b": {"get": {"operationId": "x"}}})
    assert list(api.same_id("x")) == ["/paths/~1a/get", "/paths/~1b/get"]
    assert [(found.code, found.severity.value) for found in api.structure.remaining()] == [
        ("duplicate-operation-id", "warning")
    ]
    assert list(api.structure.remaining()) == list(problems) == []


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


def test_broken_parts_of_a_description_are_left_out_and_reported():
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
    faults = [each.problem for each in operation.faults]
    assert sorted((found.code, found.at.pointer.removeprefix("/paths/~1a/get")) for found in faults) == [
        ("broken-description", "/components"),
        ("broken-description", "/parameters/1"),
        ("broken-description", "/parameters/2"),
        ("broken-description", "/requestBody"),
        ("broken-description", "/security/0"),
        ("broken-description", "/servers"),
        ("broken-reference", "/parameters/0"),
    ]
    assert all(found.severity is Severity.ERROR and found.hint for found in faults)
    assert [(found.code, found.at.pointer.removeprefix("/paths/~1a/get")) for found in problems] == [
        ("broken-reference", "/responses/200"),
        ("broken-description", "/responses/default"),
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


def test_operation_is_found_by_its_own_pointer_only():
    components = {"pathItems": {"I": {"get": {"operationId": "shared"}}}}
    item = {"x-get": {}, "get": {"operationId": "a"}, "additionalOperations": {"COPY": {}, "get": {}}}
    api, _ = description({"/a": item}, components=components, webhooks={"w": {"post": {"operationId": "hook"}}})
    found = ["/paths/~1a/get", "/paths/~1a/additionalOperations/COPY"]
    for pointer in (*found, "/paths/~1a/post", "/paths/~1a", "/paths/~1a/x-get", "/components/pathItems/I/get",
                    "/webhooks/w/post", "/paths/~1a/additionalOperations/get", "", "paths/~1a/get"):  # fmt: skip
        assert (api.operation_at(pointer) is not None) is (pointer in found)
    assert list(api.operation_ids) == ["a"]
    assert api.operation_by_path("copy", "/a").method == "COPY"
    assert api.operation_by_path("POST", "/a") is None
    assert api.operation_by_path("GET", "/b") is None


def test_only_the_operation_asked_for_is_read():
    broken = {"parameters": 1, "requestBody": {"$ref": "#/nowhere"}, "responses": [], "servers": {}}
    paths = {f"/p{number}": {"get": {"operationId": f"op{number}", **broken}} for number in range(2000)}
    paths["/good"] = {"get": {"operationId": "good"}}
    api, problems = description(paths)
    assert api.operation("good").path == "/good"
    assert api.operation_at("/paths/~1good/get").path == "/good"
    assert len(api.operation_ids) == 2001
    assert list(problems) == []
    broken_one = api.operation("op7")
    assert {found.at.pointer.split("/")[2] for found in problems} == {"~1p7"}
    assert {each.problem.at.pointer.split("/")[2] for each in broken_one.faults} == {"~1p7"}


def test_a_style_not_allowed_in_its_location_is_reported_and_the_default_used():
    parameters = [
        {"name": "h", "in": "header", "style": "deepObject"},
        {"name": "p", "in": "path", "style": 5},
        {"name": "c", "in": "cookie", "style": "cookie"},
        {"name": "m", "in": "path", "style": "matrix"},
    ]
    api, problems = description({"/a": {"get": {"operationId": "a", "parameters": parameters}}})
    found = {each.name: (each.style, each.explode) for each in api.operation("a").parameters}
    assert found == {"h": ("simple", False), "p": ("simple", False), "c": ("cookie", True), "m": ("matrix", False)}
    assert [each.message for each in problems] == [
        'style "deepObject" is not for header parameters, expected simple; simple is used',
        'style "5" is not for path parameters, expected simple or label or matrix; simple is used',
    ]


def test_headers_that_openapi_forbids_to_declare_are_never_required():
    names = ["Authorization", "accept", "Content-Type", "X-Other"]
    parameters = [{"name": name, "in": "header", "required": True} for name in names]
    api, _ = description({"/a": {"get": {"operationId": "a", "parameters": parameters}}})
    assert [each.name for each in api.operation("a").parameters if each.required] == ["X-Other"]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        pytest.param({}, ({"root": ("r",)},), id="the description's"),
        pytest.param({"security": []}, (), id="an empty list means none"),
        pytest.param({"security": None}, ({"root": ("r",)},), id="null is as if it were not there"),
        pytest.param({"security": [{}, {"a": [], "b": ["s"]}]}, ({}, {"a": (), "b": ("s",)}), id="alternatives and both"),
    ],
)  # fmt: skip
def test_security_of_the_operation_comes_first(own, expected):
    schemes = {"root": {"type": "http"}, "a": {"$ref": "#/components/securitySchemes/root"}}
    paths = {"/a": {"get": {"operationId": "a", **own}}}
    api, _ = description(paths, security=[{"root": ["r"]}], components={"securitySchemes": schemes})
    assert api.operation("a").security == expected
    assert api.operation("a").security_schemes["a"] == {"type": "http"}


# A description with one of everything, in which each value in turn is replaced by one of a wrong type.
WHOLE = {
    "servers": [{"url": "https://{r}.test", "variables": {"r": {"default": "a", "enum": ["a"]}}}],
    "security": [{"key": ["s"]}],
    "paths": {
        "/a/{id}": {
            "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}}],
            "servers": [{"url": "/x"}],
            "post": {
                "operationId": "a",
                "parameters": [
                    {"name": "q", "in": "query", "style": "form", "explode": True, "examples": {"e": {"value": 1}}},
                    {"name": "c", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}},
                    {"$ref": "#/components/parameters/P"},
                ],
                "requestBody": {
                    "required": True,
                    "content": {"multipart/form-data": {"schema": {"$ref": "#/components/schemas/S"},
                                                        "encoding": {"f": {"headers": {"X": {}}}}}},
                },
                "responses": {"200": {"description": "d", "headers": {"X": {"schema": {}}},
                                      "content": {"application/json": {"examples": {"e": {"value": 1}}}}}},
                "security": [{"key": []}],
            },
            "additionalOperations": {"COPY": {"operationId": "b"}},
        },
        "/r": {"$ref": "#/components/pathItems/I"},
    },
    "components": {
        "schemas": {"S": {"type": "object"}},
        "parameters": {"P": {"name": "h", "in": "header"}},
        "pathItems": {"I": {"get": {"operationId": "r"}}},
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "K"}},
    },
}  # fmt: skip
WRONG = [None, True, 7, 1.5, "", "text", [], [1], {}, {"": 1}, {"$ref": 1}, {"$ref": "#/nowhere"}, {"$ref": "http://["}]


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


@pytest.mark.parametrize("version", [{"openapi": "3.1.0"}, {"swagger": "2.0"}], ids=["3.1", "2.0"])
@pytest.mark.parametrize("path", list(places(WHOLE))[1:], ids=lambda path: "/".join(map(str, path)))
def test_wrong_type_anywhere_never_raises(path, version):
    for wrong in WRONG:
        value = copy.deepcopy({**version, **WHOLE})
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = wrong
        problems = Problems()
        api = load_openapi(from_value(value, "api.yaml"), None, problems, base=BASE)
        assert all(operation.method for operation in api.operations())
        assert {found.code for found in problems} <= {
            "broken-description",
            "broken-reference",
            "unusable-scheme",
            "duplicate-operation-id",
        }
