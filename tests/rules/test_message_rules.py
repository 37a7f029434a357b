"""Steps that send and receive against AsyncAPI descriptions: certain mismatches are reported, possible ones are not."""

from __future__ import annotations

import json

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.lint.rules.catalogue import checks

ORDER = {
    "type": "object",
    "required": ["item"],
    "properties": {"item": {"type": "string"}, "count": {"type": "integer"}, "urgent": {"type": "boolean"}},
}
ANSWER = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "state": {"enum": ["accepted", "refused"]},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
    },
}
AT = {"location": "$message.header#/requestId"}
HEADERS = {
    "type": "object",
    "required": ["requestId"],
    "properties": {"requestId": {"type": "string"}, "rank": {"type": "integer"}},
}
CHOSEN = {"asyncapi", "openapi", "language"}


def description(*, messages=None, protocol="amqp", version=None, address="orders"):
    server = {"host": "broker.test", "protocol": protocol, **({} if version is None else {"protocolVersion": version})}
    sent = {"Order": {"headers": HEADERS, "correlationId": AT, "payload": ORDER}}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "e", "version": "1"},
        "servers": {"broker": server},
        "channels": {
            "orders": {"address": address, "messages": messages or sent},
            "answers": {"address": "answers", "messages": {"Answer": {"correlationId": AT, "payload": ANSWER}}},
            "news": {"address": "news", "messages": {"Plain": {"payload": {"$ref": "#/components/schemas/Answer"}}}},
        },
        "operations": {
            "order": {"action": "receive", "channel": {"$ref": "#/channels/orders"}, "reply": {"channel": {"$ref": "#/channels/answers"}}},
            "answered": {"action": "send", "channel": {"$ref": "#/channels/answers"}},
            "told": {"action": "send", "channel": {"$ref": "#/channels/news"}},
        },
        "components": {"schemas": {"Answer": ANSWER}},
    }  # fmt: skip


OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "a", "version": "1"},
    "servers": [{"url": "https://api.test"}],
    "paths": {
        "/a": {
            "get": {"operationId": "a", "parameters": [{"name": "n", "in": "query", "schema": {"type": "boolean"}}],
                    "responses": {"200": {"description": "ok"}}},
            "post": {"operationId": "b", "responses": {"200": {"description": "ok"}}},
        },
        "/events": {
            "get": {"operationId": "stream", "responses": {"200": {"description": "ok", "content": {"text/event-stream": {}}}}},
        },
    },
}  # fmt: skip


def found(folder, steps, *, inputs=None, events=None, outputs=None, **shared):
    """Return (code, severity, pointer below the workflow) of the findings of rules about messages."""
    (folder / "events.json").write_text(json.dumps(events or description()))
    (folder / "api.json").write_text(json.dumps(OPENAPI))
    workflow = {
        "workflowId": "w",
        "inputs": {"type": "object", "properties": inputs or {"id": {"type": "string"}}},
        "steps": [{"stepId": f"s{number}", **each} for number, each in enumerate(steps)],
        "outputs": outputs or {},
        **shared,
    }
    document = {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [
            {"name": "e", "url": "./events.json", "type": "asyncapi"},
            {"name": "a", "url": "./api.json", "type": "openapi"},
        ],
        "workflows": [workflow],
    }
    (folder / "w.json").write_text(json.dumps(document))
    chosen = {each.code for each in checks() if each.group in CHOSEN and each.code != "unqualified-operation"}
    return [
        (each.code, each.severity.value, each.at.pointer.removeprefix("/workflows/0/"))
        for each in arazzo_runner.validate(folder / "w.json", load_options=LoadOptions(root=str(folder)))
        if each.code in chosen
    ]


def codes(folder, steps, **more):
    return [code for code, *_ in found(folder, steps, **more)]


def send(payload=None, *, headers=None, operation="order", **more):
    given = {"requestId": "$inputs.id"} if headers is None else headers
    parameters = [{"name": name, "in": "header", "value": value} for name, value in given.items()]
    body = {} if payload is None else {"requestBody": {"payload": payload}}
    return {
        "operationId": f"$sourceDescriptions.e.{operation}",
        "action": "send",
        "parameters": parameters,
        **body,
        **more,
    }


def receive(operation="answered", **more):
    return {"operationId": f"$sourceDescriptions.e.{operation}", "action": "receive", **more}


