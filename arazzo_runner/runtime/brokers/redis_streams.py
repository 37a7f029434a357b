"""Streams of Redis: entries as messages, and a subscription that reads one from an entry on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Sink
from arazzo_runner.runtime.brokers.redis_client import RedisClients, failure_of

PAYLOAD: Final = "payload"
CONTENT_TYPE: Final = "content-type"
_BLOCK: Final = 5.0
_AT_ONCE: Final = 500
PASSING: Final = ("refused", "closed", "timeout", "unknown-host")
_WAITS: Final = (0.05, 0.1, 0.25, 0.5, 1.0)


class StreamTap:
    """A reader of one stream, with a connection of its own; `own`: the stream was made for it and ends with it."""

    def __init__(
        self, clients: RedisClients, stream: str, last: str, sink: Sink, max_message_size: int, *, own: bool
    ) -> None:
        self._clients = clients
        self._stream = stream
        self._last = last
        self._sink = sink
        self._max_message_size = max_message_size
        self._own = own
        self._task = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """End reading for good."""
        await self.end_reading()
        if self._own:
            await self._clients.commands.delete(self._stream)

    async def end_reading(self) -> None:
        """Stop reading; what the server has stays."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _read(self) -> None:
        """Put entries into the sink, again after each break of the connection, until the server refuses."""
        from redis.exceptions import RedisError

        breaks = 0
        while True:
            try:
                async with asyncio.timeout(_BLOCK + self._clients.timeout):
                    entries = await self._next()
                breaks = 0
                for key, fields in entries:
                    self._put(key.decode(), fields)
            except BrokerFailure as failure:
                return self._sink.lost(failure)
            except (RedisError, OSError) as error:
                broken = failure_of(error, self._clients, sent=False)
                if broken.reason not in PASSING:
                    return self._sink.lost(broken)
                await asyncio.sleep(_WAITS[min(breaks, len(_WAITS) - 1)])
                breaks += 1

    async def _next(self) -> list[tuple[bytes, Any]]:
        found: Any = await self._clients.readers.xread(
            {self._stream: self._last}, count=_AT_ONCE, block=int(_BLOCK * 1000)
        )
        return found[0][1] if found else []

    def _put(self, key: str, fields: Mapping[bytes, bytes] | None) -> None:
        self._last = key
        if not fields:
            return  # it was deleted
        message = message_of(self._stream, key, fields)
        if len(message.payload) > self._max_message_size:
            text = f"an entry of {self._stream} has {len(message.payload)} bytes, {self._max_message_size} are allowed"
            raise BrokerFailure("too-large", text)
        self._sink.put(message, f"{self._stream}/{key}")


def entry_of(message: ChannelMessage) -> list[tuple[str, str | bytes]]:
    """Return the fields of the entry for a message."""
    names = {name.lower() for name, _ in message.headers}
    if PAYLOAD in names:
        text = f"the message for {message.address} has a header {PAYLOAD}, which is where a stream has its payload"
        raise BrokerFailure("rejected", text, hint="give the header another name")
    described = [] if message.content_type is None or CONTENT_TYPE in names else [(CONTENT_TYPE, message.content_type)]
    return [(PAYLOAD, message.payload), *message.headers, *described]


def message_of(stream: str, key: str, fields: Mapping[bytes, bytes]) -> ChannelMessage:
    """Return the message of an entry."""
    texts = [(_text(name), _text(value)) for name, value in fields.items()]
    native: dict[str, JsonValue] = {"id": key}
    payload = fields.get(PAYLOAD.encode())
    if payload is None:
        whole = json.dumps(dict(texts), ensure_ascii=False).encode()
        return ChannelMessage(address=stream, payload=whole, content_type="application/json", native=native)
    headers = tuple(pair for pair in texts if pair[0] != PAYLOAD)
    content_type = next((value for name, value in headers if name.lower() == CONTENT_TYPE), None)
    return ChannelMessage(address=stream, payload=payload, headers=headers, content_type=content_type, native=native)


def position_of(position: JsonValue | None) -> tuple[str, str] | None:
    """Return the stream and the entry of a position as it was made, None for no position."""
    if position is None:
        return None
    stream, key = (position.get("stream"), position.get("id")) if isinstance(position, Mapping) else (None, None)
    if not isinstance(stream, str) or not isinstance(key, str):
        raise BrokerFailure("rejected", "the position of the earlier subscription cannot be read")
    return stream, key


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")
