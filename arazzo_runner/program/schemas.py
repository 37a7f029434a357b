"""Input names of an inputs schema: those it declares, and which of them are secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import MISSING, JsonValue, resolve_pointer
from arazzo_runner.base.secrets import is_secret_name

_LISTS: Final = ("allOf", "anyOf", "oneOf")
_CONDITIONS: Final = ("if", "then", "else")
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
    """Return the inputs that are secret: `format: password`, `x-sensitive`, or by name (semantics §7)."""
    secret: set[str] = set()
    for part in _parts(schema, root):
        properties = part.get("properties") if part is not None else None
        if isinstance(properties, dict):
            secret.update(name for name, item in properties.items() if is_secret_name(name) or _marked(item, root))
    return frozenset(secret)


def _marked(schema: JsonValue, root: JsonValue) -> bool:
    return any(
        part is not None and (part.get("format") == "password" or part.get("x-sensitive") is True)
        for part in _parts(schema, root)
    )


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
