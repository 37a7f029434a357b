"""The expressions in criteria, and the location of an expression inside its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from arazzo_runner.base.json_values import JsonValue, resolve_pointer
from arazzo_runner.base.records import replace
from arazzo_runner.errors import Location
from arazzo_runner.expressions.nodes import (
    Access,
    ComponentReference,
    Condition,
    Expression,
    Keyword,
    Reference,
    SourceReference,
    operands_of,
)
from arazzo_runner.program.model import CompiledCriterion, SimpleCriterion
from arazzo_runner.program.values import criterion_references


def reads_only_status(criterion: CompiledCriterion) -> bool:
    """Return whether a simple condition reads nothing but `$statusCode`, as most do."""
    return isinstance(criterion, SimpleCriterion) and _names_only_status(criterion.text)


@lru_cache(maxsize=1024)
def _names_only_status(text: str) -> bool:
    return text.count("$") == text.count("$statusCode")


def criterion_expressions(criterion: CompiledCriterion) -> Iterable[Expression]:
    """Return the expressions of a criterion, with the property steps of conditions."""
    if isinstance(criterion, SimpleCriterion):
        return condition_expressions(criterion.condition)
    return criterion_references(criterion)


def condition_expressions(condition: Condition) -> Iterator[Expression]:
    """Yield the expressions of a condition: `$response.body.count` with its step, not only `$response.body`."""
    read = operand_expression(condition)
    if read is not None:
        yield read
        return
    for operand in operands_of(condition):
        yield from condition_expressions(operand)


def operand_expression(operand: Condition) -> Expression | None:
    """Return the expression that an operand is, with its property steps; None if it is none."""
    steps: list[str | int] = []
    while isinstance(operand, Access):
        steps.insert(0, operand.step)
        operand = operand.operand
    if not isinstance(operand, Reference):
        return None
    expression = operand.expression
    if not steps or isinstance(expression, (Keyword, SourceReference, ComponentReference)):
        return expression
    return replace(expression, path=(*expression.path, *steps))


def pinpoint(expression: Expression, at: Location, root: JsonValue) -> Location:
    """Return the location of an expression inside the text at a location; `root` is the document's value."""
    text = resolve_pointer(root, at.pointer)
    canonical = str(expression)
    offset = text.find(canonical) if isinstance(text, str) else -1
    return at if offset < 0 else at.within(offset, len(canonical))
