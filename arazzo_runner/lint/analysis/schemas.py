"""The JSON Schemas inside an Arazzo document (2020-12), and checks of the values of their keywords."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final

from arazzo_runner.base.json_values import JsonValue, escaped, is_number, preview, resolve_pointer, type_name
from arazzo_runner.base.records import Record
from arazzo_runner.document.model import ArazzoDescription
from arazzo_runner.errors import did_you_mean
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.sources.schema.check import schema_errors
from arazzo_runner.sources.schema.context import LISTED, NAMED, ONE, SchemaContext

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


Problem = tuple[str, str]
"""(message about the value of a keyword, hint)"""

TEXTS: Final = ("$ref", "$id", "$schema", "$anchor", "$dynamicRef", "$dynamicAnchor", "$comment", "title",
                "description", "format", "pattern", "contentEncoding", "contentMediaType")  # fmt: skip
NUMBERS: Final = ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf")
COUNTS: Final = ("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties", "maxContains",
                 "minContains")  # fmt: skip
FLAGS: Final = ("uniqueItems", "readOnly", "writeOnly", "deprecated")
OTHERS: Final = ("type", "enum", "const", "default", "examples", "required", "dependentRequired", "$vocabulary")
KEYWORDS: Final = frozenset((*TEXTS, *NUMBERS, *COUNTS, *FLAGS, *OTHERS, *ONE, *LISTED, *NAMED))
OPENAPI: Final = frozenset(("nullable", "discriminator", "xml", "externalDocs", "example"))
"""Keywords that OpenAPI adds; in an Arazzo document they are harmless annotations."""

_SUGGESTED_TYPES: Final = {
    "int": "type: integer", "int32": "type: integer", "int64": "type: integer", "long": "type: integer",
    "float": "type: number", "double": "type: number", "decimal": "type: number", "bool": "type: boolean",
    "str": "type: string", "text": "type: string", "file": "type: string", "binary": "type: string",
    "date": "type: string with format: date", "datetime": "type: string with format: date-time",
    "date-time": "type: string with format: date-time", "uuid": "type: string with format: uuid",
    "list": "type: array", "map": "type: object", "dict": "type: object", "any": "no type at all",
}  # fmt: skip


def keyword_problem(keyword: str, value: JsonValue) -> Problem | None:
    """Return the problem with the value of a keyword, None if it is valid or the keyword unknown."""
    check = _CHECK_OF.get(keyword)
    return None if check is None else check(keyword, value)


def _type(keyword: str, value: JsonValue) -> Problem | None:
    stated = value if isinstance(value, list) else [value]
    unknown = next((name for name in stated if not (isinstance(name, str) and name in TYPES)), None)
    if stated and unknown is None and value is not None:
        return None
    suggested = _SUGGESTED_TYPES.get(unknown.lower()) if isinstance(unknown, str) else None
    near = did_you_mean(unknown, TYPES) if isinstance(unknown, str) else None
    hint = f"write {suggested}" if suggested else near or f"the types are {', '.join(TYPES)}"
    return f"type {preview(value, 40)} is not a JSON Schema type", hint


def _text(keyword: str, value: JsonValue) -> Problem | None:
    if not isinstance(value, str):
        return _expected(keyword, "a string", value, "put it in quotes")
    if keyword == "pattern":
        from arazzo_runner.expressions.queries.regex import compile_regex  # lazily: few schemas have one

        try:
            compile_regex(value)
        except ExpressionSyntaxError as problem:
            return f"pattern {preview(value, 40)}: {problem.message}", problem.hint or "write an ECMA-262 expression"
    return None


def _number(keyword: str, value: JsonValue) -> Problem | None:
    if isinstance(value, bool) and keyword.startswith("exclusive"):
        limit = keyword.removeprefix("exclusive").lower()
        return f"{keyword} is the limit itself, not a boolean", f"write the number of {limit} as {keyword}"
    if not is_number(value):
        return _expected(keyword, "a number", value, f"write {keyword}: 1")
    if keyword == "multipleOf" and value <= 0:
        return "multipleOf must be greater than 0", "write a positive number, or remove it"
    return None


def _count(keyword: str, value: JsonValue) -> Problem | None:
    is_whole = (
        is_number(value) and (isinstance(value, int) or math.isfinite(value)) and value == int(value) and value >= 0
    )
    return None if is_whole else _expected(keyword, "a whole number, 0 or more", value, f"write {keyword}: 1")


def _flag(keyword: str, value: JsonValue) -> Problem | None:
    return None if isinstance(value, bool) else _expected(keyword, "true or false", value, f"write {keyword}: true")


def _list(keyword: str, value: JsonValue) -> Problem | None:
    return None if isinstance(value, list) else _expected(keyword, "a list", value, "begin every item with a dash")


def _schemas(keyword: str, value: JsonValue) -> Problem | None:
    if not isinstance(value, list) or not value:
        return _expected(keyword, "a list of schemas", value, "begin every schema with a dash")
    return None


def _required(keyword: str, value: JsonValue) -> Problem | None:
    if isinstance(value, bool):
        hint = "name the property in the list required: of the object that has it"
        return "required is a list of names, not a boolean", hint
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return None
    return _expected(keyword, "a list of names", value, "write required: [name]")


def _mapping(keyword: str, value: JsonValue) -> Problem | None:
    if not isinstance(value, dict):
        return _expected(keyword, "a mapping", value, "write the names below it, each with its schema")
    if keyword in NAMED:
        wrong = next((name for name, part in value.items() if not isinstance(part, (dict, bool))), None)
        if wrong is not None:
            return (
                f"{keyword}: {preview(wrong, 40)} is not a schema but {type_name(value[wrong])}",
                "write type: string",
            )
    return None


def _schema(keyword: str, value: JsonValue) -> Problem | None:
    if isinstance(value, (dict, bool)):
        return None
    hint = "write prefixItems for a list of schemas" if isinstance(value, list) else "write type: string"
    return _expected(keyword, "a schema", value, hint)


def _expected(keyword: str, expected: str, value: JsonValue, hint: str) -> Problem:
    return f"{keyword} must be {expected}, found {preview(value, 40)}", hint


_CHECKS: Final[tuple[tuple[tuple[str, ...], Callable[[str, JsonValue], Problem | None]], ...]] = (
    (("type",), _type),
    (TEXTS, _text),
    (NUMBERS, _number),
    (COUNTS, _count),
    (FLAGS, _flag),
    (("enum", "examples"), _list),
    (LISTED, _schemas),
    (("required",), _required),
    ((*NAMED, "dependentRequired"), _mapping),
    (ONE, _schema),
)
_CHECK_OF: Final = {keyword: check for keywords, check in _CHECKS for keyword in keywords}
