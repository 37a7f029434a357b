"""The four types of XPath 1.0 (§1): how one becomes another (§4), and how they compare (§3.4)."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeAlias

from arazzo_runner.base.patterns import pattern
from arazzo_runner.expressions.queries.budget import Budget
from arazzo_runner.expressions.queries.xml_tree import XmlNode

Value: TypeAlias = "list[XmlNode] | bool | float | str"
Scalar: TypeAlias = "bool | float | str"

_NUMBER: Final = pattern(r"[ \t\r\n]*(-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))[ \t\r\n]*\Z")
_TESTS: Final[dict[str, Callable[[Scalar, Scalar], bool]]] = {
    "=": lambda one, two: one == two,
    "!=": lambda one, two: one != two,
    "<": lambda one, two: one < two,  # type: ignore[operator]  # orders are tried on numbers only
    "<=": lambda one, two: one <= two,  # type: ignore[operator]
    ">": lambda one, two: one > two,  # type: ignore[operator]
    ">=": lambda one, two: one >= two,  # type: ignore[operator]
}


def boolean(value: Value) -> bool:
    """Return the `boolean()` of a value (§4.3)."""
    return bool(value) and value == value  # NaN is false


def number(value: Value) -> float:
    """Return the `number()` of a value (§4.4): a text is a sign, digits and one point, or not a number."""
    if isinstance(value, (bool, float)):
        return float(value)
    found = _NUMBER.match(value if isinstance(value, str) else string(value))
    return math.nan if found is None else float(found[1])


def string(value: Value) -> str:
    """Return the `string()` of a value (§4.2): of the first node; numbers have no exponents."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return value[0].string_value if value else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")


def compare(symbol: str, left: Value, right: Value, budget: Budget) -> bool:
    """Return whether two values compare (§3.4): of nodes, whether any does."""
    if isinstance(left, bool) or isinstance(right, bool):
        if symbol in ("=", "!="):
            return _TESTS[symbol](boolean(left), boolean(right))
        left, right = _as_number(left), _as_number(right)
    convert = _conversion(symbol, left, right)
    ones, twos = _scalars(left, convert, budget), _scalars(right, convert, budget)
    test = _TESTS[symbol]
    for one in ones:
        budget.spend(1 + len(twos))
        if any(test(one, two) for two in twos):
            return True
    return False


def _as_number(value: Value) -> Value:
    """Return a node-set that is compared with a boolean as that boolean's number would be; others as they are."""
    return float(boolean(value)) if isinstance(value, (list, bool)) else value


def _conversion(symbol: str, left: Value, right: Value) -> Callable[[Value], Scalar]:
    numeric = symbol not in ("=", "!=") or isinstance(left, float) or isinstance(right, float)
    return number if numeric else string


def _scalars(value: Value, convert: Callable[[Value], Scalar], budget: Budget) -> list[Scalar]:
    if not isinstance(value, list):
        return [convert(value)]
    found: list[Scalar] = []
    for node in value:
        text = node.string_value
        budget.spend(1 + len(text) // 64)
        found.append(convert(text))
    return found
