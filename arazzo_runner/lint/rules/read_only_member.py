"""A member of a payload that only answers have."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "read-only-member"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Yield members that the description marks readOnly (OpenAPI §Schema Object: they should not be sent)."""
    for each in program.payload_misfits:
        if each.keyword == "readOnly":
            message = f'step "{each.step.step_id}": {each.message}'
            hint = "leave it out; a server may refuse it, or ignore it"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=each.at, hint=hint)
