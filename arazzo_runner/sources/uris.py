"""URIs and file paths: resolving references (RFC 3986 §5) and converting one to the other."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit

_PORTS: Final = {"http": 80, "https": 443}


def is_remote(uri: str) -> bool:
    """Return whether a URI is an http(s) URL."""
    return uri[:4].lower() == "http" and uri[4:8].lower().startswith(("://", "s://"))


def uri_of_path(path: str) -> str:
    """Return the file: URI of a path, which may be relative to the working directory."""
    if path[:5].lower() == "file:":
        return path
    full = os.path.abspath(path)
    if os.sep == "\\":
        full = "/" + full.replace("\\", "/")
    return "file://" + quote(full, safe="/:~@!$&'()*+,;=", errors="replace")


@lru_cache(maxsize=256)
def path_of(uri: str) -> str:
    """Return the path of a file: URI (without its fragment); "" for any other URI."""
    if uri[:5].lower() != "file:":
        return ""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    if parts.netloc not in ("", "localhost"):
        return ""
    path = unquote(parts.path)
    if os.sep == "\\":
        path = path.lstrip("/").replace("/", "\\")
    return path


def join(base: str, reference: str) -> str:
    """Resolve a reference against a base URI (RFC 3986 §5.2); an invalid one is returned as it is."""
    try:
        return urljoin(base, reference.replace(" ", "%20"))
    except ValueError:  # such as `http://[`
        return reference


def origin(uri: str) -> tuple[str, str, int] | None:
    """Return (scheme, host, port) of an http(s) URL (RFC 6454 §4); None for any other URI.

    >>> origin("https://user@API.test/x"), origin("file:///x")
    (('https', 'api.test', 443), None)
    """
    try:
        parts = urlsplit(uri)
        scheme = parts.scheme.lower()
        if scheme not in _PORTS or not parts.hostname:
            return None
        return scheme, parts.hostname.lower(), parts.port or _PORTS[scheme]
    except ValueError:
        return None


def without_userinfo(uri: str) -> str:
    """Return a URI for messages, without user name and password.

    >>> without_userinfo("https://me:secret@api.test/x")
    'https://api.test/x'
    """
    scheme, separator, rest = uri.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"
