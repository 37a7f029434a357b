"""Webhooks: the listener, called by a raw client, and messages that a run posts itself."""

from __future__ import annotations

import asyncio
import socket
import socketserver
import threading
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from arazzo_runner.engine.messages import ChannelMessage, NoMessage
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Connection, Login
from arazzo_runner.runtime.brokers.http_channels import HttpDriver
from tests.brokers.collecting import Collected, on_loop
from tests.brokers.raw_http import Asked, answering
from tests.brokers.scenario import Wire, broker_at, run_on


@asynccontextmanager
async def driving(url: str = "https://api.test", **settings: Any) -> Any:
    driver = HttpDriver()
    await driver.open(Connection(**{"url": url, "protocol": url.partition(":")[0], "timeout": 5.0, **settings}))
    try:
        yield driver
    finally:
        await driver.close()


async def armed(driver: HttpDriver, position: Any = None, bindings: Any = None) -> Any:
    sink = Collected()
    return sink, await driver.arm("/signed", bindings or {}, position, sink, name="tap")


class Client:
    """A connection to a listener; `ask` writes a request and reads the answer to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer: asyncio.StreamWriter = writer

    async def write(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def status(self) -> int:
        """Read the head of an answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.head = head.decode()
        return int(head.split(b" ")[1])


@asynccontextmanager
async def connected(url: str) -> Any:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


def request(path: str, body: bytes = b"", *headers: str, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: me.test", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def post(url: str, body: bytes = b"{}", *headers: str, path: str | None = None, method: str = "POST") -> int:
    async with connected(url) as client:
        await client.write(request(urlsplit(url).path if path is None else path, body, *headers, method=method))
        status: int = await client.status()
        return status


# ------------------------------------------------------------------ what comes


def test_a_posted_message_comes_with_its_headers():
    async def scenario():
        async with driving() as driver:
            sink, subscription = await armed(driver)
            headers = ("Content-Type: application/json; charset=utf-8", "X-Signature: abc", "x-signature: def")
            assert await post(subscription.address, b'{"id": 1}', *headers) == 204
            assert await sink.received(1) == [b'{"id": 1}']
            found = sink.messages[0]
            assert found.content_type == "application/json; charset=utf-8"
            assert [pair for pair in found.headers if pair[0].lower() == "x-signature"] == [
                ("X-Signature", "abc"),
                ("x-signature", "def"),
            ]
            assert found.address == subscription.address
            assert subscription.lossy

    on_loop(scenario())


def test_addresses_are_on_loopback_and_cannot_be_guessed():
    async def scenario():
        async with driving() as driver:
            urls = [(await armed(driver))[1].address for _ in range(50)]
            parts = [urlsplit(url) for url in urls]
            assert {each.hostname for each in parts} == {"127.0.0.1"}
            assert {each.port for each in parts} == {parts[0].port}
            assert len({each.path for each in parts}) == 50
            assert all(len(each.path.strip("/")) == 22 for each in parts)  # 128 bits in base64

    on_loop(scenario())


def test_many_messages_on_one_connection():
    async def scenario():
        async with driving() as driver:
            sink, subscription = await armed(driver)
            async with connected(subscription.address) as client:
                path = urlsplit(subscription.address).path
                for number in range(3):
                    await client.write(request(path, b"%d" % number))
                    assert await client.status() == 204
            assert await sink.received(3) == [b"0", b"1", b"2"]

    on_loop(scenario())


def test_each_subscription_gets_what_is_posted_to_its_own_path():
    async def scenario():
        async with driving() as driver:
            (one, first), (two, second) = await armed(driver), await armed(driver)
            await post(first.address, b"1")
            await post(second.address, b"2")
            assert (one.payloads, two.payloads) == ([b"1"], [b"2"])

    on_loop(scenario())


def test_a_body_in_chunks_and_an_expected_continue():
    async def scenario():
        async with driving() as driver:
            sink, subscription = await armed(driver)
            path = urlsplit(subscription.address).path
            async with connected(subscription.address) as client:
                lines = (
                    f"POST {path}?a=1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
                )
                await client.write(lines.encode())
                assert await client.status() == 100
                await client.write(b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
                assert await client.status() == 204
            assert await sink.received(1) == [b"abc"]
            assert sink.messages[0].native == {"query": "a=1"}

    on_loop(scenario())


@pytest.mark.parametrize(
    ("given", "path", "expected"),
    [
        pytest.param("https://tunnel.test", "/TOKEN", "https://tunnel.test/TOKEN", id="a tunnel"),
        pytest.param("https://tunnel.test/hooks/", "/hooks/TOKEN", "https://tunnel.test/hooks/TOKEN", id="a tunnel that keeps its path"),
        pytest.param("https://tunnel.test/hooks/", "/TOKEN", "https://tunnel.test/hooks/TOKEN", id="a tunnel that drops its path"),
        pytest.param("https://tunnel.test/hooks/me", "/hooks/me", "https://tunnel.test/hooks/me", id="an address that the API knows already"),
    ],
)  # fmt: skip
def test_url_of_a_tunnel(given, path, expected):
    async def scenario():
        async with driving(options={"webhook_url": given}) as driver:
            sink, subscription = await armed(driver)
            token = subscription.position["token"]
            assert subscription.address == expected.replace("TOKEN", token)
            here = f"http://127.0.0.1:{subscription.position['port']}"
            assert await post(here, b"1", path=path.replace("TOKEN", token)) == 204
            assert await sink.received(1) == [b"1"]

    on_loop(scenario())


def test_subscriptions_at_one_known_address_all_get_its_messages():
    async def scenario():
        async with driving(options={"webhook_url": "https://tunnel.test/hooks/me"}) as driver:
            (one, first), (two, _) = await armed(driver), await armed(driver)
            here = f"http://127.0.0.1:{first.position['port']}"
            assert await post(here, b"1", path="/hooks/me") == 204
            assert (one.payloads, two.payloads) == ([b"1"], [b"1"])
            await driver.disarm(first)
            assert await post(here, b"2", path="/hooks/me") == 204
            assert await post(here, b"3", path="/me") == 404
            assert (one.payloads, two.payloads) == ([b"1"], [b"1", b"2"])

    on_loop(scenario())


def test_an_inbox_is_a_webhook_too():
    async def scenario():
        async with driving() as driver:
            sink = Collected()
            stream = {"message": {"contentType": "text/event-stream"}}
            subscription = await driver.arm("", stream, None, sink, name="tap", inbox=True)
            assert await post(subscription.address, b"1") == 204
            assert await sink.received(1) == [b"1"]

    on_loop(scenario())


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"path": "/"}, 404, id="no path"),
        pytest.param({"path": "/aaaaaaaaaaaaaaaaaaaaaa"}, 404, id="another path"),
        pytest.param({"path": "/%C3%A9"}, 404, id="a path that is not ASCII"),
        pytest.param({"method": "GET"}, 405, id="GET"),
        pytest.param({"method": "PUT"}, 405, id="PUT"),
        pytest.param({"body": b"x" * 1001}, 413, id="a body that is too large"),
        pytest.param({"headers": ("Content-Encoding: gzip",)}, 415, id="a compressed body"),
        pytest.param({"headers": ("Transfer-Encoding: chunked",)}, 400, id="two lengths"),
        pytest.param({"headers": ("X-Y: " + "z" * 100_000,)}, 431, id="a head that is too large"),
        pytest.param({"headers": ("broken",)}, 400, id="a line that is no header"),
    ],
)
def test_request_that_is_refused(change, status):
    async def scenario():
        async with driving(max_message_size=1000) as driver:
            sink, subscription = await armed(driver)
            more = dict(change)
            body, headers = more.pop("body", b"{}"), more.pop("headers", ())
            assert await post(subscription.address, body, *headers, **more) == status
            assert sink.messages == []
            assert await post(subscription.address, b"x" * 1000) == 204

    on_loop(scenario())


