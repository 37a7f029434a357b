"""The checker of all schemas, based on jsonschema: it fetches nothing, and its work is bounded.

jsonschema resolves a `$ref` through a resolver that it passes from schema to schema; ours follows
References only. The keywords that search patterns are replaced, since they would use `re`, which is
not linear-time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jsonschema
from jsonschema import validators

from arazzo_runner.base.json_values import JsonValue, escaped
from arazzo_runner.base.records import Record
from arazzo_runner.sources.schema.context import Direction, SchemaContext, identified, is_nullable
from arazzo_runner.sources.schema.mismatch import (
    Follower,
    FormatWatch,
    SchemaError,
    UnusableSchema,
    is_marked,
    is_multiple,
    mismatch,
)
from arazzo_runner.sources.schema.simple import all_differ, same

_BROKEN = (jsonschema.SchemaError, jsonschema.exceptions.UnknownType, TypeError, AttributeError, ValueError, KeyError)


def full_errors(
    value: JsonValue,
    schema: JsonValue,
    context: SchemaContext,
    *,
    base: str,
    direction: Direction | None,
    most: int,
    formats: FormatWatch | None = None,
) -> tuple[SchemaError, ...]:
    """Return the errors of jsonschema in the value's order; an invalid schema is one error of keyword `$schema`."""
    follower = Follower(context)
    resolver = _Resolver(follower, context, base)
    try:
        follower.enter(_members(value))
        value = _quiet(value)
        make = _validator(context, direction)
        validator = make(schema, _resolver=resolver.inside(schema), format_checker=formats)
        found = []
        for error in validator.iter_errors(value):
            found.append(_spoken(schema_error(error)))
            if len(found) >= most:
                break
    except UnusableSchema as problem:
        return (problem.error,)
    except RecursionError:
        return (SchemaError("", "the schema or the value is nested too deeply to be checked", "$work"),)
    except _BROKEN as problem:
        return (SchemaError("", f"the schema is broken ({type(problem).__name__})", "$schema"),)
    return tuple(sorted(found, key=lambda error: error.pointer))


def _spoken(found: SchemaError) -> SchemaError:
    """Return an error with its message made now, so that a keyword of a wrong type fails here."""
    return SchemaError(found.pointer, found.message, found.keyword)


def _members(value: JsonValue) -> int:
    """Return the number of members and items of a value, at all depths."""
    count, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        inner = list(each.values()) if isinstance(each, dict) else each if isinstance(each, list) else ()
        count += len(inner)
        waiting += inner
    return count


