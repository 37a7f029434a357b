"""kill -9 of a durable run whose steps run in parallel, while one of them waits: what was answered is not sent again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Reply, Request, json_reply, serving

NAMES = ("slow", "b1", "b2", "b3", "z")
NEEDS = {"b2": ["b1"], "b3": ["b2"], "z": ["slow", "b3"]}
API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://127.0.0.1:1"}],
    "paths": {f"/{name}": {"post": {"operationId": name}} for name in NAMES},
}
AGAIN = [{"name": "again", "type": "retry", "retryLimit": 2, "criteria": [{"condition": "$statusCode == 503"}]}]
STEPS = [{"stepId": name, "operationId": name, "dependsOn": NEEDS.get(name, []), "onFailure": AGAIN} for name in NAMES]


class Server:
    """Answers 503 to the first request of `slow`; kills the client in the middle of the n-th request of a path.

    It kills only once the client says that `slow` waits: the answer to its first request may arrive later than others.
    """

    def __init__(self, path: str, number: int) -> None:
        self.asked: list[str] = []
        self.client: subprocess.Popen[bytes] | None = None
        self.waits = threading.Event()
        self._kill = path, number

    def __call__(self, request: Request) -> Reply:
        name = request.target.removeprefix("/")
        self.asked.append(name)
        if self.client is not None and (name, self.asked.count(name)) == self._kill:
            assert self.waits.wait(30), "slow does not wait"
            os.kill(self.client.pid, signal.SIGKILL)
            self.client.wait()
        if name == "slow" and self.asked.count(name) == 1:
            return Reply(503, headers=[("Retry-After", "2")])
        return json_reply({})


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
@pytest.mark.parametrize(
    ("path", "number", "asked"),
    [
        pytest.param(
            "b2", 1, ["b1", "b2", "b2", "b3", "slow", "slow", "z"], id="while one step waits and another sends"
        ),
        pytest.param("slow", 2, ["b1", "b2", "b3", "slow", "slow", "slow", "z"], id="after the wait, all else is done"),
    ],
)
def test_killed_while_a_step_waits(tmp_path: Path, path: str, number: int, asked: list[str]) -> None:
    (tmp_path / "api.json").write_text(json.dumps(API))
    document: dict[str, Any] = {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.json", "type": "openapi"}],
        "workflows": [{"workflowId": "w", "steps": STEPS}],
    }
    (tmp_path / "w.json").write_text(json.dumps(document))
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}

    def arazzo(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "arazzo_runner", *arguments]
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    server = Server(path, number)
    with serving(server) as served:
        options = ("--server", f"api={served.url}", "--durable", "--run-id", "r", "--parallel")
        with arazzo("run", "w.json", *options) as server.client:
            assert server.client.stderr is not None
            for line in server.client.stderr:
                if line.lstrip().startswith(b"slow: waiting"):
                    server.waits.set()
        assert server.client.returncode == -signal.SIGKILL
        server.client = None
        before = list(server.asked)
        waiting = arazzo("resume", "r")
        out, err = waiting.communicate(timeout=60)
        assert (waiting.returncode, server.asked) == (3, before), out + err
        assert f"in doubt: {path}:".encode() in err
        resumed = arazzo("resume", "r", "--step", path, "--as", "resend")
        out, err = resumed.communicate(timeout=60)
        assert resumed.returncode == 0, out + err
    assert sorted(server.asked) == asked
