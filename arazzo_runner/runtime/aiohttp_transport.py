"""Requests sent by aiohttp itself: those of many runs at once (extra `async`).

Not by httpx-aiohttp, because it re-encodes the request target, adds headers, lets aiohttp send PUT and
DELETE a second time, and calls a connection that was closed before the answer a connect timeout: the run
would believe that the server got nothing. Nor behind httpx's transport interface: its Request and Response
take a quarter of the time of an exchange.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

import aiohttp
from yarl import URL

from arazzo_runner.engine.effects import SendRequest
from arazzo_runner.runtime.redirects import PinnedRequest
from arazzo_runner.runtime.request_head import request_target, sent_headers

_MAX_HEADER = 2**16  # bytes; about what httpx takes
_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class AiohttpSender:
    """One session for one server, whose connections all exchanges share.

    `library` is the HTTP library, whose exceptions are raised; `base` its URL of the server, `context` an
    ssl.SSLContext or False.
    """

    def __init__(self, library: Any, context: Any, base: Any) -> None:
        self._library = library
        self._base = base
        self._prefix = _prefix(base)
        self._session = _session(context)

    async def send(self, effect: SendRequest, connect: float) -> Received:
        """Send a request; the body of the response is not read yet. `connect` limits the time of connecting."""
        request = effect.request
        prefix, server_name = self._prefix, None
        if isinstance(effect, PinnedRequest):
            prefix, server_name = _prefix(self._base.copy_with(host=effect.address)), self._base.host
        # Exactly as it was built, not encoded again.
        url = URL(prefix + request_target(request.url), encoded=True)
        timeout = aiohttp.ClientTimeout(
            sock_connect=connect,
            ceil_threshold=math.inf,  # else five seconds and more are rounded up
        )
        with _translated(self._library):
            response = await self._session.request(
                request.method,
                url,
                headers=_headers(sent_headers(request)),
                data=request.body or None,
                allow_redirects=False,
                server_hostname=server_name,
                skip_auto_headers=_AUTOMATIC,
                timeout=timeout,
            )
        return Received(response, self._library)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()


class Received:
    """A response, with what Exchange reads of one."""

    def __init__(self, response: Any, library: Any) -> None:
        self._response = response
        self._library = library
        self.status: int = response.status
        self.headers: Sequence[tuple[bytes, bytes]] = response.raw_headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes, still compressed."""
        with _translated(self._library):
            async for chunk in self._response.content.iter_any():
                yield chunk

    def close(self) -> None:
        """Let another exchange have the connection; one with unread bytes is closed."""
        self._response.release()


def _headers(sent: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return headers, repeated ones in one spelling: of two spellings aiohttp would send the last only."""
    spelled: dict[bytes, str] = {}
    return [(spelled.setdefault(name.lower(), name.decode("latin-1")), value.decode("utf-8")) for name, value in sent]


def _prefix(base: Any) -> str:
    return f"{base.scheme}://{base.netloc.decode('ascii')}"


class _Every(set[str]):
    """Contains every method."""

    def __contains__(self, _method: object) -> bool:
        return True


class _Request(aiohttp.ClientRequest):
    """A request without a length that aiohttp would add for some methods: ours has one where it is needed."""

    GET_METHODS = _Every()


def _session(context: Any) -> Any:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=context),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        request_class=_Request,
        max_line_size=_MAX_HEADER,
        max_field_size=_MAX_HEADER,
    )
    # aiohttp would repeat PUT and DELETE after a lost connection: whether to do so is for the World to decide.
    session._retry_connection = False
    return session


@contextlib.contextmanager
def _translated(library: Any) -> Iterator[None]:
    """Raise the library's exceptions instead: they show whether the server may have acted."""
    try:
        yield
    except aiohttp.ServerDisconnectedError as problem:
        raise library.RemoteProtocolError("Server disconnected without sending a response.") from problem
    except aiohttp.ConnectionTimeoutError as problem:
        raise library.ConnectTimeout(str(problem)) from problem
    except aiohttp.ServerTimeoutError as problem:
        raise library.ReadTimeout(str(problem)) from problem
    except aiohttp.ClientConnectorDNSError as problem:
        raise library.ConnectError(f"getaddrinfo failed: {problem}") from problem
    except (aiohttp.ClientConnectorError, aiohttp.ClientConnectorCertificateError) as problem:
        raise library.ConnectError(str(problem)) from problem
    except aiohttp.ClientResponseError as problem:
        text = problem.message.partition("\n")[0].rstrip(":") or type(problem).__name__  # below it: what was read
        raise library.RemoteProtocolError(text) from problem
    except aiohttp.InvalidURL as problem:
        raise library.UnsupportedProtocol(f"{problem} is not an http(s) URL") from problem
    except aiohttp.ClientError as problem:
        raise library.ReadError(str(problem)) from problem
