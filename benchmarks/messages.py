"""What a message costs on real brokers: over the bare client library, in the same run.

    python -m benchmarks.messages [mqtt] [nats] [redis] [kafka] [amqp]

- latency: from publishing, in another process, to the message in hand of one who waits for it: a blocking run, or a
  caller of the bare library on its event loop. In turns; the ratio is the median over rounds.
- passed over: foreign messages that a waiting step looks at, per second.
- memory: what 10,000 waiting messages of 1 KB take in a tap, per message.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

from arazzo_runner.engine.messages import (
    Broker,
    ChannelMessage,
    Correlation,
    Publish,
    Receive,
    Received,
    Settle,
    Subscribe,
    Subscribed,
)
from arazzo_runner.engine.run import drive
from arazzo_runner.runtime.brokers.driver import Login
from arazzo_runner.runtime.brokers.options import BrokerOptions
from arazzo_runner.runtime.brokers.taps import Tap, TapLimits
from arazzo_runner.runtime.brokers.world import Brokers
from arazzo_runner.runtime.http import BlockingWorld
from arazzo_runner.sources.channel import Place
from tests.brokers.servers import Mosquitto, Nats, RabbitMQ, Redis, Server, Tansu, running

ROUNDS = 21
MESSAGES = 60
MESSAGES_OF_KAFKA = 6  # the broker of the tests answers a waiting fetch five times a second only
FOREIGN = 5_000
LIMIT = 1.5
BODY = json.dumps({"orderId": "7", "pad": "x" * 200}).encode()
ID = Place(part="payload", pointer=("orderId",), text="$message.payload#/orderId")

Bare: TypeAlias = tuple[Callable[[str], Awaitable[object]], Callable[[], Awaitable[object]]]
"""Publishes a message to an address, and waits for one at its own address, with the bare library."""


async def bare_mqtt(server: Server, address: str, use: Callable[[Bare], Awaitable[None]]) -> None:
    """Use aiomqtt, with the version of the protocol that a run speaks."""
    import aiomqtt

    async with aiomqtt.Client("127.0.0.1", server.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe(address, qos=1)
        messages = aiter(client.messages)
        await use((lambda to: client.publish(to, BODY, qos=1), lambda: anext(messages)))


async def bare_nats(server: Server, address: str, use: Callable[[Bare], Awaitable[None]]) -> None:
    """Use nats-py."""
    import nats

    client = await nats.connect(server.url)
    subscription = await client.subscribe(address)
    await client.flush()

    await use((lambda to: client.publish(to, BODY), lambda: subscription.next_msg(timeout=5)))
    await client.close()


async def bare_redis(server: Server, address: str, use: Callable[[Bare], Awaitable[None]]) -> None:
    """Use redis."""
    from redis.asyncio import Redis as Client

    client = Client.from_url(server.url)
    listener = client.pubsub(ignore_subscribe_messages=True)
    await listener.subscribe(address)
    await listener.get_message(timeout=5)

    await use((lambda to: client.publish(to, BODY), lambda: listener.get_message(timeout=5)))
    await listener.aclose()  # type: ignore[no-untyped-call]
    await client.aclose()


async def bare_kafka(server: Server, address: str, use: Callable[[Bare], Awaitable[None]]) -> None:
    """Use aiokafka."""
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
    from aiokafka.structs import TopicPartition

    place = server.url.partition("://")[2]
    consumer = AIOKafkaConsumer(bootstrap_servers=place, enable_auto_commit=False)
    producer = AIOKafkaProducer(bootstrap_servers=place, acks="all")
    await consumer.start()
    await producer.start()
    consumer.assign([TopicPartition(address, 0)])
    await consumer.seek_to_end()
    await consumer.position(TopicPartition(address, 0))

    await use((lambda to: producer.send_and_wait(to, BODY), consumer.getone))
    await producer.stop()
    await consumer.stop()


async def bare_amqp(server: Server, address: str, use: Callable[[Bare], Awaitable[None]]) -> None:
    """Use aio-pika."""
    import aio_pika

    connection = await aio_pika.connect(
        host="127.0.0.1", port=server.port, login=server.username or "", password=server.password or ""
    )
    channel = await connection.channel()
    queue = await channel.declare_queue(exclusive=True)
    exchange = await channel.get_exchange("amq.topic")
    await queue.bind(exchange, address)
    came: asyncio.Queue[Any] = asyncio.Queue()
    await queue.consume(came.put, no_ack=True)

    await use((lambda to: exchange.publish(aio_pika.Message(BODY), to), came.get))
    await connection.close()


KINDS: dict[str, tuple[type[Server], Any, str, dict[str, Any]]] = {
    "mqtt": (Mosquitto, bare_mqtt, "bench/ours", {}),
    "nats": (Nats, bare_nats, "bench.ours", {}),
    "redis": (Redis, bare_redis, "bench-ours", {}),
    "kafka": (Tansu, bare_kafka, "bench-ours", {}),
    "amqp": (RabbitMQ, bare_amqp, "bench.ours", {"channel": {"exchange": {"name": "amq.topic", "type": "topic"}}}),
}


class Ours:
    """The World of a blocking run, subscribed to one address."""

    def __init__(self, world: Any, broker: Broker, address: str, bindings: Any) -> None:
        self._world = world
        self._broker = broker
        self._address = address
        self._bindings = bindings
        self._number = itertools.count(1)
        self.moment = 0.0
        arm = Subscribe(key="arm/tap", broker=broker, address=address, tap="tap", bindings=bindings)
        answer = self._ask(arm)
        assert isinstance(answer, Subscribed), answer

    def _ask(self, effect: Any) -> Any:
        return drive(self._world.perform(effect))

    def send(self, body: bytes = BODY) -> None:
        """Publish one message."""
        message = ChannelMessage(address=self._address, payload=body)
        effect = Publish(
            key=f"send#{next(self._number)}",
            safe=False,
            broker=self._broker,
            message=message,
            timeout=30.0,
            bindings=self._bindings,
        )
        self._ask(effect)

    def receive(self, correlation: Correlation | None = None) -> Received:
        """Wait for a message and take it."""
        effect = Receive(key=f"receive#{next(self._number)}/m1", tap="tap", timeout=60.0, correlation=correlation)
        found = self._ask(effect)
        self.moment = time.perf_counter()
        assert isinstance(found, Received), found
        self._ask(Settle(key="settle", tap="tap", token=found.token))
        return found


class Compared(NamedTuple):
    """Seconds of latency of the bare library and of ours, and the ratio."""

    bare: float
    ours: float
    ratio: float


def measured(name: str, folder: Path) -> float:
    """Print the figures of one protocol; return the ratio of its latencies."""
    kind, bare, address, bindings = KINDS[name]
    with running(kind(folder)) as server:
        if isinstance(server, Tansu):
            asyncio.run(make_topics(server))
        broker = Broker(source="bench", server="", protocol=name, url=server.url)
        options = BrokerOptions(login=lambda _: Login(username=server.username, password=server.password))
        with Brokers(options) as brokers, BlockingWorld() as world:
            ours = Ours(brokers.around(world), broker, address, bindings)
            number = MESSAGES_OF_KAFKA if name == "kafka" else MESSAGES
            found = asyncio.run(compared(bare, server, ours, address, number))
            for _ in range(FOREIGN):
                ours.send(b'{"orderId": "other"}')
            ours.send()
            began = time.perf_counter()
            passed_over = ours.receive(Correlation(places=(ID,), value="7")).passed_over
            rate = passed_over / (time.perf_counter() - began)
    print(
        f"{name:6} latency {found.ours * 1e6:6.0f} µs, bare {found.bare * 1e6:6.0f} µs, ratio {found.ratio:.2f}; "
        f"{passed_over} passed over, {rate:,.0f} per second"
    )
    return found.ratio


async def compared(bare: Any, server: Server, ours: Ours, address: str, number: int) -> Compared:
    """Return the latencies of both in each round."""
    rounds: list[tuple[float, float]] = []
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=publish_from, args=(there, bare, asked(server)))
    process.start()

    async def use(client: Bare) -> None:
        for _ in range(ROUNDS + 1):
            bare_one = await bare_latency(client, here, own, number)
            rounds.append((bare_one, our_latency(ours, here, address, number)))

    own = of_role(address, "bare")
    await bare(server, own, use)
    here.send(None)
    process.join()
    taken = rounds[1:]  # the first one warms up
    one, other = (statistics.median(each) for each in zip(*taken, strict=True))
    return Compared(one, other, statistics.median(each[1] / each[0] for each in taken))


def of_role(address: str, role: str) -> str:
    """Return the address of the bare library, or of the process that publishes."""
    return address.replace("ours", role)


def asked(server: Server) -> SimpleNamespace:
    """Return what another process needs of a server."""
    login = {"username": server.username, "password": server.password}
    return SimpleNamespace(port=server.port, url=server.url, **login)


def publish_from(commands: Connection, bare: Any, server: Any) -> None:
    """Publish a message to each address that is read, until None, and answer when it was begun."""

    async def use(client: Bare) -> None:
        publish, _ = client
        while (address := await asyncio.to_thread(commands.recv)) is not None:
            await asyncio.sleep(0.002)  # until the other one waits
            began = time.perf_counter()
            await publish(address)
            commands.send(began)

    first = next(address for _, kind, address, _ in KINDS.values() if kind is bare)
    asyncio.run(bare(server, of_role(first, "publisher"), use))


async def bare_latency(client: Bare, publisher: Connection, address: str, number: int) -> float:
    """Return the median of the seconds until a message is there for one who waits on the event loop."""
    _, receive = client
    taken = []
    for _ in range(number):
        publisher.send(address)
        await receive()
        moment = time.perf_counter()
        taken.append(moment - float(publisher.recv()))
    return statistics.median(taken)


def our_latency(ours: Ours, publisher: Connection, address: str, number: int) -> float:
    """Return the same for a blocking run."""
    taken = []
    for _ in range(number):
        publisher.send(address)
        ours.receive()
        taken.append(ours.moment - float(publisher.recv()))
    return statistics.median(taken)


async def make_topics(server: Server) -> None:
    """Make the topics of Kafka's protocol, which nobody makes by sending."""
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=server.url.partition("://")[2])
    await admin.start()
    await admin.create_topics([NewTopic(each, 1, 1) for each in ("bench-bare", "bench-ours", "bench-publisher")])
    await admin.close()


def memory() -> float:
    """Return the bytes that a waiting message of 1 KB takes in a full tap."""
    tap = Tap(TapLimits())
    tracemalloc.start()
    for number in range(10_000):
        tap.put(ChannelMessage(address="bench", payload=number.to_bytes(4) * 250, headers=(("id", str(number)),)))
    taken = tracemalloc.get_traced_memory()[0]
    tap.put(ChannelMessage(address="bench", payload=b"one more"))
    assert tap.failure is not None
    return taken / 10_000


def main() -> int:
    """Measure; return 1 if a latency is more than LIMIT times the bare library's."""
    names = sys.argv[1:] or list(KINDS)
    print(f"memory: {memory():,.0f} bytes a waiting message of 1,000 bytes; the tap ends at 10,000 of them")
    with tempfile.TemporaryDirectory() as folder:
        ratios = []
        for name in names:
            place = Path(folder) / name
            place.mkdir()
            ratios.append(measured(name, place))
    return int(max(ratios) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
