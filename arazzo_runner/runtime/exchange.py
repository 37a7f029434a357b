"""One HTTP exchange: the library's request, reading the answer within time and size, what its end means."""

from __future__ import annotations

import time
from base64 import b64encode
from typing import Any
from urllib.parse import unquote, urlsplit

from arazzo_runner.engine.effects import Headers, HttpRequest, HttpResponse, NoResponse, SendRequest
from arazzo_runner.runtime.redirects import PinnedRequest
from arazzo_runner.runtime.target import request_target
from arazzo_runner.runtime.transports import Way
from arazzo_runner.sources.hosts import shown
from arazzo_runner.sources.http_library import Deadline
from arazzo_runner.sources.http_media.content_coding import DecodedBody, TooLarge, Undecodable

CONNECT_TIMEOUT = 10.0


class Exchange:
    """One request under way: its clock, its limit, and what its end means."""

    def __init__(self, effect: SendRequest, max_size: int) -> None:
        self.effect = effect
        self.max_size = max_size
        self.started = time.perf_counter()
        self.deadline = self.started + effect.timeout
        self.answered = False
        self.proxy: str | None = None

    def no_way(self, problem: Exception) -> NoResponse:
        """Say why no connection could even be tried."""
        return self._none("protocol", f"no request to {self._host()} can be sent: {problem}", sent=False)

    def read(self, response: Any) -> HttpResponse | NoResponse:
        """Read the body within time and size."""
        self.answered = True
        try:
            body = DecodedBody(response.headers.get("content-encoding", ""), self.max_size)
            for chunk in response.stream:
                body.take(chunk)
                if self._is_over():
                    return self.timed_out()
        except (TooLarge, Undecodable) as problem:
            return self._unusable(problem)
        return self._whole(response, body)

    async def aread(self, response: Any) -> HttpResponse | NoResponse:
        """Read the body within time and size."""
        self.answered = True
        try:
            body = DecodedBody(response.headers.get("content-encoding", ""), self.max_size)
            async for chunk in response.stream:
                body.take(chunk)
                if self._is_over():
                    return self.timed_out()
        except (TooLarge, Undecodable) as problem:
            return self._unusable(problem)
        return self._whole(response, body)

    def failed(self, problem: Exception, library: Any) -> NoResponse:
        """Say what an exception of the library means, and whether the server may have acted."""
        if isinstance(problem, library.TimeoutException):
            if isinstance(problem, (library.ConnectTimeout, library.PoolTimeout)):
                return self._none(
                    "timeout", f"no connection to {self._peer()} within {self._connect():g} s", sent=False
                )
            return self.timed_out()
        if isinstance(problem, library.ProxyError):
            message = f"{self._peer()} opens no connection to {self._host()}: {problem}"
            return self._none("refused", message, sent=False)
        if isinstance(problem, library.ConnectError):
            return self._not_connected(problem)
        if isinstance(
            problem, (library.UnsupportedProtocol, library.InvalidURL, library.LocalProtocolError, ValueError)
        ):
            return self._none("protocol", f"the request cannot be sent: {problem}", sent=False)
        text = str(problem) or type(problem).__name__
        if not self.answered and "[SSL: " in text and "ALERT" in text:
            # In TLS 1.3 the server refuses our certificate after we may have begun to send; it reads nothing of that.
            return self._none("tls", f"{self._host()} refuses the secure connection: {text}", sent=False)
        if self.answered or "peer closed connection without sending complete message" in text:
            return self._none("truncated", f"the answer of {self._host()} ended before it was whole", sent=True)
        reason = "protocol" if isinstance(problem, library.ProtocolError) and "disconnected" not in text else "reset"
        return self._none(reason, f"{self._host()} closed the connection without an answer ({text})", sent=True)

    def timed_out(self) -> NoResponse:
        """The exchange took longer than its time."""
        return self._none("timeout", f"no whole answer from {self._host()} within {self.effect.timeout:g} s", sent=True)

    def _not_connected(self, problem: Exception) -> NoResponse:
        text = str(problem)
        if "certificate" in text.lower() or "SSL" in text:
            return self._none("tls", f"no secure connection to {self._host()}: {text}", sent=False)
        unknown = (
            "Name or service not known",
            "nodename nor servname",
            "getaddrinfo",
            "Temporary failure",
            "No address",
        )
        if any(word in text for word in unknown):
            return self._none("unknown-host", f"there is no host {self._peer()}", sent=False)
        return self._none("refused", f"{self._peer()} refuses the connection", sent=False)

    def _whole(self, response: Any, body: DecodedBody) -> HttpResponse | NoResponse:
        if not body.is_whole:
            return self._none("truncated", "the compressed answer ended before it was whole", sent=True)
        return HttpResponse(response.status_code, _headers(response), body.data, self._elapsed())

    def _unusable(self, problem: TooLarge | Undecodable) -> NoResponse:
        if isinstance(problem, TooLarge):
            message = f"the answer has more than {self.max_size:,} bytes (--max-response-size)"
            return self._none("too-large", message, sent=True)
        return self._none("protocol", f"the body cannot be decoded: {problem}", sent=True)

    def _is_over(self) -> bool:
        return time.perf_counter() > self.deadline

    def _none(self, reason: Any, message: str, *, sent: bool) -> NoResponse:
        return NoResponse(reason, message, sent, self._elapsed())

    def _elapsed(self) -> float:
        return (time.perf_counter() - self.started) * 1000

    def _host(self) -> str:
        return urlsplit(self.effect.request.url).netloc.rpartition("@")[2]

    def _peer(self) -> str:
        """Whom the connection is made to: the proxy when there is one."""
        return self._host() if self.proxy is None else f"the proxy {shown(self.proxy)}"

    def _connect(self) -> float:
        return min(CONNECT_TIMEOUT, self.effect.timeout)


