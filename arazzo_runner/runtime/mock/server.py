"""The mock API over HTTP/1.1: a thread per connection, messages read and written by h11.

Every request that arrives is answered. One that is malformed gets a problem document that says
what is wrong (RFC 9112), and then the connection is closed: nobody knows where the next begins.

It answers for names of this machine only: a page in a browser must not reach it under a name of its
own (DNS rebinding).
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Final, Protocol
from urllib.parse import urlsplit

import h11

from arazzo_runner.base.records import Record
from arazzo_runner.engine.effects import HttpRequest, HttpResponse
from arazzo_runner.runtime.mock.request import Refused, problem

MAX_BODY: Final = 50_000_000
MAX_HEAD: Final = 131_072
IDLE_SECONDS: Final = 300.0
"""How long a connection may stay open between requests."""
LINGER_SECONDS: Final = 2.0
LINGER_BYTES: Final = 10_000_000
OWN: Final = ("127.0.0.1", "localhost", "[::1]")
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+;=-]+)(?::[0-9]*)?")
_PIECE: Final = 65_536
_OTHER_VERSION: Final = re.compile(rb"[^\r\n]* HTTP/(?!1\.)[0-9]\.[0-9]\r?\n")
_OF_THE_SERVER: Final = frozenset({"content-length", "transfer-encoding"})
"""Headers of a response that say where it ends: the server sets them."""


class Handler(Protocol):
    """What answers a request; anything but an HttpResponse closes the connection."""

    def handle(self, request: HttpRequest) -> object:
        """Answer one request."""


def make_server(
    api: Handler,
    host: str,
    port: int,
    *,
    allow_hosts: Iterable[str] = (),
    seconds: float = 30.0,
    on_refusal: Callable[[Refused], None] | None = None,
) -> ThreadingTCPServer:
    """Return a server (not yet serving) whose requests `api` answers; each must arrive within `seconds`.

    `on_refusal` is called for those that never reach the api.
    """
    hosts = MockHosts.of(host, allow_hosts)

    class ConnectionHandler(BaseRequestHandler):
        def handle(self) -> None:
            Conversation(self.request, api.handle, hosts, seconds, on_refusal).run()

    class Server(ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 128
        allow_reuse_address = os.name == "posix"

        def handle_error(self, request: object, client_address: object) -> None:
            """Ignore clients that went away."""

    return Server((host, port), ConnectionHandler)


class _ClientClosed(Exception):
    """The client sends no more requests."""


class Conversation:
    """The requests of one connection, answered one after the other."""

    def __init__(
        self,
        link: socket.socket,
        handle: Callable[[HttpRequest], object],
        hosts: MockHosts,
        seconds: float,
        on_refusal: Callable[[Refused], None] | None,
    ) -> None:
        self._link = link
        self._handle = handle
        self._hosts = hosts
        self._seconds = seconds
        self._on_refusal = on_refusal
        self._patience = seconds
        self._deadline: float | None = None
        self._method: bytes | None = None  # of the request at hand, None before its head was read
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)

    def run(self) -> None:
        """Answer until the client or an error ends it."""
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while self._exchange():
                self._patience = IDLE_SECONDS
                self._http.start_next_cycle()
        except _ClientClosed:
            pass
        except OSError:
            pass  # the client went away, or does not read its answer

    def _exchange(self) -> bool:
        """Answer one request; return whether another may follow."""
        self._deadline = time.monotonic() + self._seconds if self._http.trailing_data[0] else None
        self._method = None
        try:
            answer = self._handle(self._request())
        except Refused as refused:
            return self._refuse(refused)
        except h11.RemoteProtocolError as malformed:
            return self._refuse(Refused(*self._described(malformed)))
        except (_ClientClosed, OSError):
            raise
        except Exception as error:  # a bug of the mock: the client gets a 500, other clients are served
            return self._refuse(Refused(500, f"the mock failed: {type(error).__name__}: {error}"))
        if not isinstance(answer, HttpResponse):
            return False
        self._write(answer)
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    # ------------------------------------------------------------------ reading

    def _request(self) -> HttpRequest:
        head = self._head()
        self._method = head.method
        headers = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers.raw_items())
        target = self._target(head, headers)
        self._check_framing(head, headers)
        if self._http.they_are_waiting_for_100_continue:
            self._send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
        return HttpRequest(head.method.decode("ascii"), target, headers, self._body())

    def _head(self) -> h11.Request:
        while True:
            if _OTHER_VERSION.match(self._http.trailing_data[0]):
                raise Refused(505, "the mock speaks HTTP/1.1 and HTTP/1.0")
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                return event
            if isinstance(event, h11.ConnectionClosed):
                raise _ClientClosed
            self._receive()

    def _target(self, head: h11.Request, headers: tuple[tuple[str, str], ...]) -> str:
        """Return path and query of a request; raises Refused unless its host is one of the mock's (DNS rebinding)."""
        for name, value in headers:
            if name.lower() == "host":
                self._hosts.check(value)
        target = head.target.decode("ascii")
        if target.startswith("/") or "://" not in target:
            return target
        try:
            parts = urlsplit(target)
        except ValueError:
            raise Refused(400, "the request target is not a URL (RFC 9112 §3.2.2)") from None
        self._hosts.check(parts.netloc)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def _check_framing(self, head: h11.Request, headers: tuple[tuple[str, str], ...]) -> None:
        """Raise Refused for messages that h11 accepts although their end is ambiguous (RFC 9112 §6.1), or too large."""
        given = {name.lower(): value for name, value in headers}
        if "transfer-encoding" in given and "content-length" in given:
            raise Refused(400, "Transfer-Encoding and Content-Length contradict each other (RFC 9112 §6.1)")
        if "transfer-encoding" in given and head.http_version < b"1.1":
            raise Refused(400, "HTTP/1.0 has no Transfer-Encoding (RFC 9112 §6.1)")
        if int(given.get("content-length", "0").partition(",")[0]) > MAX_BODY:
            raise _too_large()

    def _body(self) -> bytes:
        body = bytearray()
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Data):
                body += event.data
                if len(body) > MAX_BODY:
                    raise _too_large()
            elif isinstance(event, h11.EndOfMessage):
                return bytes(body)
            else:
                self._receive()

    def _receive(self) -> None:
        """Receive what the client sends next, within the rest of the request's time."""
        is_idle = self._deadline is None
        left = self._patience if self._deadline is None else self._deadline - time.monotonic()
        try:
            self._link.settimeout(max(left, 0.001))
            data = self._link.recv(_PIECE) if left > 0 else None
        except TimeoutError:
            data = None
        if data is None and not is_idle:
            raise Refused(408, f"the request was not complete after {self._seconds:g} s")
        if not data and is_idle:
            raise _ClientClosed
        if not data:
            raise Refused(400, "the request ends before it is complete")
        if is_idle:
            self._deadline = time.monotonic() + self._seconds
        self._http.receive_data(data)

    def _described(self, malformed: h11.RemoteProtocolError) -> tuple[int, str]:
        status = malformed.error_status_hint
        if status == 431 and self._method is None:
            if b"\n" not in self._http.trailing_data[0]:
                return 414, f"the request line, with its target, has more than {MAX_HEAD:,} bytes"
            return 431, f"the header fields have more than {MAX_HEAD:,} bytes"
        return status, f"the request is malformed: {malformed}"

    # ------------------------------------------------------------------ answering

    def _write(self, answer: HttpResponse, *, closes: bool = False) -> None:
        try:
            headers = _headers(answer, closes=closes)
            response = h11.Response(status_code=answer.status, headers=headers, reason=_reason(answer.status))
        except h11.LocalProtocolError as unusable:
            answer = problem(500, f"the answer cannot be written: {unusable}")
            response = h11.Response(status_code=500, headers=_headers(answer, closes=closes), reason=_reason(500))
        self._link.settimeout(self._seconds)
        self._send(response)
        if answer.body and self._method != b"HEAD" and answer.status not in (204, 304):
            self._send(h11.Data(data=answer.body))
        self._send(h11.EndOfMessage())

    def _send(self, event: h11.Event) -> None:
        self._link.sendall(self._http.send(event) or b"")

    def _refuse(self, refused: Refused) -> bool:
        """Send a problem document and close, but not at once: that would reset the connection and lose the response."""
        if self._on_refusal is not None:
            self._on_refusal(refused)
        self._write(problem(refused.status, refused.detail), closes=True)
        self._link.shutdown(socket.SHUT_WR)
        until, left = time.monotonic() + LINGER_SECONDS, LINGER_BYTES
        while left > 0 and (seconds := until - time.monotonic()) > 0:
            self._link.settimeout(seconds)
            data = self._link.recv(_PIECE)
            if not data:
                break
            left -= len(data)
        return False


