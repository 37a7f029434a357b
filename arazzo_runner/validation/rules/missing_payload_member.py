"""A member that the request body must have and the payload lacks."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.diagnostics import Diagnostic, Severity
from arazzo_runner.validation.inspection import Inspection

CODE = "missing-payload-member"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Yield every required member that no part of the payload, and no replacement, gives."""
    for each in program.payload_misfits:
        if each.keyword == "required":
            message = f'step "{each.step.step_id}": {each.message} in the request body'
            hint = "add it to the payload"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=each.at, hint=hint)
