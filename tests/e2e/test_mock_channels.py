"""`arazzo mock` with AsyncAPI descriptions: WebSockets and streams of events, for runs and for other clients."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import arazzo_runner
from tests.e2e.conftest import Arazzo

SHOP = Path(__file__).parents[2] / "fixtures" / "mocked-messages"
FLOWS = SHOP / "flows.arazzo.yml"
BUILDS = """\
asyncapi: 3.0.0
info: {title: Builds, version: 1.0.0}
servers: {web: {host: "127.0.0.1:1", protocol: http}}
channels:
  builds:
    address: /builds/{build}
    parameters: {build: {}}
    messages:
      Build:
        contentType: text/event-stream
        payload: {type: object, properties: {status: {type: string, enum: [done]}}}
operations: {built: {action: send, channel: {$ref: "#/channels/builds"}}}
"""
WAITING = """\
arazzo: 1.1.0
info: {title: Wait for a build, version: 1.0.0}
sourceDescriptions: [{name: builds, url: builds.yml, type: asyncapi}]
workflows:
  - workflowId: wait
    steps:
      - stepId: wait
        operationId: $sourceDescriptions.builds.built
        action: receive
        timeout: 5000
        parameters: [{name: build, in: path, value: 7}]
        outputs: {status: $message.payload#/status}
    outputs: {status: $steps.wait.outputs.status}
"""
RULES = """\
rules:
  - channel: chat
    when: [$message.payload#/line == 'hello']
    answer: [{payload: {line: hello}}, {payload: {line: welcome}, after: 0.05}]
  - operation: createOrder
    answer: {status: 202, body: {ticket: T}}
    publish: {channel: chat, payload: {line: ordered}}
"""
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")


@contextmanager
def mocking(*words: str | Path) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Run `arazzo mock` while the block runs; yields the URLs by name, and what it has printed once it has ended."""
    command = [sys.executable, "-m", "arazzo_runner", "mock", *map(str, words), "--no-color"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines: list[str] = []
    while not lines or "Ctrl-C" not in lines[-1]:
        lines.append(process.stderr.readline())
        assert lines[-1], "the mock ended"
    urls = {found[1]: found[2] for found in re.finditer(r"(\S+) is served at (\S+)", "".join(lines))}
    try:
        yield urls, lines
    finally:
        process.send_signal(signal.SIGINT)
        lines += process.communicate(timeout=20)[1].splitlines(keepends=True)
    assert "Traceback" not in "".join(lines)


def test_a_run_talks_to_a_websocket_of_the_mock(tmp_path: Path):
    (tmp_path / "rules.yml").write_text(RULES)
    with mocking(FLOWS, "--scenario", tmp_path / "rules.yml") as (urls, lines):
        assert "events has channels on MQTT, which need a broker, such as `mosquitto -p 1883`" in lines[0]
        result = arazzo_runner.run(FLOWS, "chat", servers={"events": urls["events"]})
        assert (result.status, result.outputs) == ("succeeded", {"line": "welcome"})
    assert [line for line in lines if "/chat" in line] == [
        "< /chat, 16 bytes\n",
        "> /chat, 16 bytes\n",
        "> /chat, 18 bytes\n",
    ]


def test_a_request_over_http_is_answered_by_a_message_too(tmp_path: Path):
    from websockets.sync.client import connect

    (tmp_path / "rules.yml").write_text(RULES)
    with mocking(FLOWS, "--scenario", tmp_path / "rules.yml") as (urls, _):
        api = next(url for url in urls.values() if url.startswith("http"))
        with connect(f"{urls['events']}/chat", proxy=None) as client:
            client.send('{"line": "hello"}')
            client.recv(timeout=10)  # so that it listens
            data = json.dumps({"id": "x"}).encode()
            request = urllib.request.Request(f"{api}/orders", data, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert answer.status == 202
            assert {client.recv(timeout=10) for _ in range(2)} == {'{"line":"welcome"}', '{"line":"ordered"}'}


def test_other_paths_and_hosts_are_refused():
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    with mocking(SHOP / "shop.asyncapi.yml") as (urls, _):
        for path, host, status in (("/nowhere", "127.0.0.1", 404), ("/chat", "evil.test", 421)):
            port = int(urls["shop.asyncapi"].rpartition(":")[2])
            with (
                pytest.raises(InvalidStatus) as refused,
                connect(f"ws://{host}:{port}{path}", address=("127.0.0.1", port), proxy=None),
            ):
                pass
            assert refused.value.response.status_code == status


def test_a_stream_of_events(tmp_path: Path):
    (tmp_path / "builds.yml").write_text(BUILDS)
    (tmp_path / "flow.yml").write_text(WAITING)
    with mocking(tmp_path / "flow.yml") as (urls, _):
        result = arazzo_runner.run(tmp_path / "flow.yml", servers={"builds": urls["builds"]})
        assert (result.status, result.outputs) == ("succeeded", {"status": "done"})
        with urllib.request.urlopen(f"{urls['builds']}/builds/8", timeout=10) as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"
            assert answer.read() == b'data: {"status": "done"}\n\n'


def test_channels_of_brokers_alone_are_nothing_to_serve(arazzo: Arazzo, folder: Path):
    text = BUILDS.replace("protocol: http", "protocol: nats")
    (folder / "builds.yml").write_text(text)
    ran = arazzo("mock", "builds.yml")
    assert ran.code == 2
    assert "error[nothing-to-serve]" in ran.err
    assert "builds has channels on NATS, which need a broker, such as `nats-server`" in ran.err


def test_a_cassette_of_messages_alone_is_nothing_to_serve(arazzo: Arazzo, folder: Path):
    assert arazzo("run", str(FLOWS), "-w", "order", "--mock", "--record", "messages.yml").code == 0
    ran = arazzo("mock", "--from", "messages.yml")
    assert ran.code == 2
    assert "error[nothing-to-serve]" in ran.err
    assert "arazzo replay plays its messages" in ran.err
