"""The driver of Redis against redis-server: pub/sub and streams."""

from __future__ import annotations

import asyncio
import json
import ssl

import pytest

from arazzo_runner.base.records import replace
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.driver import Login
from arazzo_runner.runtime.brokers.options import BrokerOptions
from arazzo_runner.runtime.brokers.redis import RedisDriver
from tests.brokers.drivers import Collected, connection, failing, opened, run
from tests.brokers.relay import relaying
from tests.brokers.scenario import Wire, broker_at, killed, refused, scenes, untrusted, with_login, wrong_login
from tests.brokers.servers import PASSWORD, USER, Redis, free_port

STREAM = {"channel": {"type": "stream"}}
KINDS = pytest.mark.parametrize("bindings", [{}, STREAM], ids=["a channel", "a stream"])


def order(number: int, address: str = "orders", **more) -> ChannelMessage:
    return ChannelMessage(address=address, payload=json.dumps({"order": number}).encode(), **more)


@KINDS
def test_what_is_sent_after_arming_comes_in_order_and_what_was_there_before_does_not(redis_server, bindings):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            await driver.publish(order(0, "placed"), bindings)
            kept = Collected()
            armed = await driver.arm("placed", bindings, None, kept, name="a")
            for number in (7, 42, 42):  # a foreign one, ours, a duplicate
                sent = await driver.publish(order(number, "placed"), bindings)
            await kept.wait(3)
            assert kept.payloads == [b'{"order": 7}', b'{"order": 42}', b'{"order": 42}']
            assert {message.address for message in kept.messages} == {"placed"}
            assert armed.address == "placed"
            assert armed.lossy is (bindings is not STREAM)
            assert (sent.receivers, sent.position is None) == ((None, False) if bindings is STREAM else (1, True))
            await driver.disarm(armed)
            await driver.publish(order(8, "placed"), bindings)
            assert len(kept.messages) == 3

    run(main())


def wire_to(server, bindings, **options):
    return Wire(
        broker=broker_at(server.url),
        options=BrokerOptions(
            login=lambda broker: Login(username=server.username, password=server.password),
            tls=lambda broker: server.client_tls,
            **options,
        ),
        bindings=bindings,
        headers=bindings is STREAM,
        content_types=bindings is STREAM,
        native=False,
        many=1000,
        wildcard=None if bindings is STREAM else "{}/*".format,
    )


@KINDS
@pytest.mark.parametrize("scene", scenes())
def test_scene(redis_server, scene, bindings):
    scene(wire_to(redis_server, bindings))


@KINDS
def test_scenes_of_servers_that_do_not_serve(redis_server_login, redis_server_tls, start_broker, bindings):
    wrong = wire_to(redis_server_login, bindings)
    wrong_login(replace(wrong, options=with_login(wrong.options, USER, "not-the-password")), "not-the-password")
    known = wire_to(redis_server_tls, bindings)
    untrusted(replace(known, options=replace(known.options, tls=lambda broker: ssl.create_default_context())))
    server = start_broker(Redis)
    if bindings is not STREAM:  # a stream goes on when the server is back
        killed(wire_to(server, bindings), server.kill)
    server.kill()
    refused(wire_to(server, bindings))


def test_a_published_message_that_nobody_gets_has_no_receivers(redis_server):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            assert (await driver.publish(order(1, "nobody"), {})).receivers == 0

    run(main())


def test_an_address_with_an_asterisk_is_a_pattern_in_which_nothing_else_has_a_meaning(redis_server):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            kept = Collected()
            await driver.arm("shop[1]/*/paid?", {}, None, kept, name="a")
            for address in ("shop1/eu/paid?", "shop[1]/eu/paidx", "shop[1]/eu/paid?"):
                await driver.publish(order(1, address), {})
            await kept.wait(1)
            assert [message.address for message in kept.messages] == ["shop[1]/eu/paid?"]

    run(main())


