"""The choice of a transport for a server, behind httpx's transport interface.

One run at a time: the library's own. Many at once: aiohttp where it is installed (extra
`async`), else Lanes, because the library's asynchronous pool collapses at about 50 exchanges.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from arazzo_runner.base.records import Record
from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.sources.hosts import Origin, origin_of, proxy_for
from arazzo_runner.sources.http_library import keep_deadlines

MAX_CONNECTIONS = 1000


class Way(Record):
    """How one server is reached: the transport, and the proxy it goes through (a URL or None).

    `base` is the library's URL of the server, parsed once: a request adds its target only (None
    for a foreign transport, which reads the whole URL).
    """

    transport: Any
    proxy: str | None = None
    base: Any = None


def blocking_way(library: Any, origin: Origin, options: TransportOptions) -> Way:
    """Return the way of a BlockingWorld to a server; raises OSError, ValueError or ImportError when there is none."""
    proxy = proxy_for(origin, options.proxies, os.environ)
    transport = library.HTTPTransport(limits=_limits(library), **_settings(library, origin, options, proxy))
    keep_deadlines(transport)
    return Way(transport, proxy, _base(library, origin))


def async_way(library: Any, origin: Origin, options: TransportOptions) -> Way:
    """Return the way of an AsyncWorld to a server; raises OSError, ValueError or ImportError when there is none."""
    proxy = proxy_for(origin, options.proxies, os.environ)
    settings = _settings(library, origin, options, proxy)
    if options.http2 and settings["http2"]:
        # One connection carries all exchanges, so the pool has little to look through.
        transport = library.AsyncHTTPTransport(limits=_limits(library), **settings)
        return Way(transport, proxy, _base(library, origin))
    if proxy is None and find_spec("aiohttp"):
        from arazzo_runner.runtime.aiohttp_transport import aiohttp_transport

        return Way(aiohttp_transport(library, settings["verify"]), None, _base(library, origin))
    from arazzo_runner.runtime.connection_pool import lanes

    return Way(lanes(library, settings), proxy, _base(library, origin))


def _limits(library: Any) -> Any:
    return library.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)


def _base(library: Any, origin: Origin) -> Any:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return library.URL(f"{origin.scheme}://{host}:{origin.port}/")


def _proxy(library: Any, url: str, options: TransportOptions) -> Any:
    """The library's proxy; one that is asked over TLS has the certificates given for its host."""
    if not url.startswith("https:"):
        return library.Proxy(url)
    from arazzo_runner.runtime.tls import tls_context

    return library.Proxy(url, ssl_context=tls_context(library, origin_of(url), options))


def _settings(library: Any, origin: Origin, options: TransportOptions, proxy: str | None) -> dict[str, Any]:
    if origin.scheme not in ("http", "https"):
        raise ValueError(f'"{origin.scheme}" is neither http nor https')
    settings: dict[str, Any] = {"verify": False, "http2": False, "trust_env": False}
    if proxy is not None:
        settings["proxy"] = _proxy(library, proxy, options)
    if origin.scheme == "https":  # for plain http no TLS context: it costs 20 ms and is never used
        from arazzo_runner.runtime.tls import tls_context

        settings["verify"] = tls_context(library, origin, options)
        settings["http2"] = options.http2 is not False and find_spec("h2") is not None
    return settings
