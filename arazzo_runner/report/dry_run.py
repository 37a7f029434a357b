"""The requests of a dry run, as text."""

from __future__ import annotations

from collections.abc import Iterable

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.results import RunResult, StepResult
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.exchange import request_details, request_line


def render_requests(result: RunResult) -> str:
    """Return every request that a run would send, in order, secrets masked; an empty line after each."""
    steps = [step for workflow in result.dependencies for step in workflow.steps]
    return "".join(_requests([*steps, *result.steps], result.secrets))


def _requests(steps: Iterable[StepResult], secrets: Secrets) -> Iterable[str]:
    for step in steps:
        if step.workflow is not None:
            yield from _requests(step.workflow.steps, secrets)
        for attempt in step.attempts:
            if attempt.request is None:
                continue
            details = [f"  {line}".rstrip() for line in request_details(attempt.request, secrets)]
            lines = [f"# {one_line(step.step_id)}", request_line(attempt.request, secrets), *details, ""]
            yield "\n".join(lines) + "\n"
