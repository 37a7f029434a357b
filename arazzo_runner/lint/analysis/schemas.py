"""The JSON Schemas inside an Arazzo document (2020-12), and simple questions about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import JsonValue, escaped, is_number, resolve_pointer
from arazzo_runner.base.records import Record
from arazzo_runner.document.model import ArazzoDescription
from arazzo_runner.sources.schema.check import schema_errors
from arazzo_runner.sources.schema.context import SchemaContext

ONE: Final = ("additionalProperties", "unevaluatedProperties", "propertyNames", "items", "unevaluatedItems",
              "contains", "not", "if", "then", "else", "contentSchema")  # fmt: skip
LISTED: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
NAMED: Final = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_WITH_SCHEMAS: Final = frozenset((*ONE, *LISTED, *NAMED))
TYPES: Final = ("object", "array", "string", "number", "integer", "boolean", "null")
MAX_REFERENCES: Final = 20


class SchemaAt(Record):
    """A schema object and its JSON Pointer."""

    schema: dict[str, JsonValue]
    pointer: str


def document_schemas(description: ArazzoDescription) -> Iterator[SchemaAt]:
    """Yield the schema objects of a document, subschemas included, in its order; other dialects are left out."""
    for workflow in description.workflows:
        if workflow.inputs is not None and not _is_of_another_dialect(workflow.inputs):
            yield from _schemas_in(workflow.inputs, f"{workflow.at.pointer}/inputs")
    for name, schema in description.components.inputs.items():
        if not _is_of_another_dialect(schema):
            yield from _schemas_in(schema, f"{description.components.at.pointer}/inputs/{escaped(name)}")


def _is_of_another_dialect(schema: JsonValue) -> bool:
    """Return whether `$schema` names another dialect than JSON Schema 2020-12."""
    dialect = schema.get("$schema") if isinstance(schema, dict) else None
    return isinstance(dialect, str) and "2020-12" not in dialect


def _schemas_in(schema: JsonValue, pointer: str) -> list[SchemaAt]:
    found: list[SchemaAt] = []
    _take(schema, pointer, found)
    return found


def _take(schema: JsonValue, pointer: str, found: list[SchemaAt]) -> None:
    if not isinstance(schema, dict):
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
                _take(part, f"{place}/{escaped(name)}", found)
        elif keyword in LISTED and isinstance(value, list):
            for index, part in enumerate(value):
                _take(part, f"{place}/{index}", found)


def types_of(schema: dict[str, JsonValue]) -> tuple[str, ...]:
    """Return the known types in a schema's `type`, () if there are none."""
    stated = schema.get("type")
    listed = stated if isinstance(stated, list) else [stated]
    return tuple(name for name in listed if isinstance(name, str) and name in TYPES)


def is_of_type(value: JsonValue, name: str) -> bool:
    """Return whether a JSON value is of a JSON Schema type (1.0 is an integer: JSON Schema Core §4.2.3)."""
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
    """Return why a default or example does not fit its schema, at most three messages; () if that is invalid."""
    found = schema_errors(value, schema, context)
    return () if any(error.is_about_schema for error in found) else tuple(error.message for error in found[:3])


def follow(schema: JsonValue, root: JsonValue) -> JsonValue:
    """Return the schema that local `$ref`s lead to, None if one cannot be followed."""
    for _ in range(MAX_REFERENCES):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str):
            return schema
        if not reference.startswith("#/"):
            return None
        schema = resolve_pointer(root, reference[1:])
    return None


def property_of(schema: JsonValue, name: str, root: JsonValue) -> JsonValue:
    """Return the schema of a member or item; True if it is not restricted, None if there can be none.

    Combinations are not evaluated: every member of a schema with one is unrestricted.
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
