"""A member of a payload that the request body must not have, or whose name is misspelt."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "unknown-payload-member"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Yield members that a closed schema does not name, and those that nearly have a name of an open one."""
    for each in program.payload_misfits:
        if each.keyword in ("additionalProperties", "near"):
            message = f'step "{each.step.step_id}": {each.message}'
            hint = each.hint or "remove it; the schema allows no other members"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=each.at, hint=hint)
