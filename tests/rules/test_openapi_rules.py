"""Steps against descriptions: certain mismatches are reported, possible ones are not."""

from __future__ import annotations

import pytest

from tests.rules.small import answer, codes, description

PET = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "object", "properties": {"key": {"type": "string"}}}},
        "free": {"type": "boolean"},
        "state": {"enum": ["new", "old"]},
    },
}
REFERENCE = {"$ref": "#/components/schemas/Pet"}


def found(folder, operation, step, *, inputs=None, method="get", before=()):
    api = description({f"{method} /a": {"operationId": "a", **operation}, "get /b": {"operationId": "b",
                       "responses": {"200": answer(REFERENCE)}}}, schemas={"Pet": PET})  # fmt: skip
    workflow = {"workflowId": "w", "steps": [*before, {"stepId": "s", "operationId": "a", **step}]}
    if inputs is not None:
        workflow["inputs"] = {"type": "object", "properties": inputs}
    return [code for code, *_ in codes(folder, api, [workflow], group="openapi")]


def reads(expression):
    return {"outputs": {"o": expression}}


GET = {"responses": {"200": answer(REFERENCE), "404": answer({"properties": {"error": {}}})}}
RESPONSES = {
    "a member": (GET, reads("$response.body#/name"), []),
    "a member that is not there": (GET, reads("$response.body#/nome"), ["unknown-response-member"]),
    "a member of an answer to a failure": (GET, reads("$response.body#/error"), []),
    "a list without its item": (GET, reads("$response.body#/tags/key"), ["unknown-response-member"]),
    "an item of a list": (GET, reads("$response.body#/tags/0/key"), []),
    "a member of an item": (GET, reads("$response.body#/tags/0/kex"), ["unknown-response-member"]),
    "a member of a text": (GET, reads("$response.body#/name/first"), ["unknown-response-member"]),
    "a schema that names nothing": ({"responses": {"200": answer({"type": "object"})}}, reads("$response.body#/x"), []),
    "a schema that allows others": (
        {"responses": {"200": answer({"properties": {"a": {}}, "additionalProperties": True})}}, reads("$response.body#/x"), []),
    "one of several forms has it": (
        {"responses": {"200": answer({"oneOf": [REFERENCE, {"properties": {"x": {}}}]})}}, reads("$response.body#/x"), []),
    "none of several forms has it": (
        {"responses": {"200": answer({"oneOf": [REFERENCE, {"properties": {"y": {}}}]})}}, reads("$response.body#/x"),
        ["unknown-response-member"]),
    "what allOf adds": (
        {"responses": {"200": answer({"allOf": [REFERENCE, {"properties": {"x": {}}}]})}}, reads("$response.body#/x"), []),
    "a schema with subtypes": (
        {"responses": {"200": answer({"properties": {"a": {}}, "discriminator": {"propertyName": "a"}})}}, reads("$response.body#/x"), []),
    "a response whose body is not described": ({"responses": {"200": {"description": "ok"}}}, reads("$response.body#/x"), []),
    "only failures are described": (
        {"responses": {"200": {"description": "ok"}, "404": answer(REFERENCE)}}, reads("$response.body#/x"), []),
    "a body that is not JSON": (
        {"responses": {"200": {"description": "x", "content": {"text/xml": {"schema": REFERENCE}}}}}, reads("$response.body#/x"), []),
    "a reference that points to nothing": (
        {"responses": {"200": answer({"$ref": "#/components/schemas/Gone"})}}, reads("$response.body#/x"), []),
    "a JSONPath to a member that is not there": (
        GET, {"successCriteria": [{"context": "$response.body", "condition": "$.nome", "type": "jsonpath"}]}, ["unknown-response-member"]),
    "a JSONPath through every item": (
        GET, {"successCriteria": [{"context": "$response.body", "condition": "$.tags[*].kex", "type": "jsonpath"}]}, ["unknown-response-member"]),
    "a JSONPath that searches": (
        GET, {"successCriteria": [{"context": "$response.body", "condition": "$..nome", "type": "jsonpath"}]}, []),
    "a body where none comes": ({"responses": {"204": {"description": "gone"}}}, reads("$response.body#/x"), ["no-response-body"]),
    "a body where one may come": (
        {"responses": {"200": answer(REFERENCE), "204": {"description": "gone"}}}, reads("$response.body#/id"), []),
    "a header that is not described": (
        {"responses": {"200": answer(REFERENCE, headers={"X-One": {}})}}, reads("$response.header.X-Two"), ["header-not-documented"]),
    "a header that any server may send": (GET, reads("$response.header.Location"), []),
    "a header in another case": (
        {"responses": {"200": answer(REFERENCE, headers={"X-One": {}})}}, reads("$response.header.x-one"), []),
}  # fmt: skip


