"""openapi-spec-validator behind our own documents: it accuses no operation of what the Specification allows."""

from __future__ import annotations

import json

import openapi_spec_validator
import pytest

from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value
from arazzo_runner.sources.description_check import check_description
from arazzo_runner.sources.openapi import load_openapi
from arazzo_runner.sources.policy import FetchError

BASE = "https://api.test/openapi.json"
ITEM = "https://api.test/item.json"
OK = {"200": {"description": "ok"}}
ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
OLD_ID = {"name": "id", "in": "path", "required": True, "type": "string"}
VERSIONS = ["3.0.3", "3.1.0", pytest.param("3.2.0", marks=pytest.mark.skipif(
    not hasattr(openapi_spec_validator, "OpenAPIV32SpecValidator"), reason="this openapi-spec-validator is older"))]  # fmt: skip


def checked(paths, version="3.1.0", **root):
    """Check the only operation of a description."""
    kind = "swagger" if version == "2.0" else "openapi"
    value = {kind: version, "info": {"title": "t", "version": "1"}, "paths": paths, **root}
    files = {ITEM: {"get": {"parameters": [ID], "responses": OK}}}

    class Files:
        def referenced(self, uri: str, base: str) -> bytes:
            if uri not in files:
                raise FetchError("not read here")
            return json.dumps(files[uri]).encode()

    (operation,) = load_openapi(from_value(value, BASE), Files(), Problems(), base=BASE).operations()
    return check_description(operation, version)


def getting(*parameters, **more):
    return {"get": {"parameters": list(parameters), "responses": OK, **more}}


def answering(schema):
    return getting(responses={"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}})


CALLBACK = {"onEvent": {"{$request.body#/url}": {"post": {"responses": OK}}}}
ALLOWED = {
    "a path parameter": {"/pets/{id}": getting(ID)},
    "one of the path item": {"/pets/{id}": {"parameters": [ID], **getting()}},
    "one of the components": {"/pets/{id}": getting({"$ref": "#/components/parameters/Id"})},
    "a path item elsewhere": {"/pets/{id}": {"$ref": "item.json"}},
    "a callback": {"/pets/{id}": getting(ID, callbacks=CALLBACK)},
    "two in one segment": {"/a/{id}-{to}": getting(ID, {**ID, "name": "to"})},
    "one with a verb": {"/a/{id}:cancel": getting(ID)},
    "a name with a colon": {"/a/{x:y}": getting({**ID, "name": "x:y"})},
    "a name with a dot and a dash": {"/a/{x.y-z}": getting({**ID, "name": "x.y-z"})},
    "a style that openapi-core misreads": {"/a/{id}": getting({**ID, "style": "matrix", "schema": {"type": "object"}})},
    "an array": {"/a/{id}": getting({**ID, "schema": {"type": "array", "items": {"type": "string"}}})},
    "a content": {"/a/{id}": getting({"name": "id", "in": "path", "required": True, "content": {"text/plain": {}}})},
    "an API key": {"/a/{id}": getting({**ID, "name": "key", "in": "header"}, ID)},
    "a query in the path": {"/a/{id}?kind=1": getting(ID)},
    "an expression of RFC 6570": {"/a/{id}{?x*}": getting(ID, {"name": "x", "in": "query", "schema": {}})},
    "a required property that is not described": {"/a": answering({"allOf": [{"type": "object"}], "required": ["x"]})},
    "properties named like keywords": {"/a": answering({"type": "object", "properties": {
        "default": {"$ref": "#/components/schemas/Tree"}, "enum": {"$ref": "#/components/schemas/Tree"},
        "pattern": {"type": "string"}, "$id": {"type": "string"}, "discriminator": {"type": "string"}}})},
    "a parameter that cannot be read, which is another finding": {"/a/{id}": getting({"$ref": "#/components/parameters/No"})},
    "a circle": {"/a": answering({"$ref": "#/components/schemas/Tree"})},
}  # fmt: skip
COMPONENTS = {
    "parameters": {"Id": ID},
    "schemas": {"Tree": {"type": "object", "properties": {"below": {"$ref": "#/components/schemas/Tree"}}}},
    "securitySchemes": {"k": {"type": "apiKey", "in": "header", "name": "key"}},
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("paths", ALLOWED.values(), ids=ALLOWED)
def test_what_openapi_allows_is_not_reported(paths, version):
    assert checked(paths, version, components=COMPONENTS) == ((), None)


SWAGGER = {
    "a path parameter": getting(OLD_ID),
    "one of the path item": {"parameters": [OLD_ID], **getting()},
    "one of the root": getting({"$ref": "#/parameters/Id"}),
    "a list of lists": getting(OLD_ID, {"name": "l", "in": "query", "type": "array", "collectionFormat": "pipes", "items": {
        "type": "array", "collectionFormat": "csv", "items": {"type": "string"}}}),
    "a discriminator": getting(OLD_ID, responses={"200": {"description": "ok", "schema": {"$ref": "#/definitions/Pet"}}}),
    "a file": getting(OLD_ID, responses={"200": {"description": "ok", "schema": {"type": "file"}}}),
    "a header of a response": getting(OLD_ID, responses={"200": {"description": "ok", "headers": {
        "X": {"type": "array", "collectionFormat": "csv", "items": {"type": "string"}}}}}),
}  # fmt: skip


@pytest.mark.parametrize("item", SWAGGER.values(), ids=SWAGGER)
def test_what_swagger_allows_is_not_reported(item):
    pet = {"type": "object", "discriminator": "kind", "required": ["kind"], "properties": {"kind": {"type": "string"}}}
    root = {"parameters": {"Id": OLD_ID}, "definitions": {"Pet": pet}}
    assert checked({"/pets/{id}": item}, "2.0", **root) == ((), None)


LISTING = {"name": "size", "in": "query", "schema": {"type": "integer", "default": "many"}}
FORBIDDEN = {
    "a path parameter that is not described": ({"/a/{id}": getting()}, 'is not valid OpenAPI: path parameter "id" is not described'),
    "one that the path does not have": ({"/a": getting(ID)}, 'is not valid OpenAPI: path parameter "id" is not in the path'),
    "a default of another type": ({"/a": getting(LISTING)}, "has a default that its schema does not allow: 'many' is not of type 'integer'"),
    "an unknown type": ({"/a": answering({"$ref": "#/components/schemas/Pet"})}, "is not valid OpenAPI: "),
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("paths", "begin"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_openapi_forbids_is_one_finding(paths, begin, version):
    problems, unchecked = checked(paths, version, components={"schemas": {"Pet": {"type": "int32"}}})
    assert unchecked is None
    assert len(problems) == 1, problems
    assert problems[0].startswith(begin)


def test_a_keyword_that_openapi_3_0_does_not_have_is_named():
    assert checked({"/a": answering({"type": "object", "const": 1})}, "3.0.3") == (
        ("is not valid OpenAPI: responses.200.application/json: 'const' is not allowed here",), None
    )  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS[2:])
def test_methods_of_openapi_3_2_are_checked(version):
    assert checked({"/a/{id}": {"query": getting(ID)["get"]}}, version) == ((), None)
    assert checked({"/a/{id}": {"additionalOperations": {"LINK": getting()["get"]}}}, version) == (
        ('is not valid OpenAPI: path parameter "id" is not described',), None
    )  # fmt: skip
