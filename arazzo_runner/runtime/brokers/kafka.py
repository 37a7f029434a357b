"""The driver of Kafka, by aiokafka.

- A subscription reads all partitions of a topic from their ends at that moment, without a group and without
  commits: nothing that is published later is missed, and nobody else notices. Its position is the offset of each
  partition, so that a durable run goes on where it began. Partitions that are added later are read from their start.
  Messages of transactions are read when they are committed.
- Topics are looked up before they are used; one that is not there is a failure and never created.
- A message is sent with acks=all, and by an idempotent producer where the cluster allows one.
- The content type is the header `content-type`; header values are text in UTF-8.
- The channel binding `topic` is the topic's name when the channel's address is another one; the message binding
  `key` has the key when the message has none of its own: its `const` or `default`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Final, Literal

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.engine.messages import BindingsByPlace, ChannelMessage, Published
from arazzo_runner.runtime.brokers.driver import Armed, BrokerFailure, Connection, Driver, Sink
from arazzo_runner.runtime.brokers.kafka_cluster import Cluster

_LARGEST_REQUEST: Final = 100_000_000  # the broker decides: its socket.request.max.bytes is slightly more
_LOOK_FOR_PARTITIONS_MS: Final = 3000
_GRACE: Final = 2.0
_NO_INBOX: Final = "Kafka has no addresses for the replies to one run alone"
_NAME_A_TOPIC: Final = "give the reply a channel whose address is a topic that exists"

_SHARE: Final = 0.95  # of the time to connect: who opens a driver can say less about what took so long


class KafkaDriver(Driver):
    """A cluster as one user: a producer for all messages, a consumer for each subscription."""

    protocols: ClassVar[frozenset[str]] = frozenset({"kafka", "kafka-secure"})
    extra: ClassVar[str | None] = "kafka"
    module: ClassVar[str | None] = "aiokafka"

    def __init__(self) -> None:
        self._opened: Cluster | None = None
        self._max_message_size = 0
        self._taps: set[_Tap] = set()
        self._producer: Any = None
        self._idempotent = True
        self._starting = asyncio.Lock()
        self._stopping: set[asyncio.Task[None]] = set()

    async def open(self, connection: Connection) -> None:
        """Connect to one of the servers and log in."""
        cluster = Cluster(connection)
        with _failures(cluster, sent=False):
            async with asyncio.timeout(connection.timeout * _SHARE):
                await cluster.connect()
        self._opened = cluster
        self._max_message_size = connection.max_message_size

    @property
    def _cluster(self) -> Cluster:
        if self._opened is None:
            raise BrokerFailure("closed", "the connection to Kafka is not open")
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
    ) -> Armed:
        """Read a topic from its end, or from a position; return when the offsets to begin at are known."""
        if inbox:
            raise BrokerFailure("rejected", _NO_INBOX, hint=_NAME_A_TOPIC)
        topic = _topic(address, bindings)
        with _failures(self._cluster, sent=False):
            async with asyncio.timeout(self._cluster.timeout):
                partitions = await self._cluster.partitions(topic)
                consumer = await self._consumer()
                tap = _Tap(consumer=consumer, topic=topic, sink=sink, max_message_size=self._max_message_size)
                try:
                    await tap.start(partitions, position)
                except BaseException:
                    await _stop_consumer(consumer)
                    raise
        self._taps.add(tap)
        begins: JsonValue = {str(partition): offset for partition, offset in sorted(tap.offsets.items())}
        tap.task = asyncio.create_task(tap.read())
        return Armed(address=address, handle=tap, position=begins, lossy=False)

    async def _consumer(self) -> Any:
        from aiokafka import AIOKafkaConsumer

        consumer = AIOKafkaConsumer(
            **self._cluster.options,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            metadata_max_age_ms=_LOOK_FOR_PARTITIONS_MS,
        )
        try:
            await consumer.start()
        except BaseException:
            await _stop_consumer(consumer)
            raise
        return consumer

    async def publish(self, message: ChannelMessage, bindings: BindingsByPlace) -> Published:
        """Send a message; return when all replicas that the topic asks for have it."""
        began = time.monotonic()
        topic = _topic(message.address, bindings)
        with _failures(self._cluster, sent=False):
            await self._cluster.partitions(topic)
            producer = await self._started_producer()
        key = message.key if message.key is not None else _described_key(bindings)
        try:
            with _failures(self._cluster, sent=True):
                record = await producer.send_and_wait(topic, message.payload, key=key, headers=_headers(message))
        except BaseException:
            # Its state is unknown, or it still tries to send: the next message has another one.
            self._abandon(producer)
            raise
        elapsed = (time.monotonic() - began) * 1000
        return Published(elapsed_ms=elapsed, position={"partition": record.partition, "offset": record.offset})

    async def _started_producer(self) -> Any:
        from aiokafka.errors import BrokerResponseError, IncompatibleBrokerVersion

        async with self._starting:
            if self._producer is None:
                try:
                    self._producer = await self._new_producer()
                except (BrokerResponseError, IncompatibleBrokerVersion):
                    if not self._idempotent:
                        raise
                    self._idempotent = False  # not allowed to this login, or unknown to the cluster
                    self._producer = await self._new_producer()
            return self._producer

    async def _new_producer(self) -> Any:
        from aiokafka import AIOKafkaProducer

        producer = AIOKafkaProducer(
            **self._cluster.options,
            acks="all",
            enable_idempotence=self._idempotent,
            max_request_size=_LARGEST_REQUEST,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    def _abandon(self, producer: Any) -> None:
        if self._producer is producer:
            self._producer = None
        task = asyncio.create_task(_stop_producer(producer))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    async def disarm(self, armed: Armed) -> None:
        """Stop reading; the cluster keeps nothing of a subscription."""
        tap = armed.handle
        if isinstance(tap, _Tap) and tap in self._taps:
            self._taps.discard(tap)
            await tap.stop()

    async def close(self) -> None:
        """Stop all consumers and the producer."""
        taps, self._taps = self._taps, set()
        if self._producer is not None:
            self._abandon(self._producer)
        await asyncio.gather(*(tap.stop() for tap in taps), *self._stopping, return_exceptions=True)
        if self._opened is not None:
            self._opened.close()


class _Tap(MutableRecord, kw_only=True, eq=False):
    """A consumer that reads one topic; `offsets` are the next ones to read."""

    consumer: Any
    topic: str
    sink: Sink
    max_message_size: int
    offsets: dict[int, int] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None

    async def start(self, partitions: frozenset[int], position: JsonValue | None) -> None:
        """Find the offsets to begin at and assign them."""
        from aiokafka import TopicPartition

        if position is None:
            ends = await self.consumer.end_offsets([TopicPartition(self.topic, each) for each in partitions])
            self.offsets = {partition.partition: offset for partition, offset in ends.items()}
        else:
            self.offsets = _offsets(position)
            await self._check()
            await self._add(partitions - self.offsets.keys())
        self._assign()

    async def read(self) -> None:
        """Put what comes into the sink, until cancelled or until the subscription is lost."""
        failure = await self._read()
        self.sink.lost(failure)

    async def stop(self) -> None:
        """End reading and close the consumer."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])
        await _stop_consumer(self.consumer)

    async def _read(self) -> BrokerFailure:
        try:
            while True:
                batch = await self.consumer.getmany(timeout_ms=_LOOK_FOR_PARTITIONS_MS)
                for record in (record for records in batch.values() for record in records):
                    if len(record.value or b"") > self.max_message_size:
                        return _too_large(record, self.max_message_size)
                    self.offsets[record.partition] = record.offset + 1
                    self.sink.put(_message(record), f"{self.topic}/{record.partition}/{record.offset}")
                await self._follow()
        except Exception as error:  # decoding foreign batches raises whatever it likes
            return _reading_failure(error, self.topic)

    async def _check(self) -> None:
        """Fail when what is at the offsets is not there any more."""
        from aiokafka import TopicPartition

        known = [TopicPartition(self.topic, partition) for partition in self.offsets]
        starts, ends = await self.consumer.beginning_offsets(known), await self.consumer.end_offsets(known)
        if any(not starts[each] <= self.offsets[each.partition] <= ends[each] for each in known):
            raise _gone(self.topic)

    async def _follow(self) -> None:
        """Read partitions too that were added meanwhile."""
        new = frozenset(self.consumer.partitions_for_topic(self.topic) or ()) - self.offsets.keys()
        if new:
            await self._add(new)
            self._assign()

    async def _add(self, partitions: frozenset[int]) -> None:
        from aiokafka import TopicPartition

        starts = await self.consumer.beginning_offsets([TopicPartition(self.topic, each) for each in partitions])
        self.offsets.update({partition.partition: offset for partition, offset in starts.items()})

    def _assign(self) -> None:
        from aiokafka import TopicPartition

        self.consumer.assign([TopicPartition(self.topic, partition) for partition in self.offsets])
        for partition, offset in self.offsets.items():
            self.consumer.seek(TopicPartition(self.topic, partition), offset)


