"""HTTP servers on loopback: a function answers, all else is here."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request as the server received it; `target` is its path with the query."""

    method: str
    target: str
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """The body read as JSON; None when there is none."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Reply:
    """One answer; Content-Length is added."""

    status: int = 200
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()


Answers = Callable[[Request], Reply]


def json_reply(value: Any, status: int = 200, *headers: tuple[str, str]) -> Reply:
    """Return an answer whose body is JSON."""
    return Reply(status, json.dumps(value).encode(), [("Content-Type", "application/json"), *headers])


@dataclass
class Loopback:
    """A server that runs: its URL, the requests so far, and the clients that are connected."""

    url: str
    received: list[Request] = field(default_factory=list)
    clients: set[Any] = field(default_factory=set)

    @property
    def port(self) -> int:
        """The port it listens at."""
        return int(self.url.rpartition(":")[2])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def serving(answer: Answers) -> Iterator[Loopback]:
    """Serve on a free port until the context ends; each connection has a thread of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def exchange(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path, self.headers, body)
            loopback.received.append(request)
            reply = answer(request)
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            if reply.status not in (204, 304):
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD" and reply.status not in (204, 304):
                self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = exchange

        def handle(self) -> None:
            loopback.clients.add(self.client_address)
            with suppress(ConnectionError):  # a client may go away at any time
                super().handle()
            loopback.clients.discard(self.client_address)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the output of the tests clean."""

    server = _Server(("127.0.0.1", 0), Handler)
    loopback = Loopback(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield loopback
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