def library_request(library: Any, effect: SendRequest, way: Way) -> Any:
    """Build the library's request without a client's defaults: what is sent is what the request says."""
    request = effect.request
    connect = min(CONNECT_TIMEOUT, effect.timeout)
    whole = Deadline(effect.timeout)
    timeout = {"connect": connect, "read": whole, "write": whole, "pool": connect}
    target = request_target(request.url).encode("ascii")
    extensions: dict[str, Any] = {"timeout": timeout}
    if way.proxy is None:
        extensions["target"] = target
    url: Any = request.url if way.base is None else way.base
    if isinstance(effect, PinnedRequest) and way.base is not None and way.proxy is None:
        extensions["sni_hostname"] = url.host
        url = url.copy_with(host=effect.address)
    made = library.Request(
        request.method,
        url,
        headers=[*_defaults(request), *((name.encode(), value.encode("utf-8")) for name, value in request.headers)],
        content=request.body,
        extensions=extensions,
    )
    if way.proxy is not None:
        made.url = _ExactUrl(made.url, target)
    return made


class _ExactUrl:
    """What a transport reads of a URL, with the target as it was built.

    For proxies only: httpcore puts the "target" extension into CONNECT and into the absolute form too.
    """

    def __init__(self, url: Any, target: bytes) -> None:
        self.scheme: str = url.scheme
        self.raw_scheme: bytes = url.raw_scheme
        self.raw_host: bytes = url.raw_host
        self.port: int | None = url.port
        self.raw_path = target


def _defaults(request: HttpRequest) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name, _ in request.headers}
    userinfo, _, host = urlsplit(request.url).netloc.rpartition("@")
    headers = [(b"Host", host.encode("idna" if not request.url.isascii() else "ascii"))]
    if userinfo and "authorization" not in given:
        headers.append((b"Authorization", _basic(userinfo)))
    if "accept-encoding" not in given:
        headers.append((b"Accept-Encoding", b"gzip, deflate"))
    if "connection" not in given:
        headers.append((b"Connection", b"keep-alive"))
    return [] if "host" in given else headers


def _basic(userinfo: str) -> bytes:
    """The credentials of a URL as a header's value (RFC 7617 §2)."""
    user, _, password = userinfo.partition(":")
    return b"Basic " + b64encode(f"{unquote(user)}:{unquote(password)}".encode())


def _headers(response: Any) -> Headers:
    return tuple((name.decode("latin-1"), _header_text(value)) for name, value in response.headers.raw)


def _header_text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