def _too_large() -> Refused:
    return Refused(413, f"the request body has more than {MAX_BODY:,} bytes")


def _headers(answer: HttpResponse, *, closes: bool) -> list[tuple[bytes, bytes]]:
    pairs = [("Server", "arazzo-mock"), *_date(), *answer.headers]
    kept = [pair for pair in pairs if pair[0].lower() not in _OF_THE_SERVER]
    if answer.status not in (204, 304):
        kept.append(("Content-Length", str(len(answer.body))))
    if closes:
        kept = [pair for pair in kept if pair[0].lower() != "connection"] + [("Connection", "close")]
    return [(name.encode("utf-8"), _value(value)) for name, value in kept]


def _date() -> list[tuple[str, str]]:
    """Return the Date header; none when the clock is past what Python reads (RFC 9110 §6.6.1)."""
    from email.utils import formatdate  # lazily: only a server needs it

    try:
        return [("Date", formatdate(usegmt=True))]
    except (OverflowError, ValueError, OSError):
        return []


def _value(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode("ascii")
    except ValueError:
        return b""


# ------------------------------------------------------------------ hosts


class MockHosts(Record):
    """The hosts that a request may name; ports are ignored, because tunnels and containers change them."""

    names: frozenset[str]

    @classmethod
    def of(cls, bound: str, allowed: Iterable[str] = ()) -> MockHosts:
        """Return this machine's names, the host that the server is bound to, and those that were allowed."""
        bound = f"[{bound}]" if ":" in bound else bound
        return cls(frozenset(_plain(each) or each.lower() for each in (*OWN, bound, *allowed)))

    def check(self, text: str) -> None:
        """Raise Refused for a host, of a header or a URL, that is malformed or not the mock's (RFC 9110 §7.4)."""
        name = _plain(text)
        if name is None:
            raise Refused(400, f"Host is {text[:200]!r}, which is not a host (RFC 9112 §3.2)")
        if name not in self.names:
            detail = f"this mock answers for {', '.join(OWN)}, not for {name[:200]!r}"
            raise Refused(421, f"{detail}; allow that host where the mock is started")


def _plain(text: str) -> str | None:
    """Return the host of `host:port`, None when it is malformed."""
    found = _HOST.fullmatch(text)
    return None if found is None else found[1].lower().rstrip(".")