def test_an_entry_of_a_stream_has_headers_and_a_content_type_as_fields(redis_server):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            kept = Collected()
            await driver.arm("shipped", {"channel": {"x-redis-stream": True}}, None, kept, name="a")
            sent = order(5, "shipped", headers=(("correlationId", "ä1"),), content_type="application/json")
            position = (await driver.publish(sent, STREAM)).position
            (message,) = await kept.wait(1)
            assert message.payload == sent.payload
            assert message.headers == (("correlationId", "ä1"), ("content-type", "application/json"))
            assert message.content_type == "application/json"
            assert position == {"stream": "shipped", "id": message.native["id"]}
            assert kept.tokens == [f"shipped/{message.native['id']}"]

    run(main())


def test_an_entry_without_a_payload_is_the_json_object_of_its_fields(redis_server):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            kept = Collected()
            await driver.arm("readings", STREAM, None, kept, name="a")
            with raw(redis_server) as client:
                client.xadd("readings", {"sensor": "s1", "value": "21.5"})
            (message,) = await kept.wait(1)
            assert json.loads(message.payload) == {"sensor": "s1", "value": "21.5"}
            assert message.content_type == "application/json"

    run(main())


def test_a_stream_is_resumed_at_its_position_with_nothing_lost_and_the_same_tokens(redis_server):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            await driver.publish(order(1, "resumed"), STREAM)
            first = Collected()
            armed = await driver.arm("resumed", STREAM, None, first, name="a")
            await driver.publish(order(2, "resumed"), STREAM)
            await first.wait(1)
        async with opened(RedisDriver, connection(redis_server)) as driver:
            await driver.publish(order(3, "resumed"), STREAM)  # while nobody reads
            second = Collected()
            again = await driver.arm("resumed", STREAM, json.loads(json.dumps(armed.position)), second, name="a")
            await driver.publish(order(4, "resumed"), STREAM)
            await second.wait(3)
            assert [json.loads(payload)["order"] for payload in second.payloads] == [2, 3, 4]
            assert second.tokens[0] == first.tokens[0]
            assert again.position == armed.position

    run(main())


def gone(client):
    client.delete("short")


def anew(client):
    client.delete("short")
    client.xadd("short", {"payload": "x"}, id="1-1")


def trimmed(client):
    client.xadd("short", {"payload": "the last"}, maxlen=1, approximate=False)


def deleted(client):
    client.xdel("short", client.xrevrange("short", count=1)[0][0])


@pytest.mark.parametrize("change", [gone, anew, trimmed, deleted])
def test_entries_that_are_gone_before_they_were_read_are_told(redis_server, change):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            await driver.publish(order(1, "short"), STREAM)
            armed = await driver.arm("short", STREAM, None, Collected(), name="a")
            await driver.disarm(armed)
            await driver.publish(order(2, "short"), STREAM)
            with raw(redis_server) as client:
                change(client)
                found = await failing(driver.arm("short", STREAM, armed.position, Collected(), name="a"))
                client.delete("short")
            assert (found.reason, "are gone" in found.message) == ("closed", True)

    run(main())


def test_entries_that_are_gone_after_they_were_read_are_no_loss(redis_server):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            await driver.publish(order(1, "rolling"), STREAM)
            armed = await driver.arm("rolling", STREAM, None, Collected(), name="a")
            with raw(redis_server) as client:
                client.xadd("rolling", {"payload": "kept"}, maxlen=1, approximate=False)
            kept = Collected()
            await driver.arm("rolling", STREAM, armed.position, kept, name="b")
            await kept.wait(1)
            assert kept.payloads == [b"kept"]

    run(main())


@pytest.mark.parametrize("position", ["1-1", {}, {"stream": "s", "id": 1}, {"stream": "s", "id": "1-1", "added": "x"}])
def test_a_position_that_cannot_be_read_is_a_failure(redis_server, position):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            found = await failing(driver.arm("s", STREAM, position, Collected(), name="a"))
            assert (found.reason, "position" in found.message) == ("rejected", True)

    run(main())


def test_entries_that_were_deleted_before_arming_are_no_loss(redis_server):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            await driver.publish(order(1, "emptied"), STREAM)
            with raw(redis_server) as client:
                client.xtrim("emptied", maxlen=0, approximate=False)
            armed = await driver.arm("emptied", STREAM, None, Collected(), name="a")
            await driver.publish(order(2, "emptied"), STREAM)
            kept = Collected()
            await driver.arm("emptied", STREAM, armed.position, kept, name="b")
            await kept.wait(1)
            assert kept.payloads == [b'{"order": 2}']

    run(main())


