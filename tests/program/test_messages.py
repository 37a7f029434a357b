"""Steps that send and receive messages: what they name, where they go, when they subscribe, where they wait."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import arazzo_runner
from arazzo_runner import InvalidUsage, LoadOptions
from arazzo_runner.engine.arming import broker_of
from arazzo_runner.errors import ArazzoError
from arazzo_runner.program.message_links import inbox_of
from arazzo_runner.program.model import MessageCall
from arazzo_runner.program.servers import called_at

EVENTS = yaml.safe_load("""
asyncapi: 3.0.0
info: {title: e, version: "1"}
servers:
  old: {host: old.test, protocol: jms}
  main: {host: '{zone}.main.test:1883', protocol: mqtt, variables: {zone: {default: eu, enum: [eu, us]}}}
channels:
  place: {address: orders/place, messages: {Place: {payload: {type: object}, correlationId: {location: $message.header#/id}}}}
  confirm-order:
    address: orders/{region}/confirmed
    parameters: {region: {}}
    messages: {Confirmed: {payload: {type: object}}}
  changed: {address: orders/changed, servers: [{$ref: '#/servers/old'}]}
  open: {address: null, messages: {Answer: {payload: {type: object}}}}
operations:
  placeOrder:
    action: receive
    channel: {$ref: '#/channels/place'}
    reply: {channel: {$ref: '#/channels/confirm-order'}}
  ask:
    action: receive
    channel: {$ref: '#/channels/place'}
    reply: {address: {location: $message.header#/replyTo}, channel: {$ref: '#/channels/open'}}
  tell: {action: send, channel: {$ref: '#/channels/changed'}}
  open: {action: send, channel: {$ref: '#/channels/open'}}
""")
OLDER = yaml.safe_load("""
asyncapi: 2.6.0
info: {title: e, version: "1"}
servers: {main: {url: 'main.test:4222', protocol: nats}}
channels:
  orders/place:
    publish: {operationId: placeOrder, message: {name: Place}}
    subscribe: {operationId: placed, message: {name: Placed}}
""")
TWICE = {
    **OLDER,
    "channels": {name: {"subscribe": {"operationId": "same"}} for name in ("orders.changed", "orders.other")},
}
API = {
    "openapi": "3.1.0", "info": {"title": "a", "version": "1"}, "servers": [{"url": "http://a.test"}],
    "paths": {"/a": {"get": {"operationId": "getA", "responses": {"200": {"description": "ok"}}}},
              "/p": {"post": {"operationId": "tell", "responses": {"200": {"description": "ok"}}}}},
}  # fmt: skip
SOURCES = {
    "events": (EVENTS, "asyncapi"),
    "older": (OLDER, "asyncapi"),
    "twice": (TWICE, "asyncapi"),
    "api": (API, "openapi"),
}


def write(folder: Path, steps: list[Any], sources: tuple[str, ...] = ("events",), **workflow: Any) -> str:
    for name in sources:
        (folder / f"{name}.json").write_text(json.dumps(SOURCES[name][0]))
    steps = [{"stepId": f"s{index}", **step} for index, step in enumerate(steps)]
    described = [{"name": name, "url": f"{name}.json", "type": SOURCES[name][1]} for name in sources]
    document = {"arazzo": "1.1.0", "info": {"title": "t", "version": "1"}, "sourceDescriptions": described}
    document["workflows"] = [{"workflowId": "w", "steps": steps, **workflow}]
    path = folder / "w.json"
    path.write_text(json.dumps(document))
    return str(path)


def load(folder: Path, steps: list[Any], sources: tuple[str, ...] = ("events",), **more: Any) -> Any:
    workflow = more.pop("workflow", {})
    return arazzo_runner.load(
        write(folder, steps, sources, **workflow), load_options=LoadOptions(root=str(folder), **more)
    )


def calls(program: Any) -> list[MessageCall]:
    return [call for _, _, call in program.message_steps()]


def found(folder: Path, step: Any, sources: tuple[str, ...]) -> list[tuple[str, str, str | None]]:
    path = write(folder, [step], sources)
    every = arazzo_runner.validate(path, load_options=LoadOptions(root=str(folder)))
    return [(each.severity.value, each.code, each.hint) for each in every if each.code not in OTHERS]


OTHERS = {"criteria-for-messages", "no-correlation-place", "open-address-parameter", "missing-body", "unused-source"}
"""What other rules say of these steps."""

# ------------------------------------------------------------------ what a step names

E, W = "error", "warning"
RECEIVE = {"action": "receive"}
NAMED: list[Any] = [
    pytest.param({"operationId": "placeOrder", "action": "send"}, ("events",), [], id="the name of an operation"),
    pytest.param({"operationId": "$sourceDescriptions.events.placeOrder", "action": "send"}, ("events", "api"), [], id="the name of an operation of a source"),
    pytest.param({"operationId": "placed", **RECEIVE}, ("older",), [], id="an operationId of 2.x"),
    pytest.param({"operationId": "placeOrder", "action": "send"}, ("events", "api"), [(E, "unqualified-operation", "write $sourceDescriptions.events.placeOrder")], id="a bare name among several sources"),
    pytest.param({"operationId": "placeOrder", "action": "send"}, ("events", "older"), [(E, "ambiguous-operation", "write one of $sourceDescriptions.events.placeOrder, $sourceDescriptions.older.placeOrder")], id="a bare name of two sources"),
    pytest.param({"operationId": "tell", **RECEIVE}, ("events", "api"), [(E, "ambiguous-operation", "write one of $sourceDescriptions.api.tell, $sourceDescriptions.events.tell")], id="a bare name of an API and of events"),
    pytest.param({"operationId": "events.placeOrder", "action": "send"}, ("events", "api"), [(E, "operation-reference", "write $sourceDescriptions.events.placeOrder")], id="a name without the root of the expression"),
    pytest.param({"operationId": "placeOrdr", "action": "send"}, ("events",), [(E, "unknown-message-operation", 'did you mean "placeOrder"?')], id="a slip in the name"),
    pytest.param({"operationId": "$sourceDescriptions.events.", "action": "send"}, ("events",), [(E, "unknown-message-operation", "add a full stop and the name of the operation")], id="a source without a name"),
    pytest.param({"operationId": "same", **RECEIVE}, ("twice",), [(E, "duplicate-operation-id", "name the channel that you mean with channelPath: '{$sourceDescriptions.twice.url}#/channels/orders.changed' or '{$sourceDescriptions.twice.url}#/channels/orders.other'")], id="an operationId that its description has twice"),
    pytest.param(
        {"operationId": "confirmOrder", **RECEIVE}, ("events",),
        [(E, "unknown-message-operation", "the channel \"confirm-order\" has the replies of \"placeOrder\": write operationId: $sourceDescriptions.events.placeOrder, action: receive; or channelPath: '{$sourceDescriptions.events.url}#/channels/confirm-order'")],
        id="the name of a channel that has only replies, as in an example of the Specification"),
    pytest.param({"operationId": "Changed", **RECEIVE}, ("events",), [(E, "unknown-message-operation", "\"changed\" is a channel: write channelPath: '{$sourceDescriptions.events.url}#/channels/changed'")], id="the name of a channel"),
    pytest.param({"operationPath": "$sourceDescriptions.events.placeOrder", "action": "send"}, ("events",), [(W, "message-operation-path", "write operationId: $sourceDescriptions.events.placeOrder")], id="operationPath as in an example of the Specification"),
    pytest.param({"operationPath": "{$sourceDescriptions.events.url}#/operations/placeOrder", "action": "send"}, ("events",), [(W, "message-operation-path", "write operationId: $sourceDescriptions.events.placeOrder")], id="operationPath with a pointer"),
    pytest.param({"operationPath": "{$sourceDescriptions.older.url}#/channels/orders~1place/publish", "action": "send"}, ("older",), [(W, "message-operation-path", "write operationId: $sourceDescriptions.older.placeOrder")], id="operationPath with a pointer of 2.x"),
    pytest.param({"operationPath": "{$sourceDescriptions.events.url}#/channels/changed", **RECEIVE}, ("events",), [(E, "message-operation-path", "write channelPath: '{$sourceDescriptions.events.url}#/channels/changed'")], id="operationPath to a channel"),
    pytest.param({"operationPath": "{$sourceDescriptions.events.url}#/operations/none", **RECEIVE}, ("events",), [(E, "unknown-message-operation", "available: changed, confirm-order, open, place")], id="operationPath to nothing"),
    pytest.param({"channelPath": "{$sourceDescriptions.events.url}#/channels/changed", **RECEIVE}, ("events",), [], id="a channelPath"),
    pytest.param({"channelPath": "{$sourceDescriptions.older.url}#/channels/orders~1place", **RECEIVE}, ("older",), [], id="a channelPath of 2.x, whose address is escaped"),
    pytest.param({"channelPath": "{$sourceDescriptions.older.url}#/channels/orders/place", **RECEIVE}, ("older",), [(E, "channel-path-form", "write '{$sourceDescriptions.older.url}#/channels/orders~1place'")], id="an address that is not escaped"),
    pytest.param({"channelPath": "$sourceDescriptions.events.url#/channels/changed", **RECEIVE}, ("events",), [(W, "channel-path-form", "write '{$sourceDescriptions.events.url}#/channels/changed'")], id="a channelPath without braces"),
    pytest.param({"channelPath": "events#/channels/changed", **RECEIVE}, ("events",), [(E, "channel-path-form", "write '{$sourceDescriptions.events.url}#/channels/changed'")], id="the name of a source and a pointer"),
    pytest.param({"channelPath": "$sourceDescriptions.events.changed", **RECEIVE}, ("events",), [(E, "channel-path-form", "write '{$sourceDescriptions.events.url}#/channels/changed'")], id="a channel like an operation"),
    pytest.param({"channelPath": "changed", **RECEIVE}, ("events", "api"), [(E, "channel-path-form", "write '{$sourceDescriptions.events.url}#/channels/changed'")], id="the bare name of a channel"),
    pytest.param({"channelPath": "chnged", **RECEIVE}, ("events",), [(E, "channel-path-form", "write '{$sourceDescriptions.events.url}#/channels/changed'")], id="a slip in a bare name"),
    pytest.param({"channelPath": "{$sourceDescriptions.events.url}#/channels/chnged", **RECEIVE}, ("events",), [(E, "unknown-channel", "did you mean channelPath: '{$sourceDescriptions.events.url}#/channels/changed'?")], id="a slip in a channelPath"),
    pytest.param({"channelPath": "{$sourceDescriptions.events.url}#/channels/orders~1place", **RECEIVE}, ("events",), [(E, "unknown-channel", "did you mean channelPath: '{$sourceDescriptions.events.url}#/channels/place'?")], id="the address of a channel of 3.0"),
    pytest.param({"channelPath": "{$sourceDescriptions.events.url}#/operations/tell", **RECEIVE}, ("events",), [(E, "channel-path-form", "write operationId: $sourceDescriptions.events.tell")], id="a channelPath to an operation"),
    pytest.param({"channelPath": "{$sourceDescriptions.api.url}#/channels/a", **RECEIVE}, ("api",), [(E, "unknown-channel", "call it with operationId or operationPath; channelPath is for AsyncAPI")], id="a channelPath to an API"),
    pytest.param({"channelPath": "{$sourceDescriptions.evnts.url}#/channels/a", **RECEIVE}, ("events",), [(E, "unknown-source", 'did you mean "events"?')], id="a channelPath to an unknown source"),
    pytest.param({"operationId": "tell"}, ("events",), [(W, "missing-action", "write action: receive")], id="no action, where the application sends"),
    pytest.param({"operationId": "placeOrder"}, ("events",), [(W, "missing-action", "write action: send")], id="no action, where the application receives"),
    pytest.param({"operationId": "placeOrder"}, ("older",), [(W, "missing-action", "write action: send")], id="no action, where 2.x says publish"),
    pytest.param({"operationId": "placeOrder", "correlationId": "x"}, ("older",), [(W, "missing-action", "write action: send"), (E, "exclusive-fields", "add action: receive, or remove correlationId")], id="a correlationId where the step must be one that sends"),
    pytest.param({"operationId": "placeOrder", "action": "send", "correlationId": "x"}, ("events",), [(E, "exclusive-fields", "write action: receive, or remove correlationId and put the id into the payload or a header")], id="a correlationId of a step that sends"),
    pytest.param({"operationId": "getA", "correlationId": "x"}, ("api",), [(E, "exclusive-fields", "remove correlationId")], id="a correlationId of a request"),
    pytest.param({"operationId": "getA", "parameters": [{"name": "x", "in": "channel", "value": 1}]}, ("api",), [(E, "invalid-value", "write where the operation takes it: path, query, header or cookie")], id="a variable of an address in a request"),
    pytest.param({"operationId": "tell", **RECEIVE, "parameters": [{"name": "x", "in": "path", "value": 1}]}, ("events",), [(E, "unknown-path-parameter", "remove it, or write in: header")], id="a variable that the address does not have"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "sources", "expected"), NAMED)
def test_a_target_is_found_or_has_a_reason(tmp_path, step, sources, expected):
    assert sorted(found(tmp_path, step, sources), key=str) == sorted(expected, key=str)


def test_a_source_that_no_step_needs_is_not_read(tmp_path):
    path = write(tmp_path, [{"operationId": "$sourceDescriptions.api.getA"}], ("events", "api"))
    (tmp_path / "events.json").unlink()
    program = arazzo_runner.load(path, load_options=LoadOptions(root=str(tmp_path)))
    assert program.diagnostics == ()


def test_what_is_broken_in_a_description_is_an_error_where_a_step_needs_it_only(tmp_path):
    broken = json.loads(json.dumps(EVENTS))
    broken["operations"]["tell"]["channel"] = {"$ref": "#/channels/none"}
    SOURCES["broken"] = (broken, "asyncapi")
    try:
        (needs, *others) = found(tmp_path, {"operationId": "tell", **RECEIVE}, ("broken",))
        assert (needs[:2], others) == ((E, "broken-reference"), [])
        assert found(tmp_path, {"operationId": "placeOrder", "action": "send"}, ("broken",)) == []
    finally:
        del SOURCES["broken"]


# ------------------------------------------------------------------ where it goes

SEND = {"operationId": "placeOrder", "action": "send"}


def test_the_first_server_with_a_driver_is_chosen(tmp_path):
    (call,) = calls(load(tmp_path, [SEND]))
    assert (call.protocol, call.url, call.server.name) == ("mqtt", "mqtt://eu.main.test:1883", "main")


def test_a_channel_on_a_server_without_a_driver_is_loaded(tmp_path):
    (call,) = calls(load(tmp_path, [{"operationId": "tell", **RECEIVE}]))
    assert (call.protocol, call.url) == ("jms", "jms://old.test")


@pytest.mark.parametrize(
    ("server", "operation", "expected"),
    [
        pytest.param([], [], (), id="none"),
        pytest.param([{"login": []}], [], ({"login": ()},), id="of the server alone"),
        pytest.param([], [{"flow": ["write"]}], ({"flow": ("write",)},), id="of the operation alone"),
        pytest.param(
            [{"login": []}], [{"flow": ["write"]}, {"key": []}],
            ({"login": (), "flow": ("write",)}, {"login": (), "key": ()}), id="both are to be met",
        ),
        pytest.param([{"flow": ["read"]}], [{"flow": ["write"]}], ({"flow": ("read", "write")},), id="the scopes of both"),
    ],
)  # fmt: skip
def test_the_security_of_server_and_operation_is_to_be_met(tmp_path, server, operation, expected):
    events = {
        "asyncapi": "2.6.0", "info": {"title": "e", "version": "1"},
        "servers": {"main": {"url": "main.test", "protocol": "mqtt", "security": server}},
        "channels": {"c": {"publish": {"operationId": "put", "message": {}, "security": operation}}},
        "components": {"securitySchemes": {
            "login": {"type": "userPassword"}, "key": {"type": "apiKey", "in": "user"},
            "flow": {"type": "oauth2", "flows": {}},
        }},
    }  # fmt: skip
    (tmp_path / "e.json").write_text(json.dumps(events))
    document = {
        "arazzo": "1.1.0", "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "e", "url": (tmp_path / "e.json").as_uri(), "type": "asyncapi"}],
        "workflows": [{"workflowId": "w", "steps": [{"stepId": "s", "operationId": "put", "action": "send"}]}],
    }  # fmt: skip
    (call,) = calls(arazzo_runner.load(document, load_options=LoadOptions(root=str(tmp_path))))
    assert broker_of(call).security == expected


def test_a_variable_of_a_server_is_set(tmp_path):
    (call,) = calls(load(tmp_path, [SEND], server_variables={"zone": "us"}))
    assert call.url == "mqtt://us.main.test:1883"


def test_a_variable_that_is_not_in_its_enum_is_refused(tmp_path):
    with pytest.raises(ArazzoError, match='server variable "zone" is "asia", expected one of eu, us'):
        load(tmp_path, [SEND], server_variables={"zone": "asia"})


def test_a_variable_that_no_server_has_is_refused(tmp_path):
    with pytest.raises(InvalidUsage, match='"zon"'):
        load(tmp_path, [SEND], server_variables={"zon": "us"})


@pytest.mark.parametrize("url", ["mqtt://127.0.0.1:1883", "MQTT://127.0.0.1:1883/"])
def test_the_url_of_a_broker_is_given(tmp_path, url):
    (call,) = calls(load(tmp_path, [SEND], servers={"events": url}))
    assert (call.protocol, call.url.lower(), call.server.name) == ("mqtt", "mqtt://127.0.0.1:1883", "main")


def test_the_url_of_a_broker_is_changed_in_a_program(tmp_path):
    program = called_at(load(tmp_path, [SEND]), {"events": "nats://127.0.0.1:4222"})
    (call,) = calls(program)
    assert (call.protocol, call.url) == ("nats", "nats://127.0.0.1:4222")


def test_a_broker_is_no_server_of_an_api(tmp_path):
    with pytest.raises(ArazzoError, match=r"must be an http\(s\) URL"):
        load(tmp_path, [{"operationId": "getA"}], ("api",), servers={"api": "mqtt://127.0.0.1"})


def test_an_address_that_is_left_open_is_given_or_refused(tmp_path):
    step = {"operationId": "open", **RECEIVE}
    with pytest.raises(ArazzoError, match="channel_addresses="):
        load(tmp_path, [step])
    for name in ("open", "events.open"):
        (call,) = calls(load(tmp_path, [step], channel_addresses={name: "there"}))
        assert call.address == "there"


def test_an_address_for_a_channel_that_no_step_names_is_refused(tmp_path):
    with pytest.raises(InvalidUsage, match='did you mean "place"'):
        load(tmp_path, [SEND], channel_addresses={"plce": "x"})


# ------------------------------------------------------------------ events of OpenAPI descriptions

WEBHOOK = {
    **API,
    "paths": {
        "/builds/{id}/events": {
            "get": {
                "operationId": "watch",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "security": [{"key": []}],
                "responses": {"200": {"description": "ok", "content": {"text/event-stream": {"schema": {"$ref": "#/components/schemas/E"}}}}},
            }
        }
    },
    "webhooks": {"signed": {"post": {"operationId": "signed", "requestBody": {"$ref": "#/components/requestBodies/Signed"}}}},
    "components": {
        "requestBodies": {"Signed": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/E"}}}}},
        "schemas": {"E": {"type": "object"}},
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ["signed", "$sourceDescriptions.hooks.signed"])
def test_a_step_receives_a_webhook_of_an_openapi_description(tmp_path, monkeypatch, name):
    monkeypatch.setitem(SOURCES, "hooks", (WEBHOOK, "openapi"))
    (call,) = calls(load(tmp_path, [{"operationId": name, **RECEIVE}], ("hooks",)))
    assert (call.protocol, call.address, call.messages[0].content_type) == ("http", "/signed", "application/json")
    assert call.description.resolve(call.messages[0].payload, call.messages[0].base)[0] == {"type": "object"}


def test_a_step_receives_a_stream_of_events_of_an_openapi_description(tmp_path, monkeypatch):
    monkeypatch.setitem(SOURCES, "hooks", (WEBHOOK, "openapi"))
    step = {"operationId": "watch", **RECEIVE, "parameters": [{"name": "id", "in": "path", "value": "7"}]}
    (call,) = calls(load(tmp_path, [step], ("hooks",)))
    assert (call.url, call.address) == ("http://a.test", "/builds/{id}/events")
    assert call.messages[0].content_type == "application/json"
    assert call.operation is not None
    assert call.operation.security == ({"key": ()},)


def test_a_request_with_an_action_is_no_event(tmp_path):
    assert (E, "message-source-kind") in [
        each[:2] for each in found(tmp_path, {"operationId": "getA", **RECEIVE}, ("api",))
    ]


# ------------------------------------------------------------------ replies

ASK = {"operationId": "ask", "action": "send"}


def test_a_step_that_receives_on_a_request_waits_for_the_reply(tmp_path):
    region = [{"name": "region", "in": "path", "value": "eu"}]
    sent, awaited = calls(load(tmp_path, [SEND, {"operationId": "placeOrder", **RECEIVE, "parameters": region}]))
    assert (sent.channel.key, awaited.channel.key, awaited.address) == (
        "place", "confirm-order", "orders/{region}/confirmed",
    )  # fmt: skip
    assert [each.name for each in awaited.messages] == ["Confirmed"]
    assert not awaited.inbox


def test_a_reply_to_an_address_of_the_request_gets_an_inbox(tmp_path):
    program = load(tmp_path, [ASK, {"operationId": "ask", **RECEIVE}, SEND])
    sent, awaited, other = calls(program)
    assert awaited.inbox
    workflow = program.workflow
    assert [each.inbox for each in workflow.arms] == [True]
    assert inbox_of(workflow.arms, workflow.steps, sent) is workflow.arms[0]
    assert inbox_of(workflow.arms, workflow.steps, other) is None


# ------------------------------------------------------------------ subscriptions


def at(region: str) -> dict[str, Any]:
    return {
        "channelPath": "{$sourceDescriptions.events.url}#/channels/confirm-order",
        "action": "receive",
        "parameters": [{"name": "region", "in": "channel", "value": region}],
        "outputs": {"region": "$message.payload#/region"},
    }


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([at("eu"), at("eu")], [(["s0", "s1"], set())], id="two steps share the subscription to an address"),
        pytest.param([at("eu"), at("us")], [(["s0"], set()), (["s1"], set())], id="two addresses are two subscriptions"),
        pytest.param([at("eu"), at("$steps.s0.outputs.region")], [(["s0"], set()), (["s1"], {"s0"})], id="an address that reads a step begins after it"),
        pytest.param([ASK, {"operationId": "ask", **RECEIVE}, {"operationId": "ask", **RECEIVE}], [(["s1", "s2"], set())], id="replies to one operation share an inbox"),
        pytest.param([{"operationId": "tell", **RECEIVE}, at("eu")], [(["s0"], set()), (["s1"], set())], id="two servers"),
    ],
)  # fmt: skip
def test_what_is_subscribed_to_and_when(tmp_path, steps, expected):
    workflow = load(tmp_path, steps).workflow
    assert [(list(each.step_ids), set(each.after)) for each in workflow.arms] == expected


# ------------------------------------------------------------------ join points

WAIT = {"operationId": "tell", "action": "receive", "outputs": {"x": "$message.payload#/x"}}
END = {"name": "e", "type": "end"}


def reads(name: str) -> dict[str, Any]:
    return {**SEND, "requestBody": {"payload": {"x": f"$steps.{name}.outputs.x"}}}


@pytest.mark.parametrize(
    ("steps", "order", "waits_from"),
    [
        pytest.param([WAIT, SEND, {**SEND, "dependsOn": ["s0"]}], ["s1", "s0", "s2"], {"s0": "s1"}, id="just before the step that depends on it"),
        pytest.param([WAIT, SEND, reads("s0"), {**SEND, "dependsOn": ["s0"]}], ["s1", "s0", "s2", "s3"], {"s0": "s1"}, id="before a step that reads it earlier"),
        pytest.param([WAIT, SEND], ["s0", "s1"], {}, id="where it stands, when no step depends on it"),
        pytest.param([WAIT, SEND, reads("s0")], ["s0", "s1", "s2"], {}, id="where it stands, when a step only reads it"),
        pytest.param([{**WAIT, "onFailure": [END]}, SEND, {**SEND, "dependsOn": ["s0"]}], ["s0", "s1", "s2"], {}, id="where it stands, when it has actions"),
        pytest.param([WAIT, {**SEND, "dependsOn": ["s0"]}, SEND], ["s0", "s1", "s2"], {}, id="where it stands, when the next step depends on it"),
        pytest.param([WAIT, {**WAIT, "operationId": "$sourceDescriptions.events.open"}, SEND, {**SEND, "dependsOn": ["s0", "s1"]}], ["s2", "s0", "s1", "s3"], {"s0": "s2", "s1": "s2"}, id="two that wait for the same join, in their order"),
        pytest.param([WAIT, {**WAIT, "dependsOn": ["s0"]}, SEND, {**SEND, "dependsOn": ["s1"]}], ["s2", "s0", "s1", "s3"], {"s0": "s2", "s1": "s2"}, id="one that waits for another that waits"),
        pytest.param([WAIT, {**SEND, "onSuccess": [{"name": "g", "type": "goto", "stepId": "s0", "criteria": [{"condition": "$message.payload#/again == true"}]}]}, SEND, {**SEND, "dependsOn": ["s0"]}], ["s0", "s1", "s2", "s3"], {}, id="where it stands, when an action leads to it"),
    ],
)  # fmt: skip
def test_a_step_waits_where_its_message_is_needed(tmp_path, steps, order, waits_from):
    workflow = load(tmp_path, steps, channel_addresses={"open": "x"} if "open" in json.dumps(steps) else {}).workflow
    assert [each.step_id for each in workflow.steps] == order
    assert {each.step_id: each.waits_from for each in workflow.steps if each.waits_from} == waits_from
    assert [workflow.steps[index].step_id for index in workflow.positions.values()] == list(workflow.positions)


# ------------------------------------------------------------------ secrets


def test_outputs_that_read_what_is_sent_as_a_secret_are_secret(tmp_path):
    inputs = {"type": "object", "properties": {"pin": {"type": "string", "format": "password"}}}
    path = "{$sourceDescriptions.events.url}#/channels/place"
    steps = [
        {
            "channelPath": path,
            "action": "send",
            "parameters": [{"name": "Trace", "in": "header", "value": "$inputs.pin"}],
            "requestBody": {"payload": {"order": {"pin": "$inputs.pin", "id": 1}}},
        },
        {
            "channelPath": path,
            "action": "receive",
            "outputs": {
                "id": "$message.payload#/order/id",
                "a": "$message.payload#/order/pin",
                "b": "$message.payload#/order",
                "c": "$message.header.trace",
                "d": "$message.header.accessToken",
                "e": "$message.payload#/apiKey",
            },
        },
        {"operationId": "tell", "action": "receive", "outputs": {"pin2": "$message.payload#/order/pin"}},
    ]
    workflow = load(tmp_path, steps, workflow={"inputs": inputs}).workflow
    assert [set(each.secret_outputs) for each in workflow.steps] == [set(), {"a", "b", "c", "d", "e"}, set()]


# ------------------------------------------------------------------ large descriptions


def test_a_large_description_is_kept_parsed(tmp_path):
    path = write(tmp_path, [SEND])
    large = {**EVENTS, "x-notes": ["a note"] * 12_000}
    (tmp_path / "events.json").write_text(yaml.safe_dump(large))
    kept = tmp_path / "cache"
    options = LoadOptions(root=str(tmp_path), environment={"ARAZZO_CACHE_DIR": str(kept)})
    first = arazzo_runner.load(path, load_options=options)
    (entry,) = kept.glob("*.json")
    before = entry.stat().st_mtime_ns
    second = arazzo_runner.load(path, load_options=options)
    assert [call.url for call in calls(second)] == [call.url for call in calls(first)]
    assert entry.stat().st_mtime_ns > before  # it was used


# ------------------------------------------------------------------ what is imported

CODE = """
import sys
from arazzo_runner import LoadOptions, load, validate
from arazzo_runner.api import open_program
options = LoadOptions(root=sys.argv[2])
program = load(sys.argv[1], load_options=options)
parts = ("asyncapi", "link_message", "compile_message", "arms", "join_points", "brokers")
print([name for name in sys.modules if name.startswith("arazzo_runner.") and name.rpartition(".")[2].startswith(parts)
       and name.split(".")[1] in ("program", "sources")])
"""


@pytest.mark.parametrize(
    ("steps", "sources", "is_any"), [([{"operationId": "getA"}], ("api",), False), ([SEND], ("events",), True)]
)
def test_a_document_without_messages_imports_nothing_about_them(tmp_path, steps, sources, is_any):
    path = write(tmp_path, steps, sources)
    done = subprocess.run([sys.executable, "-c", CODE, path, str(tmp_path)], capture_output=True, text=True, check=True)
    assert (done.stdout.strip() != "[]") == is_any, done.stdout
