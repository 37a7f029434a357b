"""One HTTP exchange: the library's request, reading the response within time and size, failures as NoResponse."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, Iterable, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from arazzo_runner.base.settings import MAX_RESPONSE_SIZE, MOCK, SERVER, TIMEOUT
from arazzo_runner.engine.effects import Headers, HttpResponse, NoResponse, SendRequest
from arazzo_runner.runtime.redirects import PinnedRequest
from arazzo_runner.runtime.request_head import request_target, sent_headers
from arazzo_runner.runtime.transports import Route
from arazzo_runner.sources.hosts import shown
from arazzo_runner.sources.http_library import Deadline
from arazzo_runner.sources.http_media.content_coding import DecodedBody, TooLarge, Undecodable

CONNECT_TIMEOUT = 10.0
_TIME_HINT: Final = f"allow more time with {TIMEOUT} or the step's timeout"
RawHeaders: TypeAlias = Sequence[tuple[bytes, bytes]]
_INNER = ("_httpcore_stream", "_stream", "_connection")


class Exchange:
    """One request: its deadline, its limit of size, and the answer that its outcome is."""

    def __init__(self, effect: SendRequest, max_size: int) -> None:
        self.effect = effect
        self.max_size = max_size
        self.started = time.perf_counter()
        self.deadline = self.started + effect.timeout
        self.answered = False
        self.proxy: str | None = None

    def no_route(self, problem: Exception) -> NoResponse:
        """Return the answer when no connection can be tried."""
        return self._none("protocol", f"no request to {self._host()} can be sent: {problem}", sent=False)

    def read(self, status: int, headers: RawHeaders, chunks: Iterable[bytes]) -> HttpResponse | NoResponse:
        """Return the response with its body read, or why that failed within time and size."""
        self.answered = True
        shown = _headers(headers)
        try:
            body = DecodedBody(_coding(shown), self.max_size)
            for chunk in chunks:
                body.take(chunk)
                if self._is_over():
                    return self.timed_out()
        except (TooLarge, Undecodable) as problem:
            return self._unusable(problem)
        return self._whole(status, shown, body)

    async def aread(self, status: int, headers: RawHeaders, chunks: AsyncIterable[bytes]) -> HttpResponse | NoResponse:
        """Return the response with its body read, or why that failed within time and size."""
        self.answered = True
        shown = _headers(headers)
        try:
            body = DecodedBody(_coding(shown), self.max_size)
            async for chunk in chunks:
                body.take(chunk)
                if self._is_over():
                    return self.timed_out()
        except (TooLarge, Undecodable) as problem:
            return self._unusable(problem)
        return self._whole(status, shown, body)

    def failed(self, problem: Exception, library: Any) -> NoResponse:
        """Return an exception of the library as an answer that says whether the server may have acted."""
        if isinstance(problem, library.TimeoutException):
            if isinstance(problem, (library.ConnectTimeout, library.PoolTimeout)):
                message = f"no connection to {self._peer()} within {self.connect:g} s"
                hint = _TIME_HINT if self.connect < CONNECT_TIMEOUT else self._server_hint()
                return self._none("timeout", message, sent=False, hint=hint)
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
            return self._insecure(f"{self._host()} refuses the secure connection", text)
        if self.answered or "peer closed connection without sending complete message" in text:
            return self._none("truncated", f"the response of {self._host()} ended before it was complete", sent=True)
        reason = "protocol" if isinstance(problem, library.ProtocolError) and "disconnected" not in text else "reset"
        from arazzo_runner.runtime.tls_failures import plain_hint  # lazily: few exchanges fail

        message = f"{self._host()} closed the connection without a response"
        if "disconnected without sending" not in text:  # which says the same
            message += f" ({text})"
        spoken = plain_hint(self.effect.request.url, text, self._server_option())
        return self._none(reason, message, sent=True, hint=spoken)

    def _insecure(self, what: str, text: str) -> NoResponse:
        """Return the answer where TLS fails; nothing was sent."""
        from arazzo_runner.runtime.tls_failures import tls_failure  # lazily: few exchanges fail

        failure = tls_failure(text, self._host(), self._server_option(), is_peer=self.proxy is None)
        return self._none("tls", f"{what}: {failure.reason}", sent=False, hint=failure.hint)

    def timed_out(self) -> NoResponse:
        """Return the answer when the time is over."""
        message = f"no full response from {self._host()} within {self.effect.timeout:g} s"
        return self._none("timeout", message, sent=True, hint=_TIME_HINT)

    def _not_connected(self, problem: Exception) -> NoResponse:
        text = str(problem)
        if "certificate" in text.lower() or "SSL" in text:
            return self._insecure(f"no secure connection to {self._host()}", text)
        unknown = (
            "Name or service not known",
            "nodename nor servname",
            "getaddrinfo",
            "Temporary failure",
            "No address",
        )
        if any(word in text for word in unknown):
            return self._none("unknown-host", f"there is no host {self._peer()}", sent=False, hint=self._server_hint())
        return self._none("refused", f"{self._peer()} refuses the connection", sent=False, hint=self._server_hint())

    def _whole(self, status: int, headers: Headers, body: DecodedBody) -> HttpResponse | NoResponse:
        if not body.is_whole:
            return self._none("truncated", "the compressed response ended before it was complete", sent=True)
        return HttpResponse(status, headers, body.data, self._elapsed())

    def _unusable(self, problem: TooLarge | Undecodable) -> NoResponse:
        if isinstance(problem, TooLarge):
            message = f"the response has more than {self.max_size:,} bytes"
            return self._none("too-large", message, sent=True, hint=f"allow more with {MAX_RESPONSE_SIZE}")
        return self._none("protocol", f"the body cannot be decoded: {problem}", sent=True)

    def _is_over(self) -> bool:
        return time.perf_counter() > self.deadline

    def _none(self, reason: Any, message: str, *, sent: bool, hint: str | None = None) -> NoResponse:
        return NoResponse(reason, message, sent, self._elapsed(), hint=hint)

    def _elapsed(self) -> float:
        return (time.perf_counter() - self.started) * 1000

    def _server_option(self) -> str:
        """Return how the URL of this server is set."""
        return SERVER.of(self.effect.source) if self.effect.source else str(SERVER)

    def _server_hint(self) -> str:
        option = self._server_option()
        return f"is the server running? {option} chooses another, {MOCK} answers from the description"

    def _host(self) -> str:
        return urlsplit(self.effect.request.url).netloc.rpartition("@")[2]

    def _peer(self) -> str:
        """Return who the connection is made to: the proxy if there is one."""
        return self._host() if self.proxy is None else f"the proxy {shown(self.proxy)}"

    @property
    def connect(self) -> float:
        """The seconds within which a connection is made."""
        return min(CONNECT_TIMEOUT, self.effect.timeout)


def library_request(library: Any, effect: SendRequest, route: Route) -> Any:
    """Return the library's request with nothing added that a client would add by default."""
    request = effect.request
    connect = min(CONNECT_TIMEOUT, effect.timeout)
    whole = Deadline(effect.timeout)
    timeout = {"connect": connect, "read": whole, "write": whole, "pool": connect}
    target = request_target(request.url).encode("ascii")
    extensions: dict[str, Any] = {"timeout": timeout}
    if route.proxy is None:
        extensions["target"] = target
    url: Any = request.url if route.base is None else route.base
    if isinstance(effect, PinnedRequest) and route.base is not None and route.proxy is None:
        extensions["sni_hostname"] = url.host
        url = url.copy_with(host=effect.address)
    made = library.Request(
        request.method,
        url,
        headers=sent_headers(request),
        content=request.body,
        extensions=extensions,
    )
    if route.proxy is not None:
        made.url = _ExactUrl(made.url, target)
    return made


