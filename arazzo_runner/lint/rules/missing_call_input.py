"""A required input that a call of a workflow does not pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.lint.analysis.schema_types import Found, Shape, expanded, lookup, required_names
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import CompiledWorkflow, WorkflowCall, WorkflowKey
from arazzo_runner.program.schemas import input_names

CODE = "missing-call-input"
SEVERITY = Severity.ERROR
GROUP = "flow"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Look at every step that calls a workflow, and at every action that leads to one."""
    for workflow, step in program.compiled_steps:
        if isinstance(step.call, WorkflowCall):
            given = {each.name for each in step.parameters}
            for name in _lacking(program, step.call.workflow, given):
                at = step.at.child("workflowId")
                yield _finding(step.call.workflow.workflow_id, name, at, SEVERITY)
        for action in (*step.on_success, *step.on_failure):
            if action.workflow is not None:
                given = {each.name for each in action.parameters} | _own_inputs(program, workflow)
                for name in _lacking(program, action.workflow, given):
                    at = action.at.child("workflowId")
                    yield _finding(action.workflow.workflow_id, name, at, Severity.WARNING)


def _finding(workflow_id: str, name: str, at: Location, severity: Severity) -> Diagnostic:
    message = f'workflow "{workflow_id}" requires the input "{name}", which this call does not pass'
    hint = f"add a parameter with name: {name}"
    return Diagnostic(code=CODE, severity=severity, message=message, at=at, hint=hint)


def _lacking(program: Inspection, key: WorkflowKey, given: Iterable[str]) -> list[str]:
    """Return the required inputs of a workflow that are neither given nor have a default."""
    target = program.workflows.get(key)
    shape = program.forecast.inputs(target) if target is not None else None
    if shape is None:
        return []
    return [name for name in sorted(required_names(shape) - set(given)) if not _has_default(shape, name)]


def _has_default(shape: Shape, name: str) -> bool:
    found = lookup((shape,), (name,))
    shapes = found.shapes if isinstance(found, Found) else None
    parts = (part.schema for each in shapes or () for part in expanded(each))
    return any(isinstance(schema, dict) and "default" in schema for schema in parts)


def _own_inputs(program: Inspection, workflow: CompiledWorkflow) -> frozenset[str]:
    """Return the inputs that an action's workflow inherits by name (semantics §5)."""
    return input_names(workflow.inputs, workflow.document.raw) or frozenset()
