"""The AMQP driver on RabbitMQ."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from contextlib import asynccontextmanager

import pytest

from arazzo_runner.base.records import replace
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.amqp import AmqpDriver
from arazzo_runner.runtime.brokers.driver import Login
from arazzo_runner.runtime.brokers.options import BrokerOptions
from tests.brokers.drivers import Collected, connection, dies_and_goes_on, failure_of, opened, run, until
from tests.brokers.relay import relaying
from tests.brokers.scenario import (
    Wire,
    armed_first_and_correlated,
    before_arming,
    broker_at,
    killed,
    refused,
    replies,
    scenes,
    untrusted,
    with_login,
    wrong_login,
)
from tests.brokers.servers import PASSWORD, USER, RabbitMQ, free_port

TOPIC = {"channel": {"is": "routingKey", "exchange": {"name": "amq.topic", "type": "topic"}}}


def key(name: str = "orders") -> str:
    """Return a routing key that no other test uses."""
    return f"{name}.{uuid.uuid4().hex}"


def message(address: str, payload: bytes = b"{}", **others) -> ChannelMessage:
    return ChannelMessage(address=address, payload=payload, **others)


@asynccontextmanager
async def library(server: RabbitMQ):
    """A channel of the bare library, for what a driver never does: making queues and exchanges."""
    import aio_pika

    made = await aio_pika.connect(host="127.0.0.1", port=server.port, login=USER, password=PASSWORD)
    async with made:
        yield await made.channel()


@asynccontextmanager
async def queue(server: RabbitMQ):
    """A queue of somebody else."""
    async with library(server) as channel:
        name = "queue-" + uuid.uuid4().hex
        made = await channel.declare_queue(name)
        try:
            yield made
        finally:
            await channel.queue_delete(name)


# Scenes.


def wire_to(server: RabbitMQ, url: str | None = None, **options) -> Wire:
    """Return a broker as the scenes want it, with an exchange that is there from the beginning."""
    return Wire(
        broker=broker_at(url or server.url),
        options=BrokerOptions(
            login=lambda broker: Login(username=USER, password=PASSWORD),
            tls=lambda broker: server.client_tls if broker.protocol == "amqps" else None,
            **options,
        ),
        address=lambda name: f"{name}.{uuid.uuid4().hex}",
        bindings=TOPIC,
        wildcard="{}.*".format,
        many=1000,  # each is confirmed before the next is sent
    )


@pytest.mark.parametrize("scene", scenes())
def test_scene(rabbitmq, scene):
    scene(wire_to(rabbitmq))


@pytest.mark.parametrize("scene", [armed_first_and_correlated, replies])
def test_scene_with_tls(rabbitmq, scene):
    scene(wire_to(rabbitmq, rabbitmq.tls_url))


@pytest.mark.parametrize("scene", [armed_first_and_correlated, before_arming])
def test_scene_on_a_named_queue(rabbitmq, scene):
    """The queue is somebody else's, at the default exchange."""
    made = []

    def address(name: str) -> str:
        async def make() -> None:
            async with library(rabbitmq) as channel:
                made.append((await channel.declare_queue(f"{name}-{uuid.uuid4().hex}", durable=True)).name)

        run(make())
        return str(made[-1])

    async def clean() -> None:
        async with library(rabbitmq) as channel:
            for name in made:
                await channel.queue_delete(name)

    try:
        scene(replace(wire_to(rabbitmq), address=address, bindings={}, wildcard=None))
    finally:
        run(clean())


def test_brokers_that_do_not_serve(rabbitmq, start_broker):
    wire = wire_to(rabbitmq)
    wrong_login(replace(wire, options=with_login(wire.options, USER, "secret-but-wrong")), "secret-but-wrong")
    secured = wire_to(rabbitmq, rabbitmq.tls_url)
    untrusted(replace(secured, options=replace(secured.options, tls=lambda broker: ssl.create_default_context())))
    refused(wire_to(rabbitmq, f"amqp://127.0.0.1:{free_port()}"))


def test_a_broker_that_wants_a_certificate_of_the_client_and_is_killed(start_broker):
    server = start_broker(RabbitMQ, mutual=True)
    armed_first_and_correlated(wire_to(server, server.tls_url))
    failure = opening(connection(server, url=server.tls_url, tls=server.authority.client_context(), timeout=5.0))
    assert failure.reason in {"tls", "closed"}  # the broker may be gone before its alert is read
    assert "certificate" in f"{failure.message} {failure.hint}"
    killed(wire_to(server), server.kill)


