"""The waits before a step is tried again: how long, because of what, and which are too long."""

from __future__ import annotations

from arazzo_runner.base.settings import MAX_RETRY_WAIT
from arazzo_runner.engine.actions import retry_after_seconds
from arazzo_runner.engine.attempt import Tried
from arazzo_runner.engine.results import Attempt, StepResult, Wait
from arazzo_runner.engine.state import Frame, Run
from arazzo_runner.program.model import CompiledAction, CompiledStep


def retry_wait(run: Run, action: CompiledAction, tried: Tried, retry: int) -> Wait:
    """Return the wait before a retry: as long as the server asks, else the action."""
    asked = retry_after_seconds(tried.attempt.response, run.now + tried.attempt.duration_ms / 1000)
    return Wait(
        seconds=action.retry_after if asked is None else asked,
        reason=f"retry {retry} of {action.retry_limit}",
        action=action.name,
        origin="retryAfter" if asked is None else "Retry-After",
        skipped=run.unwaited,
    )


def poll_wait(run: Run, frame: Frame, step_id: str, action: CompiledAction, tried: Tried) -> Wait:
    """Return the wait before an action goes back to its own step: as long as the server asks, else `poll_interval`."""
    asked = retry_after_seconds(tried.attempt.response, run.now)
    frame.polls[step_id] = frame.polls.get(step_id, 0) + 1
    return Wait(
        seconds=run.options.poll_interval if asked is None else asked,
        reason=f"poll {frame.polls[step_id]}",
        action=action.name,
        origin="poll_interval" if asked is None else "Retry-After",
        skipped=run.unwaited,
    )


def has_waited(attempt: Attempt) -> bool:
    """Return whether an attempt has waited for a message itself, so that its step may be tried again at once."""
    exchange = attempt.message
    if exchange is None or exchange.action != "receive":
        return False
    return exchange.failure is None or (exchange.failure.reason == "timeout" and attempt.duration_ms > 0)


def is_awaited(frame: Frame, step: CompiledStep) -> bool:
    """Return whether the message of a step that waits at a join point is still to come there (semantics §9)."""
    visit = last_visit(frame, step.step_id, step.waits_from)
    return visit is None or visit.step_id != step.step_id


def last_visit(frame: Frame, *step_ids: str | None) -> StepResult | None:
    """Return the last visit of any of some steps, None for none."""
    return next((visit for visit in reversed(frame.results) if visit.step_id in step_ids), None)


def too_long(run: Run, wait: Wait) -> str | None:
    """Return why a run does not wait so long, None if it does."""
    longest = run.options.max_retry_wait
    if wait.seconds <= longest:
        return None
    who = {
        "Retry-After": "the server asks to wait",
        "retryAfter": f'the action "{wait.action}" waits',
        "poll_interval": "polling waits",
    }[wait.origin]
    return f"{who} {wait.seconds:g} s, more than {longest:g} s ({MAX_RETRY_WAIT.key})"
