"""Limits on operands with which one call of elementpath would run for minutes or exhaust memory.

The budget counts calls, but cannot stop one operation on huge numbers. So operands are limited,
function by function (Functions and Operators 3.1).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from decimal import ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Final, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.patterns import pattern
from arazzo_runner.expressions.queries.budget import Budget, TooMuchWork

MAX_TEXT = 1_000_000
MAX_RANGE = 10_000
MAX_BITS = 10_000
MAX_DIGITS = 4_000  # of a decimal, on either side of the point
MAX_ROMAN = 100_000  # each thousand is an M
MAX_PICTURE = 1_000
MAX_OPTIONAL_DIGITS = 16  # elementpath's pattern for pictures tries every # in two ways
MAX_COMBINING = 1_000  # sorting a run of combining characters is quadratic; UAX 15 calls 30 safe

Operand: TypeAlias = Callable[[JsonValue, JsonValue, JsonValue], JsonValue]
"""(token, dynamic context, operand) → the operand to use."""

OwnFunction: TypeAlias = Callable[[JsonValue, JsonValue, Budget], JsonValue]
"""(token, dynamic context, budget) → result; replaces elementpath's evaluation."""

_WIDE: Final = pattern(r"\d{4}")
# elementpath's others are locales of the machine: they differ elsewhere, and are set for the whole process.
_COLLATIONS = frozenset(
    f"http://www.w3.org/2005/xpath-functions/collation/{name}" for name in ("codepoint", "html-ascii-case-insensitive")
)


