"""What a dry run shows: each request and message that would be sent, and what would be waited for, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import HttpRequest
from arazzo_runner.engine.results import RunResult, StepResult
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.exchange import request_details, request_line


def render_requests(result: RunResult) -> str:
    """Return what a dry run would have sent, in order, secrets masked, an empty line after each."""
    steps = [step for workflow in result.dependencies for step in workflow.steps]
    return "".join(_steps([*steps, *result.steps], result.secrets))


def _steps(steps: Iterable[StepResult], secrets: Secrets) -> Iterator[str]:
    for step in steps:
        if step.workflow is not None:
            yield from _steps(step.workflow.steps, secrets)
        for attempt in step.attempts:
            if attempt.message is not None:
                from arazzo_runner.report.messages import rehearsed  # lazily: most documents have no messages

                yield rehearsed(step.step_id, attempt.message, secrets)
            if attempt.request is not None:
                yield _request(step.step_id, attempt.request, secrets)
        if step.repeats is not None:
            yield f"# {one_line(step.step_id)} {one_line(step.repeats)}\n\n"


def _request(step_id: str, request: HttpRequest, secrets: Secrets) -> str:
    details = [f"  {line}".rstrip() for line in request_details(request, secrets)]
    return "\n".join([f"# {one_line(step_id)}", request_line(request, secrets), *details, ""]) + "\n"
