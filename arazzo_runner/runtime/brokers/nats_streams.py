"""JetStream: finding the stream of a subject, and a subscription to it that misses nothing.

A subscription is a consumer of its own, which begins behind a sequence of the stream. After the connection broke, or
when a run is resumed, a new one takes over from where messages were not acknowledged; those that came already are
known by their sequence.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.driver import KEEP, BrokerFailure, Sink
from arazzo_runner.runtime.brokers.nats_link import Link

API: Final = ("$JS.", "_INBOX.")
"""The beginnings of the subjects that asking JetStream uses."""
_PATIENCE: Final = 5.0
_ACK_WAIT: Final = 3600.0
"""Seconds until JetStream gives a message again that is not acknowledged: those of others never are."""
_ABANDONED: Final = 300.0
"""Seconds that JetStream keeps a consumer of a run that is gone and cannot be resumed."""


class Stream(Record, kw_only=True):
    """A stream as it is when asked: `last` is the sequence of its newest message.

    `keeps`: whether it keeps messages that nobody waits for.
    """

    name: str
    last: int
    keeps: bool


class Streams:
    """The streams of the account of one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._are_there = True
        self._names: dict[str, str | None] = {}

    async def name_of(self, subject: str) -> str | None:
        """Return the stream that stores what is sent to a subject, None for none; asked once for each subject."""
        if self._are_there and subject not in self._names:
            self._names[subject] = await self._found(subject)
        return self._names.get(subject)

    def forget(self, subject: str) -> None:
        """Ask again next time."""
        self._names.pop(subject, None)

    async def to_listen(self, subject: str) -> Stream | None:
        """Return the stream to subscribe to; None where an ordinary subscription is the right one.

        That is also so where a stream stores only some of the subjects, and where it is a queue of work: a consumer
        would take messages away from others.
        """
        name = await self.name_of(subject)
        return None if name is None else await self.named(name, subject)

    async def named(self, name: str, subject: str) -> Stream | None:
        """Return a stream by its name, None as `to_listen` says."""
        from nats.js.errors import NotFoundError

        try:
            info = await self._link.guarded(self.api.stream_info(name), *API)
        except NotFoundError:
            self.forget(subject)
            return None
        retention = str(getattr(info.config.retention, "value", info.config.retention))
        if retention == "workqueue" or not any(covers(each, subject) for each in info.config.subjects or ()):
            return None
        return Stream(name=name, last=info.state.last_seq, keeps=retention == "limits")

    @property
    def api(self) -> Any:
        """What the library asks JetStream with."""
        return self._link.client.jetstream(timeout=_PATIENCE)

    async def _found(self, subject: str) -> str | None:
        from nats.errors import Error
        from nats.js.errors import NotFoundError

        try:
            return str(await self._link.guarded(self.api.find_stream_name_by_subject(subject), *API))
        except NotFoundError:
            return None
        except (Error, BrokerFailure) as problem:
            if isinstance(problem, BrokerFailure) and problem.reason == "closed":
                raise
            self._are_there = False  # this server, this account or this user has no JetStream
            return None


