"""Undocumented members: those that a schema allows but does not name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from arazzo_runner.base.json_values import JsonValue, escaped
from arazzo_runner.sources.schema.context import SchemaContext
from arazzo_runner.sources.schema.mismatch import Follower, SchemaError, UnusableSchema

Part = tuple[dict[str, Any], str]


def undocumented_members(value: JsonValue, schema: JsonValue, context: SchemaContext, base: str) -> list[SchemaError]:
    """Return the members of a value that no part of its schema names, each as a SchemaError.

    Every branch of allOf, anyOf and oneOf counts. A schema that names no members at all, or that
    has a schema for all others (additionalProperties), leaves nothing undocumented.

    >>> schema = {"properties": {"id": {}, "owner": {"properties": {"name": {}}}}}
    >>> [error.pointer for error in undocumented_members({"id": 1, "owner": {"age": 7}}, schema, SchemaContext(), "")]
    ['/owner/age']
    """
    try:
        return list(_members(value, [(schema, base)], Follower(context), ""))
    except (UnusableSchema, RecursionError):
        return []


def _members(
    value: JsonValue, schemas: list[tuple[JsonValue, str]], follower: Follower, pointer: str
) -> Iterator[SchemaError]:
    if not isinstance(value, (dict, list)):
        return
    parts = [part for schema, base in schemas for part in _parts(schema, base, follower, 0)]
    if isinstance(value, list):
        items = [(part["items"], base) for part, base in parts if isinstance(part.get("items"), dict)]
        for index, item in enumerate(value if items else ()):
            yield from _members(item, items, follower, f"{pointer}/{index}")
        return
    closed = any("properties" in part for part, _ in parts)
    for name, item in value.items():
        place = f"{pointer}/{escaped(name)}"
        named = list(_named(name, parts, follower))
        if named:
            yield from _members(item, named, follower, place)
        elif closed:
            yield SchemaError(place, f'"{place[1:].replace("/", ".")}" is not in the schema', "undocumented")


def _parts(schema: JsonValue, base: str, follower: Follower, depth: int) -> Iterator[Part]:
    """Yield a schema and its subschemas applied in place."""
    follower.step()
    if not isinstance(schema, dict) or depth > 60:
        return
    yield schema, base
    if isinstance(schema.get("$ref"), str):
        target, place = follower.follow(schema["$ref"], base)
        yield from _parts(target, place, follower, depth + 1)
    for keyword in ("allOf", "anyOf", "oneOf"):
        forms = schema.get(keyword)
        for form in forms if isinstance(forms, list) else ():
            yield from _parts(form, base, follower, depth + 1)
    for keyword in ("if", "then", "else"):
        yield from _parts(schema.get(keyword), base, follower, depth + 1)


def _named(name: str, parts: list[Part], follower: Follower) -> Iterator[tuple[JsonValue, str]]:
    for part, base in parts:
        properties, patterns = part.get("properties"), part.get("patternProperties")
        is_named = isinstance(properties, dict) and name in properties
        if isinstance(properties, dict) and is_named:
            yield properties[name], base
        for pattern, schema in patterns.items() if isinstance(patterns, dict) else ():
            if follower.finds(pattern, name):
                yield schema, base
        extra = part.get("additionalProperties")
        if not is_named and isinstance(extra, dict):
            yield extra, base
