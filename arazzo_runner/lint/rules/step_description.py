"""A step without description."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "step-description"
SEVERITY = Severity.WARNING
GROUP = "style"
DEFAULT = False


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Every step says what it is for."""
    for _, step in program.steps:
        if not (step.description or "").strip():
            message = f'step "{step.step_id}" has no description'
            at, hint = step.at.child("stepId"), "add description: and say what the step is for"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
