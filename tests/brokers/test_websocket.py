"""The driver of WebSocket against servers of the library on loopback, and against some that are none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Connection, Login
from arazzo_runner.runtime.brokers.websocket import WebSocketDriver
from tests.brokers.collecting import Collected, on_loop
from tests.runtime.proxy_server import ProxyServer
from tests.runtime.tls_server import Authority

pytest.importorskip("websockets")
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

QUIET = logging.Logger("quiet", logging.CRITICAL + 1)
Handle = Callable[[ServerConnection], Awaitable[None]]


class Served:
    """A server: its URL, and every handshake as it arrived."""

    def __init__(self, port: int, scheme: str) -> None:
        self.url = f"{scheme}://127.0.0.1:{port}"
        self.requests: list[Request] = []
        self.frames: list[str | bytes] = []


@asynccontextmanager
async def serving(handle: Handle | None = None, *, tls: Any = None, **options: Any) -> Any:
    """Serve on a free port; the usual handler sends every frame back."""
    served: Served

    async def usual(socket: ServerConnection) -> None:
        async for frame in socket:
            served.frames.append(frame)
            await socket.send(frame)

    def seen(socket: ServerConnection, request: Request) -> None:
        served.requests.append(request)

    options.setdefault("process_request", seen)
    async with serve(handle or usual, "127.0.0.1", 0, ssl=tls, logger=QUIET, close_timeout=1, **options) as server:
        served = Served(server.sockets[0].getsockname()[1], "ws" if tls is None else "wss")
        yield served


@asynccontextmanager
async def driving(url: str, **settings: Any) -> Any:
    """Open a driver; close it at the end."""
    driver = WebSocketDriver()
    await driver.open(Connection(**{"url": url, "protocol": url.partition(":")[0], "timeout": 5.0, **settings}))
    try:
        yield driver
    finally:
        await driver.close()


async def armed(driver: WebSocketDriver, address: str = "/orders", bindings: Any = None) -> tuple[Collected, Any]:
    sink = Collected()
    return sink, await driver.arm(address, bindings or {}, None, sink, name="tap")


def message(payload: bytes = b"{}", address: str = "/orders", **more: Any) -> ChannelMessage:
    return ChannelMessage(address=address, payload=payload, **more)


# ------------------------------------------------------------------ messages


def test_what_is_sent_and_what_comes_share_one_connection():
    async def scenario():
        async with serving() as served, driving(served.url) as driver:
            sink, subscription = await armed(driver)
            await driver.publish(message(b'{"id": 1}'), {})
            assert await sink.received(1) == [b'{"id": 1}']
            assert sink.messages[0].address == "/orders"
            assert (subscription.address, subscription.position, subscription.lossy) == ("/orders", None, True)
            assert [each.path for each in served.requests] == ["/orders"]

    on_loop(scenario())


@pytest.mark.parametrize(
    ("payload", "content_type", "expected"),
    [
        pytest.param(b'{"a": "\xc3\xa9"}', None, '{"a": "é"}', id="UTF-8 goes as text"),
        pytest.param(b"\xff\xfe\x00", None, b"\xff\xfe\x00", id="what is not UTF-8 goes as binary"),
        pytest.param(b"abc", "application/octet-stream", b"abc", id="a binary content type goes as binary"),
        pytest.param(b"", "application/json", "", id="an empty payload is an empty text"),
        pytest.param(b"x" * 200_000, None, "x" * 200_000, id="a message larger than a packet"),
    ],
)
def test_kind_of_frame(payload, content_type, expected):
    async def scenario():
        async with serving() as served, driving(served.url) as driver:
            sink, _ = await armed(driver)
            await driver.publish(message(payload, content_type=content_type), {})
            assert await sink.received(1) == [payload]
            assert served.frames == [expected]
            assert sink.messages[0].native == {"frame": "text" if isinstance(expected, str) else "binary"}

    on_loop(scenario())


def test_every_subscription_of_an_address_gets_its_messages_until_it_ends():
    async def scenario():
        async with serving() as served, driving(served.url) as driver:
            (first, one), (second, _), (other, _) = (
                await armed(driver),
                await armed(driver),
                await armed(driver, "/other"),
            )
            await driver.publish(message(b"1"), {})
            await asyncio.gather(first.received(1), second.received(1))
            await driver.disarm(one)
            await driver.publish(message(b"2"), {})
            assert await second.received(2) == [b"1", b"2"]
            assert (first.payloads, other.payloads) == ([b"1"], [])
            assert first.failure is None

    on_loop(scenario())


def test_the_connection_is_closed_with_its_last_subscription():
    gone = asyncio.Event()

    async def handle(socket):
        await socket.wait_closed()
        gone.set()

    async def scenario():
        async with serving(handle) as served, driving(served.url) as driver:
            _, subscription = await armed(driver)
            await driver.disarm(subscription)
            await gone.wait()

    on_loop(scenario())


def test_many_connections_that_are_only_sent_to_do_not_stay_open():
    count = {"open": 0, "most": 0}

    async def handle(socket):
        count["open"] += 1
        count["most"] = max(count.values())
        await socket.wait_closed()
        count["open"] -= 1

    async def scenario():
        async with serving(handle) as served, driving(served.url) as driver:
            for number in range(40):
                await driver.publish(message(address=f"/orders/{number}"), {})
        assert count["most"] < 25

    on_loop(scenario())


# ------------------------------------------------------------------ the handshake


@pytest.mark.parametrize(
    ("base", "address", "bindings", "target"),
    [
        pytest.param("", "/orders", {}, "/orders", id="the address is the path"),
        pytest.param("/v1/", "orders", {}, "/v1/orders", id="below the server's path"),
        pytest.param("/v1", "/", {}, "/v1", id="the address / is the server itself"),
        pytest.param("", "/orders?since=5", {}, "/orders?since=5", id="a query of the address stays"),
        pytest.param("", "/a b/é", {}, "/a%20b/%C3%A9", id="what a URL cannot hold is encoded"),
        pytest.param(
            "", "/orders", {"channel": {"query": {"properties": {"v": {"const": 2}, "x": {}}}}}, "/orders?v=2",
            id="a constant of the binding's query is added",
        ),
        pytest.param(
            "", "/orders?v=1", {"channel": {"query": {"properties": {"v": {"default": 2}}}}}, "/orders?v=1",
            id="a value of the address counts more than a default",
        ),
    ],
)  # fmt: skip
def test_target(base, address, bindings, target):
    async def scenario():
        async with serving() as served, driving(served.url + base) as driver:
            await armed(driver, address, bindings)
            assert [each.path for each in served.requests] == [target]

    on_loop(scenario())


@pytest.mark.parametrize(
    ("address", "part"),
    [
        pytest.param("ws://evil.test/x", "names a host", id="another URL"),
        pytest.param("//evil.test/x", "names a host", id="another host"),
        pytest.param("/a/../b", "segment . or ..", id="a way up"),
        pytest.param("/a/%2e%2e/b", "segment . or ..", id="an encoded way up"),
        pytest.param("/a\r\nX: y", "control character", id="a line break"),
        pytest.param("/a#b", "has #", id="a fragment"),
    ],
)
def test_address_that_is_no_path_is_refused(address, part):
    async def scenario():
        async with serving() as served, driving(served.url) as driver:
            with pytest.raises(BrokerFailure, match=part) as refused:
                await armed(driver, address)
            assert (refused.value.reason, refused.value.sent) == ("rejected", False)
            assert served.requests == []

    on_loop(scenario())


def test_headers_of_the_first_message_go_with_the_handshake():
    async def scenario():
        login = Login(headers=(("Authorization", "Bearer t0ken"),), query=(("key", "k/1"),))
        async with serving() as served, driving(served.url, login=login) as driver:
            bindings = {"channel": {"headers": {"properties": {"X-Version": {"const": 3}}}}}
            await driver.publish(message(headers=(("X-Trace", "abc"),)), bindings)
            await driver.publish(message(headers=(("x-trace", "abc"),)), bindings)
            (request,) = served.requests
            names = ("X-Trace", "X-Version", "Authorization")
            assert [request.headers[name] for name in names] == ["abc", "3", "Bearer t0ken"]
            assert request.headers.get_all("User-Agent")[0].startswith("arazzo/")
            assert request.path == "/orders?key=k%2F1"

    on_loop(scenario())


def test_headers_that_cannot_be_sent_any_more_are_refused():
    async def scenario():
        async with serving() as served, driving(served.url) as driver:
            await armed(driver)
            with pytest.raises(BrokerFailure, match="is open already, without the header X-Trace") as refused:
                await driver.publish(message(headers=(("X-Trace", "abc"),)), {})
            assert (refused.value.reason, refused.value.sent, served.frames) == ("rejected", False, [])
            assert refused.value.hint is not None

    on_loop(scenario())


@pytest.mark.parametrize(
    ("header", "part"),
    [
        pytest.param(("X-A", "1\r\nX-B: 2"), "line break", id="a line break in a value"),
        pytest.param(("X A", "1"), "cannot be the name", id="a blank in a name"),
        pytest.param(("Sec-WebSocket-Key", "1"), "set by the protocol", id="a header of the handshake"),
        pytest.param(("Host", "evil.test"), "set by the protocol", id="another host"),
    ],
)
def test_header_that_would_break_the_handshake_is_refused(header, part):
    async def scenario():
        async with serving() as served, driving(served.url) as driver:
            with pytest.raises(BrokerFailure, match=part):
                await driver.publish(message(headers=(header,)), {})
            assert served.requests == []

    on_loop(scenario())


def test_subprotocol_is_agreed_on():
    async def scenario():
        async with serving(subprotocols=["graphql-ws"]) as served, driving(served.url) as driver:
            await driver.publish(message(headers=(("Sec-WebSocket-Protocol", "graphql-ws"),)), {})
            assert served.requests[0].headers["Sec-WebSocket-Protocol"] == "graphql-ws"

    on_loop(scenario())


def test_a_required_parameter_without_a_value_is_named():
    async def scenario():
        async with serving() as served, driving(served.url) as driver:
            with pytest.raises(BrokerFailure, match='needs the parameter "room"'):
                await armed(driver, bindings={"channel": {"query": {"properties": {"room": {}}, "required": ["room"]}}})

    on_loop(scenario())


# ------------------------------------------------------------------ failures


def answering(status: int, *headers: tuple[str, str]) -> Any:
    """Return what makes a server answer every handshake with a status."""

    def process(socket: ServerConnection, request: Request) -> Response:
        return Response(status, "Reason", Headers([*headers, ("Content-Length", "0")]), b"")

    return process


@pytest.mark.parametrize(
    ("status", "reason", "part"),
    [
        pytest.param(401, "credentials", "asks for other credentials", id="401"),
        pytest.param(403, "forbidden", "forbids the connection", id="403"),
        pytest.param(404, "rejected", "has no WebSocket at /orders", id="404"),
        pytest.param(500, "rejected", r"refuses the WebSocket at /orders \(500\)", id="500"),
        pytest.param(200, "rejected", "does not answer as a WebSocket server", id="200"),
    ],
)
def test_handshake_that_is_refused(status, reason, part):
    async def scenario():
        async with serving(process_request=answering(status)) as served, driving(served.url) as driver:
            with pytest.raises(BrokerFailure, match=part) as refused:
                await armed(driver)
            assert (refused.value.reason, refused.value.sent) == (reason, False)

    on_loop(scenario())


def test_redirects_are_not_followed():
    async def scenario():
        async with serving() as target:
            leads = ("Location", f"{target.url}/elsewhere?token=s3cret")
            async with serving(process_request=answering(302, leads)) as served, driving(served.url) as driver:
                with pytest.raises(BrokerFailure, match="redirects") as refused:
                    await armed(driver)
                assert target.requests == []
                assert "s3cret" not in refused.value.message

    on_loop(scenario())


async def _raw(answer: bytes | None) -> Any:
    """Serve something that is no WebSocket: bytes, or silence for None."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(10)
            if answer is None:
                await reader.read()
            writer.write(answer or b"")
            await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    return await asyncio.start_server(handle, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(b"220 mail.test ESMTP\r\n", "rejected", id="another protocol"),
        pytest.param(b"", "rejected", id="closed at once"),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
            "rejected",
            id="an endless header",
        ),
        pytest.param(None, "timeout", id="silence"),
    ],
)
def test_server_that_is_none(answer, reason):
    async def scenario():
        server = await _raw(answer)
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, driving(url, timeout=0.5) as driver:
            with pytest.raises(BrokerFailure) as refused:
                await armed(driver)
            assert (refused.value.reason, refused.value.sent) == (reason, False)
            assert "127.0.0.1" in refused.value.message

    on_loop(scenario())


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("ws://127.0.0.1:1", "refused", id="nobody listens"),
        pytest.param("ws://broker.invalid:9", "unknown-host", id="no such host"),
    ],
)
def test_server_that_is_not_there(url, reason):
    async def scenario():
        async with driving(url) as driver:
            with pytest.raises(BrokerFailure) as refused:
                await armed(driver)
            assert (refused.value.reason, refused.value.sent) == (reason, False)
            assert refused.value.hint is not None

    on_loop(scenario())


