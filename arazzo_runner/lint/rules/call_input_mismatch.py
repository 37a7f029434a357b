"""A value passed to a workflow that does not fit the schema of its input."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.partial import misfits
from arazzo_runner.lint.analysis.schema_types import Found, lookup
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import WorkflowCall

CODE = "call-input-mismatch"
SEVERITY = Severity.WARNING
GROUP = "flow"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Check the parameters of every call of a workflow against the schema of its inputs."""
    for workflow, step in program.compiled_steps:
        calls = [(step.call.workflow, step.parameters)] if isinstance(step.call, WorkflowCall) else []
        actions = (*step.on_success, *step.on_failure)
        calls += [(action.workflow, action.parameters) for action in actions if action.workflow is not None]
        for key, parameters in calls:
            target = program.workflows.get(key)
            shape = program.forecast.inputs(target) if target is not None else None
            for parameter in parameters if shape is not None else ():
                found = lookup((shape,), (parameter.name,)) if shape is not None else None
                if not isinstance(found, Found) or found.shapes is None or len(found.shapes) != 1:
                    continue
                value = program.forecast.partial(parameter.value, workflow, step)
                for error in misfits(value, found.shapes[0])[:1]:
                    message = f'input "{parameter.name}" of workflow "{key.workflow_id}": {error.message}'
                    hint = "pass a value of that kind, or change the schema of the input"
                    at = parameter.at.child("value")
                    yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
