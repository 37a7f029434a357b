"""JSON Schemas and values that are meant to take long, by name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tests.hostile.language_attacks import nested

COLLIDING = 2**61 - 1  # Python hashes its multiples alike


def _chain(length: int, copies: int) -> dict[str, Any]:
    links: dict[str, Any] = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * copies} for n in range(length)}
    return {"$defs": {**links, f"a{length}": {"type": "string"}}, "$ref": "#/$defs/a0"}


def _wrapped(keyword: str, depth: int) -> dict[str, Any]:
    wrap: Callable[[Any, int], Any] = lambda inner, _: {keyword: [inner] if keyword.endswith("Of") else inner}  # noqa: E731
    return dict(functools.reduce(wrap, range(depth), {"type": "string"}))


def _members(count: int) -> dict[str, Any]:
    return {f"a{n}": n for n in range(count)}


ATTACKS: dict[str, Callable[[], tuple[Any, dict[str, Any]]]] = {
    "a pattern that backtracks": lambda: ("a" * 40 + "!", {"pattern": "(?=a)(a|aa)+$"}),
    "a pattern that backtracks on every item": lambda: (["a" * 40 + "!"] * 100, {"items": {"pattern": "(?=a)(a|aa)+$"}}),
    "a pattern that backtracks on every name": lambda: (
        {"a" * 40 + f"!{n}": 1 for n in range(100)}, {"patternProperties": {"(?=a)(a|aa)+$": {}}}),
    "a large pattern on a large text": lambda: ("ab" * 5_000_000, {"pattern": "a[ab]{900}c"}),
    "a pattern nested 5000 deep": lambda: ("a", {"pattern": "(" * 5_000 + "a" + ")" * 5_000}),
    "many patterns on many names": lambda: (_members(5_000), {"patternProperties": {f"b{n}$": {} for n in range(5_000)}}),
    "many patterns against other members": lambda: (
        _members(5_000), {"patternProperties": {f"b{n}$": {} for n in range(5_000)}, "additionalProperties": False}),
    "a pattern for every name": lambda: (_members(100_000), {"propertyNames": {"pattern": "^(a+)+$"}}),
    "multiples of 1e308": lambda: (1e-300, {"multipleOf": 1e308}),
    "multiples of 1e-300": lambda: (1e308, {"multipleOf": 1e-300}),
    "multiples of infinity": lambda: (1.5, {"multipleOf": float("inf")}),
    "multiples of NaN": lambda: (1.5, {"multipleOf": float("nan")}),
    "infinity as a multiple": lambda: (float("inf"), {"multipleOf": 2}),
    "multiples of 0.3 of 6000 digits": lambda: (10**6_000, {"multipleOf": 0.3}),
    "multiples of 7 of 100000 digits": lambda: (10**100_000, {"multipleOf": 7}),
    "multiples of 6000 digits": lambda: (1.5, {"multipleOf": 10**6_000}),
    "a limit of 6000 digits": lambda: (1.5, {"maximum": -(10**6_000)}),
    "a number of 6000 digits": lambda: (10**6_000, {"maximum": 1.5}),
    "infinity as a limit": lambda: (5, {"minimum": float("inf")}),
    "infinity as a length": lambda: ("a", {"minLength": float("inf")}),
    "a million allowed values": lambda: (-1, {"enum": list(range(1_000_000))}),
    "thousands of allowed values for thousands of items": lambda: (
        [{"a": -n} for n in range(5_000)], {"items": {"enum": [{"a": n} for n in range(5_000)]}}),
    "a constant of a megabyte in every item": lambda: ([1] * 100_000, {"contains": {"const": "x" * 1_000_000}}),
    "a constant nested 5000 deep": lambda: (nested(5_000), {"const": nested(5_000)}),
    "a million different items": lambda: (list(range(900_000)), {"uniqueItems": True}),
    "different items of one hash": lambda: ([n * COLLIDING for n in range(50_000)], {"uniqueItems": True}),
    "different lists of one hash": lambda: ([[n * COLLIDING] for n in range(50_000)], {"uniqueItems": True}),
    "different mappings": lambda: ([{"a": n} for n in range(50_000)], {"uniqueItems": True}),
    "items nested 5000 deep": lambda: ([nested(5_000), nested(5_000)], {"uniqueItems": True}),
    "thousands of required members in thousands of items": lambda: (
        [{} for _ in range(5_000)], {"items": {"required": [f"r{n}" for n in range(5_000)]}}),
    "hundreds of thousands of members too many": lambda: (_members(300_000), {"additionalProperties": False}),
    "half a million items of another type": lambda: (list(range(500_000)), {"items": {"type": "string"}}),
    "thousands of forms for thousands of items": lambda: (list(range(5_000)), {"items": {"anyOf": [{"type": "string"}] * 5_000}}),
    "a thousand forms of a large value": lambda: (["x" * 100] * 90_000, {"anyOf": [{"type": "string"}] * 900}),
    "references that multiply": lambda: (1, _chain(30, 2)),
    "a chain of 5000 references": lambda: ("a", _chain(5_000, 1)),
    "a schema of itself": lambda: (1, {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}),
    "allOf nested 3000 deep": lambda: (1, _wrapped("allOf", 3_000)),
    "not nested 3000 deep": lambda: (1, _wrapped("not", 3_000)),
    "a value nested 5000 deep": lambda: (nested(5_000), {"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}),
    "a hundred thousand types": lambda: (1, {"type": ["string"] * 100_000}),
    "contained in many": lambda: (list(range(200_000)), {"contains": {"const": -1}}),
    "members that no part evaluates": lambda: (
        _members(3_000), {"allOf": [{"properties": {f"a{n}": {}}} for n in range(3_000)], "unevaluatedProperties": False}),
    "members that need each other": lambda: (
        _members(2_000), {"dependentRequired": {f"a{n}": [f"a{m}" for m in range(2_000)] for n in range(2_000)}}),
    "a reference of 30000 tokens": lambda: (1, {"$ref": "#/" + "a/" * 30_000}),
    "half a surrogate pair": lambda: ("\ud800", {"pattern": "^.$", "enum": ["a"], "$comment": "\ud800"}),
}  # fmt: skip
