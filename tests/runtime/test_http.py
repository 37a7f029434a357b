"""Both worlds against a real loopback server: what is sent, and how exchanges share connections (faults: test_faults.py)."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from arazzo_runner import InvalidUsage
from arazzo_runner.engine.effects import HttpResponse
from arazzo_runner.engine.run import drive
from arazzo_runner.runtime.http import AsyncWorld, BlockingWorld
from tests.runtime.faulty import FaultyServer
from tests.runtime.senders import asynchronous, blocking, effect, pooled


@pytest.fixture(scope="module")
def server():
    faulty = FaultyServer()
    yield faulty
    faulty.close()


@pytest.fixture(params=[blocking, asynchronous, pooled], ids=["blocking", "async", "pool"])
def send(request):
    return request.param


def test_a_request_that_cannot_be_sent_is_an_answer_too(send):
    assert send(effect("ftp://127.0.0.1/")).reason == "protocol"


def test_the_target_is_sent_unchanged(server, send):
    send(effect(server.url + "/ok?a=%2F&b=a%20b"))
    assert server.paths[-1] == "/ok?a=%2F&b=a%20b"


def test_dots_in_the_target_are_not_resolved(server, send):
    send(effect(server.url + "/ok/../ok?x=%7e"))
    assert server.paths[-1] == "/ok/../ok?x=%7e"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_an_unsafe_request_is_never_sent_twice(server, send, method):
    send(
        effect(server.url + "/post", "POST", body=b"{}"),
        effect(server.url + "/closed-before-headers?" + method, method),
    )
    assert server.paths.count("/closed-before-headers?" + method) == 1
    server.paths.clear()


@pytest.mark.parametrize(
    "rest", ["/a b", "/a\r\nX-B: c", "/a?b=\n", "/a\x00", "/\u00e9", "/a\x7f"], ids=lambda rest: repr(rest)
)
def test_a_target_that_would_break_the_request_line_is_refused(server, send, rest):
    before = len(server.paths)
    answer = send(effect(server.url + rest))
    assert (answer.reason, answer.sent, len(server.paths)) == ("protocol", False, before)


@pytest.mark.parametrize(("rest", "target"), [("", "/"), ("?a=1", "/?a=1"), ("/ok#part", "/ok"), ("//ok?", "//ok")])
def test_the_target_of_odd_urls(server, send, rest, target):
    assert send(effect(server.url + rest)).status == 200
    assert server.paths[-1] == target


def test_large_headers_are_read(server, send):
    answer = send(effect(server.url + "/large-header"))
    assert isinstance(answer, HttpResponse), answer
    assert len(answer.header("X-Large")) == 30_000


def test_a_connection_that_never_comes_was_certainly_not_used(send):
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(4)]
    try:
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        time.sleep(0.1)
        answer = send(effect(f"http://127.0.0.1:{full.getsockname()[1]}/", "POST", body=b"{}", timeout=0.5))
    finally:
        for each in (*waiting, full):
            each.close()
    assert (answer.reason, answer.sent) == ("timeout", False), answer


def test_credentials_in_a_url_are_sent_as_basic(server, send):
    send(effect(server.url.replace("http://", "http://me:p%40ss@") + "/ok"))
    assert b"Authorization: Basic bWU6cEBzcw==" in server.heads[-1].split(b"\r\n")


def test_headers_are_those_of_the_request(server, send):
    send(
        effect(server.url + "/post", "POST", body=b"{}", headers=[("User-Agent", "arazzo"), ("X-B", "2"), ("X-B", "3")])
    )
    lines = server.heads[-1].split(b"\r\n")[1:]
    names = [line.partition(b":")[0].decode() for line in lines]
    assert [name for name in names if name not in ("Host", "Accept-Encoding", "Connection", "Content-Length")] == [
        "User-Agent",
        "X-B",
        "X-B",
    ]
    assert b"User-Agent: arazzo" in lines
    assert names.count("Host") == 1


def test_connections_are_reused_and_a_stale_one_is_not_a_failure(server):
    with BlockingWorld() as world:
        for _ in range(3):
            assert drive(world.perform(effect(server.url + "/post", "POST", body=b"{}"))).status == 200
        for _ in range(5):
            assert drive(world.perform(effect(server.url + "/ok"))).status == 200


def test_connections_of_concurrent_exchanges_are_reused(server):
    async def many(world):
        posts = (world.perform(effect(server.url + "/post", "POST", body=b"{}", timeout=10.0)) for _ in range(20))
        return {answer.status for answer in await asyncio.gather(*posts)}

    async def twice():
        before = server.connections
        async with AsyncWorld() as world:
            assert await many(world) == {200}
            assert await many(world) == {200}
        return server.connections - before

    assert asyncio.run(twice()) <= 20


def test_a_cancelled_exchange_harms_no_other(server):
    async def cancelled():
        async with AsyncWorld() as world:
            slow = asyncio.create_task(world.perform(effect(server.url + "/slow-body", timeout=10.0)))
            await asyncio.sleep(0.2)
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
            return await world.perform(effect(server.url + "/ok"))

    assert asyncio.run(cancelled()).status == 200


def test_an_async_world_stays_on_its_event_loop(server):
    world = AsyncWorld()

    async def once():
        return await world.perform(effect(server.url + "/ok"))

    async def used():
        assert (await once()).status == 200
        for route in world._routes.values():
            await route.transport.aclose()

    asyncio.run(used())
    with pytest.raises(InvalidUsage, match="another event loop"):
        asyncio.run(once())


def test_a_closed_async_world_is_refused(server):
    async def closed():
        async with AsyncWorld() as world:
            assert (await world.perform(effect(server.url + "/ok"))).status == 200
        with pytest.raises(InvalidUsage, match="this AsyncWorld is closed"):
            await world.perform(effect(server.url + "/ok"))
        with pytest.raises(InvalidUsage, match="this AsyncWorld is closed"):
            await world.__aenter__()

    asyncio.run(closed())


def test_a_closed_blocking_world_is_refused(server):
    with BlockingWorld() as world:
        assert drive(world.perform(effect(server.url + "/ok"))).status == 200
    with pytest.raises(InvalidUsage, match="this BlockingWorld is closed"):
        drive(world.perform(effect(server.url + "/ok")))
    with pytest.raises(InvalidUsage, match="this BlockingWorld is closed"):
        world.__enter__()


def test_a_blocking_run_reports_a_world_that_suspends():
    async def suspends():
        await asyncio.sleep(0)

    with pytest.raises(InvalidUsage, match="arun"):
        drive(suspends())
