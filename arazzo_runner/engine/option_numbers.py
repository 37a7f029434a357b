"""The numbers of RunOptions: what no clock, socket or loop could take is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from arazzo_runner.engine.options import RunOptions
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity

MOST_SECONDS: Final = 1e9
"""About 31 years; the clocks of operating systems end at some more."""
_POSITIVE: Final = ("timeout", "run_timeout", "criterion_timeout")
_SECONDS: Final = (*_POSITIVE, "max_retry_wait", "poll_interval")
_COUNTS: Final = ("max_steps", "max_depth", "parallel", "max_response_size")
_MAY_BE_NONE: Final = ("run_timeout", "max_steps")


def check_numbers(options: RunOptions) -> None:
    """Raise InvalidUsage with every number that cannot be meant."""
    faults = [*_seconds(options), *_counts(options)]
    if faults:
        raise InvalidUsage(
            [Diagnostic(code="usage", severity=Severity.ERROR, message=each, at=Location("")) for each in faults]
        )


def _seconds(options: RunOptions) -> Iterator[str]:
    for name in _SECONDS:
        value: Any = getattr(options, name)
        if value is None and name in _MAY_BE_NONE:
            continue
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= MOST_SECONDS or (value == 0 and name in _POSITIVE):
            yield f"{name} is a number of seconds, at most {MOST_SECONDS:,.0f}, not {_shown(value)}"


def _counts(options: RunOptions) -> Iterator[str]:
    for name in _COUNTS:
        value: Any = getattr(options, name)
        if value is None and name in _MAY_BE_NONE:
            continue
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or value < 1:
            yield f"{name} is a whole number, 1 or more, not {_shown(value)}"


def _shown(value: Any) -> str:
    try:
        return repr(value)[:40]
    except ValueError:  # CPython's limit of the digits of an integer
        return "a number of thousands of digits"
