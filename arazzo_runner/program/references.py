"""Which expressions a compiled value or condition holds: for dependencies, checks and taint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from arazzo_runner.expressions.nodes import Expression, StepReference, Template
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledAction,
    CompiledCriterion,
    ContextCriterion,
    ExpressionValue,
    Literal,
    ObjectValue,
    QueryCriterion,
    SelectorValue,
    SimpleCriterion,
    TemplateValue,
    Value,
)


def value_references(value: Value) -> Iterator[Expression]:
    """Yield every expression inside a value, in document order."""
    match value:
        case Literal():
            return
        case ExpressionValue():
            yield value.expression
        case TemplateValue():
            yield from template_references(value.template)
        case SelectorValue():
            yield value.context
            if isinstance(value.query, Template):
                yield from template_references(value.query)
        case ObjectValue():
            for name, item in value.members:
                if isinstance(name, Template):
                    yield from template_references(name)
                elif not isinstance(name, str):
                    yield name
                yield from value_references(item)
        case ArrayValue():
            for item in value.items:
                yield from value_references(item)
        case _:
            assert_never(value)


def template_references(template: Template) -> Iterator[Expression]:
    """Yield the expressions embedded in a template."""
    return (part for part in template.parts if not isinstance(part, str))


def criterion_references(criterion: CompiledCriterion) -> tuple[Expression, ...]:
    """Return the expressions of a criterion."""
    match criterion:
        case SimpleCriterion():
            return criterion.references
        case QueryCriterion(query=Template() as query):
            return criterion.context, *template_references(query)
        case QueryCriterion() | ContextCriterion():
            return (criterion.context,)
        case _:
            assert_never(criterion)


def action_references(action: CompiledAction) -> Iterator[Expression]:
    """Yield the expressions of an action's criteria and parameters."""
    for criterion in action.criteria:
        yield from criterion_references(criterion)
    for parameter in action.parameters:
        yield from value_references(parameter.value)


def steps_read(expressions: Iterable[Expression]) -> frozenset[str]:
    """Return the steps whose outputs are referred to (Arazzo 1.1 §Tool Behavior: implicit dependencies)."""
    return frozenset([expression.step_id for expression in expressions if isinstance(expression, StepReference)])