def test_a_body_that_grows_too_large_in_chunks():
    async def scenario():
        async with driving(max_message_size=1000) as driver:
            sink, subscription = await armed(driver)
            async with connected(subscription.address) as client:
                head = f"POST {urlsplit(subscription.address).path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                await client.write(head.encode() + b"200\r\n" + b"x" * 512 + b"\r\n200\r\n" + b"x" * 512 + b"\r\n")
                assert await client.status() == 413
            assert sink.messages == []

    on_loop(scenario())


def test_bytes_that_are_no_request():
    async def scenario():
        async with driving() as driver:
            _, subscription = await armed(driver)
            async with connected(subscription.address) as client:
                await client.write(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
                assert await client.status() == 400

    on_loop(scenario())


def test_the_path_answers_404_once_its_subscription_has_ended():
    async def scenario():
        async with driving() as driver:
            (ended, first), (kept, second) = await armed(driver), await armed(driver)
            await driver.disarm(first)
            assert await post(first.address) == 404
            assert await post(second.address, b"1") == 204
            assert (ended.messages, kept.payloads) == ([], [b"1"])

    on_loop(scenario())


def test_a_subscription_that_ends_while_a_body_comes_takes_nothing():
    async def scenario():
        async with driving() as driver:
            sink, subscription = await armed(driver)
            async with connected(subscription.address) as client:
                whole = request(urlsplit(subscription.address).path, b"12", "Expect: 100-continue")
                await client.write(whole[:-1])
                assert await client.status() == 100
                await driver.disarm(subscription)
                await client.write(whole[-1:])
                assert await client.status() == 404
            assert sink.messages == []

    on_loop(scenario())


def test_nothing_listens_after_close():
    async def scenario():
        async with driving() as driver:
            _, subscription = await armed(driver)
            async with connected(subscription.address) as idle:
                await driver.close()
                assert await idle.reader.read() == b""
            with pytest.raises(OSError, match="Connect call failed"):
                await post(subscription.address)

    on_loop(scenario())


def test_clients_that_send_nothing_do_not_keep_others_out():
    async def scenario():
        async with driving() as driver:
            sink, subscription = await armed(driver)
            parts = urlsplit(subscription.address)
            idle = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(40)]
            assert await post(subscription.address, b"1") == 204
            assert await sink.received(1) == [b"1"]
            for _, writer in idle:
                writer.close()

    on_loop(scenario())


