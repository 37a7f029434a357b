"""The head of a request as it is sent by every transport: its target, its headers and those added to them."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import unquote, urlsplit

from arazzo_runner.engine.effects import HttpRequest
from arazzo_runner.sources.http_media.header_names import is_token

_NOT_IN_TARGETS = re.compile(r"[^\x21-\x7e]")
_WITH_BODIES = ("POST", "PUT", "PATCH")


def sent_headers(request: HttpRequest) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request, those that it needs added: host, credentials of the URL, length of the body.

    Raises ValueError for those that could make a server read another request than was built: not every transport would.
    """
    for name, value in request.headers:
        _check(name, value, request.body)
    given = {name.lower() for name, _ in request.headers}
    headers = [
        *_defaults(request, given),
        *((name.encode(), value.encode("utf-8")) for name, value in request.headers),
    ]
    if request.body and "content-length" not in given:
        headers.append((b"Content-Length", str(len(request.body)).encode()))
    elif request.method.upper() in _WITH_BODIES and "content-length" not in given:
        headers.insert(0, (b"Content-Length", b"0"))
    return headers


def _check(name: str, value: str, body: bytes | None) -> None:
    if not is_token(name):
        raise ValueError(f"the header name {name!r} is no token (RFC 9110 §5.6.2)")
    if name.lower() == "transfer-encoding" or (name.lower() == "content-length" and value != str(len(body or b""))):
        raise ValueError(f"the header {name} does not fit the body, whose length is sent with it")


def _defaults(request: HttpRequest, given: set[str]) -> list[tuple[bytes, bytes]]:
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
    """Return the credentials in a URL as the value of a header (RFC 7617 §2)."""
    user, _, password = userinfo.partition(":")
    return b"Basic " + b64encode(f"{unquote(user)}:{unquote(password)}".encode())


def request_target(url: str) -> str:
    """Return the request target of a URL, its path and query exactly as they were built: httpx would resolve `/a/../b`.

    Raises ValueError for characters that RFC 9112 §3.2 does not allow (controls, space,
    non-ASCII): not every transport would, and a line break would begin another request.
    """
    _, mark, rest = url.partition("#")[0].partition("://")
    start = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    target = rest[start:] if rest[start : start + 1] == "/" else f"/{rest[start:]}"
    if target.find("?") == len(target) - 1:
        target = target[:-1]  # an empty query: not all transports would send its mark
    if not mark or _NOT_IN_TARGETS.search(target):
        raise ValueError("its URL has characters that must be percent-encoded")
    return target
