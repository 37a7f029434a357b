"""An info without description."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "info-description"
SEVERITY = Severity.WARNING
GROUP = "style"
DEFAULT = False


def check(program: Inspection) -> Iterator[Diagnostic]:
    """The description is there and not empty."""
    info = program.description.info
    if not (info.description or "").strip():
        message, hint = "info has no description", "add description: and say what the document is for"
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=info.at, hint=hint)
