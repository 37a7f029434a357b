"""Origins, tables by host, and proxies: which certificate, authority or proxy applies to a server.

The environment is read as by curl: <scheme>_proxy before all_proxy, lower case before upper case,
no HTTP_PROXY where a web server may have set it from a request's `Proxy` header (REQUEST_METHOD is
set), NO_PROXY with names, addresses and networks. Unlike with curl, loopback is proxied only if a
proxy is named for that host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

from arazzo_runner.base.records import Record

EVERY_HOST = "*"
_HERE: Final = ("127.0.0.1", "::1", "0.0.0.0")
Value = TypeVar("Value")
_PORTS = {
    "http": 80, "https": 443, "ws": 80, "wss": 443, "amqp": 5672, "amqps": 5671, "kafka": 9092, "kafka-secure": 9093,
    "mqtt": 1883, "mqtts": 8883, "secure-mqtt": 8883, "nats": 4222, "nats+tls": 4222, "tls": 4222,
    "redis": 6379, "rediss": 6379,
}  # fmt: skip


class Origin(Record):
    """Scheme, host and port of a server (RFC 6454 §4), lower-case; an IPv6 host without its brackets."""

    scheme: str
    host: str
    port: int


def origin_of(url: str) -> Origin:
    """Return a URL's origin; raises ValueError for an invalid port."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return Origin(scheme, (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(scheme, 0))


def origins_of(url: str) -> list[Origin]:
    """Return the origins of a URL's servers: those of brokers may name several, `kafka://a:9092,b:9092`."""
    scheme, _, rest = url.partition("://")
    named = re.split(r"[/?#]", rest)[0].rpartition("@")[2]
    return [origin_of(f"{scheme}://{each.strip()}") for each in named.split(",")]


def first_origin(url: str) -> Origin:
    """Return the origin of a URL's first server."""
    return origins_of(url)[0]


def meant_for(table: Mapping[str, Value], origin: Origin) -> Value | None:
    """Return a table's entry for a server: for its host and port, else its host, else every host.

    >>> meant_for({"*": "all", "api.test": "api"}, Origin("https", "api.test", 443))
    'api'
    """
    named = named_for(table, origin)
    return table.get(EVERY_HOST) if named is None else named


def named_for(table: Mapping[str, Value], origin: Origin) -> Value | None:
    """Return a table's entry for the server's host, with or without its port."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    names = (f"{host}:{origin.port}", host, origin.host)
    lower = {name.lower(): value for name, value in table.items()}
    return next((lower[name] for name in names if name in lower), None)


def is_host_of(url: str, hosts: str | None) -> bool:
    """Return whether a URL's server is one of `hosts` (separated by blanks or commas, ports optional; None: any).

    Of several servers each must be.

    >>> is_host_of("https://api.test/a", "api.test, other.test:8443"), is_host_of("https://evil.test", "api.test")
    (True, False)
    """
    if hosts is None:
        return True
    named = dict.fromkeys(hosts.replace(",", " ").split(), True)
    return all(named_for(named, origin) is not None for origin in origins_of(url))


# ------------------------------------------------------------------ proxies

DIRECT = "direct"
SCHEMES = ("http", "https", "socks5", "socks5h")


def proxy_for(origin: Origin, proxies: Mapping[str, str], environment: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy for a server, None for a direct connection."""
    named = named_for(proxies, origin)
    if named is not None:
        return None if named == DIRECT else with_scheme(named)
    if is_loopback(origin.host):
        return None
    found = meant_for(proxies, origin) or _environment_proxy(origin.scheme, environment)
    if not found or found == DIRECT or is_excepted(origin, _variable("no_proxy", environment)):
        return None
    return with_scheme(found)


def with_scheme(proxy: str) -> str:
    """Return a proxy as a URL; `proxy.test:3128` is an http proxy."""
    return proxy if "://" in proxy else f"http://{proxy}"


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine by its name (RFC 6761 §6.3) or address."""
    if host == "localhost" or host.endswith(".localhost") or host == "::1":
        return True
    return re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def is_excepted(origin: Origin, no_proxy: str) -> bool:
    """Return whether NO_PROXY names a server: `example.com` and its subdomains, `host:port`, `10.0.0.0/8`, `*`."""
    return any(_excepts(entry.lower(), origin) for entry in re.split(r"[\s,]+", no_proxy) if entry)


def _excepts(entry: str, origin: Origin) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return _in_network(origin.host, entry)
    name, colon, port = entry.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.endswith("]")):
        if int(port) != origin.port:
            return False
        entry = name
    entry = entry.strip("[]").lstrip("*").strip(".")
    return bool(entry) and (origin.host == entry or origin.host.endswith(f".{entry}"))


def _in_network(host: str, network: str) -> bool:
    import ipaddress  # lazily: only for networks in NO_PROXY

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _environment_proxy(scheme: str, environment: Mapping[str, str]) -> str:
    name = f"{scheme}_proxy"
    if scheme == "http" and "REQUEST_METHOD" in environment:
        return environment.get(name) or _variable("all_proxy", environment)
    return _variable(name, environment) or _variable("all_proxy", environment)


def _variable(name: str, environment: Mapping[str, str]) -> str:
    return environment.get(name) or environment.get(name.upper()) or ""


def environment_proxies(environment: Mapping[str, str]) -> list[str]:
    """Return all proxies that the environment names."""
    names = (_variable(name, environment) for name in ("http_proxy", "https_proxy", "all_proxy"))
    return [proxy for proxy in names if proxy]


def shown(proxy: str) -> str:
    """Return a proxy without its user and password."""
    return urlsplit(with_scheme(proxy)).netloc.rpartition("@")[2]


def passwords(proxies: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    """Return the passwords of all proxies, as written and decoded, which must never be shown."""
    found: dict[str, None] = {}
    for proxy in (*proxies.values(), *environment_proxies(environment)):
        userinfo = with_scheme(proxy).partition("://")[2].rpartition("@")[0]
        for text in (userinfo, userinfo.partition(":")[2]):
            found.update({text: None, unquote(text): None})
    return [text for text in found if text]


def is_unencrypted(server: str) -> bool:
    """Return whether a URL is http and of another machine (the names of RFC 6761 are not)."""
    if not server.lower().startswith("http://"):
        return False
    host = server[7:].partition("/")[0].rpartition("@")[2]
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    is_far = "." in name or ":" in name  # a single word is a machine in the same network, or a placeholder
    return is_far and name not in _HERE and not name.endswith((".localhost", ".local", ".test", ".invalid"))
