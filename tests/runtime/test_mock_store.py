"""A stateful mock: what a POST made is what later requests get, change, list and delete."""

from __future__ import annotations

import copy
import json

import pytest

import arazzo_runner
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value
from arazzo_runner.engine.effects import HttpRequest
from arazzo_runner.runtime.mock.api import MockApi, MockChoices, Served
from arazzo_runner.sources.openapi import load_openapi

PET = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string"},
        "status": {"type": "string", "enum": ["free", "sold"]},
        "home": {"type": "object", "properties": {"town": {"type": "string"}, "street": {"type": "string"}}},
    },
}
IDENTIFIER = [{"name": "petId", "in": "path", "required": True, "schema": {"type": "integer"}}]


def answer(schema):
    """Return a Response Object with a JSON body."""
    return {"description": "d", "content": {"application/json": {"schema": schema}}}


def body(schema=PET):
    """Return a Request Body Object of JSON."""
    return {"content": {"application/json": {"schema": schema}}}


NOWHERE = {"description": "not there"}
PATHS = {
    "/pets": {
        "post": {"requestBody": body(), "responses": {"201": answer(PET)}},
        "get": {"responses": {"200": answer({"type": "array", "items": PET})}},
    },
    "/pets/{petId}": {
        "parameters": IDENTIFIER,
        "get": {"responses": {"200": answer(PET), "404": NOWHERE}},
        "put": {"requestBody": body(), "responses": {"200": answer(PET)}},
        "patch": {"requestBody": body(), "responses": {"200": answer(PET), "404": NOWHERE}},
        "delete": {"responses": {"204": {"description": "gone"}, "404": NOWHERE}},
    },
}


def mock(paths=PATHS, *, stateful=True, lenient=False):
    """Return a mock of a description."""
    raw = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": copy.deepcopy(paths)}
    description = load_openapi(from_value(raw, "api.yaml"), None, Problems(), base="file:///api.yaml")
    return MockApi([Served(description)], choices=MockChoices(stateful=stateful, lenient=lenient))


def ask(api, method, path, value=None):
    """Return (status, body) of a request."""
    headers, raw = (
        ((), None) if value is None else ((("Content-Type", "application/json"),), json.dumps(value).encode())
    )
    found = api.handle(HttpRequest(method, path, headers, raw))
    return found.status, json.loads(found.body) if found.body else None


def test_what_was_made_is_found_again_with_its_members():
    api = mock()
    status, made = ask(api, "POST", "/pets", {"name": "Rex", "status": "sold"})
    assert (status, made["name"], made["status"]) == (201, "Rex", "sold")
    assert ask(api, "GET", f"/pets/{made['id']}") == (200, made)


def test_resources_get_ids_of_their_own():
    api = mock()
    made = [ask(api, "POST", "/pets", {"name": name})[1] for name in ("Rex", "Tim", "Ida")]
    assert len({each["id"] for each in made}) == 3
    assert [ask(api, "GET", f"/pets/{each['id']}")[1]["name"] for each in made] == ["Rex", "Tim", "Ida"]
    assert ask(api, "GET", "/pets") == (200, made)


def test_changes_are_seen_by_later_requests():
    api = mock()
    identifier = ask(api, "POST", "/pets", {"name": "Rex", "home": {"town": "Ulm", "street": "Hof 1"}})[1]["id"]
    patched = ask(api, "PATCH", f"/pets/{identifier}", {"home": {"street": "Hof 2"}, "status": "sold"})[1]
    assert patched["home"] == {"town": "Ulm", "street": "Hof 2"}
    ask(api, "PUT", f"/pets/{identifier}", {"name": "Max"})
    found = ask(api, "GET", f"/pets/{identifier}")[1]
    assert (found["id"], found["name"], found["status"]) == (identifier, "Max", "sold")


def test_what_was_deleted_is_gone():
    api = mock()
    first, second = (ask(api, "POST", "/pets", {"name": name})[1] for name in ("Rex", "Tim"))
    assert ask(api, "DELETE", f"/pets/{first['id']}")[0] == 204
    assert [ask(api, method, f"/pets/{first['id']}")[0] for method in ("GET", "DELETE")] == [404, 404]
    assert ask(api, "GET", "/pets") == (200, [second])
    ask(api, "DELETE", f"/pets/{second['id']}")
    assert ask(api, "GET", "/pets")[1] == []


def test_what_a_step_reads_of_a_list_brings_nothing_back(tmp_path):
    raw = copy.deepcopy(PATHS)
    for path, methods in raw.items():
        for method, operation in methods.items():
            if method != "parameters":
                operation["operationId"] = f"{method}-{'one' if '{' in path else 'all'}"
    api = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": "http://a.test"}],
        "paths": raw,
    }
    (tmp_path / "api.json").write_text(json.dumps(api))
    one = {"parameters": [{"name": "petId", "in": "path", "value": "$steps.add.outputs.id"}]}
    read = {"outputs": {"all": "$response.body", "first": "$response.body#/0/name"}}
    steps = [
        {"stepId": "add", "operationId": "post-all", "requestBody": {"payload": {"name": "Rex"}}, "outputs": {"id": "$response.body#/id"}},
        {"stepId": "there", "operationId": "get-all", **read},
        {"stepId": "drop", "operationId": "delete-one", **one},
        {"stepId": "left", "operationId": "get-all", **read},
    ]  # fmt: skip
    document = {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.json", "type": "openapi"}],
        "workflows": [{"workflowId": "w", "steps": steps}],
    }
    (tmp_path / "flow.json").write_text(json.dumps(document))
    result = arazzo_runner.run(tmp_path / "flow.json", mock="stateful")
    found = {each.step_id: each.outputs for each in result.steps}
    assert [pet["name"] for pet in found["there"]["all"]] == ["Rex"]
    assert found["left"]["all"] == []


