"""Minimal descriptions: what requests and answers show becomes an OpenAPI 3.1 description."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, strategies as st
from openapi_spec_validator import validate

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.generate.description import (
    ApiDescription,
    ApiOperation,
    ApiParameter,
    ApiResponse,
    description_text,
    operation_id_for,
    path_names,
)
from arazzo_runner.generate.inferred_schemas import inferred, merged
from arazzo_runner.sources.schema.check import schema_errors

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def _description() -> ApiDescription:
    return ApiDescription(title="Shelves", servers=["https://api.example.com"], notes=["Made from a collection."])


def test_an_operation_is_described_with_what_was_seen_of_it() -> None:
    description = _description()
    description.security_schemes["bearer"] = {"type": "http", "scheme": "bearer"}
    description.security.append({"bearer": []})
    description.add(
        ApiOperation(
            method="POST",
            path="/shelves/{shelf}/books",
            parameters=[ApiParameter(name="shelf", location="path")],
            bodies={"application/json": inferred({"title": "x"})},
            body_required=True,
            responses={"201": ApiResponse(description="Created", content={"application/json": inferred({"id": 1})})},
            security=[],
        )
    )
    text = description_text(description)
    read = yaml.safe_load(text)
    validate(read)
    assert text.startswith("# Made from a collection.\nopenapi: 3.1.0\n")
    assert read["paths"]["/shelves/{shelf}/books"]["post"] == {
        "operationId": "postShelvesByShelfBooks",
        "parameters": [{"name": "shelf", "in": "path", "required": True, "schema": {"type": "string"}}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": inferred({"title": "x"})}},
        },
        "responses": {
            "201": {"description": "Created", "content": {"application/json": {"schema": inferred({"id": 1})}}}
        },
        "security": [],
    }


def test_the_same_request_twice_is_one_operation_and_what_only_one_has_is_optional() -> None:
    description = _description()
    query = ApiParameter(name="page", location="query", required=True)
    first = description.add(
        ApiOperation(method="GET", path="/a/{id}", parameters=[query], responses={"200": ApiResponse()})
    )
    again = description.add(
        ApiOperation(
            method="get",
            path="/a/{key}",
            parameters=[ApiParameter(name="key", location="path")],
            responses={"404": ApiResponse()},
        )
    )
    assert again is first
    assert [(each.name, each.location, each.required) for each in first.parameters] == [
        ("page", "query", False),
        ("id", "path", False),
    ]
    assert list(first.responses) == ["200", "404"]


def test_paths_of_one_form_have_one_name_and_operations_have_ids_of_their_own() -> None:
    description = _description()
    ids = [
        description.add(ApiOperation(method=method, path=path)).operation_id
        for method, path in [("GET", "/a/{id}"), ("PUT", "/a/{key}"), ("GET", "/a/by-id"), ("GET", "/a/by/id")]
    ]
    assert ids == ["getAById", "putAById", "getAById2", "getAById3"]
    assert list(description.tree()["paths"]) == ["/a/{id}", "/a/by-id", "/a/by/id"]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", "getRoot"),
        ("DELETE", "/users/{userId}", "deleteUsersByUserId"),
        ("GET", "/é/ü", "getRoot"),
        ("PATCH", "/v1.2/x_y", "patchV12XY"),
    ],
)
def test_an_operation_id_has_letters_and_digits_only(method: str, path: str, expected: str) -> None:
    assert operation_id_for(method, path) == expected


def test_the_names_of_a_path_are_in_their_order() -> None:
    assert path_names("/b/{x}-{y}/{a}") == ["x", "y", "a"]


@given(_JSON, _JSON)
def test_both_values_fit_the_schema_that_was_inferred_from_them(one: JsonValue, other: JsonValue) -> None:
    both = merged(inferred(one), inferred(other))
    assert not schema_errors(one, inferred(one))
    assert not schema_errors(one, both)
    assert not schema_errors(other, both)
