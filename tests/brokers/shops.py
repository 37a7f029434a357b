"""A shop on each broker: an application of its own, with the bare library of the protocol, in a thread of its own.

It confirms each order three times: with the id of somebody else first, then as asked, then once more.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from arazzo_runner.base.json_values import JsonValue
from tests.brokers.raw_http import Asked, answering
from tests.brokers.servers import PASSWORD, USER, RabbitMQ, Server

PATIENCE = 20.0
EXCHANGE = "amq.topic"
_NUMBERS = itertools.count()
_MANY = 100
"""So many messages are sent without waiting for each."""


@dataclass
class Message:
    """What an application sends or gets: a header `requestId` stands in the payload too."""

    payload: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Answers = Callable[[Message], list[Message]]
Talk = Callable[["Shop"], Coroutine[Any, Any, None]]


def confirmation(order: str, number: int, status: str = "accepted") -> Message:
    """Return the confirmation of an order."""
    body = {"order": order, "status": status, "number": number, "region": "eu"}
    return Message(json.dumps(body).encode(), {"requestId": order, "region": "eu"})


def confirmations(placed: Message) -> list[Message]:
    """Return those of an order: a foreign one, the right one, and a duplicate."""
    order = json.loads(placed.payload)["order"]
    return [confirmation("somebody-else", 1), confirmation(order, 2), confirmation(order, 3)]


class Shop:
    """The application: `seen` are the orders that it got; `answers` says how it answers, `None` for not at all."""

    def __init__(self, talk: Talk, places: tuple[str, str], answers: Answers | None = confirmations) -> None:
        self.place, self.confirmed = places
        self.answers = answers
        self.seen: list[Message] = []
        self.url = ""
        self._answered = 0
        self.problem: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._changed = threading.Condition()
        self._ended = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
        self._thread = threading.Thread(target=self._run, args=(talk,), daemon=True)

    def start(self) -> None:
        """Begin to talk; return when the broker has its subscription."""
        self._thread.start()
        assert self._ready.wait(PATIENCE), "the shop did not open in time"
        if self.problem is not None:
            raise self.problem

    def close(self) -> None:
        """End its connection."""
        if not self._loop.is_closed():
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(PATIENCE)

    def hold(self) -> None:
        """Answer later."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def go_on(self) -> None:
        """Answer again, first what was held."""
        self._loop.call_soon_threadsafe(self._open.set)

    def wait_for(self, number: int) -> None:
        """Return when so many orders have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.seen) >= number, PATIENCE), f"{len(self.seen)} orders came"

    def wait_until_answered(self) -> None:
        """Return when all orders so far are answered."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._answered == len(self.seen), PATIENCE), "it does not answer"

    # For those that talk.

    def ready(self) -> None:
        """Say that the subscription is there."""
        self._ready.set()

    async def ended(self) -> None:
        """Wait for the end."""
        await self._ended.wait()

    async def until_closed(self) -> None:
        """Say that the subscription is there, and wait for the end."""
        self.ready()
        await self.ended()

    async def got(
        self, message: Message, send: Callable[[Message], Awaitable[object]], *, one_by_one: bool = False
    ) -> None:
        """Take an order and answer it; `one_by_one` where messages sent at once would change their order."""
        with self._changed:
            self.seen.append(message)
            self._changed.notify_all()
        if self.answers is None:
            return
        await self._open.wait()
        answers = self.answers(message)
        at_once = _MANY if len(answers) > _MANY and not one_by_one else 1
        for start in range(0, len(answers), at_once):
            await asyncio.gather(*(send(each) for each in answers[start : start + at_once]))
        with self._changed:
            self._answered += 1
            self._changed.notify_all()

    def _run(self, talk: Talk) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._until_ended(talk))
            except BaseException as problem:  # told by start, or the broker was killed by the test
                self.problem = problem
                self._ready.set()

    async def _until_ended(self, talk: Talk) -> None:
        talking, ended = asyncio.ensure_future(talk(self)), asyncio.ensure_future(self._ended.wait())
        await asyncio.wait([talking, ended], return_when=asyncio.FIRST_COMPLETED)
        if not talking.done():
            await asyncio.wait([talking], timeout=5)
            talking.cancel()
        ended.cancel()
        await talking


