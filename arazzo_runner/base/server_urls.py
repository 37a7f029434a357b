"""The URL of a server, as it must be written."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from arazzo_runner.base.patterns import pattern

BROKERS: Final = frozenset(
    {
        *("amqp", "amqps", "amqp1", "amqps1", "kafka", "kafka-secure", "mqtt", "mqtt5", "mqtts", "secure-mqtt"),
        *(
            "nats",
            "nats+tls",
            "nats-secure",
            "tls",
            "tls+nats",
            "redis",
            "rediss",
            "ws",
            "wss",
            "sse",
            "stomp",
            "stomps",
            "jms",
            "sns",
            "sqs",
        ),
        *("anypointmq", "googlepubsub", "ibmmq", "mercure", "pulsar", "solace"),
    }
)
"""The schemes of brokers: the names of protocols in AsyncAPI descriptions."""
DRIVERS: Final = "arazzo.brokers"
"""The entry point group of drivers that packages add, by the same names."""
_NO_URL: Final = "https://host/path"
_NEAR: Final = pattern(r"(?:localhost|\d+(?:\.\d+){3}|\[[0-9a-fA-F:.]+\])(?::|/|$)|[^/]+:\d")
"""Hosts that are rarely reached by https: this machine, addresses, and those with a port."""


def corrected_server(url: object) -> str | None:
    """Return what to write in place of the URL of a server, None if it is an absolute http(s) URL or a broker's.

    >>> corrected_server("localhost:8080"), corrected_server("api.test/v1"), corrected_server("https://api.test")
    ('http://localhost:8080', 'https://api.test/v1', None)
    >>> corrected_server("mqtt://localhost:1883"), corrected_server("mqtt:localhost")
    (None, 'mqtt://localhost')
    >>> corrected_server("/v1"), corrected_server("htp://localhost:8080")
    ('https://host/v1', 'http://localhost:8080')
    """
    if isinstance(url, str) and _is_server(url):
        return None
    if not isinstance(url, str) or "@" in url:  # what is before it may be a password
        return _NO_URL
    if url.startswith("/") and not url.startswith("//"):  # a path, without the host that it is on
        return f"https://host{url}" if _is_server(f"https://host{url}") else _NO_URL
    scheme, _, rest = url.partition(":")
    if scheme.lower() in BROKERS and rest.strip("/"):
        return f"{scheme}://{rest.lstrip('/')}" if _is_server(f"{scheme}://{rest.lstrip('/')}") else _NO_URL
    bare = re.sub(r"^(?:https?:|[a-z]+:(?=//))?/*", "", url, flags=re.IGNORECASE)
    scheme = "http" if url.lower().startswith("http:") or _NEAR.match(bare) else "https"
    return f"{scheme}://{bare}" if _is_server(f"{scheme}://{bare}") and "://" not in bare else _NO_URL


def _is_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        if re.search(r"\s", url):
            return False
        if is_broker(url):
            return bool(parts.netloc)  # of Kafka it may be a list of hosts, which has no port
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def is_broker(url: str) -> bool:
    """Return whether a URL has the scheme of a broker.

    >>> is_broker("MQTT://localhost"), is_broker("https://api.test"), is_broker("mqtt")
    (True, False, False)
    """
    scheme, mark, _ = url.partition("://")
    return bool(mark) and (scheme.lower() in BROKERS or _is_added(scheme.lower()))


def _is_added(scheme: str) -> bool:
    """Return whether a package adds a driver for a scheme."""
    if scheme in ("http", "https"):
        return False
    from importlib.metadata import entry_points  # lazily: it costs more than all else here

    return any(each.name == scheme for each in entry_points(group=DRIVERS))
