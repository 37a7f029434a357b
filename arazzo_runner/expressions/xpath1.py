"""Operators of XPath 1.0 (§3.4, §3.5), which elementpath evaluates with the types of XPath 2.0."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeAlias

from arazzo_runner.expressions.budget import Budget
from arazzo_runner.expressions.xpath_patterns import OwnFunction
from arazzo_runner.values import JsonValue

Scalar: TypeAlias = bool | float | str

_TESTS: dict[str, Callable[[JsonValue, JsonValue], bool]] = {
    "=": lambda one, two: one == two,
    "!=": lambda one, two: one != two,
    "<": lambda one, two: one < two,
    "<=": lambda one, two: one <= two,
    ">": lambda one, two: one > two,
    ">=": lambda one, two: one >= two,
}


def _comparison(symbol: str) -> OwnFunction:
    test = _TESTS[symbol]
    ordering = symbol not in ("=", "!=")

    def evaluate(token: JsonValue, context: JsonValue, budget: Budget) -> bool:
        """XPath 1.0 §3.4: a node-set compares when any of its nodes does."""
        left, right = (_Operand(list(operand.select(copy.copy(context)))) for operand in token)
        if isinstance(left.scalar, bool) or isinstance(right.scalar, bool):
            # true() > false(): booleans order as the numbers 1 and 0.
            return test(float(left.as_boolean()), float(right.as_boolean()))
        as_numbers = ordering or isinstance(left.scalar, float) or isinstance(right.scalar, float)
        convert = _number if as_numbers else str
        ones, twos = map(convert, left.values), [convert(value) for value in right.values]
        for one in ones:
            budget.spend(1 + len(twos))
            if any(test(one, two) for two in twos):
                return True
        return False

    return evaluate


class _Operand:
    """A node-set as the texts of its nodes (`scalar` None), or a boolean, number or string."""

    def __init__(self, items: list[JsonValue]) -> None:
        self.scalar: Scalar | None = None
        self.values: list[Scalar] = [_string_value(item) for item in items]
        if len(items) == 1 and not hasattr(items[0], "string_value"):
            self.scalar = _scalar(items[0])
            self.values = [self.scalar]

    def as_boolean(self) -> bool:
        """XPath 1.0 §4.3 `boolean()`."""
        if self.scalar is None:
            return bool(self.values)
        return bool(self.scalar) and self.scalar == self.scalar  # NaN is false


def _scalar(item: JsonValue) -> Scalar:
    if isinstance(item, bool):
        return item
    return item if isinstance(item, str) else float(item)


def _string_value(item: JsonValue) -> str:
    text: str = item.string_value if hasattr(item, "string_value") else str(item)
    return text


def _number(value: Scalar) -> float:
    """XPath 1.0 §4.4 `number()`: a sign, digits, one point; anything else is not a number."""
    if not isinstance(value, str):
        return float(value)
    digits = value.strip(" \t\r\n").removeprefix("-").replace(".", "", 1)
    return float(value) if digits.isascii() and digits.isdigit() else math.nan


def _divide(token: JsonValue, context: JsonValue, _budget: Budget) -> float:
    """XPath 1.0 §3.5: numbers are IEEE 754 doubles, so division by zero gives an infinity or NaN."""
    one, two = (_number_of(operand.evaluate(copy.copy(context))) for operand in token)
    if two:
        return one / two
    if not one or math.isnan(one):
        return math.nan
    return math.copysign(math.inf, one) * math.copysign(1.0, two)


def _number_of(value: JsonValue) -> float:
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, (bool, int, float, Decimal, str)):
        return _number(value if not isinstance(value, Decimal) else float(value))
    return _number(getattr(value, "string_value", str(value)))


XPATH1_OPERATORS: Final[dict[str, OwnFunction]] = {
    **{symbol: _comparison(symbol) for symbol in _TESTS},
    "div": _divide,
}
"""The operators by symbol."""
