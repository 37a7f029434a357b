"""Misfits that come of how a description was put together, not of what a step sends."""

from __future__ import annotations

from collections.abc import Iterable

from arazzo_runner.base.json_values import JsonValue, pointer_tokens, resolve_pointer
from arazzo_runner.lint.analysis.partial import misfits
from arazzo_runner.lint.analysis.schema_types import Found, Lost, Shape, expanded, lookup
from arazzo_runner.sources.schema.mismatch import SchemaError


def is_doubtful(error: SchemaError, value: JsonValue, shape: Shape) -> bool:
    """Tell whether a misfit of a value says more of its schema.

    A part of an allOf that forbids, or types, all other members means its own; a schema of which
    every member is readOnly describes a request all the same.
    """
    tokens = pointer_tokens(error.pointer)
    if error.keyword == "additionalProperties":
        return isinstance(lookup((shape,), (*tokens, refused_name(error))), Found)
    found = lookup((shape,), tokens)
    if not tokens or isinstance(found, Lost) or found.shapes is None:
        return False
    if error.keyword == "readOnly":
        above = lookup((shape,), tokens[:-1])
        return isinstance(above, Found) and _is_all_read_only(above.shapes or ())
    part = resolve_pointer(value, error.pointer)
    return any(not misfits(part, each, direction="request") for each in found.shapes)


def refused_name(error: SchemaError) -> str:
    """Return the member that `additionalProperties: false` does not allow."""
    return error.message.rpartition(' must not have "')[2][:-1]


def _is_all_read_only(shapes: Iterable[Shape]) -> bool:
    parts = [part.schema for shape in shapes for part in expanded(shape) if isinstance(part.schema, dict)]
    members = [each for schema in parts for each in _properties(schema)]
    return bool(members) and all(isinstance(each, dict) and each.get("readOnly") is True for each in members)


def _properties(schema: dict[str, JsonValue]) -> Iterable[JsonValue]:
    properties = schema.get("properties")
    return properties.values() if isinstance(properties, dict) else ()
