"""Streams of Redis: entries as messages, and a subscription that reads one from an entry on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.base.settings import MAX_RESPONSE_SIZE
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Sink
from arazzo_runner.runtime.brokers.message_parts import content_type_in, headers_with_type
from arazzo_runner.runtime.brokers.reading import Reader
from arazzo_runner.runtime.brokers.redis_client import RedisClients, failure_of

PAYLOAD: Final = "payload"
_BLOCK: Final = 5.0
_AT_ONCE: Final = 500
PASSING: Final = ("refused", "closed", "timeout", "unknown-host")
_WAITS: Final = (0.05, 0.1, 0.25, 0.5, 1.0)


class Mark(Record):
    """A place in a stream: the id of the last entry before it, and how many were added until then, None if unknown."""

    stream: str
    id: str
    added: int | None = None


class StreamTap:
    """A reader of one stream, with a connection of its own; `own`: the stream was made for it and ends with it."""

    def __init__(self, clients: RedisClients, mark: Mark, sink: Sink, max_message_size: int, *, own: bool) -> None:
        self._clients = clients
        self._mark = mark
        self._sink = sink
        self._max_message_size = max_message_size
        self._own = own
        self._reader = Reader(self._read, sink, mark.stream)

    async def stop(self) -> None:
        """End reading for good."""
        await self.end_reading()
        if self._own:
            await self._clients.commands.delete(self._mark.stream)

    async def end_reading(self) -> None:
        """Stop reading; what the server has stays."""
        await self._reader.stop()

    async def _read(self) -> None:
        """Put entries into the sink, again after each break of the connection; raises what the server refuses."""
        from redis.exceptions import RedisError

        breaks = 0
        while True:
            try:
                async with asyncio.timeout(_BLOCK + self._clients.timeout):
                    if breaks:
                        await check(self._clients, self._mark)
                    entries = await self._next()
                breaks = 0
                for key, fields in entries:
                    self._put(key.decode(), fields)
            except (RedisError, OSError) as error:
                broken = failure_of(error, self._clients, sent=False)
                if broken.reason not in PASSING:
                    raise broken from None
                await asyncio.sleep(_WAITS[min(breaks, len(_WAITS) - 1)])
                breaks += 1

    async def _next(self) -> list[tuple[bytes, Any]]:
        found: Any = await self._clients.readers.xread(
            {self._mark.stream: self._mark.id}, count=_AT_ONCE, block=int(_BLOCK * 1000)
        )
        return found[0][1] if found else []

    def _put(self, key: str, fields: Mapping[bytes, bytes] | None) -> None:
        stream, added = self._mark.stream, self._mark.added
        self._mark = Mark(stream, key, None if added is None else added + 1)
        if not fields:
            return  # it was deleted
        message = message_of(stream, key, fields)
        if len(message.payload) > self._max_message_size:
            text = f"an entry of {stream} has {len(message.payload)} bytes, {self._max_message_size} are allowed"
            raise BrokerFailure("too-large", text, hint=f"allow more with {MAX_RESPONSE_SIZE}")
        self._sink.put(message, f"{stream}/{key}")


async def newest(clients: RedisClients, stream: str) -> Mark:
    """Return the end of a stream at this moment."""
    info = await _about(clients, stream)
    if info is not None:
        return Mark(stream, _id(info, "last-generated-id"), info.get("entries-added"))
    entries = await clients.commands.xrevrange(stream, count=1)
    return Mark(stream, entries[0][0].decode() if entries else "0-0")


async def check(clients: RedisClients, mark: Mark) -> None:
    """Fail when entries after a mark are gone: deleted, trimmed, or with the whole stream."""
    info = await _about(clients, mark.stream)
    if info is None:
        return
    read = _order(mark.id)
    gone = _order(_id(info, "last-generated-id")) < read or _order(_id(info, "max-deleted-entry-id")) > read
    if gone or _is_trimmed(info, mark):
        text = f"entries of {mark.stream} are gone that were to be read: deleted, or the stream was made anew"
        raise BrokerFailure("closed", text, hint="trim the stream less, and let the server keep its data on disk")


def _is_trimmed(info: Mapping[str, Any], mark: Mark) -> bool:
    """Return whether fewer entries are there than were added since a mark, which trimming leaves no other trace of."""
    added, first = info.get("entries-added"), info.get("first-entry")
    if mark.added is None or added is None or (first and _order(first[0].decode()) <= _order(mark.id)):
        return False
    missing: bool = info["length"] < added - mark.added
    return missing


async def _about(clients: RedisClients, stream: str) -> Mapping[str, Any] | None:
    """Return what the server says of a stream, None when it does not tell this login."""
    from redis.exceptions import ResponseError

    try:
        found: Mapping[str, Any] = await clients.commands.xinfo_stream(stream)
        return found
    except ResponseError as error:
        if "no such key" in str(error):
            return {}
        if "WRONGTYPE" in str(error):
            raise
        return None


def _id(info: Mapping[str, Any], name: str) -> str:
    found = info.get(name, b"0-0")  # servers before 7.0 do not know what was deleted
    return found.decode() if isinstance(found, bytes) else str(found)


def _order(key: str) -> tuple[int, ...]:
    return tuple(int(part) for part in key.split("-"))


def entry_of(message: ChannelMessage) -> list[tuple[str, str | bytes]]:
    """Return the fields of the entry for a message."""
    names = {name.lower() for name, _ in message.headers}
    if PAYLOAD in names:
        text = f"the message for {message.address} has a header {PAYLOAD}, which is where a stream has its payload"
        raise BrokerFailure("rejected", text, hint="give the header another name")
    return [(PAYLOAD, message.payload), *headers_with_type(message)]


def message_of(stream: str, key: str, fields: Mapping[bytes, bytes]) -> ChannelMessage:
    """Return the message of an entry."""
    texts = [(_text(name), _text(value)) for name, value in fields.items()]
    native: dict[str, JsonValue] = {"id": key}
    payload = fields.get(PAYLOAD.encode())
    if payload is None:
        whole = json.dumps(dict(texts), ensure_ascii=False).encode()
        return ChannelMessage(address=stream, payload=whole, content_type="application/json", native=native)
    headers = tuple(pair for pair in texts if pair[0] != PAYLOAD)
    kind = content_type_in(headers)
    return ChannelMessage(address=stream, payload=payload, headers=headers, content_type=kind, native=native)


def position_of(mark: Mark) -> JsonValue:
    """Return a mark as data."""
    return {"stream": mark.stream, "id": mark.id, "added": mark.added}


def mark_of(position: JsonValue) -> Mark:
    """Return the mark of a position."""
    if isinstance(position, Mapping):
        match position.get("stream"), position.get("id"), position.get("added"):
            case str(stream), str(key), (int() | None) as added:
                return Mark(stream, key, added)
    raise BrokerFailure("rejected", "the position of the earlier subscription cannot be read")


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")
