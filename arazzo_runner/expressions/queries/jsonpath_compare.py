"""How JSONPath filters compare: RFC 9535 §2.3.5.2.2, and ECMAScript's way for Goessner's draft."""

from __future__ import annotations

from collections.abc import Callable

from arazzo_runner.base.json_values import MISSING, JsonValue, is_number, to_number
from arazzo_runner.expressions.queries.budget import Budget

_ORDER: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def equal(left: JsonValue, right: JsonValue, budget: Budget) -> bool:
    """Tell whether two values are equal; MISSING equals only MISSING, true is not 1.

    A loop instead of recursion: answers may be nested deeper than Python's stack.
    """
    pairs = [(left, right)]
    while pairs:
        budget.spend()
        one, two = pairs.pop()
        if isinstance(one, dict) and isinstance(two, dict):
            if one.keys() != two.keys():
                return False
            pairs.extend((value, two[name]) for name, value in one.items())
        elif isinstance(one, list) and isinstance(two, list):
            if len(one) != len(two):
                return False
            pairs.extend(zip(one, two, strict=True))
        elif not _scalars_equal(one, two, budget):
            return False
    return True


def compare(left: JsonValue, operator: str, right: JsonValue, budget: Budget) -> bool:
    """Tell whether `left < right` and so on: numbers and strings have an order, `<=` includes equal."""
    order = None
    if is_number(left) and is_number(right):
        order = (left > right) - (left < right)
    elif isinstance(left, str) and isinstance(right, str):
        budget.spend(min(len(left), len(right)) // 256)
        order = (left > right) - (left < right)
    if order is not None:
        return _ORDER[operator](order)
    return operator in ("<=", ">=") and equal(left, right, budget)


def script_compare(left: JsonValue, operator: str, right: JsonValue, budget: Budget) -> bool:
    """Compare as ECMAScript does, as far as JSON values go (`==` with null and undefined, "1" and 1)."""
    if operator in ("==", "!="):
        return _script_equal(left, right, budget) is (operator == "==")
    if isinstance(left, str) and isinstance(right, str):
        return compare(left, operator, right, budget)
    one, two = _script_number(left), _script_number(right)
    return one is not None and two is not None and _ORDER[operator]((one > two) - (one < two))


def is_script_true(value: JsonValue) -> bool:
    """Tell whether ECMAScript takes a value for true: all but undefined, null, false, 0 and ""."""
    if isinstance(value, (dict, list)):
        return True
    return bool(value)


def _scalars_equal(left: JsonValue, right: JsonValue, budget: Budget) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        budget.spend(min(len(left), len(right)) // 256)
        return left == right
    if is_number(left) and is_number(right):
        return bool(left == right)
    # null, booleans and MISSING are single objects; everything else differs in type.
    return left is right and not isinstance(left, (str, dict, list))


def _script_equal(left: JsonValue, right: JsonValue, budget: Budget) -> bool:
    if left is None or left is MISSING or right is None or right is MISSING:
        return (left is None or left is MISSING) and (right is None or right is MISSING)
    if type(left) is not type(right):
        one, two = _script_number(left), _script_number(right)
        if one is not None and two is not None:
            return one == two
    return equal(left, right, budget)


def _script_number(value: JsonValue) -> int | float | None:
    if isinstance(value, bool):
        return int(value)
    if value is None:
        return 0
    if isinstance(value, str):
        return to_number(value) if value.strip() else 0
    return value if is_number(value) else None
