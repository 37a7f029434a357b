"""The mock API: answers from examples and schemas, checks of requests, scenarios, over loopback too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import arazzo_runner
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value
from arazzo_runner.engine.effects import HttpRequest, HttpResponse, SendRequest
from arazzo_runner.engine.run import drive
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.runtime.http import BlockingWorld
from arazzo_runner.runtime.mock.api import MockApi, MockServer, Served, mock_server, served_descriptions, with_servers
from arazzo_runner.runtime.mock.sampler import sample
from arazzo_runner.runtime.mock.scenario import Drop, read_scenario
from arazzo_runner.sources.openapi import load_openapi
from arazzo_runner.sources.schema.check import SchemaContext

ROOT = Path(__file__).parents[2]
SEED = ROOT / "specs" / "arazzo" / "prismatic-rotate-refresh-token-workflow.yml"
SCENARIO = ROOT / "fixtures" / "scenarios" / "prismatic-tokens.yml"

SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
    "tls": {"type": "mutualTLS"},
}
API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "components": {"securitySchemes": SCHEMES, "schemas": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}, "id": {"type": "integer"}}}}},
    "paths": {
        "/things": {
            "get": {"parameters": [{"name": "q", "in": "query", "required": True, "schema": {"type": "string"}}],
                    "responses": {"200": {"description": "", "headers": {"X-Total": {"schema": {"type": "integer", "default": 3}}},
                                          "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}}}}}},
            "post": {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}}}},
                     "responses": {"201": {"description": "", "content": {"application/json": {"example": {"id": 9}}}}}},
        },
        "/things/{id}": {"get": {"responses": {"default": {"description": "", "content": {"text/plain": {"schema": {"type": "string", "example": "hi"}}}}}},
                         "delete": {"responses": {"204": {"description": ""}}}},
        "/things/special": {"get": {"responses": {"2XX": {"description": "", "content": {"application/json": {"example": "special"}}}}}},
        "/head": {"get": {"parameters": [{"name": "X-Need", "in": "header", "required": True}], "responses": {}}},
        **{f"/secure/{name}": {"get": {"security": [{name: []}], "responses": {"200": {"description": ""}}}} for name in SCHEMES},
    },
}  # fmt: skip


def api(value=API):
    return MockApi([Served(load_openapi(from_value(value, "api.yaml"), None, Problems(), base="file:///api.yaml"))])


def ask(mock, method, url, body=None, headers=()):
    raw = None if body is None else json.dumps(body).encode()
    given = (("Content-Type", "application/json"), *headers) if body is not None else tuple(headers)
    return mock.handle(HttpRequest(method, url, given, raw))


@pytest.mark.parametrize(
    ("method", "url", "status", "body"),
    [
        pytest.param("GET", "/things?q=1", 200, [{"next": {}, "id": 1}], id="a sample of the schema, circles end"),
        pytest.param("GET", "/things/5", 200, "hi", id="the default response, as text"),
        pytest.param("GET", "/things/special", 200, "special", id="literal segments win over variables"),
        pytest.param("DELETE", "/things/5", 204, None, id="no content"),
        pytest.param("HEAD", "/things/5", 200, "hi", id="HEAD is answered like GET"),
        pytest.param("GET", "/nowhere", 404, None, id="an unknown path"),
        pytest.param("PATCH", "/things/5", 405, None, id="a method the path does not take"),
        pytest.param("GET", "/things", 400, None, id="a required query parameter is missing"),
        pytest.param("GET", "/head", 400, None, id="a required header is missing"),
    ],
)
def test_operation_is_answered_from_its_description(method, url, status, body):
    answer = ask(api(), method, url)
    assert answer.status == status
    if status == 200:
        text = answer.body.decode()
        found = json.loads(text) if "json" in answer.header("content-type") else text
        assert (found[0]["id"] == 1) if isinstance(body, list) else (found == body)


def test_documented_headers_are_sent():
    assert ask(api(), "GET", "/things?q=1").header("x-total") == "3"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "detail"),
    [
        pytest.param(b'{"name": "x"}', "application/json", 201, None, id="a body that fits"),
        pytest.param(b"", "application/json", 400, "is missing", id="no body"),
        pytest.param(b"{}", "application/json", 422, 'lacks "name"', id="a member is missing"),
        pytest.param(b"{oops", "application/json", 400, "not JSON", id="broken JSON"),
        pytest.param(b"name=x", "text/csv", 415, "text/csv", id="another media type"),
    ],
)
def test_a_wrong_body_is_refused_with_a_reason(body, content_type, status, detail):
    answer = api().handle(HttpRequest("POST", "/things", (("Content-Type", content_type),), body))
    assert answer.status == status
    if detail is not None:
        assert detail in json.loads(answer.body)["detail"]


FORM_API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/forms": {
            "post": {
                "operationId": "send",
                "requestBody": {"content": {
                    "application/x-www-form-urlencoded": {"schema": {"type": "object", "required": ["a"]}},
                    "multipart/form-data": {"schema": {"type": "object", "required": ["a"]}},
                }},
                "responses": {"200": {"description": ""}},
            }
        }
    },
}  # fmt: skip
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


def part(disposition, content, more=b""):
    return b"--b\r\nContent-Disposition: form-data; " + disposition + b"\r\n" + more + b"\r\n" + content + b"\r\n"


@pytest.mark.parametrize(
    ("content_type", "body", "status", "seen"),
    [
        pytest.param(FORM, b"a=%C3%BC+x&b=1&b=2&c=", 200, {"a": "ü x", "b": ["1", "2"], "c": ""}, id="a form"),
        pytest.param(FORM, b"b=1", 422, 'the form lacks "a"', id="a form without a member it needs"),
        pytest.param(FORM, b"a=\xff", 400, "not a form", id="bytes that are not a form"),
        pytest.param(MULTIPART, part(b'name="a"', b"1") + part(b'name="a"', b"2") + b"--b--", 200, {"a": ["1", "2"]}, id="parts"),
        pytest.param(MULTIPART, part(b'name="a"', b"[1]", b"Content-Type: application/json\r\n") + b"--b--", 200, {"a": [1]}, id="a part of JSON"),
        pytest.param(MULTIPART, part(b'name="a"; filename="x"', b"t", b"Content-Type: text/css\r\n") + b"--b--", 200,
                     {"a": {"filename": "x", "contentType": "text/css", "size": 1, "content": "t"}}, id="a file of text"),
        pytest.param(MULTIPART, part(b'name="a"; filename="x"', b"\xff\0\r\n", b"Content-Type: image/png\r\n") + b"--b--", 200,
                     {"a": {"filename": "x", "contentType": "image/png", "size": 4}}, id="a file of bytes"),
        pytest.param(MULTIPART, part(b'name="c"', b"1") + b"--b--", 422, 'the form lacks "a"', id="parts without one they need"),
        pytest.param(MULTIPART, b"nothing of the kind", 400, "not a form", id="a body without its boundary"),
        pytest.param("multipart/form-data", part(b'name="a"', b"1"), 400, "not a form", id="no boundary stated"),
    ],
)  # fmt: skip
def test_a_form_is_checked_and_seen_by_its_members(tmp_path, content_type, body, status, seen):
    (tmp_path / "echo.yml").write_text("rules: [{operation: send, answer: {body: $request.body}}]")
    description = load_openapi(from_value(FORM_API, "api.yaml"), None, Problems(), base="file:///api.yaml")
    mock = MockApi([Served(description)], read_scenario(tmp_path / "echo.yml"))
    answer = mock.handle(HttpRequest("POST", "/forms", (("Content-Type", content_type),), body))
    found = json.loads(answer.body)
    assert answer.status == status
    assert (found == seen) if status == 200 else (seen in found["detail"])


@pytest.mark.parametrize(
    ("scheme", "url", "headers"),
    [
        ("bearer", "/secure/bearer", [("Authorization", "Bearer abc")]),
        ("basic", "/secure/basic", [("Authorization", "Basic abc")]),
        ("key", "/secure/key", [("X-Key", "abc")]),
        ("query", "/secure/query?key=abc", []),
        ("cookie", "/secure/cookie", [("Cookie", "a=1; sid=2")]),
        ("tls", "/secure/tls", []),
    ],
)
def test_missing_credentials_are_refused(scheme, url, headers):
    assert ask(api(), "GET", url, headers=headers).status == 200
    if scheme != "tls":
        bare = ask(api(), "GET", url.partition("?")[0])
        assert bare.status == 401
        assert bare.header("www-authenticate")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": "uuid"}, "00000000-0000-4000-8000-000000000000"),
        ({"type": "string", "minLength": 10}, "exampleexa"),
        ({"type": "string", "maxLength": 3}, "exa"),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "maximum": 0}, 0),
        ({"type": "number", "exclusiveMinimum": 4}, 5),
        ({"type": ["null", "boolean"]}, True),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 4}, 4),
        ({"examples": [7]}, 7),
        ({"oneOf": [{"type": "null"}, {"type": "integer"}]}, 1),
        ({"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]}, {"a": 1, "b": 2}),
        ({"type": "array", "items": {"const": 1}, "minItems": 2}, [1, 1]),
        ({"properties": {"a": {"const": 1}, "p": {"writeOnly": True}}}, {"a": 1}),
        ({}, {}),
        ({"required": ["a"]}, {"a": "example"}),
        ({"required": ["a"], "properties": {"b": {"const": 1}}}, {"b": 1, "a": "example"}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"example": 1}),
        ({"type": "integer", "multipleOf": 5, "minimum": 7}, 10),
        ({"type": "integer", "minimum": 4, "exclusiveMinimum": True}, 5),
        ({"type": "null"}, None),
        ({"items": {"const": 1}}, [1]),
        (True, None),
    ],
)
def test_sample_matches_its_schema(schema, expected):
    assert sample(schema) == expected


# ------------------------------------------------------------------ scenarios


def seed_api(*switches):
    program = arazzo_runner.load(SEED)
    return MockApi(served_descriptions(program), read_scenario(SCENARIO, switches))


def refresh(mock, token):
    return ask(mock, "POST", "/auth/refresh", {"refresh_token": token})


def test_a_refresh_token_works_once_and_a_replay_kills_the_family():
    mock = seed_api()
    first = json.loads(refresh(mock, "demo-refresh-token-1").body)
    bearer = [("Authorization", f"Bearer {first['access_token']}")]
    assert ask(mock, "POST", "/api", {"query": "{a}"}, bearer).status == 200
    assert refresh(mock, "demo-refresh-token-1").status == 401
    assert ask(mock, "POST", "/api", {"query": "{a}"}, bearer).status == 401
    assert refresh(mock, first["refresh_token"]).status == 401


def test_revoking_a_spent_token_leaves_the_new_ones_alone():
    mock = seed_api()
    first = json.loads(refresh(mock, "demo-refresh-token-1").body)
    assert ask(mock, "POST", "/auth/revoke", {"refresh_token": "demo-refresh-token-1"}).status == 200
    assert refresh(mock, first["refresh_token"]).status == 200
    assert ask(mock, "POST", "/auth/revoke", {"refresh_token": "never seen"}).status == 401


@pytest.mark.parametrize(
    ("switch", "statuses"),
    [("refresh-401", [401, 401]), ("refresh-503-twice", [503, 503, 200])],
)
def test_switches_make_the_api_fail(switch, statuses):
    mock = seed_api(switch)
    assert [refresh(mock, "demo-refresh-token-1").status for _ in statuses] == statuses


def test_a_lost_answer_is_acted_on_but_not_sent():
    mock = seed_api("lost-answer")
    assert isinstance(refresh(mock, "demo-refresh-token-1"), Drop)
    assert refresh(mock, "demo-refresh-token-1").status == 401
    assert [entry.status for entry in mock.log] == [0, 401]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("rules: 1", "mapping with rules", id="no rules"),
        pytest.param("rules: [{answer: {}}]", "with an operation", id="a rule without operation"),
        pytest.param("rules: [{operation: a, then: 1}]", 'no "then"', id="an unknown field"),
        pytest.param("rules: [{operation: a, when: ['$statusCode ===']}]", "not an operator", id="a broken condition"),
        pytest.param("rules: [{operation: a, when: [{value: x}]}]", "value and in", id="a condition without set"),
        pytest.param("rules: [", "YAML", id="broken YAML"),
    ],
)
def test_a_broken_scenario_is_one_clear_error(tmp_path, text, message):
    path = tmp_path / "s.yml"
    path.write_text(text)
    with pytest.raises(InvalidUsage, match=message):
        read_scenario(path)


def test_an_unknown_switch_and_a_missing_file_are_reported(tmp_path):
    with pytest.raises(InvalidUsage, match=r'no switch "refresh-402".*refresh-401'):
        read_scenario(SCENARIO, ["refresh-402"])
    with pytest.raises(InvalidUsage, match="cannot be read"):
        read_scenario(tmp_path / "gone.yml")


def test_conditions_changes_and_templates_of_a_scenario(tmp_path):
    path = tmp_path / "s.yml"
    path.write_text(
        "sets: {seen: [x]}\ncounters: {n: 4}\nrules:\n"
        "- {operation: /paths/~1things/get, when: [\"$request.query.q == 'b'\"], do: [{count: n}, {clear: seen}], "
        "answer: {status: 202, headers: {X-N: 'n-{$inputs.n}'}, body: {n: $inputs.n, list: ['{$inputs.n}', 1], gone: $request.query.z}}}\n"
        "- {operation: /paths/~1things/get, when: [{value: x, in: seen}], answer: {body: text}}\n"
    )
    mock = api()
    mock.scenario = read_scenario(path)
    assert ask(mock, "GET", "/things?q=a").body == b"text"
    answer = ask(mock, "GET", "/things?q=b")
    assert (answer.status, answer.header("x-n"), json.loads(answer.body)) == (
        202,
        "n-5",
        {"n": 5, "list": ["5", 1], "gone": ""},
    )
    assert ask(mock, "GET", "/things?q=a").header("content-type") == "application/json"


# ------------------------------------------------------------------ served


def test_it_is_served_on_loopback_with_keep_alive():
    with MockServer(api()) as server, BlockingWorld() as world:
        for number in range(3):
            sent = HttpRequest(
                "POST", f"{server.url}/things", (("Content-Type", "application/json"),), b'{"name": "x"}'
            )
            answer = drive(world.perform(SendRequest(key=f"k{number}", request=sent, timeout=5.0)))
            assert isinstance(answer, HttpResponse)
            assert (answer.status, json.loads(answer.body)) == (201, {"id": 9})
        gone = drive(
            world.perform(SendRequest(key="d", request=HttpRequest("DELETE", f"{server.url}/things/1"), timeout=5.0))
        )
        assert gone.status == 204
    assert [entry.method for entry in server.api.log] == ["POST", "POST", "POST", "DELETE"]


def test_the_requests_of_the_seed_are_exactly_those_of_its_document():
    program = arazzo_runner.load(SEED)
    with mock_server(program, scenario=SCENARIO) as server:
        result = arazzo_runner.run(with_servers(program, server.urls), inputs={"refreshToken": "demo-refresh-token-1"})
    assert result.status == "succeeded"
    assert result.outputs == {"accessToken": "demo-access-token-2", "revokedStatus": 200}
    first, second, third = server.api.log
    assert [(entry.method, entry.path, entry.status) for entry in server.api.log] == [
        ("POST", "/auth/refresh", 200), ("POST", "/api", 200), ("POST", "/auth/revoke", 200),
    ]  # fmt: skip
    assert json.loads(first.body) == {"refresh_token": "demo-refresh-token-1"} == json.loads(third.body)
    assert second.header("Authorization") == "Bearer demo-access-token-2"
    assert json.loads(second.body)["query"].split() == [
        "query",
        "listCustomers",
        "{",
        "customers",
        "{",
        "nodes",
        "{",
        "id",
        "name",
        "externalId",
        "}",
        "}",
        "}",
    ]


def test_a_dry_run_sends_nothing_and_shows_every_request():
    result = arazzo_runner.dry_run(SEED, inputs={"refreshToken": "demo-refresh-token-1"})
    assert [step.attempts[0].request.url for step in result.steps] == [
        f"https://app.prismatic.io{path}" for path in ("/auth/refresh", "/api", "/auth/revoke")
    ]
    assert result.steps[1].attempts[0].request.header("authorization") == "Bearer demo-access-token-1"


def test_a_schema_that_branches_into_itself_is_sampled_once():
    """Every member may hold all of it again: eight levels of ten members would be a hundred million values."""
    node: dict = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    node["properties"] |= {f"child{number}": {"$ref": "#/node"} for number in range(10)}
    node["properties"] |= {f"list{number}": {"type": "array", "items": {"$ref": "#/node"}} for number in range(10)}

    def resolve(schema, base):
        return (node if schema == {"$ref": "#/node"} else schema), base

    context = SchemaContext(resolve=resolve)
    assert sample({"$ref": "#/node"}, context) == {"id": 1}
    assert sample({"type": "array", "items": {"$ref": "#/node"}}, context) == [{"id": 1}]


def test_a_wide_and_deep_schema_gives_a_sample_of_bounded_size():
    schema: dict = {"type": "string"}
    for _ in range(7):
        schema = {"type": "object", "properties": {f"p{number}": schema for number in range(12)}}
    assert len(json.dumps(sample(schema))) < 500_000
