"""AsyncAPI descriptions of 2.x and 3.0: both dialects give the same records, lazily, and say what is wrong with them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from arazzo_runner.base.json_values import MISSING
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.sources.asyncapi import AsyncApiDescription, load_asyncapi
from arazzo_runner.sources.channel import Place
from tests.sources.test_references import Shelf

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fuzz" / "asyncapi"
BOTH = ["orders2.yml", "orders3.yml"]


def described(value: Any, files: dict[str, Any] | None = None) -> AsyncApiDescription:
    text = value if isinstance(value, bytes) else yaml.safe_dump(value, sort_keys=False).encode()
    document = read(text, "events.yml", Problems())
    assert document is not None
    return load_asyncapi(document, None if files is None else Shelf(files), base="file:///d/events.yml")


def fixture(name: str) -> AsyncApiDescription:
    return described((FIXTURES / name).read_bytes())


def faults(found: AsyncApiDescription, *pointers: str) -> list[str]:
    return [each.message for each in found.faults(*pointers)]


@pytest.mark.parametrize("name", BOTH)
def test_both_dialects_give_the_same_operation(name):
    found = fixture(name).operation("placeOrder")
    assert found is not None
    assert (found.id, found.action, found.channel.address) == ("placeOrder", "receive", "orders/{region}/place")
    assert found.channel.servers == ("broker",)
    region = found.channel.parameters["region"]
    assert (region.default, region.enum, region.location.text) == ("eu", ("eu", "us"), "$message.payload#/region")
    (message,) = found.messages
    assert (message.name, message.content_type) == ("Place", "application/json")
    assert message.correlation == Place("header", ("requestId",), "$message.header#/requestId")
    assert message.headers["properties"].keys() == {"requestId", "replyTo"}
    assert message.payload == {"$ref": "#/components/schemas/Order"}
    assert [(each.name, each.payload["item"]) for each in message.examples] == [("one", "tea")]
    assert found.security == ({"login": ()},)


@pytest.mark.parametrize("name", BOTH)
def test_both_dialects_give_the_same_servers(name):
    found = fixture(name)
    broker, log = found.servers.values()
    assert broker.protocol == "secure-mqtt"
    assert broker.url.startswith("secure-mqtt://{zone}.broker.test:8883/")
    assert broker.variables["zone"].enum == ("eu", "us")
    assert broker.protocol_version == "5"
    assert [len(each) for each in broker.security] == [1, 1]
    assert {name for each in broker.security for name in each} == set(found.security_schemes)
    assert (log.protocol, log.url) == ("kafka-secure", "kafka-secure://log.test:9093")


@pytest.mark.parametrize("name", BOTH)
def test_a_payload_of_another_language_says_so(name):
    found = fixture(name).operation("orderChanged")
    assert found is not None
    assert found.messages[0].schema_format == "application/vnd.apache.avro;version=1.9.0"
    assert found.messages[0].payload["type"] == "record"
    assert found.channel.servers == ("log",)


def test_a_reply_has_its_channel_messages_and_the_place_of_its_address():
    found = fixture("orders3.yml").operation("placeOrder")
    assert found is not None
    assert found.reply is not None
    assert found.reply.channel is not None
    assert found.reply.channel.address is None
    assert [each.name for each in found.reply.messages] == ["Accepted", "Refused"]
    assert found.reply.address == Place("header", ("replyTo",), "$message.header#/replyTo")


def test_one_of_several_messages_is_named_by_its_name_its_id_or_its_reference():
    channel = fixture("orders2.yml").channel("orders/answers")
    assert channel is not None
    assert [each.name for each in channel.messages] == ["Accepted", "Refused"]


# ------------------------------------------------------------------ traits


def with_traits(version: str) -> Any:
    message = {"traits": [{"contentType": "a/a", "name": "A"}, {"contentType": "b/b"}], "contentType": "own/own"}
    if version == "3.0.0":
        return {
            "asyncapi": version, "channels": {"c": {"address": "c", "messages": {"m": message}}},
            "operations": {"o": {"action": "send", "channel": {"$ref": "#/channels/c"}}},
        }  # fmt: skip
    return {"asyncapi": version, "channels": {"c": {"subscribe": {"operationId": "o", "message": message}}}}


@pytest.mark.parametrize(
    ("version", "content_type"),
    [
        pytest.param("3.0.0", "own/own", id="in 3.0 what the message says itself wins"),
        pytest.param("2.6.0", "b/b", id="in 2.x the last trait wins"),
    ],
)
def test_traits_are_merged_in_the_order_of_their_version(version, content_type):
    found = described(with_traits(version)).operation("o")
    assert found is not None
    assert found.messages[0].content_type == content_type


def test_bindings_of_traits_are_merged_member_by_member():
    for name in BOTH:
        found = fixture(name).operation("placeOrder")
        assert found is not None
        assert found.bindings == {"mqtt": {"qos": 2, "retain": True}}


# ------------------------------------------------------------------ references

V3: dict[str, Any] = {
    "asyncapi": "3.0.0",
    "servers": {"b": {"host": "b.test", "protocol": "mqtt"}},
    "channels": {"c": {"address": "c", "messages": {"m": {"payload": {"type": "object"}}}}},
    "operations": {"o": {"action": "send", "channel": {"$ref": "#/channels/c"}}},
}
V2: dict[str, Any] = {
    "asyncapi": "2.6.0",
    "servers": {"b": {"url": "b.test", "protocol": "mqtt"}},
    "channels": {"c": {"subscribe": {"operationId": "o", "message": {"name": "m", "payload": {"type": "object"}}}}},
}
OTHER = yaml.safe_load("""\
messages: {m: {name: m, payload: {$ref: '#/schemas/s'}, headers: {type: object}}}
schemas: {s: {type: object, required: [id]}}
operation: {action: send, channel: {$ref: 'events.yml#/channels/c'}}
channel: {address: there, messages: {m: {$ref: '#/messages/m'}}}
server: {host: other.test, protocol: nats}
parameter: {default: eu}
""")


def changed(base: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(base)
    *above, last = path.split("/")
    holder: Any = made
    for each in above:
        holder = holder[int(each)] if isinstance(holder, list) else holder.setdefault(each, {})
    holder[last] = value
    return made


@pytest.mark.parametrize(
    ("path", "reference", "check"),
    [
        pytest.param("operations/o", "other.yml#/operation", lambda o: o.channel.address == "c", id="an operation of another file, whose channel is of this one"),
        pytest.param("channels/c", "other.yml#/channel", lambda o: o.channel.address == "there" and o.messages[0].name == "m", id="a channel of another file"),
        pytest.param("operations/o/channel", "other.yml#/channel", lambda o: o.channel.address == "there", id="an operation on a channel that only another file has"),
        pytest.param("channels/c/messages/m", "other.yml#/messages/m", lambda o: o.messages[0].base == "file:///d/other.yml", id="a message of another file, whose references start there"),
        pytest.param("channels/c/parameters", {"p": {"$ref": "other.yml#/parameter"}}, lambda o: o.channel.parameters["p"].default == "eu", id="a parameter of another file"),
    ],
)  # fmt: skip
def test_references_lead_into_other_files(path, reference, check):
    value = {"$ref": reference} if isinstance(reference, str) else reference
    found = described(changed(V3, path, value), {"file:///d/other.yml": OTHER})
    operation = found.operation("o")
    assert faults(found, "/operations/o", "/channels/c") == []
    assert check(operation), operation


def test_a_channel_among_the_components_is_the_one_that_refers_to_it():
    made = changed(V3, "channels/c", {"$ref": "#/components/channels/shared"})
    made["components"] = {"channels": {"shared": {"address": "s"}}}
    made["operations"]["o"]["channel"] = {"$ref": "#/components/channels/shared"}
    operation = described(made).operation("o")
    assert operation is not None
    assert (operation.channel.pointer, operation.channel.address) == ("/channels/c", "s")


# ------------------------------------------------------------------ what is wrong

WRONG: list[Any] = [
    pytest.param(V3, "operations", 5, "operations must be a mapping, found integer", id="operations that are a number"),
    pytest.param(V3, "operations/o", "x", 'operation "o" must be a mapping, found string', id="an operation that is a text"),
    pytest.param(V3, "operations/o/action", "publish", 'operation "o" has the action "publish", expected send or receive', id="an action of 2.x"),
    pytest.param(V3, "operations/o/channel", None, 'operation "o" has no channel', id="no channel"),
    pytest.param(V3, "operations/o/channel", {"address": "x"}, 'the channel of operation "o" must be a $ref', id="a channel in its place"),
    pytest.param(V3, "operations/o/channel", {"$ref": "#/channels/none"}, '$ref "#/channels/none" points to nothing in events.yml', id="a channel that is not there"),
    pytest.param(V3, "operations/o/messages", [{"$ref": "#/channels/c/messages/none"}], '$ref "#/channels/c/messages/none" points to nothing in events.yml', id="a message that is not there"),
    pytest.param(V3, "channels/c", {"$ref": "#/channels/c"}, "the $refs form a cycle", id="a channel that refers to itself"),
    pytest.param(V3, "channels/c/messages", [], "messages must be a mapping, found array", id="messages that are a list"),
    pytest.param(V3, "channels/c/address", {}, "address must be a string", id="an address that is a mapping"),
    pytest.param(V3, "channels/c/messages/m", {"$ref": "#/components/messages/none"}, '$ref "#/components/messages/none" points to nothing in events.yml', id="a message of the channel that is not there"),
    pytest.param(V3, "channels/c/bindings", 1, "bindings must be a mapping, found integer", id="bindings that are a number"),
    pytest.param(V3, "asyncapi", "1.2.0", "AsyncAPI 1.2.0 is not supported; 2.0 to 2.6 and 3.0 are", id="another version"),
    pytest.param(V2, "channels/c", 5, 'channel "c" must be a mapping, found integer', id="2.x: a channel that is a number"),
    pytest.param(V2, "channels/c/subscribe/message", 5, "a message must be a mapping, found integer", id="2.x: a message that is a number"),
    pytest.param(V2, "channels/c/subscribe/message/oneOf", 5, "oneOf must be a list, found integer", id="2.x: oneOf that is a number"),
    pytest.param(V2, "channels/c/servers", ["none"], "a server of a channel must be the name of a server of the description", id="2.x: an unknown server"),
    pytest.param(V2, "channels/c/subscribe/traits", [5], "a trait must be a mapping", id="2.x: a trait that is a number"),
]  # fmt: skip


@pytest.mark.parametrize(("base", "path", "value", "message"), WRONG)
def test_what_is_wrong_is_said_once_where_a_step_needs_it(base, path, value, message):
    found = described(changed(base, path, value))
    pointer = "/operations/o" if base is V3 else "/channels/c/subscribe"
    found.operation_at(pointer)
    found.channel("c")
    assert faults(found, pointer, "/channels/c") == [message]
    assert list(found.structure.remaining()) == []


@pytest.mark.parametrize(("base", "path", "value", "message"), WRONG)
def test_what_no_step_needs_is_a_warning(base, path, value, message):
    found = described(changed(base, path, value))
    found.operation_at("/operations/o" if base is V3 else "/channels/c/subscribe")
    found.channel("c")
    assert [(each.message, each.severity.value) for each in found.structure.remaining()] == [(message, "warning")]


def test_an_operation_id_that_is_there_twice_is_a_warning_with_both_places():
    made = changed(V2, "channels/d", {"publish": {"operationId": "o"}})
    found = described(made)
    assert list(found.same_id("o")) == ["/channels/c/subscribe", "/channels/d/publish"]
    (told,) = found.structure.remaining()
    assert told.code == "duplicate-operation-id"
    assert [each.pointer for each in told.related] == ["/channels/c/subscribe/operationId"]


def test_a_place_that_is_none_is_left_out_with_a_warning():
    made = changed(V3, "channels/c/messages/m/correlationId", {"location": "$message.body#/id"})
    found = described(made)
    operation = found.operation("o")
    assert operation is not None
    assert operation.messages[0].correlation is None
    assert faults(found, "/operations/o", "/channels/c") == []
    assert ["$message.body#/id" in each.message for each in found.structure.remaining()] == [True]


def test_a_channel_is_read_only_when_it_is_asked_for():
    made = changed(V3, "channels/broken", {"messages": {"m": {"$ref": "nowhere.yml#/x"}}})
    found = described(made, {})
    assert found.operation("o") is not None
    assert list(found.structure.remaining()) == []


def test_an_example_without_a_payload_has_none():
    made = changed(V3, "channels/c/messages/m/examples", [{"headers": {"a": 1}}, 5])
    operation = described(made).operation("o")
    assert operation is not None
    first, second = operation.messages[0].examples
    assert (first.payload, first.headers, second.payload) == (MISSING, {"a": 1}, MISSING)
