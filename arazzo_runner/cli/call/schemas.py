"""Schemas of parameters and bodies: flattened to convert texts, shortened to be shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue, preview, to_text
from arazzo_runner.base.secrets import is_secret_name
from arazzo_runner.engine.inputs import coerce_text
from arazzo_runner.sources.http_media.files import Described
from arazzo_runner.sources.references import ReferenceFailure

_MOST_PARTS: Final = 50
_MOST_MEMBERS: Final = 12


def flat_schema(described: Described) -> dict[str, Any]:
    """Return the keywords of a schema, its `$ref` and `allOf` followed; the outermost of each keyword."""
    found: dict[str, Any] = {}
    for part, base in _parts(described):
        if isinstance(part.get("properties"), dict):
            found["properties"] = {**part["properties"], **found.get("properties", {})}
        if isinstance(part.get("required"), list):
            found["required"] = list(dict.fromkeys([*found.get("required", []), *part["required"]]))
        for keyword in ("oneOf", "anyOf"):
            forms = part.get(keyword)
            if isinstance(forms, list) and keyword not in found:
                found[keyword] = [flat_schema(Described(form, base, described.resolve)) for form in forms]
        found = {**{name: value for name, value in part.items() if name not in ("$ref", "allOf")}, **found}
    return found


def _parts(described: Described) -> Iterator[tuple[dict[str, Any], str]]:
    waiting, seen = [(described.raw, described.base)], set[int]()
    while waiting and len(seen) < _MOST_PARTS:
        raw, base = waiting.pop(0)
        if not isinstance(raw, dict) or id(raw) in seen:
            continue
        seen.add(id(raw))
        yield raw, base
        if isinstance(raw.get("$ref"), str) and described.resolve is not None:
            try:
                waiting.append(described.resolve(raw, base))
            except ReferenceFailure:
                continue
        forms = raw.get("allOf")
        waiting += [(form, base) for form in forms] if isinstance(forms, list) else []


def types_of(schema: dict[str, Any]) -> tuple[str, ...]:
    """Return the types that a flat schema allows, none where it does not say."""
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    return tuple(each for each in kinds if isinstance(each, str))


def is_array(described: Described) -> bool:
    """Return whether only lists are described."""
    schema = flat_schema(described)
    return types_of(schema) == ("array",) or (not types_of(schema) and "items" in schema)


def converted(texts: list[str], described: Described) -> JsonValue:
    """Return the texts given for one name as a value of the schema; several, and one that is no list, make a list."""
    if not is_array(described):
        return coerce_text(texts[-1], flat_schema(described))
    if len(texts) == 1:
        whole = coerce_text(texts[0], {"type": "array"})
        if isinstance(whole, list):
            return whole
    items = flat_schema(described.items() or Described(None))
    return [coerce_text(text, items) for text in texts]


def is_secret(name: str, described: Described) -> bool:
    """Return whether a value is a secret: by its name, or because its schema says so."""
    return is_secret_name(name) or flat_schema(described).get("format") == "password"


def schema_text(described: Described, *, members: bool = True) -> str:
    """Return a schema on one line: `integer, minimum 1` or `object {name: string (required), tag: string}`."""
    schema = flat_schema(described)
    if isinstance(schema.get("enum"), list):
        facts = ["one of " + ", ".join(map(to_text, schema["enum"]))]
    elif "const" in schema:
        facts = [to_text(schema["const"])]
    else:
        facts = [" or ".join(types_of(schema)) or _alternatives(schema) or "any value"]
    facts[0] += _inside(described, schema) if members else ""
    for name in ("format", "pattern", "minimum", "maximum", "minLength", "maxLength"):
        if isinstance(schema.get(name), (str, int, float)):
            facts.append(str(schema[name]) if name == "format" else f"{name} {schema[name]}")
    if "default" in schema:
        facts.append(f"default {preview(schema['default'], 40)}")
    if "example" in schema:
        facts.append(f"such as {preview(schema['example'], 40)}")
    return (", " if members else " ").join(facts)


def _alternatives(schema: dict[str, Any]) -> str:
    forms = schema.get("oneOf") or schema.get("anyOf")
    kinds = [" or ".join(types_of(form)) for form in forms] if isinstance(forms, list) else []
    return " or ".join(dict.fromkeys(kind for kind in kinds if kind))


def _inside(described: Described, schema: dict[str, Any]) -> str:
    items = described.items() if is_array(described) else None
    if items is not None:
        return f" of {schema_text(items, members=False)}"
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return ""
    required = [name for name in schema.get("required", []) if name in properties]
    names = [*required, *(name for name in properties if name not in required)]
    shown = [_member(described, name, name in required) for name in names[:_MOST_MEMBERS]]
    return " {" + ", ".join([*shown, *(["…"] if len(names) > _MOST_MEMBERS else [])]) + "}"


def _member(described: Described, name: str, is_required: bool) -> str:
    kind = schema_text(described.member(name), members=False)
    key = name if name.isidentifier() else json.dumps(name, ensure_ascii=False)
    return f"{key}: {kind}{' (required)' if is_required else ''}"
