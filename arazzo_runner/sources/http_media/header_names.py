"""Names of headers, cookies and security schemes: which are invalid, and which no step may set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue, preview

_TOKEN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~")

# They control the connection (Fetch Standard §2.2.2 forbids them to web pages, too).
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
    """Return whether a text is a valid name of a header, a cookie or an authentication scheme (RFC 9110 §5.6.2)."""
    return bool(name) and all(character in _TOKEN for character in name)


def is_of_the_transport(name: str) -> bool:
    """Return whether a header controls the connection or the framing of a message, or is for a proxy.

    >>> is_of_the_transport("Host"), is_of_the_transport("Proxy-Authorization"), is_of_the_transport("X-Host")
    (True, True, False)
    """
    lower = name.lower()
    return lower in _OF_THE_TRANSPORT or lower.startswith("proxy-")


# ------------------------------------------------------------------ security schemes

_HINTS: Final = {
    "header": "a key goes into a header of its own, such as X-Api-Key",
    "cookie": "a cookie's name is a word, such as session",
    "query": "a query field's name is a word, such as api_key",
    "http": "an http scheme is a word, such as basic or bearer",
}


def scheme_fault(scheme: JsonValue) -> tuple[str, str] | None:
    """Return (message, hint) for a scheme whose name would break a request; None when a credential can be sent.

    Missing fields are not reported here: without them, nothing is sent.
    """
    raw: Mapping[str, Any] = scheme if isinstance(scheme, Mapping) else {}
    if raw.get("type") == "http":
        kind, name = "http", raw.get("scheme")
    elif raw.get("type") in ("apiKey", "httpApiKey"):
        kind, name = str(raw.get("in")), raw.get("name")
    else:
        return None
    if not isinstance(name, str) or kind not in _HINTS:
        return None
    message = _name_fault(kind, name)
    return None if message is None else (message, _HINTS[kind])


def _name_fault(kind: str, name: str) -> str | None:
    if kind == "query":  # it is percent-encoded; only line breaks and the like are certainly wrong
        is_sound = bool(name) and name.isprintable()
        return None if is_sound else f"the query field {preview(name, 40)} is not a name"
    what = "the http scheme" if kind == "http" else f"the {kind}"
    if not is_token(name):
        return f"{what} {preview(name, 40)} is not a token (RFC 9110 §5.6.2)"
    if kind == "header" and is_of_the_transport(name):
        return f'the header "{name}" controls the connection and cannot carry a credential'
    return None
