"""The tools with which an agent writes workflows: what they say, and what hostile texts do not get from them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from arazzo_runner import load
from arazzo_runner.cli.mcp_authoring import authoring_tools
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.sources.fetch import DocumentSnapshot
from tests.loopback import Loopback, Reply, serving
from tests.mcp import serving as at

CANARY = "canary-of-a-file-31337"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with documents that are served, and with files that nobody is to see."""
    at.written(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "private.yml").write_text(f"openapi: 3.1.0\ninfo: {{title: {CANARY}, version: '1'}}\npaths: {{}}\n")
    (tmp_path / "private.txt").write_text(CANARY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARAZZO_INPUT_REFRESH_TOKEN", at.REFRESH)
    monkeypatch.setenv("ARAZZO_AUTH_ACCOUNTS_KEY", at.API_KEY)
    monkeypatch.setenv("ARAZZO_SERVER_VAR_HOST", CANARY)
    return tmp_path


@pytest.fixture
def web() -> Iterator[Loopback]:
    with serving(lambda request: Reply(200, CANARY.encode())) as server:
        yield server


def asked(folder: Path, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    snapshot = DocumentSnapshot.opened({})
    load(folder / "flow.yml", load_options=LoadOptions(snapshot=snapshot))
    tool = next(each for each in authoring_tools([snapshot]) if each.name == name)
    found = asyncio.run(tool.answer(arguments))
    assert all(secret not in found.text for secret in (*at.SECRETS, CANARY))
    return found.structured


def test_a_sound_text(folder: Path) -> None:
    assert asked(folder, "validate_text", {"text": at.FLOW})["valid"]
    shown = asked(folder, "show", {"text": at.FLOW, "workflowId": "look"})
    assert [each["workflowId"] for each in shown["workflows"]] == ["look"]
    requests = asked(folder, "dry_run", {"text": at.FLOW, "workflowId": "look", "inputs": {"id": 7}})["requests"]
    assert "GET http://127.0.0.1:9/accounts/7" in requests


def test_a_mistake_has_its_position(folder: Path) -> None:
    found = asked(
        folder, "validate_text", {"text": at.FLOW.replace("operationId: getAccount", "operationId: getAcount")}
    )
    assert not found["valid"]
    [error] = [each for each in found["findings"] if each["severity"] == "error"]
    assert error["line"] == at.FLOW.split("getAccount")[0].count("\n") + 1
    assert 'did you mean "getAccount"' in error["hint"]
    assert asked(folder, "explain", {"code": error["code"]})["page"].startswith(f"# {error['code']}")


@pytest.mark.parametrize("tool", ["validate_text", "show", "dry_run"])
@pytest.mark.parametrize(
    "source",
    ["private.yml", "private.txt", "../../../../etc/passwd", "file:///etc/passwd", "/etc/passwd", "{web}/openapi.yml"],
)
def test_a_text_leads_to_no_other_document(folder: Path, web: Loopback, tool: str, source: str) -> None:
    text = at.FLOW.replace("url: api.yml", f"url: {source.format(web=web.url)}")
    found = asked(folder, tool, {"text": text, "workflowId": "look"} if tool != "validate_text" else {"text": text})
    assert found.get("isError") or not found["valid"]
    assert web.received == []


@pytest.mark.parametrize("payload", ["{path: private.txt}", '"@private.txt"'])
@pytest.mark.parametrize("kind", ["application/octet-stream", "text/plain", "multipart/form-data"])
def test_a_dry_run_reads_no_file(folder: Path, payload: str, kind: str) -> None:
    text = at.FLOW.replace(
        "requestBody: {contentType: application/json, payload: {refresh_token: $inputs.refreshToken, note: $inputs.note}}",
        f"requestBody: {{contentType: {kind}, payload: {payload}}}",
    )
    asked(folder, "dry_run", {"text": text, "workflowId": "rotate.token", "inputs": {"note": "x"}})


def test_a_dry_run_sends_nothing(folder: Path, web: Loopback) -> None:
    text = at.FLOW.replace(
        "operationId: getAccount", "operationPath: '{$sourceDescriptions.accounts.url}#/paths/~1accounts~1{id}/get'"
    )
    asked(folder, "dry_run", {"text": text, "workflowId": "look"})
    assert web.received == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "5",
        "a: &a [*a]",
        "arazzo: 1.0.1",
        "\0",
        "x: " + "[" * 5000,
        "- " * 10_000,
        "!!python/object:os.system x",
    ],
)
@pytest.mark.parametrize("tool", ["validate_text", "show", "dry_run"])
def test_a_broken_text_gets_an_answer(folder: Path, tool: str, text: str) -> None:
    found = asked(folder, tool, {"text": text})
    assert found.get("isError") or not found["valid"]
    assert found["findings"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"text": "$inputs.a", "context": {"inputs": {"a": [1]}}}, {"value": [1]}),
        ({"text": "$response.body#/a == 2", "kind": "condition", "context": {"response": {"status": 200, "body": {"a": 2}}}}, {"passed": True}),
        ({"text": "$inputs.", "context": {}}, {"isError": True}),
        ({"text": "$inputs.a"}, {"canonical": "$inputs.a"}),
        ({"text": "$inputs.a", "context": {"inputs": 5}}, {}),
        ({"text": "$inputs.a", "context": {"nothing": 5}}, {}),
        ({"text": "(a+)+$", "kind": "regex", "context": {"response": {"status": 200, "body": "a" * 50_000 + "!"}}}, {}),
    ],
)  # fmt: skip
def test_expressions(folder: Path, arguments: dict[str, Any], expected: dict[str, Any]) -> None:
    found = asked(folder, "eval", arguments)
    assert expected.items() <= found.items()


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param("{type: string, minLength: 2000000000}", id="a text of two billion characters"),
        pytest.param("{type: string, format: uuid, pattern: '^(([0-9a-z-])+)+!$'}", id="a pattern without an end"),
        pytest.param("{type: array, minItems: 1000000000, items: {type: string}}", id="a billion items"),
    ],
)
def test_made_up_inputs_are_bounded(folder: Path, schema: str) -> None:
    text = (
        "arazzo: 1.0.1\ninfo: {title: t, version: '1'}\nsourceDescriptions: [{name: a, url: ./text.arazzo.yml, "
        "type: arazzo}]\nworkflows:\n  - workflowId: w\n    inputs: {type: object, required: [x], properties: {x: "
        f"{schema}}}}}\n    steps: [{{stepId: s, workflowId: w}}]\n"
    )
    began = time.monotonic()
    asked(folder, "dry_run", {"text": text})
    assert time.monotonic() - began < 8
