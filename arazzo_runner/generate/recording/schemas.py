"""Schemas of observed values: types and members only, never a value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue

Schema = dict[str, Any]
_MOST_MEMBERS: Final = 200
_MOST_ITEMS: Final = 200
_LONGEST_NAME: Final = 60
_AN_ID: Final = re.compile(r"\d+|[0-9a-fA-F-]{24,}|.*\d.{0,3}\d.*\d.*|arazzo-secret-\d+", re.DOTALL)


def schema_of(values: Iterable[JsonValue], *, required: bool = True) -> Schema:
    """Return a schema that all values fit: what each has is required, if wanted."""
    seen = list(values)
    types = sorted({_type(each) for each in seen})
    if "integer" in types and "number" in types:
        types.remove("integer")
    schema: Schema = {"type": types[0] if len(types) == 1 else types} if types else {}
    objects = [each for each in seen if isinstance(each, dict)]
    if objects:
        schema |= _members(objects, required)
    lists = [each for each in seen if isinstance(each, list)]
    if lists:
        items = [item for each in lists for item in each[:_MOST_ITEMS]][:_MOST_ITEMS]
        schema["items"] = schema_of(items, required=required) if items else {}
    return schema


def _members(objects: list[dict[str, Any]], required: bool) -> Schema:
    names = list(dict.fromkeys(name for each in objects for name in each))
    if len(names) > _MOST_MEMBERS or any(_is_an_id(name) for name in names):
        return {"additionalProperties": schema_of([value for each in objects for value in each.values()][:_MOST_ITEMS])}
    found: Schema = {
        "properties": {
            name: schema_of([each[name] for each in objects if name in each], required=required) for name in names
        }
    }
    always = [name for name in names if all(name in each for each in objects)]
    if always and required:
        found["required"] = always
    return found


def _is_an_id(name: str) -> bool:
    return len(name) > _LONGEST_NAME or _AN_ID.fullmatch(name) is not None


def text_schema(texts: Iterable[str]) -> Schema:
    """Return the schema of a parameter from its texts."""
    seen = list(texts)
    if seen and all(re.fullmatch(r"-?(0|[1-9]\d{0,17})", each) for each in seen):
        return {"type": "integer"}
    if seen and all(each in ("true", "false") for each in seen):
        return {"type": "boolean"}
    return {"type": "string"}


def _type(value: JsonValue) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "object" if isinstance(value, dict) else "array" if isinstance(value, list) else "string"