@pytest.mark.parametrize(("operation", "step", "expected"), RESPONSES.values(), ids=RESPONSES)
def test_parts_of_responses_that_a_step_reads(tmp_path, operation, step, expected):
    assert found(tmp_path, operation, step) == expected


def holds(*conditions):
    return {"successCriteria": [{"condition": condition} for condition in conditions]}


CONDITIONS = {
    "a status that is documented": (["200", "404"], holds("$statusCode == 200"), []),
    "a status that is not": (["201"], holds("$statusCode == 200"), ["status-not-documented"]),
    "one of two statuses": (["201"], holds("$statusCode == 200 || $statusCode == 201"), []),
    "a range": (["201"], holds("$statusCode >= 200 && $statusCode < 300"), []),
    "a range of the description": (["2XX"], holds("$statusCode == 206"), []),
    "a default": (["default"], holds("$statusCode == 206"), []),
    "no criteria, and no 2xx": (["302"], {}, ["status-not-documented"]),
    "a failure that is looked for": (["200", "404"], holds("$statusCode == 404"), []),
    "only failures are documented": (["400"], holds("$statusCode == 200"), []),
    "no responses at all": ([], holds("$statusCode == 200"), []),
    "a number as it is": (["200"], holds("$response.body#/id == 7"), []),
    "a number as a text of digits": (["200"], holds("$response.body#/id == '7'"), []),
    "a number and a word": (["200"], holds("$response.body#/id == 'seven'"), ["impossible-comparison"]),
    "a boolean and a text": (["200"], holds("$response.body#/free == 'true'"), ["impossible-comparison"]),
    "a boolean": (["200"], holds("$response.body#/free == true"), []),
    "null, which is what is missing": (["200"], holds("$response.body#/id == null"), []),
    "unlike null": (["200"], holds("$response.body#/id != null"), []),
    "unlike a word": (["200"], holds("$response.body#/id != 'seven'"), []),
    "a listed value, whatever its case": (["200"], holds("$response.body#/state == 'NEW'"), []),
    "a value that is not listed": (["200"], holds("$response.body#/state == 'fresh'"), ["impossible-comparison"]),
    "a text less than a number": (["200"], holds("$response.body#/name < 5"), []),
    "a list less than a number": (["200"], holds("$response.body#/tags < 5"), ["impossible-comparison"]),
    "how long a list is": (["200"], holds("$response.body.tags.length > 0"), []),
    "constant on the left": (["200"], holds("'true' == $response.body#/free"), ["impossible-comparison"]),
}  # fmt: skip


@pytest.mark.parametrize(("statuses", "step", "expected"), CONDITIONS.values(), ids=CONDITIONS)
def test_values_that_conditions_compare(tmp_path, statuses, step, expected):
    operation = {"responses": {status: answer(REFERENCE) for status in statuses}}
    assert found(tmp_path, operation, step) == expected