async def _stop_consumer(consumer: Any) -> None:
    """Stop a consumer, and close its connections where aiokafka gives up half-way.

    It awaits tasks that it has cancelled, which raises CancelledError when they had not begun or cannot end.
    """
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait([stopping], timeout=_GRACE)
    if not stopping.done() or stopping.cancelled() or stopping.exception() is not None:
        stopping.cancel()
        with suppress(Exception):
            await consumer._client.close()


async def _stop_producer(producer: Any) -> None:
    """Stop a producer, which waits for what is not sent yet, but not longer than the grace."""
    with suppress(Exception):
        try:
            await asyncio.wait_for(producer.stop(), _GRACE)
        except TimeoutError:
            task = producer._sender.sender_task  # stop() has no way that does not wait for a broker
            if task is not None:
                task.cancel()
            await producer.client.close()


@contextmanager
def _failures(cluster: Cluster, *, sent: bool) -> Iterator[None]:
    """Raise BrokerFailure for what aiokafka raises; `sent`: whether a message may have been sent when it does."""
    try:
        yield
    except TimeoutError as error:
        raise cluster.timed_out(sent=sent) from error
    except (RuntimeError, OSError) as error:  # KafkaError is a RuntimeError
        raise _failure(error, cluster, sent=sent) from error