class StreamTap:
    """A subscription to the messages of a stream that are behind the sequence `base`.

    `names` are two for the consumers of a durable run, which alternate: the new one is there before the old one goes,
    so that a stream that keeps messages only for consumers keeps them.
    """

    def __init__(
        self,
        link: Link,
        streams: Streams,
        stream: str,
        subject: str,
        base: int,
        put: Callable[[Any, str], ChannelMessage | None],
        sink: Sink,
        *,
        names: tuple[str, str] | None,
    ) -> None:
        self._link, self._streams = link, streams
        self.stream, self.subject, self.sink = stream, subject, sink
        self._seen, self._read, self._names = base, put, names
        self._consumer: str | None = None
        self._subscription: Any = None
        self._generation = 0
        self._replies: dict[str, str] = {}
        """Where each message is acknowledged, by its token: at the consumer that gave it."""
        self._settled: set[str] = set()
        """What was settled while its consumer was gone; it is acknowledged when it comes again."""

    def pause(self) -> None:
        """Take nothing more of this consumer: what the connection lost when it broke would be missing before it."""
        self._generation += 1

    async def begin(self) -> None:
        """Make a consumer and take the place of the one before; return when it is there."""
        api = self._streams.api
        old = await self._old_consumers()
        for name in old[1:]:  # made by a process that died before it removed the first
            await self._delete(name)
        first = await self._first_wanted(old)
        before, client = self._subscription, await self._link.ready()
        self.pause()
        self._replies.clear()
        inbox = client.new_inbox()
        self._subscription = await client.subscribe(inbox, cb=functools.partial(self._came, self._generation))
        await self._link.guarded(self._link.flush(), *API)
        info = await self._link.guarded(api.add_consumer(self.stream, **self._config(first, inbox, old)), *API)
        self._consumer = info.name
        await unsubscribed(before)
        for name in old[:1]:
            await self._delete(name)

    async def settle(self, token: str) -> None:
        """Acknowledge a message and return when JetStream knows it."""
        reply = self._replies.pop(token, None)
        if reply is None:
            self._settled.add(token)
        else:
            client = await self._link.ready()
            await self._link.guarded(client.request(reply, b"", timeout=_PATIENCE), *API)

    async def leave(self) -> None:
        """Take nothing more; the consumer stays until JetStream finds it abandoned."""
        self.pause()
        await unsubscribed(self._subscription)

    async def end(self) -> None:
        """Remove the consumer."""
        await self.leave()
        if self._consumer is not None:
            await self._delete(self._consumer)

    async def _came(self, generation: int, message: Any) -> None:
        from nats.errors import Error

        if generation != self._generation:
            return
        try:
            place = message.metadata
        except (Error, ValueError):
            return  # a word of the server about the subscription
        sequence = place.sequence.stream
        token = f"{place.stream}:{sequence}"
        if token in self._settled:
            self._settled.discard(token)
            await message.ack()
            return
        self._replies[token] = message.reply
        if sequence > self._seen:
            self._seen = sequence
            self._read(message, token)

    async def _old_consumers(self) -> list[str]:
        from nats.js.errors import NotFoundError

        if self._names is None:
            return [] if self._consumer is None else [self._consumer]
        found = []
        for name in self._names:
            with contextlib.suppress(NotFoundError):
                await self._link.guarded(self._streams.api.consumer_info(self.stream, name), *API)
                found.append(name)
        return found

    async def _first_wanted(self, old: list[str]) -> int:
        """Return the sequence to begin at: the first that was not acknowledged to the consumer before."""
        from nats.js.errors import NotFoundError

        if self._names is not None and old:
            with contextlib.suppress(NotFoundError):
                info = await self._link.guarded(self._streams.api.consumer_info(self.stream, old[0]), *API)
                if info.ack_floor is not None and info.ack_floor.stream_seq:
                    return int(info.ack_floor.stream_seq) + 1
                return min(int(info.config.opt_start_seq or 1), self._seen + 1)
        return self._seen + 1

    def _config(self, first: int, inbox: str, old: list[str]) -> dict[str, Any]:
        from nats.js.api import AckPolicy, DeliverPolicy

        config: dict[str, Any] = {
            "deliver_subject": inbox,
            "deliver_policy": DeliverPolicy.BY_START_SEQUENCE,
            "opt_start_seq": first,
            "ack_policy": AckPolicy.EXPLICIT,
            "ack_wait": _ACK_WAIT,
            "max_ack_pending": -1,
            "filter_subject": self.subject,
            "inactive_threshold": float(KEEP) if self._names else _ABANDONED,
        }
        if self._names is not None:
            config["durable_name"] = next(name for name in self._names if name not in old[:1])
        return config

    async def _delete(self, name: str) -> None:
        from nats.errors import Error

        with contextlib.suppress(Error, BrokerFailure):
            await self._link.guarded(self._streams.api.delete_consumer(self.stream, name), *API, timeout=_PATIENCE)


def position_of(stream: str, sequence: int) -> JsonValue:
    """Return a position as a journal keeps it."""
    return {"stream": stream, "sequence": sequence}


def consumer_names(run: str, tap: str) -> tuple[str, str]:
    """Return the two names of consumers of a durable run, in the characters that JetStream allows."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{run}-{tap}")
    return f"{name}-a", f"{name}-b"


def covers(pattern: str, subject: str) -> bool:
    """Return whether a pattern of subjects has all that a subject, or another pattern, has."""
    wanted = subject.split(".")
    for index, part in enumerate(pattern.split(".")):
        if part == ">":
            return len(wanted) > index
        if index >= len(wanted) or wanted[index] == ">" or (part != "*" and part != wanted[index]):
            return False
    return len(wanted) == pattern.count(".") + 1


async def unsubscribed(subscription: Any) -> None:
    """End a subscription of the library, None for none."""
    from nats.errors import Error

    if subscription is not None:
        with contextlib.suppress(Error):
            await subscription.unsubscribe()
