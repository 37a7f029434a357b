"""What an XPath 1.0 is made of (§2, §3), as records."""

from __future__ import annotations

from typing import TypeAlias

from arazzo_runner.base.records import Record


class Literal(Record):
    """A number or a text."""

    value: float | str


class Call(Record):
    """A function's call."""

    name: str
    operands: tuple[Expression, ...]


class Negative(Record):
    """The number of an operand with its sign changed."""

    operand: Expression


class Chain(Record):
    """Operators of one precedence, from left to right."""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]


class Union(Record):
    """The nodes that any of several expressions selects."""

    parts: tuple[Expression, ...]


class NodeTest(Record):
    """What a step takes: nodes of a `kind` (`name`: of the axis' own kind) with a name, None for any."""

    kind: str
    prefix: str | None = None
    name: str | None = None


class Step(Record):
    """A step of a path."""

    axis: str
    test: NodeTest
    predicates: tuple[Expression, ...] = ()


class Path(Record):
    """Steps from what `start` selects, from the document if `absolute`, else from the context node."""

    start: Expression | None
    absolute: bool
    steps: tuple[Step, ...]


class Filtered(Record):
    """What of `subject`'s nodes the predicates leave."""

    subject: Expression
    predicates: tuple[Expression, ...]


Expression: TypeAlias = "Literal | Call | Negative | Chain | Union | Path | Filtered"
