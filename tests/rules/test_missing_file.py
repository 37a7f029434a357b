"""The rule missing-file: where files are looked for, and that a cached result does not outlive them."""

from __future__ import annotations

import json
import os

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.cli.main import run
from arazzo_runner.sources.fetch import DocumentSnapshot

API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {
        "/up": {
            "post": {
                "operationId": "up",
                "requestBody": {"content": {"multipart/form-data": {}}},
                "responses": {"200": {"description": "d"}},
            }
        }
    },
}
REMOTE = "https://workflows.test/w.json"


def document(path):
    step = {"stepId": "up", "operationId": "up", "requestBody": {"payload": {"f": {"filename": "x", "path": path}}}}
    return {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.json", "type": "openapi"}],
        "workflows": [{"workflowId": "w", "steps": [step]}],
    }


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a document that names a file, in the folder flows; the working directory is above it."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "api.json").write_text(json.dumps(API))
    monkeypatch.chdir(tmp_path)

    def write(path):
        (tmp_path / "flows" / "w.json").write_text(json.dumps(document(path), indent=1))

    return write


def found():
    """Return the messages about files that validating the document gives."""
    findings = arazzo_runner.validate("flows/w.json")
    return [each.message for each in findings if each.code == "missing-file"]


@pytest.mark.parametrize(
    ("path", "files", "is_found"),
    [
        pytest.param("cat.png", [], True, id="nowhere"),
        pytest.param("cat.png", ["cat.png"], False, id="in the working directory"),
        pytest.param("cat.png", ["flows/cat.png"], False, id="beside the document"),
        pytest.param("pictures/cat.png", ["cat.png"], True, id="in another folder"),
        pytest.param("../cat.png", [], False, id="outside, which is not looked up"),
        pytest.param("/nowhere/cat.png", [], False, id="an absolute path, which is not looked up"),
        pytest.param("{$inputs.name}.png", [], False, id="one that the inputs say"),
        pytest.param("\0", [], False, id="no name of a file"),
    ],
)
def test_where_a_file_is_looked_for(path, files, is_found, write, tmp_path):
    write(path)
    for each in files:
        (tmp_path / each).write_bytes(b"")
    assert found() == ([f'the file "{path}" does not exist'] if is_found else [])


def test_a_result_is_not_cached_beyond_the_files(write, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write("cat.png")
    seen = []
    for is_there in (False, True, False):
        if is_there:
            (tmp_path / "cat.png").write_bytes(b"")
        elif os.path.exists("cat.png"):
            os.remove("cat.png")
        run(["validate", "flows/w.json"])
        out, _ = capsys.readouterr()
        seen.append("missing-file" in out)
    assert seen == [True, False, True]


def test_a_document_from_the_network_has_none(write):
    fetched = {REMOTE: document("cat.png"), "https://workflows.test/api.json": API}
    texts = {uri: json.dumps(each).encode() for uri, each in fetched.items()}
    snapshot = DocumentSnapshot(texts, REMOTE, "", {}, closed=True)
    options = LoadOptions(snapshot=snapshot, allow_remote=True)
    findings = arazzo_runner.validate(REMOTE, load_options=options)
    assert [each.code for each in findings if each.code in ("missing-file", "source-not-readable")] == []


@pytest.mark.parametrize(
    ("kind", "is_hinted"),
    [
        pytest.param("string", True, id="a text is described"),
        pytest.param("array", False, id="no text is described, so that no file is meant"),
    ],
)
def test_what_may_be_meant_as_a_file_gets_a_hint(kind, is_hinted, write, tmp_path):
    step = {"stepId": "up", "operationId": "up", "requestBody": {"payload": {"f": {"path": "/a"}}}}
    schema = {"type": "object", "properties": {"f": {"type": kind}}}
    api = json.loads(json.dumps(API))
    api["paths"]["/up"]["post"]["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    (tmp_path / "flows" / "api.json").write_text(json.dumps(api))
    written = {**document(""), "workflows": [{"workflowId": "w", "steps": [step]}]}
    (tmp_path / "flows" / "w.json").write_text(json.dumps(written))
    [linted] = [each for each in arazzo_runner.validate("flows/w.json") if each.code == "payload-mismatch"]
    [ran] = arazzo_runner.dry_run("flows/w.json").steps[0].attempts[0].diagnostics
    assert ["a file is described by" in (each.hint or "") for each in (linted, ran)] == [is_hinted, is_hinted]
