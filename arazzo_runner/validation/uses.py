"""Where runtime expressions stand: each use with its place, its role and its step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.diagnostics import Location
from arazzo_runner.expressions.nodes import Expression, Template
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledCriterion,
    CompiledStep,
    CompiledWorkflow,
    ExpressionValue,
    Literal,
    ObjectValue,
    SelectorValue,
    TemplateValue,
    Value,
)
from arazzo_runner.program.references import criterion_references, template_references
from arazzo_runner.records import record

BEFORE = frozenset({"parameter", "payload", "replacement"})
"""The roles that are evaluated before the step sends anything."""


@record(frozen=True, slots=True)
class Use:
    """An expression where it stands.

    `role` is parameter, payload, replacement, criterion, output, action-criterion,
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
        _Uses(workflow, step, found).take()
    outputs = _Uses(workflow, None, found)
    for _, value in workflow.outputs:
        outputs.of_value(value, workflow.at, "workflow-output")
    return found


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


class _Uses:
    """Collects the uses of one step."""

    def __init__(self, workflow: CompiledWorkflow, step: CompiledStep | None, found: list[Use]) -> None:
        self._workflow = workflow
        self._step = step
        self._found = found

    def take(self) -> None:
        step = self._step
        if step is None:
            return
        for parameter in step.parameters:
            self.of_value(parameter.value, parameter.at, "parameter")
        if step.body is not None:
            if step.body.payload is not None:
                self.of_value(step.body.payload, step.body.at, "payload")
            for replacement in step.body.replacements:
                self.of_value(replacement.value, replacement.at, "replacement")
        self._of_criteria(step.criteria, "criterion")
        for action in (*step.on_success, *step.on_failure):
            self._of_criteria(action.criteria, "action-criterion")
            for parameter in action.parameters:
                self.of_value(parameter.value, parameter.at, "action-parameter")
        for _, value in step.outputs:
            self.of_value(value, step.at, "output")

    def of_value(self, value: Value, at: Location, role: str) -> None:
        if isinstance(value, ExpressionValue):
            self._found.append(Use(value.expression, value.at, role, self._workflow, self._step))
        elif not isinstance(value, Literal):
            for expression, place in placed(value, at):
                self._found.append(Use(expression, place, role, self._workflow, self._step))

    def _of_criteria(self, criteria: Iterable[CompiledCriterion], role: str) -> None:
        for criterion in criteria:
            for expression in criterion_references(criterion):
                self._found.append(Use(expression, criterion.at, role, self._workflow, self._step))
