"""Every transport sends the same bytes, and reads the same responses as the same records."""

from __future__ import annotations

import socket
import threading

import pytest

from arazzo_runner.engine.effects import HttpResponse
from tests.runtime.senders import asynchronous, blocking, effect, pooled

SENDERS = {"blocking": blocking, "async": asynchronous, "pool": pooled}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class OneAnswer:
    """A server that reads one request to its end, keeps its bytes, and writes the same answer each time."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.received: list[bytes] = []
        self.url = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.received.append(_request(connection))
                connection.sendall(self._answer)

    def close(self) -> None:
        self._socket.close()


def _request(connection: socket.socket) -> bytes:
    connection.settimeout(5)
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line.lower() for line in head.split(b"\r\n")]
    length = next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def served():
    made: list[OneAnswer] = []

    def serve(answer: bytes) -> OneAnswer:
        made.append(OneAnswer(answer))
        return made[-1]

    yield serve
    for server in made:
        server.close()


JSON = ("Content-Type", "application/json")
REQUESTS = {
    "a plain GET": ("GET", "/a?b=c", {}),
    "no path": ("GET", "", {}),
    "an encoded target": ("GET", "/a%2Fb/../c?x=%7e&y=a%20b&z", {}),
    "an empty query": ("GET", "/a?", {}),
    "a user in the URL": ("GET", "/a", {"user": "me:p%40ss@"}),
    "a user, and a header": ("GET", "/a", {"user": "me:x@", "headers": [("authorization", "Bearer abc")]}),
    "a method in lower case": ("delete", "/a", {}),
    "a DELETE": ("DELETE", "/a", {}),
    "a method of its own": ("PURGE", "/a", {}),
    "OPTIONS": ("OPTIONS", "/a", {}),
    "a POST without a body": ("POST", "/a", {"headers": [JSON]}),
    "a PUT with an empty body": ("PUT", "/a", {"body": b""}),
    "a PATCH with a body": ("PATCH", "/a", {"body": b'{"a": 1}', "headers": [JSON]}),
    "a DELETE with a body": ("DELETE", "/a", {"body": b"x"}),
    "a large body": ("POST", "/a", {"body": bytes(range(256)) * 4000}),
    "a length given": ("POST", "/a", {"body": b"abc", "headers": [("content-length", "3")]}),
    "headers twice, odd names": ("GET", "/a", {"headers": [("X-b", "1"), ("X-b", "2"), ("!#$%&'*+.^_`|~", "3")]}),
    "letters beyond ASCII": ("GET", "/a", {"headers": [("X-Name", "Zoë € 漢")]}),
    "an empty value": ("GET", "/a", {"headers": [("X-Empty", "")]}),
    "its own defaults": (
        "GET",
        "/a",
        {"headers": [("Accept-Encoding", "br"), ("Connection", "close"), ("User-Agent", "x"), ("Accept", "*/*")]},
    ),
    "its own host": ("GET", "/a", {"headers": [("Host", "elsewhere.example")]}),
    "a cookie": ("GET", "/a", {"headers": [("Cookie", "a=b; c=d")]}),
}


@pytest.mark.parametrize(("method", "target", "more"), REQUESTS.values(), ids=REQUESTS)
def test_the_same_bytes_are_sent(served, method, target, more) -> None:
    server = served(OK)
    given = {name: value for name, value in more.items() if name != "user"}
    sent = effect(f"http://{more.get('user', '')}{server.url}{target}", method, timeout=5.0, **given)
    answers = {name: send(sent) for name, send in SENDERS.items()}
    assert all(isinstance(answer, HttpResponse) for answer in answers.values()), answers
    assert len(set(server.received)) == 1, server.received
    assert len(server.received) == len(SENDERS)


@pytest.mark.parametrize("send", SENDERS.values(), ids=SENDERS)
def test_headers_in_two_spellings_are_both_sent(served, send) -> None:
    server = served(OK)
    send(effect(f"http://{server.url}/", headers=[("X-b", "1"), ("x-B", "2")], timeout=5.0))
    assert b"x-b: 1\r\nx-b: 2\r\n" in server.received[0].lower()


@pytest.mark.parametrize("send", SENDERS.values(), ids=SENDERS)
@pytest.mark.parametrize(
    "header",
    [
        pytest.param(("X: y", "1"), id="a colon in a name"),
        pytest.param(("Transfer-Encoding ", "chunked"), id="a space behind a name"),
        pytest.param(("X-é", "1"), id="a letter beyond ASCII in a name"),
        pytest.param(("", "1"), id="no name"),
        pytest.param(("transfer-encoding", "chunked"), id="another end of the body"),
        pytest.param(("Content-Length", "0"), id="a length that is not that of the body"),
    ],
)
def test_headers_that_could_make_another_request_are_not_sent(served, send, header) -> None:
    server = served(OK)
    answer = send(effect(f"http://{server.url}/", "POST", body=b"abc", headers=[header], timeout=5.0))
    assert (answer.reason, answer.sent) == ("protocol", False)
    assert not any(server.received)


@pytest.mark.parametrize("send", SENDERS.values(), ids=SENDERS)
def test_the_answer_to_head_has_no_body(served, send) -> None:
    server = served(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
    assert record(send(effect(f"http://{server.url}/", "HEAD", timeout=5.0))) == (200, (("Content-Length", "20"),), b"")
    assert server.received[0].startswith(b"HEAD / HTTP/1.1\r\n")


RESPONSES = {
    "a length": OK,
    "no body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "to the end": b"HTTP/1.1 200 OK\r\n\r\nuntil it closes",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
    "chunks, cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    "longer than its length": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "no reason": b"HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nok",
    "an odd status": b"HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok",
    "headers twice": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nset-cookie: c=d\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n",
    "UTF-8 in a header": "HTTP/1.1 200 OK\r\nX-A: Zoë €\r\nContent-Length: 0\r\n\r\n".encode(),
    "Latin-1 in a header": "HTTP/1.1 200 OK\r\nX-A: Zoë\r\nContent-Length: 0\r\n\r\n".encode("latin-1"),
    "no gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
    "two codings": b"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\ncontent-encoding: identity\r\n"
    b"Content-Length: 2\r\n\r\nok",
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
    "an interim response": b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "too large": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000,
}


def record(answer) -> tuple[object, ...]:
    """Return what is the same for every transport: all of a response, the kind of a failure."""
    if isinstance(answer, HttpResponse):
        return answer.status, answer.headers, answer.body
    return answer.reason, answer.sent


@pytest.mark.parametrize("raw", RESPONSES.values(), ids=RESPONSES)
def test_the_same_records_are_read(served, raw) -> None:
    server = served(raw)
    sent = effect(f"http://{server.url}/", "POST", timeout=5.0, body=b"{}")
    records = {name: record(send(sent, max_response_size=4000)) for name, send in SENDERS.items()}
    assert len(set(records.values())) == 1, records
