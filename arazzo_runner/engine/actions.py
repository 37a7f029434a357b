"""Before and after an attempt: whether a step may be tried, which action follows, how long to wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import assert_never

from arazzo_runner.base.settings import RESEND_UNKNOWN
from arazzo_runner.engine.effects import HttpResponse
from arazzo_runner.engine.state import Frame, Run
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.program.model import (
    CompiledAction,
    CompiledCriterion,
    CompiledStep,
    MessageCall,
    OperationCall,
    Unlinked,
    WorkflowCall,
)


def choose_action(
    actions: Sequence[CompiledAction],
    holds: Callable[[CompiledCriterion], bool],
    retries_used: Mapping[str, int],
) -> CompiledAction | None:
    """Return the first action whose criteria all hold; None means "use the default".

    Arazzo 1.1 §Failure Action Object: the first matching action wins, and a retry action
    gives way to the ones after it only once its retryLimit is used up.
    """
    for action in actions:
        used_up = action.type == "retry" and retries_used.get(action.name, 0) >= action.retry_limit
        if not used_up and all(map(holds, action.criteria)):
            return action
    return None


def not_ready(run: Run, frame: Frame, step: CompiledStep) -> Diagnostic | None:
    """Return why the step must not be tried now, None when it may."""
    done = {*frame.selection.given, *(result.step_id for result in frame.results)} if step.depends_on else set()
    for name in step.depends_on:
        if name not in done:
            return _failure("dependency-not-run", f'step "{name}", which this step depends on, has not run', step)
    for key, name in step.foreign_steps:
        finished_workflow = run.finished.get(key)
        passed = finished_workflow is not None and any(
            result.step_id == name and result.status in ("passed", "recovered") for result in finished_workflow.steps
        )
        if not passed:
            message = (
                f'step "{name}" of workflow "{key.workflow_id}", which this step depends on, has not run in this run'
            )
            return _failure("dependency-not-run", message, step)
    return _unknown_outcome(run, frame, step)


def _unknown_outcome(run: Run, frame: Frame, step: CompiledStep) -> Diagnostic | None:
    """Return a Diagnostic when an unsafe request of the step was sent whose outcome is unknown (semantics §5)."""
    if step.step_id not in frame.unknown_outcomes or run.options.resend_unknown:
        return None
    match step.call:
        case OperationCall(operation=operation):
            if operation.idempotent:
                return None
            message = f"the outcome of the {operation.method} request sent before is unknown; it is not sent again"
            hint = f"check the server, or allow it with {RESEND_UNKNOWN}"
            return _failure("outcome-unknown", message, step, hint)
        case MessageCall():
            message = "whether the message sent before was taken is unknown; it is not sent again"
            hint = f"check the receiver, or allow it with {RESEND_UNKNOWN}"
            return _failure("outcome-unknown", message, step, hint)
        case WorkflowCall() | Unlinked():
            return None
        case _:
            assert_never(step.call)


def _failure(code: str, message: str, step: CompiledStep, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, at=step.at, hint=hint)


def retry_after_seconds(response: object, now: float) -> float | None:
    """Return the seconds that a response asks to wait (Retry-After), None when it has no usable header.

    RFC 9110 §10.2.3: either delay-seconds or an HTTP-date; `now` is seconds since the epoch.
    """
    if not isinstance(response, HttpResponse):
        return None
    text = (response.header("retry-after") or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:12])
    moment = http_date(text)
    return None if moment is None else max(0.0, moment - now)


def http_date(text: str) -> float | None:
    """Return an HTTP-date as seconds since the epoch, None for a text that is none.

    A date of unknown zone (`-0000`) is in UTC: the zone of this machine must not matter.
    """
    from datetime import UTC
    from email.utils import parsedate_to_datetime  # lazily: email costs 10 ms at a cold start

    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None
