"""The driver of Kafka against tansu, which speaks Kafka's protocol."""

from __future__ import annotations

import asyncio
import json
import ssl
import uuid
from contextlib import ExitStack

import pytest

from arazzo_runner.base.records import replace
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.driver import Login
from arazzo_runner.runtime.brokers.kafka import KafkaDriver
from arazzo_runner.runtime.brokers.options import BrokerOptions
from tests.brokers.conftest import started
from tests.brokers.drivers import Collected, connection, failing, opened, run
from tests.brokers.kafka_login import MECHANISMS, TOKEN, gate
from tests.brokers.relay import relaying
from tests.brokers.scenario import Wire, broker_at, refused, scenes, untrusted, wrong_login
from tests.brokers.servers import PASSWORD, USER, Tansu, free_port


def order(number: int, address: str, **more) -> ChannelMessage:
    return ChannelMessage(address=address, payload=json.dumps({"order": number}).encode(), **more)


def orders(kept: Collected) -> list[int]:
    return [json.loads(payload)["order"] for payload in kept.payloads]


class Advertised(Tansu):
    """Tells clients another port than its own."""

    advertised = 0

    def command(self):
        mine = f"tcp://127.0.0.1:{self.port}"
        other = f"tcp://127.0.0.1:{self.advertised}"
        command = super().command()
        place = command.index("--advertised-listener-url") + 1
        assert command[place] == mine
        return [*command[:place], other, *command[place + 1 :]]


def advertised_as(port: int):
    return type("AdvertisedElsewhere", (Advertised,), {"advertised": port})


@pytest.fixture
def topic(kafka_server, request):
    """A topic of three partitions for this test alone."""
    name = f"topic-{abs(hash(request.node.nodeid))}"
    asyncio.run(create_topic(kafka_server, name))
    return name


async def create_topic(server: Tansu, name: str, partitions: int = 3) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{server.port}")
    try:
        await admin.start()
        await admin.create_topics([NewTopic(name, partitions, 1)])
    finally:
        await admin.close()


async def topics(server: Tansu) -> list[str]:
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{server.port}")
    try:
        await admin.start()
        return list(await admin.list_topics())
    finally:
        await admin.close()


def wire_to(server, url=None, login=None, topic=None):
    def address(name):
        if topic is not None:
            return topic
        made = f"{name}.{uuid.uuid4().hex}"
        asyncio.run(create_topic(server, made, partitions=1))
        return made

    return Wire(
        broker=broker_at(url or server.url),
        options=BrokerOptions(
            login=lambda broker: login or Login(),
            tls=lambda broker: server.client_tls,
        ),
        address=address,
        native=False,
        inboxes=False,
        many=1000,
    )


@pytest.mark.parametrize("scene", scenes())
def test_scene(kafka_server, scene):
    scene(wire_to(kafka_server))


def test_what_is_sent_after_arming_comes_and_what_was_there_before_does_not(kafka_server, topic):
    async def main():
        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            for number in range(6):
                await driver.publish(order(number, topic), {})
            kept = Collected()
            armed = await driver.arm(topic, {}, None, kept, name="a")
            for number in (7, 42, 42):  # a foreign one, ours, a duplicate
                sent = await driver.publish(order(number, topic, key=b"one-partition"), {})
            await kept.wait(3)
            assert orders(kept) == [7, 42, 42]
            last = kept.messages[-1]
            assert sent.position == {"partition": last.native["partition"], "offset": last.native["offset"]}
            assert kept.tokens[-1] == f"{topic}/{last.native['partition']}/{last.native['offset']}"
            assert (armed.address, armed.lossy) == (topic, False)
            assert sum(armed.position.values()) == 6
            await driver.disarm(armed)
            await driver.publish(order(8, topic), {})
            assert len(kept.messages) == 3

    run(main())


