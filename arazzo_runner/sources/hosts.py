"""Origins, and tables by host: which certificate, authority or proxy is meant for a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from arazzo_runner.base.records import Record

EVERY_HOST = "*"
Value = TypeVar("Value")
_PORTS = {"http": 80, "https": 443}


class Origin(Record):
    """Scheme, host and port of a server (RFC 6454 §4), lower-case; an IPv6 host without its brackets."""

    scheme: str
    host: str
    port: int


def origin_of(url: str) -> Origin:
    """Return a URL's origin; raises ValueError for a port that is none."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return Origin(scheme, (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(scheme, 0))


def meant_for(table: Mapping[str, Value], origin: Origin) -> Value | None:
    """Return what a table says for a server: its host with port first, then its host, then every host.

    >>> meant_for({"*": "all", "api.test": "api"}, Origin("https", "api.test", 443))
    'api'
    """
    named = named_for(table, origin)
    return table.get(EVERY_HOST) if named is None else named


def named_for(table: Mapping[str, Value], origin: Origin) -> Value | None:
    """Return what a table says for this very host, with or without its port."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    names = (f"{host}:{origin.port}", host, origin.host)
    lower = {name.lower(): value for name, value in table.items()}
    return next((lower[name] for name in names if name in lower), None)


def is_host_of(url: str, hosts: str | None) -> bool:
    """Tell whether a URL's server is one of `hosts` (with or without ports, by blanks or commas); None is every host.

    >>> is_host_of("https://api.test/a", "api.test, other.test:8443"), is_host_of("https://evil.test", "api.test")
    (True, False)
    """
    if hosts is None:
        return True
    return named_for(dict.fromkeys(hosts.replace(",", " ").split(), True), origin_of(url)) is not None
