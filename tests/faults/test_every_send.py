"""The n-th request fails, for every n and in every way: always a result, never an unsafe request sent twice by itself."""

from __future__ import annotations

import json

import pytest

import arazzo_runner
from arazzo_runner.engine.effects import HttpResponse, NoResponse, Now, SendRequest
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.report.failure import render_failure
from arazzo_runner.report.json import pretty, run_report
from tests.faults.flow import PLACES, Tokens, write
from tests.faults.worlds import FailingSends

ANSWERS = {
    "refused": NoResponse("refused", "nobody listens", sent=False),
    "reset": NoResponse("reset", "gone", sent=True),
    "timeout": NoResponse("timeout", "too slow", sent=True),
    "truncated": NoResponse("truncated", "half of it", sent=True),
    "too-large": NoResponse("too-large", "more than it may be", sent=True),
}


class TokenWorld:
    """Answers like the server of the flow, without a network; its clock advances when the run waits."""

    def __init__(self):
        self.tokens = Tokens()
        self._now = 1_700_000_000.0

    async def perform(self, effect):
        if isinstance(effect, SendRequest):
            body = self.tokens.answer(effect.request.method, effect.request.url)
            return HttpResponse(200, (("Content-Type", "application/json"),), json.dumps(body).encode())
        self._now += getattr(effect, "seconds", 0.0)
        return self._now if isinstance(effect, Now) else None


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return arazzo_runner.load(write(tmp_path_factory.mktemp("flow")), "main")


@pytest.mark.parametrize("parallel", [1, 8], ids=["in order", "at the same time"])
@pytest.mark.parametrize("resend", [False, True], ids=["careful", "resend-unknown"])
@pytest.mark.parametrize("way", ANSWERS)
def test_every_send_may_fail(program, way, resend, parallel):
    options = RunOptions(parallel=parallel, resend_unknown=resend)
    number = 0
    while True:
        world = TokenWorld()
        failing = FailingSends(world, number, ANSWERS[way])
        result = arazzo_runner.run(program, world=failing, options=options)
        for text in (render_failure(result), pretty(run_report(result))):
            assert "-token-" not in text
        if failing.count <= number:
            break
        assert result.status in ("succeeded", "failed", "in_doubt")
        key, safe = failing.requests[number]
        step = key.rpartition("#")[0]
        again = [other for other, _ in failing.requests[number + 1 :] if other.rpartition("#")[0] == step]
        if ANSWERS[way].sent and not safe and not resend:
            assert again == []
            assert result.status == "in_doubt"
        number += 1
    assert result.status == "succeeded"
    assert number >= 8


def test_outputs_of_a_failed_run_are_those_with_a_value(program):
    failing = FailingSends(TokenWorld(), 3, ANSWERS["reset"])
    result = arazzo_runner.run(program, world=failing)
    had = {step.step_id: step.outputs.get("token") for step in result.steps if step.outputs}
    assert had == {name: f"{name}-token-{2 if name == 'again' else 1}" for name in PLACES if name in ("first", "again")}
