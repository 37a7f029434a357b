"""Schemas of values that were seen: what one value says, and what two of them say together."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from arazzo_runner.base.json_values import JsonValue

Schema: TypeAlias = dict[str, Any]

_DEEPEST: Final = 12
_MOST_MEMBERS: Final = 200
"""An object with more members is a map by key: its members are not listed."""


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
        found.update({name: objects[0][name] for name in ("required", "properties") if name in objects[0]})
    items = [each["items"] for each in (one, other) if "items" in each]
    if items:
        found["items"] = items[0] if len(items) == 1 else merged(items[0], items[1])
    return found


def _object(value: dict[str, JsonValue], depth: int) -> Schema:
    if not value or len(value) > _MOST_MEMBERS or depth >= _DEEPEST:
        return {"type": "object"}
    members = {name: inferred(member, depth + 1) for name, member in value.items()}
    return {"type": "object", "required": list(value), "properties": members}


def _array(value: list[JsonValue], depth: int) -> Schema:
    if not value or depth >= _DEEPEST:
        return {"type": "array"}
    items = inferred(value[0], depth + 1)
    for item in value[1:]:
        items = merged(items, inferred(item, depth + 1))
    return {"type": "array", "items": items}


def _members(one: Schema, other: Schema) -> Schema:
    mine, theirs = one.get("properties", {}), other.get("properties", {})
    both = {name: merged(mine[name], theirs[name]) if name in theirs else mine[name] for name in mine}
    properties = {**both, **{name: schema for name, schema in theirs.items() if name not in mine}}
    if len(properties) > _MOST_MEMBERS:
        return {}
    required = [name for name in one.get("required", []) if name in other.get("required", [])]
    return {**({"required": required} if required else {}), **({"properties": properties} if properties else {})}


def _types(one: Schema, other: Schema) -> str | list[str]:
    found = list(dict.fromkeys([*_type_list(one), *_type_list(other)]))
    if "number" in found and "integer" in found:
        found.remove("integer")
    return found[0] if len(found) == 1 else found


def _type_list(schema: Schema) -> list[str]:
    types = schema["type"]
    return [types] if isinstance(types, str) else types


def _has_type(schema: Schema, name: str) -> bool:
    return name in _type_list(schema)
