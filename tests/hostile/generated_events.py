"""Hostile AsyncAPI descriptions, by the name that a case calls them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Document = dict[str, Any]


def _asyncapi(change: Callable[[Document], object]) -> Callable[[Document], str]:
    """Return what makes a changed AsyncAPI description in place of an API."""

    def text(_: Document) -> str:
        order: Document = {
            "correlationId": {"location": "$message.payload#/id"},
            "payload": {"$ref": "#/components/schemas/Order"},
        }
        description: Document = {
            "asyncapi": "3.0.0", "info": {"title": "Orders", "version": "1"},
            "servers": {"broker": {"host": "broker.test:1883", "protocol": "mqtt"}},
            "channels": {"place": {"address": "orders", "messages": {"Order": {"$ref": "#/components/messages/Order"}}}},
            "operations": {"place": {"action": "receive", "channel": {"$ref": "#/channels/place"}}},
            "components": {
                "schemas": {"Order": {"type": "object", "properties": {"id": {"type": "string"}}}},
                "messages": {"Order": order},
            },
        }  # fmt: skip
        change(description)
        return json.dumps(description)

    return text


def _schemas(count: int, each: Callable[[Document], Document]) -> Callable[[Document], object]:
    """Return a change that makes schemas of which each refers to the one before, in the way that `each` says."""

    def change(description: Document) -> None:
        schemas = description["components"]["schemas"]
        schemas["s0"] = {"type": "object", "properties": {"id": {"type": "string"}}}
        for number in range(1, count):
            schemas[f"s{number}"] = each({"$ref": f"#/components/schemas/s{number - 1}"})
        schemas["Order"] = schemas[f"s{count - 1}"]

    return change


def _order(**members: Any) -> Callable[[Document], object]:
    return lambda description: description["components"]["messages"]["Order"].update(members)


def _place(**members: Any) -> Callable[[Document], object]:
    return lambda description: description["channels"]["place"].update(members)


def _many(part: str, value: Any, count: int = 100_000) -> Callable[[Document], object]:
    return lambda description: description[part].update({f"x{number}": value for number in range(count)})


def _wrong_keys(description: Document) -> None:
    for key in (
        "__proto__",
        "constructor",
        "__class__",
        "toString",
        "..",
        "%2e",
        "",
        " ",
        "\u202e",
        "a\nb",
        "\x1b[31m",
        "::error::",
    ):
        description["channels"][key] = {"address": key, "messages": {key: {}}}
        description["operations"][key] = {"action": "send", "channel": {"$ref": "#/channels/place"}}
        description["servers"][key] = {"host": "x:1", "protocol": key, "variables": {key: {}}}
        description["components"]["messages"]["Order"].setdefault("bindings", {})[key] = {}


def _cycles(description: Document) -> None:
    parts = description["components"]
    parts["messageTraits"] = {
        "a": {"$ref": "#/components/messageTraits/b"},
        "b": {"$ref": "#/components/messageTraits/a"},
    }
    parts["messages"]["Order"]["traits"] = [{"$ref": "#/components/messageTraits/a"}] * 1000


def _wrong_types(description: Document) -> None:
    for name in ("servers", "channels", "operations", "components"):
        description[name] = [description[name], 1, None]


ASYNCAPI: dict[str, Callable[[Document], str]] = {
    "events": _asyncapi(lambda description: None),
    "events: a billion laughs": _asyncapi(_schemas(40, lambda before: {"type": "object", "properties": dict.fromkeys("abcdefghij", before)})),
    "events: alternatives of alternatives": _asyncapi(_schemas(40, lambda before: {"anyOf": [before] * 10})),
    "events: a schema of itself": _asyncapi(_schemas(2, lambda before: {"allOf": [{"$ref": "#/components/schemas/Order"}, before]})),
    "events: traits in a circle": _asyncapi(_cycles),
    "events: 20,000 traits": _asyncapi(_order(traits=[{"headers": {"type": "object", "properties": {f"h{n}": {}}}} for n in range(20_000)])),
    "events: 100,000 channels": _asyncapi(_many("channels", {"address": "a", "messages": {"m": {"payload": {}}}})),
    "events: 100,000 operations": _asyncapi(_many("operations", {"action": "send", "channel": {"$ref": "#/channels/place"}})),
    "events: 20,000 messages": _asyncapi(_place(messages={f"m{n}": {"payload": {"type": "object", "properties": {f"p{n}": {}}}} for n in range(20_000)})),
    "events: 50,000 servers": _asyncapi(_many("servers", {"host": "h:1", "protocol": "mqtt"}, 50_000)),
    "events: an address of a megabyte": _asyncapi(_place(address="a" * 1_000_000)),
    "events: an address of braces": _asyncapi(_place(address="{" * 1_000_000)),
    "events: an address of 100,000 variables": _asyncapi(_place(address="/".join(f"{{v{n}}}" for n in range(100_000)))),
    "events: an address with an escape": _asyncapi(_place(address="a\x1b[31m\n::error::x")),
    "events: an enum of 300,000": _asyncapi(_place(address="o/{r}", parameters={"r": {"enum": [f"e{n}" for n in range(300_000)]}})),
    "events: a pattern that runs away": _asyncapi(lambda d: d["components"]["schemas"]["Order"]["properties"]["id"].update(pattern="^(a+)+$", minLength=50_000)),
    "events: 100,000 examples": _asyncapi(_order(examples=[{"payload": {"id": str(n)}} for n in range(100_000)])),
    "events: a place of 100,000 levels": _asyncapi(_order(correlationId={"location": "$message.payload#" + "/a" * 100_000})),
    "events: names of prototypes": _asyncapi(_wrong_keys),
    "events: lists in place of mappings": _asyncapi(_wrong_types),
}  # fmt: skip
