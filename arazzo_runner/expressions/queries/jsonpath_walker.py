"""Evaluates a JSONPath query on a JSON value (RFC 9535 §2), with comparisons (§2.3.5.2.2).

Every step is counted, so that `$..*..*` and unions that multiply end, and values may be nested
deeper than Python's stack. Goessner's filters compare as ECMAScript does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias, assert_never

from arazzo_runner.base.json_values import MISSING, JsonValue, is_number, to_number
from arazzo_runner.expressions.queries.budget import Budget
from arazzo_runner.expressions.queries.jsonpath_nodes import (
    AllOf,
    AnyOf,
    Compare,
    Constant,
    Count,
    Exists,
    Filter,
    Index,
    Length,
    Matches,
    Name,
    Not,
    Operand,
    Path,
    ScriptLength,
    Segment,
    Selector,
    Slice,
    Test,
    Truthy,
    ValueOf,
    Wildcard,
)
from arazzo_runner.expressions.queries.regex import iregexp_matches

Node: TypeAlias = tuple[JsonValue, "list[JsonValue] | dict[str, JsonValue] | None", "str | int | None"]
"""A value, its parent, and its name or index there (None for the root)."""


_ORDER: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


class Walker:
    """One evaluation of a query over `root`.

    `count_is_length`: `count()` of a single array node is its length, for the second try of a
    filter on an object root (semantics §4).
    """

    __slots__ = ("budget", "count_is_length", "root")

    def __init__(self, root: JsonValue, budget: Budget, *, count_is_length: bool = False) -> None:
        self.root = root
        self.budget = budget
        self.count_is_length = count_is_length

    def nodes(self, path: Path, current: JsonValue = MISSING) -> list[Node]:
        """Return the nodes that `path` selects, in the order of the RFC."""
        found: list[Node] = [(self.root if path.absolute else current, None, None)]
        for segment in path.segments:
            found = self._segment(segment, found)
        return found

    def holds(self, test: Test, current: JsonValue = MISSING) -> bool:
        """Return whether a filter expression is true for `current` (RFC 9535 §2.3.5)."""
        self.budget.spend()
        match test:
            case Compare():
                return self._compare(test, current)
            case Exists():
                return bool(self.nodes(test.path, current))
            case AllOf():
                return all(self.holds(part, current) for part in test.tests)
            case AnyOf():
                return any(self.holds(part, current) for part in test.tests)
            case Not():
                return not self.holds(test.test, current)
            case Truthy():
                return is_script_true(self._value(test.operand, current))
            case Matches():
                return self._matches(test, current)
            case _:
                assert_never(test)

    # -------------------------------------------------------------- nodes

    def _segment(self, segment: Segment, nodes: list[Node]) -> list[Node]:
        found: list[Node] = []
        for node in nodes:
            for value in self._descendants(node[0]) if segment.descendant else (node[0],):
                for selector in segment.selectors:
                    self.budget.spend()
                    found.extend(self._select(selector, value))
        return found

    def _descendants(self, value: JsonValue) -> Iterator[JsonValue]:
        """Yield the value and its descendants, parents first (RFC 9535 §2.5.2.2)."""
        stack = [value]
        while stack:
            self.budget.spend()
            value = stack.pop()
            yield value
            if isinstance(value, dict):
                stack.extend(reversed(value.values()))
            elif isinstance(value, list):
                stack.extend(reversed(value))

    def _select(self, selector: Selector, value: JsonValue) -> Iterable[Node]:
        if isinstance(selector, Name):
            if isinstance(value, dict) and selector.name in value:
                return ((value[selector.name], value, selector.name),)
            return ()
        if isinstance(selector, Wildcard):
            return self._children(value)
        if isinstance(selector, Filter):
            return (node for node in self._children(value) if self.holds(selector.test, node[0]))
        return self._items(selector, value) if isinstance(value, list) else ()

    def _items(self, selector: Index | Slice, value: list[JsonValue]) -> Iterator[Node]:
        if isinstance(selector, Index):
            place = selector.index + (len(value) if selector.index < 0 else 0)
            if 0 <= place < len(value):
                yield value[place], value, place
        elif selector.step != 0:
            for place in range(*slice(selector.start, selector.stop, selector.step).indices(len(value))):
                self.budget.spend()
                yield value[place], value, place

    def _children(self, value: JsonValue) -> Iterator[Node]:
        if isinstance(value, dict):
            for name, member in value.items():
                self.budget.spend()
                yield member, value, name
        elif isinstance(value, list):
            for place, item in enumerate(value):
                self.budget.spend()
                yield item, value, place

    # -------------------------------------------------------------- values

    def _value(self, operand: Operand, current: JsonValue) -> JsonValue:
        """Return the value of an operand; MISSING is the RFC's special result Nothing."""
        if isinstance(operand, Constant):
            return operand.value
        if isinstance(operand, ValueOf):
            return self._only(self.nodes(operand.path, current))
        if isinstance(operand, Count):
            return self._count(self.nodes(operand.path, current))
        if isinstance(operand, ScriptLength):
            value = self._only(self.nodes(operand.path, current))
            if isinstance(value, dict):
                return value.get("length", MISSING)
            return len(value) if isinstance(value, (str, list)) else MISSING
        assert isinstance(operand, Length)
        value = self._value(operand.operand, current)
        return len(value) if isinstance(value, (str, list, dict)) else MISSING

    def _only(self, nodes: list[Node]) -> JsonValue:
        return nodes[0][0] if len(nodes) == 1 else MISSING

    def _count(self, nodes: list[Node]) -> int:
        if self.count_is_length and len(nodes) == 1 and isinstance(nodes[0][0], list):
            return len(nodes[0][0])
        return len(nodes)

    def _compare(self, test: Compare, current: JsonValue) -> bool:
        left, right = self._value(test.left, current), self._value(test.right, current)
        if test.rules == "script":
            return script_compare(left, test.operator, right, self.budget)
        if test.rules == "absent-is-null":
            left, right = (None if value is MISSING else value for value in (left, right))
        if test.operator == "==":
            return equal(left, right, self.budget)
        if test.operator == "!=":
            return not equal(left, right, self.budget)
        return compare(left, test.operator, right, self.budget)

    def _matches(self, test: Matches, current: JsonValue) -> bool:
        text, pattern = self._value(test.text, current), self._value(test.pattern, current)
        if not isinstance(text, str) or not isinstance(pattern, str):
            return False  # RFC 9535 §2.4.6: anything but two strings is LogicalFalse
        self.budget.spend(10 + len(pattern) + len(text) // 16)
        return iregexp_matches(pattern, text, test.whole, self.budget)


def equal(left: JsonValue, right: JsonValue, budget: Budget) -> bool:
    """Return whether two values are equal; MISSING equals only MISSING, true is not 1.

    A loop, not recursion: responses may be nested deeper than Python's stack.
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
    """Return whether `left < right` etc.: numbers and strings are ordered, `<=` includes equality."""
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
    """Return whether a value is true in ECMAScript: all but undefined, null, false, 0 and ""."""
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
