"""Files in bodies: the document and the inputs name them, an answer never does."""

from __future__ import annotations

import json

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.runtime.scripted import ScriptedWorld

API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {
        "/ask": {"get": {"operationId": "ask"}},
        "/up": {"post": {"operationId": "up", "requestBody": {"content": {"multipart/form-data": {}}}}},
    },
}
FILE = {"filename": "x.txt", "path": "private/notes.txt"}
ASK = {"stepId": "ask", "operationId": "ask", "outputs": {"part": "$response.body#/part", "path": "$response.body#/part/path"}}  # fmt: skip


def up(payload):
    return {"stepId": "up", "operationId": "up", "requestBody": {"payload": payload}}


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "notes.txt").write_text("kept to myself")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "api.json").write_text(json.dumps(API))

    def run(workflows, inputs):
        document = {
            "arazzo": "1.1.0",
            "info": {"title": "t", "version": "1"},
            "sourceDescriptions": [{"name": "api", "url": "api.json"}],
            "workflows": workflows,
        }
        script = [
            {"request": "GET /ask", "times": 0, "body": {"part": FILE}},
            {"request": "POST /up", "times": 0, "body": {}},
        ]
        world = ScriptedWorld(script)
        result = arazzo_runner.run(document, "w", inputs, world=world, load_options=LoadOptions(root=str(tmp_path)))
        sent = b"".join(request.body or b"" for request in world.requests)
        return result, sent

    return run


CALL = {"stepId": "call", "workflowId": "inner", "parameters": [{"name": "path", "value": "$steps.ask.outputs.path"}]}


@pytest.mark.parametrize(
    ("workflows", "inputs", "read"),
    [
        pytest.param([{"workflowId": "w", "steps": [up({"f": FILE})]}], {}, True, id="the document names it"),
        pytest.param(
            [{"workflowId": "w", "steps": [up({"f": {"filename": "x", "path": "$inputs.p"}})]}],
            {"p": "private/notes.txt"},
            True,
            id="an input names it",
        ),
        pytest.param(
            [{"workflowId": "w", "steps": [up({"f": "$inputs.f"})]}], {"f": FILE}, True, id="an input is the whole file"
        ),
        pytest.param(
            [{"workflowId": "w", "steps": [up({"f": {"filename": "x", "path": "private/{$inputs.p}.txt"}})]}],
            {"p": "notes"},
            True,
            id="a text with an input in it names it",
        ),
        pytest.param(
            [{"workflowId": "w", "steps": [ASK, up({"f": "$steps.ask.outputs.part"})]}],
            {},
            False,
            id="a response that looks like a file is not one to read",
        ),
        pytest.param(
            [{"workflowId": "w", "steps": [ASK, up({"f": {"filename": "x", "path": "{$steps.ask.outputs.path}"}})]}],
            {},
            False,
            id="a response does not name it inside a text either",
        ),
        pytest.param(
            [
                {"workflowId": "w", "steps": [ASK, CALL]},
                {"workflowId": "inner", "steps": [up({"f": {"filename": "x", "path": "$inputs.path"}})]},
            ],
            {},
            False,
            id="nor as the input of a sub-workflow",
        ),
        pytest.param(
            [
                {"workflowId": "w", "steps": [ASK, CALL]},
                {"workflowId": "inner", "steps": [up({"f": {"filename": "x", "path": "./{$inputs.path}"}})]},
            ],
            {},
            False,
            id="nor in a text of a sub-workflow's input",
        ),
    ],
)
def test_only_the_document_and_the_inputs_name_files(run, workflows, inputs, read):
    result, sent = run(workflows, inputs)
    assert (b"kept to myself" in sent) is read
    if read:
        assert result.status == "succeeded"
    else:
        assert result.status == "failed"
        assert "is named by a response" in result.steps[-1].reason or "is named by a response" in result.reason