def test_a_stream_ends_when_the_server_is_back_without_its_data(start_broker):
    server = start_broker(Redis)

    async def main():
        async with opened(RedisDriver, connection(server)) as driver:
            kept = Collected()
            await driver.arm("orders", STREAM, None, kept, name="a")
            await driver.publish(order(1, "orders"), STREAM)
            await kept.wait(1)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
            assert "are gone" in (await kept.wait_until_lost()).message

    run(main())


def test_a_login_that_may_only_read_and_write_streams_is_enough(start_broker):
    rules = "user few on >few-1 resetkeys ~orders -@all +ping +xread +xrevrange +xadd"
    server = start_broker(Redis, login=True, extra=[rules])

    async def main():
        async with opened(RedisDriver, connection(server, login=Login(username="few", password="few-1"))) as driver:
            await driver.publish(order(1, "orders"), STREAM)
            kept = Collected()
            armed = await driver.arm("orders", STREAM, None, kept, name="a")
            await driver.publish(order(2, "orders"), STREAM)
            await driver.arm("orders", STREAM, armed.position, Collected(), name="b")
            await kept.wait(1)
            assert kept.payloads == [b'{"order": 2}']

    run(main())


@KINDS
def test_ten_thousand_foreign_messages_before_ours_all_come(redis_server, bindings):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            kept = Collected()
            await driver.arm("busy", bindings, None, kept, name="a")
            with raw(redis_server) as client, client.pipeline(transaction=False) as pipe:
                for number in range(10_000):
                    if bindings is STREAM:
                        pipe.xadd("busy", {"payload": str(number)})
                    else:
                        pipe.publish("busy", str(number))
                await asyncio.to_thread(pipe.execute)
            await driver.publish(ChannelMessage(address="busy", payload=b"ours"), bindings)
            await kept.wait(10_001)
            assert kept.payloads == [*(str(number).encode() for number in range(10_000)), b"ours"]

    run(main())


def test_two_subscriptions_to_one_address_both_get_the_message(redis_server):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            both = [Collected(), Collected()]
            for number, kept in enumerate(both):
                await driver.arm("shared", {}, None, kept, name=str(number))
            assert (await driver.publish(order(1, "shared"), {})).receivers == 2
            for kept in both:
                await kept.wait(1)

    run(main())


@KINDS
def test_payloads_are_bytes_that_need_not_be_json_or_text(redis_server, bindings):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            kept = Collected()
            await driver.arm("raw", bindings, None, kept, name="a")
            for payload in (b"\xff\x00\r\n", b"", b"{"):
                await driver.publish(ChannelMessage(address="raw", payload=payload), bindings)
            await kept.wait(3)
            assert kept.payloads == [b"\xff\x00\r\n", b"", b"{"]

    run(main())


@KINDS
def test_an_inbox_is_an_address_of_its_own_for_each_run_and_leaves_nothing_behind(redis_server, bindings):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            kept = Collected()
            one = await driver.arm("replies", bindings, None, kept, name="a", inbox=True)
            other = await driver.arm("replies", bindings, None, Collected(), name="a", inbox=True)
            assert one.address != other.address
            assert one.address.startswith("arazzo:replies:")
            await driver.publish(order(1, one.address), bindings)
            await kept.wait(1)
            await driver.disarm(one)
            with raw(redis_server) as client:
                assert client.keys("arazzo:*") == []
                async with asyncio.timeout(10):
                    while client.pubsub_numsub(one.address)[0][1]:
                        await asyncio.sleep(0.01)  # until the server has seen the connection close

    run(main())


