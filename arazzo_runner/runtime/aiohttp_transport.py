"""aiohttp behind httpx's transport interface: the transport of many runs at once (extra `async`).

An own one, because httpx-aiohttp re-encodes the request target, adds headers, lets aiohttp
send PUT and DELETE a second time, and calls a connection that was closed before the answer a
connect timeout: the run would believe that the server got nothing.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
from yarl import URL

_MAX_HEADER = 2**16  # bytes; about what httpx takes
_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


def aiohttp_transport(library: Any, context: Any) -> Any:
    """Return an asynchronous transport with a session of its own; `context` is an ssl.SSLContext or False."""

    class Stream(library.AsyncByteStream):  # type: ignore[misc]
        """The body of a response as it comes, still compressed."""

        def __init__(self, response: Any) -> None:
            self._response = response

        async def __aiter__(self) -> AsyncIterator[bytes]:
            with _translated(library):
                async for chunk in self._response.content.iter_any():
                    yield chunk

        async def aclose(self) -> None:
            self._response.release()  # this closes a connection with unread bytes

    class AiohttpTransport(library.AsyncBaseTransport):  # type: ignore[misc]
        """One session, whose connections all exchanges share."""

        def __init__(self) -> None:
            self._session = _session(context)

        async def handle_async_request(self, request: Any) -> Any:
            timeout = aiohttp.ClientTimeout(
                sock_connect=request.extensions["timeout"]["connect"],
                ceil_threshold=math.inf,  # else five seconds and more are rounded up
            )
            with _translated(library):
                response = await self._session.request(
                    request.method,
                    _url(request),
                    headers=[(name.decode("latin-1"), value.decode("utf-8")) for name, value in request.headers.raw],
                    data=request.content or None,
                    allow_redirects=False,
                    server_hostname=request.extensions.get("sni_hostname"),
                    skip_auto_headers=_AUTOMATIC,
                    timeout=timeout,
                )
            return library.Response(response.status, headers=response.raw_headers, stream=Stream(response))

        async def aclose(self) -> None:
            await self._session.close()

    return AiohttpTransport()


def _session(context: Any) -> Any:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=context),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        max_line_size=_MAX_HEADER,
        max_field_size=_MAX_HEADER,
    )
    # aiohttp would repeat PUT and DELETE after a lost connection: whether to do so is for the World to decide.
    session._retry_connection = False
    return session


def _url(request: Any) -> URL:
    """Return the URL with its target exactly as it was built, not encoded again."""
    target = request.extensions["target"].decode("utf-8")
    return URL(f"{request.url.scheme}://{request.url.netloc.decode('ascii')}{target}", encoded=True)


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
        raise library.UnsupportedProtocol(f"{problem} is no http(s) URL") from problem
    except aiohttp.ClientError as problem:
        raise library.ReadError(str(problem)) from problem