@pytest.mark.parametrize(
    ("code", "part"),
    [
        pytest.param(1000, "with code 1000: done", id="a normal end"),
        pytest.param(1008, "with code 1008: done", id="a policy"),
        pytest.param(4001, "with code 4001: done", id="a code of the application"),
    ],
)
def test_server_closes(code, part):
    async def handle(socket):
        await socket.recv()
        await socket.send("last")
        await socket.close(code, "done")

    async def scenario():
        async with serving(handle) as served, driving(served.url) as driver:
            sink, _ = await armed(driver)
            await driver.publish(message(), {})
            failure = await sink.ended()
            assert (failure.reason, sink.payloads) == ("closed", [b"last"])
            assert part in failure.message

    on_loop(scenario())


def test_server_that_vanishes():
    async def handle(socket):
        await socket.recv()
        socket.transport.abort()

    async def scenario():
        async with serving(handle) as served, driving(served.url) as driver:
            sink, _ = await armed(driver)
            await driver.publish(message(), {})
            assert (await sink.ended()).message == f"the connection to {served.url[5:]} broke"

    on_loop(scenario())


def test_message_that_is_too_large_ends_the_subscription():
    async def handle(socket):
        await socket.send(b"x" * 2000)
        await socket.wait_closed()

    async def scenario():
        async with serving(handle) as served, driving(served.url, max_message_size=1000) as driver:
            sink, _ = await armed(driver)
            failure = await sink.ended()
            assert (failure.reason, sink.payloads) == ("too-large", [])
            assert "more than 1,000 bytes" in failure.message

    on_loop(scenario())


