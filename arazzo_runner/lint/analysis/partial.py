"""Check values against schemas although parts of them are computed only when the workflow runs.

A computed part is represented by a `Computed`, which fits every schema except those whose types
or enums it can never match.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from arazzo_runner.base.json_values import JsonValue, ends_inside_string, equal, preview
from arazzo_runner.base.records import Record
from arazzo_runner.expressions.nodes import Template
from arazzo_runner.lint.analysis.schema_types import SchemaType, SchemaTypes, possible_types, possible_values
from arazzo_runner.program.model import ArrayValue, Literal, ObjectValue, TemplateValue, Value
from arazzo_runner.sources.schema.check import schema_errors
from arazzo_runner.sources.schema.context import Direction
from arazzo_runner.sources.schema.mismatch import SchemaError, UnusableSchema, named
from arazzo_runner.sources.schema.simple import NotSimple, SimpleChecker

_MARK: Final = "\ue0a7"
_NULL: Final = frozenset({"null"})


class Computed(Record):
    """A part that is known only at run time: its text, and its possible types (None: any)."""

    text: str
    alternatives: SchemaTypes | None = None


Expect: TypeAlias = Callable[[Value], SchemaTypes | None]
"""Returns the types of a computed value."""


def partial_value(value: Value, expect: Expect) -> JsonValue:
    """Return a compiled value as JSON, with a Computed for each computed part."""
    if isinstance(value, Literal):
        return value.value
    if isinstance(value, ArrayValue):
        return [partial_value(item, expect) for item in value.items]
    if isinstance(value, ObjectValue) and all(isinstance(name, str) for name, _ in value.members):
        return {str(name): partial_value(item, expect) for name, item in value.members}
    return Computed(_written(value), expect(value))


def json_text(value: Value) -> JsonValue:
    """Return the value of a payload in JSON text, with a Computed for each expression; a Computed if it is not JSON."""
    if isinstance(value, Literal):
        text = value.value
    elif isinstance(value, TemplateValue):
        text = _marked(value.template)
    else:
        return Computed("")
    if not isinstance(text, str) or text.lstrip()[:1] not in ("{", "["):
        return Computed("")
    try:
        return _unmarked(json.loads(text))
    except (ValueError, RecursionError):
        return Computed("")


def mismatches(
    value: JsonValue, schema_type: SchemaType, *, direction: Direction | None = None
) -> tuple[SchemaError, ...]:
    """Return how a value with computed parts does not fit a schema; nothing if the schema is unusable."""
    if not has_computed(value):
        found = schema_errors(
            value, schema_type.schema, schema_type.context, base=schema_type.base, direction=direction
        )
        return tuple(error for error in found if not error.is_about_schema)
    try:
        return tuple(_PartialChecker(schema_type.context, direction).check(value, schema_type.schema, schema_type.base))
    except (NotSimple, UnusableSchema):
        return ()


def has_computed(value: JsonValue) -> bool:
    """Return whether any part of a value is computed."""
    if isinstance(value, dict):
        return any(map(has_computed, value.values()))
    return any(map(has_computed, value)) if isinstance(value, list) else isinstance(value, Computed)


def computed_mismatch(computed: Computed, schema_type: SchemaType, pointer: str = "") -> SchemaError | None:
    """Return why a computed value can never fit a schema, None when it may."""
    types, wanted = possible_types(computed.alternatives), possible_types((schema_type,))
    if types is not None and wanted is not None and types - _NULL and wanted and not (types - _NULL) & wanted:
        needed = " or ".join(sorted(_simplest(wanted)))
        found = " or ".join(sorted(_simplest(types - _NULL)))
        return SchemaError(pointer, f"{named(pointer)} must be {needed}, but {computed.text} is {found}", "type")
    values, allowed = possible_values(computed.alternatives), possible_values((schema_type,))
    if values and allowed and not any(equal(value, other) for value in values for other in allowed):
        shown = ", ".join(preview(value, 40) for value in allowed[:8])
        message = f"{named(pointer)} must be one of {shown}, but {computed.text} is none of them"
        return SchemaError(pointer, message, "enum")
    return None


class _PartialChecker(SimpleChecker):
    """A SimpleChecker that accepts a Computed where it may fit."""

    def check(self, value: JsonValue, schema: JsonValue, base: str, pointer: str = "") -> list[SchemaError]:
        if not isinstance(value, Computed):
            return super().check(value, schema, base, pointer)
        found = computed_mismatch(value, SchemaType(schema, base, self._context), pointer)
        return [] if found is None else [found]

    def _keywords(self, value: JsonValue, schema: dict[str, Any], base: str, pointer: str) -> list[SchemaError]:
        # A value with computed parts cannot be compared.
        if has_computed(value):
            schema = {name: limit for name, limit in schema.items() if name not in ("enum", "const", "uniqueItems")}
        return super()._keywords(value, schema, base, pointer)

    def _combined(self, keyword: str, value: JsonValue, forms: JsonValue, base: str, pointer: str) -> list[SchemaError]:
        # With computed parts several forms may seem to fit, and what `not` forbids may not occur.
        if keyword == "not":
            return []
        return super()._combined("anyOf" if keyword == "oneOf" else keyword, value, forms, base, pointer)


def _simplest(types: frozenset[str]) -> frozenset[str]:
    return types - {"integer"} if "number" in types else types


def _written(value: Value) -> str:
    if isinstance(value, TemplateValue):
        return str(value.template)
    expression = getattr(value, "expression", None) or getattr(value, "context", None)
    return "a computed value" if expression is None else str(expression)


# ------------------------------------------------------------------ JSON text with expressions


def _marked(template: Template) -> str:
    """Replace each expression by a mark: inside a JSON string as it is, elsewhere as a string of its own."""
    written: list[str] = []
    inside = False
    for part in template.parts:
        if isinstance(part, str):
            inside = ends_inside_string(part, inside)
            written.append(part)
        else:
            written.append(_MARK if inside else f'"{_MARK}"')
    return "".join(written)


def _unmarked(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        if any(_MARK in name for name in value):
            return Computed("")
        return {name: _unmarked(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    return Computed("") if isinstance(value, str) and _MARK in value else value