def new_places(separator: str) -> tuple[str, str]:
    """Return two addresses that no other test has."""
    number = next(_NUMBERS)
    return f"shop{separator}place-{number}", f"shop{separator}confirmed-{number}"


@contextmanager
def opened(talk: Talk, places: tuple[str, str], answers: Answers | None = confirmations) -> Iterator[Shop]:
    """Keep a shop open during the block."""
    shop = Shop(talk, places, answers)
    shop.start()
    try:
        yield shop
    finally:
        shop.close()


# ------------------------------------------------------------------ the protocols


def mqtt(server: Server, version: str) -> Talk:
    """Return the talk over MQTT; 3.1.1 has no headers."""

    async def talk(shop: Shop) -> None:
        import aiomqtt
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        is_new = version == "5"

        async def send(client: aiomqtt.Client, message: Message) -> None:
            properties = Properties(PacketTypes.PUBLISH) if is_new else None
            if properties is not None:
                properties.UserProperty = list(message.headers.items())
            await client.publish(shop.confirmed, message.payload, qos=1, properties=properties)

        async def take(client: aiomqtt.Client) -> None:
            async for each in client.messages:
                assert isinstance(each.payload, bytes)
                found = dict(getattr(each.properties, "UserProperty", ())) if is_new else {}
                await shop.got(Message(each.payload, found), partial(send, client))

        client = aiomqtt.Client(
            "127.0.0.1",
            server.port,
            username=server.username,
            password=server.password,
            protocol=aiomqtt.ProtocolVersion.V5 if is_new else aiomqtt.ProtocolVersion.V311,
            tls_context=server.client_tls,
        )
        async with client:
            await client.subscribe(shop.place, qos=1)
            await _beside(shop, take(client))

    return talk


def nats(server: Server, *, is_stream: bool = False) -> Talk:
    """Return the talk over NATS; with a stream of JetStream confirmations are kept, and so are orders."""

    async def talk(shop: Shop) -> None:
        import nats as library

        async def send(message: Message) -> None:
            if is_stream:
                await client.jetstream().publish(shop.confirmed, message.payload, headers=dict(message.headers))
            else:
                await client.publish(shop.confirmed, message.payload, headers=dict(message.headers))

        async def take(message: Any) -> None:
            await shop.got(Message(message.data, message.headers or {}), send)
            await client.flush()

        secured: dict[str, Any] = {"tls": server.client_tls} if server.tls else {}
        client = await library.connect(server.url, user=server.username, password=server.password, **secured)
        try:
            if is_stream:
                name = shop.place.replace(".", "-")
                await client.jetstream().add_stream(name=name, subjects=[shop.place, shop.confirmed])
            await client.subscribe(shop.place, cb=take)
            await client.flush()
            await shop.until_closed()
        finally:
            await client.close()

    return talk


def redis(server: Server, *, is_stream: bool = False) -> Talk:
    """Return the talk over Redis: pub/sub, or streams, whose entries have headers as fields."""

    async def talk(shop: Shop) -> None:
        from redis.asyncio import Redis

        async def publish(message: Message) -> None:
            await client.publish(shop.confirmed, message.payload)

        async def add(message: Message) -> None:
            fields: dict[Any, Any] = {"payload": message.payload, **message.headers}
            await client.xadd(shop.confirmed, fields)

        async def take() -> None:
            async with client.pubsub() as listening:
                await listening.subscribe(shop.place)
                await listening.get_message(timeout=PATIENCE)
                shop.ready()
                async for each in listening.listen():
                    if each["type"] == "message":
                        await shop.got(Message(each["data"]), publish, one_by_one=True)

        async def read() -> None:
            last: Any = "0"
            shop.ready()
            while True:
                found: Any = await client.xread({shop.place: last}, block=200)
                for _, entries in found or ():
                    for key, fields in entries:
                        last = key
                        texts = {name.decode(): value.decode() for name, value in fields.items()}
                        await shop.got(Message(texts.pop("payload").encode(), texts), add, one_by_one=True)

        client = Redis(port=server.port, username=server.username, password=server.password)
        try:
            await _beside(shop, read() if is_stream else take(), is_ready=False)
        finally:
            await client.aclose()

    return talk


