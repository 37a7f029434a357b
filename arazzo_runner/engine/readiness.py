"""Whether a step may be tried now: what it depends on has run, and no request of unknown outcome is repeated."""

from __future__ import annotations

from arazzo_runner.engine.state import Frame, Run
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.program.model import CompiledStep, OperationCall


def not_ready(run: Run, frame: Frame, step: CompiledStep) -> Diagnostic | None:
    """Tell why the step must not be tried now, None when it may."""
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
    if step.step_id in frame.doubtful and isinstance(step.call, OperationCall):
        method = step.call.operation.method
        if not step.call.operation.idempotent and not run.options.resend_unknown:
            message = f"the outcome of the {method} request sent before is unknown; it is not sent again"
            return _failure(
                "outcome-unknown", message, step, hint="check the server, or allow it with --resend-unknown"
            )
    return None


def _failure(code: str, message: str, step: CompiledStep, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, at=step.at, hint=hint)
