"""The driver of Kafka against a cluster of several brokers that answers errors on demand."""

from __future__ import annotations

import asyncio

import pytest

from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.driver import Connection
from arazzo_runner.runtime.brokers.kafka import KafkaDriver
from tests.brokers.drivers import Collected, failing, opened, run
from tests.brokers.kafka_mock import FETCH, INIT_PRODUCER_ID, PRODUCE, mock_cluster

pytestmark = pytest.mark.broker


@pytest.fixture
def cluster():
    with mock_cluster() as found:
        yield found


def connected(cluster):
    return opened(KafkaDriver, Connection(url=cluster.url, protocol="kafka", timeout=10.0))


def text(content: str, topic: str = "orders") -> ChannelMessage:
    return ChannelMessage(address=topic, payload=content.encode())


def test_messages_go_through_a_cluster_that_has_several_brokers_and_partitions(cluster):
    async def main():
        cluster.create("orders", partitions=4)
        async with connected(cluster) as driver:
            kept = Collected()
            await driver.arm("orders", {}, None, kept, name="a")
            for number in range(20):
                await driver.publish(text(str(number)), {})
            await kept.wait(20)
            assert sorted(int(payload) for payload in kept.payloads) == list(range(20))
            assert len({message.native["partition"] for message in kept.messages}) > 1

    run(main())


def test_a_topic_that_is_not_there_is_not_created_by_a_cluster_that_would(cluster):
    async def main():
        async with connected(cluster) as driver:
            for work in (driver.publish(text("1"), {}), driver.arm("orders", {}, None, Collected(), name="a")):
                assert "has no topic orders" in (await failing(work)).message

    run(main())


ERRORS = [
    ("too large", PRODUCE, 10, "too-large", "larger than the broker takes"),
    ("too large with others", PRODUCE, 18, "too-large", "larger than the broker takes"),
    ("not allowed for the topic", PRODUCE, 29, "forbidden", "TopicAuthorizationFailedError"),
    ("not allowed for the cluster", PRODUCE, 31, "forbidden", "ClusterAuthorizationFailedError"),
    ("against a policy", PRODUCE, 44, "rejected", "PolicyViolationError"),
    ("the time of the message", PRODUCE, 32, "rejected", "InvalidTimestampError"),
]


@pytest.mark.parametrize(("request_", "code", "reason", "part"), [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS])
def test_what_a_broker_refuses_is_not_sent_and_the_next_message_is(cluster, request_, code, reason, part):
    async def main():
        cluster.create("orders")
        async with connected(cluster) as driver:
            kept = Collected()
            await driver.arm("orders", {}, None, kept, name="a")
            cluster.answer(request_, code)
            found = await failing(driver.publish(text("refused"), {}))
            assert (found.reason, found.sent) == (reason, False)
            assert part in found.message
            await driver.publish(text("taken"), {})
            await kept.wait(1)
            assert kept.payloads == [b"taken"]

    run(main())


PASSING = [
    ("the leader has changed", PRODUCE, 6),
    ("the leader is not there yet", PRODUCE, 5),
    ("too few replicas", PRODUCE, 19),
    ("a broker took too long", PRODUCE, 7),
]


@pytest.mark.parametrize(("request_", "code"), [p[1:] for p in PASSING], ids=[p[0] for p in PASSING])
def test_what_passes_is_tried_again_and_sent_once(cluster, request_, code):
    async def main():
        cluster.create("orders")
        async with connected(cluster) as driver:
            kept = Collected()
            await driver.arm("orders", {}, None, kept, name="a")
            cluster.answer(request_, code, code)
            await driver.publish(text("once"), {})
            await driver.publish(text("last"), {})
            await kept.wait(2)
            assert kept.payloads == [b"once", b"last"]

    run(main())


@pytest.mark.parametrize("code", [31, 35], ids=["not allowed to this login", "unknown to the cluster"])
def test_where_idempotent_producers_are_refused_an_ordinary_one_sends(cluster, code):
    async def main():
        cluster.create("orders")
        cluster.answer(INIT_PRODUCER_ID, code)
        async with connected(cluster) as driver:
            kept = Collected()
            await driver.arm("orders", {}, None, kept, name="a")
            await driver.publish(text("sent"), {})
            await kept.wait(1)

    run(main())


def test_a_topic_that_this_login_may_not_see_is_forbidden(cluster):
    async def main():
        cluster.create("orders")
        async with connected(cluster) as driver:
            cluster.forbid("orders")
            for work in (driver.publish(text("1"), {}), driver.arm("orders", {}, None, Collected(), name="a")):
                assert (await failing(work)).reason == "forbidden"

    run(main())


def test_a_topic_that_this_login_may_not_read_ends_the_subscription(cluster):
    async def main():
        cluster.create("orders")
        async with connected(cluster) as driver:
            cluster.answer(FETCH, *[29] * 5)
            kept = Collected()
            await driver.arm("orders", {}, None, kept, name="a")
            assert (await kept.wait_until_lost()).reason == "forbidden"

    run(main())


def test_a_leader_that_goes_down_is_followed_to_the_next_one(cluster):
    async def main():
        cluster.create("orders")
        cluster.lead("orders", 1)
        async with connected(cluster) as driver:
            kept = Collected()
            await driver.arm("orders", {}, None, kept, name="a")
            await driver.publish(text("before"), {})
            await kept.wait(1)
            cluster.lead("orders", 2)
            await asyncio.to_thread(cluster.end, 1)
            await driver.publish(text("after"), {})
            await kept.wait(2)
            assert kept.payloads == [b"before", b"after"]

    run(main())
