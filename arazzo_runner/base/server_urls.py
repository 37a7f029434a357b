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
_NO_HOST: Final = pattern(r"[\x00-\x20\x7f-\x9f<>\"{}|\\^`]")
_LISTEN: Final = pattern(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})")
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
    >>> corrected_server("mqqt://localhost:1883"), corrected_server("mqtt://localhost:99999")
    ('mqtt://localhost:1883', 'mqtt://localhost:PORT')
    """
    if isinstance(url, str) and _is_server(url):
        return None
    if not isinstance(url, str) or "@" in url:  # what is before it may be a password
        return _NO_URL
    if url.startswith("/") and not url.startswith("//"):  # a path, without the host that it is on
        return f"https://host{url}" if _is_server(f"https://host{url}") else _NO_URL
    scheme, _, rest = url.partition(":")
    if is_broker(url) and broker_fault(url) is not None:
        host = "host" if not urlsplit(url).netloc else re.sub(r":[^:\]]*$", "", urlsplit(url).netloc) or "host"
        return f"{scheme}://{host}:PORT"
    if scheme.lower() in BROKERS and rest.strip("/"):
        return f"{scheme}://{rest.lstrip('/')}" if _is_server(f"{scheme}://{rest.lstrip('/')}") else _NO_URL
    near = _near_scheme(scheme.lower()) if rest.startswith("//") else None
    if near is not None and _is_server(f"{near}:{rest}"):
        return f"{near}:{rest}"
    bare = re.sub(r"^(?:https?:|[a-z]+:(?=//))?/*", "", url, flags=re.IGNORECASE)
    scheme = "http" if url.lower().startswith("http:") or _NEAR.match(bare) else "https"
    return f"{scheme}://{bare}" if _is_server(f"{scheme}://{bare}") and "://" not in bare else _NO_URL


def _is_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        if re.search(r"\s", url):
            return False
        if is_broker(url):
            return broker_fault(url) is None
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def broker_fault(url: str) -> str | None:
    """Return what is wrong with the host or port of a broker's URL, as the end of a sentence; None for nothing.

    >>> broker_fault("mqtt://localhost:0"), broker_fault("kafka://a:9092,b:9093"), broker_fault("nats://")
    ('has the port 0, and ports are 1 to 65535', None, 'has no host')
    """
    for each in _authorities(url):
        host, colon, port = each.strip().rpartition(":") if not each.endswith("]") else (each, "", "")
        if not (host if colon else port or host).strip("[]"):
            return "has no host"
        if colon and not (port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65536):
            return f"has the port {port[:20]}, and ports are 1 to 65535" if port else None
        if _NO_HOST.search(each):
            return "has a host that no host can have"
    return None


def _authorities(url: str) -> list[str]:
    return re.split(r"[/?#]", url.partition("://")[2])[0].rpartition("@")[2].split(",")  # Kafka has several


def broker_hosts(url: str) -> list[str]:
    """Return the hosts of a broker's URL, in lower case and without brackets.

    >>> broker_hosts("kafka://A:9092,[::1]:9093,b")
    ['a', '::1', 'b']
    """
    return [re.sub(r":[^:\]]*$", "", each.strip()).strip("[]").lower() for each in _authorities(url)]


def _near_scheme(scheme: str) -> str | None:
    from difflib import get_close_matches  # lazily: few schemes are misspelt

    near = get_close_matches(scheme, sorted({*BROKERS, "http", "https"}), n=1, cutoff=0.7)
    return near[0] if near else None


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


def is_listening_place(text: str) -> bool:
    """Return whether a text is HOST:PORT, where one can listen; 0 is a free port.

    >>> is_listening_place("127.0.0.1:0"), is_listening_place("[::1]:8080"), is_listening_place("host:99999")
    (True, True, False)
    """
    found = _LISTEN.fullmatch(text)
    return found is not None and int(found[2]) < 65536


def is_callback_url(text: str) -> bool:
    """Return whether a text is a URL that others can post to: http(s), without a password, query or fragment.

    >>> is_callback_url("https://tunnel.test/hooks/"), is_callback_url("https://me:pass@tunnel.test")
    (True, False)
    """
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_usable and not parts.query and not parts.fragment and parts.username is None and not _NO_HOST.search(text)