def test_a_message_keeps_key_headers_content_type_and_bytes(kafka_server, topic):
    async def main():
        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            kept = Collected()
            await driver.arm(topic, {}, None, kept, name="a")
            headers = (("correlationId", "ä1"), ("correlationId", "2"))
            sent = ChannelMessage(address=topic, payload=b"\xff\x00", key=b"\xfe", headers=headers, content_type="x/y")
            await driver.publish(sent, {})
            (message,) = await kept.wait(1)
            assert (message.address, message.payload, message.key) == (topic, b"\xff\x00", b"\xfe")
            assert message.headers == (*headers, ("content-type", "x/y"))
            assert message.content_type == "x/y"
            assert message.native.keys() == {"partition", "offset", "timestamp"}

    run(main())


def test_a_record_of_another_program_with_no_value_and_headers_that_are_no_text(kafka_server, topic):
    async def main():
        from aiokafka import AIOKafkaProducer

        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            kept = Collected()
            await driver.arm(topic, {}, None, kept, name="a")
            async with AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{kafka_server.port}") as producer:
                headers = [("Content-Type", b"text/plain"), ("trace", b"\xff")]
                await producer.send_and_wait(topic, None, key=b"deleted", headers=headers)
            (message,) = await kept.wait(1)
            assert (message.payload, message.native["tombstone"], message.key) == (b"", True, b"deleted")
            assert message.headers == (("Content-Type", "text/plain"), ("trace", "\\xff"))
            assert message.content_type == "text/plain"

    run(main())


def test_the_binding_of_a_channel_names_the_topic(kafka_server, topic):
    async def main():
        bindings = {"channel": {"topic": topic, "partitions": 3}}
        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            kept = Collected()
            armed = await driver.arm("orders/placed", bindings, None, kept, name="a")
            await driver.publish(order(1, "orders/placed"), bindings)
            await kept.wait(1)
            assert (armed.address, kept.messages[0].address) == ("orders/placed", topic)

    run(main())


def test_a_subscription_is_resumed_at_its_position_with_nothing_lost_and_the_same_tokens(kafka_server, topic):
    async def main():
        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            await driver.publish(order(0, topic), {})
            first = Collected()
            armed = await driver.arm(topic, {}, None, first, name="a")
            for number in range(1, 10):
                await driver.publish(order(number, topic), {})
            await first.wait(9)
        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            await driver.publish(order(10, topic), {})  # while nobody reads
            second = Collected()
            again = await driver.arm(topic, {}, json.loads(json.dumps(armed.position)), second, name="a")
            await driver.publish(order(11, topic), {})
            await second.wait(11)
            assert sorted(orders(second)) == list(range(1, 12))
            assert set(first.tokens) < set(second.tokens)
            assert len(set(second.tokens)) == 11
            assert again.position == armed.position

    run(main())


def test_partitions_that_a_position_does_not_know_are_read_from_their_start(kafka_server, topic):
    async def main():
        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            for number in range(12):
                await driver.publish(order(number, topic, key=str(number).encode()), {})
            kept = Collected()
            armed = await driver.arm(topic, {}, {"0": 0}, kept, name="a")
            await kept.wait(12)
            assert armed.position == {"0": 0, "1": 0, "2": 0}

    run(main())


POSITIONS = [("a text", "x"), ("an empty object", {}), ("no offset", {"0": "1"})]


@pytest.mark.parametrize("position", [p[1] for p in POSITIONS], ids=[p[0] for p in POSITIONS])
def test_a_position_that_cannot_be_read_is_a_failure(kafka_server, topic, position):
    async def main():
        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            found = await failing(driver.arm(topic, {}, position, Collected(), name="a"))
            assert (found.reason, "position" in found.message) == ("rejected", True)

    run(main())


def test_a_position_behind_the_end_is_of_a_topic_that_was_made_anew(kafka_server, topic):
    async def main():
        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            found = await failing(driver.arm(topic, {}, {"0": 1000, "1": 0, "2": 0}, Collected(), name="a"))
            assert (found.reason, "are gone" in found.message) == ("closed", True)

    run(main())


