"""A workflow without description."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "workflow-description"
SEVERITY = Severity.WARNING
GROUP = "style"
DEFAULT = False


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Every workflow says what it is for."""
    for workflow in program.description.workflows:
        if not (workflow.description or "").strip():
            message = f'workflow "{workflow.workflow_id}" has no description'
            at, hint = workflow.at.child("workflowId"), "add description: and say what it is for"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