# What the protocol has.


def test_properties_and_headers_go_there_and_come_back(rabbitmq):
    async def talk():
        sink, address = Collected(), key()
        bindings = TOPIC | {
            "operation": {"priority": 3, "timestamp": True, "expiration": 60_000, "userId": USER},
            "message": {"messageType": "order.created", "contentEncoding": "utf-8"},
        }
        async with opened(AmqpDriver, connection(rabbitmq)) as driver:
            armed = await driver.arm(address, TOPIC, None, sink, name="tap")
            native = {"correlation_id": "c-1", "reply_to": "inbox", "message_id": "m-1"}
            sent = message(
                address, b"1", headers=(("x", "1"), ("X-More", "ä")), content_type="text/plain", native=native
            )
            await driver.publish(sent, bindings)
            (came,) = await sink.wait(1)
        return armed, came, sink.tokens

    armed, came, tokens = run(talk())
    assert armed.lossy
    assert dict(came.headers) == {"x": "1", "X-More": "ä"}
    assert came.content_type == "text/plain"
    assert tokens == ["id:m-1"]
    expected = {
        "correlation_id": "c-1", "reply_to": "inbox", "message_id": "m-1", "type": "order.created",
        "content_encoding": "utf-8", "user_id": USER, "priority": 3, "exchange": "amq.topic",
    }  # fmt: skip
    assert {name: came.native.get(name) for name in expected} == expected
    assert came.native["timestamp"]


def test_numbers_and_truth_values_of_headers_come_as_the_text_of_their_json(rabbitmq):
    import aio_pika

    async def talk():
        sink, address = Collected(), key()
        async with opened(AmqpDriver, connection(rabbitmq)) as driver, library(rabbitmq) as channel:
            await driver.arm(address, TOPIC, None, sink, name="tap")
            headers = {
                "n": 42,
                "f": 1.5,
                "yes": True,
                "none": None,
                "list": [1, "a"],
                "inside": {"a": False},
            }
            exchange = await channel.get_exchange("amq.topic")
            await exchange.publish(aio_pika.Message(b"{}", headers=headers), address)
            (came,) = await sink.wait(1)
        return dict(came.headers)

    assert run(talk()) == {
        "n": "42", "f": "1.5", "yes": "true", "none": "null", "list": '[1, "a"]', "inside": '{"a": false}',
    }  # fmt: skip


def test_a_message_that_no_queue_gets_is_sent_and_has_no_receivers(rabbitmq):
    async def talk():
        async with opened(AmqpDriver, connection(rabbitmq)) as driver:
            nobody = await driver.publish(message(key()), TOPIC)
            sink, address = Collected(), key()
            await driver.arm(address, TOPIC, None, sink, name="tap")
            somebody = await driver.publish(message(address), TOPIC)
        return nobody.receivers, somebody.receivers

    assert run(talk()) == (0, None)


def test_cc_of_the_binding_are_more_routing_keys(rabbitmq):
    async def talk():
        sink, address = Collected(), key()
        async with opened(AmqpDriver, connection(rabbitmq)) as driver:
            await driver.arm(address, TOPIC, None, sink, name="tap")
            await driver.publish(message(key()), TOPIC | {"operation": {"cc": [address]}})
            await sink.wait(1)
        return sink.payloads

    assert run(talk()) == [b"{}"]


def test_a_binding_with_a_named_queue_receives_from_it_and_gives_back_what_it_did_not_take(rabbitmq):
    async def talk():
        sink = Collected()
        async with queue(rabbitmq) as theirs, opened(AmqpDriver, connection(rabbitmq)) as driver:
            bindings = {"channel": {"is": "queue", "queue": {"name": theirs.name}}}
            armed = await driver.arm("whatever", bindings, None, sink, name="tap")
            for payload in (b"foreign", b"ours"):
                await driver.publish(message("whatever", payload), bindings)
            await sink.wait(2)
            await driver.settle(armed, sink.tokens[1])
            await driver.disarm(armed)
            left = await theirs.get(no_ack=True)
            none = await theirs.get(no_ack=True, fail=False)
        return sink.payloads, left.body, none

    assert run(talk()) == ([b"foreign", b"ours"], b"foreign", None)


