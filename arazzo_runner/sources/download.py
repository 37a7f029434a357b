"""Downloads of descriptions over HTTP: one GET with its redirects and limits; called by fetch.py only."""

from __future__ import annotations

import os
import time
from typing import Any, Final

from arazzo_runner.base.version import __version__
from arazzo_runner.sources.http_library import Deadline, keep_deadlines
from arazzo_runner.sources.http_media.content_coding import DecodedBody, TooLarge, Undecodable
from arazzo_runner.sources.policy import FetchError, Policy, check_addresses, limited, redirected, too_large
from arazzo_runner.sources.uris import origin, without_userinfo

MAX_REDIRECTS: Final = 5
READ_SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 10.0
_HEADERS: Final = {
    "Accept": "application/json, application/yaml, text/yaml, */*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": f"arazzo/{__version__}",
}


def download(uri: str, base: str, policy: Policy) -> bytes:
    """Return the document at an http(s) URL, which the document at `base` names; raises FetchError.

    Redirects are followed on the same server only. Requests go to the addresses that were checked,
    so that a host name cannot resolve to one address for the check and another for the request.
    """
    deadline = time.monotonic() + READ_SECONDS
    for _ in range(MAX_REDIRECTS + 1):
        addresses = _addresses(uri)
        check_addresses(uri, addresses, base, policy)
        status, location, data = _exchange(uri, addresses, policy.max_bytes, deadline)
        if status == 200:
            return limited(data, policy.max_bytes)
        if status not in (301, 302, 303, 307, 308):
            raise FetchError(f"{without_userinfo(uri)} answers with status {status}")
        uri = redirected(uri, location)
    raise FetchError(f"{without_userinfo(uri)} redirects too often")


def _addresses(uri: str) -> list[str]:
    import socket  # lazily: only remote documents need it

    found = origin(uri)
    if found is None:
        raise FetchError(f"{without_userinfo(uri)} is not a usable URL", "write https://host/path")
    try:
        known = socket.getaddrinfo(found[1], found[2], type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []  # perhaps only a proxy knows the name; else the request will fail
    return list(dict.fromkeys(str(each[4][0]) for each in known))


def _exchange(uri: str, addresses: list[str], max_bytes: int, deadline: float) -> tuple[int, str | None, bytes]:
    """Send one request; return (status, Location, body). The body is read only if the status is 200."""
    from arazzo_runner.sources.hosts import (
        origin_of,  # lazily, as the next two: most loads read only files
        proxy_for,
    )
    from arazzo_runner.sources.http_library import httpx

    try:
        library = httpx()
    except (ImportError, ValueError) as problem:
        raise FetchError(f"{without_userinfo(uri)} cannot be fetched: {problem}", "unset ARAZZO_HTTP") from None
    try:
        proxy = proxy_for(origin_of(uri), {}, os.environ)
        with _client(library, uri, proxy) as client:
            response = _response(client, library, uri, [] if proxy else addresses, deadline - time.monotonic())
            try:
                data = _body(response, max_bytes, deadline, uri) if response.status_code == 200 else b""
            finally:
                response.close()
            return response.status_code, response.headers.get("location"), data
    except (library.HTTPError, library.InvalidURL, OSError, ValueError) as problem:
        reason = str(problem) or type(problem).__name__
        raise FetchError(f"{without_userinfo(uri)} cannot be fetched: {reason}") from None


def _client(library: Any, uri: str, proxy: str | None) -> Any:
    # The TLS context, which reads SSL_CERT_FILE, is made only for https.
    verify = library.create_ssl_context() if uri[:6].lower() == "https:" else False
    transport = library.HTTPTransport(verify=verify, proxy=proxy)
    keep_deadlines(transport)
    return library.Client(transport=transport, timeout=CONNECT_SECONDS, follow_redirects=False, trust_env=False)


def _response(client: Any, library: Any, uri: str, addresses: list[str], seconds: float) -> Any:
    """Try the checked addresses one after the other; through a proxy, use the host name."""
    url = library.URL(uri)
    whole, connect = Deadline(seconds), min(CONNECT_SECONDS, seconds)
    timeout = {"connect": connect, "read": whole, "write": whole, "pool": connect}
    headers = {**_HEADERS, "Host": url.netloc.decode("ascii")}
    extensions: dict[str, Any] = {"timeout": timeout}
    if not addresses:
        return client.send(library.Request("GET", url, headers=headers, extensions=extensions), stream=True)
    if url.scheme == "https":
        extensions["sni_hostname"] = url.raw_host.decode("ascii")
    for number, address in enumerate(addresses, 1):
        request = library.Request("GET", url.copy_with(host=address), headers=headers, extensions=extensions)
        try:
            return client.send(request, stream=True)
        except (library.ConnectError, library.ConnectTimeout):
            if number == len(addresses):
                raise
    return None  # unreachable: there is at least one address


def _body(response: Any, max_bytes: int, deadline: float, uri: str) -> bytes:
    body = DecodedBody(response.headers.get("content-encoding", ""), max_bytes)
    try:
        for chunk in response.stream:
            body.take(chunk)
            if time.monotonic() > deadline:
                raise FetchError(f"{without_userinfo(uri)} takes longer than {READ_SECONDS:g} s")
    except TooLarge:
        raise too_large(max_bytes) from None
    except Undecodable as problem:
        raise FetchError(f"{without_userinfo(uri)} cannot be decoded: {problem}") from None
    if not body.is_whole:
        raise FetchError(f"{without_userinfo(uri)} ended prematurely")
    return body.data
