"""The driver of Redis, by redis-py: pub/sub and streams.

A channel is pub/sub unless its redis binding says `type: stream` (or `x-redis-stream: true`, for validators that
allow no other fields: AsyncAPI defines none).

- Pub/sub: an address with `*` is a pattern. Redis keeps nothing: a subscription whose connection breaks is lost.
  Its messages are bytes alone, so one with headers is refused before it is sent; a content type is that of the
  description. `receivers` is how many clients got it.
- Streams: a message is an entry whose field `payload` is the payload and whose other fields are headers, among them
  `content-type`. The payload of an entry without a field `payload`, which other programs wrote, is a JSON object of
  all its fields. A subscription begins after the last entry of that moment, without a consumer group; when its
  connection breaks, it goes on by itself after the entry that it had last.

The number of the database is the path of the URL: `redis://host:6379/2`. A user name and password in the URL are used
when there are no others.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.settings import MAX_RESPONSE_SIZE
from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.messages import BindingsByPlace, ChannelMessage, Published
from arazzo_runner.runtime.brokers.driver import Armed, BrokerFailure, Connection, Driver, Sink
from arazzo_runner.runtime.brokers.reading import Reader
from arazzo_runner.runtime.brokers.redis_client import RedisClients, failure_of
from arazzo_runner.runtime.brokers.redis_streams import (
    PASSING,
    StreamTap,
    check,
    entry_of,
    mark_of,
    newest,
    position_of,
)
from arazzo_runner.sources.protocols import is_stream

_NAME_ONE: Final = "give each variable of the address a value"
_USE_STREAM: Final = "put them into the payload, or make the channel a stream: bindings: {redis: {type: stream}}"

_SHARE: Final = 0.95  # of the time to connect: who opens a driver can say less about what took so long


class RedisDriver(Driver):
    """One database as one user; each subscription has a connection of its own."""

    protocols: ClassVar[frozenset[str]] = frozenset({"redis", "rediss"})
    extra: ClassVar[str | None] = "redis"
    module: ClassVar[str | None] = "redis"
    reconnects: ClassVar[bool] = True

    def __init__(self) -> None:
        self._opened: RedisClients | None = None
        self._durable_name: str | None = None
        self._max_message_size = 0
        self._taps: set[_PubSubTap | StreamTap] = set()

    async def open(self, connection: Connection) -> None:
        """Connect and log in."""
        clients = RedisClients(connection)
        try:
            with _failures(clients, sent=False):
                async with asyncio.timeout(connection.timeout * _SHARE):
                    await clients.commands.ping()
        except BaseException:
            await clients.close()
            raise
        self._opened = clients
        self._durable_name = connection.durable_name
        self._max_message_size = connection.max_message_size

    @property
    def _clients(self) -> RedisClients:
        if self._opened is None:
            raise BrokerFailure("closed", "the connection to Redis is not open")
        return self._opened

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
        """Subscribe to a channel or pattern, or find the last entry of a stream to go on from."""
        if inbox:
            address = f"arazzo:{address or 'inbox'}:{self._durable_name or secrets.token_hex(16)}:{name}"
        with _failures(self._clients, sent=False):
            async with asyncio.timeout(self._clients.timeout):
                if _is_stream(bindings):
                    return await self._arm_stream(address, position, sink, inbox=inbox)
                return await self._arm_channel(address, sink)

    async def _arm_stream(self, address: str, position: JsonValue | None, sink: Sink, *, inbox: bool) -> Armed:
        if "*" in address:
            raise BrokerFailure("rejected", f"a stream has one name, and {address} is a pattern", hint=_NAME_ONE)
        if position is None:
            mark = await newest(self._clients, address)
        else:
            mark = mark_of(position)
            await check(self._clients, mark)
        tap = StreamTap(self._clients, mark, sink, self._max_message_size, own=inbox)
        self._taps.add(tap)
        return Armed(address=mark.stream, handle=tap, position=position_of(mark), lossy=False)

    async def _arm_channel(self, address: str, sink: Sink) -> Armed:
        pubsub: Any = self._clients.readers.pubsub()
        try:
            if "*" in address:
                await pubsub.psubscribe(_pattern(address))
            else:
                await pubsub.subscribe(address)
            if await pubsub.get_message(timeout=self._clients.timeout) is None:
                raise TimeoutError
        except BaseException:
            await pubsub.aclose()
            raise
        tap = _PubSubTap(self._clients, pubsub, address, sink, self._max_message_size)
        self._taps.add(tap)
        return Armed(address=address, handle=tap)

    async def publish(self, message: ChannelMessage, bindings: BindingsByPlace) -> Published:
        """Send a message; return when the server has given it to subscribers, or has added it to the stream."""
        command = _entry(message) if _is_stream(bindings) else _publication(message)
        client = self._clients.commands
        with _failures(self._clients, sent=False):
            await _make_sure(client)
        try:
            with _failures(self._clients, sent=True):
                answer = await client.execute_command(*command)
        except BaseException:
            await self._clients.drop()
            raise
        if isinstance(answer, int):
            return Published(receivers=answer)
        return Published(position={"stream": message.address, "id": answer.decode()})

    async def disarm(self, armed: Armed) -> None:
        """End a subscription; a stream that was made for replies to this run is deleted."""
        tap = armed.handle
        if isinstance(tap, _PubSubTap | StreamTap) and tap in self._taps:
            self._taps.discard(tap)
            with suppress(BrokerFailure), _failures(self._clients, sent=False):
                await tap.stop()

    async def close(self) -> None:
        """End all subscriptions and close all connections; what a durable run goes on with stays at the server."""
        taps, self._taps = self._taps, set()
        ending = [tap.stop() if self._durable_name is None else tap.end_reading() for tap in taps]
        await asyncio.gather(*ending, return_exceptions=True)
        if self._opened is not None:
            await self._opened.close()


class _PubSubTap:
    """A subscription of pub/sub, with a connection of its own."""

    def __init__(self, clients: RedisClients, pubsub: Any, address: str, sink: Sink, max_message_size: int) -> None:
        self._clients = clients
        self._pubsub = pubsub
        self._address = address
        self._sink = sink
        self._max_message_size = max_message_size
        self._reader = Reader(self._read, sink, address)

    async def stop(self) -> None:
        """End the subscription and its connection."""
        await self._reader.stop()
        await self._pubsub.aclose()

    end_reading = stop

    async def _read(self) -> None:
        try:
            with _failures(self._clients, sent=False):
                while True:
                    found = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=None)
                    if found is not None:
                        await asyncio.sleep(0)  # others get their turn in a flood
                        self._put(found["channel"].decode(errors="backslashreplace"), found["data"])
        except BrokerFailure as failure:
            raise (self._broken() if failure.reason in PASSING else failure) from None

    def _broken(self) -> BrokerFailure:
        message = f"the subscription of {self._address} ended with the connection to {self._clients.endpoint}"
        return BrokerFailure("closed", message, hint="a stream would go on where it was: Redis keeps its entries")

    def _put(self, address: str, payload: bytes) -> None:
        if len(payload) > self._max_message_size:
            message = f"a message of {address} has {len(payload)} bytes, {self._max_message_size} are allowed"
            raise BrokerFailure("too-large", message, hint=f"allow more with {MAX_RESPONSE_SIZE}")
        self._sink.put(ChannelMessage(address=address, payload=payload))


@contextmanager
def _failures(clients: RedisClients, *, sent: bool) -> Iterator[None]:
    """Raise BrokerFailure for what redis-py raises; `sent`: whether a message may have been sent when it does."""
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError) as error:
        raise failure_of(error, clients, sent=sent) from error


async def _make_sure(client: Any) -> None:
    """Make a connection that broke meanwhile anew, before anything is sent that must not be sent twice."""
    from redis.exceptions import ConnectionError as Broken

    with suppress(Broken):
        await client.ping()
        return
    await client.ping()


def _is_stream(bindings: BindingsByPlace) -> bool:
    binding = bindings.get("channel", {})
    kind = binding.get("type")
    if kind not in (None, "stream", "pubsub", "channel"):
        hint = "write stream, or pubsub, which is what a channel is without it"
        raise BrokerFailure("rejected", f"the redis binding has the type {json.dumps(kind)}", hint=hint)
    return is_stream(binding)


def _pattern(address: str) -> str:
    """Return the pattern of an address, in which `*` alone has a meaning."""
    return "".join(f"\\{each}" if each in "?[]\\" else each for each in address)


def _publication(message: ChannelMessage) -> tuple[str | bytes, ...]:
    if message.headers:
        names = ", ".join(sorted({name for name, _ in message.headers}))
        text = f"pub/sub of Redis has no headers, and the message for {message.address} has {names}"
        raise BrokerFailure("rejected", text, hint=_USE_STREAM)
    return ("PUBLISH", message.address, message.payload)


def _entry(message: ChannelMessage) -> tuple[str | bytes, ...]:
    fields = entry_of(message)
    return ("XADD", message.address, "*", *(part for pair in fields for part in pair))
