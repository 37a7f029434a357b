"""The HTTP client of event streams and webhooks: one exchange, whose answer is read by the caller or not at all."""

from __future__ import annotations

import asyncio
import socket
from typing import Any
from urllib.parse import urlsplit

from arazzo_runner.engine.effects import Headers
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Connection
from arazzo_runner.runtime.brokers.failures import (
    CREDENTIALS_HINT,
    connect_failure,
    host_of,
    is_tls_failure,
)
from arazzo_runner.runtime.brokers.web import check_headers, with_user_agent
from arazzo_runner.sources.http_library import httpx

_RESERVED = frozenset({"host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer"})


class PassingFailure(BrokerFailure):
    """A failure that the same request may not meet again later."""


class WebClient:
    """Sends requests of one Connection. No redirect is followed, no cookie is kept."""

    def __init__(self, connection: Connection) -> None:
        library = httpx()
        self._library = library
        self._timeout = connection.timeout
        self.max_message_size = connection.max_message_size
        self.broken: tuple[type[BaseException], ...] = (library.TransportError, OSError)
        """What the body of an answer raises when its connection breaks."""
        proxy = connection.options.get("proxy")
        self._transport = library.AsyncHTTPTransport(
            verify=connection.tls or connection.url.startswith("https:"),
            trust_env=False,
            proxy=library.Proxy(proxy) if isinstance(proxy, str) and proxy else None,
            limits=library.Limits(max_connections=None, max_keepalive_connections=4),
            # A server that vanished is noticed although nothing is sent to it.
            socket_options=[(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)],
        )

    async def exchange(self, method: str, url: str, headers: Headers, body: bytes | None) -> Any:
        """Return the library's response once its head is there; raises BrokerFailure. The caller closes it."""
        library = self._library
        check_headers(headers, _RESERVED)
        times = {"connect": self._timeout, "pool": self._timeout, "write": self._timeout, "read": None}
        encoded = [(name.encode("ascii"), value.encode("utf-8")) for name, value in with_user_agent(headers)]
        request = library.Request(
            method,
            url,
            headers=[(b"Host", host_of(url).encode()), *encoded],
            content=body,
            extensions={"timeout": times},
        )
        try:
            async with asyncio.timeout(self._timeout):
                return await self._transport.handle_async_request(request)
        except (library.ConnectError, library.ConnectTimeout, library.ProxyError) as problem:
            raise self._unconnected(problem, url) from None
        except TimeoutError:
            raise PassingFailure(
                "timeout", f"no answer from {host_of(url)} within {self._timeout:g} s", sent=True
            ) from None
        except (library.HTTPError, library.InvalidURL, OSError, ValueError) as problem:
            raise self._broken(problem, url) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    def _unconnected(self, problem: Any, url: str) -> BrokerFailure:
        if isinstance(problem, self._library.ProxyError):
            return BrokerFailure("refused", f"the proxy gives no connection to {host_of(url)}: {problem}")
        cause: BaseException = TimeoutError() if isinstance(problem, self._library.ConnectTimeout) else problem
        failure = connect_failure(cause, url, ("http", "https"), self._timeout)
        if failure.reason in ("refused", "timeout"):
            return PassingFailure(failure.reason, failure.message, hint=failure.hint)
        return failure

    def _broken(self, problem: Any, url: str) -> BrokerFailure:
        library, host = self._library, host_of(url)
        if is_tls_failure(problem):
            return connect_failure(problem, url, ("http", "https"), self._timeout)
        if isinstance(
            problem, (library.InvalidURL, library.UnsupportedProtocol, library.LocalProtocolError, ValueError)
        ):
            return BrokerFailure("rejected", f"the request to {host} cannot be sent: {problem}")
        if isinstance(problem, library.RemoteProtocolError) and "disconnected" not in str(problem):
            return BrokerFailure(
                "rejected", f"{host} does not answer as an HTTP server: {str(problem)[:200]}", sent=True
            )
        return PassingFailure("closed", f"{host} closed the connection without an answer", sent=True)


def status_failure(response: Any, url: str) -> BrokerFailure | None:
    """Return why an answer says that a request was not taken, None for a status below 300.

    After 4xx and 503 the server has not acted; behind the 5xx of a gateway it may have.
    """
    status, host, path = response.status_code, host_of(url), urlsplit(url).path
    if status < 300:
        return None
    if status in (401, 407):
        return BrokerFailure("credentials", f"{host} asks for other credentials ({status})", hint=CREDENTIALS_HINT)
    if status == 403:
        return BrokerFailure("forbidden", f"{host} forbids {path} (403)", hint=CREDENTIALS_HINT)
    if status in (404, 410):
        return BrokerFailure("rejected", f"{host} has no {path} ({status})", hint="is the address right?")
    if status < 400:
        location = response.headers.get("Location", "")
        target = f" to {host_of(location) or location[:200].partition('?')[0]}" if location else ""
        return BrokerFailure("rejected", f"{host} redirects {path}{target} ({status}), and no redirect is followed")
    if status in (429, 500, 502, 503, 504):
        return PassingFailure("rejected", f"{host} answers {status} for {path}", sent=status not in (429, 503))
    return BrokerFailure("rejected", f"{host} answers {status} for {path}", sent=status >= 500)


def coding_failure(response: Any, url: str) -> BrokerFailure | None:
    """Return why an answer cannot be read that is compressed; None for one that is not."""
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding in ("", "identity"):
        return None
    return BrokerFailure("rejected", f"{host_of(url)} compresses the answer ({coding[:40]}) although asked not to")
