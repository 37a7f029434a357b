"""The secrets in headers and URLs: whole values, and each part that a server may echo by itself.

Such parts are a single cookie, the password of basic credentials, a query field.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, unquote_plus

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.secrets import SECRET_HEADERS, is_secret_name

_OF_URLS = frozenset({"location", "content-location", "link", "refresh", "referer"})
_FIELD = pattern(r"(?<=[?&#])([^=&#?]*)=([^&#>;\s]*)")
_USERINFO = pattern(r"://[^/?#@:]*:([^/?#@]*)@")


def header_secrets(headers: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the secrets of header fields: whole values and their parts."""
    for name, value in headers:
        lower = name.lower()
        if lower == "set-cookie":
            yield _cookie(value.partition(";")[0])
        elif lower == "cookie":
            yield value
            yield from map(_cookie, value.split(";"))
        elif lower in SECRET_HEADERS or is_secret_name(name):
            yield value
            yield from _basic(value)
        elif lower in _OF_URLS:
            yield from url_secrets(value)


def url_secrets(url: str) -> Iterator[str]:
    """Yield a URL's password and its fields with secret names, also in the fragment (RFC 6749 §4.2.2)."""
    for match in _USERINFO.finditer(url):
        yield unquote(match[1])
    for match in _FIELD.finditer(url):
        if is_secret_name(unquote_plus(match[1])):
            yield unquote_plus(match[2])


def _cookie(pair: str) -> str:
    value = pair.partition("=")[2].strip()
    # RFC 6265 §4.1.1: quotes may surround a value; percent escapes are what most frameworks write.
    return unquote(value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value)


def _basic(value: str) -> Iterator[str]:
    """Yield user and password, and the password, of basic credentials (RFC 7617 §2)."""
    scheme, _, encoded = value.strip().partition(" ")
    if scheme.lower() != "basic":
        return
    try:
        text = base64.b64decode(encoded).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return
    yield from (text, text.partition(":")[2])
