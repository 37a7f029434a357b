"""What scripts expect of a response as criteria; what they read of it as expressions, and in its schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from arazzo_runner.base.json_values import escaped
from arazzo_runner.generate.description import ApiResponse
from arazzo_runner.generate.inferred_schemas import Schema, inferred, merged
from arazzo_runner.generate.postman.script_effects import (
    Expectation,
    FromBody,
    FromHeader,
    FromStatus,
    FromText,
    FromVariable,
    Scalar,
    Source,
)

PASSED: Final = "$statusCode >= 200 && $statusCode < 300"
_MEMBER: Final = re.compile(r"[A-Za-z0-9_-]+")
_HEADER: Final = re.compile(r"[A-Za-z0-9_-]+")
_NOT_IN_A_TEXT: Final = re.compile(r"[${}\r\n\t\\]")


def expression_of(source: Source) -> str | None:
    """Return the expression of what a script reads; None for what no expression can name."""
    match source:
        case FromStatus():
            return "$statusCode"
        case FromText() | FromBody(()):
            return "$response.body"
        case FromHeader(name):
            return f"$response.header.{name}" if _HEADER.fullmatch(name) else None
        case FromBody(path):
            if not all(isinstance(each, int) or _MEMBER.fullmatch(each) for each in path):
                return None
            return "$response.body#" + "".join(f"/{escaped(str(each))}" for each in path)
        case _:
            return None


def condition_of(expectation: Expectation, variable: Callable[[FromVariable], str | None]) -> str | None:
    """Return the condition of an expectation; None for what no condition can say."""
    left = expression_of(expectation.of)
    if left is None or expectation.of == FromBody():
        return None
    values = [variable(each) if isinstance(each, FromVariable) else _literal(each) for each in expectation.values]
    if any(value is None for value in values):
        return None
    return " || ".join(f"{left} {expectation.sign} {value}" for value in dict.fromkeys(values))


def without_contradictions(levels: list[list[Expectation]]) -> tuple[list[Expectation], list[Expectation]]:
    """Return the expectations that can hold together, and the others; `levels` begins with the outermost.

    A request's own expectation replaces what its folder expects of the same part of the response.
    """
    kept: list[Expectation] = []
    dropped: list[Expectation] = []
    for expectation in [each for level in reversed(levels) for each in reversed(level)]:
        rivals = [each for each in kept if each.of == expectation.of and "==" in (each.sign, expectation.sign)]
        same = any(
            (each.sign, each.values) == (expectation.sign, expectation.values) for each in kept if each in rivals
        )
        if not rivals:
            kept.append(expectation)
        elif not same:
            dropped.append(expectation)
    return kept[::-1], dropped


def statuses_of(expectations: Iterable[Expectation]) -> list[str]:
    """Return the statuses that are expected, as keys of responses; none if that is open."""
    found = [each for each in expectations if isinstance(each.of, FromStatus)]
    exact = [str(value) for each in found if each.sign == "==" for value in each.values if isinstance(value, int)]
    least = [value for each in found if each.sign == ">=" for value in each.values]
    return exact or [f"{str(value)[0]}XX" for value in least if value in (200, 300, 400, 500)]


def describe(response: ApiResponse, source: Source, value: Any = None) -> None:
    """Add what is read of a response to its description."""
    if isinstance(source, FromHeader) and source.name.lower() != "content-type":
        example = {"examples": [value]} if isinstance(value, str) else {}
        response.headers[source.name] = {"type": "string", **response.headers.get(source.name, {}), **example}
    if isinstance(source, FromText):
        for name, schema in (response.content or {"text/plain": None}).items():
            response.content[name] = merged(schema, {"type": "string"}) if schema else {"type": "string"}
    if isinstance(source, FromBody):
        kind = next((each for each in response.content if "json" in each), "application/json")
        leaf = inferred(value) if value is not None else {}
        response.content[kind] = _with_member(response.content.get(kind) or {}, source.path, leaf)


def _with_member(schema: Schema, path: tuple[str | int, ...], leaf: Schema) -> Schema:
    if not path:
        # What is read as a whole may be a text, even if other scripts read members of it.
        return merged(schema, leaf or {"type": "string"}) if schema else leaf
    name, rest = path[0], path[1:]
    if isinstance(name, int):
        known = schema if "array" in _types(schema) else {}
        items = _with_member(known.get("items") or {}, rest, leaf)
        found = {"type": "array", "minItems": max(name + 1, known.get("minItems", 0)), "items": items}
        return _and_others(found, schema)
    known = schema if "object" in _types(schema) else {}
    members = dict(known.get("properties", {}))
    members[name] = _with_member(members.get(name) or {}, rest, leaf)
    required = list(dict.fromkeys([*known.get("required", []), name]))
    return _and_others({"type": "object", "required": required, "properties": members}, schema)


def _and_others(found: Schema, known: Schema) -> Schema:
    """Return a schema that also has the other types that are known of the value."""
    others = [each for each in _types(known) if each != found["type"]]
    return {**known, **found, "type": [found["type"], *others]} if others else found


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else types


def _literal(value: Scalar) -> str | None:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return str(value)
    if _NOT_IN_A_TEXT.search(value) or not value.isprintable():
        return None
    return "'" + value.replace("'", "''") + "'"
