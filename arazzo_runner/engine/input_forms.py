"""What to write for an input: a value of the form that its schema wants."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue, to_json, to_text
from arazzo_runner.base.settings import INPUT_FILE
from arazzo_runner.sources.http_media.files import Described

Resolve = Callable[[JsonValue], JsonValue]
"""Follows the `$ref` of a schema within its document."""

MAX_DEPTH: Final = 4
MAX_FORMS: Final = 4
_TEXTS: Final = {"date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "time": "12:00:00Z",
                 "email": "ada@example.com", "uri": "https://example.com/a",
                 "uuid": "123e4567-e89b-12d3-a456-426614174000"}  # fmt: skip


def form_hint(name: str, schema: JsonValue, resolve: Resolve, *, is_text: bool) -> str | None:
    """Return what to write for an input, None where nothing better than its schema is known.

    `is_text`: it comes from a command line, where JSON needs the quotes of a shell.

    >>> form_hint("limit", {"type": "integer"}, lambda schema: schema, is_text=True)
    'write limit=10'
    """
    described = Described(schema, "", lambda raw, base: (resolve(raw), base))
    items = described.items()
    if described.asks_for_file or (items is not None and items.asks_for_file):
        return f"give the file with {INPUT_FILE.of(name)}"
    forms = _forms(schema, resolve, 0)[:MAX_FORMS]
    if not forms:
        return None
    written = (_argument(name, each) if is_text else f"{name}: {to_json(each)}" for each in forms)
    return f"write {' or '.join(dict.fromkeys(written))}"


def _argument(name: str, value: JsonValue) -> str:
    text = to_text(value)
    return f"{name}={shlex.quote(text) if text else ''}"


def _forms(schema: JsonValue, resolve: Resolve, depth: int) -> list[JsonValue]:
    """Return values that fit a schema, one for each of its types or listed values."""
    part = resolve(schema)
    if not isinstance(part, dict) or depth > MAX_DEPTH:
        return []
    if "const" in part:
        return [part["const"]]
    if isinstance(part.get("enum"), list):
        return list(part["enum"])
    stated = part.get("type")
    types = stated if isinstance(stated, list) else [stated]
    for keyword in ("oneOf", "anyOf"):
        if stated is None and isinstance(part.get(keyword), list):
            return [form for each in part[keyword] for form in _forms(each, resolve, depth + 1)[:1]]
    return [form for kind in types for form in _of_type(kind, part, resolve, depth)]


def _of_type(kind: object, schema: Mapping[str, Any], resolve: Resolve, depth: int) -> list[JsonValue]:
    if kind in ("integer", "number"):
        return [_number(schema)]
    if kind == "boolean":
        return [True, False]
    if kind == "null":
        return [None]
    if kind == "array":
        return [_forms(schema.get("items"), resolve, depth + 1)[:1] or ["a", "b"]]
    if kind == "object":
        return [_members(schema, resolve, depth)]
    if kind == "string" and schema.get("format") in _TEXTS:
        return [_TEXTS[schema["format"]]]
    return []


def _number(schema: Mapping[str, Any]) -> int | float:
    least, most = schema.get("minimum"), schema.get("maximum")
    if isinstance(least, (int, float)) and least > 10:
        return least
    return most if isinstance(most, (int, float)) and most < 10 else 10


def _members(schema: Mapping[str, Any], resolve: Resolve, depth: int) -> dict[str, JsonValue]:
    properties, required = schema.get("properties"), schema.get("required")
    known = properties if isinstance(properties, dict) else {}
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else list(known)[:2]
    forms = {name: _forms(known.get(name), resolve, depth + 1)[:1] for name in names}
    return {name: found[0] if found else "a" for name, found in forms.items()} or {"name": "value"}