class _Quiet:
    """Has a short repr: jsonschema puts the value into each of its messages, which are not shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "…"


class _Text(_Quiet, str):
    __slots__ = ()


class _Array(_Quiet, list[Any]):
    __slots__ = ()


class _Object(_Quiet, dict[str, Any]):
    __slots__ = ()


def _quiet(value: JsonValue) -> JsonValue:
    """Return a value whose structures and texts have a short repr, so that messages do not copy it."""
    if isinstance(value, dict):
        return _Object((name, _quiet(item)) for name, item in value.items())
    if isinstance(value, list):
        return _Array(map(_quiet, value))
    return _Text(value) if isinstance(value, str) and len(value) > 100 else value


class _Resolver(Record):
    """The interface of `referencing.Resolver` that jsonschema uses, with our references."""

    follower: Follower
    context: SchemaContext
    base: str

    def lookup(self, reference: str) -> _Found:
        """Return the target of a reference."""
        schema, base = self.follower.follow(reference, self.base)
        return _Found(schema, _Resolver(self.follower, self.context, base).inside(schema))

    def in_subresource(self, resource: Any) -> _Resolver:
        """Return the resolver inside a schema, which may have an `$id`."""
        return self.inside(resource.contents)

    def inside(self, schema: JsonValue) -> _Resolver:
        """Return the resolver inside a schema."""
        self.follower.step()
        if not isinstance(schema, dict) or "$id" not in schema:
            return self
        return _Resolver(self.follower, self.context, identified(schema, self.base, self.context))


class _Found(Record):
    contents: JsonValue
    resolver: _Resolver


# ------------------------------------------------------------------ keywords of our own


@lru_cache(maxsize=8)
def _validator_class(is_draft_04: bool) -> Any:
    base = jsonschema.Draft4Validator if is_draft_04 else jsonschema.Draft202012Validator
    extend: Any = validators.extend
    return extend(
        base,
        {
            "pattern": _pattern,
            "patternProperties": _pattern_properties,
            "additionalProperties": _additional_properties,
            "multipleOf": _multiple_of,
            "uniqueItems": _unique_items,
            "enum": _enum,
            "const": _const,
            "not": _not,
            "format": _format,
            **({} if is_draft_04 else {"unevaluatedProperties": _unevaluated_properties}),
        },
    )


@lru_cache(maxsize=16)
def _class(dialect: str, direction: Direction | None) -> Any:
    # OpenAPI 3.0 and Swagger have the keywords of draft 04 (boolean exclusiveMinimum) and nullable.
    base = _validator_class(dialect != "2020-12")
    keywords: dict[str, Any] = {}
    if dialect != "2020-12":
        nullable = SchemaContext(dialect)  # type: ignore[arg-type]
        for name in ("type", "enum", "$ref", "allOf", "anyOf", "oneOf"):
            keywords[name] = _unless_nullable(base.VALIDATORS[name], nullable)
    if direction is not None:
        other = "readOnly" if direction == "request" else "writeOnly"
        keywords["required"] = _required_of(other)
        keywords["properties"] = _properties_of(other)
    extend: Any = validators.extend
    return extend(base, keywords)


def _validator(context: SchemaContext, direction: Direction | None) -> Any:
    return _class(context.dialect, direction)


def _format(validator: Any, name: Any, value: Any, schema: Any) -> Iterator[Any]:
    watch: FormatWatch | None = validator.format_checker
    if watch is not None and watch.rejects(name, value):
        yield jsonschema.ValidationError(f"does not fit {name}")


def _unless_nullable(keyword: Any, context: SchemaContext) -> Any:
    def check(validator: Any, limit: Any, value: Any, schema: Any) -> Any:
        if value is None and is_nullable(schema, context):
            return
        yield from keyword(validator, limit, value, schema) or ()

    return check


def _required_of(other: str) -> Any:
    def check(validator: Any, names: Any, value: Any, schema: Any) -> Any:
        if not isinstance(value, dict) or not isinstance(names, list):
            return
        properties = schema.get("properties", {})
        for name in names:
            if name not in value and not _is_others(validator, properties.get(name), other):
                yield jsonschema.ValidationError(f"lacks {name}")

    return check


def _properties_of(other: str) -> Any:
    def check(validator: Any, properties: Any, value: Any, schema: Any) -> Any:
        for name, subschema in properties.items() if isinstance(value, dict) else ():
            if name not in value:
                continue
            if _is_others(validator, subschema, other):
                yield jsonschema.ValidationError(other, validator=other, path=(name,))
            else:
                yield from validator.descend(value[name], subschema, path=name, schema_path=name)

    return check


def _is_others(validator: Any, schema: Any, other: str) -> bool:
    resolver = validator._resolver
    return is_marked(schema, other, resolver.follower, resolver.base)


def _multiple_of(validator: Any, divisor: Any, value: Any, schema: Any) -> Any:
    if not isinstance(divisor, (int, float)) or divisor <= 0:
        return  # invalid (JSON Schema 2020-12 §6.2.1)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not is_multiple(value, divisor):
        yield jsonschema.ValidationError(f"is not a multiple of {divisor}")


def _unique_items(validator: Any, wanted: Any, value: Any, schema: Any) -> Any:
    # jsonschema compares all pairs of items that cannot be sorted.
    if wanted is True and isinstance(value, list) and not all_differ(value):
        yield jsonschema.ValidationError("has an item twice")


def _enum(validator: Any, allowed: Any, value: Any, schema: Any) -> Any:
    if not isinstance(allowed, list):
        raise TypeError("enum is a list")  # JSON Schema 2020-12 §6.1.2
    validator._resolver.follower.step(len(allowed) // 100)
    if not any(same(value, each) for each in allowed):
        yield jsonschema.ValidationError("is not in the enum")


def _const(validator: Any, wanted: Any, value: Any, schema: Any) -> Any:
    if not same(value, wanted):
        yield jsonschema.ValidationError("is not the const")


def _not(validator: Any, forbidden: Any, value: Any, schema: Any) -> Any:
    if validator.evolve(schema=forbidden).is_valid(value):
        yield jsonschema.ValidationError("fits what is forbidden")


def _finds(validator: Any, pattern: str, text: str) -> bool:
    return bool(validator._resolver.follower.finds(pattern, text))


def _pattern(validator: Any, pattern: Any, value: Any, schema: Any) -> Any:
    if isinstance(value, str) and isinstance(pattern, str) and not _finds(validator, pattern, value):
        yield jsonschema.ValidationError(f"does not match {pattern}")


def _pattern_properties(validator: Any, patterns: Any, value: Any, schema: Any) -> Any:
    if not isinstance(value, dict):
        return
    for pattern, subschema in patterns.items():
        for name, item in value.items():
            if _finds(validator, pattern, name):
                yield from validator.descend(item, subschema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, extra: Any, value: Any, schema: Any) -> Any:
    if not isinstance(value, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, item in value.items():
        if name in known or any(_finds(validator, pattern, name) for pattern in patterns):
            continue
        if extra is False:
            yield jsonschema.ValidationError(name, validator="additionalProperties", validator_value=name)
        else:
            yield from validator.descend(item, extra, path=name)


def _unevaluated_properties(validator: Any, subschema: Any, value: Any, schema: Any) -> Any:
    """JSON Schema 2020-12 §11.3."""
    if not isinstance(value, dict):
        return
    evaluated = set(_evaluated(validator, value, schema))
    for name, item in value.items():
        if name in evaluated:
            continue
        if subschema is False:
            yield jsonschema.ValidationError(name, validator="additionalProperties", validator_value=name)
        else:
            yield from validator.descend(item, subschema, path=name)


def _evaluated(validator: Any, value: dict[str, Any], schema: Any) -> Iterator[str]:
    """Yield the members evaluated by the other keywords of a schema that the value satisfies."""
    if not isinstance(schema, dict):
        return
    for keyword in ("$ref", "$dynamicRef"):
        if keyword in schema:
            found = validator._resolver.lookup(schema[keyword])
            evolved = validator.evolve(schema=found.contents, _resolver=found.resolver)
            yield from _evaluated(evolved, value, found.contents)
    yield from schema.get("properties", {}).keys() & value.keys()
    patterns = schema.get("patternProperties", {})
    yield from (name for name in value if any(_finds(validator, pattern, name) for pattern in patterns))
    if "additionalProperties" in schema:
        yield from value
    for part in _applied(validator, value, schema):
        yield from _evaluated(validator, value, part)
        if "unevaluatedProperties" in part:
            yield from value


def _applied(validator: Any, value: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schemas applied in place that the value satisfies."""
    parts = [part for keyword in ("allOf", "anyOf", "oneOf") for part in schema.get(keyword, ())]
    parts += [part for name, part in schema.get("dependentSchemas", {}).items() if name in value]
    if "if" in schema:
        holds = next(iter(validator.descend(value, schema["if"])), None) is None
        parts += [schema["if"]] if holds else []
        parts.append(schema.get("then" if holds else "else", True))
    for part in parts:
        if isinstance(part, dict) and next(iter(validator.descend(value, part)), None) is None:
            yield part


# ------------------------------------------------------------------ errors


def schema_error(error: Any) -> SchemaError:
    """Return an error of jsonschema as a SchemaError."""
    path = list(error.absolute_path)
    pointer = "".join("/" + escaped(str(part)) for part in path)
    keyword, limit, value = str(error.validator), error.validator_value, error.instance
    if error.validator is None:
        return mismatch("false", None, value, pointer)
    if keyword == "required":
        limit = error.message.removeprefix("lacks ").removesuffix(" is a required property").strip("'\"")
    if keyword in ("exclusiveMinimum", "exclusiveMaximum", "minimum", "maximum") and isinstance(limit, bool):
        limit = error.schema.get(keyword.removeprefix("exclusive").lower())
    if keyword in ("readOnly", "writeOnly"):
        value = None
    return mismatch(keyword, limit, value, pointer)
