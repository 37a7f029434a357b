"""Building requests: values, bodies, cookies and inputs as they really go out."""

from __future__ import annotations

import json

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.engine.inputs import coerce_text, prepare_inputs
from arazzo_runner.runtime.scripted import ScriptedWorld

API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test/v1"}],
    "paths": {
        "/a": {"post": {"operationId": "post", "requestBody": {"content": {"application/json": {}}}, "responses": {"200": {"content": {"application/json": {}, "application/xml": {}}}}}},
        "/any": {"post": {"operationId": "any", "requestBody": {"content": {"*/*": {}}}}},
        "/image": {"post": {"operationId": "image", "requestBody": {"content": {"image/*": {}}}}},
        "/form": {"post": {"operationId": "form", "requestBody": {"content": {"application/x-www-form-urlencoded": {}}}}},
        "/multipart": {"post": {"operationId": "multipart", "requestBody": {"content": {"multipart/form-data": {"encoding": {"doc": {"contentType": "application/xml"}}}}}}},
        "/q": {"get": {"operationId": "q", "parameters": [{"name": "all", "in": "querystring", "content": {"application/x-www-form-urlencoded": {}}}]}},
        "/qj": {"get": {"operationId": "qj", "parameters": [{"name": "all", "in": "querystring", "content": {"application/json": {}}}]}},
        "/xml": {"post": {"operationId": "xml", "requestBody": {"content": {"application/xml": {}}}}},
        "/p/{id}": {"get": {"operationId": "get", "parameters": [{"name": "id", "in": "path", "required": True}, {"name": "must", "in": "query", "required": True},
                                                                {"name": "c", "in": "cookie"}]}},
    },
}  # fmt: skip


@pytest.fixture
def send(tmp_path):
    (tmp_path / "api.json").write_text(json.dumps(API))

    def run(step, inputs=None, script=({"request": "POST /v1/a", "times": 0, "body": {"ok": True}},), schema=None):
        value = {
            "arazzo": "1.1.0",
            "info": {"title": "t", "version": "1"},
            "sourceDescriptions": [{"name": "api", "url": (tmp_path / "api.json").as_uri()}],
            "workflows": [{"workflowId": "w", "steps": step if isinstance(step, list) else [{"stepId": "s", **step}]}],
        }
        declared = {"properties": {name: {} for name in ("gone", "id", "m", *(inputs or {}))}}
        value["workflows"][0]["inputs"] = declared if schema is None else schema
        world = ScriptedWorld(script)
        return arazzo_runner.run(
            value, inputs=inputs or {}, world=world, load_options=LoadOptions(root=str(tmp_path))
        ), world

    return run


DATA = 'x&y="1"<é+%'


@pytest.mark.parametrize(
    ("operation", "body", "expected"),
    [
        pytest.param("form", {"payload": "a={$inputs.v}&b=1"}, "a=x%26y%3D%221%22%3C%C3%A9%2B%25&b=1", id="a form"),
        pytest.param("any", {"contentType": "application/x-www-form-urlencoded; charset=utf-8", "payload": "a={$inputs.v}"},
                     "a=x%26y%3D%221%22%3C%C3%A9%2B%25", id="a form by contentType"),
        pytest.param("form", {"payload": "{$inputs.v}"}, DATA, id="a form that is one expression"),
        pytest.param("xml", {"payload": "<a b='{$inputs.v}'>{$inputs.v}</a>"},
                     "<a b='x&amp;y=&quot;1&quot;&lt;é+%'>x&amp;y=\"1\"&lt;é+%</a>", id="XML"),
        pytest.param("any", {"contentType": "application/soap+xml; action=b", "payload": "<a>{$inputs.v}</a>"},
                     '<a>x&amp;y="1"&lt;é+%</a>', id="XML of SOAP"),
        pytest.param("post", {"payload": '{"a": "{$inputs.v}"}'}, '{"a":"x&y=\\"1\\"<é+%"}', id="JSON"),
        pytest.param("any", {"contentType": "application/x-ndjson", "payload": '{"a": "{$inputs.v}"}\n{"b": {$inputs.v}}\n'},
                     '{"a": "x&y=\\"1\\"<é+%"}\n{"b": "x&y=\\"1\\"<é+%"}\n', id="JSON Lines"),
        pytest.param("any", {"contentType": "application/jsonl", "payload": "{$inputs.v}"}, DATA, id="JSON Lines that are one expression"),
        pytest.param("post", {"payload": "for {$inputs.v}"}, '"for x&y=\\"1\\"<é+%"', id="a text that becomes a JSON string"),
        pytest.param("any", {"contentType": "text/plain", "payload": "<a>{$inputs.v}"}, f"<a>{DATA}", id="plain text"),
    ],
)  # fmt: skip
def test_values_in_text_payloads_stay_data(send, operation, body, expected):
    _, world = send({"operationId": operation, "requestBody": body}, {"v": DATA})
    assert world.requests[0].body.decode() == expected


