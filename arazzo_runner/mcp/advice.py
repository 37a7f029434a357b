"""What an agent can do about a run that did not succeed, in one or two sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from arazzo_runner.engine.effects import HttpResponse, NoResponse
from arazzo_runner.engine.results import Attempt, RunResult, StepResult
from arazzo_runner.sources.operation import SAFE_METHODS

_IN_DOUBT: Final = (
    "It is unknown whether the server acted on the last request. Do not call the tool again before somebody has found "
    "out on the server whether it did: calling it again would send the request a second time."
)
_FAULT: Final = "The server failed: it may work later."
_STATUSES: Final = {
    400: "The server refused what was sent: compare the arguments with what the response says, and call again.",
    401: "The credentials of this server are missing or refused. They are not arguments of the tool: ask the person "
    "who runs this server to set or renew them.",
    403: "The credentials of this server may not do this. Ask the person who runs it; other arguments do not help, "
    "unless they name something that belongs to somebody else.",
    404: "What the request names does not exist: check the ids among the arguments.",
    409: "It conflicts with what is on the server: look at its state before calling again.",
    422: "The server refused a value: compare the arguments with what the response says, and call again.",
    429: "The server asks for fewer requests: wait before calling again.",
}


def advice_for(result: RunResult, step: StepResult | None) -> str:
    """Return what to do about a run that did not succeed."""
    if result.status == "in_doubt":
        return _IN_DOUBT
    if result.status == "interrupted":
        return f"The run was interrupted; no request is in doubt. {_changed(result)}".strip()
    attempt = step.attempts[-1] if step is not None and step.attempts else None
    changed = _changed(result)
    known = _about(None if attempt is None else attempt.response)
    if known or changed:
        return " ".join(filter(None, (known, changed)))
    return "Nothing was changed on a server: with other arguments the tool can be called again."


def _about(response: HttpResponse | NoResponse | None) -> str:
    """Return what the last response, or that there is none, asks for."""
    if isinstance(response, NoResponse):
        return _unanswered(response)
    if isinstance(response, HttpResponse) and response.status >= 400:
        return _STATUSES.get(response.status, _FAULT if response.status >= 500 else "")
    return ""


def _unanswered(response: NoResponse) -> str:
    if response.reason == "forbidden":
        return (
            "This server does not send the request: ask the person who runs it, or who was asked, what to do instead."
        )
    if response.reason == "credentials":
        return "A credential could not be obtained: ask the person who runs this server to set or renew it."
    if not response.sent:
        return "The server was not reached, and did not get this request: it may work later."
    return "No usable answer came: it may work later."


def _changed(result: RunResult) -> str:
    """Return a warning when the run has changed something, or may have: another call does it again."""
    steps = [*result.steps, *(step for workflow in result.dependencies for step in workflow.steps)]
    done = list(dict.fromkeys(_acting(steps)))
    if not done:
        return ""
    names = f"The step {done[0]} was" if len(done) == 1 else f"The steps {', '.join(done)} were"
    return f"{names} acted on by a server: calling the tool again does that again."


def _acting(steps: Iterable[StepResult]) -> Iterator[str]:
    """Yield the steps whose unsafe request, or message, was acted on, those of called workflows too."""
    for step in steps:
        if any(map(_has_acted, step.attempts)):
            yield step.step_id
        if step.workflow is not None:
            yield from _acting(step.workflow.steps)


def _has_acted(attempt: Attempt) -> bool:
    if attempt.message is not None:
        return attempt.message.action == "send" and attempt.message.failure is None
    is_unsafe = attempt.request is not None and attempt.request.method not in SAFE_METHODS
    return is_unsafe and isinstance(attempt.response, HttpResponse) and attempt.response.status < 400
