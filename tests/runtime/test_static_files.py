"""Files that the documents and the inputs name are looked for before the first request."""

from __future__ import annotations

import asyncio
import json

import pytest

import arazzo_runner
from arazzo_runner import RunOptions
from arazzo_runner.cli.main import run as command_line
from arazzo_runner.durable.database import sqlite_module
from arazzo_runner.errors import InvalidUsage

MULTIPART = {"multipart/form-data": {"schema": {"properties": {"photo": {"type": "string", "format": "binary"}}}}}
DONE = {"responses": {"200": {"description": "d"}}}
API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {
        "/ask": {"get": {"operationId": "ask", **DONE}},
        "/photos": {"post": {"operationId": "add", "requestBody": {"content": MULTIPART}, **DONE}},
    },
}
ASK = {"stepId": "ask", "operationId": "ask", "outputs": {"path": "$response.body#/path"}}
GONE = {"path": "gone.png"}
PROBLEM = 'the file "gone.png" cannot be sent: it does not exist'


def add(photo, name="add", **more):
    """Return a step that sends a photo, and perhaps more."""
    body = {"contentType": "multipart/form-data", "payload": {"photo": photo}}
    return {"stepId": name, "operationId": "add", "requestBody": body, **more}


def call(name, **parameters):
    """Return a step that calls a workflow."""
    given = [{"name": key, "value": value} for key, value in parameters.items()]
    return {"stepId": "call", "workflowId": name, "parameters": given}


def workflow(name, *steps, **more):
    return {"workflowId": name, "steps": list(steps), **more}


INNER = workflow("inner", add("$inputs.photo"), inputs={"type": "object", "properties": {"photo": {}}})
DEFAULT = {"type": "object", "properties": {"photo": {"default": GONE}}}
REPLACED = {"requestBody": {"contentType": "multipart/form-data", "payload": {"photo": "x"},
                            "replacements": [{"target": "/photo", "value": GONE}]}}  # fmt: skip


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a document of workflows; the working directory has cat.png."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "cat.png").write_bytes(b"a cat")
    (tmp_path / "api.json").write_text(json.dumps(API))

    def write(*workflows):
        sources = [{"name": "api", "url": "api.json", "type": "openapi"}]
        head = {"arazzo": "1.0.1", "info": {"title": "t", "version": "1"}, "sourceDescriptions": sources}
        (tmp_path / "w.json").write_text(json.dumps({**head, "workflows": list(workflows)}, indent=1))

    return write


