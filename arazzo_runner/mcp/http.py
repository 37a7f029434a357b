"""The transport over HTTP: a guard before the SDK's application, which lets in only who may come.

A web page that the user looks at can send requests to loopback: its Origin gives it away, a name that was rebound to
127.0.0.1 is seen by its Host, and neither knows the token.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import socket
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import uvicorn
from mcp.server.lowlevel.server import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from arazzo_runner.base.records import Record

PATH: Final = "/mcp"
_LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_LARGEST_BODY: Final = 16 * 2**20
_UNAUTHORIZED: Final = {"WWW-Authenticate": 'Bearer realm="arazzo"'}


class Listening(Record, kw_only=True):
    """Where a server listens, and the token that its clients have."""

    _hidden_in_repr = ("token",)

    host: str
    port: int
    token: str


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bound(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128)


async def serve_http(
    server: Server[Any], listener: socket.socket, listening: Listening, announce: Callable[[], None]
) -> None:
    """Serve clients until the task is cancelled."""
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # the guard does it
    application: Any = server.streamable_http_app(
        streamable_http_path=PATH, transport_security=security, max_request_body_size=_LARGEST_BODY
    )
    config = uvicorn.Config(
        Guard(application, listening), log_config=None, log_level="critical", access_log=False, server_header=False,
        timeout_graceful_shutdown=5,
    )  # fmt: skip
    running = uvicorn.Server(config)
    task = asyncio.create_task(running._serve([listener]))  # without its handlers of signals
    try:
        while not running.started and not task.done():
            await asyncio.sleep(0.01)
        announce()
        await asyncio.shield(task)
    except asyncio.CancelledError:
        running.should_exit = running.force_exit = True
        await asyncio.wait([task])
        raise


class Guard:
    """Passes requests on that name this server, come from no foreign web page, and have the token."""

    def __init__(self, application: ASGIApp, listening: Listening) -> None:
        self._application = application
        self._token = listening.token.encode()
        self._hosts = None if listening.host in ("0.0.0.0", "::") else _LOCAL_NAMES | {listening.host}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        refusal = self._refusal(scope) if scope["type"] == "http" else PlainTextResponse("not found", 404)
        await (self._application if refusal is None else refusal)(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        hosts, origins = headers.get("host", []), headers.get("origin", [])
        if len(hosts) != 1 or not self._is_own(f"//{hosts[0]}"):
            return PlainTextResponse("this Host is not served here", 421)
        if any(not self._is_own(each, is_origin=True) for each in origins):
            return PlainTextResponse("this Origin may not use the server", 403)
        if not self._has_token(headers.get("authorization", [])):
            return PlainTextResponse("a bearer token is needed", 401, _UNAUTHORIZED)
        return None

    def _is_own(self, url: str, *, is_origin: bool = False) -> bool:
        try:
            name = urlsplit(url).hostname or ""
        except ValueError:
            return False
        if self._hosts is None:
            return bool(name) and (not is_origin or name in _LOCAL_NAMES)
        return name in self._hosts

    def _has_token(self, given: list[str]) -> bool:
        if len(given) != 1:
            return False
        scheme, _, token = given[0].partition(" ")
        # Compared as bytes, in a time that does not depend on where they differ.
        is_same = hmac.compare_digest(token.strip().encode("latin-1", "replace"), self._token)
        return is_same and scheme.lower() == "bearer"
