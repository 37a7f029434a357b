"""The World that sends HTTP: BlockingWorld for one run, AsyncWorld for many at once, over httpx's transports.

The only module that sends requests (security: choke point). Failures are answers (NoResponse),
never exceptions. Our own deadline covers the whole exchange: httpx's timeout is per read.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Final, Self, assert_never, cast

from arazzo_runner.base.kinds import type_of
from arazzo_runner.base.records import replace
from arazzo_runner.engine.effects import (
    Answer,
    Effect,
    HttpResponse,
    NoResponse,
    Now,
    ReadFile,
    SendRequest,
    Sleep,
    known,
)
from arazzo_runner.engine.option_checks import check_transport_options
from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity
from arazzo_runner.runtime.cleanup import to_the_end
from arazzo_runner.runtime.exchange import Exchange, connection_with_unread_bytes, library_request
from arazzo_runner.runtime.files import read_upload
from arazzo_runner.runtime.redirects import LookedUp, Trail, is_redirect
from arazzo_runner.runtime.transports import Route, async_route, blocking_route
from arazzo_runner.sources.hosts import Origin, origin_of
from arazzo_runner.sources.http_library import httpx

CONNECT_GRACE = 0.05  # seconds: a connect timeout, after which nothing was sent, must come before the total one
MAX_RESPONSE_SIZE = 10 * 2**20
MAX_STALE_CONNECTIONS = 3


class BlockingWorld:
    """Performs effects while the caller waits; it never suspends, as the World of `run` must not.

    For steps that run in parallel it has an event loop of its own (`event_loop`). `options` say how
    servers are reached, `transport` is an httpx transport to use instead, `max_response_size` limits
    the decoded body in bytes. Use it as a context manager; several runs may share it, one after the other.
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
        self.max_response_size = max_response_size
        self.options = _usable_options(options, transport, "handle_request")
        self._routes: dict[Origin, Route] = {}
        self._stale = _StaleConnections()
        self._event_loop: Any = None
        self.is_closed = False

    def __enter__(self) -> Self:
        _check_open(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_closed = True
        for transport in {id(route.transport): route.transport for route in self._routes.values()}.values():
            transport.close()
        self._routes.clear()
        if self._event_loop is not None:
            self._event_loop.close()
            self._event_loop = None

    def event_loop(self) -> Any:
        """Return an EventLoop whose World sends as this one does, for requests at the same time.

        None when the caller already runs an event loop (requests are sent one after the other then: use
        `arun` there) or has given a transport, which is a blocking one.
        """
        from arazzo_runner.runtime.races import EventLoop, has_running_loop

        if self._given is not None or has_running_loop():
            return None
        if self._event_loop is None:
            self._event_loop = EventLoop(AsyncWorld(max_response_size=self.max_response_size, options=self.options))
        return self._event_loop

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform one effect; raises InvalidUsage when the World is closed."""
        _check_open(self)
        return cast(Answer, self._perform(effect))

    def _perform(self, effect: Effect[Any]) -> object:
        match found := known(effect):
            case SendRequest():
                return self._send(found)
            case ReadFile():
                return read_upload(found)
            case Now():
                return time.time()
            case Sleep():
                time.sleep(found.seconds)
                return None
            case _:
                assert_never(found)

    def _send(self, effect: SendRequest) -> HttpResponse | NoResponse:
        answer = self._sent(effect)
        if not self.options.max_redirects or not effect.redirectable or not is_redirect(answer):
            return answer
        trail = Trail(effect, self.options.max_redirects)
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
        if not trail.crosses(target) or self._given is not None or self._route(httpx(), target).proxy is not None:
            return None
        return LookedUp(_addresses(trail.url), _addresses(target))

    def _sent(self, effect: SendRequest) -> HttpResponse | NoResponse:
        answer = self._exchange(effect)
        for _ in range(MAX_STALE_CONNECTIONS):
            if not self._stale.may_resend(effect, answer):
                break
            answer = self._exchange(effect)
        return answer

    def _exchange(self, effect: SendRequest) -> HttpResponse | NoResponse:
        exchange = Exchange(effect, self.max_response_size)
        library = httpx()
        try:
            route = self._route(library, effect.request.url)
        except (OSError, ValueError, ImportError, library.InvalidURL) as problem:
            return exchange.no_route(problem)
        exchange.proxy = route.proxy
        try:
            response = route.transport.handle_request(library_request(library, effect, route))
            try:
                return exchange.read(response.status_code, response.headers.raw, response.stream)
            finally:
                response.close()
                unclean = connection_with_unread_bytes(response)
                if unclean is not None:
                    unclean.close()
        except (library.HTTPError, library.InvalidURL, OSError, ValueError) as problem:
            return exchange.failed(problem, library)

    def _route(self, library: Any, url: str) -> Route:
        """Return the transport of an origin, made at its first request: TLS is set up for https only."""
        origin = origin_of(url)
        route = self._routes.get(origin)
        if route is None:
            route = Route(self._given) if self._given is not None else blocking_route(library, origin, self.options)
            self._routes[origin] = route
        return route


class AsyncWorld:
    """Performs effects on the running event loop.

    Pass one to many `arun`s to let them share connections (one pool per origin); without, each
    run has its own. It belongs to the event loop it is first used on. `options` say how servers
    are reached, `transport` is an asynchronous httpx transport to send through instead,
    `max_response_size` bounds the decoded body in bytes. Use it as an async context manager:

        async with arazzo_runner.AsyncWorld() as world:
            results = await asyncio.gather(*(arazzo_runner.arun(program, inputs=each, world=world) for each in many))
    """

    sends: Final = True  # to servers: requests get their credentials first
    waits: Final = True  # for the event loop, which a blocking run has none of

    def __init__(
        self,
        *,
        transport: Any = None,
        max_response_size: int = MAX_RESPONSE_SIZE,
        options: TransportOptions | None = None,
    ) -> None:
        self._given = transport
        self.max_response_size = max_response_size
        self.options = _usable_options(options, transport, "handle_async_request")
        self._routes: dict[Origin, Route] = {}
        self._stale = _StaleConnections()
        self._loop: Any = None
        self.is_closed = False

    async def __aenter__(self) -> Self:
        _check_open(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await to_the_end(self._close())

    async def _close(self) -> None:
        self.is_closed = True
        for transport in {id(route.transport): route.transport for route in self._routes.values()}.values():
            await transport.aclose()
        self._routes.clear()

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform one effect; raises InvalidUsage when the World is closed, and on another event loop than before."""
        _check_open(self)
        return cast(Answer, await self._perform(effect))

    async def _perform(self, effect: Effect[Any]) -> object:
        import asyncio

        match found := known(effect):
            case SendRequest():
                return await self._send(found)
            case ReadFile():
                return await asyncio.to_thread(read_upload, found)
            case Now():
                return time.time()
            case Sleep():
                await asyncio.sleep(found.seconds)
                return None
            case _:
                assert_never(found)

    async def _send(self, effect: SendRequest) -> HttpResponse | NoResponse:
        answer = await self._sent(effect)
        if not self.options.max_redirects or not effect.redirectable or not is_redirect(answer):
            return answer
        trail = Trail(effect, self.options.max_redirects)
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

        if not trail.crosses(target) or self._given is not None or self._route(httpx(), target).proxy is not None:
            return None
        both = (asyncio.to_thread(_addresses, url) for url in (trail.url, target))
        return LookedUp(*await asyncio.gather(*both))

    async def _sent(self, effect: SendRequest) -> HttpResponse | NoResponse:
        answer = await self._exchange(effect)
        for _ in range(MAX_STALE_CONNECTIONS):
            if not self._stale.may_resend(effect, answer):
                break
            answer = await self._exchange(effect)
        return answer

    async def _exchange(self, effect: SendRequest) -> HttpResponse | NoResponse:
        import asyncio

        self._check_loop()
        exchange = Exchange(effect, self.max_response_size)
        library = httpx()
        try:
            route = self._route(library, effect.request.url)
        except (OSError, ValueError, ImportError, library.InvalidURL) as problem:
            return exchange.no_route(problem)
        exchange.proxy = route.proxy
        try:
            async with asyncio.timeout(effect.timeout + CONNECT_GRACE):
                if route.is_direct:
                    return await _direct(exchange, effect, route)
                response = await route.transport.handle_async_request(library_request(library, effect, route))
                try:
                    return await exchange.aread(response.status_code, response.headers.raw, response.stream)
                finally:
                    await response.aclose()
                    unclean = connection_with_unread_bytes(response)
                    if unclean is not None:
                        await unclean.aclose()
        except TimeoutError:
            return exchange.timed_out()
        except (library.HTTPError, library.InvalidURL, OSError, ValueError) as problem:
            return exchange.failed(problem, library)

    def _route(self, library: Any, url: str) -> Route:
        origin = origin_of(url)
        route = self._routes.get(origin)
        if route is None:
            route = Route(self._given) if self._given is not None else async_route(library, origin, self.options)
            self._routes[origin] = route
        return route

    def _check_loop(self) -> None:
        """Raise InvalidUsage on another event loop than before: connections work on their own loop only."""
        import asyncio

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            hint = "run it with arun(…), or use a BlockingWorld"
            raise _refusal("an AsyncWorld needs a running event loop", hint) from None
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            hint = "make an AsyncWorld for each event loop; asyncio.run(…) makes a new loop every time"
            raise _refusal("this AsyncWorld belongs to another event loop", hint)


def _check_open(world: BlockingWorld | AsyncWorld) -> None:
    if world.is_closed:
        message = f"this {type(world).__name__} is closed: its with block has ended"
        raise _refusal(message, "run inside of the block, or make another World")


_OTHER: Final = {"handle_request": "handle_async_request", "handle_async_request": "handle_request"}
_OTHER_WORLD: Final = {
    "handle_request": "it is an asynchronous one: give it to an AsyncWorld, and run with arun(…)",
    "handle_async_request": "it is a blocking one: give it to a BlockingWorld, and run with run(…)",
}


def _refusal(message: str, hint: str | None) -> InvalidUsage:
    return InvalidUsage(
        [Diagnostic(code="usage", severity=Severity.ERROR, message=message, at=Location(""), hint=hint)]
    )


def _usable_options(options: TransportOptions | None, transport: Any, method: str) -> TransportOptions:
    """Return the options of a World; raises InvalidUsage for those that a transport of the caller's would not obey.

    `method` is what the transport sends with, the one of blocking or of asynchronous transports.
    """
    if transport is not None and (isinstance(transport, type) or not callable(getattr(transport, method, None))):
        message = f"transport is a transport of httpx with the method {method}, not {type_of(transport)}"
        raise _refusal(message, _OTHER_WORLD[method] if callable(getattr(transport, _OTHER[method], None)) else None)
    chosen = TransportOptions() if options is None else options
    check_transport_options(chosen)
    if transport is not None and replace(chosen, max_redirects=0) != TransportOptions():
        message = "a World with a transport of its own takes no options of connections but max_redirects"
        hint = "make the transport with these certificates and proxies"
        raise _refusal(message, hint)
    return chosen


async def _direct(exchange: Exchange, effect: SendRequest, route: Route) -> HttpResponse | NoResponse:
    received = await route.transport.send(effect, exchange.connect)
    try:
        return await exchange.aread(received.status, received.headers, received.chunks())
    finally:
        received.close()


def _addresses(url: str) -> list[str]:
    """Return the addresses of a URL's host, none when it is unknown."""
    import socket  # lazily: only redirects to another server need it

    found = origin_of(url)
    try:
        known = socket.getaddrinfo(found.host, found.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(each[4][0]) for each in known))


class _StaleConnections:
    """Remembers the servers with open connections, which they may close at any time.

    RFC 9110 §9.2.2: a client may repeat a request by itself only when that does no harm.
    """

    def __init__(self) -> None:
        self._answered: set[str] = set()

    def may_resend(self, effect: SendRequest, answer: HttpResponse | NoResponse) -> bool:
        """Return whether a safe request failed on a connection that had been closed: it is sent once more."""
        origin = effect.request.url.partition("://")[2].partition("/")[0]
        if isinstance(answer, HttpResponse):
            self._answered.add(origin)
            return False
        return effect.safe and answer.reason == "reset" and origin in self._answered