def call(operation, **more):
    return {"operationId": f"$sourceDescriptions.a.{operation}", **more}


ITEM = {"item": "ball"}
SENT = {
    "what is described": (send(ITEM), []),
    "another type": (send({"item": "ball", "count": "two"}), ["payload-mismatch"]),
    "a value whose type is not known": (send({"item": "ball", "count": "$inputs.other"}), []),
    "an input of another type": (send({"item": "ball", "count": "$inputs.id"}), ["payload-mismatch"]),
    "a required member is missing": (send({"count": 2}), ["missing-payload-member"]),
    "a member that is misspelt": (send({"item": "ball", "cuont": 2}), ["unknown-payload-member"]),
    "no payload": (send(), ["missing-body"]),
    "JSON as a text": (send('{"item": "{$inputs.id}", "count": 2}'), []),
    "JSON as a text with another type": (send('{"item": "ball", "count": "two"}'), ["payload-mismatch"]),
    "no header": (send(ITEM, headers={}), ["missing-message-header"]),
    "a header in another case": (send(ITEM, headers={"requestid": "$inputs.id"}), []),
    "a header that is not described": (send(ITEM, headers={"requestId": "a", "trace": "b"}), []),
    "a number in a header, as text": (send(ITEM, headers={"requestId": "a", "rank": "7"}), []),
    "a header of another type": (send(ITEM, headers={"requestId": "a", "rank": "first"}), ["parameter-mismatch"]),
    "a payload that another message fits": (
        send({"text": "a"}, operation="order"),
        ["missing-payload-member"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SENT)
def test_what_is_sent(tmp_path, name):
    step, expected = SENT[name]
    inputs = {"id": {"type": "string"}, "other": {}}
    assert codes(tmp_path, [step], inputs=inputs) == expected


SEVERAL = {
    "Order": {"payload": ORDER},
    "Note": {"payload": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}},
}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(ITEM, [], id="the first message"),
        pytest.param({"text": "a"}, [], id="the second message"),
        pytest.param({"text": 7}, ["payload-mismatch"], id="nearly the second message"),
        pytest.param({"item": 7}, ["payload-mismatch"], id="nearly the first message"),
    ],
)
def test_a_payload_has_to_fit_one_of_several_messages(tmp_path, payload, expected):
    assert codes(tmp_path, [send(payload, headers={})], events=description(messages=SEVERAL)) == expected


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"payload": {"schemaFormat": "application/vnd.apache.avro;version=1.9.0", "schema": {"type": "record"}}}, id="Avro"),
        pytest.param({"contentType": "application/xml", "payload": ORDER}, id="another media type"),
        pytest.param({}, id="no schema"),
    ],
)  # fmt: skip
def test_a_payload_that_is_not_described_by_a_json_schema_is_not_checked(tmp_path, message):
    steps = [send({"count": "two"}, headers={}), receive("order", outputs={"x": "$message.payload#/no/such"})]
    events = description(messages={"M": message})
    del events["operations"]["order"]["reply"]
    assert [code for code in codes(tmp_path, steps, events=events) if code != "payload-not-checked"] == []


def reads(expression, **more):
    return receive(outputs={"o": expression}, **more)


