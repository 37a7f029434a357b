"""A retry that never happens, or goes on for longer than anybody waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.document.model import FailureAction
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "retry-limits"
SEVERITY = Severity.WARNING
GROUP = "flow"
DEFAULT = True

MOST_RETRIES: Final = 1000
LONGEST_WAIT: Final = 24 * 3600


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Look at every retry action: its limit, its wait, and both together."""
    most = program.option(CODE, "most-retries", MOST_RETRIES)
    longest = program.option(CODE, "longest-wait", LONGEST_WAIT)
    for action in program.actions:
        if isinstance(action, FailureAction) and action.type == "retry":
            for message, at, hint in _doubts(action, most, longest):
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _doubts(action: FailureAction, most: int, longest: int) -> Iterator[tuple[str, Location, str]]:
    limit = 1 if action.retry_limit is None else action.retry_limit
    wait = action.retry_after or 0.0
    at_limit = action.at.child("retryLimit")
    if limit == 0:
        yield f'action "{action.name}" never retries: its retryLimit is 0', at_limit, "write 1 or more"
    elif limit > most:
        hint = f"a limit above {most} is hardly meant; write a smaller one"
        yield f'action "{action.name}" retries {limit} times', at_limit, hint
    elif wait > longest:
        message = f'action "{action.name}" waits {wait:g} seconds before a retry'
        yield message, action.at.child("retryAfter"), "retryAfter counts seconds, not milliseconds"
    elif wait * limit > longest:
        message = f'action "{action.name}" may wait {wait * limit:g} seconds in all ({limit} times {wait:g})'
        yield message, at_limit, "write a smaller limit or wait"
