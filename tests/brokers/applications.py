"""The other ends of the examples in specs/: applications that answer, each with the bare library of its protocol.

Each is a context manager, in whose block the application answers, and gives the server that the example is to call.
"""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import Any

from tests.brokers.servers import PASSWORD, USER, Mosquitto, Nats, RabbitMQ, Tansu
from tests.loopback import Reply, Request, json_reply, serving

Found = dict[str, Any]
"""What an application took from the last message of each name, for the test to look at."""


@contextmanager
def on_a_loop(application: Callable[[], AbstractAsyncContextManager[Any]]) -> Iterator[Any]:
    """Run an asynchronous application in a thread of its own during the block."""
    loop, ready, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    given: list[Any] = []

    async def run() -> None:
        async with application() as value:
            given.append(value)
            ready.set()
            await ended.wait()

    def work() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            try:
                runner.run(run())
            finally:
                ready.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(30)
    assert given, "the application did not start"
    try:
        yield given[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(30)


@asynccontextmanager
async def task(work: Any) -> AsyncIterator[None]:
    """Do some work beside the block, until it ends."""
    doing = asyncio.ensure_future(work)
    try:
        yield
    finally:
        doing.cancel()
        with suppress(asyncio.CancelledError):
            await doing


@contextmanager
def greenhouse(broker: Mosquitto) -> Iterator[dict[str, str]]:
    """Takes orders for water over HTTP, and publishes by MQTT before it has even answered."""
    from paho.mqtt import publish

    def answer(request: Request) -> Reply:
        bed, litres = request.target.split("/")[2], request.json["litres"]
        for job in ("j-1", "j-2"):  # somebody else's first
            text = json.dumps({"job": job, "state": "done", "litres": litres})
            publish.single(f"beds/{bed}/watered", text, qos=1, hostname="127.0.0.1", port=broker.port)
        return json_reply({"job": "j-2"}, 202)

    with serving(answer) as served:
        yield {"greenhouse": served.url, "valves": broker.url}


@contextmanager
def freight_office(broker: Nats) -> Iterator[dict[str, str]]:
    """Responds to questions."""

    @asynccontextmanager
    async def office() -> AsyncIterator[dict[str, str]]:
        import nats

        client = await nats.connect(broker.url)

        async def respond(message: Any) -> None:
            assert message.headers["replyTo"] == message.reply
            price = json.loads(message.data)["kilograms"] * 2
            await message.respond(json.dumps({"quote": "q-1", "price": price, "days": 3}).encode())

        await client.subscribe("freight.quotes", cb=respond)
        await client.flush()
        try:
            yield {"freight": broker.url}
        finally:
            await client.close()

    with on_a_loop(office) as servers:
        yield servers


@contextmanager
def rental(broker: Tansu, found: Found) -> Iterator[dict[str, str]]:
    """Two services answer a booking, the bicycle first; a third one takes the handover."""
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    at = f"127.0.0.1:{broker.port}"
    topics = [f"rental.{name}" for name in ("bookings", "payments", "bicycles", "handovers")]

    @asynccontextmanager
    async def services() -> AsyncIterator[dict[str, str]]:
        admin = AIOKafkaAdminClient(bootstrap_servers=at)
        await admin.start()
        await admin.create_topics([NewTopic(name, 1, 1) for name in topics])
        await admin.close()
        async with (
            AIOKafkaProducer(bootstrap_servers=at) as producer,
            AIOKafkaConsumer("rental.bookings", "rental.handovers", bootstrap_servers=at) as consumer,
        ):
            await consumer.seek_to_end()
            async with task(serve(consumer, producer)):
                yield {"rental": broker.url}

    async def serve(consumer: Any, producer: Any) -> None:
        async for record in consumer:
            found[record.topic] = record
            if record.topic == "rental.bookings":
                for booking in (b"another", dict(record.headers)["booking"]):
                    headers = [("booking", booking)]
                    await producer.send_and_wait("rental.bicycles", b'{"bicycle": "red-14"}', headers=headers)
                    await producer.send_and_wait("rental.payments", b'{"amount": 64}', headers=headers)

    with on_a_loop(services) as servers:
        yield servers


@contextmanager
def auction_room(_: object = None) -> Iterator[dict[str, str]]:
    """A WebSocket server that speaks first, and tells everybody about each bid."""
    from websockets.asyncio.server import ServerConnection, serve

    async def handle(socket: ServerConnection) -> None:
        await socket.send(json.dumps({"event": "price", "amount": 150}))
        async for frame in socket:
            bid = json.loads(frame)
            for bidder in ("bob", bid["bidder"]):
                await socket.send(json.dumps({"event": "verdict", "bidder": bidder, "accepted": bidder != "bob"}))

    @asynccontextmanager
    async def room() -> AsyncIterator[dict[str, str]]:
        async with serve(handle, "127.0.0.1", 0, close_timeout=0.2) as server:
            yield {"auction": f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"}

    with on_a_loop(room) as servers:
        yield servers


@contextmanager
def translation_office(_: object = None) -> Iterator[dict[str, str]]:
    """Takes an order, and posts the result to the URL in it before it answers."""

    def answer(request: Request) -> Reply:
        order = request.json
        body = json.dumps({"reference": order["reference"], "text": order["text"].upper()}).encode()
        posted = urllib.request.Request(order["callbackUrl"], body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(posted, timeout=10) as response:
            assert response.status == 204
        return Reply(202)

    with serving(answer) as served:
        yield {"translations": served.url}


@contextmanager
def sorting_centre(broker: RabbitMQ) -> Iterator[dict[str, str]]:
    """Reports each scanned parcel at the same exchange."""
    import aio_pika

    async def sort(queue: Any, exchange: Any) -> None:
        async with queue.iterator() as scanned:
            async for message in scanned:
                async with message.process():
                    number = json.loads(message.body)["number"]
                    report = aio_pika.Message(json.dumps({"number": number, "lane": 8}).encode())
                    await exchange.publish(report, f"parcel.{number}.sorted")

    @asynccontextmanager
    async def centre() -> AsyncIterator[dict[str, str]]:
        made = await aio_pika.connect(host="127.0.0.1", port=broker.port, login=USER, password=PASSWORD)
        async with made, made.channel() as channel:
            exchange = await channel.declare_exchange("sorting", "topic", durable=True)
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(exchange, "parcel.scanned")
            async with task(sort(queue, exchange)):
                yield {"sorting": broker.url}
            await exchange.delete()

    with on_a_loop(centre) as servers:
        yield servers