WAYS = {
    "a run": lambda inputs, seen, options: arazzo_runner.run(
        "w.json", "w", inputs, mock=True, on_event=seen, options=options
    ),
    "a run on the event loop": lambda inputs, seen, options: asyncio.run(
        arazzo_runner.arun("w.json", "w", inputs, mock=True, on_event=seen, options=options)
    ),
    "a dry run": lambda inputs, seen, options: arazzo_runner.dry_run(
        "w.json", "w", inputs, on_event=seen, options=options
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("workflows", "inputs", "problems"),
    [
        pytest.param([workflow("w", ASK, add(GONE))], {}, [PROBLEM], id="of a later step"),
        pytest.param(
            [workflow("w", ASK, add([GONE, {"path": "."}, {"path": "cat.png"}]))],
            {},
            [PROBLEM, 'the file "." cannot be sent: it is a directory'],
            id="each that is wrong",
        ),
        pytest.param(
            [workflow("w", ASK, add("$inputs.f"))], {"f": GONE}, [f'input "f": {PROBLEM}'], id="of an input"
        ),
        pytest.param(
            [workflow("w", ASK, add({"path": "{$inputs.f}.png"}))], {"f": "gone"}, [PROBLEM], id="of a text with an input"
        ),
        pytest.param([workflow("w", ASK, add("$inputs.photo"), inputs=DEFAULT)], {}, [f'input "photo": {PROBLEM}'], id="of a default"),
        pytest.param([workflow("w", ASK, call("inner", photo=GONE)), INNER], {}, [f'input "photo": {PROBLEM}'], id="given to a sub-workflow"),
        pytest.param([workflow("w", ASK, call("inner", photo="$inputs.f")), INNER], {"f": GONE}, [f'input "photo": {PROBLEM}'], id="of an input of a sub-workflow"),
        pytest.param([workflow("w", ASK, dependsOn=["first"]), workflow("first", add(GONE))], {}, [PROBLEM], id="of a workflow that must run before"),
        pytest.param(
            [workflow("w", {**ASK, "onFailure": [{"name": "f", "type": "goto", "workflowId": "other"}]}), workflow("other", add(GONE))],
            {},
            [PROBLEM],
            id="of a workflow that only a failure leads to",
        ),
        pytest.param([workflow("w", ASK, {**add("x"), **REPLACED})], {}, [PROBLEM], id="of a replacement"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_sent_refuses_the_run(workflows, inputs, problems, way, write):
    write(*workflows)
    events = []
    with pytest.raises(arazzo_runner.InvalidInputs) as refused:
        WAYS[way](inputs, lambda event, secrets: events.append(event), None)
    assert [each.message for each in refused.value.diagnostics] == problems
    assert {each.code for each in refused.value.diagnostics} == {"unusable-file"}
    assert all(each.at.line for each in refused.value.diagnostics)
    assert events == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("workflows", "inputs", "options"),
    [
        pytest.param([workflow("w", ASK, add({"path": "cat.png"}))], {}, None, id="one that is there"),
        pytest.param([workflow("w", ASK, add(GONE))], {}, RunOptions(until="ask"), id="of a step that is not chosen"),
        pytest.param([workflow("w", ASK, add(GONE))], {}, RunOptions(step="ask"), id="beside the only step"),
        pytest.param([workflow("w", ASK), workflow("other", add(GONE))], {}, None, id="of a workflow that does not run"),
        pytest.param([workflow("w", ASK, add("x", outputs={"p": "$statusCode"}))], {"p": GONE}, None, id="of an input that is not sent"),
        pytest.param([workflow("w", ASK, call("inner", photo="a text")), {**INNER, "inputs": DEFAULT}], {}, None, id="of a default that is not used"),
    ],
)  # fmt: skip
def test_files_that_are_not_sent_refuse_nothing(workflows, inputs, options, way, write):
    write(*workflows)
    result = WAYS[way](inputs, lambda event, secrets: None, options)
    assert (result.status, result.reason) == ("succeeded", None)


def test_a_path_that_an_answer_completes_is_left_to_its_step(write):
    write(workflow("w", ASK, add({"path": "{$steps.ask.outputs.path}.png"})))
    result = arazzo_runner.run("w.json", "w", mock=True)
    assert [each.step_id for each in result.steps] == ["ask", "add"]
    assert result.status == "failed"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["run", "w.json", "--mock", "-i", 'photo={"path": "gone.png"}'], f'input "photo": {PROBLEM}', id="an argument"),
        pytest.param(["run", "w.json", "--mock", "--data", "rows.json"], f'run w [2]: input "photo": {PROBLEM}', id="a row, before those that are right"),
        pytest.param(["run", "w.json", "--dry-run", "--input-file", "in.yml"], f'input "photo": {PROBLEM}', id="a file of inputs"),
        pytest.param(["debug", "w.json", "--mock", "--input-file", "in.yml"], f'input "photo": {PROBLEM}', id="in the debugger"),
        pytest.param(["run", "w.json", "--durable", "--input-file", "in.yml"], f'input "photo": {PROBLEM}', id="a durable run"),
    ],
)  # fmt: skip
def test_the_command_line_refuses_them_with_exit_code_2(arguments, message, write, tmp_path, capfd):
    write(
        workflow("w", ASK, add("$inputs.photo"), inputs={"type": "object", "properties": {"photo": {"type": "object"}}})
    )
    (tmp_path / "in.yml").write_text("photo: {path: gone.png}\n")
    (tmp_path / "rows.json").write_text('[{"photo": {"path": "cat.png"}}, {"photo": {"path": "gone.png"}}]')
    if "--durable" in arguments:
        pytest.importorskip("dbos")
        try:
            sqlite_module()
        except InvalidUsage:
            pytest.skip("this SQLite is too old for durable runs")
    assert command_line(arguments) == 2
    out, err = capfd.readouterr()
    assert f"error[unusable-file]: {message}\n" in err
    assert out == ""
    assert "> GET" not in err