def amqp(server: RabbitMQ, *, tls: bool = False) -> Talk:
    """Return the talk over AMQP 0-9-1."""

    async def talk(shop: Shop) -> None:
        import aio_pika

        secured: dict[str, Any] = {"ssl": True, "ssl_context": server.client_tls} if tls else {}
        connection = await aio_pika.connect(
            host="127.0.0.1",
            port=server.tls_port if tls else server.port,
            login=USER,
            password=PASSWORD,
            **secured,
        )
        async with connection:
            channel = await connection.channel(publisher_confirms=False)
            exchange = await channel.get_exchange(EXCHANGE)
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(exchange, shop.place)

            async def send(message: Message) -> None:
                headers: Any = dict(message.headers)
                sent = aio_pika.Message(message.payload, headers=headers, content_type="application/json")
                await exchange.publish(sent, shop.confirmed, mandatory=False)

            async def take(message: Any) -> None:
                headers = {name: str(value) for name, value in message.headers.items()}
                await shop.got(Message(message.body, headers), send)

            await queue.consume(take, no_ack=True)
            await shop.until_closed()

    return talk


def kafka(server: Server) -> Talk:
    """Return the talk over Kafka's protocol; it makes both topics."""

    async def talk(shop: Shop) -> None:
        from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
        from aiokafka.admin import AIOKafkaAdminClient, NewTopic

        where = f"127.0.0.1:{server.port}"
        admin = AIOKafkaAdminClient(bootstrap_servers=where)
        await admin.start()
        await admin.create_topics([NewTopic(shop.place, 1, 1), NewTopic(shop.confirmed, 1, 1)])
        await admin.close()
        consumer = AIOKafkaConsumer(shop.place, bootstrap_servers=where, auto_offset_reset="earliest")
        producer = AIOKafkaProducer(bootstrap_servers=where)

        async def send(message: Message) -> None:
            headers = [(name, value.encode()) for name, value in message.headers.items()]
            await producer.send(shop.confirmed, message.payload, headers=headers)

        async def take() -> None:
            async for each in consumer:
                await shop.got(Message(each.value, {name: value.decode() for name, value in each.headers}), send)

        async with consumer, producer:
            await _beside(shop, take())

    return talk


def websocket() -> Talk:
    """Return the talk over WebSocket: the shop is the server, and answers on the connection that an order came on."""

    async def talk(shop: Shop) -> None:
        from websockets.asyncio.server import ServerConnection, serve
        from websockets.exceptions import ConnectionClosed

        async def handle(socket: ServerConnection) -> None:
            async def send(message: Message) -> None:
                with suppress(ConnectionClosed):  # nobody listens any more
                    await socket.send(message.payload.decode())

            async for frame in socket:
                await shop.got(Message(_bytes(frame)), send)

        async with serve(handle, "127.0.0.1", 0, close_timeout=0.2) as server:
            shop.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            await shop.until_closed()

    return talk


def events() -> Talk:
    """Return the talk over HTTP: orders are posted, confirmations are an event stream."""

    async def talk(shop: Shop) -> None:
        listening: list[Asked] = []

        async def send(message: Message) -> None:
            for each in listening:
                with suppress(OSError):  # it listens no more
                    await each.write(b"data: " + message.payload + b"\n\n")

        async def answer(asked: Asked) -> None:
            if asked.method == "GET":
                await asked.head()
                listening.append(asked)
                await asyncio.Event().wait()
            else:
                await asked.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await shop.got(Message(asked.body, asked.headers), send)

        async with answering(answer) as served:
            shop.url = served.url
            await shop.until_closed()

    return talk


def _bytes(frame: JsonValue | bytes) -> bytes:
    return frame if isinstance(frame, bytes) else str(frame).encode()


async def _beside(shop: Shop, work: Coroutine[Any, Any, None], *, is_ready: bool = True) -> None:
    """Do something until the shop is closed."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait(
            [task, asyncio.ensure_future(shop.until_closed() if is_ready else shop.ended())],
            return_when=asyncio.FIRST_COMPLETED,
        )
        if task.done():
            task.result()
    finally:
        task.cancel()
        with suppress(BaseException):
            await task
