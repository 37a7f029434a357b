"""The URL of a server, as it must be written."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from arazzo_runner.base.patterns import pattern

_NO_URL: Final = "https://host/path"
_NEAR: Final = pattern(r"(?:localhost|\d+(?:\.\d+){3}|\[[0-9a-fA-F:.]+\])(?::|/|$)|[^/]+:\d")
"""Hosts that are rarely reached by https: this machine, addresses, and those with a port."""


def corrected_server(url: object) -> str | None:
    """Return what to write in place of the URL of a server, None if it is an absolute http(s) URL.

    >>> corrected_server("localhost:8080"), corrected_server("api.test/v1"), corrected_server("https://api.test")
    ('http://localhost:8080', 'https://api.test/v1', None)
    >>> corrected_server("/v1"), corrected_server("htp://localhost:8080")
    ('https://host/v1', 'http://localhost:8080')
    """
    if isinstance(url, str) and _is_server(url):
        return None
    if not isinstance(url, str) or "@" in url:  # what is before it may be a password
        return _NO_URL
    if url.startswith("/") and not url.startswith("//"):  # a path, without the host that it is on
        return f"https://host{url}" if _is_server(f"https://host{url}") else _NO_URL
    bare = re.sub(r"^(?:https?:|[a-z]+:(?=//))?/*", "", url, flags=re.IGNORECASE)
    scheme = "http" if url.lower().startswith("http:") or _NEAR.match(bare) else "https"
    return f"{scheme}://{bare}" if _is_server(f"{scheme}://{bare}") and "://" not in bare else _NO_URL


def _is_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        if re.search(r"\s", url):
            return False
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
