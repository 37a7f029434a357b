"""Schemas of values that were seen: types and members, never a value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import reduce
from typing import Any, Final, TypeAlias

from arazzo_runner.base.json_values import JsonValue

Schema: TypeAlias = dict[str, Any]

_DEEPEST: Final = 12
_MOST_MEMBERS: Final = 200
"""An object with more members is a map by key, as is one with ids for names: its members are not listed."""
_LONGEST_NAME: Final = 60
_OF_OBJECTS: Final = ("required", "properties", "additionalProperties")
_AN_ID: Final = re.compile(r"\d+|[0-9a-fA-F-]{24,}|.*\d.{0,3}\d.*\d.*|arazzo-secret-\d+", re.DOTALL)


def inferred(value: JsonValue, depth: int = 0) -> Schema:
    """Return the schema of a value: its types and required members, none of its values.

    >>> inferred({"id": 7, "tags": ["a", None]})["properties"]["tags"]
    {'type': 'array', 'items': {'type': ['string', 'null']}}
    """
    if isinstance(value, dict):
        return _object(value, depth)
    if isinstance(value, list):
        return _array(value, depth)
    if value is None:
        return {"type": "null"}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer"}
    return {"type": "number" if isinstance(value, float) else "string"}


def merged(one: Schema, other: Schema) -> Schema:
    """Return the schema of values of which some fit one schema, some the other; {} is any value.

    >>> merged({"type": "integer"}, {"type": "null"})
    {'type': ['integer', 'null']}
    >>> merged(inferred({"a": 1, "b": 2}), inferred({"a": 1.5}))["required"]
    ['a']
    """
    if one == other:
        return one
    if not one.get("type") or not other.get("type"):
        return {}
    found: Schema = {"type": _types(one, other)}
    objects = [each for each in (one, other) if _has_type(each, "object")]
    if len(objects) == 2:
        found.update(_members(one, other))
    elif objects:
        found.update({name: objects[0][name] for name in _OF_OBJECTS if name in objects[0]})
    items = [each["items"] for each in (one, other) if "items" in each]
    if items:
        found["items"] = items[0] if len(items) == 1 else merged(items[0], items[1])
    return found


def inferred_from_all(values: Iterable[JsonValue], *, is_required: bool = True) -> Schema:
    """Return a schema that all values fit; {} for none. The members that each has are required, if wanted.

    >>> inferred_from_all([{"a": 1, "b": True}, {"a": None}], is_required=False)
    {'type': 'object', 'properties': {'a': {'type': ['integer', 'null']}, 'b': {'type': 'boolean'}}}
    """
    schemas = [inferred(each) for each in values]
    found = reduce(merged, schemas) if schemas else {}
    return found if is_required else _lenient(found)


def inferred_from_texts(texts: Iterable[str]) -> Schema:
    """Return the schema of a parameter from its texts.

    >>> inferred_from_texts(["1", "20"]), inferred_from_texts(["true"]), inferred_from_texts(["1", "x"])
    ({'type': 'integer'}, {'type': 'boolean'}, {'type': 'string'})
    """
    seen = list(texts)
    if seen and all(re.fullmatch(r"-?(0|[1-9]\d{0,17})", each) for each in seen):
        return {"type": "integer"}
    if seen and all(each in ("true", "false") for each in seen):
        return {"type": "boolean"}
    return {"type": "string"}


def _object(value: dict[str, JsonValue], depth: int) -> Schema:
    if not value or depth >= _DEEPEST:
        return {"type": "object"}
    if len(value) > _MOST_MEMBERS or any(_is_an_id(name) for name in value):
        return {"type": "object", "additionalProperties": _together(value.values(), depth)}
    members = {name: inferred(member, depth + 1) for name, member in value.items()}
    return {"type": "object", "required": list(value), "properties": members}


def _array(value: list[JsonValue], depth: int) -> Schema:
    if not value or depth >= _DEEPEST:
        return {"type": "array"}
    return {"type": "array", "items": _together(value, depth)}


def _together(values: Iterable[JsonValue], depth: int) -> Schema:
    return reduce(merged, (inferred(each, depth + 1) for each in values))


def _is_an_id(name: str) -> bool:
    return len(name) > _LONGEST_NAME or _AN_ID.fullmatch(name) is not None


def _lenient(schema: Schema) -> Schema:
    """Return a schema in which no member is required."""
    found = {name: value for name, value in schema.items() if name != "required"}
    for name in ("items", "additionalProperties"):
        if name in found:
            found[name] = _lenient(found[name])
    if "properties" in found:
        found["properties"] = {name: _lenient(member) for name, member in found["properties"].items()}
    return found


def _members(one: Schema, other: Schema) -> Schema:
    mine, theirs = one.get("properties", {}), other.get("properties", {})
    both = {name: merged(mine[name], theirs[name]) if name in theirs else mine[name] for name in mine}
    properties = {**both, **{name: schema for name, schema in theirs.items() if name not in mine}}
    maps = [each["additionalProperties"] for each in (one, other) if "additionalProperties" in each]
    if maps or len(properties) > _MOST_MEMBERS:
        return {"additionalProperties": reduce(merged, [*maps, *properties.values()])}
    required = [name for name in one.get("required", []) if name in other.get("required", [])]
    return {**({"required": required} if required else {}), **({"properties": properties} if properties else {})}


def _types(one: Schema, other: Schema) -> str | list[str]:
    found = list(dict.fromkeys([*_type_list(one), *_type_list(other)]))
    if "number" in found and "integer" in found:
        found.remove("integer")
    found.sort(key=lambda name: name == "null")  # the types of the values that are there come first
    return found[0] if len(found) == 1 else found


def _type_list(schema: Schema) -> list[str]:
    types = schema["type"]
    return [types] if isinstance(types, str) else types


def _has_type(schema: Schema, name: str) -> bool:
    return name in _type_list(schema)
