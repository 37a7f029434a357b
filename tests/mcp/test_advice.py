"""The advice to an agent about a failure: above all, whether a second call would do something twice."""

from __future__ import annotations

from typing import Any

import pytest

from arazzo_runner.engine.effects import HttpRequest, HttpResponse, NoResponse
from arazzo_runner.engine.results import Attempt, RunResult, StepResult, WorkflowResult
from arazzo_runner.errors import Location
from arazzo_runner.mcp.advice import advice_for

_NOWHERE = Location("")
_REFUSED = NoResponse("refused", "refused", sent=False)


def step(name: str, status: Any, method: str, response: Any, **more: Any) -> StepResult:
    attempt = Attempt(number=1, request=HttpRequest(method, "http://h/"), response=response)
    return StepResult(step_id=name, status=status, attempts=(attempt,), at=_NOWHERE, **more)


def advice(*steps: StepResult, status: Any = "failed") -> str:
    return advice_for(RunResult(status=status, workflow_id="w", steps=steps), steps[-1])


_DONE = step("pay", "passed", "POST", HttpResponse(200))
_INNER = WorkflowResult(workflow_id="inner", status="succeeded", steps=(_DONE,))


@pytest.mark.parametrize(
    ("told", "words", "is_repeated"),
    [
        pytest.param(advice(step("a", "failed", "POST", _REFUSED)), "was not reached", False, id="not reached"),
        pytest.param(advice(_DONE, step("a", "failed", "POST", _REFUSED)), "step pay was", True, id="after a payment"),
        pytest.param(advice(step("a", "failed", "POST", HttpResponse(200))), "step a was", True, id="a failed criterion"),
        pytest.param(advice(step("a", "failed", "GET", HttpResponse(200))), "Nothing was changed", False, id="only read"),
        pytest.param(advice(step("a", "failed", "POST", HttpResponse(401))), "not arguments", False, id="a credential"),
        pytest.param(advice(step("a", "failed", "GET", HttpResponse(503))), "may work later", False, id="the server failed"),
        pytest.param(
            advice(step("call", "passed", "GET", None, workflow=_INNER), step("a", "failed", "GET", HttpResponse(404))),
            "step pay was", True, id="a called workflow",
        ),
        pytest.param(advice(_DONE, status="in_doubt"), "Do not call the tool again", False, id="in doubt"),
        pytest.param(advice(_DONE, status="interrupted"), "step pay was", True, id="interrupted after a payment"),
    ],
)  # fmt: skip
def test_advice(told: str, words: str, is_repeated: bool) -> None:
    assert words in told
    assert ("does that again" in told) is is_repeated
