"""The interface of a driver: how one protocol opens a connection, subscribes and sends.

Each protocol has a module of its own beside this one; others are found by the entry point group
`arazzo.brokers` (docs/brokers.md). All methods run on one event loop, that of the BrokerWorld.
"""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping, MutableMapping
from typing import ClassVar, Final, Literal, Protocol

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.messages import BindingsByPlace, ChannelMessage, Published

KEEP: Final = 86_400
"""Seconds that a broker keeps what a durable run subscribed to, until the run is resumed."""


class Login(Record, kw_only=True):
    """The credentials of one connection; everything in it is secret but `mechanism`.

    - `mechanism`: of SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER; None for the protocol's default.
    - `token`: a bearer token; `headers` and `query`: what is added to the HTTP request of WebSocket and SSE.

    A client certificate is in the `tls` of the Connection.
    """

    _hidden_in_repr = ("username", "password", "token", "headers", "query")

    username: str | None = None
    password: str | None = None
    token: str | None = None
    mechanism: str | None = None
    headers: Headers = ()
    query: tuple[tuple[str, str], ...] = ()


class Connection(Record, kw_only=True):
    """What a driver connects to.

    - `url`: as it is to be called; the scheme is the protocol or its secure form.
    - `tls`: None for a connection without TLS; `needs_tls` is False where it is only for a server that asks for it.
    - `timeout`: for connecting, in seconds.
    - `max_message_size`: the most bytes that a message may have that comes.
    - `durable_name`: of a durable run, for names that the broker keeps (queue, consumer, client id); None otherwise.
    - `options`: what else the run's options say, by name: `webhook_listen`, `webhook_url`, `proxy`.
    - `shared`: what the connections of one BrokerWorld share, by name: the same object for all of them.
    """

    _hidden_in_repr = ("url", "options", "shared")

    url: str
    protocol: str
    protocol_version: str | None = None
    tls: ssl.SSLContext | None = None
    needs_tls: bool = True
    login: Login = field(default_factory=Login)
    timeout: float = 30.0
    max_message_size: int = 10_000_000
    bindings: Mapping[str, JsonValue] = field(default_factory=dict)
    durable_name: str | None = None
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    shared: MutableMapping[str, object] = field(default_factory=dict)


class BrokerFailure(Exception):
    """Raised by a driver for everything that a broker or a library refuses; becomes a NoMessage.

    `sent` is False only when it is certain that the broker did not get the message. No secret is in `message`.
    """

    def __init__(
        self,
        reason: Literal[
            "refused", "unknown-host", "timeout", "tls", "credentials", "closed", "too-large", "rejected", "forbidden"
        ],
        message: str,
        *,
        sent: bool = False,
        hint: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.sent = sent
        self.hint = hint
        self.code = code


class Sink(Protocol):
    """Where a driver puts what it gets; both methods are called on the event loop and return at once."""

    def put(self, message: ChannelMessage, token: str | None = None, *, retained: bool = False) -> None:
        """Add a message in the order of arrival.

        `token` is its identity, the same when the broker gives it again; None when the protocol has none (then it is
        made from the content). `retained`: it was there before the subscription.
        """

    def lost(self, failure: BrokerFailure) -> None:
        """End the subscription: nothing more will come, and something may have been missed."""


class Armed(MutableRecord, kw_only=True):
    """A subscription that the broker has; `handle` is the driver's own.

    `position` and `lossy` as in `engine.messages.Subscribed`; `address` is the one that replies are sent to where
    the driver made one (arm was called with `inbox`).
    """

    address: str
    handle: object = None
    position: JsonValue | None = None
    lossy: bool = True


class Driver(ABC):
    """One connection of one protocol. Methods raise BrokerFailure, and nothing else that a broker can cause."""

    protocols: ClassVar[frozenset[str]]
    """The schemes it serves, as AsyncAPI names protocols; in lower case."""
    extra: ClassVar[str | None] = None
    """The extra of this distribution that installs its library, None when it needs none."""
    module: ClassVar[str | None] = None
    """The library that must be importable, None when it needs none."""
    reconnects: ClassVar[bool] = False
    """Whether it connects anew by itself where that helps: one exchange that breaks says nothing of its subscriptions.

    The others are closed and opened again once something breaks.
    """

    @abstractmethod
    async def open(self, connection: Connection) -> None:
        """Connect and log in."""

    @abstractmethod
    async def arm(
        self,
        address: str,
        bindings: BindingsByPlace,
        position: JsonValue | None,
        sink: Sink,
        *,
        name: str,
        inbox: bool = False,
        headers: Headers = (),
    ) -> Armed:
        """Subscribe to an address; return when the broker has the subscription, so that nothing sent later is missed.

        `position` is that of an earlier subscription, to go on from there, where the protocol has positions.
        `name` is that of the tap within the run, for names that the broker keeps. With `inbox` the driver makes an
        address of its own for replies to this run, and `address` is only a hint for its name. `headers` are for the
        request that opens the subscription, where the protocol has one (WebSocket, event streams).
        """

    @abstractmethod
    async def publish(self, message: ChannelMessage, bindings: BindingsByPlace) -> Published:
        """Send a message; return when it is handed over with the protocol's ordinary assurance (semantics §9)."""

    async def settle(self, armed: Armed, token: str) -> None:
        """Acknowledge a message; nothing where a protocol has no acknowledgements."""
        return

    @abstractmethod
    async def disarm(self, armed: Armed) -> None:
        """End a subscription; for a durable run, also what the broker keeps for it."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connection; never raises."""
