"""A sample body changed to what is wanted of it, where its schema allows that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing, equal, member
from arazzo_runner.base.records import Record
from arazzo_runner.runtime.mock.sampler import followed, holds_something, sample
from arazzo_runner.runtime.mock.wants import Tokens, Want
from arazzo_runner.sources.operation import MediaType
from arazzo_runner.sources.schema.check import SchemaContext, schema_errors, schemas_below


class Shape(Record):
    """What a body may be: a media type, and the context of its schema."""

    media_type: MediaType
    context: SchemaContext

    def mismatches(self, body: JsonValue) -> frozenset[tuple[str, str]]:
        """Return what is wrong with a body, so that what a change makes wrong can be reported."""
        schema, base = self.media_type.schema, self.media_type.base
        errors = schema_errors(body, schema, self.context, base=base, direction="response")
        return frozenset((error.pointer, error.keyword) for error in errors if not error.is_about_schema)

    def below(self, path: Tokens) -> list[tuple[JsonValue, str]] | None:
        """Return the schemas of the value at a path, none where any value is allowed; None if it is undocumented."""
        if self.media_type.schema is None:
            return []
        return schemas_below(self.media_type.schema, path, self.context, self.media_type.base)

    def sample(self, path: Tokens) -> JsonValue:
        """Return a sample of the value at a path, `example` where any value is allowed."""
        schemas = self.below(path)
        made = [sample(schema, self.context, base) for schema, base in schemas or ()]
        return next(filter(holds_something, made), made[0] if made else "example")

    def choices(self, path: Tokens) -> Iterator[JsonValue]:
        """Yield the values that the schemas at a path enumerate."""
        for schema, base in self.below(path) or ():
            found, _ = followed(schema, base, self.context)
            enum = found.get("enum") if isinstance(found, dict) else None
            yield from enum if isinstance(enum, list) else ()


def value_at(body: JsonValue, path: Tokens) -> Any:
    """Return the value at a path, MISSING when there is none."""
    for token in path:
        body = member(body, token)
        if body is MISSING:
            return MISSING
    return body


def granted(body: JsonValue | Missing, want: Want, shape: Shape) -> JsonValue | Missing:
    """Return the body with what is wanted, or as it was where that is undocumented or would not fit the schema."""
    if shape.below(want.path) is None:
        return body
    body = {} if body is MISSING and want.path else body
    known = shape.mismatches(body)
    for value in _candidates(want, shape):
        changed = _with(body, want.path, value, shape)
        if changed is not MISSING and shape.mismatches(changed) <= known:
            return changed
    return body


def _candidates(want: Want, shape: Shape) -> Iterable[JsonValue | Missing]:
    if want.values:
        return want.values
    choices = (*shape.choices(want.path), shape.sample(want.path), True, 1, "other")
    return [
        each
        for each in choices
        if holds_something(each) and not any(equal(each, other) for other in want.other_than if other is not MISSING)
    ]


def _with(body: JsonValue, path: Tokens, value: JsonValue | Missing, shape: Shape, above: Tokens = ()) -> Any:
    """Return a copy of a body with a value at a path, what is missing above it sampled; MISSING if it has no place."""
    if not path:
        return value
    token, rest = path[0], path[1:]
    place = (*above, token)
    if isinstance(body, dict):
        inner = _inner(body.get(token, MISSING), rest, place, shape)
        found = _with(inner, rest, value, shape, place)
        if found is MISSING:
            return {name: item for name, item in body.items() if name != token} if not rest else MISSING
        return {**body, token: found}
    if isinstance(body, list) and token.isdigit() and int(token) < 1000:
        items = list(body)
        while len(items) <= int(token):
            items.append(shape.sample((*above, "0")))
        found = _with(_inner(items[int(token)], rest, place, shape), rest, value, shape, place)
        items[int(token) :] = ([] if found is MISSING else [found]) + items[int(token) + 1 :]
        return MISSING if found is MISSING and rest else items
    return MISSING


def _inner(value: JsonValue | Missing, rest: Tokens, place: Tokens, shape: Shape) -> JsonValue:
    """Return what is at a place, or, when it cannot hold what is below it, a sample."""
    if not rest:
        return value
    if isinstance(value, dict) or (isinstance(value, list) and rest[0].isdigit()):
        return value
    made = shape.sample(place)
    if isinstance(made, (dict, list)):
        return made
    return [] if rest[0] == "0" else {}
