"""An info without summary."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "info-summary"
SEVERITY = Severity.WARNING
GROUP = "style"
DEFAULT = False


def check(program: Inspection) -> Iterator[Diagnostic]:
    """The summary is there and not empty."""
    info = program.description.info
    if not (info.summary or "").strip():
        message, hint = "info has no summary", "add summary: with one short sentence"
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=info.at, hint=hint)
