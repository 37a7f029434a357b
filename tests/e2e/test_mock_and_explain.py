"""`arazzo mock` serves until Ctrl-C; `arazzo explain` knows every page."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from arazzo_runner.cli.commands.explain import refilled
from arazzo_runner.lint import pages as code_pages
from tests.e2e.conftest import SPECS, Arazzo
from tests.e2e.golden import assert_golden
from tests.runtime.test_mock_raw import API as RAW_API, REQUESTS, exchange

RECORDED = """
arazzo-cassette: 1
document: workflow.yml
workflowId: look
status: succeeded
interactions:
- key: get#1
  started: 1795712199.35
  source: api
  server: https://api.test
  request: {method: GET, url: https://api.test/a, headers: ['Accept: application/json']}
  response: {status: 200, headers: ['Content-Type: application/json'], json: fine}
- key: post#1
  started: 1795712199.35
  source: api
  server: https://api.test
  request: {method: POST, url: https://api.test/a, headers: ['Content-Type: application/json'], json: {a: 1}}
  response: {status: 201, headers: []}
"""
OPENAPI = str(SPECS / "openapi" / "prismatic-graphql-api-openapi.yml")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("spec", ["arazzo", "openapi"])
def test_mock_serves_until_it_is_interrupted(spec: str, seed: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "arazzo_runner", "mock", seed if spec == "arazzo" else OPENAPI, "--no-color"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines: list[str] = []
    while not lines or "Ctrl-C" not in lines[-1]:
        lines.append(process.stderr.readline())
        assert lines[-1], "the mock ended"
    url = re.search(r"is served at (http://127\.0\.0\.1:\d+)", "".join(lines))
    assert url is not None
    request = urllib.request.Request(
        url.group(1) + "/auth/refresh?token=shown-nowhere",
        data=b'{"refresh_token": "x"}',
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert out == ""
    assert "POST /auth/refresh?token=***  200 OK" in err


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_mock_answers_for_the_hosts_it_was_allowed() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "arazzo_runner", "mock", OPENAPI, "--no-color", "--allow-host", "api.test"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    port = int(process.stderr.readline().rpartition(":")[2])
    found = {}
    for host in ("127.0.0.1", "api.test", f"api.test:{port}", "evil.test"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/nowhere", headers={"Host": host})
        found[host] = connection.getresponse().status
        connection.close()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert found == {"127.0.0.1": 404, "api.test": 404, f"api.test:{port}": 404, "evil.test": 421}
    assert "refused  421 Misdirected Request: this mock answers for 127.0.0.1" in err
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("kind", ["spec", "cassette"])
def test_mock_answers_whatever_is_sent_and_goes_on(kind: str, tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text(json.dumps(RAW_API))
    (tmp_path / "recorded.yml").write_text(RECORDED)
    arguments = [str(tmp_path / "api.json")] if kind == "spec" else ["--from", str(tmp_path / "recorded.yml")]
    process = subprocess.Popen(
        [sys.executable, "-m", "arazzo_runner", "mock", *arguments, "--no-color"], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    port = int(process.stderr.readline().rpartition(":")[2].strip(" /\n"))
    told: list[str] = []
    reader = threading.Thread(target=lambda: told.append(process.stderr.read() if process.stderr else ""))
    reader.start()
    statuses = {str(case.id): exchange(port, case.values[0])[0] for case in REQUESTS}
    process.send_signal(signal.SIGINT)
    process.wait(timeout=10)
    reader.join()
    process.stderr.close()
    assert {name for name, status in statuses.items() if status in (0, 500)} == set()
    if kind == "spec":
        assert statuses == {str(case.id): case.values[1] for case in REQUESTS}
    assert "Traceback" not in told[0]
    assert "\x1b" not in told[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mock", "nowhere.yml"], "error[unreadable-file]"),
        (["mock", "empty.yml"], "error[empty-document]"),
        (["mock", OPENAPI, "--port", "99999"], "error[usage]"),
    ],
)
def test_mock_refuses(arguments: list[str], message: str, arazzo: Arazzo, folder: Path) -> None:
    (folder / "empty.yml").write_text("")
    ran = arazzo(*arguments)
    assert ran.code == 2
    assert message in ran.err


def test_mock_reports_that_a_port_is_in_use(arazzo: Arazzo) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = arazzo("mock", OPENAPI, "--port", str(taken.getsockname()[1]))
    assert ran.code == 2
    assert "error[port-not-usable]" in ran.err


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "package" / "pages"
    folder.mkdir(parents=True)
    (folder / "unknown-step.md").write_text("# unknown-step\n\nA stepId that does not name a step.\n\nMore.\n")
    (folder / "bare-expression.md").write_text("# bare-expression\n\nAn expression without braces.\n")
    monkeypatch.setattr(code_pages, "_FOLDER", str(folder))
    return folder


@pytest.mark.usefixtures("pages")
def test_explain(arazzo: Arazzo) -> None:
    ran = [arazzo("explain"), arazzo("explain", "unknown-step"), arazzo("explain", "unknown-stp")]
    assert [each.code for each in ran] == [0, 0, 2]
    assert_golden("explain/pages", "\n".join(each.transcript() for each in ran))


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_page_is_as_wide_as_the_terminal(width):
    for name, path in code_pages.pages().items():
        text = path.read_text(encoding="utf-8").rstrip()
        shown = refilled(text, width)
        assert shown.split() == text.split(), name
        assert [line for line in shown.split("\n") if line.startswith(("#", "    "))] == [
            line for line in text.split("\n") if line.startswith(("#", "    "))
        ]
        wide = [each for each in shown.split("\n") if len(each) > width and not each.startswith(("#", "    "))]
        assert all(len(each.split()) == 1 for each in wide), (name, wide)
