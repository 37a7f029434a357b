"""Files in bodies: the document and the inputs name them, an answer never does."""

from __future__ import annotations

import json

import pytest

import arazzo_runner
from arazzo_runner import File, LoadOptions
from arazzo_runner.runtime.scripted import ScriptedWorld
from arazzo_runner.sources.fetch import DocumentSnapshot

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


# ------------------------------------------------------------------ documents from the network

REMOTE = "https://workflows.test/w.json"


@pytest.mark.parametrize(
    ("payload", "inputs", "read"),
    [
        pytest.param({"f": FILE}, {}, False, id="a path of its own"),
        pytest.param({"f": {"filename": "x", "path": "$inputs.p"}}, {"p": "private/notes.txt"}, False, id="a text of the user"),
        pytest.param({"f": {"filename": "x", "path": "private/{$inputs.p}"}}, {"p": "notes.txt"}, False, id="around a text of the user"),
        pytest.param({"f": "$inputs.given"}, {}, False, id="the default of an input"),
        pytest.param({"f": "$inputs.f"}, {"f": {"filename": "x", "path": "private/notes.txt"}}, False, id="a file of the user that the document names too"),
        pytest.param({"f": "$inputs.f"}, {"f": {"filename": "x", "path": "./private/notes.txt"}}, True, id="a file of the user"),
        pytest.param({"f": "$inputs.f"}, {"f": b"kept to myself"}, True, id="the content of a file of the user"),
    ],
)  # fmt: skip
def test_a_document_from_the_network_names_no_files(payload, inputs, read, tmp_path, monkeypatch):
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "notes.txt").write_text("kept to myself")
    monkeypatch.chdir(tmp_path)
    schema = {"type": "object", "properties": {"p": {}, "f": {}, "given": {"default": FILE}}}
    document = {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.json"}],
        "workflows": [{"workflowId": "w", "inputs": schema, "steps": [up(payload)]}],
    }
    fetched = {REMOTE: document, "https://workflows.test/api.json": API}
    snapshot = DocumentSnapshot(
        {uri: json.dumps(each).encode() for uri, each in fetched.items()}, REMOTE, "", {}, closed=True
    )
    program = arazzo_runner.load(REMOTE, load_options=LoadOptions(snapshot=snapshot))
    world = ScriptedWorld([{"request": "POST /up", "times": 0, "body": {}}])
    result = arazzo_runner.run(program, inputs=inputs, world=world)
    sent = b"".join(request.body or b"" for request in world.requests)
    assert (b"kept to myself" in sent) is read
    assert result.status == ("succeeded" if read else "failed")
    if not read:
        (diagnostic,) = result.steps[-1].attempts[0].diagnostics
        assert diagnostic.code == "unusable-file"
        assert "is named by a document from the network" in diagnostic.message
        assert diagnostic.hint == 'give the file itself as an input: inputs={"NAME": FILE}'


# ------------------------------------------------------------------ files where only text fits


@pytest.mark.parametrize(
    ("step", "message"),
    [
        pytest.param({"requestBody": {"payload": {"f": "a photo: {$inputs.f}"}}}, "it is a file that is not text", id="inside a text"),
        pytest.param({"parameters": [{"name": "q", "in": "query", "value": "$inputs.f"}]}, 'query parameter "q": the file "cat.png" is not text', id="a query parameter"),
        pytest.param({"parameters": [{"name": "X-Q", "in": "header", "value": "$inputs.f"}]}, 'header parameter "X-Q": the file "cat.png" is not text', id="a header"),
        pytest.param({"requestBody": {"contentType": "application/json", "payload": {"f": "$inputs.f"}}}, 'the file "cat.png" is not text', id="a member of JSON"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_text_are_never_sent_as_one(run, step, message):
    steps = [{"stepId": "up", "operationId": "up", **step}]
    result, sent = run([{"workflowId": "w", "steps": steps}], {"f": File(b"\xff\x00", "cat.png")})
    assert (result.status, sent) == ("failed", b"")
    assert message in (result.reason or "")
    text, _ = run([{"workflowId": "w", "steps": steps}], {"f": File(b"plain", "cat.txt")})
    assert text.status == "succeeded"


def test_a_file_goes_through_sub_workflows_and_outputs(run):
    inner = {"workflowId": "inner", "steps": [up({"f": "$inputs.path"})]}
    call = {
        "stepId": "call",
        "workflowId": "inner",
        "parameters": [{"name": "path", "value": "$steps.first.outputs.f"}],
    }
    first = {**up({"f": "x"}), "stepId": "first", "outputs": {"f": "$inputs.f"}}
    result, sent = run([{"workflowId": "w", "steps": [first, call]}, inner], {"f": File(b"\xff\x00", "cat.png")})
    assert result.status == "succeeded"
    assert b'filename="cat.png"\r\nContent-Type: image/png\r\n\r\n\xff\x00\r\n' in sent
