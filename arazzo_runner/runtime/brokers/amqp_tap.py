"""A subscription on an AMQP broker: a queue that is consumed on a channel of its own."""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from typing import Any, Final

from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.amqp_failures import channel_failure, closed
from arazzo_runner.runtime.brokers.amqp_messages import read_message
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Sink

_UNACKNOWLEDGED: Final = 65_535
"""The most messages that the broker gives before one is acknowledged: those of others are not, until the end."""


class AmqpTap:
    """What comes from a queue.

    - `acknowledges`: messages stay in the queue until they are settled; those that are not go back when it ends.
    - `is_own`: the queue was made for this run, and is removed with the subscription.
    - `before`: so many messages were in the queue when the subscription was made.
    """

    def __init__(self, host: str, sink: Sink, *, acknowledges: bool, is_own: bool, before: int = 0) -> None:
        self._host, self._sink = host, sink
        self._acknowledges, self._is_own, self._before = acknowledges, is_own, before
        self._channel: Any = None
        self._queue: Any = None
        self._consumer: str | None = None
        self._deliveries: dict[str, int] = {}
        self._seen: Counter[str] = Counter()
        self._has_ended = False

    async def begin(self, channel: Any, queue: Any) -> None:
        """Consume a queue; return when the broker has the consumer."""
        self._channel, self._queue = channel, queue
        if self._acknowledges:
            await channel.set_qos(prefetch_count=_UNACKNOWLEDGED)
        channel.close_callbacks.add(self._channel_closed)
        (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(self._cancelled)
        self._consumer = await queue.consume(self._came, no_ack=not self._acknowledges)

    async def settle(self, token: str) -> None:
        """Acknowledge a message."""
        delivery = self._deliveries.pop(token, None)
        if delivery is not None:
            await (await self._channel.get_underlay_channel()).basic_ack(delivery)

    async def end(self) -> None:
        """Consume no more, and remove the queue where it was made for this run."""
        self._has_ended = True
        if self._channel is not None and not self._channel.is_closed:
            if self._consumer is not None:
                await self._queue.cancel(self._consumer)
            if self._is_own:
                await self._channel.queue_delete(self._queue.name)
            await self._channel.close()

    def lose(self, failure: BrokerFailure) -> None:
        """End because the broker or the connection did."""
        if not self._has_ended:
            self._has_ended = True
            self._sink.lost(failure)

    async def _came(self, incoming: Any) -> None:
        if self._has_ended:
            return
        message = read_message(incoming)
        token = self._token_of(message)
        if self._acknowledges:
            self._deliveries[token] = incoming.delivery_tag
        is_from_before = self._before > 0
        self._before -= is_from_before
        self._sink.put(message, token, retained=is_from_before)

    def _token_of(self, message: ChannelMessage) -> str:
        """Return the identity of a message: its id, else its content, numbered among equal ones.

        A queue gives back what was not acknowledged in its old order, so that the numbers are the same then.
        """
        identity = message.native.get("message_id")
        base = f"id:{identity}" if identity else _digest(message)
        self._seen[base] += 1
        return base if self._seen[base] == 1 else f"{base}#{self._seen[base]}"

    def _channel_closed(self, channel: Any, problem: BaseException | None) -> None:
        from aiormq.exceptions import ChannelClosed

        if isinstance(problem, ChannelClosed):
            self.lose(channel_failure(problem, self._host))
        else:
            self.lose(closed(self._host, problem))

    def _cancelled(self, frame: Any) -> None:
        name = self._queue.name
        self.lose(BrokerFailure("rejected", f"{self._host} gives no more messages of the queue {name}: it was removed"))


async def ended(tap: AmqpTap) -> None:
    """End a subscription whose broker may be gone."""
    from aiormq import exceptions

    with contextlib.suppress(exceptions.AMQPError, exceptions.ChannelInvalidStateError, OSError, RuntimeError):
        await tap.end()


def _digest(message: ChannelMessage) -> str:
    digest = hashlib.sha256()
    parts = (message.address, message.content_type or "", repr(message.headers), repr(sorted(message.native.items())))
    for part in (*(each.encode("utf-8", "replace") for each in parts), message.payload):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:32]
