"""Checks of JSON values against JSON Schemas: of OpenAPI 2.0-3.2 and of Arazzo inputs.

Nearly all schemas are handled by a checker of our own (sources/schema/simple.py) without imports;
those with rarer keywords by jsonschema (sources/schema/full.py), whose import takes 80-95 ms.
Either way `$ref`s are followed by References only, nothing is fetched, patterns are linear-time
and the work on recursive schemas is bounded.
"""

from __future__ import annotations

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.document.source_map import from_value
from arazzo_runner.sources.references import References
from arazzo_runner.sources.schema.context import Dialect, Direction, Resolve, SchemaContext
from arazzo_runner.sources.schema.mismatch import SchemaError, UnusableSchema
from arazzo_runner.sources.schema.simple import NotSimple, SimpleChecker

__all__ = ["PLAIN", "Dialect", "Direction", "SchemaContext", "SchemaError", "resolve_within", "schema_errors"]

PLAIN = SchemaContext()
"""A schema that stands alone: JSON Schema 2020-12, no references."""
MAX_ERRORS = 100


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
    if schema is None or schema is True or schema == {}:
        return ()
    try:
        return tuple(SimpleChecker(context, direction).check(value, schema, base)[:MAX_ERRORS])
    except UnusableSchema as problem:
        return (problem.error,)
    except RecursionError:
        return (SchemaError("", "the schema or the value is nested too deeply to be checked", "$work"),)
    except NotSimple:
        from arazzo_runner.sources.schema.full import full_errors  # lazily: jsonschema is heavy

        return full_errors(value, schema, context, base=base, direction=direction, most=MAX_ERRORS)


def resolve_within(root: JsonValue) -> Resolve:
    """Return a resolver of `$ref`s within one document (`#/…`, `#anchor`)."""
    made: list[References] = []

    def follow(node: JsonValue, base: str) -> tuple[JsonValue, str]:
        if not made:  # few inputs have references
            made.append(References(from_value(root, "document"), "", None))
        return made[0].follow(node, base)

    return follow