def test_partitions_that_come_later_are_read_from_their_start(start_broker):
    server = start_broker(Tansu)

    async def main():
        from aiokafka.admin import AIOKafkaAdminClient

        await create_topic(server, "grows", partitions=1)
        async with opened(KafkaDriver, connection(server)) as driver:
            kept = Collected()
            await driver.arm("grows", {}, None, kept, name="a")
            admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{server.port}")
            await admin.start()
            await admin.delete_topics(["grows"])  # tansu cannot add partitions: the topic comes again with more
            await admin.close()
            await create_topic(server, "grows", partitions=4)
            for number in range(8):
                await driver.publish(order(number, "grows", key=str(number).encode()), {})
            await kept.wait(8)
            assert sorted(orders(kept)) == list(range(8))
            assert len({message.native["partition"] for message in kept.messages}) > 1

    run(main())


def test_ten_thousand_foreign_messages_before_ours_all_come(kafka_server, topic):
    async def main():
        from aiokafka import AIOKafkaProducer

        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            kept = Collected()
            await driver.arm(topic, {}, None, kept, name="a")
            async with AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{kafka_server.port}", linger_ms=5) as producer:
                sent = [await producer.send(topic, b"%d" % number, partition=1) for number in range(10_000)]
                await asyncio.gather(*sent)
            await driver.publish(ChannelMessage(address=topic, payload=b"ours"), {})
            await kept.wait(10_001)
            assert len(set(kept.tokens)) == 10_001
            foreign = [payload for payload in kept.payloads if payload != b"ours"]
            assert foreign == [b"%d" % number for number in range(10_000)]

    run(main())


def test_two_subscriptions_to_one_topic_both_get_the_message(kafka_server, topic):
    async def main():
        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            both = [Collected(), Collected()]
            for number, kept in enumerate(both):
                await driver.arm(topic, {}, None, kept, name=str(number))
            await driver.publish(order(1, topic), {})
            for kept in both:
                await kept.wait(1)

    run(main())


def test_many_messages_may_be_sent_at_once(kafka_server, topic):
    async def main():
        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            kept = Collected()
            await driver.arm(topic, {}, None, kept, name="a")
            await asyncio.gather(*(driver.publish(order(number, topic), {}) for number in range(50)))
            await kept.wait(50)
            assert sorted(orders(kept)) == list(range(50))

    run(main())


def test_a_topic_that_is_not_there_is_a_failure_and_not_created(kafka_server):
    async def main():
        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            for work in (
                driver.publish(order(1, "no-such-topic"), {}),
                driver.arm("no-such-topic", {}, None, Collected(), name="a"),
            ):
                found = await failing(work)
                assert (found.reason, found.sent) == ("rejected", False)
                assert "has no topic no-such-topic" in found.message
                assert "creates no topics" in found.hint
        assert "no-such-topic" not in await topics(kafka_server)

    run(main())


def test_an_inbox_is_refused_with_what_to_do_instead(kafka_server, topic):
    async def main():
        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            found = await failing(driver.arm(topic, {}, None, Collected(), name="a", inbox=True))
            assert found.reason == "rejected"
            assert found.hint == "give the reply a channel whose address is a topic that exists"

    run(main())


def test_a_message_that_is_larger_than_allowed_here_ends_the_subscription(kafka_server, topic):
    async def main():
        async with opened(KafkaDriver, connection(kafka_server, max_message_size=1000)) as driver:
            kept = Collected()
            await driver.arm(topic, {}, None, kept, name="a")
            for size in (1000, 1001):
                await driver.publish(ChannelMessage(address=topic, payload=bytes(size), key=b"k"), {})
            found = await kept.wait_until_lost()
            assert (found.reason, len(kept.messages)) == ("too-large", 1)
            assert "1001 bytes, 1000 are allowed" in found.message

    run(main())


