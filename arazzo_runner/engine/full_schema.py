"""Any JSON Schema through jsonschema, which here reads nothing by itself and cannot run away."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jsonschema
from jsonschema import validators
from referencing import Registry, Resource
from referencing.exceptions import NoSuchResource, Unresolvable
from referencing.jsonschema import DRAFT4, DRAFT202012

from arazzo_runner.engine.simple_schema import SchemaError
from arazzo_runner.expressions.budget import TooMuchWork
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.regex import compile_regex
from arazzo_runner.secrets import is_secret_name
from arazzo_runner.values import JsonValue, preview, type_name

ROOT = "arazzo:document"
MAX_ERRORS = 20
PATTERN_SECONDS = 1.0


def full_errors(
    value: JsonValue, schema: JsonValue, *, root: JsonValue, resolve: Any, dialect: str
) -> tuple[SchemaError, ...]:
    """Return what jsonschema finds, in the value's order; a broken schema is one error of keyword `$schema`."""
    draft = DRAFT4 if dialect == "draft-04" else DRAFT202012
    document = root if isinstance(root, (dict, bool)) else {}

    def retrieve(uri: str) -> Any:
        if resolve is None:
            raise _no_such(uri)
        try:
            return Resource.from_contents(resolve(uri), default_specification=draft)
        except KeyError:
            raise _no_such(uri) from None

    registry: Any = Registry(retrieve=retrieve)  # type: ignore[call-arg]
    registry = registry.with_resource(ROOT, Resource.from_contents(_anchored(document), default_specification=draft))
    validator = _validator(dialect)(
        {"$ref": f"{ROOT}"} if schema is document else schema, registry=registry, _resolver=registry.resolver(ROOT)
    )
    found = []
    try:
        for error in validator.iter_errors(value):
            found.append(_error(error))
            if len(found) >= MAX_ERRORS:
                break
    except Unresolvable as problem:
        return (SchemaError("", f"the schema's $ref {problem.ref} leads nowhere", "$ref"),)
    except (jsonschema.SchemaError, RecursionError, TypeError, AttributeError, ValueError, KeyError) as problem:
        return (SchemaError("", f"the schema is broken ({type(problem).__name__})", "$schema"),)
    return tuple(sorted(found, key=lambda error: error.pointer))


def _no_such(uri: str) -> Exception:
    make: Any = NoSuchResource
    error: Exception = make(ref=uri)
    return error


def _anchored(document: Any) -> Any:
    """Make the anchors of components/inputs visible: the document itself is no schema to referencing."""
    if not isinstance(document, dict) or "components" not in document:
        return document
    components = document["components"]
    inputs = components.get("inputs") if isinstance(components, dict) else None
    return {**document, "$defs": inputs} if isinstance(inputs, dict) else document


@lru_cache(maxsize=8)
def _validator(dialect: str) -> Any:
    base = jsonschema.Draft4Validator if dialect == "draft-04" else jsonschema.Draft202012Validator
    keywords: dict[str, Any] = {"pattern": _pattern, "patternProperties": _pattern_properties}
    if dialect == "openapi-3.0":
        keywords["type"] = _nullable_type
        keywords["exclusiveMinimum"] = keywords["exclusiveMaximum"] = _exclusive
    extend: Any = validators.extend
    return extend(base, keywords)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    try:
        return compile_regex(pattern)
    except ExpressionSyntaxError:
        return None


def search_pattern(pattern: str, text: str) -> bool:
    """Tell whether a pattern is found in a text, in linear time; an unusable pattern is found nowhere."""
    compiled = _compiled(pattern)
    try:
        return compiled is not None and compiled.search(text, PATTERN_SECONDS) is not None
    except TooMuchWork:
        return False


def _pattern(validator: Any, pattern: Any, value: Any, schema: Any) -> Any:
    if isinstance(value, str) and isinstance(pattern, str) and not search_pattern(pattern, value):
        yield jsonschema.ValidationError(f"does not match {pattern}")


def _pattern_properties(validator: Any, patterns: Any, value: Any, schema: Any) -> Any:
    if not isinstance(value, dict):
        return
    for pattern, subschema in patterns.items():
        for name, item in value.items():
            if search_pattern(pattern, name):
                yield from validator.descend(item, subschema, path=name, schema_path=pattern)


def _nullable_type(validator: Any, types: Any, value: Any, schema: Any) -> Any:
    """OpenAPI 3.0 §Schema Object: `nullable: true` beside a type adds null."""
    if value is None and schema.get("nullable") is True:
        return
    for kind in types if isinstance(types, list) else [types]:
        if validator.is_type(value, kind):
            return
    yield jsonschema.ValidationError(f"is not of type {types}")


def _exclusive(validator: Any, limit: Any, value: Any, schema: Any) -> Any:
    """In OpenAPI 3.0 exclusiveMinimum and exclusiveMaximum are booleans beside minimum and maximum."""
    if limit is not True or isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    for key in ("minimum", "maximum"):
        if schema.get(f"exclusive{key.capitalize()}") is True and schema.get(key) == value:
            yield jsonschema.ValidationError(f"must not be {key} {limit} itself")


def _error(error: Any) -> SchemaError:
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in error.absolute_path)
    name = '"' + ".".join(map(str, error.absolute_path)) + '"' if error.absolute_path else "the value"
    return SchemaError(pointer, f"{name} {_sentence(error)}", str(error.validator))


def _sentence(error: Any) -> str:
    keyword, limit, value = error.validator, error.validator_value, error.instance
    secret = any(is_secret_name(str(part)) for part in error.absolute_path)
    found = (
        type_name(value) if secret or isinstance(value, (dict, list)) else f"{type_name(value)} {preview(value, 40)}"
    )
    if keyword == "type":
        return f"must be {' or '.join(limit) if isinstance(limit, list) else limit}, found {found}"
    if keyword == "required" and isinstance(value, dict):
        missing = [name for name in limit if name not in value]
        return "lacks " + ", ".join(f'"{name}"' for name in missing[:8]) + ", which is required"
    if keyword == "pattern":
        return f"must match {limit}, found {found}"
    if keyword == "enum":
        return f"must be one of {', '.join(preview(each, 40) for each in limit[:12])}, found {found}"
    if keyword == "additionalProperties" and isinstance(value, dict):
        known = error.schema.get("properties", {})
        extra = [name for name in value if name not in known]
        return "must not have " + ", ".join(f'"{name}"' for name in extra[:8])
    if keyword in ("oneOf", "anyOf"):
        return (
            f"fits none of the {len(limit)} allowed forms"
            if keyword == "anyOf"
            else "must fit exactly one of the allowed forms"
        )
    return f"does not fit {keyword} {preview(limit, 60)}, found {found}"
