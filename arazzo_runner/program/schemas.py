"""Input names of an inputs schema: those it declares, and which of them are secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from arazzo_runner.base.json_values import MISSING, JsonValue, resolve_pointer
from arazzo_runner.base.secrets import is_secret_name
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.budget import QueryFailure

_LISTS: Final = ("allOf", "anyOf", "oneOf")
_CONDITIONS: Final = ("if", "then", "else")
_MARKS: Final = ("writeOnly", "x-sensitive", "x-secret")
_OF_MEMBERS: Final = ("additionalProperties", "unevaluatedProperties")
_OF_ITEMS: Final = ("items", "contains", "additionalItems", "unevaluatedItems")
_COMPOSING: Final = frozenset({"$ref", "dependentSchemas", *_LISTS, *_CONDITIONS})


def input_names(schema: JsonValue, root: JsonValue) -> frozenset[str] | None:
    """Return the input names that a schema declares, none without one; None when unknown (`$ref` elsewhere)."""
    if not isinstance(schema, dict):
        return frozenset() if schema is None else None
    if _COMPOSING.isdisjoint(schema):  # nearly always
        properties = schema.get("properties")
        return frozenset(properties) if isinstance(properties, dict) else frozenset()
    names: set[str] = set()
    for part in _parts(schema, root):
        if part is None:
            return None
        properties = part.get("properties")
        if isinstance(properties, dict):
            names.update(properties)
    return frozenset(names)


def accepts_any_name(schema: JsonValue, root: JsonValue) -> bool:
    """Return whether a schema says that inputs may have other names than those it declares."""
    for part in _parts(schema, root):
        said = (part or {}).get("additionalProperties"), (part or {}).get("unevaluatedProperties")
        if any(each not in (None, False) for each in said) or "patternProperties" in (part or {}):
            return True
    return False


def secret_input_names(schema: JsonValue, root: JsonValue) -> frozenset[str]:
    """Return the inputs that are secret by name or schema (`format: password`, `writeOnly` …; semantics §7)."""
    secret: set[str] = set()
    for part in _parts(schema, root):
        properties = part.get("properties") if part is not None else None
        if isinstance(properties, dict):
            secret.update(name for name, item in properties.items() if is_secret_name(name) or _marked(item, root))
    return frozenset(secret)


def secret_values(value: JsonValue, schema: JsonValue, root: JsonValue) -> Iterator[JsonValue]:
    """Yield the values in the inputs of a workflow that their schema or name makes secret."""
    return _secret_in(value, [schema], root, "")


def _secret_in(value: JsonValue, schemas: Iterable[JsonValue], root: JsonValue, name: str) -> Iterator[JsonValue]:
    # All schemas of a value at once: of two that are alike, each would double the work at every level.
    found = {id(part): part for each in schemas for part in _parts(each, root) if part is not None}
    parts = list(found.values())
    if is_secret_name(name) or any(map(_is_marked, parts)):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _secret_in(item, _schemas_of_member(parts, key), root, key)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _secret_in(item, _schemas_of_item(parts, index), root, "")


def _schemas_of_member(parts: list[dict[str, JsonValue]], name: str) -> Iterator[JsonValue]:
    for part in parts:
        properties, patterns = part.get("properties"), part.get("patternProperties")
        found = [properties[name]] if isinstance(properties, dict) and name in properties else []
        found += [each for key, each in patterns.items() if _finds(key, name)] if isinstance(patterns, dict) else []
        yield from found or (part[keyword] for keyword in _OF_MEMBERS if keyword in part)


def _finds(pattern: str, name: str) -> bool:
    """Return whether a pattern matches somewhere in a name; one that is none might, and hides what it should not."""
    from arazzo_runner.expressions.queries.regex import compile_regex  # lazily: few schemas have patterns

    try:
        return compile_regex(pattern).search(name, 1.0) is not None
    except (ExpressionSyntaxError, QueryFailure):
        return True


def _schemas_of_item(parts: list[dict[str, JsonValue]], index: int) -> Iterator[JsonValue]:
    for part in parts:
        first = part.get("prefixItems")
        if isinstance(first, list) and index < len(first):
            yield first[index]
        items = part.get("items")
        if isinstance(items, list):  # of an older JSON Schema
            yield from items[index : index + 1]
        yield from (part[keyword] for keyword in _OF_ITEMS if not isinstance(part.get(keyword, True), (bool, list)))


def _marked(schema: JsonValue, root: JsonValue) -> bool:
    return any(part is not None and _is_marked(part) for part in _parts(schema, root))


def _is_marked(part: dict[str, JsonValue]) -> bool:
    """Return whether a schema says that its value is secret."""
    return part.get("format") == "password" or any(part.get(keyword) is True for keyword in _MARKS)


def _parts(schema: JsonValue, root: JsonValue) -> Iterator[dict[str, JsonValue] | None]:
    """Yield a schema and its parts ($ref, allOf, then …); None for a `$ref` that cannot be followed."""
    waiting, seen = [schema], set[int]()
    while waiting:
        part = waiting.pop(0)
        if not isinstance(part, dict) or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        reference = part.get("$ref")
        if isinstance(reference, str):
            target = follow_in_document(reference, root)
            if target is MISSING:
                yield None
            waiting.append(target)
        for keyword in _LISTS:
            if isinstance(part.get(keyword), list):
                waiting += part[keyword]
        waiting += [part[keyword] for keyword in _CONDITIONS if keyword in part]
        dependent = part.get("dependentSchemas")
        waiting += dependent.values() if isinstance(dependent, dict) else ()


def follow_in_document(reference: str, root: JsonValue) -> JsonValue:
    """Return what a `$ref` in a document refers to; MISSING where that is nothing or elsewhere."""
    if not reference.startswith("#"):
        return MISSING
    if reference[1:2] in ("", "/"):
        return resolve_pointer(root, reference[1:])
    components = root.get("components") if isinstance(root, dict) else None
    inputs = components.get("inputs") if isinstance(components, dict) else None
    for schema in inputs.values() if isinstance(inputs, dict) else ():
        if isinstance(schema, dict) and schema.get("$anchor") == reference[1:]:
            return schema
    return MISSING
