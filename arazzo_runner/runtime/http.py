"""The World that sends HTTP: BlockingWorld for one run, AsyncWorld for many at once, over httpx's transports.

The only module that sends requests (security: choke point). Failures are answers (NoResponse),
never exceptions. Our own deadline covers the whole exchange: httpx's timeout is per read.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Final, Self, cast

from arazzo_runner.engine.effects import (
    Answer,
    Batch,
    Effect,
    HttpResponse,
    NoResponse,
    Now,
    SendRequest,
    Sleep,
)
from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.runtime.exchange import Exchange, library_request
from arazzo_runner.runtime.redirects import LookedUp, Trail, is_redirect
from arazzo_runner.runtime.stale_connections import kept_with_leftovers
from arazzo_runner.runtime.transports import Way, async_way, blocking_way
from arazzo_runner.sources.hosts import Origin, origin_of
from arazzo_runner.sources.http_library import httpx

CONNECT_GRACE = 0.05  # lets a connect timeout, after which nothing was sent, come before that of the whole
MAX_RESPONSE_SIZE = 10 * 2**20
MAX_STALE = 3


class BlockingWorld:
    """Performs effects while the caller waits; never suspends, so `drive` can run the interpreter.

    A Batch of several requests goes out at the same time, on an event loop of the world's own
    (in order where the caller has a running one: `arun` is for that). `options` say how servers
    are reached, `transport` is an httpx transport to send through instead, `max_response_size`
    bounds the decoded body in bytes. Use it as a context manager; several runs may share it,
    one after the other.
    """

    sends: Final = True  # to servers: requests get their credentials first

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
            from arazzo_runner.runtime.batch import Rounds, has_running_loop

            if not has_running_loop():
                if self._rounds is None:
                    self._rounds = Rounds(AsyncWorld(max_response_size=self._max, options=self._options))
                return cast("tuple[object, ...]", self._rounds.perform(batch))
        return tuple(self._perform(each) for each in batch.effects)

    def _send(self, effect: SendRequest) -> HttpResponse | NoResponse:
        answer = self._sent(effect)
        if not self._options.max_redirects or not effect.redirectable or not is_redirect(answer):
            return answer
        trail = Trail(effect, self._options.max_redirects)
        while (target := trail.leads_to(answer)) is not None:
            looked_up = self._looked_up(trail, target)
            for hop in trail.hops(answer, target, looked_up):
                answer = self._sent(hop)
                if isinstance(answer, HttpResponse) or answer.sent:
                    break
            else:
                break
        return trail.ended(answer)

    def _looked_up(self, trail: Trail, target: str) -> LookedUp | None:
        if not trail.crosses(target) or self._given is not None or self._way(httpx(), target).proxy is not None:
            return None
        return LookedUp(_addresses(trail.url), _addresses(target))

    def _sent(self, effect: SendRequest) -> HttpResponse | NoResponse:
        answer = self._exchange(effect)
        for _ in range(MAX_STALE):
            if not self._stale.asks_again(effect, answer):
                break
            answer = self._exchange(effect)
        return answer

    def _exchange(self, effect: SendRequest) -> HttpResponse | NoResponse:
        exchange = Exchange(effect, self._max)
        library = httpx()
        try:
            way = self._way(library, effect.request.url)
        except (OSError, ValueError, ImportError, library.InvalidURL) as problem:
            return exchange.no_way(problem)
        exchange.proxy = way.proxy
        try:
            response = way.transport.handle_request(library_request(library, effect, way))
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

    sends: Final = True  # to servers: requests get their credentials first

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
        answer = await self._sent(effect)
        if not self._options.max_redirects or not effect.redirectable or not is_redirect(answer):
            return answer
        trail = Trail(effect, self._options.max_redirects)
        while (target := trail.leads_to(answer)) is not None:
            looked_up = await self._looked_up(trail, target)
            for hop in trail.hops(answer, target, looked_up):
                answer = await self._sent(hop)
                if isinstance(answer, HttpResponse) or answer.sent:
                    break
            else:
                break
        return trail.ended(answer)

    async def _looked_up(self, trail: Trail, target: str) -> LookedUp | None:
        import asyncio

        if not trail.crosses(target) or self._given is not None or self._way(httpx(), target).proxy is not None:
            return None
        both = (asyncio.to_thread(_addresses, url) for url in (trail.url, target))
        return LookedUp(*await asyncio.gather(*both))

    async def _sent(self, effect: SendRequest) -> HttpResponse | NoResponse:
        answer = await self._exchange(effect)
        for _ in range(MAX_STALE):
            if not self._stale.asks_again(effect, answer):
                break
            answer = await self._exchange(effect)
        return answer

    async def _exchange(self, effect: SendRequest) -> HttpResponse | NoResponse:
        import asyncio

        self._stay(asyncio.get_running_loop())
        exchange = Exchange(effect, self._max)
        library = httpx()
        try:
            way = self._way(library, effect.request.url)
        except (OSError, ValueError, ImportError, library.InvalidURL) as problem:
            return exchange.no_way(problem)
        exchange.proxy = way.proxy
        try:
            async with asyncio.timeout(effect.timeout + CONNECT_GRACE):
                response = await way.transport.handle_async_request(library_request(library, effect, way))
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


def _addresses(url: str) -> list[str]:
    """Return the addresses of a URL's host, none when it is unknown."""
    import socket  # lazily: only redirects to another server need it

    found = origin_of(url)
    try:
        known = socket.getaddrinfo(found.host, found.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(each[4][0]) for each in known))


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