# ------------------------------------------------------------------ where it listens


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def test_connections_that_share_a_port():
    async def scenario():
        shared: dict[str, object] = {}
        options = {"webhook_listen": f"127.0.0.1:{_free_port()}"}
        async with driving("https://two.test", options=options, shared=shared) as kept:
            async with driving("https://one.test", options=options, shared=shared) as first:
                (one, a), (two, b) = await armed(first), await armed(kept)
                await post(a.address, b"1")
                await post(b.address, b"2")
                assert (one.payloads, two.payloads) == ([b"1"], [b"2"])
            assert await post(b.address, b"3") == 204
            assert await post(a.address, b"4") == 404
        assert shared == {}

    on_loop(scenario())


def test_a_subscription_goes_on_at_its_earlier_address():
    async def scenario():
        async with driving() as driver:
            _, before = await armed(driver)
        async with driving() as driver:
            sink, after = await armed(driver, before.position)
            assert after.address == before.address
            assert await post(before.address, b"1") == 204
            assert await sink.received(1) == [b"1"]

    on_loop(scenario())


@pytest.mark.parametrize(
    "position",
    [
        pytest.param({"token": "x", "port": 1}, id="a token that is too short"),
        pytest.param({"token": "../../../aaaaaaaaaaaaaaa"}, id="a token that is a path"),
        pytest.param("other", id="another position"),
    ],
)
def test_a_position_that_is_none_of_ours_counts_as_none(position):
    async def scenario():
        async with driving() as driver:
            _, subscription = await armed(driver, position)
            assert await post(subscription.address) == 204

    on_loop(scenario())


def test_a_port_that_is_taken():
    async def scenario():
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            async with driving(options={"webhook_listen": f"127.0.0.1:{port}"}) as driver:
                with pytest.raises(BrokerFailure, match=f"cannot listen for webhooks at 127.0.0.1:{port}") as refused:
                    await armed(driver)
                assert refused.value.reason == "refused"

    on_loop(scenario())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("webhook_listen", "8080", id="a port alone"),
        pytest.param("webhook_listen", ":8080", id="no host"),
        pytest.param("webhook_listen", "127.0.0.1:99999", id="a port that is none"),
        pytest.param("webhook_listen", "http://127.0.0.1:80", id="a URL to listen at"),
        pytest.param("webhook_url", "tunnel.test", id="a host alone"),
        pytest.param("webhook_url", "ftp://tunnel.test", id="another scheme"),
        pytest.param("webhook_url", "https://tunnel.test/?a=1", id="a query"),
    ],
)
def test_option_that_cannot_be_used(name, text):
    async def scenario():
        async with driving(options={name: text}) as driver:
            with pytest.raises(BrokerFailure) as refused:
                await armed(driver)
            assert text in refused.value.message
            assert refused.value.hint is not None

    on_loop(scenario())


# ------------------------------------------------------------------ what the run posts


def message(payload: bytes = b'{"id": 1}', address: str = "/signed", **more: Any) -> ChannelMessage:
    return ChannelMessage(address=address, payload=payload, **more)


def replying(status: int, *more: str) -> Any:
    async def answer(asked: Asked) -> None:
        await asked.head(status, "text/plain", *more)

    return answer


