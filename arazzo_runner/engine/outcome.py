"""The results of steps and workflows: the records made when one has ended or was stopped."""

from __future__ import annotations

from arazzo_runner.base.records import Record, replace
from arazzo_runner.engine.attempt import Tried
from arazzo_runner.engine.effects import NoResponse
from arazzo_runner.engine.outputs import Outputs, evaluated
from arazzo_runner.engine.results import Attempt, StepResult, StepStatus, WorkflowResult, WorkflowStatus
from arazzo_runner.engine.state import Frame, Run, Stop
from arazzo_runner.program.model import CompiledAction, CompiledStep


class End(Record):
    """How a workflow ends; `transferred` is the result of the workflow that a goto led to."""

    status: WorkflowStatus
    reason: str | None = None
    transferred: WorkflowResult | None = None


def step_result(
    step: CompiledStep,
    attempts: list[Attempt],
    tried: Tried,
    action: CompiledAction | None,
    nested: WorkflowResult | None,
    stop: Stop | None,
) -> StepResult:
    """Return the result of a visit of a step; `nested` is the result of the workflow it called last."""
    status: StepStatus = "failed"
    if tried.attempt.passed:
        status = "passed" if len(attempts) == 1 else "recovered"
    return StepResult(
        step_id=step.step_id,
        status=status,
        attempts=tuple(attempts),
        outputs=tried.outputs,
        missing_outputs=tried.missing,
        action=action.name if action is not None else None,
        workflow=nested,
        reason=None if status != "failed" else _why(tried, nested, stop),
        at=step.at,
    )


def _why(tried: Tried, nested: WorkflowResult | None, stop: Stop | None) -> str:
    """Return in one sentence why a step failed."""
    attempt = tried.attempt
    if stop is not None:
        return stop.reason
    if attempt.diagnostics and not tried.built:
        return attempt.diagnostics[0].message
    if isinstance(attempt.response, NoResponse):
        return attempt.response.message
    if attempt.message is not None and attempt.message.failure is not None:
        return attempt.message.failure.message
    if nested is not None and nested.status != "succeeded":
        return f'workflow "{nested.workflow_id}" {nested.status.replace("_", " ")}: {nested.reason}'
    failed = next((verdict for verdict in attempt.verdicts if not verdict.passed), None)
    return "" if failed is None else failed.reason or f"{failed.condition} does not hold"


def finished(run: Run, frame: Frame, end: End) -> WorkflowResult:
    """Return the result of a workflow that has ended or was stopped."""
    workflow = frame.workflow
    status = end.status
    if status in ("failed", "interrupted") and any(key.startswith(frame.prefix) for key in run.unknown):
        status = "in_doubt"  # a request of this workflow, or of one that it called
    made = evaluated(
        workflow.outputs, frame.scope(run), run.secrets, workflow.secret_outputs,
        owner=f'workflow "{workflow.workflow_id}"', at=workflow.at.child("outputs"),
    )  # fmt: skip
    if end.transferred is not None:  # which reports its own findings
        made = Outputs(dict(end.transferred.outputs), end.transferred.missing_outputs)
    is_whole = status == "succeeded" and frame.selection.last is None
    return WorkflowResult(
        workflow_id=workflow.workflow_id,
        status=status,
        inputs=frame.inputs,
        outputs=made.values,
        missing_outputs=made.missing,
        diagnostics=made.findings if is_whole else (),
        steps=_all_steps(frame, end, status),
        reason=None if status == "succeeded" else end.reason,
    )


def _all_steps(frame: Frame, end: End, status: WorkflowStatus) -> tuple[StepResult, ...]:
    """Return the visits in order (their failures recovered when the workflow succeeded), then the skipped steps."""
    visited = [
        replace(result, status="recovered") if status == "succeeded" and result.status == "failed" else result
        for result in frame.results
    ]
    if end.transferred is not None and visited:
        visited[-1] = replace(visited[-1], workflow=end.transferred)
    seen = {result.step_id for result in visited}
    overtaken = {result.step_id: result for result in frame.overtaken}
    skipped = (_skipped(step, overtaken.get(step.step_id)) for step in frame.workflow.steps if step.step_id not in seen)
    return (*visited, *skipped)


def _skipped(step: CompiledStep, overtaken: StepResult | None) -> StepResult:
    """Return the result of a step whose turn never came; with --parallel it may show requests that were sent."""
    if overtaken is None:
        return StepResult(step_id=step.step_id, status="skipped", at=step.at)
    reason = "ran at the same time as a step that ended the workflow; its outputs are not used"
    return replace(overtaken, status="skipped", reason=reason, outputs={}, missing_outputs=())
