"""The JSON Schemas inside an Arazzo document (2020-12), and what can be said of one without a library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from arazzo_runner.base.json_values import JsonValue, escaped, is_number, resolve_pointer
from arazzo_runner.base.records import Record
from arazzo_runner.document.model import ArazzoDescription

if TYPE_CHECKING:
    from arazzo_runner.sources.schema.context import SchemaContext

ONE: Final = ("additionalProperties", "unevaluatedProperties", "propertyNames", "items", "unevaluatedItems",
              "contains", "not", "if", "then", "else", "contentSchema")  # fmt: skip
LISTED: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
NAMED: Final = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_WITH_SCHEMAS: Final = frozenset((*ONE, *LISTED, *NAMED))
TYPES: Final = ("object", "array", "string", "number", "integer", "boolean", "null")
MAX_REFERENCES: Final = 20


class SchemaAt(Record):
    """A schema object and the JSON Pointer where it stands."""

    schema: dict[str, JsonValue]
    pointer: str


def document_schemas(description: ArazzoDescription) -> Iterator[SchemaAt]:
    """Yield the schema objects of a document, parts included, in document order; those of other dialects not.

    Those that only name a known type, as most do, are left out: no rule has anything to say of them.
    """
    for workflow in description.workflows:
        if workflow.inputs is not None and not _is_of_another_dialect(workflow.inputs):
            yield from _schemas_in(workflow.inputs, f"{workflow.at.pointer}/inputs")
    for name, schema in description.components.inputs.items():
        if not _is_of_another_dialect(schema):
            yield from _schemas_in(schema, f"{description.components.at.pointer}/inputs/{escaped(name)}")


def _is_of_another_dialect(schema: JsonValue) -> bool:
    """Tell whether a schema says that it is none of JSON Schema 2020-12 (by `$schema`)."""
    dialect = schema.get("$schema") if isinstance(schema, dict) else None
    return isinstance(dialect, str) and "2020-12" not in dialect


def _schemas_in(schema: JsonValue, pointer: str) -> list[SchemaAt]:
    found: list[SchemaAt] = []
    _take(schema, pointer, found)
    return found


def _take(schema: JsonValue, pointer: str, found: list[SchemaAt]) -> None:
    if not isinstance(schema, dict) or _names_type_only(schema):
        return
    found.append(SchemaAt(schema, pointer))
    for keyword, value in schema.items():
        if keyword not in _WITH_SCHEMAS:
            continue
        place = f"{pointer}/{keyword}"
        if keyword in ONE:
            _take(value, place, found)
        elif keyword in NAMED and isinstance(value, dict):
            for name, part in value.items():
                if not (isinstance(part, dict) and _names_type_only(part)):
                    _take(part, f"{place}/{escaped(name)}", found)
        elif keyword in LISTED and isinstance(value, list):
            for index, part in enumerate(value):
                _take(part, f"{place}/{index}", found)


def _names_type_only(schema: dict[str, JsonValue]) -> bool:
    is_short = len(schema) == 1 or (len(schema) == 2 and isinstance(schema.get("description"), str))
    return is_short and schema.get("type") in TYPES


def types_of(schema: dict[str, JsonValue]) -> tuple[str, ...]:
    """Return the type names a schema states, () when it states none that are known."""
    stated = schema.get("type")
    listed = stated if isinstance(stated, list) else [stated]
    return tuple(name for name in listed if isinstance(name, str) and name in TYPES)


def is_of_type(value: JsonValue, name: str) -> bool:
    """Tell whether a JSON value is of a JSON Schema type (1.0 is an integer: JSON Schema Core §4.2.3)."""
    if name == "integer":
        return is_number(value) and (isinstance(value, int) or value.is_integer())
    if name == "number":
        return is_number(value)
    if name == "boolean":
        return isinstance(value, bool)
    if name == "null":
        return value is None
    return isinstance(value, {"object": dict, "array": list, "string": str}.get(name, ()))


def own_errors(value: JsonValue, schema: dict[str, JsonValue], context: SchemaContext) -> tuple[str, ...]:
    """Return why a schema refuses a value that stands in it, at most three sentences; () when it may be broken."""
    from arazzo_runner.sources.schema.check import schema_errors  # lazily: few schemas have defaults or examples

    found = schema_errors(value, schema, context)
    return () if any(error.is_about_schema for error in found) else tuple(error.message for error in found[:3])


def follow(schema: JsonValue, root: JsonValue) -> JsonValue:
    """Return what a schema's local `$ref` leads to (through several); None where it cannot be followed."""
    for _ in range(MAX_REFERENCES):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str):
            return schema
        if not reference.startswith("#/"):
            return None
        schema = resolve_pointer(root, reference[1:])
    return None


def property_of(schema: JsonValue, name: str, root: JsonValue) -> JsonValue:
    """Return the schema of a member or item; True where nothing is said about it, None where there can be none.

    Only what is plain to see: a schema with `properties`, without combinations, that does not
    speak of further ones.
    """
    found = follow(schema, root)
    if not isinstance(found, dict):
        return True
    if name.isdigit() and "items" in found:
        return found["items"]
    properties = found.get("properties")
    if isinstance(properties, dict) and name in properties:
        return properties[name]
    open_ended = ("allOf", "anyOf", "oneOf", "patternProperties", "if", "not", "$dynamicRef", "unevaluatedProperties")
    if not isinstance(properties, dict) or any(keyword in found for keyword in open_ended):
        return True
    further = found.get("additionalProperties", False)
    return None if further is False else True
