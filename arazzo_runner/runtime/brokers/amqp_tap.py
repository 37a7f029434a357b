"""A subscription on an AMQP broker: a queue that is consumed on a channel of its own.

A broker closes a channel on which messages wait for their acknowledgement too long (RabbitMQ: 30 minutes), and those
of others wait until the end. Then the queue is consumed again, and what came already is known by its place.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.amqp_failures import channel_failure, closed, refusals
from arazzo_runner.runtime.brokers.amqp_messages import read_message
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Sink
from arazzo_runner.runtime.brokers.message_parts import digest_of

Reopen: TypeAlias = Callable[[], Awaitable[Any]]
_PAUSE: Final = 1.0
"""Seconds that a channel must have been of use, for another one to take its place."""
_UNACKNOWLEDGED: Final = 65_535
"""The most messages that the broker gives before one is acknowledged: those of others are not, until the end."""


class AmqpTap:
    """What comes from a queue.

    - `acknowledges`: messages stay in the queue until they are settled; those that are not go back when it ends.
    - `is_own`: the queue was made for this run, and is removed with the subscription.
    - `reopen`: opens another channel.
    - `before`: so many messages were in the queue when the subscription was made.
    """

    def __init__(
        self, host: str, sink: Sink, reopen: Reopen, *, acknowledges: bool, is_own: bool, before: int = 0
    ) -> None:
        self._host, self._sink, self._reopen = host, sink, reopen
        self._acknowledges, self._is_own, self._before = acknowledges, is_own, before
        self._channel: Any = None
        self._queue: Any = None
        self._consumer: str | None = None
        self._deliveries: dict[str, tuple[str, int]] = {}
        """What was not acknowledged, in the order in which it came: without and with its number, by token."""
        self._again: dict[str, deque[str]] = {}
        """The tokens of what comes again, by what is equal in them."""
        self._seen: Counter[str] = Counter()
        self._began = 0.0
        self._beginning: asyncio.Task[None] | None = None
        self._has_ended = False

    async def begin(self, channel: Any, queue: Any) -> None:
        """Consume a queue; return when the broker has the consumer."""
        self._channel, self._queue = channel, queue
        self._began = asyncio.get_running_loop().time()
        if self._acknowledges:
            await channel.set_qos(prefetch_count=_UNACKNOWLEDGED)
        channel.close_callbacks.add(self._channel_closed)
        (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(self._cancelled)
        self._consumer = await queue.consume(self._came, no_ack=not self._acknowledges)

    async def settle(self, token: str) -> None:
        """Acknowledge a message."""
        found = self._deliveries.pop(token, None)
        if found is not None:
            await (await self._channel.get_underlay_channel()).basic_ack(found[1])

    async def end(self) -> None:
        """Consume no more, and remove the queue where it was made for this run."""
        self.leave()
        if self._channel is not None and not self._channel.is_closed:
            if self._consumer is not None:
                await self._queue.cancel(self._consumer)
            if self._is_own:
                await self._channel.queue_delete(self._queue.name)
            await self._channel.close()

    def leave(self) -> None:
        """Take no more messages: the connection ends, and the broker keeps what it keeps."""
        self._has_ended = True
        if self._beginning is not None:
            self._beginning.cancel()

    def lose(self, failure: BrokerFailure) -> None:
        """End because the broker or the connection did."""
        if not self._has_ended:
            self._has_ended = True
            self._sink.lost(failure)

    async def _came(self, incoming: Any) -> None:
        if self._has_ended:
            return
        message = read_message(incoming)
        equal = _identity(message)
        came_before = self._again.get(equal)
        token = came_before.popleft() if came_before else self._next_token(equal)
        if self._acknowledges:
            self._deliveries[token] = (equal, incoming.delivery_tag)
        if came_before is None:
            is_from_before = self._before > 0
            self._before -= is_from_before
            self._sink.put(message, token, retained=is_from_before)
        elif not came_before:
            del self._again[equal]

    def _next_token(self, equal: str) -> str:
        """Return the identity of a message: its id, else its content, numbered among equal ones.

        A queue gives back what was not acknowledged in its old order, so that the numbers are the same then.
        """
        self._seen[equal] += 1
        return equal if self._seen[equal] == 1 else f"{equal}#{self._seen[equal]}"

    def _channel_closed(self, channel: Any, problem: BaseException | None) -> None:
        from aiormq.exceptions import ChannelClosed

        if not isinstance(problem, ChannelClosed):
            self.lose(closed(self._host, problem))
        elif self._acknowledges and self._began + _PAUSE < asyncio.get_running_loop().time() and not self._has_ended:
            self._beginning = asyncio.ensure_future(self._begin_again())
        else:
            self.lose(channel_failure(problem, self._host))

    async def _begin_again(self) -> None:
        """Consume the queue on another channel."""
        waiting, self._deliveries = self._deliveries, {}
        for token, (equal, _) in waiting.items():
            self._again.setdefault(equal, deque()).append(token)
        try:
            with refusals(self._host):
                channel = await self._reopen()
                await self.begin(channel, await channel.get_queue(self._queue.name))
        except BrokerFailure as failure:
            self.lose(failure)

    def _cancelled(self, frame: Any) -> None:
        name = self._queue.name
        self.lose(BrokerFailure("rejected", f"{self._host} gives no more messages of the queue {name}: it was removed"))


async def ended(tap: AmqpTap) -> None:
    """End a subscription whose broker may be gone."""
    from aiormq import exceptions

    with contextlib.suppress(exceptions.AMQPError, exceptions.ChannelInvalidStateError, OSError, RuntimeError):
        await tap.end()


def _identity(message: ChannelMessage) -> str:
    """Return what is equal in messages that cannot be distinguished."""
    given = message.native.get("message_id")
    return f"id:{given}" if given else digest_of(message, repr(sorted(message.native.items())))
