"""What documents may lead to: files and hosts, by who names them (security: source URLs, local files)."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import arazzo_runner
from arazzo_runner.cli.main import run

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


class Documents(BaseHTTPRequestHandler):
    """Serves the documents of its server's `documents`."""

    def do_GET(self):
        data = json.dumps(self.server.documents[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    running = ThreadingHTTPServer(("127.0.0.1", 0), Documents)
    running.documents = {"/api.json": API}
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


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
        arazzo_runner.load(path, **options)
    except arazzo_runner.InvalidDescription as problem:
        return [f"{each.code}: {each.message}" for each in problem.diagnostics]
    return []


def test_absolute_sources_are_held_to_the_root_relative_ones_and_the_users_are_not(tree):
    outside, root = tree / "outside.json", str(tree / "inside")
    for url in (outside.as_uri(), outside.as_posix()):
        (message,) = errors(write(tree, arazzo(url)), root=root)
        assert message.startswith("source-not-readable")
        assert "is outside of" in message
    assert errors(write(tree, arazzo("../outside.json")), root=root) == []
    path = write(tree, arazzo("./gone.json"))
    assert errors(path, root=root, sources={"source": str(outside)}) == []


def test_a_remote_document_leads_to_no_file(tree, server):
    base = f"http://127.0.0.1:{server.server_port}"
    server.documents["/child.json"] = arazzo((tree / "inside" / "api.json").as_uri())
    path = write(tree, arazzo(f"{base}/child.json", "$sourceDescriptions.source.w"))
    (message,) = errors(path, root=str(tree))
    assert "a remote document must not lead to a file" in message


def test_a_remote_document_leads_to_its_own_server_and_elsewhere_when_allowed(tree, server):
    with ThreadingHTTPServer(("127.0.0.1", 0), Documents) as other:
        other.documents = {"/api.json": API}
        threading.Thread(target=other.serve_forever, args=(0.02,), daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        server.documents["/near.json"] = arazzo("./api.json")
        server.documents["/far.json"] = arazzo(f"http://127.0.0.1:{other.server_port}/api.json")
        near = write(tree, arazzo(f"{base}/near.json", "$sourceDescriptions.source.w"), "near.json")
        far = write(tree, arazzo(f"{base}/far.json", "$sourceDescriptions.source.w"), "far.json")
        assert errors(near) == []
        (message,) = errors(far)
        assert "private or loopback" in message
        assert errors(far, allow_hosts=["127.0.0.1"]) == []
        assert errors(far, allow_remote=True) == []
        other.shutdown()


def test_validate_reads_remote_documents_only_when_told(tree, server, capsys):
    path = write(tree, arazzo(f"http://127.0.0.1:{server.server_port}/api.json", "unknown"))
    assert run(["validate", path]) == 0
    assert "not-checked" in capsys.readouterr().out
    assert run(["validate", path, "--allow-host", "127.0.0.1"]) == 1
    assert "unknown-operation" in capsys.readouterr().out
    assert run(["validate", path, "--allow-remote", "--offline"]) == 0
    assert run(["run", path, "--offline", "--dry-run"]) == 2
    assert "remote" in capsys.readouterr().err


def test_run_finds_included_documents_by_their_self(tree, capsys):
    identity = "https://example.test/flows/child.json"
    child = write(tree, {**arazzo((tree / "inside" / "api.json").as_uri()), "$self": identity}, "child.json")
    parent = write(tree, arazzo(identity, "$sourceDescriptions.source.w"), "parent.json")
    assert run(["run", parent, "--include", child, "--mock", "-q", "--root", str(tree)]) == 0
    assert run(["run", parent, "--mock", "-q", "--offline"]) == 2
    capsys.readouterr()