@pytest.mark.parametrize(
    ("operation", "value", "expected"),
    [
        pytest.param("q", "a={$inputs.v}&b=1", "a=x%26y%3D%221%22%3C%C3%A9%2B%25&b=1", id="each value is percent-encoded"),
        pytest.param("q", "$inputs.q", "a=1&b=a%20b", id="one whole expression is the query string"),
        pytest.param("q", "{$inputs.q}", "a=1&b=a%20b", id="also in braces"),
        pytest.param("qj", '{"a": "{$inputs.v}"}', "%7B%22a%22%3A%20%22x%26y%3D%5C%221%5C%22%3C%C3%A9%2B%25%22%7D", id="JSON as a query string"),
    ],
)  # fmt: skip
def test_values_in_a_query_string_stay_data(send, operation, value, expected):
    parameters = [{"name": "all", "in": "querystring", "value": value}]
    inputs = {"v": DATA, "q": "a=1&b=a b"}
    _, world = send({"operationId": operation, "parameters": parameters}, inputs)
    assert world.requests[0].url.partition("?")[2] == expected


def test_values_in_xml_parts_stay_data(send):
    file = {"filename": "f.xml", "content": "<f>{$inputs.v}</f>", "contentType": "text/xml"}
    payload = {"doc": "<a>{$inputs.v}</a>", "file": file, "plain": "<{$inputs.v}>", "many": [file]}
    _, world = send({"operationId": "multipart", "requestBody": {"payload": payload}}, {"v": "<&>"})
    sent = world.requests[0].body.decode()
    assert sent.count("<f>&lt;&amp;&gt;</f>") == 2
    assert "<a>&lt;&amp;&gt;</a>" in sent
    assert "<<&>>" in sent


def test_a_value_that_its_place_cannot_hold_fails_the_step(send):
    step = {"operationId": "xml", "requestBody": {"payload": "<!-- {$inputs.v} --><a/>"}}
    result, world = send(step, {"v": "-->"})
    assert "is in a comment of XML" in result.reason
    assert world.requests == []


READY = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'


def test_a_multipart_body_with_its_boundary_is_sent_as_it_is(send):
    body = {"contentType": "multipart/form-data; boundary=x", "payload": READY}
    _, world = send({"operationId": "multipart", "requestBody": body}, {})
    (request,) = world.requests
    assert (request.body, request.header("content-type")) == (READY.encode(), "multipart/form-data; boundary=x")


def test_a_ready_multipart_body_without_a_boundary_fails_the_step(send):
    result, world = send({"operationId": "multipart", "requestBody": {"payload": READY}})
    assert "needs its boundary: contentType: multipart/form-data; boundary=…" in result.reason
    assert world.requests == []


JSON_TEMPLATE = '{"name": "{$inputs.name}", "count": {$inputs.count}, "tags": {$inputs.tags}, "who": {$inputs.name}}'


