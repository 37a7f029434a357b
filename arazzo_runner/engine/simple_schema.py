"""A checker for plain JSON Schemas: the keywords most inputs and bodies use, and no import.

Whatever it does not know makes `is_simple` say no, and jsonschema does the work. jsonschema is
the oracle of its tests: both give the same verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from arazzo_runner.records import record
from arazzo_runner.secrets import is_secret_name
from arazzo_runner.values import JsonValue, preview, type_name

_ANNOTATIONS: Final = frozenset(
    {"title", "description", "default", "example", "examples", "format", "deprecated", "readOnly", "writeOnly",
     "$comment", "externalDocs", "xml", "contentMediaType", "contentEncoding"}
)  # fmt: skip
_KNOWN: Final = _ANNOTATIONS | {
    "type", "properties", "required", "enum", "const", "items", "additionalProperties",
    "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
}  # fmt: skip
_TYPES: Final = frozenset({"object", "array", "string", "integer", "number", "boolean", "null"})
MAX_DEPTH: Final = 40


@record(frozen=True, slots=True)
class SchemaError:
    """One misfit: where in the value, what is wrong, by which keyword."""

    pointer: str
    message: str
    keyword: str


def is_simple(schema: JsonValue, depth: int = 0) -> bool:
    """Tell whether the small checker knows every keyword of a schema."""
    if isinstance(schema, bool):
        return True
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return False
    for key, value in schema.items():
        if key not in _KNOWN and not key.startswith("x-"):
            return False
        if not _is_simple_keyword(key, value, depth):
            return False
    return True


def _is_simple_keyword(key: str, value: JsonValue, depth: int) -> bool:
    if key == "properties":
        return isinstance(value, dict) and all(is_simple(each, depth + 1) for each in value.values())
    if key in ("items", "additionalProperties"):
        return is_simple(value, depth + 1)
    if key == "type":
        kinds = value if isinstance(value, list) else [value]
        return all(isinstance(kind, str) and kind in _TYPES for kind in kinds)
    if key == "required":
        return isinstance(value, list) and all(isinstance(name, str) for name in value)
    if key == "enum":
        return isinstance(value, list)
    if key in ("minimum", "maximum"):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if key in ("minLength", "maxLength", "minItems", "maxItems"):
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return True


def simple_errors(value: JsonValue, schema: JsonValue, pointer: str = "") -> Iterator[SchemaError]:
    """Yield every misfit of a value; the schema must be simple."""
    if schema is True:
        return
    if schema is False:
        yield SchemaError(pointer, f"{_name(pointer)} is not allowed", "false")
        return
    assert isinstance(schema, dict)
    if "type" in schema and not _has_type(value, schema["type"]):
        yield SchemaError(
            pointer, f"{_name(pointer)} must be {_types(schema['type'])}, found {_found(value, pointer)}", "type"
        )
        return
    if "enum" in schema and not any(_same(value, each) for each in schema["enum"]):
        allowed = ", ".join(preview(each, 40) for each in schema["enum"][:12])
        yield SchemaError(pointer, f"{_name(pointer)} must be one of {allowed}, found {_found(value, pointer)}", "enum")
    if "const" in schema and not _same(value, schema["const"]):
        yield SchemaError(pointer, f"{_name(pointer)} must be {preview(schema['const'], 40)}", "const")
    if isinstance(value, dict):
        yield from _object_errors(value, schema, pointer)
    elif isinstance(value, list):
        yield from _array_errors(value, schema, pointer)
    elif isinstance(value, str):
        yield from _length_errors(len(value), schema, pointer, "Length", "characters")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _number_errors(value, schema, pointer)


def _object_errors(value: dict[str, JsonValue], schema: dict[str, Any], pointer: str) -> Iterator[SchemaError]:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield SchemaError(pointer, f'{_name(pointer)} lacks "{name}", which is required', "required")
    extra = schema.get("additionalProperties", True)
    for name, item in value.items():
        place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        if name in properties:
            yield from simple_errors(item, properties[name], place)
        elif extra is False:
            yield SchemaError(pointer, f'{_name(pointer)} must not have "{name}"', "additionalProperties")
        else:
            yield from simple_errors(item, extra, place)


def _array_errors(value: list[JsonValue], schema: dict[str, Any], pointer: str) -> Iterator[SchemaError]:
    yield from _length_errors(len(value), schema, pointer, "Items", "items")
    items = schema.get("items", True)
    if items is not True:
        for index, item in enumerate(value):
            yield from simple_errors(item, items, f"{pointer}/{index}")


def _length_errors(length: int, schema: dict[str, Any], pointer: str, what: str, unit: str) -> Iterator[SchemaError]:
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if least is not None and length < least:
        yield SchemaError(pointer, f"{_name(pointer)} must have at least {least} {unit}, found {length}", f"min{what}")
    if most is not None and length > most:
        yield SchemaError(pointer, f"{_name(pointer)} must have at most {most} {unit}, found {length}", f"max{what}")


def _number_errors(value: int | float, schema: dict[str, Any], pointer: str) -> Iterator[SchemaError]:
    if "minimum" in schema and value < schema["minimum"]:
        message = f"{_name(pointer)} must be at least {preview(schema['minimum'])}, found {_found(value, pointer)}"
        yield SchemaError(pointer, message, "minimum")
    if "maximum" in schema and value > schema["maximum"]:
        message = f"{_name(pointer)} must be at most {preview(schema['maximum'])}, found {_found(value, pointer)}"
        yield SchemaError(pointer, message, "maximum")


def _has_type(value: JsonValue, types: JsonValue) -> bool:
    found = type_name(value)
    for kind in types if isinstance(types, list) else (types,):
        if found == kind or (kind == "number" and found == "integer"):
            return True
        if kind == "integer" and isinstance(value, float) and value.is_integer():
            return True
    return False


def _same(left: JsonValue, right: JsonValue) -> bool:
    """JSON Schema equality: 1 equals 1.0, but true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(item, right[key]) for key, item in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return type_name(left).replace("integer", "number") == type_name(right).replace("integer", "number") and bool(
        left == right
    )


def _types(types: JsonValue) -> str:
    return " or ".join(types) if isinstance(types, list) else str(types)


def _name(pointer: str) -> str:
    if not pointer:
        return "the value"
    return '"' + ".".join(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]) + '"'


def _found(value: JsonValue, pointer: str) -> str:
    kind = type_name(value)
    if is_secret_name(pointer.rpartition("/")[2]) or isinstance(value, (dict, list)) or value is None:
        return kind
    return f"{kind} {preview(value, 40)}"
