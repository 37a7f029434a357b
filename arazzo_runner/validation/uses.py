"""Where runtime expressions stand: each use with its place, its role and its step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from arazzo_runner.diagnostics import Location
from arazzo_runner.expressions.nodes import Expression, Template
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledAction,
    CompiledCriterion,
    CompiledStep,
    CompiledWorkflow,
    ExpressionValue,
    ObjectValue,
    SelectorValue,
    TemplateValue,
    Value,
)
from arazzo_runner.program.references import criterion_references, template_references

BEFORE = frozenset({"parameter", "payload", "replacement"})
"""The roles that are evaluated before the step sends anything."""


class Use(NamedTuple):
    """An expression where it stands.

    `role` is parameter, payload, replacement, criterion, output, action-criterion,
    action-parameter or workflow-output; `step` is None in a workflow's outputs.
    """

    expression: Expression
    at: Location
    role: str
    workflow: CompiledWorkflow
    step: CompiledStep | None


def workflow_uses(workflow: CompiledWorkflow) -> Iterator[Use]:
    """Yield every use in a workflow; what steps inherit from it is a use of each of them."""
    for step in workflow.steps:
        for expression, at, role in _step_uses(step):
            yield Use(expression, at, role, workflow, step)
    for _, value in workflow.outputs:
        for expression, at in placed(value, workflow.at):
            yield Use(expression, at, "workflow-output", workflow, None)


def placed(value: Value, at: Location) -> Iterator[tuple[Expression, Location]]:
    """Yield the expressions inside a value with the place of their text; `at` where none is known."""
    if isinstance(value, ExpressionValue):
        yield value.expression, value.at
    elif isinstance(value, TemplateValue):
        yield from ((each, value.at) for each in template_references(value.template))
    elif isinstance(value, SelectorValue):
        yield value.context, value.at.child("context")
        if isinstance(value.query, Template):
            yield from ((each, value.at.child("selector")) for each in template_references(value.query))
    elif isinstance(value, ObjectValue):
        for name, item in value.members:
            if isinstance(name, Template):
                yield from ((each, at) for each in template_references(name))
            elif not isinstance(name, str):
                yield name, at
            yield from placed(item, at)
    elif isinstance(value, ArrayValue):
        for item in value.items:
            yield from placed(item, at)


def _step_uses(step: CompiledStep) -> Iterator[tuple[Expression, Location, str]]:
    for parameter in step.parameters:
        yield from _in_role(placed(parameter.value, parameter.at), "parameter")
    if step.body is not None:
        if step.body.payload is not None:
            yield from _in_role(placed(step.body.payload, step.body.at), "payload")
        for replacement in step.body.replacements:
            yield from _in_role(placed(replacement.value, replacement.at), "replacement")
    yield from _in_role(_of_criteria(step.criteria), "criterion")
    for action in (*step.on_success, *step.on_failure):
        yield from _action_uses(action)
    for _, value in step.outputs:
        yield from _in_role(placed(value, step.at), "output")


def _action_uses(action: CompiledAction) -> Iterator[tuple[Expression, Location, str]]:
    yield from _in_role(_of_criteria(action.criteria), "action-criterion")
    for parameter in action.parameters:
        yield from _in_role(placed(parameter.value, parameter.at), "action-parameter")


def _of_criteria(criteria: Iterable[CompiledCriterion]) -> Iterator[tuple[Expression, Location]]:
    return ((expression, criterion.at) for criterion in criteria for expression in criterion_references(criterion))


def _in_role(found: Iterable[tuple[Expression, Location]], role: str) -> Iterator[tuple[Expression, Location, str]]:
    return ((expression, at, role) for expression, at in found)