NEW = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "kind": {"enum": ["cat", "dog"]},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
FORM = "application/x-www-form-urlencoded"
PAYLOADS = {
    "what fits": ({"name": "Rex", "age": 3}, NEW, []),
    "a required member that is not there": ({"age": 3}, NEW, ["missing-payload-member"]),
    "a member of the wrong type": ({"name": 3}, NEW, ["payload-mismatch"]),
    "an item of the wrong type": ({"name": "Rex", "tags": ["a", 1]}, NEW, ["payload-mismatch"]),
    "a value that is not listed": ({"name": "Rex", "kind": "cow"}, NEW, ["payload-mismatch"]),
    "a member only answers have": ({"name": "Rex", "id": 1}, NEW, ["read-only-member"]),
    "another member of an open schema": ({"name": "Rex", "colour": "red"}, NEW, []),
    "a misspelt member of an open schema": ({"name": "Rex", "kin": "cat"}, NEW, ["unknown-payload-member"]),
    "another member of a closed schema": (
        {"name": "Rex", "colour": "red"}, {**NEW, "additionalProperties": False}, ["unknown-payload-member"]),
    "a computed member may be anything": ({"name": "$inputs.any", "age": "$inputs.any"}, NEW, []),
    "a computed member of another type": ({"name": "Rex", "age": "$inputs.text"}, NEW, ["payload-mismatch"]),
    "a number that may be an integer": ({"name": "Rex", "age": "$inputs.number"}, NEW, []),
    "a computed member with other values": ({"name": "Rex", "kind": "$inputs.colour"}, NEW, ["payload-mismatch"]),
    "a text with an expression is a text": ({"name": "Rex", "age": "{$inputs.any} years"}, NEW, ["payload-mismatch"]),
    "an output of a step before": ({"name": "$steps.first.outputs.id"}, NEW, ["payload-mismatch"]),
    "a whole payload that is computed": ("$inputs.any", NEW, []),
    "JSON as text": ('{"name": "{$inputs.any}", "age": {$inputs.any}}', NEW, []),
    "JSON as text without a member": ('{"age": {$inputs.any}}', NEW, ["missing-payload-member"]),
    "text that is not JSON": ("hello", NEW, []),
    "one of several forms": ({"name": "$inputs.any"}, {"oneOf": [NEW, {**NEW, "required": ["age"]}]}, []),
    "none of several forms": ({"age": "$inputs.any", "name": 3}, {"oneOf": [NEW, {"required": ["x"]}]}, ["payload-mismatch"]),
    "what is forbidden may not come": ({"name": "$inputs.any"}, {"not": {"required": ["name"]}}, []),
    "a part of an allOf that is closed means its own members": (
        {"name": "Rex", "chip": 1}, {"allOf": [{**NEW, "additionalProperties": False}, {"properties": {"chip": {}}}]}, []),
    "a part of an allOf that types all others means them": (
        {"name": "Rex", "chip": 1},
        {"allOf": [{**NEW, "additionalProperties": {"type": "object"}}, {"properties": {"chip": {"type": "integer"}}}]}, []),
    "a schema of which all is readOnly": ({"id": 1}, {"properties": {"id": {"readOnly": True}}}, []),
    "a schema that is broken": ({"name": "Rex"}, {"type": 7}, []),
}  # fmt: skip
INPUTS = {"any": {}, "text": {"type": "string"}, "number": {"type": "number"}, "colour": {"enum": ["red", "blue"]}}


@pytest.mark.parametrize(("payload", "schema", "expected"), PAYLOADS.values(), ids=PAYLOADS)
def test_values_that_a_step_sends(tmp_path, payload, schema, expected):
    operation = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    first = {"stepId": "first", "operationId": "b", "outputs": {"id": "$response.body#/id"}}
    step = {"requestBody": {"contentType": "application/json", "payload": payload}}
    assert found(tmp_path, operation, step, inputs=INPUTS, method="post", before=[first]) == expected


BODIES = {
    "a body that is required": ({"required": True}, {}, ["missing-body"]),
    "a body that is not": ({}, {}, []),
    "a replacement gives the member": (
        {}, {"payload": {}, "replacements": [{"target": "/name", "value": "Rex"}]}, []),
    "a replacement of unknown reach": (
        {}, {"payload": {}, "contentType": "application/json",
             "replacements": [{"target": "$.name", "value": "Rex"}]}, []),
    "another content type": ({}, {"contentType": FORM, "payload": {"name": "Rex"}}, ["content-type-not-offered"]),
    "a content type with parameters": ({}, {"contentType": "application/json; charset=utf-8", "payload": {"name": "R"}}, []),
}  # fmt: skip


@pytest.mark.parametrize(("declared", "body", "expected"), BODIES.values(), ids=BODIES)
def test_whether_a_step_sends_a_body(tmp_path, declared, body, expected):
    operation = {"requestBody": {"content": {"application/json": {"schema": NEW}}, **declared}}
    assert found(tmp_path, operation, {"requestBody": body} if body else {}, method="post") == expected


def test_names_of_a_form_are_checked_and_its_types_are_not(tmp_path):
    operation = {"requestBody": {"content": {FORM: {"schema": NEW}}}}
    fits = {"requestBody": {"contentType": FORM, "payload": {"name": "Rex", "age": "three"}}}
    lacks = {"requestBody": {"contentType": FORM, "payload": {"age": "3"}}}
    assert found(tmp_path, operation, fits, method="post") == []
    assert found(tmp_path, operation, lacks, method="post") == ["missing-payload-member"]


def test_a_body_that_no_operation_takes(tmp_path):
    step = {"requestBody": {"contentType": "application/json", "payload": {}}}
    assert found(tmp_path, {}, step, method="delete") == ["unexpected-body"]


