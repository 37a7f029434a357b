"""A step that no way through its workflow leads to."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "step-never-reached"
SEVERITY = Severity.WARNING
GROUP = "flow"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Yield the steps that are never visited, however their workflow goes."""
    for flow in program.flows:
        for index, step in enumerate(flow.workflow.steps):
            if index not in flow.reached:
                message = f'step "{step.step_id}" is never reached: every way before it ends or leads elsewhere'
                hint = f"lead to it with a goto and stepId: {step.step_id}, or give the action before it criteria"
                at = step.at.child("stepId")
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
