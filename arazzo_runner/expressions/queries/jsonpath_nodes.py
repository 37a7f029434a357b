"""The nodes of a JSONPath query, by RFC 9535 or by Goessner's draft."""

from __future__ import annotations

from typing import Literal as OneOf, TypeAlias, assert_never

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record

# ------------------------------------------------------------------ paths


class Name(Record):
    """`'name'`: the member of that name (RFC 9535 §2.3.1)."""

    name: str


class Index(Record):
    """`0`, `-1`: the item at that place (§2.3.3)."""

    index: int


class Slice(Record):
    """`start:stop:step` (§2.3.4); a step of 0 selects nothing."""

    start: int | None
    stop: int | None
    step: int | None


class Wildcard(Record):
    """`*`: every member or item (§2.3.2)."""


class Filter(Record):
    """`?expression`: every member or item for which it is true (§2.3.5)."""

    test: Test


Selector: TypeAlias = Name | Index | Slice | Wildcard | Filter


class Segment(Record):
    """`[selectors]`, or `..[selectors]` with `descendant` (§2.5)."""

    selectors: tuple[Selector, ...]
    descendant: bool = False


class Path(Record):
    """A query: `$…`, or `@…` inside a filter when not `absolute`."""

    segments: tuple[Segment, ...]
    absolute: bool = True

    @property
    def singular(self) -> bool:
        """Whether it selects one node at most (§2.3.5.1)."""
        return all(
            not segment.descendant and len(segment.selectors) == 1 and isinstance(segment.selectors[0], (Name, Index))
            for segment in self.segments
        )


# ------------------------------------------------------------------ filter expressions


class Constant(Record):
    """A literal."""

    value: JsonValue


class ValueOf(Record):
    """The value of the only node a path selects, else Nothing; also the function `value()` (§2.4.8)."""

    path: Path


class Length(Record):
    """`length(operand)`: of a string, array or object (§2.4.4)."""

    operand: Operand


class Count(Record):
    """`count(path)`: how many nodes (§2.4.5)."""

    path: Path


class ScriptLength(Record):
    """`path.length` as ECMAScript reads it: a member of that name, else the length of an array or string."""

    path: Path


Operator: TypeAlias = OneOf["==", "!=", "<", "<=", ">", ">="]

Rules: TypeAlias = OneOf["rfc", "absent-is-null", "script"]

Operand: TypeAlias = Constant | ValueOf | Length | Count | ScriptLength


class Exists(Record):
    """A path as a test: it selects at least one node."""

    path: Path


class Truthy(Record):
    """An operand as a test in ECMAScript's sense (Goessner's filters)."""

    operand: Operand


class Matches(Record):
    """`match(text, pattern)`, or `search` when not `whole` (§2.4.6, §2.4.7)."""

    text: Operand
    pattern: Operand
    whole: bool


class Compare(Record):
    """`left operator right` (§2.3.5.2.2).

    `rules`: `rfc` of RFC 9535; `absent-is-null` the same, but a missing value is null;
    `script` as ECMAScript's `==` and `<` compare.
    """

    left: Operand
    operator: Operator
    right: Operand
    rules: Rules = "rfc"


class Not(Record):
    """`!test`."""

    test: Test


class AllOf(Record):
    """`test && test && …`."""

    tests: tuple[Test, ...]


class AnyOf(Record):
    """`test || test || …`."""

    tests: tuple[Test, ...]


Test: TypeAlias = Exists | Truthy | Matches | Compare | Not | AllOf | AnyOf


def operands(test: Test) -> tuple[Operand, ...]:
    """Return every operand of a test, those of its parts included."""
    match test:
        case Exists():
            return (ValueOf(test.path),)
        case Truthy():
            return (test.operand,)
        case Matches():
            return test.text, test.pattern
        case Compare():
            return test.left, test.right
        case Not():
            return operands(test.test)
        case AllOf() | AnyOf():
            return tuple(operand for part in test.tests for operand in operands(part))
        case _:
            assert_never(test)


def operand_path(operand: Operand) -> Path | None:
    """Return the path an operand reads, None for a literal."""
    if isinstance(operand, Constant):
        return None
    return operand_path(operand.operand) if isinstance(operand, Length) else operand.path


def root_filter(path: Path) -> Test | None:
    """Return the test of `$[?test]`, None for every other query."""
    if len(path.segments) != 1 or path.segments[0].descendant or len(path.segments[0].selectors) != 1:
        return None
    selector = path.segments[0].selectors[0]
    return selector.test if isinstance(selector, Filter) else None
