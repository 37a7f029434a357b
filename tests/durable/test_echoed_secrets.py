"""Credentials are not in the store: what shows a run later masks those that a server has echoed all the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from arazzo_runner import durable_runs
from arazzo_runner.cli.main import run as arazzo
from tests.durable.test_library import interrupted, stop_at
from tests.loopback import Reply, Request, json_reply, serving

KEY = 'k-9f8e7d/6c5b"4a'
SHORT = "p4ss"

DESCRIPTION = """\
openapi: 3.0.3
info: {title: Echo, version: '1'}
servers: [{url: SERVER}]
components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}}
security: [{key: []}]
paths:
  /echo:
    post: {operationId: echo, responses: {'200': {description: ok}}}
  /more/{word}:
    post:
      operationId: more
      parameters: [{name: word, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: ok}}
"""
DOCUMENT = """\
arazzo: 1.0.1
info: {title: Echo, version: '1'}
sourceDescriptions: [{name: echo, url: ./echo.openapi.yml, type: openapi}]
workflows:
  - workflowId: echo
    inputs: {type: object, properties: {pin: {type: string, format: password}}}
    steps:
      - stepId: first
        operationId: echo
        successCriteria: [{condition: $statusCode == 200}]
        outputs: {seen: $response.body}
      - stepId: second
        operationId: more
        parameters: [{name: word, in: path, value: $inputs.pin}]
        successCriteria: [{condition: $statusCode == 200}]
    outputs: {seen: $steps.first.outputs.seen}
"""


def _answer(request: Request) -> Reply:
    key = request.headers.get("X-Key", "")
    body = {"plain": key, "in": [f"your key is {key}", base64.b64encode(key.encode()).decode()], "url": quote(key, "")}
    return json_reply(body, 200)


@pytest.fixture
def document(tmp_path: Path) -> Iterator[Path]:
    with serving(_answer) as server:
        (tmp_path / "echo.openapi.yml").write_text(DESCRIPTION.replace("SERVER", server.url))
        file = tmp_path / "echo.arazzo.yml"
        file.write_text(DOCUMENT)
        yield file


def _printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert arazzo(list(arguments)) == 0
    printed = capsys.readouterr()
    return printed.out + printed.err


@pytest.mark.parametrize("key", [KEY, SHORT], ids=["a key", "a key of fewer than 8 characters"])
def test_an_echoed_key_is_masked_where_the_key_is_not_known_any_more(
    document: Path, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    monkeypatch.setenv("ARAZZO_AUTH_ECHO_KEY", key)
    with durable_runs.opened() as runtime:
        outcome = durable_runs.run(runtime, str(document), None, {"pin": "word-of-the-day"}, run_id="r1")
    assert outcome.result.status == "succeeded", outcome.result
    assert outcome.result.outputs["seen"]["plain"] == key
    monkeypatch.delenv("ARAZZO_AUTH_ECHO_KEY")
    shown = _printed(capsys, "runs", "show", "r1", "--format", "json")
    assert json.loads(shown)["outputs"]["seen"]["plain"] == "***"
    forms = (key, json.dumps(key)[1:-1], base64.b64encode(key.encode()).decode(), quote(key, ""))
    printed = shown + _printed(capsys, "runs", "show", "r1") + _printed(capsys, "runs", "export", "r1")
    if key == KEY:
        assert [each for each in forms if each in printed] == []
    assert json.dumps(key)[1:-1] in _printed(capsys, "runs", "show", "r1", "--show-secrets")


def test_the_url_of_a_request_in_doubt_has_no_secret(
    document: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with durable_runs.opened() as runtime:
        stop_at(runtime, "second")
        outcome = interrupted(
            lambda: durable_runs.run(runtime, str(document), None, {"pin": "word-of-the-day"}, run_id="r1")
        )
    assert outcome.result.status == "in_doubt"
    printed = [
        _printed(capsys, *each)
        for each in (
            ("runs", "list", "--format", "json"),
            ("runs", "show", "r1"),
            ("runs", "show", "r1", "--format", "json"),
            ("runs", "cancel", "r1"),
        )
    ]
    assert [each for each in printed if "word-of-the-day" in each] == []
    assert all("/more/***" in each for each in printed)
