"""What an agent can do about a run that did not succeed, in one or two sentences."""

from __future__ import annotations

from typing import Final

from arazzo_runner.engine.effects import HttpResponse, NoResponse
from arazzo_runner.engine.results import RunResult, StepResult

_IN_DOUBT: Final = (
    "It is unknown whether the server acted on the last request. Do not call the tool again before somebody has found "
    "out on the server whether it did: calling it again would send the request a second time."
)
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
        return "The run was interrupted between two requests. It can be called again from the beginning."
    attempt = step.attempts[-1] if step is not None and step.attempts else None
    response = None if attempt is None else attempt.response
    if isinstance(response, NoResponse):
        return _unanswered(response)
    changed = _changed(result)
    if isinstance(response, HttpResponse) and response.status >= 400:
        known = _STATUSES.get(response.status, "")
        fault = "The server failed: it may work later." if response.status >= 500 else ""
        return " ".join(filter(None, (known or fault, changed)))
    return changed or "Nothing was changed on a server: with other arguments the tool can be called again."


def _unanswered(response: NoResponse) -> str:
    if response.reason == "forbidden":
        return (
            "This server does not send the request: ask the person who runs it, or who was asked, what to do instead."
        )
    if response.reason == "credentials":
        return "A credential could not be obtained: ask the person who runs this server to set or renew it."
    if not response.sent:
        return "The server was not reached and nothing was sent: it is safe to call the tool again later."
    return "No usable answer came: the tool may be called again later."


def _changed(result: RunResult) -> str:
    """Return a warning when earlier steps of the run have changed something."""
    done = [
        step.step_id
        for step in result.steps
        for attempt in step.attempts[-1:]
        if step.status in ("passed", "recovered")
        and attempt.request is not None
        and attempt.request.method not in ("GET", "HEAD", "OPTIONS", "TRACE", "QUERY")
    ]
    if not done:
        return ""
    return f"The steps {', '.join(done)} were carried out: calling the tool again carries them out again."
