"""JSONPath as jq, as far as jq has it."""

from __future__ import annotations

import json
from typing import Final

from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.jsonpath_nodes import (
    AllOf,
    AnyOf,
    Compare,
    Constant,
    Exists,
    Filter,
    Index,
    Length,
    Name,
    Not,
    Operand,
    Path,
    Segment,
    Selector,
    Test,
    ValueOf,
    Wildcard,
)

MARK: Final = "\ue003"
"""Begins a text in a query in place of the value of an expression."""


class _Impossible(Exception):
    """A part of a query that jq does not have."""


def translated(text: str) -> str | None:
    """Return a query as a jq program that gives what it finds, one after the other; None where that is impossible.

    >>> translated("$.books[?@.price < 10].title")
    'member("books") | .[]? | select(less(or_null(member("price")); 10)) | member("title")'
    """
    from arazzo_runner.expressions.queries.jsonpath_parser import parse_jsonpath

    try:
        return _path(parse_jsonpath(text, goessner=False))
    except (ExpressionSyntaxError, _Impossible, RecursionError):
        return None


def _path(path: Path) -> str:
    return " | ".join(map(_segment, path.segments)) or "."


def _segment(segment: Segment) -> str:
    selectors = [_selector(each) for each in segment.selectors]
    written = selectors[0] if len(selectors) == 1 else f"({', '.join(f'({each})' for each in selectors)})"
    return f".. | {written}" if segment.descendant else written


def _selector(selector: Selector) -> str:
    if isinstance(selector, Name):
        return f"member({_text(selector.name)})"
    if isinstance(selector, Index):
        return f"item({selector.index})"
    if isinstance(selector, Wildcard):
        return ".[]?"
    if isinstance(selector, Filter):
        return f".[]? | select({_test(selector.test)})"
    raise _Impossible


def _test(test: Test) -> str:
    if isinstance(test, Exists) and not test.path.absolute:
        return f"([{_path(test.path)}] != [])"
    if isinstance(test, Compare) and test.rules == "rfc":
        return _compare(test)
    if isinstance(test, Not):
        return f"({_test(test.test)} | not)"
    if isinstance(test, (AllOf, AnyOf)):
        word = " and " if isinstance(test, AllOf) else " or "
        return f"({word.join(map(_test, test.tests))})"
    raise _Impossible


def _compare(test: Compare) -> str:
    left, right = _operand(test.left), _operand(test.right)
    return {
        "==": f"({left} == {right})",
        "!=": f"({left} != {right})",
        "<": f"less({left}; {right})",
        ">": f"less({right}; {left})",
        "<=": f"(less({left}; {right}) or {left} == {right})",
        ">=": f"(less({right}; {left}) or {left} == {right})",
    }[test.operator]


def _operand(operand: Operand) -> str:
    if isinstance(operand, Constant):
        return _text(operand.value)
    if isinstance(operand, ValueOf) and not operand.path.absolute:
        return f"or_null({_path(operand.path)})"
    if isinstance(operand, Length):
        return f"({_operand(operand.operand)} | length)"
    raise _Impossible


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=True).replace("'", "\\u0027")
