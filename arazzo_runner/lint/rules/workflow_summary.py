"""A workflow without summary."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "workflow-summary"
SEVERITY = Severity.WARNING
GROUP = "style"
DEFAULT = False


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Every workflow says what it is for."""
    for workflow in program.description.workflows:
        if not (workflow.summary or "").strip():
            message = f'workflow "{workflow.workflow_id}" has no summary'
            at, hint = workflow.at.child("workflowId"), "add summary: and say what it is for"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
