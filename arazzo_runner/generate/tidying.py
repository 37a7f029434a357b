"""Schemas of inputs without what has no effect or contradicts itself, which descriptions by others have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue, is_number, to_json
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.regex import compile_regex
from arazzo_runner.runtime.mock.sampler import fits
from arazzo_runner.sources.schema.check import PLAIN
from arazzo_runner.sources.schema.context import LISTED, NAMED, ONE

_TYPES: Final = ("string", "integer", "number", "boolean", "object", "array", "null")
_MEANT: Final = {"int": "integer", "long": "integer", "float": "number", "double": "number", "bool": "boolean",
                 "file": "string", "date": "string", "datetime": "string", "str": "string"}  # fmt: skip
_OF_OBJECTS: Final = ("properties", "patternProperties", "additionalProperties", "required", "minProperties",
                      "maxProperties", "propertyNames", "dependentRequired", "dependentSchemas")  # fmt: skip
_OF_ARRAYS: Final = ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains")
_OF_TEXTS: Final = ("minLength", "maxLength", "pattern")
_OF_NUMBERS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_BELONGS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(_OF_OBJECTS, ("object",)),
    **dict.fromkeys(_OF_ARRAYS, ("array",)),
    **dict.fromkeys(_OF_TEXTS, ("string",)),
    **dict.fromkeys(_OF_NUMBERS, ("integer", "number")),
}
_COUNTS: Final = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_PAIRS: Final = tuple((low, low.replace("min", "max")) for low in ("minLength", "minItems", "minProperties", "minimum"))
_KNOWN: Final = frozenset(
    {*_BELONGS, *ONE, *LISTED, *NAMED, "type", "format", "title", "description", "default", "examples", "enum", "const"}
) - {"$defs", "definitions"}


def tidy(schema: JsonValue) -> JsonValue:
    """Return a schema of JSON Schema 2020-12 with sound keywords only, at every depth.

    >>> tidy({"type": "integer", "maxLength": 3, "enum": [1, "2"], "x": 1, "examples": ["a"]})
    {'type': 'integer', 'enum': [1]}
    """
    if not isinstance(schema, dict):
        return schema
    found = {name: _nested(name, value) for name, value in schema.items() if name in _KNOWN}
    types = _types(found)
    for name in list(found):
        wanted = _BELONGS.get(name)
        is_apart = wanted is not None and bool(types) and not set(types) & set(wanted)
        if is_apart or not _is_sound(name, found[name]):
            del found[name]
    _drop_impossible(found)
    _tidy_values(found, types)
    _define_required(found)
    return found


def _nested(name: str, value: JsonValue) -> JsonValue:
    if name in ONE:
        return tidy(value)
    if name in LISTED and isinstance(value, list):
        return [tidy(each) for each in value]
    if name in NAMED and isinstance(value, dict):
        return {key: tidy(each) for key, each in value.items()}
    return value


def _types(found: dict[str, Any]) -> list[str]:
    """Return the types of a schema, and leave only known ones in it."""
    kind = found.get("type")
    named = kind if isinstance(kind, list) else [kind]
    known = [_MEANT.get(each, each) for each in named if isinstance(each, str)]
    types = list(dict.fromkeys(each for each in known if each in _TYPES))
    if types:
        found["type"] = types if len(types) > 1 else types[0]
    else:
        found.pop("type", None)
    return types


def _is_sound(name: str, value: JsonValue) -> bool:
    """Return whether the value of a keyword has the type that it must have."""
    if name in _COUNTS:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if name in _OF_NUMBERS:
        return is_number(value) and (name != "multipleOf" or value > 0)
    if name == "pattern":
        return _is_pattern(value)
    if name in ("enum", "examples", *LISTED):
        return isinstance(value, list) and bool(value)
    if name == "required":
        return isinstance(value, list)
    if name in ("format", "title", "description"):
        return isinstance(value, str)
    if name == "uniqueItems":
        return isinstance(value, bool)
    return isinstance(value, (dict, bool)) if name in ONE else isinstance(value, dict) if name in NAMED else True


def _is_pattern(value: JsonValue) -> bool:
    try:
        return isinstance(value, str) and compile_regex(value) is not None
    except ExpressionSyntaxError:
        return False


def _drop_impossible(found: dict[str, Any]) -> None:
    for low, high in _PAIRS:
        if low in found and high in found and found[low] > found[high]:
            del found[low], found[high]
    for plain, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if plain in found and exclusive in found:
            del found[plain]


def _tidy_values(found: dict[str, Any], types: list[str]) -> None:
    """Leave out values of an enum that have another type, then defaults and examples that do not fit the schema."""
    if "enum" in found:
        plain = {"type": types} if types else {}
        listed = {to_json(each): each for each in found["enum"] if fits(each, plain, PLAIN, "")}
        found["enum"] = list(listed.values())
        if not listed:
            del found["enum"]
    if "const" in found and types and not fits(found["const"], {"type": types}, PLAIN, ""):
        del found["const"]
    if "default" in found and not fits(found["default"], found, PLAIN, "", "request"):
        del found["default"]
    if "examples" in found:
        found["examples"] = [each for each in found["examples"] if fits(each, found, PLAIN, "", "request")]
        if not found["examples"]:
            del found["examples"]


def _define_required(found: dict[str, Any]) -> None:
    """Give every required member a schema, of any value where there is none."""
    if not isinstance(found.get("required"), list):
        return
    found["required"] = list(dict.fromkeys(each for each in found["required"] if isinstance(each, str)))
    combined = any(keyword in found for keyword in ("allOf", "anyOf", "oneOf", "patternProperties"))
    if not found["required"]:
        del found["required"]
    elif not combined:
        described = found.get("properties", {})
        found["properties"] = {**described, **{name: {} for name in found["required"] if name not in described}}