def test_the_inbox_of_a_durable_run_has_the_same_address_after_a_crash(redis_server):
    async def main():
        to = connection(redis_server, durable_name="run-1")
        async with opened(RedisDriver, to) as driver:
            first = await driver.arm("replies", STREAM, None, Collected(), name="tap", inbox=True)
            await driver.publish(order(1, first.address), STREAM)
        async with opened(RedisDriver, to) as driver:
            kept = Collected()
            again = await driver.arm("replies", STREAM, first.position, kept, name="tap", inbox=True)
            await kept.wait(1)
            assert again.address == first.address
            await driver.disarm(again)

    run(main())


def test_a_message_with_headers_is_refused_on_a_channel_before_it_is_sent(redis_server):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            kept = Collected()
            await driver.arm("headless", {}, None, kept, name="a")
            found = await failing(driver.publish(order(1, "headless", headers=(("tenant", "secret-1"),)), {}))
            assert (found.reason, found.sent) == ("rejected", False)
            assert found.message == "pub/sub of Redis has no headers, and the message for headless has tenant"
            assert "type: stream" in found.hint
            await driver.publish(ChannelMessage(address="headless", payload=b"last", content_type="text/plain"), {})
            await kept.wait(1)
            assert kept.payloads == [b"last"]

    run(main())


REFUSALS = [
    ("a header that would be the payload", order(1, headers=(("Payload", "x"),)), STREAM, "rejected", "Payload"),
    ("an unknown type of the binding", order(1), {"channel": {"type": "list"}}, "rejected", '"list"'),
    ("a key that is no stream", order(1, "a-text"), STREAM, "rejected", "WRONGTYPE"),
]


@pytest.mark.parametrize(
    ("message", "bindings", "reason", "text"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS]
)
def test_what_cannot_be_sent_is_certainly_not_sent(redis_server, message, bindings, reason, text):
    async def main():
        with raw(redis_server) as client:
            client.set("a-text", "x")
        async with opened(RedisDriver, connection(redis_server)) as driver:
            found = await failing(driver.publish(message, bindings))
            assert (found.reason, found.sent) == (reason, False)
            assert text.lower() in found.message.lower()

    run(main())


def test_arming_a_key_that_is_no_stream_fails(redis_server):
    async def main():
        with raw(redis_server) as client:
            client.set("a-text", "x")
        async with opened(RedisDriver, connection(redis_server)) as driver:
            found = await failing(driver.arm("a-text", STREAM, None, Collected(), name="a"))
            assert (found.reason, "WRONGTYPE" in found.message) == ("rejected", True)

    run(main())


def test_a_stream_has_no_patterns(redis_server):
    async def main():
        async with opened(RedisDriver, connection(redis_server)) as driver:
            found = await failing(driver.arm("orders.*", STREAM, None, Collected(), name="a"))
            assert (found.reason, "orders.* is a pattern" in found.message) == ("rejected", True)

    run(main())


def test_the_path_of_the_url_is_the_database(redis_server):
    async def main():
        async with opened(RedisDriver, connection(redis_server, url=f"{redis_server.url}/3")) as driver:
            await driver.publish(order(1, "elsewhere"), STREAM)
            with raw(redis_server, db=3) as client:
                assert client.xlen("elsewhere") == 1

    run(main())


@pytest.mark.parametrize("variant", ["redis_server_login", "redis_server_tls"])
@KINDS
def test_a_login_and_tls(request, variant, bindings):
    server = request.getfixturevalue(variant)

    async def main():
        async with opened(RedisDriver, connection(server)) as driver:
            kept = Collected()
            await driver.arm("secured", bindings, None, kept, name="a")
            await driver.publish(order(1, "secured"), bindings)
            await kept.wait(1)

    run(main())


def test_a_login_may_stand_in_the_url(redis_server_login):
    async def main():
        url = redis_server_login.url.replace("//", f"//{USER}:{PASSWORD}@")
        async with opened(RedisDriver, connection(redis_server_login, url=url, login=Login())) as driver:
            assert (await driver.publish(order(1), {})).receivers == 0

    run(main())


WRONG = [
    ("no login", Login(), "credentials", "wants a login"),
    ("a wrong password", Login(username=USER, password="wrong-1"), "credentials", "does not accept"),
    ("an unknown user", Login(username="nobody-1", password="wrong-1"), "credentials", "does not accept"),
    ("a password alone", Login(password="wrong-1"), "credentials", "does not accept"),
]


