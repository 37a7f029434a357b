"""`arazzo mcp` as a process, the SDK's own client, and a record of everything that the client is sent."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from tests.loopback import Reply, Request, json_reply

COMMAND = [sys.executable, "-c", "import sys; from arazzo_runner.cli.main import main; sys.argv[0] = 'arazzo'; main()"]
TOKEN = "the-token-of-the-clients-0123456789"
REFRESH = "refresh-secret-5f8e1c7a90"
ACCESS = "access-secret-c0ffee4242"
API_KEY = "api-key-secret-77aa55"
PINNED = "pinned-account-1"
SECRETS = (REFRESH, ACCESS, API_KEY)

FLOW = """\
arazzo: 1.0.1
info: {title: Accounts, version: "1"}
sourceDescriptions: [{name: accounts, url: api.yml, type: openapi}]
workflows:
  - workflowId: rotate.token
    summary: Rotate the token.
    description: Exchanges the refresh token, then revokes it.
    inputs:
      type: object
      required: [refreshToken, note]
      properties:
        refreshToken: {type: string}
        note: {$ref: "#/components/inputs/note"}
        login: {type: object, properties: {user: {type: string}, password: {type: string}}}
    steps:
      - stepId: refresh
        operationId: refresh
        requestBody: {contentType: application/json, payload: {refresh_token: $inputs.refreshToken, note: $inputs.note}}
        successCriteria: [{condition: $statusCode == 200}]
        outputs: {accessToken: $response.body#/access_token, text: $response.body#/text}
      - stepId: revoke
        operationId: revoke
        parameters: [{name: Authorization, in: header, value: "Bearer {$steps.refresh.outputs.accessToken}"}]
        requestBody: {contentType: application/json, payload: {refresh_token: $inputs.refreshToken}}
        successCriteria: [{condition: $statusCode == 200}]
    outputs:
      accessToken: $steps.refresh.outputs.accessToken
      text: $steps.refresh.outputs.text
      echo: $steps.refresh.outputs.text
  - workflowId: look
    inputs:
      type: object
      required: [id]
      properties: {id: {type: integer}, size: {type: integer, default: 1}}
    steps:
      - stepId: get
        operationId: getAccount
        parameters: [{name: id, in: path, value: $inputs.id}, {name: size, in: query, value: $inputs.size}]
        successCriteria: [{condition: $statusCode == 200}, {condition: $response.body#/active == true}]
        outputs: {name: $response.body#/name}
    outputs: {name: $steps.get.outputs.name}
components:
  inputs:
    note: {type: string, description: For the log.}
"""
API = """\
openapi: 3.1.0
info: {title: Accounts, version: "1"}
servers: [{url: "http://127.0.0.1:9"}]
paths:
  /refresh:
    post: {operationId: refresh, responses: {"200": {description: ok, content: {application/json: {schema: {
      type: object, properties: {access_token: {type: string}, text: {type: string, maxLength: 5}}}}}}}}
  /revoke:
    post: {operationId: revoke, responses: {"200": {description: ok}}}
  /accounts/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get:
      operationId: getAccount
      parameters: [{name: size, in: query, schema: {type: integer}}]
      security: [{key: []}]
      responses: {"200": {description: ok, content: {application/json: {schema: {
        type: object, properties: {name: {type: string}, active: {type: boolean}}}}}}}
components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}}
"""


class Bank:
    """An API whose answers quote every secret that they got; `hold` keeps its answers back until `release` is set."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.arrived = threading.Event()
        self.hold = False
        self.refuses = False

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        if self.hold:
            self.arrived.set()
            self.release.wait(20)
        quoted = f"{request.headers.get('Authorization')} {request.headers.get('X-Key')} {request.body.decode()}"
        if request.target.startswith("/refresh"):
            if self.refuses:
                return json_reply({"error": "invalid grant", "seen": quoted}, 400)
            return json_reply({"access_token": ACCESS, "text": f"for {quoted}"})
        if request.target.startswith("/revoke"):
            return json_reply({"seen": quoted})
        size = int(request.target.partition("size=")[2] or 1)
        return json_reply({"name": f"{quoted} " * size, "active": not request.target.startswith("/accounts/404")})


@dataclass
class Wire:
    """Everything that a client was sent, and what the server wrote to standard error."""

    messages: list[str] = field(default_factory=list)
    errors: Path | None = None

    @property
    def text(self) -> str:
        """All of it."""
        printed = self.errors.read_text() if self.errors is not None and self.errors.exists() else ""
        return "\n".join([*self.messages, printed])


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the variables of a server, whose files are below a folder."""
    own = {f"XDG_{name}_HOME": str(folder / name) for name in ("STATE", "CONFIG", "CACHE")}
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "PYTHONPATH") if name in os.environ}
    return {**kept, **own, "ARAZZO_INPUT_REFRESH_TOKEN": REFRESH, "ARAZZO_AUTH_ACCOUNTS_KEY": API_KEY, **more}


def written(folder: Path) -> Path:
    """Write the documents and return that of the workflows."""
    (folder / "api.yml").write_text(API)
    (folder / "flow.yml").write_text(FLOW)
    return folder / "flow.yml"


@asynccontextmanager
async def recorded(transport: Any, wire: Wire) -> AsyncIterator[tuple[Any, Any]]:
    """Pass a transport on, and record what comes."""
    async with transport as (reading, writing), anyio.create_task_group() as group:
        send, receive = anyio.create_memory_object_stream[Any](100)

        async def relay() -> None:
            async with send, reading:
                async for item in reading:
                    wire.messages.append(
                        repr(item) if isinstance(item, Exception) else item.message.model_dump_json(by_alias=True)
                    )
                    await send.send(item)

        group.start_soon(relay)
        yield receive, writing
        group.cancel_scope.cancel()


@asynccontextmanager
async def stdio(
    arguments: list[str], env: Mapping[str, str], wire: Wire, folder: Path, **options: Any
) -> AsyncIterator[Client]:
    """Connect a client to a new process over its standard streams."""
    wire.errors = folder / "stderr.txt"
    parameters = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], "mcp", *arguments], env=dict(env))
    with wire.errors.open("w") as errors:
        async with Client(recorded(stdio_client(parameters, errlog=errors), wire), **options) as client:
            yield client


@contextmanager
def http_server(arguments: list[str], env: Mapping[str, str], errors: Path) -> Iterator[str]:
    """Serve over HTTP on a free port and give the URL."""
    line = [*COMMAND, "mcp", *arguments, "--http", "127.0.0.1:0"]
    with errors.open("w") as file:
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file, env=dict(env))
        try:
            yield _url(process, errors)
        finally:
            process.terminate()
            printed, _ = process.communicate(timeout=20)
            assert printed == b"", "standard output is for results"


def _url(process: subprocess.Popen[bytes], errors: Path) -> str:
    for _ in range(600):
        found = re.search(r"http://127\.0\.0\.1:\d+/mcp", errors.read_text())
        if found:
            return found[0]
        assert process.poll() is None, errors.read_text()
        threading.Event().wait(0.05)
    raise AssertionError(errors.read_text())


@asynccontextmanager
async def http(url: str, wire: Wire, **options: Any) -> AsyncIterator[Client]:
    """Connect a client to a server over HTTP."""
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as connection:
        transport = streamable_http_client(url, http_client=connection)
        async with Client(recorded(transport, wire), **options) as client:
            yield client


def structured(result: Any) -> dict[str, Any]:
    """Return the structured content of a result, which its text has too."""
    found: dict[str, Any] = result.structured_content
    assert json.loads(result.content[0].text.partition("{")[1] + result.content[0].text.partition("{")[2]) == found
    return found
