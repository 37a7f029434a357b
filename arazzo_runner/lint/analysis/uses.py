"""The uses of runtime expressions: location, role and step; the expressions of criteria; where one is in its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from arazzo_runner.base.records import Record, replace
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
from arazzo_runner.program.model import (
    CompiledCriterion,
    CompiledStep,
    CompiledWorkflow,
    ExpressionValue,
    Literal,
    MessageCall,
    SimpleCriterion,
    Value,
)
from arazzo_runner.program.values import criterion_references, placed, placed_in_criterion

BEFORE = frozenset({"parameter", "payload", "replacement", "correlationId"})
"""The roles that are evaluated before the request or message is sent, or a message comes."""


class Use(Record):
    """An expression with its location.

    `role` is parameter, payload, replacement, correlationId, criterion, output, action-criterion,
    action-parameter or workflow-output; `step` is None in a workflow's outputs.
    """

    expression: Expression
    at: Location
    role: str
    workflow: CompiledWorkflow
    step: CompiledStep | None


def workflow_uses(workflow: CompiledWorkflow) -> list[Use]:
    """Return every use in a workflow; what steps inherit from it is a use of each of them."""
    found: list[Use] = []
    for step in workflow.steps:
        _of_step(workflow, step, found)
    for _, value in workflow.outputs:
        _of_value(value, workflow.at, "workflow-output", workflow, None, found)
    return found


def sent(step: CompiledStep) -> list[tuple[Expression, Location, str]]:
    """Return the expressions evaluated before a step sends its request, with location and role (of `BEFORE`)."""
    found: list[tuple[Expression, Location, str]] = []
    for value, at, role in _sent_values(step):
        if isinstance(value, ExpressionValue):
            found.append((value.expression, value.at, role))
        elif not isinstance(value, Literal):
            found += [(expression, place, role) for expression, place in placed(value, at)]
    return found


def _sent_values(step: CompiledStep) -> list[tuple[Value, Location, str]]:
    values: list[tuple[Value, Location, str]] = [(each.value, each.at, "parameter") for each in step.parameters]
    if step.body is not None:
        if step.body.payload is not None:
            values.append((step.body.payload, step.body.at, "payload"))
        values += [(each.value, each.at, "replacement") for each in step.body.replacements]
    if isinstance(step.call, MessageCall) and step.call.correlation is not None:
        values.append((step.call.correlation, step.at.child("correlationId"), "correlationId"))
    return values


def _of_step(workflow: CompiledWorkflow, step: CompiledStep, found: list[Use]) -> None:
    for value, at, role in _sent_values(step):
        _of_value(value, at, role, workflow, step, found)
    _of_criteria(step.criteria, "criterion", workflow, step, found)
    for actions in (step.on_success, step.on_failure):
        for action in actions:
            _of_criteria(action.criteria, "action-criterion", workflow, step, found)
            for parameter in action.parameters:
                _of_value(parameter.value, parameter.at, "action-parameter", workflow, step, found)
    for _, value in step.outputs:
        _of_value(value, step.at, "output", workflow, step, found)


def _of_value(
    value: Value, at: Location, role: str, workflow: CompiledWorkflow, step: CompiledStep | None, found: list[Use]
) -> None:
    if isinstance(value, ExpressionValue):
        found.append(Use(value.expression, value.at, role, workflow, step))
    elif not isinstance(value, Literal):
        found += [Use(expression, place, role, workflow, step) for expression, place in placed(value, at)]


def _of_criteria(
    criteria: Iterable[CompiledCriterion],
    role: str,
    workflow: CompiledWorkflow,
    step: CompiledStep,
    found: list[Use],
) -> None:
    for criterion in criteria:
        found += [Use(expression, at, role, workflow, step) for expression, at in placed_in_criterion(criterion)]


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