@pytest.mark.parametrize(("login", "reason", "text"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_a_wrong_login_says_so_without_the_password(redis_server_login, login, reason, text):
    async def main():
        found = await failing(RedisDriver().open(connection(redis_server_login, login=login)))
        assert (found.reason, found.sent) == (reason, False)
        assert text in found.message
        assert "wrong-1" not in f"{found.message} {found.hint}"

    run(main())


def test_a_password_for_a_server_without_one_says_so(redis_server):
    async def main():
        found = await failing(RedisDriver().open(connection(redis_server, login=Login(password="needless-1"))))
        assert (found.reason, "no password" in found.message) == ("credentials", True)

    run(main())


def test_a_login_that_may_not_is_forbidden(start_broker):
    server = start_broker(Redis, login=True, extra=["user reader on >reader-1 resetchannels ~* &news +@all -xadd"])

    async def main():
        to = connection(server, login=Login(username="reader", password="reader-1"))
        async with opened(RedisDriver, to) as driver:
            for work in (
                driver.arm("orders", {}, None, Collected(), name="a"),
                driver.publish(order(1), {}),
                driver.publish(order(1), STREAM),
            ):
                found = await failing(work)
                assert (found.reason, found.sent) == ("forbidden", False)
            await driver.arm("news", {}, None, Collected(), name="b")

    run(main())


def nothing_listens(_):
    return f"redis://127.0.0.1:{free_port()}"


UNREACHABLE = [
    ("nothing listens", nothing_listens, "refused", "refuses the connection"),
    ("no such host", lambda _: "redis://no-such-host.invalid:6379", "unknown-host", "no-such-host.invalid"),
    ("no such database", lambda server: f"{server.url}/9999", "rejected", "database"),
    ("a path that is no database", lambda server: f"{server.url}/orders", "rejected", "number of a database"),
    ("a port that is no number", lambda _: "redis://me:hush-1@127.0.0.1:port", "rejected", "127.0.0.1:port"),
    ("no host", lambda _: "redis://", "rejected", "no host"),
    ("two hosts", lambda _: "redis://a:1,b:2", "rejected", "one host"),
]


@pytest.mark.parametrize(("url", "reason", "text"), [u[1:] for u in UNREACHABLE], ids=[u[0] for u in UNREACHABLE])
def test_a_server_that_cannot_be_reached(redis_server, url, reason, text):
    async def main():
        found = await failing(RedisDriver().open(connection(redis_server, url=url(redis_server))))
        assert (found.reason, found.sent) == (reason, False)
        assert text in found.message
        assert "hush" not in f"{found.message} {found.hint}"

    run(main())


def test_a_certificate_that_is_not_trusted_is_refused(redis_server_tls):
    async def main():
        found = await failing(RedisDriver().open(connection(redis_server_tls, tls=None)))
        assert found.reason == "tls"
        assert "an authority that is not trusted here signed its certificate" in found.message

    run(main())


def test_a_secure_connection_to_a_plain_server_says_that_it_may_be_a_plain_one(redis_server):
    async def main():
        url = redis_server.url.replace("redis", "rediss")
        found = await failing(RedisDriver().open(connection(redis_server, url=url, timeout=0.5)))
        assert (found.reason, "redis://" in found.hint) == ("timeout", True)  # it waits for the end of a line

    run(main())


def test_a_plain_connection_to_a_tls_server_says_that_it_may_want_tls(redis_server_tls):
    async def main():
        url = redis_server_tls.url.replace("rediss", "redis")
        found = await failing(RedisDriver().open(connection(redis_server_tls, url=url, tls=None)))
        assert (found.reason, "rediss://" in found.hint) == ("closed", True)

    run(main())


def test_a_subscription_of_a_channel_is_lost_with_its_connection_even_when_the_server_is_back_at_once(redis_server):
    with relaying(redis_server.port) as relay:

        async def main():
            url = f"redis://127.0.0.1:{relay.port}"
            async with opened(RedisDriver, connection(redis_server, url=url)) as driver:
                kept = Collected()
                armed = await driver.arm("breaks", {}, None, kept, name="a")
                await asyncio.to_thread(relay.cut)
                assert (await kept.wait_until_lost()).reason == "closed"
                await driver.disarm(armed)
                await driver.publish(order(1, "breaks"), {})  # over a new connection

        run(main())


def test_a_stream_goes_on_after_the_last_entry_when_the_connection_is_back(redis_server):
    with relaying(redis_server.port) as relay:

        async def main():
            url = f"redis://127.0.0.1:{relay.port}"
            async with opened(RedisDriver, connection(redis_server, url=url)) as driver:
                kept = Collected()
                await driver.arm("survives", STREAM, None, kept, name="a")
                await driver.publish(order(1, "survives"), STREAM)
                await kept.wait(1)
                await asyncio.to_thread(relay.cut, refuse=True)
                with raw(redis_server) as client:
                    client.xadd("survives", {"payload": "while it was cut"})
                await asyncio.to_thread(relay.mend)
                await kept.wait(2)
                assert kept.payloads == [b'{"order": 1}', b"while it was cut"]

        run(main())


@KINDS
def test_a_server_that_is_killed_between_sending_and_receiving_never_blocks(start_broker, bindings):
    server = start_broker(Redis)

    async def main():
        async with opened(RedisDriver, connection(server)) as driver:
            kept = Collected()
            armed = await driver.arm("killed", bindings, None, kept, name="a")
            server.kill()
            found = await failing(driver.publish(order(1, "killed"), bindings))
            assert (found.reason, found.sent) == ("refused", False)
            if bindings is not STREAM:
                assert (await kept.wait_until_lost()).reason == "closed"
            async with asyncio.timeout(5):
                await driver.disarm(armed)

    run(main())


@KINDS
def test_a_server_that_swallows_everything_is_a_timeout(redis_server, bindings):
    with relaying(redis_server.port) as relay:

        async def main():
            url = f"redis://127.0.0.1:{relay.port}"
            async with opened(RedisDriver, connection(redis_server, url=url, timeout=0.5)) as driver:
                relay.hold()
                found = await failing(driver.publish(order(1), bindings))
                assert (found.reason, found.sent) == ("timeout", False)
                assert (await failing(driver.arm("orders", bindings, None, Collected(), name="a"))).reason == "timeout"

        run(main())


def test_a_message_that_is_too_large_for_the_server_is_not_sent(start_broker):
    server = start_broker(Redis, extra=["proto-max-bulk-len 1mb"])

    async def main():
        async with opened(RedisDriver, connection(server)) as driver:
            for bindings in ({}, STREAM):
                found = await failing(driver.publish(ChannelMessage(address="big", payload=bytes(3_000_000)), bindings))
                assert (found.reason, found.sent) == ("too-large", False)
                await driver.publish(order(1, "big"), bindings)

    run(main())


@KINDS
def test_a_message_that_is_larger_than_allowed_here_ends_the_subscription(redis_server, bindings):
    async def main():
        async with opened(RedisDriver, connection(redis_server, max_message_size=1000)) as driver:
            kept = Collected()
            await driver.arm("big", bindings, None, kept, name="a")
            await driver.publish(ChannelMessage(address="big", payload=bytes(1000)), bindings)
            await driver.publish(ChannelMessage(address="big", payload=bytes(1001)), bindings)
            found = await kept.wait_until_lost()
            assert (found.reason, len(kept.messages)) == ("too-large", 1)
            assert "1001 bytes, 1000 are allowed" in found.message

    run(main())


def test_an_error_of_the_server_never_shows_the_message(start_broker):
    server = start_broker(Redis, extra=["rename-command XADD NOBODY"])

    async def main():
        async with opened(RedisDriver, connection(server)) as driver:
            found = await failing(driver.publish(ChannelMessage(address="orders", payload=b"hush-1"), STREAM))
            assert (found.reason, found.sent) == ("rejected", False)
            assert "unknown command" in found.message
            assert "hush" not in found.message

    run(main())


def raw(server: Redis, db: int = 0):
    import redis

    return redis.Redis(port=server.port, db=db)
