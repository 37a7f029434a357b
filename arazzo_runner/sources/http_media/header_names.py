"""Names of headers and cookies: which are none, and which no step and no credential may set."""

from __future__ import annotations

from typing import Final

_TOKEN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~")

# Fetch Standard §2.2.2 forbids these to pages too: they steer the connection, not the request.
_OF_THE_TRANSPORT: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def is_token(name: str) -> bool:
    """Return whether a text can name a header, a cookie or an authentication scheme (RFC 9110 §5.6.2)."""
    return bool(name) and all(character in _TOKEN for character in name)


def is_of_the_transport(name: str) -> bool:
    """Return whether a header says where a message goes and ends, or is meant for a proxy.

    >>> is_of_the_transport("Host"), is_of_the_transport("Proxy-Authorization"), is_of_the_transport("X-Host")
    (True, True, False)
    """
    lower = name.lower()
    return lower in _OF_THE_TRANSPORT or lower.startswith("proxy-")
