"""The types of messages, by the schemas of the messages that a step may send or receive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.lint.analysis.schema_types import SchemaType, SchemaTypes, expanded, required_names
from arazzo_runner.program.model import MessageCall
from arazzo_runner.sources.http_media.media_types import essence, is_json
from arazzo_runner.sources.schema.context import SchemaContext

if TYPE_CHECKING:
    from arazzo_runner.sources.channel import MessageType


def payload_types(call: MessageCall) -> SchemaTypes | None:
    """Return the types of the payload, one for each message; None if one is not described by a JSON Schema."""
    if not call.messages or not all(map(_is_described, call.messages)):
        return None
    return tuple(_type(each.payload, each, call) for each in call.messages)


def header_types(call: MessageCall, name: str) -> SchemaTypes | None:
    """Return the types of a header, one for each message that describes it; None if one leaves it open."""
    found = [_header(each, call, name) for each in call.messages]
    return None if not found or None in found else tuple(each for each in found if each is not None)


def described_headers(call: MessageCall) -> Mapping[str, tuple[str, ...]] | None:
    """Return the headers of each message, by its name; None if one says nothing about its headers."""
    found = {each.name: tuple(_header_schemas(each, call)) for each in call.messages}
    return found if found and all(found.values()) else None


def required_headers(message: MessageType, call: MessageCall) -> frozenset[str]:
    """Return the headers that every such message has."""
    if message.headers is None:
        return frozenset()
    return required_names(_type(message.headers, message, call))


def is_opaque(message: MessageType) -> bool:
    """Return whether the payload is described in a language of its own (Avro, Protobuf), which is not read."""
    return message.schema_format is not None


def _is_described(message: MessageType) -> bool:
    is_readable = message.content_type is None or is_json(message.content_type) or _is_event(message.content_type)
    return message.payload is not None and is_readable and not is_opaque(message)


def _is_event(content_type: str) -> bool:
    """Return whether it is that of a stream of events, whose data are JSON where an object is described."""
    return essence(content_type) == "text/event-stream"


def _header(message: MessageType, call: MessageCall, name: str) -> SchemaType | None:
    known = _header_schemas(message, call)
    return next((schema for each, schema in known.items() if each.lower() == name.lower()), None)


def _header_schemas(message: MessageType, call: MessageCall) -> dict[str, SchemaType]:
    """Return the schema of each header of a message by its name."""
    found: dict[str, SchemaType] = {}
    for part in expanded(_type(message.headers, message, call)) if message.headers is not None else ():
        properties = part.schema.get("properties") if isinstance(part.schema, dict) else None
        for name, schema in properties.items() if isinstance(properties, dict) else ():
            found.setdefault(str(name), SchemaType(schema, part.base, part.context))
    return found


def _type(schema: JsonValue, message: MessageType, call: MessageCall) -> SchemaType:
    return SchemaType(schema, message.base, SchemaContext("2020-12", call.description.resolve))