def test_a_connection_that_was_closed_is_opened_anew():
    async def handle(socket):
        served_frames.append(await socket.recv())
        await socket.close()

    served_frames: list[Any] = []

    async def scenario():
        async with serving(handle) as served, driving(served.url) as driver:
            sink, _ = await armed(driver)
            await driver.publish(message(b"1"), {})
            await sink.ended()
            again, _ = await armed(driver)
            await driver.publish(message(b"2"), {})
            await again.ended()
            assert served_frames == ["1", "2"]

    on_loop(scenario())


def test_an_inbox_is_refused():
    async def scenario():
        async with serving() as served, driving(served.url) as driver:
            with pytest.raises(BrokerFailure, match="no addresses of a client's own"):
                await driver.arm("replies", {}, None, Collected(), name="tap", inbox=True)

    on_loop(scenario())


# ------------------------------------------------------------------ TLS and proxies


def test_wss_with_the_authority_that_signed(tmp_path):
    import ssl

    authority = Authority(tmp_path)

    async def scenario():
        trusting = ssl.create_default_context(cafile=authority.file)
        async with serving(tls=authority.context(asks_client=False)) as served:
            async with driving(served.url, tls=trusting) as driver:
                sink, _ = await armed(driver)
                await driver.publish(message(b"1"), {})
                assert await sink.received(1) == [b"1"]
            async with driving(served.url, tls=ssl.create_default_context()) as driver:
                with pytest.raises(BrokerFailure, match="authority that is not trusted here") as refused:
                    await armed(driver)
                assert refused.value.reason == "tls"

    on_loop(scenario())


