"""AMQP 0-9-1, as RabbitMQ speaks it.

Exchanges, and queues that are not the run's own, are only looked for, never made or changed: others use them. A run
receives from a queue of its own that is bound to the exchange of the binding. Where there is no exchange to bind to,
it receives from the queue that the binding or the address names; its messages go back when they are not the run's.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, ClassVar, Final
from urllib.parse import unquote, urlsplit

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.messages import BindingsByPlace, ChannelMessage, Published
from arazzo_runner.runtime.brokers.amqp_bindings import Route, route_of, sending_of
from arazzo_runner.runtime.brokers.amqp_failures import SCHEMES, closed, opening_failure, refusals
from arazzo_runner.runtime.brokers.amqp_messages import message_to_send
from arazzo_runner.runtime.brokers.amqp_tap import AmqpTap, ended
from arazzo_runner.runtime.brokers.driver import KEEP, Armed, BrokerFailure, Connection, Driver, Sink
from arazzo_runner.runtime.brokers.failures import host_of
from arazzo_runner.runtime.brokers.library_logs import silence_loggers

_PORTS: Final = {"amqp": 5672, "amqps": 5671}
_CLOSING: Final = 2.0
_LONGEST_NAME: Final = 255


class AmqpDriver(Driver):
    """One connection; each subscription has a channel of its own, and all that is sent goes through one more."""

    protocols: ClassVar[frozenset[str]] = frozenset(SCHEMES)
    extra: ClassVar[str | None] = "amqp"
    module: ClassVar[str | None] = "aio_pika"

    def __init__(self) -> None:
        self._settings = Connection(url="", protocol="amqp")
        self._connection: Any = None
        self._sending: Any = None
        self._opens_sending = asyncio.Lock()
        self._taps: list[AmqpTap] = []

    async def open(self, connection: Connection) -> None:
        from aio_pika import Connection as LibraryConnection

        silence_loggers("aiormq", "aio_pika")
        self._settings = connection
        vhost = vhost_of(connection.url)
        self._connection = LibraryConnection(_library_url(connection, vhost), ssl_context=connection.tls)
        try:
            async with asyncio.timeout(connection.timeout):
                await self._connection.connect()
        except Exception as problem:
            raise opening_failure(problem, connection, vhost) from None

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
        route = route_of(address, bindings)
        async with self._channel() as channel:
            if isinstance(position, dict):
                return await self._go_on(channel, position, route, sink, inbox=inbox)
            if route.queue is not None and not inbox:
                return await self._consume(channel, route.queue, sink)
            return await self._listen(channel, route, sink, name, inbox=inbox)

    async def publish(self, message: ChannelMessage, bindings: BindingsByPlace) -> Published:
        from aiormq.exceptions import DeliveryError, PublishError

        route = route_of(message.address, bindings)
        built = message_to_send(message, sending_of(bindings))
        with refusals(self._host, seconds=self._settings.timeout):
            channel = await self._channel_for_sending()
            exchange = await channel.get_exchange(route.exchange, ensure=False)
        with refusals(self._host, sent=True, seconds=self._settings.timeout):
            try:
                async with asyncio.timeout(self._settings.timeout):
                    await exchange.publish(built, route.key, mandatory=True)
            except PublishError:  # the broker gives back what no queue gets
                return Published(receivers=0)
            except DeliveryError:
                raise BrokerFailure("rejected", f"{self._host} did not take the message") from None
        return Published()

    async def settle(self, armed: Armed, token: str) -> None:
        if isinstance(armed.handle, AmqpTap):
            with refusals(self._host):
                await armed.handle.settle(token)

    async def disarm(self, armed: Armed) -> None:
        if isinstance(armed.handle, AmqpTap):
            with contextlib.suppress(ValueError):
                self._taps.remove(armed.handle)
            await ended(armed.handle)

    async def close(self) -> None:
        for tap in self._taps:
            tap.leave()
        if self._connection is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_CLOSING):
                    await self._connection.close()

    @property
    def _host(self) -> str:
        return host_of(self._settings.url)

    @contextlib.asynccontextmanager
    async def _channel(self) -> Any:
        """Open a channel for a subscription; it is closed when the subscription does not come about."""
        with refusals(self._host, seconds=self._settings.timeout):
            async with asyncio.timeout(self._settings.timeout):
                channel = await self._channel_for_receiving()
                try:
                    yield channel
                except BaseException:
                    if not channel.is_closed:
                        await channel.close()
                    raise

    async def _new_channel(self, **options: Any) -> Any:
        if self._connection.is_closed or not self._connection.connected.is_set():
            raise closed(self._host)
        channel = self._connection.channel(**options)
        await channel.initialize()
        return channel

    async def _channel_for_receiving(self) -> Any:
        return await self._new_channel(publisher_confirms=False)

    async def _channel_for_sending(self) -> Any:
        async with self._opens_sending, asyncio.timeout(self._settings.timeout):
            if self._sending is None or self._sending.is_closed:
                self._sending = await self._new_channel(publisher_confirms=True, on_return_raises=True)
        return self._sending

    async def _listen(self, channel: Any, route: Route, sink: Sink, name: str, *, inbox: bool) -> Armed:
        """Make a queue for this run and bind it."""
        run = self._settings.durable_name
        if route.exchange:
            await _check_exchange(self._connection, route.exchange, self._host)
        if run is None:
            queue = await channel.declare_queue(None, exclusive=True)
        else:
            queue = await self._durable_queue(channel, f"arazzo.{run}.{name}")
        address = queue.name if inbox else route.key
        if route.exchange:  # besides, each queue gets what the default exchange is given for its name
            await queue.bind(route.exchange, routing_key=address)
        tap = AmqpTap(self._host, sink, self._channel_for_receiving, acknowledges=run is not None, is_own=True)
        await self._begin(tap, channel, queue)
        position: JsonValue = None if run is None else {"queue": queue.name, "own": True}
        return Armed(address=address, handle=tap, position=position, lossy=run is None)

    async def _begin(self, tap: AmqpTap, channel: Any, queue: Any) -> None:
        await tap.begin(channel, queue)
        self._taps.append(tap)

    async def _durable_queue(self, channel: Any, name: str) -> Any:
        """Make the queue of a run that may be resumed; it expires when the run is not."""
        short = name.encode()[:_LONGEST_NAME].decode("utf-8", "ignore")
        await channel.queue_delete(short)  # left by a run that died before it noted its position
        return await channel.declare_queue(short, durable=True, arguments={"x-expires": KEEP * 1000})

    async def _consume(self, channel: Any, name: str, sink: Sink) -> Armed:
        """Consume a queue that is there."""
        hint = "declare it, or describe an exchange in the binding of the channel"
        queue = await _existing(channel, name, self._host, hint)
        before = queue.declaration_result.message_count
        tap = AmqpTap(self._host, sink, self._channel_for_receiving, acknowledges=True, is_own=False, before=before)
        await self._begin(tap, channel, queue)
        return Armed(address=name, handle=tap, position={"queue": name, "own": False}, lossy=False)

    async def _go_on(
        self, channel: Any, position: dict[str, JsonValue], route: Route, sink: Sink, *, inbox: bool
    ) -> Armed:
        """Consume the queue of an earlier subscription of this run."""
        name = str(position["queue"])
        queue = await _existing(channel, name, self._host, "it expired, and what came is lost: start a new run")
        tap = AmqpTap(
            self._host, sink, self._channel_for_receiving, acknowledges=True, is_own=position.get("own") is True
        )
        await self._begin(tap, channel, queue)
        return Armed(address=name if inbox else route.key, handle=tap, position=position, lossy=False)


def vhost_of(url: str) -> str:
    """Return the virtual host that a URL names by its path, / where it names none."""
    return unquote(urlsplit(url).path[1:]) or "/"


def _library_url(connection: Connection, vhost: str) -> Any:
    """Return the URL as the library takes it: of the query, which can turn checks off, nothing goes through."""
    from aio_pika.connection import make_url

    parts, login = urlsplit(connection.url), connection.login
    scheme = "amqps" if connection.tls is not None or parts.scheme == "amqps" else "amqp"
    password = login.token if login.password is None else login.password
    has_login = login.username is not None or password is not None
    return make_url(
        host=parts.hostname or "localhost",
        port=parts.port or _PORTS[scheme],
        login=(login.username or "") if has_login else "guest",
        password=(password or "") if has_login else "guest",
        virtualhost=vhost,
        ssl=scheme == "amqps",
    )


async def _existing(channel: Any, name: str, host: str, hint: str) -> Any:
    """Return a queue that others made; raise BrokerFailure without it."""
    from aiormq.exceptions import ChannelNotFoundEntity

    try:
        return await channel.get_queue(name)
    except ChannelNotFoundEntity:
        raise BrokerFailure("rejected", f"{host} has no queue {name}", hint=hint) from None


async def _check_exchange(connection: Any, name: str, host: str) -> None:
    """Raise BrokerFailure when there is no such exchange; the answer would close the channel that asks."""
    from aiormq.exceptions import ChannelNotFoundEntity

    channel = connection.channel(publisher_confirms=False)
    await channel.initialize()
    try:
        await channel.get_exchange(name)
    except ChannelNotFoundEntity:
        hint = "declare it, or start the application that does"
        raise BrokerFailure("rejected", f"{host} has no exchange {name}", hint=hint) from None
    finally:
        if not channel.is_closed:
            await channel.close()
