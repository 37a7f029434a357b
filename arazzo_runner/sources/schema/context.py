"""The context of a description's schemas: their dialect and the resolver of their `$ref`s."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.sources.uris import join

Dialect: TypeAlias = Literal["2020-12", "openapi-3.0", "draft-04"]
Direction: TypeAlias = Literal["request", "response"]
Resolve: TypeAlias = Callable[[JsonValue, str], tuple[JsonValue, str]]
"""(value, base URI) → the same after following its `$ref`s; None or ReferenceFailure if that is impossible."""

# The keywords of JSON Schema whose values are schemas: one, a list of them, or a mapping of them by name.
ONE: Final = ("additionalProperties", "unevaluatedProperties", "propertyNames", "items", "unevaluatedItems",
              "contains", "not", "if", "then", "else", "contentSchema")  # fmt: skip
LISTED: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
NAMED: Final = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")


class SchemaContext(Record):
    """The dialect of a description's schemas, and the resolver of their `$ref`s.

    `resolve` takes a mapping with `$ref` and its base URI, and returns the target with its base; it
    raises ReferenceFailure, or returns None, when there is none. Nothing is followed or fetched
    otherwise.
    """

    dialect: Dialect = "2020-12"
    resolve: Resolve | None = None

    @property
    def ignores_siblings(self) -> bool:
        """Whether the keywords beside a `$ref` are ignored (before JSON Schema 2019-09)."""
        return self.dialect != "2020-12"

    @property
    def has_nullable(self) -> bool:
        """Whether a keyword may allow null (OpenAPI 3.0 nullable, Swagger x-nullable)."""
        return self.dialect != "2020-12"


def is_nullable(schema: Mapping[str, Any], context: SchemaContext) -> bool:
    """Return whether a schema allows null by `nullable`, also beside `$ref` and allOf, where it is usual."""
    return context.has_nullable and (schema.get("nullable") is True or schema.get("x-nullable") is True)


def identified(schema: Mapping[str, Any], base: str, context: SchemaContext) -> str:
    """Return the base URI inside a schema: its `$id`, if it has one (JSON Schema 2020-12 §8.2.1), else `base`."""
    name = schema.get("$id")
    if context.dialect != "2020-12" or not isinstance(name, str) or name.startswith("#"):
        return base
    return join(base, name).partition("#")[0]


def dialect_of(version: str, *, is_swagger: bool = False) -> Dialect:
    """Return the dialect of the schemas in a description of an OpenAPI version.

    >>> dialect_of("3.0.3"), dialect_of("3.1.0"), dialect_of("2.0", is_swagger=True)
    ('openapi-3.0', '2020-12', 'draft-04')
    """
    if is_swagger:
        return "draft-04"
    return "openapi-3.0" if version.startswith("3.0") else "2020-12"