def _failure(error: Exception, cluster: Cluster, *, sent: bool) -> BrokerFailure:
    from aiokafka import errors

    place = cluster.place
    if isinstance(error, errors.MessageSizeTooLargeError | errors.RecordListTooLargeError):
        hint = "send a smaller one, or raise max.message.bytes of the topic"
        return BrokerFailure("too-large", "the message is larger than the broker takes", hint=hint)
    if isinstance(error, errors.TopicAuthorizationFailedError | errors.ClusterAuthorizationFailedError):
        return BrokerFailure("forbidden", f"{place} does not allow it to this login: {type(error).__name__}")
    if isinstance(error, errors.RequestTimedOutError | errors.KafkaTimeoutError):
        return cluster.timed_out(sent=sent)
    if isinstance(error, errors.BrokerResponseError):
        # After an error that may be tried again some replicas may have the message.
        return BrokerFailure("rejected", f"{place} answered {type(error).__name__}", sent=sent and error.retriable)
    return BrokerFailure("closed", f"the connection to {place} broke", sent=sent)


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
    return BrokerFailure("too-large", f"a message of {record.topic} has {size} bytes, {limit} are allowed")


def _binding(bindings: BindingsByPlace, place: Literal["channel", "message"], name: str) -> JsonValue:
    found = bindings.get(place)
    return found.get(name) if isinstance(found, Mapping) else None


def _topic(address: str, bindings: BindingsByPlace) -> str:
    described = _binding(bindings, "channel", "topic")
    return described if isinstance(described, str) and described else address


def _described_key(bindings: BindingsByPlace) -> bytes | None:
    schema = _binding(bindings, "message", "key")
    value = schema.get("const", schema.get("default")) if isinstance(schema, Mapping) else None
    return None if value is None or isinstance(value, Mapping | list) else str(value).encode()


def _headers(message: ChannelMessage) -> list[tuple[str, bytes]]:
    headers = [(name, value.encode()) for name, value in message.headers]
    if message.content_type is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", message.content_type.encode()))
    return headers


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
        content_type=next((value for name, value in headers if name.lower() == "content-type"), None),
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
