"""A step that does not say when it succeeds."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "no-success-criteria"
SEVERITY = Severity.WARNING
GROUP = "style"
DEFAULT = False


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Steps that call a workflow succeed when the workflow does."""
    for _, step in program.steps:
        if step.workflow_id is None and not step.success_criteria:
            message = f'step "{step.step_id}" does not say when it succeeds'
            at, hint = step.at.child("stepId"), "add successCriteria: with condition: $statusCode == 200"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
