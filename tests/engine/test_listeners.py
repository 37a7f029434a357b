"""What an exception of `on_event` does, and what a result answers about its steps."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import HttpResponse, RunOptions, RunResult, SendRequest, StepFinished, StopRun, UnknownStep, to_dict

API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {f"/{name}": {"post": {"operationId": name, "responses": {"200": {"description": ""}}}} for name in "ab"},
}
AGAIN = [{"name": "again", "type": "goto", "stepId": "a", "criteria": [{"condition": "$response.body#/again == true"}]}]
STEPS: list[dict[str, Any]] = [
    {"stepId": "a", "operationId": "a", "dependsOn": [], "outputs": {"token": "$response.body#/token"}},
    {"stepId": "b", "operationId": "b", "onSuccess": AGAIN},
]


class Answers:
    """Answers every request at once; the first of `b` leads back to `a`."""

    def __init__(self) -> None:
        self.count = 0

    async def perform(self, effect: Any, /) -> Any:
        if not isinstance(effect, SendRequest):
            return 1_700_000_000.0
        self.count += 1
        body = {"token": f"secret-token-{self.count}", "again": self.count == 2}
        return HttpResponse(200, (("content-type", "application/json"),), json.dumps(body).encode())


@pytest.fixture(params=["blocking", "async"])
def run(request: Any, tmp_path: Any) -> Any:
    (tmp_path / "api.json").write_text(json.dumps(API))
    document = {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.json", "type": "openapi"}],
        "workflows": [{"workflowId": "w", "steps": STEPS}],
    }
    (tmp_path / "w.json").write_text(json.dumps(document))

    def run(on_event: Any = None, **options: Any) -> RunResult:
        chosen: Any = {"world": Answers(), "on_event": on_event, "options": RunOptions(**options)}
        if request.param == "blocking":
            return arazzo_runner.run(tmp_path / "w.json", **chosen)
        return asyncio.run(arazzo_runner.arun(tmp_path / "w.json", **chosen))

    return run


def failures(result: RunResult) -> list[str]:
    return [each.message for each in result.diagnostics if each.code == "listener-failed"]


@pytest.mark.parametrize("parallel", [1, 8])
def test_an_exception_of_the_listener_is_a_warning_once_for_each_kind(run: Any, parallel: int) -> None:
    def listener(event: Any, secrets: Any) -> None:
        if isinstance(event, StepFinished):
            raise (ValueError if event.result.step_id == "a" else KeyError)("secret-token-1\nmore")

    result = run(listener, parallel=parallel)
    assert result.status == "succeeded"
    assert failures(result) == [
        "on_event raised ValueError: ***, called with StepFinished; the run goes on",
        "on_event raised KeyError: '***\\nmore', called with StepFinished; the run goes on",
    ]
    assert "secret-token-1" not in json.dumps(to_dict(result))
    assert "secret-token-1" not in repr(result.diagnostics)  # whoever logs them


def test_stop_run_ends_the_run_as_failed(run: Any) -> None:
    def listener(event: Any, secrets: Any) -> None:
        if isinstance(event, StepFinished):
            raise StopRun("enough")

    result = run(listener)
    assert (result.status, result.reason, failures(result)) == ("failed", "enough", [])


def test_a_step_of_a_result_is_found_by_name_and_visit(run: Any) -> None:
    result = run()
    assert [each.step_id for each in result.steps] == ["a", "b", "a", "b"]
    assert result.step("a") is result.steps[2]
    assert (result.step("a", 1), result.step("a", 2)) == (result.steps[0], result.steps[2])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("aa",), 'there is no step "aa"; did you mean "a"?'),
        (("other",), 'there is no step "other"; available: a, b'),
        (("a", 3), 'step "a" was visited 2 times: there is no visit 3'),
        (("a", 0), 'step "a" was visited 2 times: there is no visit 0'),
    ],
)
def test_an_unknown_step_is_a_key_error_with_a_suggestion(run: Any, asked: Any, message: str) -> None:
    result = run()
    with pytest.raises(KeyError) as raised:
        result.step(*asked)
    assert isinstance(raised.value, UnknownStep)
    assert str(raised.value) == message


def test_parts_of_a_result_are_plain_masked_values_in_the_shape_of_the_command_line(run: Any) -> None:
    result = run()
    whole = to_dict(result)
    assert json.loads(json.dumps(whole)) == whole
    step = to_dict(result.step("a"), result.secrets)
    assert whole["steps"][2] == step
    assert step["attempts"][0] == to_dict(result.step("a").attempts[0], result.secrets)
    assert step["outputs"] == {"token": "***"}
    assert "secret-token" not in json.dumps(whole)
