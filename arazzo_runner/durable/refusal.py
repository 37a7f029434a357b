"""How this package says no: one Diagnostic, as an InvalidUsage."""

from __future__ import annotations

from arazzo_runner.diagnostics import Diagnostic, InvalidUsage, Location, Severity


def refusal(message: str, *, code: str, hint: str | None = None, file: str = "") -> InvalidUsage:
    """Return the exception that says what is wrong and what helps."""
    return InvalidUsage([Diagnostic(code=code, severity=Severity.ERROR, message=message, at=Location(file), hint=hint)])