READ = {
    "a member": (reads("$message.payload#/id"), []),
    "the whole payload": (reads("$message.payload"), []),
    "a header": (reads("$message.header.requestId"), []),
    "a member that is not described": (reads("$message.payload#/idd"), ["unknown-message-member"]),
    "a member of an item": (reads("$message.payload#/lines/0/sku"), []),
    "a member of a list": (reads("$message.payload#/lines/sku"), ["unknown-message-member"]),
    "a member of a number": (reads("$message.payload#/id/x"), ["unknown-message-member"]),
    "a JSONPath to a member that is not described": (
        receive(successCriteria=[{"context": "$message.payload", "type": "jsonpath", "condition": "$.lines[*].no"}]),
        ["unknown-message-member"],
    ),
    "a JSONPath": (
        receive(successCriteria=[{"context": "$message.payload", "type": "jsonpath", "condition": "$.lines[?@.sku == 'a']"}]), [],
    ),
    "a regular expression": (
        receive(successCriteria=[{"context": "$message.payload#/state", "type": "regex", "condition": "^acc"}]), [],
    ),
    "a selector": (
        receive(outputs={"o": {"context": "$message.payload", "selector": "$.statte", "type": "jsonpath"}}),
        ["unknown-message-member"],
    ),
    "a comparison that may hold": (receive(successCriteria=[{"condition": "$message.payload#/state == 'accepted'"}]), []),
    "a comparison with no value of the enum": (
        receive(successCriteria=[{"condition": "$message.payload#/state == 'done'"}]), ["impossible-comparison"],
    ),
    "a comparison of a number with true": (
        receive(successCriteria=[{"condition": "$message.payload#/id == true"}]), ["impossible-comparison"],
    ),
    "$response in place of $message": (reads("$response.body#/id"), ["no-response-here"]),
    "$request": (reads("$request.header.requestId"), ["no-response-here"]),
    "$statusCode": (receive(successCriteria=[{"condition": "$statusCode == 200"}]), ["no-response-here"]),
    "$url": (reads("$url"), ["no-response-here"]),
    "$method": (reads("$method"), ["no-response-here"]),
    "body in place of payload": (reads("$message.body#/id"), ["message-part"]),
    "a query": (reads("$message.query.id"), ["message-part"]),
    "$message in a parameter": (
        receive(parameters=[{"name": "x", "in": "header", "value": "$message.payload#/id"}]), ["response-too-early", "header-not-carried"],
    ),
    "$message in the correlationId": (receive(correlationId="$message.payload#/id"), ["response-too-early"]),
    "$message of what is sent": (send(ITEM, outputs={"o": "$message.payload#/item"}), []),
    "a member of what is sent that is not described": (
        send(ITEM, outputs={"o": "$message.payload#/itm"}), ["unknown-message-member"],
    ),
    "$message in the payload": (send({"item": "$message.payload#/item"}), ["response-too-early"]),
    "$message in an HTTP step": (call("a", outputs={"o": "$message.payload#/id"}), ["no-response-here"]),
    "a schema behind a reference": (receive("told", outputs={"o": "$message.payload#/idd"}), ["unknown-message-member"]),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_is_read(tmp_path, name):
    step, expected = READ[name]
    assert codes(tmp_path, [step]) == expected


HINTS = [
    ("$response.body#/id", "write $message.payload#/id"),
    ("$response.header.requestId", "write $message.header.requestId"),
    ("$request.body#/id", "write $message.payload#/id"),
    ("$statusCode", "a message has no status; compare a member of its payload, as in $message.payload#/status"),
    ("$url", "read $message.payload or $message.header.<name>"),
    ("$message.body#/id", "write $message.payload#/id"),
]


@pytest.mark.parametrize(("expression", "hint"), HINTS)
def test_what_to_write_in_a_step_with_a_message(tmp_path, expression, hint):
    found(tmp_path, [reads(expression)])
    given = arazzo_runner.validate(tmp_path / "w.json", load_options=LoadOptions(root=str(tmp_path)))
    assert hint in [each.hint for each in given]


def test_a_header_that_is_not_described_is_a_note(tmp_path):
    steps = [
        send(
            ITEM,
            outputs={"a": "$message.header.rank", "b": "$message.header.rankk", "c": "$message.header.Content-Type"},
        )
    ]
    assert found(tmp_path, steps) == [("unknown-message-member", "info", "steps/0/outputs/b")]


def test_the_types_of_messages_flow_on_to_later_steps(tmp_path):
    first = receive(
        "told", outputs={"id": "$message.payload#/id", "lines": "$message.payload#/lines", "all": "$message.payload"}
    )
    uses = [
        call("a", dependsOn=["s0"], parameters=[{"name": "n", "in": "query", "value": "$steps.s0.outputs.lines"}]),
        send({"item": "$steps.s0.outputs.id"}, dependsOn=["s0"]),
        call("b", dependsOn=["s0"], outputs={"o": "$steps.s0.outputs.all#/nothing"}),
        call("b", dependsOn=["s0"], successCriteria=[{"condition": "$steps.s0.outputs.all#/state == 'gone'"}]),
    ]
    assert found(tmp_path, [first, *uses]) == [
        ("impossible-comparison", "warning", "steps/4/successCriteria/0/condition"),
        ("parameter-mismatch", "warning", "steps/1/parameters/0/value"),
        ("payload-mismatch", "warning", "steps/2/requestBody/payload/item"),
        ("unknown-response-member", "warning", "steps/3/outputs/o"),
    ]


PROTOCOLS = {
    "a cookie": ({}, send(ITEM, parameters=[{"name": "c", "in": "cookie", "value": "a"}]), ["message-parameter-place", "missing-message-header"]),
    "a query on AMQP": ({}, send(ITEM, parameters=[{"name": "q", "in": "query", "value": "a"}]), ["message-parameter-place", "missing-message-header"]),
    "a query on WebSocket": (
        {"protocol": "ws", "messages": {"M": {"payload": ORDER}}}, send(ITEM, parameters=[{"name": "q", "in": "query", "value": "a"}]), []),
    "headers on MQTT 5": ({"protocol": "mqtt"}, send(ITEM), []),
    "headers on MQTT 3.1.1": ({"protocol": "mqtt", "version": "3.1.1"}, send(ITEM), ["header-not-carried"]),
    "headers on Redis": ({"protocol": "redis"}, send(ITEM), ["header-not-carried"]),
    "headers on WebSocket": ({"protocol": "ws"}, send(ITEM), ["header-not-carried"]),
    "a header of a step that receives over AMQP": (
        {}, receive(parameters=[{"name": "trace", "in": "header", "value": "a"}]), ["header-not-carried"]),
    "a header of the request that opens a WebSocket": (
        {"protocol": "ws"}, receive("told", parameters=[{"name": "trace", "in": "header", "value": "a"}]), []),
    "a payload of a step that receives": ({}, receive("told", requestBody={"payload": ITEM}), ["unexpected-body"]),
    "headers that are read on Redis": ({"protocol": "redis"}, reads("$message.header.requestId"), ["header-not-carried"]),
    "a correlation id in a header on Redis": ({"protocol": "redis"}, receive(correlationId="$inputs.id"), ["header-not-carried"]),
    "an address that Kafka does not have": ({"protocol": "kafka", "address": "orders/new"}, send(ITEM), ["unusable-address"]),
    "an address that Kafka has": ({"protocol": "kafka", "address": "orders.new"}, send(ITEM), []),
    "a wildcard that is sent to": ({"protocol": "mqtt", "address": "orders/+"}, send(ITEM), ["unusable-address"]),
    "a variable without a value": ({"address": "orders.{x}"}, send(ITEM), ["open-address-parameter"]),
}  # fmt: skip


@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_a_protocol_cannot_do(tmp_path, name):
    options, step, expected = PROTOCOLS[name]
    assert sorted(codes(tmp_path, [step], events=description(**options))) == expected


@pytest.mark.parametrize(
    ("protocol", "value", "expected"),
    [
        ("mqtt", "eu", []),
        ("mqtt", "eu/west", ["unusable-address"]),
        ("mqtt", "+", ["unusable-address"]),
        ("nats", "eu.west", ["unusable-address"]),
        ("kafka", "eu/west", ["unusable-address"]),
        ("amqp", "#", ["unusable-address"]),
        ("redis", "eu/west", []),
        ("mqtt", "$inputs.id", []),
    ],
)
def test_values_with_a_meaning_of_their_own_cannot_stand_in_an_address(tmp_path, protocol, value, expected):
    events = description(protocol=protocol, address="orders.{x}", messages={"M": {"payload": ORDER}})
    step = send(ITEM, parameters=[{"name": "x", "in": "path", "value": value}])
    assert codes(tmp_path, [step], events=events) == expected


def test_parameters_of_the_workflow_may_be_for_its_other_steps(tmp_path):
    places = ("query", "cookie", "header", "channel")
    parameters = [{"name": "n", "in": place, "value": "a"} for place in places]
    steps = [call("a"), send(ITEM), receive("told")]
    events = description(protocol="redis", messages={"M": {"payload": ORDER}})
    expected = ["undeclared-parameter"] * 2 + ["parameter-mismatch"]
    assert codes(tmp_path, [steps[0]], parameters=parameters) == expected
    assert codes(tmp_path, [each if each is steps[0] else {**each, "parameters": []} for each in steps],
                 events=events, parameters=parameters) == expected  # fmt: skip


ORDERS_OF_STEPS = {
    "the request first": ([send(ITEM), receive(correlationId="$inputs.id")], []),
    "the reply first": ([receive(), send(ITEM)], ["receive-before-trigger"]),
    "the same id first": ([receive("told", correlationId="$inputs.id"), send(ITEM)], ["no-correlation-place", "receive-before-trigger"]),
    "an id that is known before, sent elsewhere": (
        [receive("told", correlationId="$inputs.id"), send({"item": "$inputs.id"}, headers={"requestId": "other"})], ["no-correlation-place"],
    ),
    "another channel without an id": ([receive("told"), send(ITEM)], []),
    "a request that may cause it before": ([call("b"), receive(), send(ITEM)], []),
    "only a reading request before": ([call("a"), receive(), send(ITEM)], ["receive-before-trigger"]),
    "a failure leads on": ([receive(onFailure=[{"name": "go", "type": "goto", "stepId": "s1"}]), send(ITEM)], []),
    "it waits where a later step needs it": ([receive(), send(ITEM), call("b", dependsOn=["s0"])], []),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERS_OF_STEPS)
def test_a_step_that_waits_for_what_a_later_step_causes(tmp_path, name):
    steps, expected = ORDERS_OF_STEPS[name]
    assert sorted(codes(tmp_path, steps)) == expected


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param(call("a", action="receive"), [("message-source-kind", "error", "steps/0/action")], id="an operation over HTTP"),
        pytest.param(call("b", action="send"), [("message-source-kind", "error", "steps/0/action")], id="a request"),
        pytest.param(call("stream", action="receive"), [("message-source-kind", "warning", "steps/0/action")], id="a stream of events"),
    ],
)  # fmt: skip
def test_an_action_on_an_operation_of_an_openapi_description(tmp_path, step, expected):
    assert found(tmp_path, [step]) == expected


