"""The NATS driver on real servers, with and without streams."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from contextlib import asynccontextmanager

import pytest

from arazzo_runner.base.records import replace
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.driver import Login
from arazzo_runner.runtime.brokers.nats import NatsDriver
from arazzo_runner.runtime.brokers.options import BrokerOptions
from tests.brokers.drivers import Collected, connection, dies_and_goes_on, failure_of, opened, run
from tests.brokers.relay import relaying
from tests.brokers.scenario import (
    Wire,
    armed_first_and_correlated,
    broker_at,
    killed,
    refused,
    replies,
    scenes,
    untrusted,
    with_login,
    wrong_login,
)
from tests.brokers.servers import Nats, free_port


def subject(name: str = "orders") -> str:
    """Return a subject that no other test uses."""
    return f"{name}.{uuid.uuid4().hex}"


def message(address: str, payload: bytes = b"{}", **others) -> ChannelMessage:
    return ChannelMessage(address=address, payload=payload, **others)


@asynccontextmanager
async def library(server: Nats):
    """The bare library, for what a driver never does: making streams."""
    import nats

    client = await nats.connect(server.url)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def stream(server: Nats, *subjects: str, **options):
    """A stream that stores subjects."""
    name = "s" + uuid.uuid4().hex
    async with library(server) as client:
        await client.jetstream().add_stream(name=name, subjects=list(subjects), **options)
        try:
            yield name, client.jetstream()
        finally:
            await client.jetstream().delete_stream(name)


@pytest.mark.parametrize("server", ["nats_server", "nats_server_login", "nats_server_tls"])
def test_what_is_sent_comes_once_the_subscription_is_there_with_its_headers(request, server):
    server = request.getfixturevalue(server)

    async def talk():
        sink, address = Collected(), subject()
        async with opened(NatsDriver, connection(server)) as driver:
            armed = await driver.arm(address, {}, None, sink, name="tap")
            for number, identity in enumerate(["foreign", "ours", "ours"]):
                sent = message(
                    address,
                    b'{"n":%d}' % number,
                    headers=(("correlationId", identity), ("x-tag", "a"), ("x-tag", "b")),
                    content_type="application/json",
                    native={"message_id": f"m{number}"},
                )
                await driver.publish(sent, {})
            await sink.wait(3)
            await driver.disarm(armed)
            await driver.publish(message(address, b"after"), {})
        return armed, sink

    armed, sink = run(talk())
    assert armed.lossy
    assert armed.position is None
    assert sink.payloads == [b'{"n":0}', b'{"n":1}', b'{"n":2}']
    last = sink.messages[-1]
    assert dict(last.headers)["correlationId"] == "ours"
    assert dict(last.headers)["x-tag"] == "a, b"
    assert last.content_type == "application/json"
    assert last.native["message_id"] == "m2"


def test_an_inbox_is_an_address_of_its_own_and_a_reply_comes_there(nats_server):
    async def talk():
        sink, requests, address = Collected(), Collected(), subject()
        async with opened(NatsDriver, connection(nats_server)) as driver:
            inbox = await driver.arm("replies", {}, None, sink, name="tap", inbox=True)
            await driver.arm(address, {}, None, requests, name="server")
            await driver.publish(message(address, b"ask", native={"reply_to": inbox.address}), {})
            (asked,) = await requests.wait(1)
            await driver.publish(message(asked.native["reply_to"], b"answer"), {})
            await sink.wait(1)
        return inbox.address, sink

    address, sink = run(talk())
    assert address.startswith("_INBOX.")
    assert sink.payloads == [b"answer"]


def test_a_request_that_nobody_listens_to_has_no_receiver_and_no_reply(nats_server):
    async def talk():
        async with opened(NatsDriver, connection(nats_server)) as driver:
            sink, address = Collected(), subject()
            inbox = await driver.arm("replies", {}, None, sink, name="tap", inbox=True)
            asks = message(address, b"ask", native={"reply_to": inbox.address})
            unheard = [(await driver.publish(asks, {})).receivers for _ in range(3)]
            await driver.arm(address, {}, None, Collected(), name="other")
            heard = (await driver.publish(asks, {})).receivers
            await driver.publish(message(inbox.address, b"answer"), {})
            await sink.wait(1)
            return unheard, heard, sink.payloads

    assert run(talk()) == ([0, 0, 0], None, [b"answer"])


def test_a_wildcard_subscribes_to_many_subjects_and_says_which_one_it_was(nats_server):
    async def talk():
        sink, base = Collected(), subject()
        async with opened(NatsDriver, connection(nats_server)) as driver:
            await driver.arm(f"{base}.*.done", {}, None, sink, name="tap")
            for part in ("eu", "us"):
                await driver.publish(message(f"{base}.{part}.done"), {})
                await driver.publish(message(f"{base}.{part}.begun"), {})
            await sink.wait(2)
        return base, [each.address for each in sink.messages]

    base, addresses = run(talk())
    assert addresses == [f"{base}.eu.done", f"{base}.us.done"]


# Scenes.


def wire_to(server: Nats, **options) -> Wire:
    """Return a server as the scenes want it."""
    return Wire(
        broker=broker_at(server.url if not server.tls else server.url.replace("nats:", "nats-secure:")),
        options=BrokerOptions(
            login=lambda broker: Login(username=server.username, password=server.password),
            tls=lambda broker: server.client_tls,
            **options,
        ),
        address=lambda name: f"{name}.{uuid.uuid4().hex}",
        native=False,
        wildcard="{}.*".format,
    )


@pytest.mark.parametrize("scene", scenes())
def test_scene(nats_server, scene):
    scene(wire_to(nats_server))


@pytest.mark.parametrize("scene", scenes(replies))  # a stream does not keep where a reply is to go
def test_scene_on_a_stream(nats_server, scene):
    """Each scene has a stream of its own; the subjects beneath its address are in it too."""
    made = []

    def address(name: str) -> str:
        found = f"{name}.{uuid.uuid4().hex}"

        async def make() -> None:
            async with library(nats_server) as client:
                name = found.replace(".", "_")
                await client.jetstream().add_stream(name=name, subjects=[found, f"{found}.>"])
                made.append(name)

        run(make())
        return found

    async def clean() -> None:
        async with library(nats_server) as client:
            for name in made:
                await client.jetstream().delete_stream(name)

    try:
        scene(replace(wire_to(nats_server), address=address, many=1000))
    finally:
        run(clean())


@pytest.mark.parametrize("scene", [armed_first_and_correlated, replies])
@pytest.mark.parametrize("server", ["nats_server_login", "nats_server_tls"])
def test_scene_with_a_login(request, server, scene):
    scene(wire_to(request.getfixturevalue(server)))


def test_brokers_that_do_not_serve(nats_server_login, nats_server_tls, start_broker):
    wire = wire_to(nats_server_login)
    wrong_login(replace(wire, options=with_login(wire.options, "tester", "secret-but-wrong")), "secret-but-wrong")
    secured = wire_to(nats_server_tls)
    untrusted(replace(secured, options=replace(secured.options, tls=lambda broker: ssl.create_default_context())))
    server = start_broker(Nats)
    killed(wire_to(server), server.kill)
    refused(wire_to(server))


# Streams.


def test_a_stream_gives_positions_keeps_tokens_and_begins_at_its_end(nats_server):
    async def talk():
        address, sink = subject(), Collected()
        async with stream(nats_server, address) as (name, _), opened(NatsDriver, connection(nats_server)) as driver:
            before = await driver.publish(message(address, b"before"), {})
            armed = await driver.arm(address, {}, None, sink, name="tap")
            after = await driver.publish(message(address, b"after"), {})
            await sink.wait(1)
            await driver.disarm(armed)
        return name, before, armed, after, sink

    name, before, armed, after, sink = run(talk())
    assert before.position == {"stream": name, "sequence": 1}
    assert armed.position == {"stream": name, "sequence": 1}
    assert not armed.lossy
    assert after.position == {"stream": name, "sequence": 2}
    assert sink.payloads == [b"after"]
    assert sink.tokens == [f"{name}:2"]


def test_a_stream_drops_the_double_of_a_message_with_an_id(nats_server):
    async def talk():
        address, sink = subject(), Collected()
        async with stream(nats_server, address), opened(NatsDriver, connection(nats_server)) as driver:
            await driver.arm(address, {}, None, sink, name="tap")
            for payload in (b"first", b"double"):
                await driver.publish(message(address, payload, native={"message_id": "same"}), {})
            await driver.publish(message(address, b"last"), {})
            await sink.wait(2)
        return sink.payloads

    assert run(talk()) == [b"first", b"last"]


@pytest.mark.parametrize("retention", ["limits", "interest"])
def test_a_durable_run_that_dies_gets_again_what_it_did_not_settle(nats_server, retention):
    async def talk():
        address, first, second, third = subject(), Collected(), Collected(), Collected()
        to = connection(nats_server, durable_name="arazzo.run-1", options={"keep_seconds": 60})
        async with stream(nats_server, address, retention=retention) as (name, management):
            async with opened(NatsDriver, to) as driver:
                armed = await driver.arm(address, {}, None, first, name="tap/1")
                for payload in (b"1", b"2", b"3"):
                    await driver.publish(message(address, payload), {})
                await first.wait(3)
                await driver.settle(armed, first.tokens[0])
            async with library(nats_server) as other:
                await other.jetstream().publish(address, b"while it was away")
            async with opened(NatsDriver, to) as driver:
                again = await driver.arm(address, {}, armed.position, second, name="tap/1")
                await second.wait(3)
                for token in second.tokens:
                    await driver.settle(again, token)
            async with opened(NatsDriver, to) as driver:
                last = await driver.arm(address, {}, armed.position, third, name="tap/1")
                await driver.publish(message(address, b"new"), {})
                await third.wait(1)
                consumers = [each.name for each in await management.consumers_info(name)]
                await driver.disarm(last)
            left = await management.consumers_info(name)
        return first, second, third, consumers, left

    first, second, third, consumers, left = run(talk())
    assert second.payloads == [b"2", b"3", b"while it was away"]
    assert second.tokens[:2] == first.tokens[1:]
    assert third.payloads == [b"new"]
    assert len(consumers) == 1
    assert left == []


def test_a_stream_goes_on_where_it_was_when_the_connection_breaks(nats_server):
    async def talk():
        address, sink = subject(), Collected()
        with relaying(nats_server.port) as relay:
            to = connection(nats_server, url=f"nats://127.0.0.1:{relay.port}")
            async with stream(nats_server, address) as (_, management), opened(NatsDriver, to) as driver:
                armed = await driver.arm(address, {}, None, sink, name="tap")
                await driver.publish(message(address, b"1"), {})
                await sink.wait(1)
                relay.cut(refuse=True)
                await management.publish(address, b"2")
                relay.mend()
                await sink.wait(2)
                relay.hold()
                await management.publish(address, b"3, lost on its way")
                await management.publish(address, b"4, too")
                relay.cut()
                relay.mend()
                for number in range(5, 15):  # comes while the subscription is made again
                    await management.publish(address, b"%d" % number)
                await sink.wait(14)
                await driver.settle(armed, sink.tokens[0])
        return sink

    sink = run(talk())
    last = [b"%d" % number for number in range(5, 15)]
    assert sink.payloads == [b"1", b"2", b"3, lost on its way", b"4, too", *last]
    assert len(set(sink.tokens)) == 14
    assert sink.failure is None


def test_a_queue_of_work_is_listened_to_without_taking_from_it(nats_server):
    async def talk():
        address, sink = subject(), Collected()
        async with (
            stream(nats_server, address, retention="workqueue") as (name, management),
            opened(NatsDriver, connection(nats_server)) as driver,
        ):
            armed = await driver.arm(address, {}, None, sink, name="tap")
            await driver.publish(message(address, b"work"), {})
            await sink.wait(1)
            info = await management.stream_info(name)
        return armed, info

    armed, info = run(talk())
    assert armed.lossy
    assert info.state.messages == 1
    assert info.state.consumer_count == 0


def test_a_stream_that_is_gone_when_a_run_is_resumed_is_told(nats_server):
    async def talk():
        async with opened(NatsDriver, connection(nats_server)) as driver:
            await driver.arm(subject(), {}, {"stream": "gone", "sequence": 3}, Collected(), name="tap")

    failure = failure_of(talk())
    assert failure.reason == "rejected"
    assert "the stream gone that this run listened to" in failure.message


def test_a_stream_goes_on_after_the_server_was_killed_and_started_again(start_broker):
    server = start_broker(Nats)

    async def talk():
        sink = Collected()
        async with library(server) as client:
            await client.jetstream().add_stream(name="kept", subjects=["kept"])
        async with opened(NatsDriver, connection(server)) as driver:
            armed = await driver.arm("kept", {}, None, sink, name="tap")
            await driver.publish(message("kept", b"1"), {})
            await sink.wait(1)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
            async with library(server) as client:
                await client.jetstream().publish("kept", b"2")
            await sink.wait(2)
            await driver.publish(message("kept", b"3"), {})
            await sink.wait(3)
            await driver.disarm(armed)
        return sink

    sink = run(talk())
    assert sink.payloads == [b"1", b"2", b"3"]
    assert sink.tokens == ["kept:1", "kept:2", "kept:3"]
    assert sink.failure is None


def test_a_run_that_dies_before_it_settles_gets_the_same_message_again(nats_server):
    async def make(name: str) -> None:
        async with library(nats_server) as client:
            await client.jetstream().add_stream(name=name, subjects=[f"{name}.>"])

    name = f"crash{uuid.uuid4().hex}"
    run(make(name))
    dies_and_goes_on(replace(wire_to(nats_server), address=lambda each: f"{name}.{each}"))


# Faults.


def opening(to):
    async def work():
        async with opened(NatsDriver, to):
            pass

    return failure_of(work())


def test_a_server_that_is_not_there_refuses_at_once(nats_server):
    failure = opening(connection(nats_server, url=f"nats://127.0.0.1:{free_port()}"))
    assert failure.reason == "refused"
    assert not failure.sent


def test_a_host_without_an_address_is_told(nats_server):
    assert opening(connection(nats_server, url="nats://no-such-host.invalid:4222")).reason == "unknown-host"


@pytest.mark.parametrize(
    "login", [Login(), Login(username="tester", password="secret-but-wrong"), Login(token="secret-but-wrong")]
)
def test_a_wrong_login_is_refused_without_telling_it(nats_server_login, login):
    failure = opening(connection(nats_server_login, login=login))
    assert failure.reason == "credentials"
    assert "secret" not in f"{failure.message} {failure.hint}"


def test_a_certificate_that_is_not_trusted_is_refused(nats_server_tls):
    assert opening(connection(nats_server_tls, tls=ssl.create_default_context())).reason == "tls"


def test_a_server_that_wants_tls_where_none_was_asked_for_is_told(nats_server_tls):
    failure = opening(connection(nats_server_tls, tls=None))
    assert failure.reason == "tls"
    assert "nats-secure://" in failure.hint


def test_a_server_that_wants_a_certificate_of_the_client_gets_it_or_refuses(start_broker):
    server = start_broker(Nats, mutual=True)
    armed_first_and_correlated(wire_to(server))
    failure = opening(connection(server, tls=server.authority.client_context()))
    assert failure.reason in {"tls", "closed"}  # the server may be gone before its alert is read
    assert "certificate" in f"{failure.message} {failure.hint}"
    assert not failure.sent


def test_no_login_is_sent_to_a_server_without_tls_where_it_was_asked_for(nats_server_login, nats_server_tls):
    failure = opening(connection(nats_server_login, tls=nats_server_tls.client_tls))
    assert failure.reason == "tls"
    assert failure.message.endswith("does not speak TLS")


def test_something_that_does_not_speak_nats_is_told(redis_server):
    failure = opening(connection(redis_server, url=redis_server.url.replace("redis", "nats"), timeout=1.0))
    assert failure.reason in {"timeout", "rejected"}


def test_a_message_that_is_too_large_is_not_sent(nats_server):
    async def talk():
        async with opened(NatsDriver, connection(nats_server)) as driver:
            await driver.publish(message(subject(), b"x" * 1_048_576, headers=(("a", "b"),)), {})

    failure = failure_of(talk())
    assert failure.reason == "too-large"
    assert not failure.sent


def test_a_message_that_a_stream_refuses_is_told(nats_server):
    async def talk():
        address = subject()
        async with (
            stream(nats_server, address, max_msg_size=10),
            opened(NatsDriver, connection(nats_server)) as driver,
        ):
            await driver.publish(message(address, b"x" * 100), {})

    failure = failure_of(talk())
    assert failure.reason == "too-large"


def permitting(publish: str, subscribe: str) -> list[str]:
    """Return the configuration of a server with a user who may use some subjects only."""
    permissions = f"publish: [{publish}], subscribe: [{subscribe}]"
    return [f"authorization {{ users: [ {{ user: limited, password: pass, permissions: {{ {permissions} }} }} ] }}"]


@pytest.mark.parametrize("does", ["publish", "arm"])
def test_a_subject_that_is_not_permitted_is_told(start_broker, does):
    server = start_broker(
        Nats,
        extra=permitting('"open.>", "$JS.API.>"', '"open.>", "_INBOX.>"'),
    )
    to = connection(server, login=Login(username="limited", password="pass"))

    async def talk():
        async with opened(NatsDriver, to) as driver:
            if does == "publish":
                await driver.publish(message("Closed.topic"), {})
            else:
                await driver.arm("Closed.topic", {}, None, Collected(), name="tap")

    failure = failure_of(talk())
    assert failure.reason == "forbidden"
    assert not failure.sent
    assert "Closed.topic" in failure.message


def test_a_user_who_may_not_ask_for_streams_sends_and_receives_all_the_same(start_broker):
    server = start_broker(
        Nats,
        extra=permitting('"open.>"', '"open.>"'),
    )

    async def talk():
        sink = Collected()
        async with opened(NatsDriver, connection(server, login=Login(username="limited", password="pass"))) as driver:
            await driver.arm("open.topic", {}, None, sink, name="tap")
            await driver.publish(message("open.topic", b"1"), {})
            await sink.wait(1)
        return sink.payloads

    assert run(talk()) == [b"1"]


def test_a_plain_subscription_ends_when_the_server_dies_and_sending_fails(start_broker):
    server = start_broker(Nats)

    async def talk():
        sink = Collected()
        async with opened(NatsDriver, connection(server, timeout=2.0)) as driver:
            await driver.arm("topic", {}, None, sink, name="tap")
            server.kill()
            lost = await sink.wait_until_lost()
            try:
                await driver.publish(message("topic"), {})
            except Exception as problem:
                return lost, problem
        return lost, None

    lost, problem = run(talk())
    assert lost.reason == "closed"
    assert getattr(problem, "reason", None) == "closed"
    assert not problem.sent


def test_a_network_that_swallows_everything_does_not_hold_the_run_up(nats_server):
    async def talk():
        with relaying(nats_server.port) as relay:
            to = connection(nats_server, url=f"nats://127.0.0.1:{relay.port}", timeout=1.0)
            async with opened(NatsDriver, to) as driver:
                await driver.publish(message("topic"), {})
                relay.hold()
                await driver.publish(message("topic"), {})

    failure = failure_of(talk())
    assert failure.reason == "timeout"
    assert failure.sent


def test_ten_thousand_messages_of_others_come_in_order(nats_server):
    async def talk():
        address, stored = subject(), subject("stored")
        plain, kept = Collected(), Collected()
        async with (
            stream(nats_server, stored),
            opened(NatsDriver, connection(nats_server)) as driver,
            library(nats_server) as other,
        ):
            await driver.arm(address, {}, None, plain, name="plain")
            await driver.arm(stored, {}, None, kept, name="kept")
            for number in range(10_000):
                await other.publish(address, b"%d" % number)
                await other.publish(stored, b"%d" % number)
            await plain.wait(10_000)
            await driver.publish(message(address, b"ours"), {})
            await kept.wait(10_000)  # a stream stores what another connection sent later than it takes it
            await driver.publish(message(stored, b"ours"), {})
            await asyncio.gather(plain.wait(10_001), kept.wait(10_001))
        return plain.payloads, kept.payloads

    expected = [b"%d" % number for number in range(10_000)] + [b"ours"]
    for payloads in run(talk()):
        assert payloads == expected


def test_a_subscription_that_was_not_confirmed_in_time_gets_nothing_later(nats_server):
    address = subject()

    async def talk():
        with relaying(nats_server.port) as relay:
            url = f"nats://127.0.0.1:{relay.port}"
            async with opened(NatsDriver, connection(nats_server, url=url)) as driver:
                late, there = Collected(), Collected()
                await driver.publish(message(address), {})  # asks whether a stream stores them
                relay.hold()
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(driver.arm(address, {}, None, late, name="late"), 0.2)
                relay.mend()
                await driver.arm(address, {}, None, there, name="there")
                await driver.publish(message(address, b"1"), {})
                await there.wait(1)
                assert late.payloads == []

    run(talk())
