"""Waits as text, in the same words everywhere: `waiting 2 s (retry 1 of 5, try again)`."""

from __future__ import annotations

from arazzo_runner.engine.results import PollScheduled, RetryScheduled, Wait
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.terminal.console import duration


def wait_text(wait: Wait, left: float | None = None) -> str:
    """Return a wait as text; `left` are the seconds that are left of it, None at its beginning."""
    facts = [wait.reason, one_line(wait.action)]
    if wait.origin == "Retry-After":
        facts.append("Retry-After")
    if wait.skipped is not None:
        return f"{_seconds(wait.seconds)} not waited ({wait.skipped}; {', '.join(facts)})"
    return f"waiting {_seconds(wait.seconds if left is None else left)} ({', '.join(facts)})"


def scheduled_text(event: RetryScheduled | PollScheduled, elapsed: float = 0.0) -> str:
    """Return what follows an attempt: a wait, or what is tried again at once or, after `elapsed`, by now."""
    wait = event.wait
    if wait is not None and (wait.skipped is not None or elapsed < wait.seconds):
        return wait_text(wait, wait.seconds - elapsed if elapsed else None)
    if isinstance(event, RetryScheduled):
        return f"retry {event.retry} of {event.limit} ({one_line(event.action)})"
    return f"{event.wait.reason} ({one_line(event.wait.action)})"


def _seconds(seconds: float) -> str:
    return duration(seconds * 1000).replace(".0 s", " s")
