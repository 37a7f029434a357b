"""References: `$sourceDescriptions.…` in a document's texts, and the expressions inside compiled values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final, assert_never

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

_QUALIFIER: Final = "$sourceDescriptions."


def source_reference(text: str, sources: Collection[str]) -> tuple[str, str] | None:
    """Return (source, reference) of a text `$sourceDescriptions.<source>.<reference>`; None for any other text.

    `sources` are the declared names, which may hold full stops: the longest that fits is taken. When
    none does, the source is what precedes the first full stop.

    >>> source_reference("$sourceDescriptions.pets.v2.getPet", ["pets", "pets.v2"])
    ('pets.v2', 'getPet')
    >>> source_reference("$sourceDescriptions.petz.getPet", ["pets"]), source_reference("getPet", ["pets"])
    (('petz', 'getPet'), None)
    """
    if not text.startswith(_QUALIFIER):
        return None
    rest = text[len(_QUALIFIER) :]
    declared = max((name for name in sources if rest.startswith(name + ".")), key=len, default=None)
    if declared is not None:
        return declared, rest[len(declared) + 1 :]
    source, _, reference = rest.partition(".")
    return source, reference


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
    """Return the steps that expressions refer to: implicit dependencies (Arazzo 1.1 §Tool Behavior)."""
    return frozenset([expression.step_id for expression in expressions if isinstance(expression, StepReference)])
