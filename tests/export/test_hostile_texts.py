"""Texts of a document stay data in what is exported: the tools send them as arazzo sends them, and run none of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

import arazzo_runner
from arazzo_runner.export.planning import make_plan
from arazzo_runner.export.targets import export
from arazzo_runner.program.model import Program
from tests.export.runners import NODE, SHIM, module

Sent = list[tuple[str, str | None, Any]]
"""Requests: the path with its query, the header X-Text and the body."""

HOSTILE = [
    "plain",
    "'\"`",
    "${process.exit(7)}",
    "`${process.exit(7)}`",
    "{{server_echo}}",
    "{{given}} {{{given}}} }}",
    "{% process.exit(7) %}",
    "%}\n### next\nGET http://127.0.0.1:9/",
    "*/ process.exit(7) /*",
    "</script><script>process.exit(7)</script>",
    "\n// process.exit(7)\nprocess.exit(7)",
    "\u2028process.exit(7)\u2029process.exit(7)",
    "\\",
    '\\\\" + process.exit(7) + "',
    "\r\nX-More: 1\r\n\r\nprocess.exit(7)",
    "> {%\nprocess.exit(7)\n%}",
    "< /etc/passwd",
    "__proto__",
    "$random.uuid {{$guid}} {{$processEnv PATH}}",
    "é😀\u200b\ufeff",
]
DESCRIPTION = {
    "openapi": "3.1.0",
    "info": {"title": "Echo", "version": "1"},
    "servers": [{"url": "https://echo.example.com"}],
    "paths": {
        "/say/{place}": {
            "parameters": [{"name": "place", "in": "path", "required": True, "schema": {"type": "string"}}],
            "post": {
                "operationId": "say",
                "parameters": [
                    {"name": "q", "in": "query", "schema": {"type": "string"}},
                    {"name": "X-Text", "in": "header", "schema": {"type": "string"}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                "responses": {"200": {"description": "What was said."}},
            },
        }
    },
}


def document(texts: list[str]) -> dict[str, Any]:
    """Return a document with each text in each place of a step where any text may be."""
    return {
        "arazzo": "1.0.1",
        "info": {"title": "Hostile", "version": "1"},
        "sourceDescriptions": [{"name": "echo", "url": "echo.yml", "type": "openapi"}],
        "workflows": [
            {
                "workflowId": "say-all",
                "summary": " ".join(texts),
                "inputs": {
                    "type": "object",
                    "properties": {"given": {"type": "string", "default": texts[0], "description": texts[-1]}},
                },
                "steps": [step(number, text) for number, text in enumerate(texts)],
                "outputs": {"last": f"$steps.s{len(texts) - 1}.outputs.text"},
            }
        ],
    }


def step(number: int, text: str) -> dict[str, Any]:
    quoted = text.replace("'", "''")
    is_header = text.isprintable() and text.isascii() and text.strip() == text and "{{" not in text
    header = [{"name": "X-Text", "in": "header", "value": text}] if is_header and "{$" not in text else []
    return {
        "stepId": f"s{number}",
        "description": text,
        "operationId": "say",
        "parameters": [
            {"name": "place", "in": "path", "value": f"p{number} {text}"},
            {"name": "q", "in": "query", "value": text},
            *header,
        ],
        "requestBody": {"payload": {"text": text, "both": f"{text} {{$inputs.given}}", text or "empty": 1}},
        "successCriteria": [
            {"condition": "$statusCode == 200"},
            {"condition": f"$response.body#/text == '{quoted}'"},
        ],
        "onSuccess": [{"name": f"end {text}", "type": "end", "criteria": [{"condition": f"'{quoted}' == 'no'"}]}],
        "outputs": {"text": "$response.body#/text"},
    }


@contextmanager
def echo(sent: Sent) -> Iterator[str]:
    """Serve an API that answers with the body that it received, and records requests."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.append((self.path, self.headers["X-Text"], json.loads(body)))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *about: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def loaded(texts: list[str], folder: Path) -> Program:
    (folder / "echo.yml").write_text(yaml.safe_dump(DESCRIPTION), encoding="utf-8")
    path = folder / "flow.yml"
    path.write_text(yaml.safe_dump(document(texts), allow_unicode=True), encoding="utf-8")
    return arazzo_runner.load(path)


def text_of(program: Program, target: str) -> str:
    return next(iter(export(make_plan(program), target).files.values()))


def with_k6(program: Program, url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    assert NODE is not None
    (folder / "script.mjs").write_text(text_of(program, "k6"), encoding="utf-8")
    shutil.copytree(SHIM, folder / "node_modules" / "k6", dirs_exist_ok=True)
    command = [NODE, str(SHIM / "run.mjs"), str(folder / "script.mjs")]
    return run(command, folder, {"ARAZZO_SERVER_ECHO": url})


def with_newman(program: Program, url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    newman = module("newman/bin/newman.js")
    assert NODE is not None
    assert newman is not None
    (folder / "collection.json").write_text(text_of(program, "postman"), encoding="utf-8")
    command = [NODE, str(newman), "run", "collection.json", "--color", "off", "--env-var", f"server_echo={url}"]
    return run(command, folder, {})


def with_httpyac(program: Program, url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    httpyac = module("httpyac/bin/httpyac.js")
    assert NODE is not None
    assert httpyac is not None
    (folder / "all.http").write_text(text_of(program, "http"), encoding="utf-8")
    (folder / "http-client.env.json").write_text(json.dumps({"dev": {"server_echo": url}}), encoding="utf-8")
    return run([NODE, str(httpyac), "send", "all.http", "--all", "--env", "dev", "--no-color"], folder, {})


def run(command: list[str], folder: Path, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **more}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=90)


Tool = Callable[[Program, str, Path], "subprocess.CompletedProcess[str]"]


def check(texts: list[str], tool: Tool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = loaded(texts, folder)
        expected: Sent = []
        with echo(expected) as url:
            result = arazzo_runner.run(program, servers={"echo": url})
        assert result.status == "succeeded", result.reason
        found: Sent = []
        with echo(found) as url:
            ran = tool(program, url, folder)
        assert found == expected, ran.stdout + ran.stderr
        assert ran.returncode == 0, ran.stdout + ran.stderr


TOOLS = [
    pytest.param(with_k6, marks=pytest.mark.skipif(NODE is None, reason="node is not installed"), id="k6"),
    pytest.param(
        with_newman,
        marks=pytest.mark.skipif(module("newman/bin/newman.js") is None, reason="newman is not installed"),
        id="newman",
    ),
    pytest.param(
        with_httpyac,
        marks=pytest.mark.skipif(module("httpyac/bin/httpyac.js") is None, reason="httpyac is not installed"),
        id="httpyac",
    ),
]


@pytest.mark.parametrize("tool", TOOLS)
def test_texts_are_sent_as_they_are(tool: Tool) -> None:
    check(HOSTILE, tool)


PIECES = st.sampled_from(
    ["'", '"', "`", "${", "{{", "}}", "{%", "%}", "\n", "\r", "*/", "//", "</script>", "\\", "%", "a", "é"]
)
TEXTS = st.lists(PIECES, min_size=1, max_size=8).map("".join)


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TEXTS, min_size=1, max_size=12))
def test_any_texts_are_sent_as_they_are(texts: list[str]) -> None:
    check(texts, with_k6)
