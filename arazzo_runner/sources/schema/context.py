"""How the schemas of a description are read: in which dialect, and what follows their `$ref`s."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.sources.uris import join

Dialect: TypeAlias = Literal["2020-12", "openapi-3.0", "draft-04"]
Direction: TypeAlias = Literal["request", "response"]
Resolve: TypeAlias = Callable[[JsonValue, str], tuple[JsonValue, str]]
"""(value, base URI) → the same after following its `$ref`s; None, or ReferenceFailure, for what leads nowhere."""


class SchemaContext(Record):
    """How schemas of one description are read: their dialect, and what follows a `$ref` in them.

    `resolve` takes a mapping with `$ref` and the base URI it stands at, and returns what it means
    with its own base; it raises ReferenceFailure, or gives None, when that leads nowhere.
    Nothing else is ever followed or fetched.
    """

    dialect: Dialect = "2020-12"
    resolve: Resolve | None = None

    @property
    def ignores_siblings(self) -> bool:
        """Whether what stands beside a `$ref` counts for nothing (before JSON Schema 2019-09)."""
        return self.dialect != "2020-12"

    @property
    def has_nullable(self) -> bool:
        """Whether null may be allowed by a keyword of its own (OpenAPI 3.0 nullable, Swagger x-nullable)."""
        return self.dialect != "2020-12"


def is_nullable(schema: Mapping[str, Any], context: SchemaContext) -> bool:
    """Tell whether a schema takes null by `nullable`; also beside `$ref` and allOf, where most write it."""
    return context.has_nullable and (schema.get("nullable") is True or schema.get("x-nullable") is True)


def identified(schema: Mapping[str, Any], base: str, context: SchemaContext) -> str:
    """Return the base URI inside of a schema: its own `$id`, if it has one (JSON Schema 2020-12 §8.2.1)."""
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