def test_a_message_of_five_megabytes_comes_whole(kafka_server, topic):
    async def main():
        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            kept = Collected()
            await driver.arm(topic, {}, None, kept, name="a")
            await driver.publish(ChannelMessage(address=topic, payload=b"x" * 5_000_000), {})
            assert len((await kept.wait(1))[0].payload) == 5_000_000

    run(main())


def test_a_message_that_is_too_large_for_any_broker_is_not_sent(kafka_server, topic):
    async def main():
        async with opened(KafkaDriver, connection(kafka_server)) as driver:
            found = await failing(driver.publish(ChannelMessage(address=topic, payload=bytes(100_000_001)), {}))
            assert (found.reason, found.sent) == ("too-large", False)
            await driver.publish(order(1, topic), {})

    run(main())


def test_tls(start_broker):
    server = start_broker(Tansu, tls=True)

    async def main():
        async with opened(KafkaDriver, connection(server)) as driver:
            assert (await failing(driver.publish(order(1, "orders"), {}))).reason == "rejected"  # no topic
        found = await failing(KafkaDriver().open(connection(server, tls=None)))
        assert (found.reason, found.sent) == ("tls", False)
        assert "an authority that is not trusted here signed its certificate" in found.message

    run(main())


LOGINS = [
    ("PLAIN, which is the default", Login(username=USER, password=PASSWORD), "PLAIN"),
    ("SCRAM-SHA-256", Login(username=USER, password=PASSWORD, mechanism="SCRAM-SHA-256"), "SCRAM-SHA-256"),
    ("SCRAM-SHA-512", Login(username=USER, password=PASSWORD, mechanism="scram-sha-512"), "SCRAM-SHA-512"),
    ("OAUTHBEARER, the default for a token", Login(token=TOKEN), "OAUTHBEARER"),
]


@pytest.fixture(scope="module")
def behind_a_gate():
    """A gate that asks for a login, and a broker behind it that sends its clients to the gate."""
    with ExitStack() as stack:
        found = stack.enter_context(gate())
        server = started(stack, advertised_as(found.port))
        found.to = server.port
        url = f"kafka://127.0.0.1:{found.port}"
        from aiokafka.admin import AIOKafkaAdminClient, NewTopic

        async def main():
            admin = AIOKafkaAdminClient(
                bootstrap_servers=f"127.0.0.1:{found.port}", security_protocol="SASL_PLAINTEXT",
                sasl_mechanism="PLAIN", sasl_plain_username=USER, sasl_plain_password=PASSWORD,
            )  # fmt: skip
            try:
                await admin.start()
                await admin.create_topics([NewTopic("orders", 1, 1)])
            finally:
                await admin.close()

        run(main())
        yield found, server, url


@pytest.mark.parametrize(("login", "mechanism"), [case[1:] for case in LOGINS], ids=[case[0] for case in LOGINS])
def test_a_login_by_sasl(behind_a_gate, login, mechanism):
    found, server, url = behind_a_gate
    found.used.clear()

    async def main():
        async with opened(KafkaDriver, connection(server, url=url, login=login)) as driver:
            kept = Collected()
            await driver.arm("orders", {}, None, kept, name="a")
            await driver.publish(order(1, "orders"), {})
            await kept.wait(1)

    run(main())
    assert set(found.used) == {mechanism}


WRONG = [
    *((f"a wrong password by {m}", Login(username=USER, password="wrong-1", mechanism=m), "does not accept the user") for m in MECHANISMS[:3]),
    ("an unknown user", Login(username="nobody", password="wrong-1", mechanism="SCRAM-SHA-256"), "does not accept the user"),
    ("a wrong token", Login(token="wrong-1"), "does not accept the token"),
    ("a mechanism that we do not have", Login(username=USER, password="wrong-1", mechanism="GSSAPI"), "GSSAPI are not supported"),
]  # fmt: skip


