"""Event streams: their format, and the driver against servers that write raw bytes, hostile ones among them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from arazzo_runner.runtime.brokers.driver import BrokerFailure, Connection, Login
from arazzo_runner.runtime.brokers.event_format import EventReader, EventTooLarge, StreamEvent
from arazzo_runner.runtime.brokers.http_channels import HttpDriver
from tests.brokers.collecting import Collected, on_loop
from tests.brokers.raw_http import Asked, answering
from tests.runtime.tls_server import Authority

STREAM: Any = {"message": {"contentType": "text/event-stream"}}

# ------------------------------------------------------------------ the format


def read(*chunks: bytes, max_size: int = 1000) -> list[tuple[str, bytes, str | None]]:
    reader = EventReader(max_size)
    return [(each.type, each.data, each.id) for chunk in chunks for each in reader.feed(chunk)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        pytest.param(b"data: a\n\n", [("message", b"a", None)], id="one event"),
        pytest.param(b"data:a\n\n", [("message", b"a", None)], id="no blank after the colon"),
        pytest.param(b"data:  a\n\n", [("message", b" a", None)], id="only one blank is dropped"),
        pytest.param(b"data: a\ndata: b\n\n", [("message", b"a\nb", None)], id="several lines of data"),
        pytest.param(b"data\n\ndata\ndata\n\ndata:", [("message", b"", None), ("message", b"\n", None)], id="data without a value"),
        pytest.param(b"event: add\ndata: 1\n\ndata: 2\n\n", [("add", b"1", None), ("message", b"2", None)], id="a type is for one event"),
        pytest.param(b"id: 7\ndata: 1\n\ndata: 2\n\n", [("message", b"1", "7"), ("message", b"2", None)], id="an id is of the event that has it"),
        pytest.param(b"id: 7\n\ndata: 2\n\n", [("message", b"2", None)], id="an event without data is none"),
        pytest.param(b": comment\ndata: 1\n:\n\n", [("message", b"1", None)], id="comments"),
        pytest.param(b"foo: bar\nDATA: no\ndata: 1\n\n", [("message", b"1", None)], id="other fields, and other spellings"),
        pytest.param(b"data: a\r\rdata: b\r\n\r\ndata: c\n\n", [("message", b"a", None), ("message", b"b", None), ("message", b"c", None)], id="CR, CRLF and LF"),
        pytest.param(b"data: a\r\ndata: b\r\n\r\n", [("message", b"a\nb", None)], id="CRLF is one line end"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [("message", b"a", None)], id="a byte order mark at the beginning"),
        pytest.param(b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", [], id="only one byte order mark"),
        pytest.param(b"data: a", [], id="a stream that ends within a line"),
        pytest.param(b"data: a\n", [], id="a stream that ends within an event"),
        pytest.param("data: é☃\n\n".encode(), [("message", "é☃".encode(), None)], id="UTF-8"),
        pytest.param(b"data: \xff\n\n", [("message", b"\xff", None)], id="bytes that are no UTF-8 are left to whoever decodes"),
        pytest.param(b"id: a\x00b\ndata: 1\n\n", [("message", b"1", None)], id="an id with NUL is ignored"),
        pytest.param(b"id: " + b"x" * 5000 + b"\ndata: 1\n\n", [("message", b"1", None)], id="an id too long for a header is ignored"),
        pytest.param(b"data: a: b\n\n", [("message", b"a: b", None)], id="colons in the data"),
        pytest.param(b"\n\n\n\n", [], id="empty lines"),
    ],
)  # fmt: skip
def test_format(stream, expected):
    assert read(stream, max_size=10_000) == expected
    assert read(*(bytes([each]) for each in stream), max_size=10_000) == expected


LINES = st.lists(
    st.one_of(
        st.builds(lambda name, value: name + value, st.sampled_from([b"data: ", b"data:", b"event: ", b"id: ", b"retry: ", b": ", b"x: "]),
                  st.binary(max_size=8).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b""))),
        st.sampled_from([b"", b"data", b"id", b"event"]),
    ),
    max_size=8,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(LINES, st.data())
def test_cuts_and_line_ends_change_nothing(lines, data):
    ends = data.draw(st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=len(lines), max_size=len(lines)))
    plain = read(b"".join(line + b"\n" for line in lines), max_size=10_000)
    # A CR before an empty line that ends in LF would be one line end: CRLF.
    text, last = b"", b""
    for line, end in zip(lines, ends, strict=True):
        chosen = b"\r\n" if not line and last == b"\r" and end == b"\n" else end
        text, last = text + line + chosen, chosen
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    chunks = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(*chunks, max_size=10_000) == plain


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=20),
            st.sampled_from(["", "a", "b c"]),
        )
    )
)
def test_what_is_written_is_read(events):
    stream = "".join(
        (f"event: {kind}\n" if kind else "") + "".join(f"data: {line}\n" for line in text.split("\n")) + "\n"
        for text, kind in events
    )
    assert read(stream.encode(), max_size=10_000) == [(kind or "message", text.encode(), None) for text, kind in events]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_within_the_limit(stream):
    reader = EventReader(100)
    try:
        found = list(reader.feed(stream))
    except EventTooLarge:
        return
    assert all(isinstance(each, StreamEvent) and len(each.data) <= 100 for each in found)


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(b"data: " + b"x" * 200, id="a line without an end"),
        pytest.param(b"data: xxxxxxxxx\n" * 20, id="an event without an end"),
        pytest.param(b"data\n" * 200, id="an event of empty lines"),
        pytest.param(b":" + b"x" * 200, id="a comment without an end"),
    ],
)
def test_what_never_ends_is_cut_off(stream):
    with pytest.raises(EventTooLarge):
        read(*(bytes([each]) for each in stream), max_size=100)


def test_comments_do_not_add_up():
    assert read(b": keep alive\n\n" * 1000 + b"data: 1\n\n", max_size=100) == [("message", b"1", None)]


def test_position_and_pause():
    reader = EventReader(100, "3")
    assert reader.last_id == "3"
    list(reader.feed(b"retry: 1500\nretry: soon\nid: 4\n"))
    assert (reader.last_id, reader.retry) == ("3", 1.5)
    list(reader.feed(b"\n"))
    assert reader.last_id == "4"
    list(reader.feed(b"id\n\n"))
    assert reader.last_id == ""


# ------------------------------------------------------------------ the driver


@asynccontextmanager
async def driving(url: str, **settings: Any) -> Any:
    driver = HttpDriver()
    await driver.open(Connection(**{"url": url, "protocol": url.partition(":")[0], "timeout": 5.0, **settings}))
    try:
        yield driver
    finally:
        await driver.close()


async def armed(driver: HttpDriver, position: Any = None, address: str = "/events", bindings: Any = None) -> Any:
    sink = Collected()
    return sink, await driver.arm(address, STREAM if bindings is None else bindings, position, sink, name="tap")


def writing(*pieces: bytes) -> Any:
    """Return a server that writes a stream and keeps it open."""

    async def answer(asked: Asked) -> None:
        await asked.head()
        await asked.write(*pieces)
        await asyncio.sleep(60)

    return answer


def test_events_become_messages():
    async def scenario():
        stream = b'id: 7\nevent: done\ndata: {"buildId": 3}\n\n', b"data: plain\n\n"
        async with answering(writing(*stream)) as served, driving(served.url) as driver:
            sink, subscription = await armed(driver, address="/builds/3/events")
            assert await sink.received(2) == [b'{"buildId": 3}', b"plain"]
            first, second = sink.messages
            assert first.headers == (("event", "done"), ("id", "7"))
            assert first.native == {"event": "done", "id": "7"}
            assert second.headers == (("event", "message"),)
            assert (first.content_type, second.content_type) == ("application/json", "text/plain")
            assert (first.address, subscription.address) == ("/builds/3/events", "/builds/3/events")
            asked = served.requests[0]
            assert (asked.method, asked.target) == ("GET", "/builds/3/events")
            assert asked.headers["accept"] == "text/event-stream"
            assert "last-event-id" not in asked.headers

    on_loop(scenario())


@pytest.mark.parametrize(
    "bindings",
    [
        pytest.param({"message": {"contentType": "text/event-stream; charset=utf-8"}}, id="the content type"),
        pytest.param(
            {"operation": {"method": "get"}, "message": {"contentType": "application/json"}}, id="the method GET"
        ),
    ],
)
def test_what_makes_a_channel_an_event_stream(bindings):
    async def scenario():
        async with answering(writing(b"data: 1\n\n")) as served, driving(served.url) as driver:
            sink, _ = await armed(driver, bindings=bindings)
            assert await sink.received(1) == [b"1"]

    on_loop(scenario())


def test_the_protocol_sse_is_an_event_stream():
    async def scenario():
        async with answering(writing(b"data: 1\n\n")) as served, driving("sse" + served.url[4:]) as driver:
            sink, _ = await armed(driver, bindings={})
            assert await sink.received(1) == [b"1"]

    on_loop(scenario())


def test_position_is_the_id_of_the_last_event():
    async def scenario():
        async with (
            answering(writing(b"id: 1\ndata: a\n\n", b"id: 2\ndata: b\n\n")) as served,
            driving(served.url) as driver,
        ):
            sink, subscription = await armed(driver)
            assert (subscription.position, subscription.lossy) == (None, True)
            await sink.received(2)
            await asyncio.sleep(0)
            assert (subscription.position, subscription.lossy) == ({"lastEventId": "2"}, False)
            one, two = sink.tokens
            assert one is not None
            assert one != two
            _, resumed = await armed(driver, {"lastEventId": "2"})
            assert served.requests[1].headers["last-event-id"] == "2"
            assert not resumed.lossy

    on_loop(scenario())


def test_one_id_of_two_events_gives_two_tokens_and_the_same_event_gives_one():
    async def scenario():
        stream = b"id: 1\ndata: a\n\nid: 1\ndata: b\n\nid: 1\ndata: a\n\ndata: a\n\n"
        async with answering(writing(stream)) as served, driving(served.url) as driver:
            sink, _ = await armed(driver)
            await sink.received(4)
            one, two, three, four = sink.tokens
            assert one == three != two
            assert four is None

    on_loop(scenario())


def test_credentials_and_query_are_in_the_request():
    async def scenario():
        login = Login(headers=(("Authorization", "Bearer t"),), query=(("key", "k"),))
        async with answering(writing()) as served, driving(served.url + "/v1", login=login) as driver:
            await armed(driver, address="/events?since=1")
            assert served.requests[0].target == "/v1/events?since=1&key=k"
            assert served.requests[0].headers["authorization"] == "Bearer t"

    on_loop(scenario())


def test_arm_returns_when_the_head_is_there():
    head = asyncio.Event()

    async def answer(asked: Asked) -> None:
        await head.wait()
        await asked.head()
        await asyncio.sleep(60)

    async def scenario():
        async with answering(answer) as served, driving(served.url) as driver:
            arming = asyncio.create_task(armed(driver))
            while not served.requests:
                await asyncio.sleep(0.01)
            assert not arming.done()
            head.set()
            await arming

    on_loop(scenario())


def test_disarm_closes_the_connection():
    gone = asyncio.Event()

    async def answer(asked: Asked) -> None:
        await asked.head()
        try:
            while True:
                await asked.write(b":\n")
                await asyncio.sleep(0.01)
        finally:
            gone.set()

    async def scenario():
        async with answering(answer) as served, driving(served.url) as driver:
            sink, subscription = await armed(driver)
            await driver.disarm(subscription)
            await gone.wait()
            assert sink.failure is None

    on_loop(scenario())


# ------------------------------------------------------------------ again


def answers(*scripts: Any) -> Any:
    """Return a server that answers each request by the next script, the last one again and again."""
    count = iter(range(10_000))

    async def answer(asked: Asked) -> None:
        await scripts[min(next(count), len(scripts) - 1)](asked)

    return answer


def ending(*pieces: bytes) -> Any:
    async def script(asked: Asked) -> None:
        await asked.head()
        await asked.write(*pieces)

    return script


def status(code: int, *more: str, kind: str = "text/plain") -> Any:
    async def script(asked: Asked) -> None:
        await asked.head(code, kind, *more)

    return script


def test_a_stream_that_ends_is_opened_again_after_its_pause():
    async def scenario():
        first = ending(b"retry: 1\nid: 1\ndata: a\n\n", b"id: 2\ndata: cut off")
        async with answering(answers(first, writing(b"id: 2\ndata: b\n\n"))) as served, driving(served.url) as driver:
            sink, _ = await armed(driver)
            assert await sink.received(2) == [b"a", b"b"]
            assert served.requests[1].headers["last-event-id"] == "1"

    on_loop(scenario())


def test_a_passing_failure_in_between_does_not_end_a_stream():
    async def scenario():
        script = answers(ending(b"retry: 1\ndata: a\n\n"), status(503), writing(b"data: b\n\n"))
        async with answering(script) as served, driving(served.url) as driver:
            sink, _ = await armed(driver)
            assert await sink.received(2) == [b"a", b"b"]

    on_loop(scenario())


@pytest.mark.parametrize(
    ("then", "reason", "part"),
    [
        pytest.param(status(204), "closed", "no more events", id="204 says that it is over"),
        pytest.param(status(401), "credentials", "asks for other credentials", id="401"),
        pytest.param(status(404), "rejected", "has no /events", id="404"),
        pytest.param(status(503), "rejected", "answers 503", id="503 again and again"),
        pytest.param(ending(b":\n\n"), "closed", "5 times without an event", id="no event again and again"),
    ],
)
def test_what_ends_a_stream(then, reason, part):
    async def scenario():
        async with answering(answers(ending(b"retry: 1\ndata: a\n\n"), then)) as served, driving(served.url) as driver:
            sink, _ = await armed(driver)
            failure = await sink.ended()
            assert (failure.reason, sink.payloads) == (reason, [b"a"])
            assert part in failure.message

    on_loop(scenario())


@pytest.mark.parametrize(
    ("script", "reason", "part"),
    [
        pytest.param(status(204), "closed", "no more events", id="204"),
        pytest.param(status(401), "credentials", "asks for other credentials", id="401"),
        pytest.param(status(403), "forbidden", "forbids /events", id="403"),
        pytest.param(status(404), "rejected", "has no /events", id="404"),
        pytest.param(status(500), "rejected", "answers 500", id="500"),
        pytest.param(status(302, "Location: http://evil.test/?key=s3cret"), "rejected", "redirects /events to evil.test", id="a redirect"),
        pytest.param(status(200, kind="application/json"), "rejected", "200 with application/json, which is no event stream", id="another content type"),
        pytest.param(status(201, kind="text/event-stream"), "rejected", "which is no event stream", id="another status"),
        pytest.param(status(200, "Content-Encoding: gzip", kind="text/event-stream"), "rejected", "compresses", id="compressed"),
    ],
)  # fmt: skip
def test_answer_that_is_no_event_stream(script, reason, part):
    async def scenario():
        async with answering(script) as served, driving(served.url) as driver:
            with pytest.raises(BrokerFailure) as refused:
                await armed(driver)
            assert refused.value.reason == reason
            assert part in refused.value.message
            assert "s3cret" not in refused.value.message
            assert len(served.requests) == 1

    on_loop(scenario())


# ------------------------------------------------------------------ hostile servers


def endless(piece: bytes) -> Any:
    async def script(asked: Asked) -> None:
        await asked.head()
        while True:
            await asked.write(piece)

    return script


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(endless(b"x" * 1000), id="an endless line"),
        pytest.param(endless(b"data: " + b"x" * 1000 + b"\n"), id="an endless event"),
        pytest.param(endless(b"data\n" * 100), id="an endless event of empty lines"),
        pytest.param(writing(b"data: " + b"x" * 20_000 + b"\n\n"), id="a huge event"),
    ],
)
def test_what_is_too_large_ends_the_stream(script):
    async def scenario():
        async with answering(script) as served, driving(served.url, max_message_size=10_000) as driver:
            sink, _ = await armed(driver)
            failure = await sink.ended()
            assert (failure.reason, sink.payloads) == ("too-large", [])
            assert "more than 10,000 bytes" in failure.message

    on_loop(scenario())


async def _endless_head(asked: Asked) -> None:
    await asked.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await asked.write(b"X-Y: " + b"z" * 1000 + b"\r\n")


async def _slow_head(asked: Asked) -> None:
    for each in b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" * 1000:
        await asked.write(bytes([each]))
        await asyncio.sleep(0.05)


async def _silence(asked: Asked) -> None:
    await asyncio.sleep(60)


async def _no_http(asked: Asked) -> None:
    await asked.write(b"220 mail.test ESMTP\r\n\r\n")


async def _closes(asked: Asked) -> None:
    asked.writer.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(_endless_head, "rejected", id="a head without an end"),
        pytest.param(_slow_head, "timeout", id="a head that drips"),
        pytest.param(_silence, "timeout", id="no head at all"),
        pytest.param(_no_http, "rejected", id="another protocol"),
        pytest.param(_closes, "closed", id="closed at once"),
    ],
)
def test_head_that_does_not_come(answer, reason):
    async def scenario():
        async with answering(answer) as served, driving(served.url, timeout=0.5) as driver:
            with pytest.raises(BrokerFailure) as refused:
                await armed(driver)
            assert refused.value.reason == reason

    on_loop(scenario())


def test_events_may_drip():
    async def answer(asked: Asked) -> None:
        await asked.head()
        for each in b"id: 1\r\ndata: slow\r\n\r\n":
            await asked.write(bytes([each]))
            await asyncio.sleep(0.03)
        await asyncio.sleep(60)

    async def scenario():
        async with answering(answer) as served, driving(served.url, timeout=0.3) as driver:
            sink, _ = await armed(driver)
            assert await sink.received(1) == [b"slow"]

    on_loop(scenario())


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("http://127.0.0.1:1", "refused", id="nobody listens"),
        pytest.param("http://events.invalid", "unknown-host", id="no such host"),
        pytest.param("https://events.invalid", "unknown-host", id="no such host over TLS"),
    ],
)
def test_server_that_is_not_there(url, reason):
    async def scenario():
        async with driving(url) as driver:
            with pytest.raises(BrokerFailure) as refused:
                await armed(driver)
            assert (refused.value.reason, refused.value.sent) == (reason, False)

    on_loop(scenario())


def test_tls(tmp_path):
    import ssl

    authority = Authority(tmp_path)

    async def scenario():
        trusting = ssl.create_default_context(cafile=authority.file)
        server = authority.context(asks_client=False)
        async with answering(writing(b"data: 1\n\n"), tls=server) as served:
            async with driving(served.url, tls=trusting) as driver:
                sink, _ = await armed(driver)
                assert await sink.received(1) == [b"1"]
            for settings in ({"tls": ssl.create_default_context()}, {}):  # no context is no licence either
                async with driving(served.url, **settings) as driver:
                    with pytest.raises(BrokerFailure, match="authority that is not trusted here") as refused:
                        await armed(driver)
                    assert refused.value.reason == "tls"

    on_loop(scenario())
