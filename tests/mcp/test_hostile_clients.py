"""Clients that do not keep to the protocol: the server goes on, and says nothing but the protocol."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from arazzo_runner.cli.main import run
from tests.mcp import serving as at

_HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}


class Lines:
    """A server whose standard streams are written and read by hand."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def send(self, line: bytes | dict[str, Any]) -> None:
        assert self._process.stdin is not None
        data = line if isinstance(line, bytes) else json.dumps({"jsonrpc": "2.0", **line}).encode()
        self._process.stdin.write(data + b"\n")
        self._process.stdin.flush()

    def answer_to(self, identifier: Any) -> dict[str, Any]:
        """Return the answer of an id; whatever comes before it is JSON-RPC as well."""
        assert self._process.stdout is not None
        while True:
            found: dict[str, Any] = json.loads(self._process.stdout.readline())
            assert found["jsonrpc"] == "2.0"
            if found.get("id") == identifier:
                return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    """One server for all of these tests: none of them ends it."""
    folder = tmp_path_factory.mktemp("lines")
    command = [*at.COMMAND, "mcp", str(at.written(folder)), "--mock"]
    with (folder / "stderr.txt").open("wb") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=at.environment(folder)
        )
        watchdog = threading.Timer(120, process.kill)
        watchdog.start()
        found = Lines(process)
        found.send({"id": 0, "method": "initialize", "params": _HELLO})
        found.answer_to(0)
        found.send({"method": "notifications/initialized"})
        yield found
        process.communicate(timeout=20)
        watchdog.cancel()
        assert process.returncode == 0
    printed = (folder / "stderr.txt").read_text()
    assert "Traceback" not in printed
    assert all(secret not in printed for secret in at.SECRETS)


@pytest.fixture
def lines(server: Lines) -> Iterator[Lines]:
    yield server
    server.send({"id": "last", "method": "tools/call", "params": {"name": "look", "arguments": {"id": 1}}})
    assert server.answer_to("last")["result"]["isError"] is False, "the server goes on"


NO_MESSAGES = [
    pytest.param(b"{", id="broken JSON"),
    pytest.param(b"", id="an empty line"),
    pytest.param(b"\xff\xfe\x00", id="no UTF-8"),
    pytest.param(b"[" * 100_000, id="nested deeply"),
    pytest.param(b'"text"', id="no object"),
    pytest.param(b'{"jsonrpc": "2.0", "id": {"a": 1}, "method": 5}', id="wrong types all over"),
    pytest.param(
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": []}', id="a cancellation of nothing"
    ),
    pytest.param(b"x" * (17 * 2**20), id="a line without end"),
]
UNANSWERED = [
    pytest.param(
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}}', id="an unknown id"
    ),
    pytest.param(b'{"jsonrpc": "2.0", "id": 5, "result": {}}', id="an answer that nobody asked for"),
]


@pytest.mark.parametrize("line", NO_MESSAGES)
def test_lines_that_are_no_messages_are_answered(lines: Lines, line: bytes) -> None:
    lines.send(line)
    assert lines.answer_to(None)["error"]["code"] == -32700


@pytest.mark.parametrize("line", UNANSWERED)
def test_messages_that_mean_nothing(lines: Lines, line: bytes) -> None:
    lines.send(line)


def test_requests_that_are_wrong(lines: Lines) -> None:
    call = "tools/call"
    wrong: list[tuple[str, Any]] = [
        (call, {"name": "nothing"}),
        (call, {"name": 5}),
        (call, {}),
        (call, {"name": "look", "arguments": []}),
        (call, {"name": "look", "arguments": {"id": 1}, "requestState": "guess"}),
        ("resources/read", {"uri": "file:///etc/passwd"}),
        ("resources/read", {"uri": 7}),
        ("no/such/method", {}),
    ]
    for number, (method, params) in enumerate(wrong, start=10):
        lines.send({"id": number, "method": method, "params": params})
        assert "error" in lines.answer_to(number), (method, params)


def test_arguments_of_any_size_and_depth(lines: Lines) -> None:
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    for number, value in enumerate(("x" * 2**20, deep, {"a" * 1000: 1}, None), start=20):
        lines.send({"id": number, "method": "tools/call", "params": {"name": "look", "arguments": {"id": value}}})
        assert lines.answer_to(number).get("result", {}).get("isError", True)


def test_an_id_that_is_used_twice_and_cancelled(lines: Lines) -> None:
    for _ in range(2):
        lines.send({"id": 30, "method": "tools/call", "params": {"name": "look", "arguments": {"id": 1}}})
    lines.send({"method": "notifications/cancelled", "params": {"requestId": 30}})
    lines.send({"method": "notifications/cancelled", "params": {"requestId": 30}})


# ------------------------------------------------------------------ HTTP


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("http")
    known = at.environment(folder, ARAZZO_MCP_TOKEN=at.TOKEN)
    with at.http_server([str(at.written(folder)), "--mock"], known, folder / "stderr.txt") as found:
        yield found


