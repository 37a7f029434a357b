"""The driver of Kafka, by aiokafka.

- A subscription reads all partitions of a topic from their ends at that moment, without a group and without
  commits: nothing that is published later is missed, and nobody else notices. Its position is the offset of each
  partition, so that a durable run goes on where it began. Partitions that are added later are read from their start.
  Messages of transactions are read when they are committed.
- Topics are looked up before they are used; one that is not there is a failure and never created.
- A message is sent with acks=all, and by an idempotent producer where the cluster allows one.
- The content type is the header `content-type`; header values are text in UTF-8.
- The channel binding `topic` is the topic's name when the channel's address is another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.messages import BindingsByPlace, ChannelMessage, Published
from arazzo_runner.runtime.brokers.driver import Armed, BrokerFailure, Connection, Driver, Sink
from arazzo_runner.runtime.brokers.kafka_cluster import Cluster
from arazzo_runner.runtime.brokers.kafka_reading import GRACE, KafkaTap
from arazzo_runner.runtime.brokers.message_parts import headers_with_type

_LARGEST_REQUEST: Final = 100_000_000  # the broker decides: its socket.request.max.bytes is slightly more
_SHARE: Final = 0.95  # of the time to connect: who opens a driver can say less about what took so long
_NO_INBOX: Final = "Kafka has no addresses for the replies to one run alone"
_NAME_A_TOPIC: Final = "give the reply a channel whose address is a topic that exists"


class KafkaDriver(Driver):
    """A cluster as one user: a producer for all messages, a consumer for each subscription."""

    protocols: ClassVar[frozenset[str]] = frozenset({"kafka", "kafka-secure"})
    extra: ClassVar[str | None] = "kafka"
    module: ClassVar[str | None] = "aiokafka"
    reconnects: ClassVar[bool] = True

    def __init__(self) -> None:
        self._opened: Cluster | None = None
        self._max_message_size = 0
        self._taps: set[KafkaTap] = set()
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
        headers: Headers = (),
    ) -> Armed:
        """Read a topic from its end, or from a position; return when the offsets to begin at are known."""
        if inbox:
            raise BrokerFailure("rejected", _NO_INBOX, hint=_NAME_A_TOPIC)
        topic = _topic(address, bindings)
        with _failures(self._cluster, sent=False):
            async with asyncio.timeout(self._cluster.timeout):
                partitions = await self._cluster.partitions(topic)
                tap = KafkaTap(topic, sink, self._max_message_size)
                begins = await tap.start(self._cluster.options, partitions, position)
        self._taps.add(tap)
        return Armed(address=address, handle=tap, position=begins, lossy=False)

    async def publish(self, message: ChannelMessage, bindings: BindingsByPlace) -> Published:
        """Send a message; return when all replicas that the topic asks for have it."""
        topic = _topic(message.address, bindings)
        with _failures(self._cluster, sent=False):
            await self._cluster.partitions(topic)
            producer = await self._started_producer()
        try:
            with _failures(self._cluster, sent=True):
                record = await producer.send_and_wait(
                    topic, message.payload, key=message.key, headers=_headers(message)
                )
        except BaseException:
            # Its state is unknown, or it still tries to send: the next message has another one.
            self._abandon(producer)
            raise
        return Published(position={"partition": record.partition, "offset": record.offset})

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
        if isinstance(tap, KafkaTap) and tap in self._taps:
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


async def _stop_producer(producer: Any) -> None:
    """Stop a producer, which waits for what is not sent yet, but not longer than the grace."""
    with suppress(Exception):
        try:
            await asyncio.wait_for(producer.stop(), GRACE)
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


def _topic(address: str, bindings: BindingsByPlace) -> str:
    described = bindings.get("channel", {}).get("topic")
    return described if isinstance(described, str) and described else address


def _headers(message: ChannelMessage) -> list[tuple[str, bytes]]:
    return [(name, value.encode()) for name, value in headers_with_type(message)]
