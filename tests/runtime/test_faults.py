"""Every fault of a real server, on every transport: a clear failure or a success as HTTP defines, in bounded time and memory."""

from __future__ import annotations

import socket
import time
import tracemalloc

import pytest

from arazzo_runner.engine.effects import HttpResponse, NoResponse
from tests.runtime.faulty import FaultyServer
from tests.runtime.senders import asynchronous, blocking, effect, pooled

SECONDS = 0.4
LIMIT = 1_000_000  # bytes of a body
A = b'{"a": 1}'

# What cannot be used: the reason and whether the server may have acted (it always may, once connected).
FAILURES = {
    "/reset-before-headers": "reset",
    "/closed-before-headers": "reset",
    "/half-headers": "reset",
    "/reset-in-headers": "reset",
    "/reset-after-headers": "truncated",
    "/reset-mid-body": "truncated",
    "/reset-in-chunked": "truncated",
    "/mid-body": "truncated",
    "/chunked-cut": "truncated",
    "/gzip-cut": "truncated",
    "/deflate-cut": "truncated",
    "/not-gzip": "protocol",
    "/many-codings": "protocol",
    "/bomb": "too-large",
    "/nested-bomb": "too-large",
    "/deflate-bomb": "too-large",
    "/endless": "too-large",
    "/slow-headers": "timeout",
    "/slow-body": "timeout",
    "/only-continue": "timeout",
    "/silent": "timeout",
    "/garbage": "protocol",
    "/bad-status": "protocol",
    "/two-lengths": "protocol",
    "/bad-length": "protocol",
    "/endless-header": "protocol",
    "/endless-headers": "protocol",
}
# What a chunked body with a chunk that is none is called depends on who reads it first.
EITHER = {"/bad-chunk": {"protocol", "truncated"}}

SUCCESSES = {
    "/ok": (200, A),
    "/gzip": (200, A),
    "/gzip-members": (200, A),
    "/gzip-twice": (200, A),
    "/gzip-empty": (200, b""),
    "/deflate": (200, A),
    "/deflate-raw": (200, A),
    "/identity": (200, A),
    "/brotli": (200, b'\x0b\x03\x80{"a": 1}\x03'),
    "/bad-utf8": (200, b'{"a": "\xff"}'),
    "/wrong-type": (200, b"<p>no JSON</p>"),
    "/no-type": (200, A),
    "/empty-json": (200, b""),
    "/no-content": (204, b""),
    "/reset-content": (205, b""),
    "/not-modified": (304, b""),
    "/duplicates": (200, b"{}"),
    "/http10": (200, A),
    "/until-close": (200, A),
    "/continue": (200, A),
    "/large-header": (200, b"{}"),
    "/too-much": (200, A),
}


@pytest.fixture(scope="module")
def server():
    faulty = FaultyServer()
    yield faulty
    faulty.close()


@pytest.fixture(
    params=[
        (blocking, "httpx"),
        (asynchronous, "httpx"),
        (pooled, "httpx"),
        (blocking, "httpx2"),
        (pooled, "httpx2"),
    ],
    ids=["blocking", "aiohttp", "pool", "httpx2", "httpx2 pool"],
)
def send(request, monkeypatch):
    sender, library = request.param
    pytest.importorskip(library)
    if sender is asynchronous:
        pytest.importorskip("aiohttp")
    monkeypatch.setenv("ARAZZO_HTTP", library)
    return sender


@pytest.mark.parametrize("path", [*FAILURES, *EITHER])
def test_a_fault_becomes_an_answer_with_its_reason(server, send, path):
    started = time.perf_counter()
    answer = send(effect(server.url + path, timeout=SECONDS), max_response_size=LIMIT)
    took = time.perf_counter() - started
    assert isinstance(answer, NoResponse), answer
    assert answer.reason in EITHER.get(path, {FAILURES.get(path)})
    assert answer.sent
    assert answer.message
    assert took < SECONDS + 1.5


@pytest.mark.parametrize("path", SUCCESSES)
def test_an_odd_but_whole_answer_is_one(server, send, path):
    answer = send(effect(server.url + path, timeout=3.0), max_response_size=LIMIT)
    assert isinstance(answer, HttpResponse), answer
    assert (answer.status, answer.body) == SUCCESSES[path]


@pytest.mark.parametrize("path", ["/head", "/gzip-cut", "/gzip", "/no-content"])
def test_head_has_no_body_despite_its_headers(server, send, path):
    answer = send(effect(server.url + path, "HEAD"), max_response_size=LIMIT)
    assert isinstance(answer, HttpResponse), answer
    assert answer.body == b""


def test_a_body_where_none_may_be_is_not_the_next_answer(server, send):
    answer = send(effect(server.url + "/head-with-body", "HEAD"), effect(server.url + "/ok"))
    assert isinstance(answer, HttpResponse), answer
    assert answer.body == A


def test_repeated_headers_keep_their_order(server, send):
    answer = send(effect(server.url + "/duplicates"))
    assert [pair for pair in answer.headers if pair[0].lower() == "x-a"] == [("X-A", "1"), ("X-A", "2")]
    assert [value for name, value in answer.headers if name.lower() == "set-cookie"] == ["a=1", "b=2"]


@pytest.mark.parametrize("path", ["/switching", "/null-header", "/bare-lf"])
def test_responses_that_libraries_read_differently_are_answers_in_time(server, send, path):
    started = time.perf_counter()
    answer = send(effect(server.url + path, timeout=SECONDS))
    assert isinstance(answer, (HttpResponse, NoResponse))
    assert time.perf_counter() - started < SECONDS + 1.5


def test_bytes_after_a_response_are_not_the_next_response(server, send):
    # A body longer than its Content-Length: the rest must not be read as the answer to another request.
    answer = send(
        effect(server.url + "/too-much", timeout=3.0), effect(server.url + "/post", "POST", body=b"{}", timeout=3.0)
    )
    assert isinstance(answer, HttpResponse), answer
    assert answer.body == A


def test_a_reused_connection_that_the_server_closed_is_not_a_failure(server, send):
    paths = ("/post", "/ok", "/ok", "/post", "/ok")
    answers = [
        effect(server.url + path, "POST" if path == "/post" else "GET", body=b"{}" if path == "/post" else None)
        for path in paths
    ]
    assert send(*answers).status == 200


def test_a_refused_connection_and_an_unknown_host_mean_that_nothing_was_sent(send):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    refused = send(effect(f"http://127.0.0.1:{port}/"))
    assert (refused.reason, refused.sent) == ("refused", False)
    unknown = send(effect("http://no-such-host.invalid/"))
    assert (unknown.reason, unknown.sent) == ("unknown-host", False)


@pytest.mark.parametrize("path", ["/bomb", "/nested-bomb", "/deflate-bomb", "/endless", "/endless-headers"])
def test_a_bomb_costs_little_more_memory_than_the_limit(server, send, path):
    send(effect(server.url + "/ok"))
    tracemalloc.start()
    try:
        send(effect(server.url + path, timeout=3.0), max_response_size=LIMIT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * LIMIT
