"""The choice of a transport for a server, behind httpx's transport interface, and its TLS settings.

One run at a time: the library's own. Many at once: aiohttp where it is installed (extra
`async`), else a pool of ours, because the library's asynchronous pool collapses at about 50 exchanges.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from arazzo_runner.base.records import Record
from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.runtime.cleanup import to_the_end
from arazzo_runner.sources.hosts import Origin, meant_for, origin_of, proxy_for
from arazzo_runner.sources.http_library import keep_deadlines

MAX_CONNECTIONS = 1000
KEY_PASSWORD = "ARAZZO_KEY_PASSWORD"


class Route(Record):
    """How one server is reached: the transport, and the proxy it goes through (a URL or None).

    `base` is the library's URL of the server, parsed once: a request adds its target only (None
    for a foreign transport, which reads the whole URL). `is_direct` is True for an AiohttpSender, which
    takes our requests, not the library's.
    """

    transport: Any
    proxy: str | None = None
    base: Any = None
    is_direct: bool = False


def blocking_route(library: Any, origin: Origin, options: TransportOptions) -> Route:
    """Return how a BlockingWorld reaches a server; raises OSError, ValueError or ImportError when it cannot."""
    proxy = proxy_for(origin, options.proxies, os.environ)
    transport = library.HTTPTransport(limits=_limits(library), **_settings(library, origin, options, proxy))
    keep_deadlines(transport)
    return Route(transport, proxy, _base(library, origin))


def async_route(library: Any, origin: Origin, options: TransportOptions) -> Route:
    """Return how an AsyncWorld reaches a server; raises OSError, ValueError or ImportError when it cannot."""
    proxy = proxy_for(origin, options.proxies, os.environ)
    settings = _settings(library, origin, options, proxy)
    if options.http2 and settings["http2"]:
        # One connection carries all exchanges, so the pool has little to look through.
        transport = library.AsyncHTTPTransport(limits=_limits(library), **settings)
        return Route(transport, proxy, _base(library, origin))
    if proxy is None and find_spec("aiohttp"):
        from arazzo_runner.runtime.aiohttp_transport import AiohttpSender

        base = _base(library, origin)
        return Route(AiohttpSender(library, settings["verify"], base), None, base, is_direct=True)
    return Route(connection_pool(library, settings), proxy, _base(library, origin))


def _limits(library: Any) -> Any:
    return library.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)


def _base(library: Any, origin: Origin) -> Any:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return library.URL(f"{origin.scheme}://{host}:{origin.port}/")


def _proxy(library: Any, url: str, options: TransportOptions) -> Any:
    """Return the library's proxy; a TLS connection to it uses the certificates given for its host."""
    if not url.startswith("https:"):
        return library.Proxy(url)
    return library.Proxy(url, ssl_context=tls_context(library, origin_of(url), options))


def _settings(library: Any, origin: Origin, options: TransportOptions, proxy: str | None) -> dict[str, Any]:
    if origin.scheme not in ("http", "https"):
        raise ValueError(f'"{origin.scheme}" is neither http nor https')
    settings: dict[str, Any] = {"verify": False, "http2": False, "trust_env": False}
    if proxy is not None:
        settings["proxy"] = _proxy(library, proxy, options)
    if origin.scheme == "https":  # for plain http no TLS context: it costs 20 ms and is never used
        settings["verify"] = tls_context(library, origin, options)
        settings["http2"] = options.http2 is not False and find_spec("h2") is not None
    return settings


# ------------------------------------------------------------------ TLS


def tls_context(library: Any, origin: Origin, options: TransportOptions) -> Any:
    """Return an ssl.SSLContext for a server; raises OSError (ssl.SSLError is one) for a file that is unusable."""
    context = _trusting(library, origin, options)
    certificate = meant_for(options.certificates, origin)
    if certificate is not None:
        load_certificate(context, *certificate)
    return context


def load_certificate(context: Any, file: str, key: str | None) -> None:
    """Load a client certificate into a context; the password of an encrypted key is ARAZZO_KEY_PASSWORD."""
    # The password is always given: without one OpenSSL would ask for it at the terminal.
    context.load_cert_chain(file, key, password=lambda: os.environ.get(KEY_PASSWORD, ""))


def _trusting(library: Any, origin: Origin, options: TransportOptions) -> Any:
    import ssl  # lazily: only for https

    if meant_for(dict.fromkeys(options.insecure_hosts, True), origin):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    authority = meant_for(options.ca_files, origin)
    if authority is not None:
        return ssl.create_default_context(cafile=authority)
    return library.create_ssl_context()  # SSL_CERT_FILE, SSL_CERT_DIR, else the library's own authorities


# ------------------------------------------------------------------ many exchanges at once


def connection_pool(library: Any, settings: dict[str, Any]) -> Any:
    """Return an asynchronous transport of many small ones, each with one connection and one exchange at a time.

    The library's own pool looks through all of its connections and waiting requests whenever one
    begins or ends, under one lock: the cost grows with the square of the exchanges under way.
    `settings` are those of the library's AsyncHTTPTransport.
    """

    class Stream(library.AsyncByteStream):  # type: ignore[misc]
        """The body of a response; closing it makes its connection idle."""

        def __init__(self, stream: Any, connection: Any, pool: Any) -> None:
            self._stream = stream
            self._connection = connection
            self._pool = pool

        def __aiter__(self) -> Any:
            return self._stream.__aiter__()

        async def aclose(self) -> None:
            connection = self._connection
            self._connection = None
            try:
                await self._stream.aclose()
            except BaseException:
                if connection is not None:
                    await self._pool.give_up(connection)
                raise
            if connection is not None:
                self._pool.idle.append(connection)

    class ConnectionPool(library.AsyncBaseTransport):  # type: ignore[misc]
        """The connections to one server; the one used last is used first, so that few are kept open."""

        def __init__(self) -> None:
            self.idle: list[Any] = []
            self._all: list[Any] = []

        async def handle_async_request(self, request: Any) -> Any:
            connection = self.idle.pop() if self.idle else self._opened()
            try:
                response = await connection.handle_async_request(request)
            except BaseException:
                await self.give_up(connection)
                raise
            response.stream = Stream(response.stream, connection, self)
            return response

        async def give_up(self, connection: Any) -> None:
            """Close the connection of a failed or cancelled exchange: its state is unknown."""
            self._all.remove(connection)
            await to_the_end(connection.aclose())

        def _opened(self) -> Any:
            limits = library.Limits(max_connections=1, max_keepalive_connections=1)
            connection = library.AsyncHTTPTransport(limits=limits, **settings)
            self._all.append(connection)
            return connection

        async def aclose(self) -> None:
            for connection in self._all:
                await connection.aclose()
            self._all.clear()
            self.idle.clear()

    return ConnectionPool()