@pytest.mark.parametrize(
    ("operation", "body", "inputs", "expected", "content_type"),
    [
        pytest.param("post", {"payload": {"a": "$inputs.n", "b": ["$inputs.n", "x{$inputs.n}"]}}, {"n": 5}, b'{"a":5,"b":[5,"x5"]}', "application/json", id="types are kept"),
        pytest.param("post", {"payload": "$inputs.o"}, {"o": {"k": None}}, b'{"k":null}', "application/json", id="a whole expression"),
        pytest.param("post", {"payload": JSON_TEMPLATE}, {"name": 'a"b', "count": 2, "tags": ["x"]},
                     b'{"name":"a\\"b","count":2,"tags":["x"],"who":"a\\"b"}', "application/json", id="a JSON template, data cannot break out of its string"),
        pytest.param("post", {"payload": "plain text"}, {}, b'"plain text"', "application/json", id="a text that is not JSON is a JSON string"),
        pytest.param("post", {"contentType": "text/plain", "payload": "n={$inputs.n}"}, {"n": True}, b"n=true", "text/plain", id="a text template"),
        pytest.param("form", {"payload": {"a": "$inputs.n", "b": "x&y"}}, {"n": 1}, b"a=1&b=x%26y", "application/x-www-form-urlencoded", id="the operation's only media type"),
        pytest.param("xml", {"payload": "<a>{$inputs.n}</a>", "replacements": [{"target": "/a", "value": "$inputs.m"}]}, {"n": 1, "m": "<"}, b"<a>&lt;</a>", "application/xml", id="XML with a replacement"),
        pytest.param("post", {"payload": {"a": {"b": 1}}, "replacements": [{"target": "/a/b", "value": "$inputs.n"}, {"target": "/c", "value": 2}]}, {"n": 9}, b'{"a":{"b":9},"c":2}', "application/json", id="replacements by JSON Pointer"),
        pytest.param("post", {"payload": {"i": [{"p": 1}, {"p": 5}]}, "replacements": [{"target": "$.i[?@.p > 2].p", "targetSelectorType": "jsonpath", "value": 0}]}, {}, b'{"i":[{"p":1},{"p":0}]}', "application/json", id="replacements by JSONPath"),
        pytest.param("post", {"payload": {"v": {"context": "$inputs.o", "selector": "/k/0", "type": "jsonpointer"}}}, {"o": {"k": [7]}}, b'{"v":7}', "application/json", id="a Selector Object"),
        pytest.param("any", {"payload": "hello {$inputs.n}"}, {"n": 1}, b"hello 1", "text/plain", id="a text where anything is taken"),
        pytest.param("any", {"payload": {"a": 1}}, {}, b'{"a":1}', "application/json", id="a structure where anything is taken"),
        pytest.param("image", {"payload": {"base64": "eHl6"}}, {}, b"xyz", "application/octet-stream", id="bytes of a range without JSON"),
        pytest.param("post", {"payload": {"q": "query { a(id: $id) }", "cost": "$5.00"}}, {}, b'{"q":"query { a(id: $id) }","cost":"$5.00"}', "application/json", id="braces and dollars that are not ours"),
        pytest.param("post", {"payload": {"a": "$inputs.gone", "b": 1}}, {}, b'{"b":1}', "application/json", id="an input that was not given is left out"),
    ],
)  # fmt: skip
def test_body_is_built_from_the_payload(send, operation, body, inputs, expected, content_type):
    result, world = send({"operationId": operation, "requestBody": body}, inputs)
    (request,) = world.requests
    sent = request.body
    assert (json.loads(sent) == json.loads(expected)) if content_type == "application/json" else (sent == expected)
    assert request.header("content-type") == content_type
    assert request.header("user-agent").startswith("arazzo")
    assert result.status in ("succeeded", "failed")


