"""Files and hosts that documents may refer to, by the document that names them (security: source URLs, local files)."""

from __future__ import annotations

import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.cli.main import run
from tests.loopback import json_reply, serving

API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {"description": "fine"}}}}},
}


def arazzo(url, target="a", **fields):
    step = {"stepId": "s", "workflowId": target} if target.startswith("$") else {"stepId": "s", "operationId": target}
    return {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "source", "url": url}],
        "workflows": [{"workflowId": "w", "steps": [step]}],
        **fields,
    }


@contextmanager
def serving_documents():
    """Serve documents by their path; more can be added to `documents`."""
    documents = {"/api.json": API}
    with serving(lambda request: json_reply(documents[request.target])) as running:
        yield SimpleNamespace(url=running.url, documents=documents)


@pytest.fixture
def server():
    with serving_documents() as running:
        yield running


@pytest.fixture
def tree(tmp_path, monkeypatch):
    (tmp_path / "inside").mkdir()
    (tmp_path / "outside.json").write_text(json.dumps(API))
    (tmp_path / "inside" / "api.json").write_text(json.dumps(API))
    monkeypatch.chdir(tmp_path / "inside")
    return tmp_path


def write(tree, value, name="w.json"):
    path = tree / "inside" / name
    path.write_text(json.dumps(value))
    return str(path)


def errors(path, **options):
    try:
        arazzo_runner.load(path, load_options=LoadOptions(**options))
    except arazzo_runner.InvalidDescription as problem:
        return [f"{each.code}: {each.message}" for each in problem.diagnostics]
    return []


def test_absolute_sources_must_be_below_the_root_relative_ones_and_the_users_need_not(tree):
    outside, root = tree / "outside.json", str(tree / "inside")
    for url in (outside.as_uri(), outside.as_posix()):
        (message,) = errors(write(tree, arazzo(url)), root=root)
        assert message.startswith("source-not-readable")
        assert "is outside of" in message
    assert errors(write(tree, arazzo("../outside.json")), root=root) == []
    path = write(tree, arazzo("./gone.json"))
    assert errors(path, root=root, sources={"source": str(outside)}) == []


def test_a_remote_document_cannot_refer_to_files(tree, server):
    server.documents["/child.json"] = arazzo((tree / "inside" / "api.json").as_uri())
    path = write(tree, arazzo(f"{server.url}/child.json", "$sourceDescriptions.source.w"))
    (message,) = errors(path, root=str(tree))
    assert "a remote document must not lead to a file" in message


def test_a_remote_document_refers_to_its_own_server_and_to_others_when_allowed(tree, server):
    with serving_documents() as other:
        server.documents["/near.json"] = arazzo("./api.json")
        server.documents["/far.json"] = arazzo(f"{other.url}/api.json")
        near = write(tree, arazzo(f"{server.url}/near.json", "$sourceDescriptions.source.w"), "near.json")
        far = write(tree, arazzo(f"{server.url}/far.json", "$sourceDescriptions.source.w"), "far.json")
        assert errors(near) == []
        (message,) = errors(far)
        assert "private or loopback" in message
        assert errors(far, allow_hosts=["127.0.0.1"]) == []
        assert errors(far, allow_remote=True) == []


def test_validate_reads_remote_documents_only_when_allowed(tree, server, capsys):
    path = write(tree, arazzo(f"{server.url}/api.json", "unknown"))
    assert run(["validate", path]) == 0
    assert "not-checked" in capsys.readouterr().out
    assert run(["validate", path, "--allow-host", "127.0.0.1"]) == 1
    assert "unknown-operation" in capsys.readouterr().out
    assert run(["validate", path, "--allow-remote", "--offline"]) == 2
    assert "exclude each other" in capsys.readouterr().err
    assert run(["run", path, "--offline", "--dry-run"]) == 2
    assert "remote" in capsys.readouterr().err


def test_run_finds_included_documents_by_their_self(tree, capsys):
    identity = "https://example.test/flows/child.json"
    child = write(tree, {**arazzo((tree / "inside" / "api.json").as_uri()), "$self": identity}, "child.json")
    parent = write(tree, arazzo(identity, "$sourceDescriptions.source.w"), "parent.json")
    assert run(["run", parent, "--include", child, "--mock", "-q", "--root", str(tree)]) == 0
    assert run(["run", parent, "--mock", "-q", "--offline"]) == 2
    capsys.readouterr()
