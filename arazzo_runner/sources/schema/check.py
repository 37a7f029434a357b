"""Checks of JSON values against JSON Schemas: of OpenAPI 2.0-3.2 and of Arazzo inputs; undocumented members.

Nearly all schemas are handled by a checker of our own (sources/schema/simple.py) without imports;
those with rarer keywords by jsonschema (sources/schema/full.py), whose import takes 80-95 ms.
Either way `$ref`s are followed by References only, nothing is fetched, patterns are linear-time
and the work on recursive schemas is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from arazzo_runner.base.json_values import JsonValue, escaped
from arazzo_runner.base.records import Record
from arazzo_runner.document.source_map import from_value
from arazzo_runner.sources.references import References
from arazzo_runner.sources.schema.context import Dialect, Direction, Resolve, SchemaContext
from arazzo_runner.sources.schema.mismatch import Follower, FormatWatch, SchemaError, UnusableSchema
from arazzo_runner.sources.schema.simple import NotSimple, SimpleChecker

__all__ = [
    "PLAIN",
    "Dialect",
    "Direction",
    "SchemaCheck",
    "SchemaContext",
    "SchemaError",
    "checked",
    "resolve_within",
    "schema_errors",
    "unknown_formats",
]

PLAIN = SchemaContext()
"""A schema that stands alone: JSON Schema 2020-12, no references."""
MAX_ERRORS = 100


class SchemaCheck(Record):
    """The result of a check: the mismatches, those of formats apart, and the formats that are not known."""

    errors: tuple[SchemaError, ...]
    formats: tuple[SchemaError, ...] = ()
    unknown: frozenset[str] = frozenset()

    @property
    def is_about_schema(self) -> bool:
        """Whether the schema is invalid, so that the value was not checked."""
        return bool(self.errors) and self.errors[0].is_about_schema


def schema_errors(
    value: JsonValue,
    schema: JsonValue,
    context: SchemaContext = PLAIN,
    *,
    base: str = "",
    direction: Direction | None = None,
) -> tuple[SchemaError, ...]:
    """Return the mismatches between `value` and `schema`, each with its JSON Pointer.

    `schema` is raw JSON of a description, `base` the base URI of its `$ref`s (`MediaType.base`,
    `OperationParameter.base`, `Node.base`), `context` its dialect and resolver: `schemas` of an
    OpenApiDescription or Operation, or `SchemaContext("2020-12", resolve)`. `direction` "request" or
    "response" applies readOnly and writeOnly (OpenAPI §Schema Object): a property of the other
    direction is a mismatch, and is not required. At most 100 mismatches are returned. `format` is
    not checked.

    An invalid schema gives one error whose `is_about_schema` is true.

    >>> [error.message for error in schema_errors({"id": "7"}, {"properties": {"id": {"type": "integer"}}})]
    ['"id" must be integer, found string "7"']
    """
    return _errors(value, schema, context, base, direction, None)


def checked(
    value: JsonValue,
    schema: JsonValue,
    context: SchemaContext = PLAIN,
    *,
    base: str = "",
    direction: Direction | None = None,
    formats: bool = True,
) -> SchemaCheck:
    """Return the result of checking a value as schema_errors does, and, with `formats`, the formats in it.

    >>> [error.message for error in checked("soon", {"format": "date"}).formats]
    ['the value must be a date such as 2026-01-31, found string "soon"']
    """
    if not formats:
        return SchemaCheck(_errors(value, schema, context, base, direction, None))
    watch = FormatWatch(asserts=False)
    errors = _errors(value, schema, context, base, direction, watch)
    if not watch.has_failed:
        return SchemaCheck(errors, (), frozenset(watch.unknown))
    # The branches of anyOf and its kin that fit may be others when formats count.
    known = {(error.pointer, error.keyword) for error in errors}
    asserted = _errors(value, schema, context, base, direction, FormatWatch(asserts=True))
    found = tuple(error for error in asserted if (error.pointer, error.keyword) not in known)
    return SchemaCheck(errors, found, frozenset(watch.unknown))


def _errors(
    value: JsonValue,
    schema: JsonValue,
    context: SchemaContext,
    base: str,
    direction: Direction | None,
    formats: FormatWatch | None,
) -> tuple[SchemaError, ...]:
    if schema is None or schema is True or schema == {}:
        return ()
    try:
        return tuple(SimpleChecker(context, direction, formats).check(value, schema, base)[:MAX_ERRORS])
    except UnusableSchema as problem:
        return (problem.error,)
    except RecursionError:
        return (SchemaError("", "the schema or the value is nested too deeply to be checked", "$work"),)
    except NotSimple:
        from arazzo_runner.sources.schema.full import full_errors  # lazily: jsonschema is heavy

        return full_errors(value, schema, context, base=base, direction=direction, most=MAX_ERRORS, formats=formats)


def unknown_formats(check: SchemaCheck) -> list[str]:
    """Return a sentence for each format that is not known."""
    return [f'the format "{name[:60]}" is not known, so no value is checked for it' for name in sorted(check.unknown)]


def resolve_within(root: JsonValue) -> Resolve:
    """Return a resolver of `$ref`s within one document (`#/…`, `#anchor`)."""
    made: list[References] = []

    def follow(node: JsonValue, base: str) -> tuple[JsonValue, str]:
        if not made:  # few inputs have references
            made.append(References(from_value(root, "document"), "", None))
        return made[0].follow(node, base)

    return follow


# ---- Undocumented members: those that a schema allows but does not name.

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