@pytest.mark.parametrize(
    ("step", "inputs", "reason"),
    [
        pytest.param({"operationId": "post", "requestBody": {"payload": "x{$inputs.gone}"}}, {}, "$inputs.gone has no value", id="part of a text is missing"),
        pytest.param({"operationId": "post", "requestBody": {"payload": ["$inputs.gone"]}}, {}, "$inputs.gone has no value", id="an item is missing"),
        pytest.param({"operationId": "post", "requestBody": {"payload": "$inputs.gone"}}, {}, "$inputs.gone has no value", id="the whole payload is missing"),
        pytest.param({"operationId": "post", "requestBody": {"payload": '{"a": {$inputs.gone}}'}}, {}, "$inputs.gone has no value", id="part of a JSON template is missing"),
        pytest.param({"operationId": "post", "requestBody": {"payload": '{"a": {$inputs.a}'}}, {"a": 1}, "not JSON", id="a template that makes no JSON"),
        pytest.param({"operationId": "post", "requestBody": {"payload": {}, "replacements": [{"target": "/a/b", "value": 1}]}}, {}, "matches nothing", id="a target that matches nothing"),
        pytest.param({"operationId": "form", "requestBody": {"payload": [1]}}, {}, "a form is a mapping", id="a form that is a list"),
        pytest.param({"operationId": "get", "parameters": [{"name": "id", "in": "path", "value": "$inputs.id"}, {"name": "must", "in": "query", "value": 1}]}, {}, "$inputs.id has no value", id="a path parameter is missing"),
        pytest.param({"operationId": "get", "parameters": [{"name": "id", "in": "path", "value": "$inputs.id"}, {"name": "must", "in": "query", "value": 1}]}, {"id": None}, "is required, but $inputs.id is null", id="a path parameter is null"),
        pytest.param({"operationId": "get", "parameters": [{"name": "id", "in": "path", "value": ".."}, {"name": "must", "in": "query", "value": 1}]}, {}, "would change the path", id="a path value that climbs"),
        pytest.param({"operationId": "get", "parameters": [{"name": "id", "in": "path", "value": 1}, {"name": "must", "in": "query", "value": "$inputs.m"}]}, {}, "$inputs.m has no value", id="a required query parameter is missing"),
        pytest.param({"operationId": "post", "parameters": [{"name": "X-A", "in": "header", "value": "a\r\nb"}]}, {}, "control characters", id="a header that breaks the line"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_built_fails_the_step_and_sends_nothing(send, step, inputs, reason):
    result, world = send(step, inputs)
    assert (result.status, result.steps[0].status) == ("failed", "failed")
    assert reason in result.reason
    assert world.requests == []


def test_parameters_go_where_they_belong(send):
    parameters = [
        {"name": "id", "in": "path", "value": "a/b"},
        {"name": "must", "in": "query", "value": [1, 2]},
        {"name": "c", "in": "cookie", "value": "x;y"},
        {"name": "Accept", "in": "header", "value": "text/plain"},
    ]
    _, world = send({"operationId": "get", "parameters": parameters})
    (request,) = world.requests
    assert request.url == "http://api.test/v1/p/a%2Fb?must=1&must=2"
    assert request.header("cookie") == "c=x%3By"
    assert request.header("accept") == "text/plain"


def test_accept_has_the_documented_media_types(send):
    _, world = send({"operationId": "post"})
    assert world.requests[0].header("accept") == "application/json, application/xml, */*;q=0.1"


def test_expressions_read_the_request_that_was_sent(send):
    outputs = {
        "url": "$url", "method": "$method", "h": "$request.header.X-A", "b": "$request.body#/k", "r": "$response.header.content-type",
    }  # fmt: skip
    step = {
        "operationId": "post",
        "parameters": [{"name": "X-A", "in": "header", "value": 5}],
        "requestBody": {"payload": {"k": "v"}},
        "outputs": outputs,
    }
    result, _ = send(step)
    assert result.steps[0].outputs == {
        "url": "http://api.test/v1/a",
        "method": "POST",
        "h": "5",
        "b": "v",
        "r": "application/json",
    }


def test_cookies_go_back_to_where_they_came_from(send):
    steps = [{"stepId": "one", "operationId": "post"}, {"stepId": "two", "operationId": "post"}]
    script = [
        {"request": "POST /v1/a", "headers": {"Set-Cookie": "sid=abc; Path=/v1; HttpOnly"}},
        {"request": "POST /v1/a"},
    ]
    _, world = send(steps, script=script)
    assert [request.header("cookie") for request in world.requests] == [None, "sid=abc"]


# ------------------------------------------------------------------ inputs and schemas

SCHEMA = {
    "type": "object",
    "required": ["n"],
    "properties": {
        "n": {"type": "integer", "description": "how many"},
        "flag": {"type": "boolean"},
        "list": {"type": "array", "items": {"type": "string"}},
        "any": {"type": ["integer", "string"]},
        "deep": {"type": "object", "properties": {"d": {"default": 3}}},
        "with": {"default": "w"},
    },
}


def test_texts_become_the_types_of_the_schema_and_defaults_are_applied():
    prepared = prepare_inputs(
        SCHEMA, {"deep": {}}, {"n": "5", "flag": "true", "list": '["a"]', "any": "x", "free": "7"}
    )
    assert prepared.errors == ()
    assert prepared.inputs == {
        "n": 5,
        "flag": True,
        "list": ["a"],
        "any": "x",
        "free": "7",
        "deep": {"d": 3},
        "with": "w",
    }
    assert [warning.code for warning in prepared.warnings] == ["unknown-input"]


@pytest.mark.parametrize(
    ("schema", "given", "expected"),
    [
        pytest.param({"items": {"properties": {"k": {"default": 1}}}}, [{}, {"k": 2}, "x"], [{"k": 1}, {"k": 2}, "x"], id="in items"),
        pytest.param({"items": {"$ref": "#/components/inputs/I"}}, [{}], [{"k": 1}], id="through a reference"),
        pytest.param({"items": {"items": {"properties": {"k": {"default": 1}}}}}, [[{}]], [[{"k": 1}]], id="in lists of lists"),
        pytest.param({"prefixItems": [{}, {"properties": {"k": {"default": 1}}}]}, [{}, {}, {}], [{}, {"k": 1}, {}], id="in prefixItems"),
        pytest.param({"items": {"properties": {"o": {"properties": {"k": {"default": 1}}}}}}, [{"o": {}}], [{"o": {"k": 1}}], id="in objects inside"),
        pytest.param({"items": False}, [1], [1], id="nothing to apply"),
    ],
)  # fmt: skip
def test_defaults_are_applied_inside_lists(schema, given, expected):
    root = {"components": {"inputs": {"I": {"properties": {"k": {"default": 1}}}}}}
    assert prepare_inputs({"properties": {"l": schema}}, {"l": given}, {}, root=root).inputs == {"l": expected}


@pytest.mark.parametrize(
    ("schema", "given", "message"),
    [
        pytest.param(SCHEMA, {}, 'input "n" is required (how many)', id="missing"),
        pytest.param(SCHEMA, {"n": "many"}, 'input "n" must be integer, found string "many"', id="of another type"),
        pytest.param(
            {**SCHEMA, "additionalProperties": False}, {"n": 1, "m": 2}, 'must not have "m"', id="not allowed"
        ),
        pytest.param({"$ref": "#/components/inputs/I"}, {"k": 5}, '"k" must be string', id="through a reference"),
        pytest.param({"$ref": "#anchored"}, {"k": 5}, '"k" must be string', id="through an anchor"),
        pytest.param({"properties": {"k": {"pattern": "^a"}}}, {"k": "b"}, "must match ^a", id="a pattern"),
    ],
)
def test_inputs_that_do_not_match_the_schema_are_reported(schema, given, message):
    root = {"components": {"inputs": {"I": {"$anchor": "anchored", "properties": {"k": {"type": "string"}}}}}}
    (error,) = prepare_inputs(schema, given, {}, root=root).errors
    assert message in error.message


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("1", {"type": "integer"}, 1), ("1.5", {"type": "number"}, 1.5), ("x", {"type": "integer"}, "x"), ("true", None, "true"),
        ("null", {"type": ["null", "string"]}, None), ('{"a": 1}', {"type": "object"}, {"a": 1}), ("1", {"type": "string"}, "1"),
    ],
)  # fmt: skip
def test_text_is_coerced(text, schema, value):
    assert coerce_text(text, schema) == value


# ------------------------------------------------------------------ parameters that would be empty

FIRST = {
    "stepId": "first",
    "operationId": "post",
    "requestBody": {"payload": {}},
    "outputs": {"token": "$response.body#/token", "etag": "$response.body#/etag"},
}
TOKEN = "$steps.first.outputs.token"


def with_parameter(place, name, value):
    return [
        FIRST,
        {
            "stepId": "s",
            "operationId": "post",
            "requestBody": {"payload": {}},
            "parameters": [{"name": name, "in": place, "value": value}],
        },
    ]


@pytest.mark.parametrize(
    ("place", "name", "value", "body", "would"),
    [
        pytest.param("header", "Authorization", f"Bearer {{{TOKEN}}}", {"token": ""}, "`Bearer `", id="an empty token"),
        pytest.param("header", "Authorization", f"Bearer {{{TOKEN}}}", {"token": None}, "`Bearer null`", id="a null"),
        pytest.param("header", "Authorization", TOKEN, {"token": ""}, "empty", id="a header that is the token"),
        pytest.param("header", "X-Api-Key", TOKEN, {"token": None}, "empty", id="a key that is null"),
        pytest.param("header", "If-Match", TOKEN, {"token": ""}, "empty", id="a header that is no credential"),
        pytest.param("header", "If-Match", f"{{{TOKEN}}}", {"token": ""}, "empty", id="a template of nothing else"),
        pytest.param("cookie", "session", TOKEN, {"token": ""}, "empty", id="a cookie"),
        pytest.param("query", "api_key", TOKEN, {"token": ""}, "empty", id="a credential in the query"),
    ],
)
def test_a_parameter_that_an_expression_leaves_empty_is_not_sent(send, place, name, value, body, would):
    result, world = send(
        with_parameter(place, name, value), script=[{"request": "POST /v1/a", "times": 0, "body": body}]
    )
    assert len(world.requests) == 1
    [found] = result.steps[1].attempts[0].diagnostics
    value, kind = json.dumps(body["token"]), {"query": "query parameter"}.get(place, place)
    assert found.message == (
        f'`{TOKEN}` has no value (it is {value}, as step "first" gave it), so the {kind} `{name}` would be {would}'
    )
    assert found.at.pointer == "/workflows/0/steps/1/parameters/0"


@pytest.mark.parametrize(
    ("place", "name", "value", "inputs"),
    [
        pytest.param("header", "X-Note", "", {}, id="an empty literal"),
        pytest.param("header", "X-Note", "$inputs.id", {"id": ""}, id="an input that is given as empty"),
        pytest.param("query", "q", TOKEN, {}, id="an empty query parameter"),
        pytest.param("header", "X-Note", f"a{{{TOKEN}}}", {}, id="a text with something in it"),
        pytest.param(
            "header", "Authorization", f"Basic {{$inputs.id}}{{{TOKEN}}}", {"id": "x"}, id="half a credential"
        ),
    ],
)
def test_other_empty_values_are_sent(send, place, name, value, inputs):
    script = [{"request": "POST /v1/a", "times": 0, "body": {"token": ""}}]
    result, world = send(with_parameter(place, name, value), inputs, script=script)
    assert (result.status, len(world.requests)) == ("succeeded", 2)


def test_an_input_that_is_empty_is_no_credential(send):
    result, world = send(with_parameter("header", "Authorization", "Bearer {$inputs.id}"), {"id": ""})
    assert (result.status, len(world.requests)) == ("failed", 1)
