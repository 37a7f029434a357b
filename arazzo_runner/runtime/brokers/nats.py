"""NATS: subjects, and JetStream where a stream stores them.

The queue group of an AsyncAPI binding is not joined: a run in it would take messages away from its other members.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, ClassVar, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.messages import BindingsByPlace, ChannelMessage, Published
from arazzo_runner.runtime.brokers.driver import Armed, BrokerFailure, Connection, Driver, Sink
from arazzo_runner.runtime.brokers.message_parts import content_type_in, headers_with_type, joined
from arazzo_runner.runtime.brokers.nats_link import SCHEMES, Link
from arazzo_runner.runtime.brokers.nats_streams import (
    API,
    Stream,
    Streams,
    StreamTap,
    consumer_names,
    position_of,
    unsubscribed,
)

MESSAGE_ID: Final = "Nats-Msg-Id"
"""The header by which JetStream knows a message that was sent twice."""
_HEADER_FRAME: Final = 12
_TURNS: Final = 100  # of the event loop, until what has come is given to its sink


class NatsDriver(Driver):
    """One connection to a NATS server.

    Where no stream stores a subject, messages are lost while the connection is away: such subscriptions end then.
    """

    protocols: ClassVar[frozenset[str]] = frozenset({*SCHEMES, "tls+nats"})
    extra: ClassVar[str | None] = "nats"
    module: ClassVar[str | None] = "nats"

    def __init__(self) -> None:
        self._link = Link(broken=self._broken, back=self._back, ended=self._ended, slow=self._slow)
        self._streams = Streams(self._link)
        self._plain: dict[Any, Sink] = {}
        """The sinks of ordinary subscriptions, by subscription of the library."""
        self._unheard: set[str] = set()
        """The inboxes of requests that, as the server says, nobody listens to."""
        self._taps: list[StreamTap] = []
        self._connection = Connection(url="", protocol="nats")

    async def open(self, connection: Connection) -> None:
        self._connection = connection
        await self._link.open(connection)

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
        client = await self._link.ready(wait=bool(self._taps))
        with _refusals(self._link.host):
            if inbox:
                return await self._listen(client.new_inbox(), functools.partial(self._put_reply, sink), sink)
            stream = await self._stream_for(address, position)
            if stream is None:
                return await self._listen(address, functools.partial(_put, sink), sink)
            return await self._listen_to(stream, address, position, sink, name)

    async def publish(self, message: ChannelMessage, bindings: BindingsByPlace) -> Published:
        client = await self._link.ready(wait=bool(self._taps))
        headers = sent_headers(message)
        size = len(message.payload) + _size_of(headers)
        if size > client.max_payload:
            text = f"the message has {size} bytes, and {self._link.host} takes {client.max_payload}"
            raise BrokerFailure("too-large", text, sent=False)
        reply = message.native.get("reply_to")
        with _refusals(self._link.host):
            if not reply and await self._streams.name_of(message.address) is not None:
                return await self._store(message, headers)
            await self._link.guarded(self._send(message, str(reply or ""), headers), message.address)
        return Published(receivers=0 if reply and await self._is_unheard(str(reply)) else None)

    async def settle(self, armed: Armed, token: str) -> None:
        if isinstance(armed.handle, StreamTap):
            with _refusals(self._link.host):
                await armed.handle.settle(token)

    async def disarm(self, armed: Armed) -> None:
        with contextlib.suppress(BrokerFailure), _refusals(self._link.host):
            if isinstance(armed.handle, StreamTap):
                self._taps.remove(armed.handle)
                await armed.handle.end()
            elif self._plain.pop(armed.handle, None) is not None:
                await armed.handle.unsubscribe()  # type: ignore[attr-defined]

    async def close(self) -> None:
        await self._link.close()

    async def _stream_for(self, address: str, position: JsonValue | None) -> Stream | None:
        if not isinstance(position, dict):
            return await self._streams.to_listen(address)
        stream = await self._streams.named(str(position["stream"]), address)
        if stream is None:
            text = f"the stream {position['stream']} that this run listened to is gone"
            raise BrokerFailure("rejected", text, hint="start a new run")
        return stream

    async def _listen(self, address: str, put: Callable[[Any], Awaitable[None]], sink: Sink) -> Armed:
        """Subscribe to a subject."""
        client = self._link.client
        subscription = await client.subscribe(address, cb=put)
        self._plain[subscription] = sink
        try:
            await self._link.guarded(self._link.flush(), address)
        except BaseException:
            self._plain.pop(subscription, None)
            await unsubscribed(subscription)
            raise
        return Armed(address=address, handle=subscription)

    async def _listen_to(
        self, stream: Stream, address: str, position: JsonValue | None, sink: Sink, name: str
    ) -> Armed:
        """Subscribe to a stream, from a position or from now on."""
        run = self._connection.durable_name
        base = int(str(position["sequence"])) if isinstance(position, dict) else stream.last
        tap = StreamTap(
            self._link,
            self._streams,
            stream.name,
            address,
            base,
            functools.partial(put_message, sink),
            sink,
            names=None if run is None else consumer_names(run, name),
        )
        try:
            await tap.begin()
        except BaseException:
            await tap.leave()
            raise
        self._taps.append(tap)
        is_lossy = not stream.keeps and run is None
        return Armed(address=address, handle=tap, position=position_of(stream.name, base), lossy=is_lossy)

    async def _send(self, message: ChannelMessage, reply: str, headers: dict[str, str] | None) -> None:
        client = self._link.client
        await client.publish(message.address, message.payload, reply=reply, headers=headers)
        await self._link.flush()

    async def _put_reply(self, sink: Sink, message: Any) -> None:
        """Give a reply to a sink; that nobody listens to the request is none, it is what the server says of it."""
        if not message.data and (message.headers or {}).get("Status") == "503":
            self._unheard.add(message.subject)
        else:
            await _put(sink, message)

    async def _is_unheard(self, inbox: str) -> bool:
        """Return whether nobody listens to a request that was sent; the server has said so before it took the next."""
        subscription: Any = next((each for each in self._plain if each.subject == inbox), None)
        for _ in range(_TURNS if subscription is not None else 0):
            if inbox in self._unheard or not subscription.pending_msgs:
                break
            await asyncio.sleep(0)
        is_unheard = inbox in self._unheard
        self._unheard.discard(inbox)
        return is_unheard

    async def _store(self, message: ChannelMessage, headers: dict[str, str] | None) -> Published:
        """Send a message to a stream and return where it is stored there."""
        from nats.errors import NoRespondersError

        asked = self._link.client.request(message.address, message.payload, timeout=self._link.timeout, headers=headers)
        try:
            answer = await self._link.guarded(asked, message.address, *API)
        except NoRespondersError:  # the stream is gone, and nobody else listens
            self._streams.forget(message.address)
            return Published(receivers=0)
        return _stored(answer.data, self._link.host)

    def _broken(self, failure: BrokerFailure) -> None:
        hint = "a JetStream stream would keep what is sent meanwhile"
        for sink in self._plain.values():
            sink.lost(BrokerFailure("closed", failure.message, hint=hint))
        self._plain.clear()
        for tap in self._taps:
            tap.pause()

    async def _back(self) -> None:
        for tap in tuple(self._taps):
            try:
                with _refusals(self._link.host):
                    await tap.begin()
            except BrokerFailure as failure:
                if failure.reason != "closed":  # it breaks again: the next time is another chance
                    tap.sink.lost(failure)

    def _ended(self, failure: BrokerFailure) -> None:
        self._broken(failure)
        for tap in self._taps:
            tap.sink.lost(failure)

    def _slow(self, subscription: Any) -> None:
        sink = self._plain.get(subscription)
        if sink is not None:
            text = f"messages of {subscription.subject} came faster than they could be read"
            sink.lost(BrokerFailure("too-large", text, hint="subscribe to a narrower address"))


async def _put(sink: Sink, message: Any) -> None:
    put_message(sink, message, None)


def put_message(sink: Sink, message: Any, token: str | None) -> None:
    """Give a message of the library to a sink; its identity in a stream is the token."""
    headers: Headers = tuple((message.headers or {}).items())
    native: dict[str, JsonValue] = {}
    if token is not None:
        stream, _, sequence = token.rpartition(":")
        native |= {"stream": stream, "sequence": int(sequence)}
    elif message.reply:
        native["reply_to"] = message.reply
    identity = next((value for name, value in headers if name.lower() == MESSAGE_ID.lower()), None)
    if identity is not None:
        native["message_id"] = identity
    read = ChannelMessage(
        address=message.subject,
        payload=bytes(message.data),
        headers=headers,
        content_type=content_type_in(headers),
        native=native,
    )
    sink.put(read, token)


def sent_headers(message: ChannelMessage) -> dict[str, str] | None:
    """Return the headers to send, None for none: NATS has no other place for a content type and an id."""
    headers = joined(headers_with_type(message, "Content-Type"))
    identity = message.native.get("message_id")
    if identity is not None and not any(name.lower() == MESSAGE_ID.lower() for name in headers):
        headers[MESSAGE_ID] = str(identity)
    return headers or None


def _size_of(headers: dict[str, str] | None) -> int:
    """Return the bytes of headers, which count like those of the payload."""
    if headers is None:
        return 0
    return _HEADER_FRAME + sum(len(name.encode()) + len(value.encode()) + 4 for name, value in headers.items())


def _stored(answer: bytes, host: str) -> Published:
    """Return the position that a stream answers; raise BrokerFailure when it refuses the message."""
    try:
        read = json.loads(answer)
    except ValueError:
        return Published()  # somebody who listens to the subject answered first
    if not isinstance(read, dict):
        return Published()
    error = read.get("error")
    if isinstance(error, dict) and "code" in error:
        text = str(error.get("description", "no reason given"))
        too_large = "exceed" in text and "size" in text
        raise BrokerFailure("too-large" if too_large else "rejected", f"{host} does not store the message: {text}")
    if "stream" not in read or "seq" not in read:
        return Published()
    return Published(position=position_of(str(read["stream"]), int(read["seq"])))


@contextlib.contextmanager
def _refusals(host: str) -> Iterator[None]:
    """Raise BrokerFailure for what the library raises inside."""
    from nats import errors

    try:
        yield
    except errors.MaxPayloadError:
        raise BrokerFailure("too-large", f"the message is larger than {host} takes") from None
    except (errors.BadSubjectError, errors.BadHeaderError) as problem:
        raise BrokerFailure("rejected", str(problem).removeprefix("nats: ")) from None
    except errors.OutboundBufferLimitError:  # nothing is kept to be sent later
        raise BrokerFailure("closed", f"the connection to {host} broke", sent=False) from None
    except TimeoutError:
        raise BrokerFailure("timeout", f"{host} did not answer in time", sent=True) from None
    except (errors.ConnectionClosedError, OSError):
        raise BrokerFailure("closed", f"the connection to {host} broke", sent=True) from None
    except errors.Error as problem:
        text = str(problem).removeprefix("nats: ")
        raise BrokerFailure("rejected", f"{host} refuses: {text}", sent=True) from None
