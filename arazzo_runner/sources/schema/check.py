"""A JSON value against a JSON Schema: of OpenAPI 2.0-3.2, of an Arazzo document's inputs.

Nearly all schemas are served by a checker of our own (sources/schema/simple.py), which imports
nothing. What it does not know goes to jsonschema (sources/schema/full.py), whose import takes
80-95 ms. Either way `$ref`s are followed by our own references only, nothing is fetched,
patterns are linear-time, and circles of schemas end.
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
    """Return all that is wrong with `value` by `schema`, each with its JSON Pointer; empty when it fits.

    `schema` is raw JSON as it stands in a description, `base` the base URI of the `$ref`s in it
    (`MediaType.base`, `OperationParameter.base`, `Node.base`), `context` the dialect and what
    follows references: `description.schemas` of an OpenApiDescription, `operation.schemas` of an
    Operation, or `SchemaContext("2020-12", resolve)`. `direction` "request" or "response" applies
    readOnly and writeOnly (OpenAPI §Schema Object): what only the other side has is a misfit, and
    is not required. At most 100 misfits are returned. `format` is not checked.

    A schema that is broken gives one error whose `is_about_schema` is true.

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
    """Return what follows the `$ref`s that stay in one document (`#/…`, `#anchor`)."""
    made: list[References] = []

    def follow(node: JsonValue, base: str) -> tuple[JsonValue, str]:
        if not made:  # few inputs have references
            made.append(References(from_value(root, "document"), "", None))
        return made[0].follow(node, base)

    return follow