@pytest.mark.parametrize(
    ("bindings", "method"),
    [
        pytest.param({}, "POST", id="POST unless it is said"),
        pytest.param({"operation": {"method": "PUT"}}, "PUT", id="the method of the operation's binding"),
    ],
)
def test_a_message_is_posted(bindings, method):
    async def scenario():
        login = Login(headers=(("Authorization", "Bearer t"),))
        async with answering(replying(202)) as served, driving(served.url + "/hooks", login=login) as driver:
            constant = {"message": {"headers": {"properties": {"X-Kind": {"const": "signed"}}}}}
            sent = message(headers=(("X-Trace", "abc"),), content_type="application/json")
            published = await driver.publish(sent, {**bindings, **constant})
            asked = served.requests[0]
            assert (asked.method, asked.target, asked.body) == (method, "/hooks/signed", b'{"id": 1}')
            names = ("x-trace", "x-kind", "content-type", "authorization")
            assert [asked.headers[name] for name in names] == ["abc", "signed", "application/json", "Bearer t"]
            assert published.receivers is None

    on_loop(scenario())


@pytest.mark.parametrize(
    ("answer", "reason", "sent"),
    [
        pytest.param(replying(400), "rejected", False, id="400"),
        pytest.param(replying(401), "credentials", False, id="401"),
        pytest.param(replying(403), "forbidden", False, id="403"),
        pytest.param(replying(404), "rejected", False, id="404"),
        pytest.param(replying(500), "rejected", True, id="500, after which it may have acted"),
        pytest.param(replying(502), "rejected", True, id="502, behind which it may have acted"),
        pytest.param(replying(503), "rejected", False, id="503"),
        pytest.param(
            replying(307, "Location: http://evil.test/"), "rejected", False, id="a redirect, which is not followed"
        ),
    ],
)
def test_status_that_refuses_a_message(answer, reason, sent):
    async def scenario():
        async with answering(answer) as served, driving(served.url) as driver:
            with pytest.raises(BrokerFailure) as refused:
                await driver.publish(message(), {})
            assert (refused.value.reason, refused.value.sent) == (reason, sent)

    on_loop(scenario())


async def _closes(asked: Asked) -> None:
    asked.writer.close()


async def _silence(asked: Asked) -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [pytest.param(_closes, "closed", id="closed without an answer"), pytest.param(_silence, "timeout", id="no answer")],
)
def test_message_whose_outcome_is_unknown(answer, reason):
    async def scenario():
        async with answering(answer) as served, driving(served.url, timeout=0.5) as driver:
            with pytest.raises(BrokerFailure) as refused:
                await driver.publish(message(), {})
            assert (refused.value.reason, refused.value.sent) == (reason, True)

    on_loop(scenario())


def test_a_message_nobody_listens_for_was_not_sent():
    async def scenario():
        async with driving("http://127.0.0.1:1") as driver:
            with pytest.raises(BrokerFailure) as refused:
                await driver.publish(message(), {})
            assert (refused.value.reason, refused.value.sent) == ("refused", False)

    on_loop(scenario())


@pytest.mark.parametrize(
    ("sent", "bindings", "part"),
    [
        pytest.param(message(address="http://evil.test/x"), {}, "names a host", id="another host"),
        pytest.param(message(headers=(("X-A", "1\r\nX-B: 2"),)), {}, "line break", id="a line break in a header"),
        pytest.param(message(headers=(("Host", "evil.test"),)), {}, "set by the protocol", id="the header Host"),
        pytest.param(
            message(), {"operation": {"method": "DELETE"}}, "not sent with the method DELETE", id="another method"
        ),
    ],
)
def test_message_that_cannot_be_posted(sent, bindings, part):
    async def scenario():
        async with answering(replying(202)) as served, driving(served.url) as driver:
            with pytest.raises(BrokerFailure, match=part) as refused:
                await driver.publish(sent, bindings)
            assert (refused.value.reason, refused.value.sent, served.requests) == ("rejected", False, [])

    on_loop(scenario())


def test_connections_that_begin_to_listen_at_the_same_time_share_a_port() -> None:
    async def main() -> None:
        shared: dict[str, object] = {}
        async with driving(shared=shared) as one, driving(url="http://other.test", shared=shared) as other:
            (first, armed_first), (second, armed_second) = await asyncio.gather(armed(one), armed(other))
            assert urlsplit(armed_first.address).port == urlsplit(armed_second.address).port
            assert [await post(each.address) for each in (armed_first, armed_second)] == [204, 204]
            assert (len(first.messages), len(second.messages)) == (1, 1)
        assert not shared

    on_loop(main())


class HangsUp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(65536)


def test_a_message_that_cannot_be_posted_leaves_the_webhooks_of_the_run() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), HangsUp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with run_on(Wire(broker=broker_at(f"http://127.0.0.1:{server.server_address[1]}"))) as run:
            address = run.arm().address
            refused = run.try_to_send(address="/orders")
            assert isinstance(refused, NoMessage)
            assert refused.reason == "closed"
            assert asyncio.run(post(address, b"1")) == 204
            assert run.take().message.payload == b"1"
        server.shutdown()
