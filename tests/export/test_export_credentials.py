"""Exported scripts send the credentials that descriptions ask for, from the environment: a real server sees them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from arazzo_runner import load
from arazzo_runner.export.planning import make_plan
from arazzo_runner.export.targets import export

SPEC = Path(__file__).parents[2] / "specs" / "arazzo" / "order-with-credentials.yml"


class Handler(BaseHTTPRequestHandler):
    """Answers like the two APIs and the server of tokens, and keeps what it received."""

    def answer(self, status: int, value: object) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        self.server.seen.append((self.command, self.path, dict(self.headers.items()), body))  # type: ignore[attr-defined]
        sent = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def do_GET(self) -> None:
        self.answer(200, {"count": 3})

    def do_POST(self) -> None:
        if self.path == "/token":
            self.answer(200, {"access_token": "token-from-server", "token_type": "bearer"})
        else:
            self.answer(201, {"orderId": "o-1"})

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        served.seen = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield served
        served.shutdown()
        thread.join()


@pytest.mark.parametrize(("target", "program"), [("python", sys.executable), ("curl", "bash")])
def test_a_key_and_a_requested_token_are_sent(
    target: str, program: str, server: ThreadingHTTPServer, tmp_path: Path
) -> None:
    if target == "curl" and not (shutil.which("jq") and shutil.which("curl")):
        pytest.skip("needs jq and curl")
    url = f"http://127.0.0.1:{server.server_address[1]}"
    script = tmp_path / "script"
    script.write_text(next(iter(export(make_plan(load(SPEC)), target).files.values())), encoding="utf-8")
    variables = {
        "ARAZZO_INPUT_SKU": "LAMP-1",
        "ARAZZO_SERVER_STOCKROOM": url,
        "ARAZZO_SERVER_WHOLESALE": url,
        "ARAZZO_AUTH_STOCKROOM_KEY": "key-1",
        "ARAZZO_AUTH_WHOLESALE_TOKEN_CLIENT_ID": "me",
        "ARAZZO_AUTH_WHOLESALE_TOKEN_CLIENT_SECRET": "s3:cret",
        "ARAZZO_AUTH_WHOLESALE_TOKEN_TOKEN_URL": f"{url}/token",
        "NO_PROXY": "*",
    }
    environment = {**{name: value for name, value in os.environ.items() if not name.startswith("ARAZZO_")}, **variables}
    ran = subprocess.run([program, str(script)], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"count": 3, "order": "o-1"}
    look, token, order = server.seen  # type: ignore[attr-defined]
    assert look[2]["X-Api-Key"] == "key-1"
    assert token[2]["Authorization"] == f"Basic {b64encode(b'me:s3:cret').decode()}"
    assert sorted(token[3].split("&")) == ["grant_type=client_credentials", "scope=orders"]
    assert order[2]["Authorization"] == "Bearer token-from-server"
    assert json.loads(order[3]) == {"sku": "LAMP-1", "quantity": 20}