def test_nothing_is_left_on_the_broker(rabbitmq):
    async def talk():
        to = connection(rabbitmq, durable_name="run-left")
        async with opened(AmqpDriver, to) as driver, library(rabbitmq) as channel:
            armed = await driver.arm(key(), TOPIC, None, Collected(), name="tap")
            name = armed.position["queue"]
            await driver.disarm(armed)
            try:
                await channel.get_queue(name)
            except Exception as problem:
                return name, type(problem).__name__
        return name, None

    assert run(talk()) == ("arazzo.run-left.tap", "ChannelNotFoundEntity")


# Durable runs.


@pytest.mark.parametrize("identity", ["message ids", "no ids, and two messages are equal"])
def test_what_was_not_settled_comes_again_with_its_token_after_the_connection_dropped(rabbitmq, identity):
    has_ids = identity == "message ids"

    def numbered(address: str, number: int) -> ChannelMessage:
        native = {"message_id": f"m{number}"} if has_ids else {}
        return message(address, b"%d" % (number // 2), native=native)

    async def talk():
        first, second, address = Collected(), Collected(), key()
        run_name = f"run-{uuid.uuid4().hex}"
        with relaying(rabbitmq.port) as relay:
            to = connection(rabbitmq, url=f"amqp://127.0.0.1:{relay.port}", durable_name=run_name)
            async with opened(AmqpDriver, to) as driver:
                armed = await driver.arm(address, TOPIC, None, first, name="tap")
                for number in range(4):
                    await driver.publish(numbered(address, number), TOPIC)
                await first.wait(4)
                relay.cut()
                lost = await first.wait_until_lost()
        to = connection(rabbitmq, durable_name=run_name)
        async with opened(AmqpDriver, to) as driver:
            await driver.publish(numbered(address, 8), TOPIC)
            again = await driver.arm(address, TOPIC, armed.position, second, name="tap")
            await second.wait(5)
            await driver.settle(again, second.tokens[0])
            await driver.disarm(again)
        return armed, lost, first, second

    armed, lost, first, second = run(talk())
    assert not armed.lossy
    assert lost.reason == "closed"
    assert second.tokens[:4] == first.tokens
    assert len(set(second.tokens)) == 5
    assert second.payloads == [b"0", b"0", b"1", b"1", b"4"]


def test_a_run_that_dies_before_it_settles_gets_the_same_message_again(rabbitmq):
    dies_and_goes_on(wire_to(rabbitmq))


def test_a_settled_message_does_not_come_again(rabbitmq):
    async def talk():
        first, second, address = Collected(), Collected(), key()
        to = connection(rabbitmq, durable_name=f"run-{uuid.uuid4().hex}")
        async with opened(AmqpDriver, to) as driver:
            armed = await driver.arm(address, TOPIC, None, first, name="tap")
            for payload in (b"1", b"2"):
                await driver.publish(message(address, payload), TOPIC)
            await first.wait(2)
            await driver.settle(armed, first.tokens[0])
        async with opened(AmqpDriver, to) as driver:
            again = await driver.arm(address, TOPIC, armed.position, second, name="tap")
            await second.wait(1)
            await driver.disarm(again)
        return second.payloads

    assert run(talk()) == [b"2"]


def test_messages_that_wait_long_for_their_acknowledgement_come_once_and_can_be_settled(start_broker):
    """The broker closes the channel of a consumer that lets messages wait; here it looks every half second."""
    server = start_broker(RabbitMQ, extra=["consumer_timeout = 1500"], erlang="-rabbit channel_tick_interval 500")

    async def talk():
        sink, address = Collected(), key()
        to = connection(server, durable_name="slow")
        async with opened(AmqpDriver, to) as driver:
            armed = await driver.arm(address, TOPIC, None, sink, name="tap")
            for payload in (b"equal", b"equal", b"other"):
                await driver.publish(message(address, payload), TOPIC)
            await sink.wait(3)
            await driver.settle(armed, sink.tokens[0])
            await until(lambda: "timed out" in server.log or sink.failure is not None)
            await driver.publish(message(address, b"new"), TOPIC)
            await sink.wait(4)
            for token in sink.tokens[1:]:
                await driver.settle(armed, token)
        async with opened(AmqpDriver, to) as driver:
            left = Collected()
            again = await driver.arm(address, TOPIC, armed.position, left, name="tap")
            await driver.publish(message(address, b"last"), TOPIC)
            await left.wait(1)
            await driver.disarm(again)
        return sink, left

    sink, left = run(talk())
    assert sink.failure is None
    assert sink.payloads == [b"equal", b"equal", b"other", b"new"]
    assert len(set(sink.tokens)) == 4
    assert left.payloads == [b"last"]


def test_a_queue_that_expired_before_the_run_was_resumed_is_told(rabbitmq):
    async def talk():
        position = {"queue": "arazzo.gone.tap", "own": True}
        async with opened(AmqpDriver, connection(rabbitmq, durable_name="gone")) as driver:
            await driver.arm(key(), TOPIC, position, Collected(), name="tap")

    failure = failure_of(talk())
    assert failure.reason == "rejected"
    assert "no queue arazzo.gone.tap" in failure.message
    assert "expired" in failure.hint


# Faults.


def test_ten_thousand_messages_of_others_come_in_order(rabbitmq):
    import aio_pika

    async def talk():
        sink, address = Collected(), key()
        async with opened(AmqpDriver, connection(rabbitmq)) as driver, library(rabbitmq) as other:
            await driver.arm(address, TOPIC, None, sink, name="tap")
            topic = await other.get_exchange("amq.topic")
            for first in range(0, 10_000, 1000):
                numbers = range(first, first + 1000)
                await asyncio.gather(*(topic.publish(aio_pika.Message(b"%d" % each), address) for each in numbers))
            await driver.publish(message(address, b"ours"), TOPIC)
            await sink.wait(10_001)
        return sink.payloads

    assert run(talk()) == [b"%d" % number for number in range(10_000)] + [b"ours"]


@pytest.mark.parametrize(
    ("does", "bindings"),
    [
        ("publish", {"channel": {"exchange": {"name": "amq.direct"}}}),
        ("arm", {"channel": {"exchange": {"name": "amq.direct"}}}),
        ("arm", {"channel": {"is": "queue", "queue": {"name": "closed"}}}),
    ],
    ids=["sending to an exchange", "binding to an exchange", "consuming a queue"],
)
def test_what_a_user_may_not_is_told(rabbitmq, does, bindings):
    async def talk():
        login = Login(username=rabbitmq.limited_user, password=PASSWORD)
        async with opened(AmqpDriver, connection(rabbitmq, login=login)) as driver:
            if does == "arm":
                await driver.arm("orders", bindings, None, Collected(), name="tap")
            else:
                await driver.publish(message("orders"), bindings)

    failure = failure_of(talk())
    assert failure.reason == "forbidden"
    assert not failure.sent


def opening(to):
    async def work():
        async with opened(AmqpDriver, to):
            pass

    return failure_of(work())


@pytest.mark.parametrize(
    ("to", "reason", "part"),
    [
        ({"url": "amqp://no-such-host.invalid"}, "unknown-host", "no-such-host.invalid"),
        ({"login": Login()}, "credentials", "refuses the login"),
        ({"login": Login(username=USER, password="secret-but-wrong")}, "credentials", "refuses the login"),
        ({"login": Login(token="secret-but-wrong")}, "credentials", "refuses the login"),
        ({"path": "/closed", "login": Login(username="limited", password=PASSWORD)}, "rejected", "virtual host closed"),
        ({"path": "/nowhere"}, "rejected", "does not open the virtual host nowhere"),
    ],
)
def test_a_connection_that_does_not_come_about_says_why(rabbitmq, to, reason, part):
    path = to.get("path", "")
    failure = opening(connection(rabbitmq, url=to.get("url", rabbitmq.url + path), login=to.get("login")))
    assert failure.reason == reason
    assert part in failure.message
    assert "secret" not in f"{failure.message} {failure.hint}"
    assert not failure.sent


def test_something_that_does_not_speak_amqp_is_told(nats_server):
    failure = opening(connection(nats_server, url=f"amqp://127.0.0.1:{nats_server.port}", timeout=2.0))
    assert failure.reason == "rejected"
    assert "does not speak AMQP" in failure.message


def test_a_plain_connection_to_a_port_with_tls_is_told(rabbitmq):
    failure = opening(connection(rabbitmq, url=rabbitmq.tls_url.replace("amqps", "amqp"), timeout=2.0))
    assert failure.reason == "rejected"
    assert "amqps://" in failure.hint


@pytest.mark.parametrize("does", ["publish", "arm"])
@pytest.mark.parametrize(
    ("bindings", "part"),
    [
        ({"channel": {"exchange": {"name": "no-such-exchange"}}}, "exchange"),
        ({"channel": {"is": "queue", "queue": {"name": "no-such-queue"}}}, "no queue no-such-queue"),
    ],
    ids=["an exchange", "a queue"],
)
def test_what_is_not_there_is_told_and_not_made(rabbitmq, does, bindings, part):
    async def talk():
        async with opened(AmqpDriver, connection(rabbitmq)) as driver:
            if does == "arm":
                await driver.arm("orders", bindings, None, Collected(), name="tap")
            elif "is" in bindings["channel"]:
                assert (await driver.publish(message("orders"), bindings)).receivers == 0
                await driver.arm("orders", bindings, None, Collected(), name="tap")
            else:
                await driver.publish(message("orders"), bindings)

    failure = failure_of(talk())
    assert failure.reason == "rejected"
    assert not failure.sent
    assert part in failure.message


def test_after_a_refusal_the_next_message_is_sent(rabbitmq):
    async def talk():
        sink, address = Collected(), key()
        async with opened(AmqpDriver, connection(rabbitmq)) as driver:
            await driver.arm(address, TOPIC, None, sink, name="tap")
            for payload in (b"1", b"2"):
                with pytest.raises(Exception, match="exchange"):
                    await driver.publish(message(address), {"channel": {"exchange": {"name": "no-such"}}})
                await driver.publish(message(address, payload), TOPIC)
            await sink.wait(2)
        return sink.payloads

    assert run(talk()) == [b"1", b"2"]


def test_a_message_that_is_too_large_for_the_broker_is_refused(rabbitmq):
    async def talk():
        async with opened(AmqpDriver, connection(rabbitmq)) as driver:
            await driver.publish(message(key(), b"x" * (rabbitmq.largest_message + 1)), TOPIC)

    failure = failure_of(talk())
    assert failure.reason == "too-large"
    assert not failure.sent


def test_a_user_of_somebody_else_is_refused(rabbitmq):
    async def talk():
        async with opened(AmqpDriver, connection(rabbitmq)) as driver:
            await driver.publish(message(key()), TOPIC | {"operation": {"userId": "somebody"}})

    assert failure_of(talk()).reason == "rejected"


def test_a_queue_that_is_exclusive_to_somebody_else_is_told(rabbitmq):
    async def talk():
        async with library(rabbitmq) as channel, opened(AmqpDriver, connection(rabbitmq)) as driver:
            theirs = await channel.declare_queue(None, exclusive=True)
            await driver.arm(theirs.name, {}, None, Collected(), name="tap")

    failure = failure_of(talk())
    assert failure.reason == "rejected"
    assert "exclusive" in failure.message


def test_a_queue_that_is_removed_ends_the_subscription(rabbitmq):
    async def talk():
        sink = Collected()
        async with queue(rabbitmq) as theirs, opened(AmqpDriver, connection(rabbitmq)) as driver:
            armed = await driver.arm(theirs.name, {}, None, sink, name="tap")
            await theirs.delete(if_unused=False)
            lost = await sink.wait_until_lost()
            await driver.disarm(armed)
        return lost

    lost = run(talk())
    assert lost.reason == "rejected"
    assert "was removed" in lost.message


def test_a_network_that_swallows_everything_does_not_hold_the_run_up(rabbitmq):
    async def talk():
        with relaying(rabbitmq.port) as relay:
            to = connection(rabbitmq, url=f"amqp://127.0.0.1:{relay.port}", timeout=1.5)
            async with opened(AmqpDriver, to) as driver:
                await driver.publish(message(key()), TOPIC)
                relay.hold()
                await driver.publish(message(key()), TOPIC)

    failure = failure_of(talk())
    assert failure.reason == "timeout"
    assert failure.sent