def test_tls_to_a_plain_server_names_the_other_scheme():
    import ssl

    async def scenario():
        async with serving() as served, driving("wss" + served.url[2:], tls=ssl.create_default_context()) as driver:
            with pytest.raises(BrokerFailure, match="does not answer as a TLS server") as refused:
                await armed(driver)
            assert "write ws:// in place of wss://" in (refused.value.hint or "")

    on_loop(scenario())


def test_a_proxy_is_used_when_it_is_named():
    proxy = ProxyServer()

    async def scenario():
        options = {"proxy": f"http://{proxy.address}"}
        async with serving() as served, driving(served.url, options=options) as driver:
            sink, _ = await armed(driver)
            await driver.publish(message(b"1"), {})
            assert await sink.received(1) == [b"1"]
        assert proxy.seen[0].startswith("CONNECT 127.0.0.1:")

    try:
        on_loop(scenario())
    finally:
        proxy.close()


def test_a_proxy_of_the_environment_is_left_to_the_options(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "socks_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def scenario():
        async with serving() as served, driving(served.url) as driver:
            await armed(driver)

    on_loop(scenario())


def test_credentials_are_in_no_log(caplog):
    caplog.set_level(logging.DEBUG)

    async def scenario():
        login = Login(headers=(("Authorization", "Bearer s3cret-t0ken"),))
        async with serving() as served, driving(served.url, login=login) as driver:
            await armed(driver)

    on_loop(scenario())
    assert "s3cret-t0ken" not in caplog.text
