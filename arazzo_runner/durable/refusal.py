"""How this package says no: one Diagnostic, as an InvalidUsage."""

from __future__ import annotations

from arazzo_runner.diagnostics import Diagnostic, InvalidUsage, Location, Severity


def refusal(message: str, *, code: str, hint: str | None = None, file: str = "") -> InvalidUsage:
    """Return the exception that says what is wrong and what helps."""
    return InvalidUsage([Diagnostic(code=code, severity=Severity.ERROR, message=message, at=Location(file), hint=hint)])


def unreachable(store: str, problem: Exception) -> InvalidUsage:
    """Return the exception that says that a store cannot be reached, and why."""
    reason = str(getattr(problem, "orig", None) or problem).strip().partition("\n")[0]
    hint = "see --store and ARAZZO_STORE"
    return refusal(f"the store {store} cannot be reached: {reason}", code="invalid-store", hint=hint)