def check_value(value: object, budget: Budget) -> None:
    """Refuse a text, an integer or a decimal that is too large; long texts cost their length."""
    if isinstance(value, str):
        if len(value) > 1024:
            if len(value) > MAX_TEXT:
                raise TooMuchWork(f"a text of more than {MAX_TEXT} characters is too much work")
            budget.spend(len(value) // 64)
    elif isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise TooMuchWork("an integer of thousands of digits is too much work")
    elif isinstance(value, Decimal) and value.is_finite():
        exponent = value.as_tuple().exponent
        if value.adjusted() > MAX_DIGITS or (isinstance(exponent, int) and exponent < -MAX_DIGITS):
            raise TooMuchWork("a decimal of thousands of digits is too much work")


def _double(_token: JsonValue, _context: JsonValue, value: JsonValue) -> JsonValue:
    """Promote a number to xs:double (signatures of `math:`): the power of an integer can have any size."""
    return float(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else value


def _collation(token: JsonValue, _context: JsonValue, value: JsonValue) -> JsonValue:
    if isinstance(value, str) and value not in _COLLATIONS:
        shown = value if len(value) <= 80 else f"{value[:79]}…"
        raise token.error("FOCH0002", f"unsupported collation {shown!r}; these are: {', '.join(sorted(_COLLATIONS))}")
    return value


def _picture(token: JsonValue, _context: JsonValue, value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        if len(value) > MAX_PICTURE or value.count("#") > MAX_OPTIONAL_DIGITS:
            raise TooMuchWork(
                f"a picture of more than {MAX_PICTURE} characters or {MAX_OPTIONAL_DIGITS} # is too much work"
            )
        if token.symbol.startswith(("format-date", "format-time")) and _WIDE.search(value):
            raise TooMuchWork("a picture with a width of thousands is too much work")
    return value


def _formatted_integer(token: JsonValue, context: JsonValue, value: JsonValue) -> JsonValue:
    if isinstance(value, int) and abs(value) > MAX_ROMAN and len(token) > 1:
        picture = token.get_argument(context, 1, cls=str)
        if isinstance(picture, str) and picture[:1] in ("I", "i"):
            raise TooMuchWork(f"a Roman numeral above {MAX_ROMAN} is too much work")
    return value


def _normalized(_token: JsonValue, _context: JsonValue, value: JsonValue) -> JsonValue:
    run = 0
    for character in value if isinstance(value, str) and not value.isascii() else "":
        run = run + 1 if unicodedata.combining(character) else 0
        if run > MAX_COMBINING:
            raise TooMuchWork(f"a run of more than {MAX_COMBINING} combining characters is too much work")
    return value


_MATH = ("exp", "exp10", "log", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan")
_WITH_COLLATION = {
    **dict.fromkeys(("collation-key", "distinct-values", "max", "min", "sort"), 1),
    **dict.fromkeys(("compare", "contains", "contains-token", "deep-equal", "ends-with", "index-of"), 2),
    **dict.fromkeys(("starts-with", "substring-after", "substring-before"), 2),
}
OPERANDS: Final[dict[str, dict[int, Operand]]] = {
    **{name: {0: _double} for name in _MATH},
    **{name: {0: _double, 1: _double} for name in ("pow", "atan2")},
    **{name: {place: _collation} for name, place in _WITH_COLLATION.items()},
    **{name: {1: _picture} for name in ("format-number", "format-date", "format-dateTime", "format-time")},
    "format-integer": {0: _formatted_integer, 1: _picture},
    "normalize-unicode": {0: _normalized},
}
"""The checks of a function's operands, by symbol and index."""


def _range(token: JsonValue, context: JsonValue, _budget: Budget) -> JsonValue:
    from elementpath.datatypes import Integer

    start, stop = token.get_operands(context, cls=Integer)
    if start is None or stop is None:
        return []
    if stop - start > MAX_RANGE:
        raise TooMuchWork(f"a range of more than {MAX_RANGE} numbers is too much work")
    return list(range(start, stop + 1))


def _joined(token: JsonValue, context: JsonValue, _budget: Budget) -> str:
    separator = token.get_argument(context, 1, required=True, cls=str) if len(token) > 1 else ""
    return separator.join(_within_size(_texts(token, context), len(separator)))


def _texts(token: JsonValue, context: JsonValue) -> JsonValue:
    """Yield the operands of `string-join`: any atomic values from 3.1 on, before only strings."""
    from elementpath.datatypes import AnyURI

    if token.parser.version >= "3.1":
        yield from map(token.string_value, token[0].select(context))
        return
    for place, item in enumerate(token[0].atomization(context)):
        yield token.validated_value(item, cls=str, promote=AnyURI, index=place)


def _concatenated(token: JsonValue, context: JsonValue, _budget: Budget) -> str:
    operands = (token.get_argument(context, index=place) for place in range(len(token)))
    return "".join(_within_size(map(token.string_value, operands), 0))


def _within_size(parts: JsonValue, extra: int) -> list[str]:
    found: list[str] = []
    size = 0
    for part in parts:
        size += len(part) + extra
        if size > MAX_TEXT:
            raise TooMuchWork(f"a text of more than {MAX_TEXT} characters is too much work")
        found.append(part)
    return found


def _rounded(token: JsonValue, context: JsonValue, _budget: Budget) -> JsonValue:
    """Round to any precision: F&O 3.1 §4.4.4 `round` and §4.4.5 `round-half-to-even`."""
    value = token.get_argument(context)
    if value is None:
        return []
    if isinstance(value, (bool, str)):
        raise token.error("XPTY0004", f"{token.symbol} takes a number")
    if not isinstance(value, (int, float, Decimal)):
        value = token.number_value(value)
    precision = token.get_argument(context, 1, default=0, cls=int) if len(token) > 1 else 0
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    # The exponent of NaN and infinities is a letter; numbers without digits there are already round.
    if not isinstance(exponent, int) or not number or exponent >= -precision:
        return value
    if number.adjusted() < -precision - 1:  # less than a twentieth of the unit
        return -0.0 if isinstance(value, float) and number < 0 else type(value)(0)
    halves = ROUND_HALF_UP if number > 0 else ROUND_HALF_DOWN
    rounding = halves if token.symbol == "round" else ROUND_HALF_EVEN
    unit = Decimal((0, (1,), -precision))
    return type(value)(number.quantize(unit, rounding=rounding, context=Context(prec=2 * MAX_DIGITS)))


OWN_FUNCTIONS: Final[dict[str, OwnFunction]] = {
    "concat": _concatenated,
    "round": _rounded,
    "round-half-to-even": _rounded,
    "string-join": _joined,
    "to": _range,
}
"""The functions and operators implemented here, by symbol, from XPath 2.0 on."""