@pytest.mark.parametrize("part", ["header", "payload"])
@pytest.mark.parametrize("waits", [True, False])
def test_the_address_of_a_reply_that_the_run_writes_is_not_missing(tmp_path, part, waits):
    schema = {"type": "object", "required": ["replyTo"], "properties": {"replyTo": {"type": "string"}}}
    described = {"headers" if part == "header" else "payload": schema}
    events = description(messages={"Order": described})
    events["channels"]["open"] = {"address": None, "messages": {"Answer": {"payload": ANSWER}}}
    location = {"location": f"$message.{part}#/replyTo"}
    events["operations"]["order"]["reply"] = {"address": location, "channel": {"$ref": "#/channels/open"}}
    steps = [send({}, headers={}), *([receive("order")] if waits else [])]
    missing = "missing-message-header" if part == "header" else "missing-payload-member"
    assert codes(tmp_path, steps, events=events) == ([] if waits else [missing])


def test_a_kafka_key_on_the_request_body_is_an_extension_like_any_other(tmp_path):
    step = send(None, requestBody={"payload": ITEM, "x-kafka-key": "$inputs.id"})
    assert codes(tmp_path, [step], events=description(protocol="kafka")) == []


@pytest.mark.parametrize(
    ("host", "protocol", "security", "expected"),
    [
        pytest.param("broker.test", "amqp", True, [], id="a name of a test"),
        pytest.param("broker.example.com", "amqp", True, ["insecure-server"], id="AMQP to another machine"),
        pytest.param("ada:secretsecret@broker.example.com", "amqp", False, ["password-in-server"], id="a password in the URL"),
        pytest.param("broker.example.com", "amqp", False, [], id="no credential"),
        pytest.param("broker.example.com", "amqps", True, [], id="AMQP with TLS"),
        pytest.param("broker.example.com", "kafka-secure", True, [], id="Kafka with TLS"),
        pytest.param("broker.example.com", "mqtt", True, ["insecure-server"], id="MQTT to another machine"),
        pytest.param("localhost:1883", "mqtt", True, [], id="MQTT to this machine"),
    ],
)  # fmt: skip
def test_credentials_that_are_sent_to_a_broker_without_tls(tmp_path, host, protocol, security, expected):
    events = description(protocol=protocol)
    events["servers"]["broker"]["host"] = host
    events["components"]["securitySchemes"] = {"login": {"type": "userPassword"}}
    if security:
        events["servers"]["broker"]["security"] = [{"$ref": "#/components/securitySchemes/login"}]
    found(tmp_path, [send(ITEM)], events=events)
    given = arazzo_runner.validate(tmp_path / "w.json", load_options=LoadOptions(root=str(tmp_path)))
    assert [each.code for each in given if each.code in ("insecure-server", "password-in-server")] == expected
    assert "secretsecret" not in "".join(str(each) for each in given)
