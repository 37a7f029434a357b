"""What an XPath 1.0 is made of (§2, §3), as records."""

from __future__ import annotations

from typing import TypeAlias

from arazzo_runner.base.records import record


@record(frozen=True, slots=True)
class Literal:
    """A number or a text."""

    value: float | str


@record(frozen=True, slots=True)
class Call:
    """A function's call."""

    name: str
    operands: tuple[Expression, ...]


@record(frozen=True, slots=True)
class Negative:
    """The number of an operand with its sign changed."""

    operand: Expression


@record(frozen=True, slots=True)
class Chain:
    """Operators of one precedence, from left to right."""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]


@record(frozen=True, slots=True)
class Union:
    """The nodes that any of several expressions selects."""

    parts: tuple[Expression, ...]


@record(frozen=True, slots=True)
class NodeTest:
    """What a step takes: nodes of a `kind` (`name`: of the axis' own kind) with a name, None for any."""

    kind: str
    prefix: str | None = None
    name: str | None = None


@record(frozen=True, slots=True)
class Step:
    """A step of a path."""

    axis: str
    test: NodeTest
    predicates: tuple[Expression, ...] = ()


@record(frozen=True, slots=True)
class Path:
    """Steps from what `start` selects, from the document if `absolute`, else from the context node."""

    start: Expression | None
    absolute: bool
    steps: tuple[Step, ...]


@record(frozen=True, slots=True)
class Filtered:
    """What of `subject`'s nodes the predicates leave."""

    subject: Expression
    predicates: tuple[Expression, ...]


Expression: TypeAlias = "Literal | Call | Negative | Chain | Union | Path | Filtered"
