"""A member that the request body must have and the payload lacks."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "missing-payload-member"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Yield the required members that no part of the payload or replacement gives; those of one object together."""
    lacking: dict[tuple[str, Location, str], list[str]] = {}
    for each in program.payload_misfits:
        if each.keyword == "required":
            what = each.message.partition(" lacks ")[0]
            lacking.setdefault((each.step.step_id, each.at, what), []).append(each.name)
    for (step_id, at, what), names in lacking.items():
        listed = ", ".join(f'"{name}"' for name in names)
        message = f'step "{step_id}": {what} lacks {listed}, which the request body requires'
        hint = f"add {'it' if len(names) == 1 else 'them'} to the payload"
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
