"""A call that is saved and run sends an equal request and has an equal result, for every operation of specs/openapi."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from arazzo_runner.base.json_values import to_text
from arazzo_runner.cli.main import run
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from tests.cli.calls import PICTURE, SPECS, arguments, operations
from tests.loopback import Reply, Request, serving

OPERATIONS = [(path, name) for path in sorted((SPECS / "openapi").glob("*.yml")) for name, _ in operations(path)]
IDS = [f"{path.stem} {name}" for path, name in OPERATIONS]


def _operation(path: Path, name: str) -> Any:
    return dict(operations(path))[name]


def _inputs(flow: Path, values: dict[str, Any]) -> list[str]:
    """Return -i for every input that the saved workflow needs."""
    document: Any = read(flow.read_bytes(), str(flow), Problems())
    [workflow] = document.value["workflows"]
    names = workflow.get("inputs", {}).get("properties", {})
    return [part for name in names for part in ("-i", f"{name}={to_text(values[name])}")]


def _exchange(report: str) -> Any:
    """Return the request and response of a report, and how the run ended."""
    found = json.loads(report)
    [step] = found["steps"]
    [attempt] = step["attempts"]
    for message in (attempt["request"], attempt["response"]):
        message["headers"].pop("Date", None)
        message.pop("elapsed_ms", None)
    text = json.dumps([found["status"], attempt["request"], attempt["response"]])
    return json.loads(re.sub(r"boundary=[\w-]+|127\.0\.0\.1:\d+", "…", text))


@pytest.mark.parametrize(("path", "name"), OPERATIONS, ids=IDS)
def test_a_saved_call_runs_as_the_call_did(
    path: Path, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    given, values = arguments(_operation(path, name))
    flow = tmp_path / "flow.yml"
    common = ["--mock", "--format", "json"]
    code = run(["call", str(path), name, *given, "--save", str(flow), *common])
    called = capsys.readouterr()
    assert code == 0, called.err
    assert run(["validate", "--strict", str(flow)]) == 0, capsys.readouterr().out
    capsys.readouterr()
    roots = ["--file-root", str(PICTURE.parent)]
    code = run(["run", str(flow), *_inputs(flow, values), *common, *roots])
    ran = capsys.readouterr()
    assert code == 0, ran.err
    assert _exchange(ran.out) == _exchange(called.out)


@pytest.mark.parametrize("path", sorted((SPECS / "openapi").glob("*.yml")), ids=lambda path: path.stem)
def test_the_server_gets_the_same_bytes(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for number, (name, operation) in enumerate(operations(path)):
        given, values = arguments(operation)
        flow = tmp_path / f"flow{number}.yml"
        status = next((int(code) for code in operation.responses if re.fullmatch("2..", code)), 200)
        with serving(lambda request, status=status: Reply(status)) as server:  # type: ignore[misc]
            command = ["call", str(path), name, *given, "--checks", "off", "--server", server.url]
            assert run([*command, "--save", str(flow)]) == 0, capsys.readouterr().err
            [source] = re.findall(r"- name: (\S+)", flow.read_text().partition("workflows:")[0])
            again = ["run", str(flow), *_inputs(flow, values), "--server", f"{source}={server.url}"]
            assert run([*again, "--checks", "off", "--file-root", str(PICTURE.parent)]) == 0, capsys.readouterr().err
            first, second = map(_as_sent, server.received)
        assert first == second


def _as_sent(request: Request) -> tuple[object, ...]:
    boundary = re.search(r"boundary=([\w-]+)", request.headers.get("Content-Type", ""))
    body = request.body.replace(boundary[1].encode(), b"") if boundary else request.body
    names = [name for name in request.headers if name.lower() not in ("content-type", "content-length")]
    kind = request.headers.get("Content-Type", "").partition(";")[0]
    return request.method, request.target, [(name, request.headers[name]) for name in names], kind, body
