"""The World that sends HTTP: BlockingWorld for one run, AsyncWorld for many at once, over httpx's transports.

The only module that sends requests (security: choke point). Failures are answers (NoResponse),
never exceptions. Our own deadline covers the whole exchange: httpx's timeout is per read.
"""

from __future__ import annotations

import re
import time
from base64 import b64encode
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import unquote, urlsplit

from arazzo_runner.engine.effects import (
    Answer,
    Batch,
    Effect,
    Headers,
    HttpRequest,
    HttpResponse,
    NoResponse,
    Now,
    SendRequest,
    Sleep,
)
from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.sources.content_coding import DecodedBody, TooLarge, Undecodable
from arazzo_runner.sources.deadline import Deadline
from arazzo_runner.sources.hosts import Origin, origin_of
from arazzo_runner.sources.httpx_import import httpx
from arazzo_runner.sources.proxies import shown
from arazzo_runner.worlds.leftovers import kept_with_leftovers
from arazzo_runner.worlds.transports import Way, async_way, blocking_way

CONNECT_TIMEOUT = 10.0
CONNECT_GRACE = 0.05  # lets a connect timeout, after which nothing was sent, come before that of the whole
MAX_RESPONSE_SIZE = 10 * 2**20
MAX_STALE = 3
_NOT_IN_TARGETS = re.compile(r"[^\x21-\x7e]")


class BlockingWorld:
    """Performs effects while the caller waits; never suspends, so `drive` can run the interpreter.

    A Batch of several requests goes out at the same time, on an event loop of the world's own
    (in order where the caller has a running one: `arun` is for that). `options` say how servers
    are reached, `transport` is an httpx transport to send through instead, `max_response_size`
    bounds the decoded body in bytes. Use it as a context manager; several runs may share it,
    one after the other.
    """

    def __init__(
        self,
        *,
        transport: Any = None,
        max_response_size: int = MAX_RESPONSE_SIZE,
        options: TransportOptions | None = None,
    ) -> None:
        self._given = transport
        self._max = max_response_size
        self._options = options or TransportOptions()
        self._ways: dict[Origin, Way] = {}
        self._stale = _Stale()
        self._rounds: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for transport in {id(way.transport): way.transport for way in self._ways.values()}.values():
            transport.close()
        self._ways.clear()
        if self._rounds is not None:
            self._rounds.close()
            self._rounds = None

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform one effect, a Batch at the same time where that is possible."""
        return cast(Answer, self._perform(effect))

    def _perform(self, effect: Effect[Any]) -> object:
        if isinstance(effect, SendRequest):
            return self._send(effect)
        if isinstance(effect, Now):
            return time.time()
        if isinstance(effect, Sleep):
            time.sleep(effect.seconds)
            return None
        if isinstance(effect, Batch):
            return self._batch(effect)
        raise TypeError(f"{type(effect).__name__} is no effect that HTTP can perform")

    def _batch(self, batch: Batch) -> tuple[object, ...]:
        """Perform a Batch: at the same time when it waits for more than one thing."""
        waits = sum(not isinstance(each, Now) for each in batch.effects)
        if waits > 1 and self._given is None:
            from arazzo_runner.worlds.rounds import Rounds, has_running_loop

            if not has_running_loop():
                if self._rounds is None:
                    self._rounds = Rounds(AsyncWorld(max_response_size=self._max, options=self._options))
                return cast("tuple[object, ...]", self._rounds.perform(batch))
        return tuple(self._perform(each) for each in batch.effects)

    def _send(self, effect: SendRequest) -> HttpResponse | NoResponse:
        answer = self._exchange(effect)
        for _ in range(MAX_STALE):
            if not self._stale.asks_again(effect, answer):
                break
            answer = self._exchange(effect)
        return answer

    def _exchange(self, effect: SendRequest) -> HttpResponse | NoResponse:
        exchange = _Exchange(effect, self._max)
        library = httpx()
        try:
            way = self._way(library, effect.request.url)
        except (OSError, ValueError, ImportError, library.InvalidURL) as problem:
            return exchange.no_way(problem)
        exchange.proxy = way.proxy
        try:
            response = way.transport.handle_request(_request(library, effect, way))
            try:
                return exchange.read(response)
            finally:
                response.close()
                unclean = kept_with_leftovers(response)
                if unclean is not None:
                    unclean.close()
        except (library.HTTPError, library.InvalidURL, OSError, ValueError) as problem:
            return exchange.failed(problem, library)

    def _way(self, library: Any, url: str) -> Way:
        """One transport per origin: TLS is set up only when an https request comes."""
        origin = origin_of(url)
        way = self._ways.get(origin)
        if way is None:
            way = Way(self._given) if self._given is not None else blocking_way(library, origin, self._options)
            self._ways[origin] = way
        return way


class AsyncWorld:
    """Performs effects on the running event loop; a Batch all at once.

    Pass one to many `arun`s to let them share connections (one pool per origin); without, each
    run has its own. It belongs to the event loop it is first used on. `options` say how servers
    are reached, `transport` is an asynchronous httpx transport to send through instead,
    `max_response_size` bounds the decoded body in bytes. Use it as an async context manager:

        async with arazzo_runner.AsyncWorld() as world:
            results = await asyncio.gather(*(arazzo_runner.arun(program, inputs=each, world=world) for each in many))
    """

    def __init__(
        self,
        *,
        transport: Any = None,
        max_response_size: int = MAX_RESPONSE_SIZE,
        options: TransportOptions | None = None,
    ) -> None:
        self._given = transport
        self._max = max_response_size
        self._options = options or TransportOptions()
        self._ways: dict[Origin, Way] = {}
        self._stale = _Stale()
        self._loop: Any = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for transport in {id(way.transport): way.transport for way in self._ways.values()}.values():
            await transport.aclose()
        self._ways.clear()

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform one effect; raises RuntimeError on another event loop than before."""
        return cast(Answer, await self._perform(effect))

    async def _perform(self, effect: Effect[Any]) -> object:
        import asyncio

        if isinstance(effect, SendRequest):
            return await self._send(effect)
        if isinstance(effect, Now):
            return time.time()
        if isinstance(effect, Sleep):
            await asyncio.sleep(effect.seconds)
            return None
        if isinstance(effect, Batch):
            return tuple(await asyncio.gather(*(self._perform(each) for each in effect.effects)))
        raise TypeError(f"{type(effect).__name__} is no effect that HTTP can perform")

    async def _send(self, effect: SendRequest) -> HttpResponse | NoResponse:
        answer = await self._exchange(effect)
        for _ in range(MAX_STALE):
            if not self._stale.asks_again(effect, answer):
                break
            answer = await self._exchange(effect)
        return answer

    async def _exchange(self, effect: SendRequest) -> HttpResponse | NoResponse:
        import asyncio

        self._stay(asyncio.get_running_loop())
        exchange = _Exchange(effect, self._max)
        library = httpx()
        try:
            way = self._way(library, effect.request.url)
        except (OSError, ValueError, ImportError, library.InvalidURL) as problem:
            return exchange.no_way(problem)
        exchange.proxy = way.proxy
        try:
            async with asyncio.timeout(effect.timeout + CONNECT_GRACE):
                response = await way.transport.handle_async_request(_request(library, effect, way))
                try:
                    return await exchange.aread(response)
                finally:
                    await response.aclose()
                    unclean = kept_with_leftovers(response)
                    if unclean is not None:
                        await unclean.aclose()
        except TimeoutError:
            return exchange.timed_out()
        except (library.HTTPError, library.InvalidURL, OSError, ValueError) as problem:
            return exchange.failed(problem, library)

    def _way(self, library: Any, url: str) -> Way:
        origin = origin_of(url)
        way = self._ways.get(origin)
        if way is None:
            way = Way(self._given) if self._given is not None else async_way(library, origin, self._options)
            self._ways[origin] = way
        return way

    def _stay(self, loop: Any) -> None:
        """Kept connections belong to a loop: on another one they would wait forever."""
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise RuntimeError("this AsyncWorld belongs to another event loop: make one for each")