PARAMETERS = {
    "a number": ({"type": "integer"}, 3, []),
    "a number as text": ({"type": "integer"}, "3", []),
    "a word for a number": ({"type": "integer"}, "three", ["parameter-mismatch"]),
    "a number for a text": ({"type": "string"}, 3, []),
    "a boolean as text": ({"type": "boolean"}, "true", []),
    "too large a number": ({"type": "integer", "maximum": 10}, 11, ["parameter-mismatch"]),
    "a value that is not listed": ({"enum": ["a", "b"]}, "c", ["parameter-mismatch"]),
    "a list": ({"type": "array", "items": {"type": "integer"}}, ["1", 2], []),
    "a text for a list": ({"type": "array", "items": {"type": "integer"}}, "1,2", []),
    "one number for a list": ({"type": "array", "items": {"type": "integer"}}, 1, []),
    "a list with a value that is not listed": ({"type": "array", "items": {"enum": ["a"]}}, ["b"], ["parameter-mismatch"]),
    "an input that may be a number": ({"type": "integer"}, "$inputs.text", []),
    "an input with other values": ({"enum": ["a", "b"]}, "$inputs.colour", ["parameter-mismatch"]),
    "a whole object for a text": ({"type": "string"}, "$steps.first.outputs.pet", ["parameter-mismatch"]),
    "a whole object for an object": ({"type": "object"}, "$steps.first.outputs.pet", []),
    "a text with an expression": ({"type": "integer"}, "{$inputs.any}0", []),
}  # fmt: skip


@pytest.mark.parametrize(("schema", "value", "expected"), PARAMETERS.values(), ids=PARAMETERS)
def test_locations_and_values_of_parameters(tmp_path, schema, value, expected):
    operation = {"parameters": [{"name": "q", "in": "query", "schema": schema}]}
    first = {"stepId": "first", "operationId": "b", "outputs": {"pet": "$response.body"}}
    step = {"parameters": [{"name": "q", "in": "query", "value": value}]}
    assert found(tmp_path, operation, step, inputs=INPUTS, before=[first]) == expected


REQUIRED = {
    "a query parameter that is not given": ({"name": "q", "in": "query", "required": True}, [], ["missing-parameter"]),
    "one that is given": ({"name": "q", "in": "query", "required": True}, [{"name": "q", "in": "query", "value": 1}], []),
    "a header, whatever its case": ({"name": "X-A", "in": "header", "required": True}, [{"name": "x-a", "in": "header", "value": 1}], []),
    "a cookie may come by itself": ({"name": "sid", "in": "cookie", "required": True}, [], []),
    "one that is not required": ({"name": "q", "in": "query"}, [], []),
}  # fmt: skip


@pytest.mark.parametrize(("declared", "given", "expected"), REQUIRED.values(), ids=REQUIRED)
def test_parameters_that_are_sent(tmp_path, declared, given, expected):
    operation = {"parameters": [{**declared, "schema": {"type": "string"}}]}
    assert found(tmp_path, operation, {"parameters": given} if given else {}) == expected


def test_a_chain_of_outputs_is_followed_and_a_very_long_one_ends(tmp_path):
    links = [{"stepId": "first", "operationId": "b", "outputs": {"o": "$response.body#/id"}}]
    for number in range(300):
        before = links[-1]["stepId"]
        links.append({"stepId": f"n{number}", "operationId": "b", "outputs": {"o": f"$steps.{before}.outputs.o"}})
    operation = {"requestBody": {"content": {"application/json": {"schema": NEW}}}}
    step = {"requestBody": {"contentType": "application/json", "payload": {"name": "$steps.n299.outputs.o"}}}
    assert found(tmp_path, operation, step, method="post", before=links) == ["payload-mismatch"]
    backwards = [links[0], *reversed(links[1:])]
    assert found(tmp_path, operation, {}, method="post", before=backwards) == []


def branching(depth, leaf):
    """Return schemas of which each is one of twice the next: 2^depth ways down, and a circle at the end."""
    schemas = {
        f"S{number}": {"oneOf": [{"$ref": f"#/components/schemas/S{number + 1}"}] * 9} for number in range(depth)
    }
    return {**schemas, f"S{depth}": {"oneOf": [{"$ref": "#/components/schemas/S0"}, leaf]}}


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        pytest.param(
            {"properties": {"x": {"enum": ["a"]}}}, ["impossible-comparison"], id="a member in the last branch"
        ),
        pytest.param({"properties": {"y": {}}}, ["unknown-response-member"], id="none in any branch"),
    ],
)
def test_endlessly_branching_schemas_are_searched_once(tmp_path, leaf, expected):
    api = description(
        {"get /a": {"operationId": "a", "responses": {"200": answer({"$ref": "#/components/schemas/S0"})}}},
        schemas=branching(30, leaf),
    )
    steps = [{"stepId": "s", "operationId": "a", **holds("$response.body#/x == 'b'")}]
    found = codes(tmp_path, api, [{"workflowId": "w", "steps": steps}], group="openapi")
    assert [code for code, *_ in found] == expected
