"""URIs and file paths: resolving references (RFC 3986 §5) and converting one to the other."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Final

_PORTS: Final = {"http": 80, "https": 443}
_BRACKETS: Final = frozenset("[]")
_PLAIN: Final = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""Characters that stand for themselves in a path and in a URI. Names of these only, as most are, are
turned and joined here, which gives what urllib.parse does without its import."""
_SPECIAL: Final = frozenset({"", ".", ".."})


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
    if _is_plain(full):
        return "file://" + full
    from urllib.parse import quote

    return "file://" + quote(full, safe="/:~@!$&'()*+,;=", errors="replace")


@lru_cache(maxsize=256)
def path_of(uri: str) -> str:
    """Return the path of a file: URI (without its fragment); "" for any other URI."""
    if uri[:5].lower() != "file:":
        return ""
    if uri.startswith("file:///") and os.sep == "/" and _is_plain(uri[7:]):
        return uri[7:]
    from urllib.parse import unquote, urlsplit

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
    plain = _joined(base, reference)
    if plain is not None:
        return plain
    written = reference.replace(" ", "%20")
    if base.startswith("file:") and is_remote(written) and written.isascii() and _BRACKETS.isdisjoint(written):
        return written  # an absolute reference stays as it is
    from urllib.parse import urljoin

    try:
        return urljoin(base, written)
    except ValueError:  # such as `http://[`
        return reference


def _is_plain(text: str) -> bool:
    return not text.strip(_PLAIN)


def _joined(base: str, reference: str) -> str | None:
    """Join the plain name of a file to a file: URI; None where an empty segment, or one of dots, is special."""
    if not (base.startswith("file:///") and _is_plain(base[7:]) and _is_plain(reference)):
        return None
    *folder, _ = base[8:].split("/")
    *between, name = reference.split("/")
    if name.strip(".") == "" or "" in between or not _SPECIAL.isdisjoint(folder):
        return None
    for segment in between:
        if segment == ".." and folder:
            folder.pop()
        elif segment == "..":
            return None
        elif segment != ".":
            folder.append(segment)
    return "/".join(("file://", *folder, name))


def origin(uri: str) -> tuple[str, str, int] | None:
    """Return (scheme, host, port) of an http(s) URL (RFC 6454 §4); None for any other URI.

    >>> origin("https://user@API.test/x"), origin("file:///x")
    (('https', 'api.test', 443), None)
    """
    from urllib.parse import urlsplit

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