Headers = dict[str, str]
_GOOD: Headers = {
    "Authorization": f"Bearer {at.TOKEN}",
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
}


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        pytest.param({}, 200, id="a client that has the token"),
        pytest.param({"Authorization": ""}, 401, id="no token"),
        pytest.param({"Authorization": "Bearer wrong"}, 401, id="another token"),
        pytest.param({"Authorization": f"Bearer {at.TOKEN}x"}, 401, id="a longer token"),
        pytest.param({"Authorization": f"Basic {at.TOKEN}"}, 401, id="another scheme"),
        pytest.param({"Authorization": "Bearer \xff\xfe"}, 401, id="a token of other characters"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="a page of another site"),
        pytest.param({"Origin": "null"}, 403, id="a page without an origin"),
        pytest.param({"Origin": "http://localhost.evil.example"}, 403, id="a name that begins like ours"),
        pytest.param({"Origin": "http://localhost:3000"}, 200, id="a page of this machine"),
        pytest.param({"Host": "evil.example"}, 421, id="a name that was rebound"),
        pytest.param({"Host": "[::1"}, 421, id="a host that is none"),
    ],
)
def test_who_may_come_in(url: str, changed: Headers, status: int) -> None:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in {**_GOOD, **changed}.items()]
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _HELLO}
    answer = httpx.post(url, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert at.TOKEN not in answer.text


@pytest.mark.parametrize(
    ("method", "content"),
    [("POST", b"{"), ("POST", b"[]"), ("POST", b"x" * (17 * 2**20)), ("PUT", b""), ("DELETE", b""), ("OPTIONS", b"")],
    ids=["broken JSON", "an empty batch", "a large body", "PUT", "a session that is not", "OPTIONS"],
)
def test_requests_that_make_no_sense(url: str, method: str, content: bytes) -> None:
    with httpx.Client(headers=_GOOD) as client:
        try:
            assert client.request(method, url, content=content).status_code >= 400
        except httpx.WriteError:
            assert len(content) > 2**20, "the server need not read what is too large"
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _HELLO}
        assert client.post(url, json=body).status_code == 200, "the server goes on"


# ------------------------------------------------------------------ the command line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["{flow}", "--http", "0.0.0.0:0"], "a token is needed", id="other machines, without a token"),
        pytest.param(["{flow}", "--http", "8765"], "--http expects HOST:PORT", id="a port alone"),
        pytest.param(["{flow}", "--http", "127.0.0.1:99999"], "--http expects HOST:PORT", id="no port"),
        pytest.param(["{flow}", "--only", "lok"], 'there is no workflow "lok"', id="no such workflow"),
        pytest.param(["{flow}", "-i", "nothing=1"], 'no workflow has the input "nothing"', id="no such input"),
        pytest.param(["{flow}", "-i", "id=x"], 'input "id" must be integer', id="an input that does not fit"),
        pytest.param(["{flow}", "-i", "note=@-"], "standard input carries the protocol", id="standard input"),
        pytest.param(["{broken}"], "error[", id="a broken document"),
        pytest.param(["{folder}/none.yml"], "none.yml", id="a file that is not there"),
        pytest.param(["{folder}"], "directory", id="a folder"),
        pytest.param(["{flow}", "--durable", "--confirm"], "exclude each other", id="a durable run asks nobody"),
        pytest.param(["{flow}", "--confirm", "--deny-unsafe"], "exclude each other", id="nothing to be confirmed"),
    ],
)
def test_what_is_refused_before_anything_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    flow = at.written(tmp_path)
    (tmp_path / "broken.yml").write_text("arazzo: 1.0.1\nworkflows: 5\n")
    names = {"flow": str(flow), "broken": str(tmp_path / "broken.yml"), "folder": str(tmp_path)}
    assert run(["mcp", *(each.format(**names) for each in arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err.replace("\n    ", " ")


def test_a_short_token_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAZZO_MCP_TOKEN", "tiny-one")
    assert run(["mcp", str(at.written(tmp_path)), "--http", "127.0.0.1:0"]) == 2
    printed = capsys.readouterr().err
    assert "at least 16" in printed
    assert "tiny-one" not in printed


def test_without_the_library_the_message_names_it(tmp_path: Path) -> None:
    (tmp_path / "mcp_types.py").write_text("raise ImportError\n")
    known = at.environment(tmp_path, PYTHONPATH=str(tmp_path))
    line = [*at.COMMAND, "mcp", str(at.written(tmp_path))]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=known)
    assert done.returncode == 2
    assert "error[mcp-not-installed]: arazzo mcp needs the library mcp, version 2" in done.stderr
    assert "pip install 'mcp>=2,<3'" in done.stderr


def test_other_commands_do_not_import_the_library() -> None:
    code = (
        "import sys, arazzo_runner, arazzo_runner.cli.main, arazzo_runner.cli.commands.run\n"
        "found = [name for name in sys.modules if name.split('.')[0] in ('mcp', 'mcp_types', 'pydantic', 'uvicorn')]\n"
        "assert not found, found\n"
    )
    subprocess.run([*at.COMMAND[:2], code], check=True)