class _ExactUrl:
    """The parts of a URL that a transport reads, with the target as it was built.

    For proxies only: httpcore puts the "target" extension into CONNECT and into the absolute form too.
    """

    def __init__(self, url: Any, target: bytes) -> None:
        self.scheme: str = url.scheme
        self.raw_scheme: bytes = url.raw_scheme
        self.raw_host: bytes = url.raw_host
        self.port: int | None = url.port
        self.raw_path = target


def _headers(raw: RawHeaders) -> Headers:
    return tuple((name.decode("latin-1"), _header_text(value)) for name, value in raw)


def _coding(headers: Headers) -> str:
    return ", ".join(value for name, value in headers if name.lower() == "content-encoding")


def _header_text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def connection_with_unread_bytes(response: Any) -> Any:
    """Return the connection of a closed response if bytes came on it after the response, else None.

    The caller closes it: used again, the rest would be read as the next response. A body longer
    than its Content-Length leaves such bytes, by mistake or to forge the response to another
    request. The HTTP library looks at the socket only, not at what it has read already. A
    transport without the attributes used here keeps its connections.
    """
    found = getattr(response, "stream", None)
    while found is not None:
        state = getattr(found, "_h11_state", None)
        if state is not None:
            return found if state.trailing_data[0] else None
        found = next((getattr(found, name) for name in _INNER if hasattr(found, name)), None)
    return None
