"""Message Objects and address parameters of AsyncAPI descriptions.

Specifications: AsyncAPI 3.0.0 §Message Object, §Multi Format Schema Object, §Parameter Object, §Correlation ID
Object, §Runtime Expression; 2.6.0 §Message Object, §Parameter Object.
"""

from __future__ import annotations

from typing import Final

from arazzo_runner.base.json_values import MISSING, JsonValue, pointer_tokens, to_text
from arazzo_runner.sources.asyncapi_parts import AsyncParts, mapping
from arazzo_runner.sources.channel import ChannelParameter, MessageExample, MessageType, Place
from arazzo_runner.sources.references import Node, rebased

_DEEPEST: Final = 100
_PARTS: Final = {"header": "header", "payload": "payload"}
# Formats whose schemas are JSON Schemas or, as AsyncAPI's own, supersets of them (§Schema formats table).
_OWN_FORMATS: Final = ("application/vnd.aai.asyncapi", "application/schema", "application/vnd.oai.openapi")


class MessageReader:
    """Reads the Message Objects of one description."""

    def __init__(self, parts: AsyncParts, *, is_v2: bool) -> None:
        self._parts = parts
        self._is_v2 = is_v2

    def message(self, node: Node, name: str | None = None, *, fallback: str = "") -> MessageType | None:
        """Return a message; `name` is its key where it has one, `fallback` the name of one without any.

        None, reported, for what is none.
        """
        parts = self._parts
        found = parts.followed(node)
        if parts.parts.mapping(found, "a message") is None:
            return None
        found = parts.with_traits(found, traits_win=self._is_v2)
        content_type = parts.text(found.child("contentType"), "contentType")
        payload, schema_format = self._schema(found, "payload")
        headers, _ = self._schema(found, "headers")
        return MessageType(
            name=(self._name(node, found) or fallback) if name is None else name,
            pointer=found.at.pointer,
            base=found.base,
            content_type=content_type or parts.text(parts.root.child("defaultContentType"), "defaultContentType"),
            headers=headers,
            payload=payload,
            schema_format=schema_format,
            correlation=self._correlation(found),
            examples=tuple(_example(each.value) for each in parts.listed(found, "examples")),
            bindings=parts.bindings(found),
        )

    def _name(self, node: Node, found: Node) -> str:
        for field in ("name", "messageId"):
            name = found.child(field).value
            if isinstance(name, str) and name:
                return name
        return to_text(mapping(node.value).get("$ref", "")).rpartition("/")[2]

    def _schema(self, message: Node, field: str) -> tuple[JsonValue | None, str | None]:
        """Return the schema of the payload or the headers, and its format if it is no JSON Schema."""
        node = message.child(field)
        if node.value is MISSING or node.value is None:
            return None, None
        stated = message.child("schemaFormat").value if self._is_v2 and field == "payload" else MISSING
        if not self._is_v2:
            target = self._parts.follow_quietly(node)
            if target is not None and isinstance(target.value, dict) and "schemaFormat" in target.value:
                node, stated = target.child("schema"), target.value["schemaFormat"]
        schema_format = None if stated is MISSING else to_text(stated)
        if schema_format is not None and schema_format.startswith(_OWN_FORMATS):
            schema_format = None
        if schema_format is None and isinstance(node.value, dict):
            self._parts.followed(node)
        elif schema_format is None and not isinstance(node.value, bool):
            self._parts.broken(node, f"{field} must be a schema")
            return None, None
        return rebased(node.value, node.base, message.base), schema_format

    def _correlation(self, message: Node) -> Place | None:
        node = self._parts.followed(message.child("correlationId"))
        if node.value is MISSING or node.value is None:
            return None
        if self._parts.parts.mapping(node, "correlationId") is None:
            return None
        return self.place(node.child("location"))

    def place(self, node: Node) -> Place | None:
        """Return the place that `$message.header#/id` names; another text is left out, with a warning."""
        if node.value is MISSING or node.value is None:
            return None
        found = place_of(node.value)
        if found is None:
            message = "location must be $message.header#/… or $message.payload#/…"
            self._parts.doubtful(node, f"{message}, found {to_text(node.value)[:80]}")
        return found

    def parameter(self, node: Node) -> ChannelParameter:
        """Return a variable of an address; in 2.x its values are those of its schema."""
        values = self._parts.followed(node.child("schema")) if self._is_v2 else node
        enum = tuple(to_text(each.value) for each in self._parts.listed(values, "enum"))
        default = values.child("default").value
        if default is MISSING:
            default = values.child("const").value
        return ChannelParameter(
            default=None if default is MISSING or default is None else to_text(default),
            enum=enum,
            location=self.place(node.child("location")),
        )


def place_of(text: JsonValue) -> Place | None:
    """Return the place that `$message.header#/id` names, None for another text.

    >>> place_of("$message.payload#/order/id").pointer, place_of("$message.body#/id")
    (('order', 'id'), None)
    """
    if not isinstance(text, str) or not text.startswith("$message."):
        return None
    part, _, pointer = text.removeprefix("$message.").partition("#")
    if part not in _PARTS or (pointer and not pointer.startswith("/")):
        return None
    if pointer.count("/") > _DEEPEST:  # no message is nested as deeply
        return None
    return Place(_PARTS[part], tuple(pointer_tokens(pointer)), text)  # type: ignore[arg-type]


def _example(value: JsonValue) -> MessageExample:
    fields = mapping(value)
    name = fields.get("name")
    return MessageExample(
        name=name if isinstance(name, str) else None,
        payload=fields.get("payload", MISSING),
        headers=fields.get("headers", MISSING),
    )
