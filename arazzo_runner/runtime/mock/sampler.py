"""Sample values for an API's responses, from examples, else from schemas; deterministic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing
from arazzo_runner.sources.operation import MediaType

Resolve = Callable[[JsonValue], JsonValue]

MAX_DEPTH: Final = 8
MAX_VALUES: Final = 5_000
_FORMATS: Final = {
    "date-time": "2024-01-01T12:00:00Z", "date": "2024-01-01", "time": "12:00:00Z", "duration": "P1D",
    "email": "user@example.com", "idn-email": "user@example.com", "hostname": "example.com", "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1", "uri": "https://example.com/", "url": "https://example.com/", "uri-reference": "/example",
    "uuid": "00000000-0000-4000-8000-000000000000", "byte": "ZXhhbXBsZQ==", "binary": "example",
    "password": "example-password",
}  # fmt: skip


def sample_media(media_type: MediaType, resolve: Resolve) -> JsonValue | Missing:
    """Return a media type's example, the first of its examples, or a sample of its schema."""
    if media_type.example is not None:
        return media_type.example
    for example in media_type.examples.values():
        if isinstance(example, dict) and "value" in example:
            return example["value"]
        if isinstance(example, dict) and "dataValue" in example:
            return example["dataValue"]
    return MISSING if media_type.schema is None else sample(media_type.schema, resolve)


def sample(schema: JsonValue, resolve: Resolve) -> JsonValue:
    """Return a value that is valid for the plain keywords of a schema.

    A schema inside itself ends the sample there: an optional member is left out, a list is
    empty. What would still be larger than MAX_VALUES ends the same way.
    """
    return _Sampling(resolve).value(schema, 0)


class _Sampling:
    """Makes one sample: `_open` are the schemas around the current value, `_left` how many values are left."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._open: list[int] = []
        self._left = MAX_VALUES

    def value(self, schema: JsonValue, depth: int) -> JsonValue:
        schema = self._resolve(schema)
        if not isinstance(schema, dict):
            return None
        stated = _stated(schema)
        if stated is not MISSING:
            return stated
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0 or id(schema) in self._open:
            return {} if _type(schema) == "object" else [] if _type(schema) == "array" else None
        self._open.append(id(schema))
        try:
            return self._made(schema, depth)
        finally:
            self._open.pop()

    def _made(self, schema: dict[str, Any], depth: int) -> JsonValue:
        if isinstance(schema.get("allOf"), list):
            return self._all_of(schema, depth)
        for keyword in ("oneOf", "anyOf"):
            if isinstance(schema.get(keyword), list) and schema[keyword]:
                return self.value(_not_null(schema[keyword]), depth + 1)
        return self._by_type(schema, depth)

    def _all_of(self, schema: dict[str, Any], depth: int) -> JsonValue:
        merged: dict[str, JsonValue] = {}
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        for part in (*schema["allOf"][:50], rest):
            value = self.value(part, depth + 1)
            if isinstance(value, dict):
                merged.update(value)
            elif value is not None and not merged:
                return value
        return merged

    def _by_type(self, schema: dict[str, Any], depth: int) -> JsonValue:
        kind = _type(schema)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            if self._is_open(schema.get("items")):
                return []
            count = schema.get("minItems", 1)
            item = self.value(schema.get("items", {}), depth + 1)
            return [item] * min(count if isinstance(count, int) else 1, 20) if item is not None or count else []
        if kind in ("integer", "number"):
            return _number(schema, kind)
        if kind == "boolean":
            return True
        return _text(schema) if kind == "string" else None

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, JsonValue]:
        properties, required = schema.get("properties"), schema.get("required")
        members = properties if isinstance(properties, dict) else {}
        needed = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
        return {
            name: self.value(part, depth + 1)
            for name, part in members.items()
            if not _write_only(part) and (name in needed or not (self._left <= 0 or self._is_open(part)))
        }

    def _is_open(self, schema: JsonValue) -> bool:
        """Return whether a schema, or that of its items, is around the current value already."""
        found = self._resolve(schema)
        if isinstance(found, dict) and _type(found) == "array" and "items" in found and id(found) not in self._open:
            found = self._resolve(found["items"])
        return id(found) in self._open


def _stated(schema: dict[str, Any]) -> JsonValue | Missing:
    for keyword in ("example", "default", "const"):
        if keyword in schema:
            return schema[keyword]
    for keyword in ("examples", "enum"):
        if isinstance(schema.get(keyword), list) and schema[keyword]:
            return schema[keyword][0]
    return MISSING


def _number(schema: dict[str, Any], kind: str) -> int | float:
    least, most = schema.get("minimum"), schema.get("maximum")
    value: int | float = 1
    if isinstance(least, (int, float)) and value < least:
        value = least
    if isinstance(most, (int, float)) and value > most:
        value = most
    if isinstance(schema.get("exclusiveMinimum"), (int, float)) and not isinstance(schema["exclusiveMinimum"], bool):
        value = max(value, schema["exclusiveMinimum"] + 1)
    return int(value) if kind == "integer" else value


def _text(schema: dict[str, Any]) -> str:
    text = _FORMATS.get(str(schema.get("format")), "example")
    least, most = schema.get("minLength"), schema.get("maxLength")
    if isinstance(least, int) and len(text) < least:
        text = (text * (least // len(text) + 1))[:least]
    return text[:most] if isinstance(most, int) else text


def _type(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    return (
        "array"
        if "items" in schema
        else "null"
        if not schema
        else "object"
        if "additionalProperties" in schema
        else "string"
    )


def _not_null(parts: list[JsonValue]) -> JsonValue:
    return next((part for part in parts if not (isinstance(part, dict) and part.get("type") == "null")), parts[0])


def _write_only(part: JsonValue) -> bool:
    return isinstance(part, dict) and part.get("writeOnly") is True