@pytest.mark.parametrize(("login", "text"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_a_wrong_login_says_so_without_the_password(behind_a_gate, login, text):
    _, server, url = behind_a_gate

    async def main():
        found = await failing(KafkaDriver().open(connection(server, url=url, login=login)))
        assert (found.reason, found.sent) == ("credentials", False)
        assert text in found.message
        assert "wrong-1" not in f"{found.message} {found.hint}"

    run(main())


def test_a_mechanism_that_the_broker_does_not_have_says_so(start_broker):
    with gate(mechanisms=("SCRAM-SHA-512",)) as narrow:
        server = start_broker(advertised_as(narrow.port))
        narrow.to = server.port

        async def main():
            to = connection(
                server, url=f"kafka://127.0.0.1:{narrow.port}", login=Login(username=USER, password=PASSWORD)
            )
            found = await failing(KafkaDriver().open(to))
            assert (found.reason, "does not take logins by SASL PLAIN" in found.message) == ("credentials", True)

        run(main())


def test_a_broker_that_wants_a_login_and_gets_none_says_so(behind_a_gate):
    _, server, url = behind_a_gate

    async def main():
        found = await failing(KafkaDriver().open(connection(server, url=url, login=Login())))
        assert (found.reason, found.sent) == ("closed", False)
        assert "credentials" in found.hint

    run(main())


def test_scenes_of_brokers_that_do_not_serve(behind_a_gate, start_broker):
    _, server, url = behind_a_gate
    wrong_login(
        wire_to(server, url, Login(username=USER, password="not-the-password"), topic="orders"), "not-the-password"
    )
    known = wire_to(start_broker(Tansu, tls=True), topic="orders")
    untrusted(replace(known, options=replace(known.options, tls=lambda broker: ssl.create_default_context())))
    gone = start_broker(Tansu)
    gone.kill()
    refused(wire_to(gone, topic="orders"))


def test_the_real_login_of_tansu_refuses_an_unknown_user(start_broker):
    server = start_broker(Tansu, login=True)

    async def main():
        login = Login(username="nobody", password="wrong-1", mechanism="SCRAM-SHA-256")
        found = await failing(KafkaDriver().open(connection(server, login=login)))
        assert (found.reason, found.sent) == ("credentials", False)

    run(main())


UNREACHABLE = [
    ("nothing listens", lambda _: f"kafka://127.0.0.1:{free_port()}", "refused", "refuses the connection"),
    ("no such host", lambda _: "kafka://no-such-host.invalid", "unknown-host", "no-such-host.invalid"),
    ("no host", lambda _: "kafka://", "rejected", "no host"),
    ("a port that is no number", lambda _: "kafka://me:hush-1@127.0.0.1:port", "rejected", "127.0.0.1:port"),
]


@pytest.mark.parametrize(("url", "reason", "text"), [u[1:] for u in UNREACHABLE], ids=[u[0] for u in UNREACHABLE])
def test_a_broker_that_cannot_be_reached(kafka_server, url, reason, text):
    async def main():
        found = await failing(KafkaDriver().open(connection(kafka_server, url=url(kafka_server))))
        assert (found.reason, found.sent) == (reason, False)
        assert text in found.message
        assert "hush" not in f"{found.message} {found.hint}"

    run(main())


def test_a_secure_connection_to_a_plain_broker_says_that_it_may_be_a_plain_one(kafka_server):
    async def main():
        url = kafka_server.url.replace("kafka", "kafka-secure")
        found = await failing(KafkaDriver().open(connection(kafka_server, url=url, timeout=0.5)))
        assert (found.reason, "kafka://" in found.hint) == ("timeout", True)  # it waits for a frame of that length

    run(main())


def test_a_plain_connection_to_a_tls_broker_says_that_it_may_want_tls(start_broker):
    server = start_broker(Tansu, tls=True)

    async def main():
        url = server.url.replace("kafka-secure", "kafka")
        found = await failing(KafkaDriver().open(connection(server, url=url, tls=None)))
        assert (found.reason, "kafka-secure://" in found.hint) == ("closed", True)

    run(main())


def test_one_reachable_server_of_several_is_enough(kafka_server, topic):
    async def main():
        url = f"kafka://127.0.0.1:{free_port()},127.0.0.1:{kafka_server.port}"
        async with opened(KafkaDriver, connection(kafka_server, url=url)) as driver:
            kept = Collected()
            await driver.arm(topic, {}, None, kept, name="a")
            await driver.publish(order(1, topic), {})
            await kept.wait(1)

    run(main())


def test_a_server_that_the_cluster_names_and_nobody_reaches_is_told(start_broker):
    nowhere = free_port()
    server = start_broker(advertised_as(nowhere))

    async def main():
        from aiokafka.conn import create_conn
        from aiokafka.protocol.admin import CreateTopicsRequest

        made = await create_conn("127.0.0.1", server.port)
        await made.send(CreateTopicsRequest([("orders", 1, 1, [], [])], 5000, False))
        made.close()
        async with opened(KafkaDriver, connection(server)) as driver:
            for work in (driver.publish(order(1, "orders"), {}), driver.arm("orders", {}, None, Collected(), name="a")):
                found = await failing(work)
                assert (found.reason, found.sent) == ("refused", False)
                assert (
                    f"a server of it is at 127.0.0.1:{nowhere}, but 127.0.0.1:{nowhere} refuses the connection"
                    in found.message
                )
                assert "advertised.listeners" in found.hint

    run(main())


def test_a_subscription_goes_on_after_the_last_message_when_the_connection_is_back(start_broker):
    with ExitStack() as stack:
        relay = stack.enter_context(relaying(0))
        server = start_broker(advertised_as(relay.port))
        relay.to = server.port
        through = f"kafka://127.0.0.1:{relay.port}"

        async def main():
            from aiokafka.admin import AIOKafkaAdminClient, NewTopic

            admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{relay.port}")
            await admin.start()
            await admin.create_topics([NewTopic("orders", 1, 1)])
            await admin.close()
            async with opened(KafkaDriver, connection(server, url=through)) as driver:
                kept = Collected()
                await driver.arm("orders", {}, None, kept, name="a")
                await driver.publish(order(1, "orders"), {})
                await kept.wait(1)
                for number in (2, 3):
                    await asyncio.to_thread(relay.cut)
                    await driver.publish(order(number, "orders"), {})
                await kept.wait(3)
                assert orders(kept) == [1, 2, 3]

        run(main())


def test_a_broker_that_is_killed_between_sending_and_receiving_never_blocks(start_broker):
    server = start_broker(Tansu)

    async def main():
        await create_topic(server, "orders")
        async with opened(KafkaDriver, connection(server)) as driver:
            kept = Collected()
            armed = await driver.arm("orders", {}, None, kept, name="a")
            await driver.publish(order(1, "orders"), {})
            await kept.wait(1)
            server.kill()
            found = await failing(driver.publish(order(2, "orders"), {}))
            assert (found.reason, found.sent) == ("refused", False)
            assert (await failing(driver.arm("orders", {}, None, Collected(), name="b"))).reason == "refused"
            assert kept.failure is None  # it would go on when the broker is back
            async with asyncio.timeout(5):
                await driver.disarm(armed)

    run(main())


def test_closing_does_not_wait_for_a_broker_that_swallows_everything(start_broker):
    with ExitStack() as stack:
        relay = stack.enter_context(relaying(0))
        server = start_broker(advertised_as(relay.port))
        relay.to = server.port

        async def main():
            from aiokafka.admin import AIOKafkaAdminClient, NewTopic

            admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{relay.port}")
            await admin.start()
            await admin.create_topics([NewTopic("orders", 1, 1)])
            await admin.close()
            driver = KafkaDriver()
            await driver.open(connection(server, url=f"kafka://127.0.0.1:{relay.port}"))
            await driver.publish(order(1, "orders"), {})
            await driver.arm("orders", {}, None, Collected(), name="a")
            relay.hold()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await driver.publish(order(2, "orders"), {})
            async with asyncio.timeout(10):
                await driver.close()

        run(main())
