"""What a BrokerWorld is given: how to log in, how to check certificates, which drivers there are, and its limits."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.engine.messages import Broker, NoMessage
from arazzo_runner.runtime.brokers.driver import Driver, Login
from arazzo_runner.runtime.brokers.registry import driver_for
from arazzo_runner.runtime.brokers.taps import TapLimits

LoginOf: TypeAlias = Callable[[Broker], Login | NoMessage]
TlsOf: TypeAlias = Callable[[Broker], ssl.SSLContext | NoMessage | None]
ProxyOf: TypeAlias = Callable[[Broker], str | None]
DriverOf: TypeAlias = Callable[[Broker], Callable[[], Driver] | NoMessage]


def no_login(broker: Broker) -> Login:
    """Return no credentials."""
    return Login()


def default_tls(broker: Broker) -> ssl.SSLContext | None:
    """Return the checks of this machine for a protocol over TLS, None for others."""
    scheme = broker.url.partition("://")[0].lower()
    return ssl.create_default_context() if is_secure(broker.protocol) or is_secure(scheme) else None


def always(broker: Broker) -> bool:
    """Return that TLS is needed where there is a context for it."""
    return True


def no_proxy(broker: Broker) -> None:
    """Return that connections are direct."""
    return


def is_secure(protocol: str) -> bool:
    """Return whether a protocol, or the scheme of a URL, is one over TLS."""
    return not _SECURE.isdisjoint(protocol.replace("+", "-").split("-"))


_SECURE: Final = frozenset({"mqtts", "amqps", "amqps1", "rediss", "wss", "https", "ssl", "tls", "secure"})


class BrokerOptions(Record, kw_only=True):
    """The options of a BrokerWorld.

    - `login`, `tls`: asked once for each connection, in a thread of their own: they may wait. What they cannot give
      they answer with a NoMessage.
    - `needs_tls`: whether a broker with a context for TLS must speak it; where not, it is for one that asks for TLS.
    - `proxy`: the URL of the proxy for a broker of an HTTP protocol, None for none.
    - `driver`: what makes the driver of a broker; the registry by default.
    - `connect_timeout`: in seconds, for connecting and logging in; an effect may allow less.
    - `limits`: of each tap.
    - `durable_name`: of a durable run, for names that brokers keep.
    - `extra`: what else drivers get, as `Connection.options`.
    """

    login: LoginOf = no_login
    tls: TlsOf = default_tls
    needs_tls: Callable[[Broker], bool] = always
    proxy: ProxyOf = no_proxy
    driver: DriverOf = driver_for
    connect_timeout: float = 30.0
    limits: TapLimits = field(default_factory=TapLimits)
    durable_name: str | None = None
    extra: Mapping[str, JsonValue] = field(default_factory=dict)