class _Stale:
    """Knows which servers have kept connections that may have been closed meanwhile.

    RFC 9110 §9.2.2: a client may send a request again by itself only when that does no harm.
    """

    def __init__(self) -> None:
        self._answered: set[str] = set()

    def asks_again(self, effect: SendRequest, answer: HttpResponse | NoResponse) -> bool:
        """Tell whether a safe request failed on a kept connection, so that it is sent once more."""
        origin = effect.request.url.partition("://")[2].partition("/")[0]
        if isinstance(answer, HttpResponse):
            self._answered.add(origin)
            return False
        return effect.safe and answer.reason == "reset" and origin in self._answered


# ------------------------------------------------------------------ one exchange


class _Exchange:
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


def _request(library: Any, effect: SendRequest, way: Way) -> Any:
    """Build the library's request without a client's defaults: what is sent is what the request says."""
    request = effect.request
    connect = min(CONNECT_TIMEOUT, effect.timeout)
    whole = Deadline(effect.timeout)
    timeout = {"connect": connect, "read": whole, "write": whole, "pool": connect}
    target = _target(request.url)
    made = library.Request(
        request.method,
        request.url if way.base is None else way.base,
        headers=[*_defaults(request), *((name.encode(), value.encode("utf-8")) for name, value in request.headers)],
        content=request.body,
        extensions={"timeout": timeout, "target": target} if way.proxy is None else {"timeout": timeout},
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


def _target(url: str) -> bytes:
    """The request target exactly as it was built: httpx would resolve `/a/../b`.

    Raises ValueError for what RFC 9112 §3.2 has no place for (controls, space, non-ASCII): not
    every transport would, and a line break would begin another request.
    """
    _, mark, rest = url.partition("#")[0].partition("://")
    start = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    target = rest[start:] if rest[start : start + 1] == "/" else f"/{rest[start:]}"
    if target.find("?") == len(target) - 1:
        target = target[:-1]  # an empty query: not all transports would send its mark
    if not mark or _NOT_IN_TARGETS.search(target):
        raise ValueError("its URL has characters that must be percent-encoded")
    return target.encode("ascii")


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
