"""Reading one topic of Kafka: from which offsets, and its records as messages."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.settings import MAX_RESPONSE_SIZE
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Sink
from arazzo_runner.runtime.brokers.message_parts import content_type_in
from arazzo_runner.runtime.brokers.reading import Reader

_LOOK_FOR_PARTITIONS_MS: Final = 3000
GRACE: Final = 1.5  # seconds; who closes a driver waits little longer


class KafkaTap:
    """A consumer that reads one topic, and the next offset to read of each partition."""

    def __init__(self, topic: str, sink: Sink, max_message_size: int) -> None:
        self._topic = topic
        self._sink = sink
        self._max_message_size = max_message_size
        self._offsets: dict[int, int] = {}
        self._consumer: Any = None
        self._reader: Reader | None = None

    async def start(
        self, options: Mapping[str, Any], partitions: frozenset[int], position: JsonValue | None
    ) -> JsonValue:
        """Begin to read, at the ends or at a position; return the position where it begins."""
        from aiokafka import AIOKafkaConsumer

        self._consumer = AIOKafkaConsumer(
            **options,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            metadata_max_age_ms=_LOOK_FOR_PARTITIONS_MS,
        )
        try:
            await self._consumer.start()
            await self._begin(partitions, position)
        except BaseException:
            await _stop(self._consumer)
            raise
        begins: JsonValue = {str(partition): offset for partition, offset in sorted(self._offsets.items())}
        self._reader = Reader(self._read, self._sink, self._topic)
        return begins

    async def stop(self) -> None:
        """End reading and close the consumer."""
        if self._reader is not None:
            await self._reader.stop()
        await _stop(self._consumer)

    async def _begin(self, partitions: frozenset[int], position: JsonValue | None) -> None:
        from aiokafka import TopicPartition

        if position is None:
            ends = await self._consumer.end_offsets([TopicPartition(self._topic, each) for each in partitions])
            self._offsets = {partition.partition: offset for partition, offset in ends.items()}
        else:
            self._offsets = _offsets(position)
            await self._check()
            await self._add(partitions - self._offsets.keys())
        self._assign()

    async def _read(self) -> None:
        """Put what comes into the sink; raises BrokerFailure when the subscription is lost."""
        try:
            while True:
                batch = await self._consumer.getmany(timeout_ms=_LOOK_FOR_PARTITIONS_MS)
                for record in (record for records in batch.values() for record in records):
                    if len(record.value or b"") > self._max_message_size:
                        raise _too_large(record, self._max_message_size)
                    self._offsets[record.partition] = record.offset + 1
                    self._sink.put(_message(record), f"{self._topic}/{record.partition}/{record.offset}")
                await self._follow()
        except RuntimeError as error:  # KafkaError is one
            raise _reading_failure(error, self._topic) from None

    async def _check(self) -> None:
        """Fail when what is at the offsets is not there any more."""
        from aiokafka import TopicPartition

        known = [TopicPartition(self._topic, partition) for partition in self._offsets]
        starts, ends = await self._consumer.beginning_offsets(known), await self._consumer.end_offsets(known)
        if any(not starts[each] <= self._offsets[each.partition] <= ends[each] for each in known):
            raise _gone(self._topic)

    async def _follow(self) -> None:
        """Read partitions too that were added meanwhile."""
        new = frozenset(self._consumer.partitions_for_topic(self._topic) or ()) - self._offsets.keys()
        if new:
            await self._add(new)
            self._assign()

    async def _add(self, partitions: frozenset[int]) -> None:
        from aiokafka import TopicPartition

        starts = await self._consumer.beginning_offsets([TopicPartition(self._topic, each) for each in partitions])
        self._offsets.update({partition.partition: offset for partition, offset in starts.items()})

    def _assign(self) -> None:
        from aiokafka import TopicPartition

        self._consumer.assign([TopicPartition(self._topic, partition) for partition in self._offsets])
        for partition, offset in self._offsets.items():
            self._consumer.seek(TopicPartition(self._topic, partition), offset)


async def _stop(consumer: Any) -> None:
    """Stop a consumer, and close its connections where aiokafka gives up half-way.

    It awaits tasks that it has cancelled, which raises CancelledError when they had not begun or cannot end.
    """
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait([stopping], timeout=GRACE)
    if not stopping.done() or stopping.cancelled() or stopping.exception() is not None:
        stopping.cancel()
        with suppress(Exception):
            await consumer._client.close()


def _reading_failure(error: Exception, topic: str) -> BrokerFailure:
    from aiokafka import errors

    if isinstance(error, errors.OffsetOutOfRangeError):
        return _gone(topic)
    if isinstance(error, errors.TopicAuthorizationFailedError):
        return BrokerFailure("forbidden", f"this login may not read the topic {topic}")
    if isinstance(error, errors.UnsupportedCodecError):
        message = f"messages of {topic} are compressed by something that is not installed here"
        return BrokerFailure("rejected", message, hint="pip install 'aiokafka[all]'")
    return BrokerFailure("closed", f"reading {topic} failed: {type(error).__name__}")


def _gone(topic: str) -> BrokerFailure:
    message = f"messages of {topic} are gone that were to be read: deleted, or the topic was made anew"
    return BrokerFailure("closed", message, hint="raise retention.ms of the topic")


def _too_large(record: Any, limit: int) -> BrokerFailure:
    size = len(record.value)
    text = f"a message of {record.topic} has {size} bytes, {limit} are allowed"
    return BrokerFailure("too-large", text, hint=f"allow more with {MAX_RESPONSE_SIZE}")


def _message(record: Any) -> ChannelMessage:
    headers = tuple((name, (value or b"").decode(errors="backslashreplace")) for name, value in record.headers)
    native: dict[str, JsonValue] = {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
    }
    if record.value is None:
        native["tombstone"] = True
    return ChannelMessage(
        address=record.topic,
        payload=record.value or b"",
        headers=headers,
        content_type=content_type_in(headers),
        key=record.key,
        native=native,
    )


def _offsets(position: JsonValue) -> dict[int, int]:
    """Return the offsets of a position as `arm` made it."""
    pairs = position.items() if isinstance(position, Mapping) else ()
    found = {int(partition): offset for partition, offset in pairs if partition.isdigit() and isinstance(offset, int)}
    if not found:
        raise BrokerFailure("rejected", "the position of the earlier subscription cannot be read")
    return found