def test_what_was_never_made_is_made_up_under_its_id_and_can_be_changed():
    api = mock()
    assert ask(api, "GET", "/pets/77")[1]["id"] == 77
    ask(api, "PATCH", "/pets/77", {"name": "Ida"})
    assert ask(api, "GET", "/pets/77")[1]["name"] == "Ida"
    ask(api, "DELETE", "/pets/77")
    assert ask(api, "GET", "/pets/77")[0] == 404
    assert ask(api, "PUT", "/pets/77", {"name": "Back"})[0] == 200
    assert ask(api, "GET", "/pets/77")[1]["name"] == "Back"


@pytest.mark.parametrize(("lenient", "status"), [(False, 200), (True, 404)])
def test_that_something_is_gone_is_said_as_documented(lenient, status):
    paths = copy.deepcopy(PATHS)
    del paths["/pets/{petId}"]["get"]["responses"]["404"]
    api = mock(paths, lenient=lenient)
    ask(api, "DELETE", "/pets/7")
    assert ask(api, "GET", "/pets/7")[0] == status


def test_members_that_the_answer_does_not_document_are_not_answered():
    paths = copy.deepcopy(PATHS)
    short = {"type": "object", "properties": {"id": {"type": "integer"}}}
    paths["/pets"]["post"]["responses"]["201"] = answer(short)
    api = mock(paths)
    made = ask(api, "POST", "/pets", {"name": "Rex"})[1]
    assert set(made) == {"id"}
    assert ask(api, "GET", f"/pets/{made['id']}")[1]["name"] == "Rex"


def test_values_that_the_answer_does_not_allow_are_not_answered():
    paths = copy.deepcopy(PATHS)
    paths["/pets"]["post"]["requestBody"] = body({"type": "object"})
    made = ask(mock(paths), "POST", "/pets", {"status": "lost", "name": "Rex"})[1]
    assert (made["status"], made["name"]) == ("free", "Rex")


def wrapped(schema):
    """Return the schema of an envelope."""
    return {"type": "object", "properties": {"data": schema, "ok": {"type": "boolean"}}}


def test_resources_in_envelopes_are_found_in_them():
    paths = copy.deepcopy(PATHS)
    paths["/pets"]["post"]["responses"]["201"] = answer(wrapped(PET))
    paths["/pets"]["get"]["responses"]["200"] = answer(wrapped({"type": "array", "items": PET}))
    paths["/pets/{petId}"]["get"]["responses"]["200"] = answer(wrapped(PET))
    api = mock(paths)
    ask(api, "POST", "/pets", {"name": "Tim"})
    made = ask(api, "POST", "/pets", {"name": "Rex"})[1]
    assert made["data"]["name"] == "Rex"
    assert ask(api, "GET", f"/pets/{made['data']['id']}")[1] == made
    assert [each["name"] for each in ask(api, "GET", "/pets")[1]["data"]] == ["Tim", "Rex"]


def test_a_resource_may_be_named_by_a_member_of_the_path_variables_name():
    user = {"type": "object", "properties": {"username": {"type": "string"}, "mail": {"type": "string"}}}
    api = mock(
        {
            "/users": {"post": {"requestBody": body(user), "responses": {"201": answer(user)}}},
            "/users/{username}": {
                "parameters": [{"name": "username", "in": "path", "required": True, "schema": {"type": "string"}}],
                "get": {"responses": {"200": answer(user)}},
            },
        }
    )
    ask(api, "POST", "/users", {"username": "ada", "mail": "ada@x.test"})
    ask(api, "POST", "/users", {"username": "bob", "mail": "bob@x.test"})
    assert ask(api, "GET", "/users/bob")[1] == {"username": "bob", "mail": "bob@x.test"}


def test_collections_below_different_resources_are_apart():
    paths = {f"/owners/{{ownerId}}{path}": item for path, item in copy.deepcopy(PATHS).items()}
    for item in paths.values():
        item["parameters"] = [*item.get("parameters", []), {**IDENTIFIER[0], "name": "ownerId"}]
    api = mock(paths)
    ask(api, "POST", "/owners/1/pets", {"name": "Rex"})
    ask(api, "POST", "/owners/2/pets", {"name": "Tim"})
    assert [each["name"] for each in ask(api, "GET", "/owners/2/pets")[1]] == ["Tim"]


def test_without_state_equal_requests_get_equal_answers():
    api = mock(stateful=False)
    assert ask(api, "POST", "/pets", {"name": "Rex"}) == ask(api, "POST", "/pets", {"name": "Tim"})
    ask(api, "DELETE", "/pets/1")
    assert ask(api, "GET", "/pets/1")[0] == 200


def test_equal_requests_in_equal_order_get_equal_answers():
    requests = [
        ("POST", "/pets", {"name": "a"}),
        ("POST", "/pets", {"name": "b"}),
        ("PATCH", "/pets/2", {"status": "sold"}),
        ("DELETE", "/pets/1", None),
        ("GET", "/pets", None),
        ("GET", "/pets/1", None),
    ]
    one, other = mock(), mock()
    assert [ask(one, *each) for each in requests] == [ask(other, *each) for each in requests]
