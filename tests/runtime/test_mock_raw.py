"""The mock server on a raw socket: responses to broken, hostile and slow clients, without effect on others."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress

import pytest

from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value
from arazzo_runner.runtime.mock.api import MockApi, MockServer, Served
from arazzo_runner.sources.openapi import load_openapi

FORMS: dict[str, object] = {"application/x-www-form-urlencoded": {}, "multipart/form-data": {}, "application/json": {}}
API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/a": {
            "get": {"responses": {"200": {"description": "", "content": {"application/json": {"example": "fine"}}}}},
            "post": {"requestBody": {"content": FORMS}, "responses": {"201": {"description": ""}}},
        },
        "/text": {"post": {"requestBody": {"content": {"application/json": {"schema": {"type": "string"}}}}, "responses": {"201": {"description": ""}}}},
        "/odd": {"get": {"responses": {"200": {"description": "", "headers": {
            "Transfer-Encoding": {"example": "chunked"}, "Content-Length": {"example": 9}, "X-Wide": {"example": "5 €"},
        }}}}},
        "/break": {"get": {"responses": {"200": {"description": "", "headers": {"X-Break": {"example": "a\r\nX-Evil: 1"}}}}}},
        "/p/{id}": {"get": {"responses": {"200": {"description": ""}}}},
    },
}  # fmt: skip


def api():
    return MockApi([Served(load_openapi(from_value(API, "api.yaml"), None, Problems(), base="file:///api.yaml"))])


@pytest.fixture(scope="module")
def server():
    with MockServer(api()) as running:
        yield running


def port_of(server):
    return int(server.url.rpartition(":")[2])


def connect(server):
    """Connect to a MockServer, or to a port."""
    port = server if isinstance(server, int) else port_of(server)
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def read_answer(stream):
    """Return (status, headers, body) of one answer; status 0 when the connection was closed without one."""
    line = stream.readline()
    if not line:
        return 0, {}, ""
    version, status, _ = line.decode("latin-1").split(" ", 2)
    assert version == "HTTP/1.1"
    headers = {}
    while (head := stream.readline().decode("utf-8").rstrip("\r\n")) != "":
        name, _, value = head.partition(":")
        headers[name.lower()] = value.strip()
    return int(status), headers, stream.read(int(headers.get("content-length", 0))).decode()


def exchange(server, raw, *, ends=False):
    """Send bytes (`ends`: and nothing after them) and return the answer."""
    with connect(server) as link, link.makefile("rb") as stream:
        with suppress(BrokenPipeError, ConnectionResetError):  # it was answered before all was sent
            link.sendall(raw)
        if ends:
            link.shutdown(socket.SHUT_WR)
        return read_answer(stream)


HOST = b"Host: 127.0.0.1\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
JSON = b"Content-Type: application/json\r\n"


def get(target=b"/a", *headers, version=b"HTTP/1.1"):
    return b"GET " + target + b" " + version + b"\r\n" + HOST + b"".join(each + b"\r\n" for each in headers) + b"\r\n"


def post(*headers, body=b"", host=HOST, target=b"/a"):
    return b"POST " + target + b" HTTP/1.1\r\n" + host + b"".join(each + b"\r\n" for each in headers) + b"\r\n" + body


def sized(body, kind=FORM, target=b"/a"):
    return post(kind.strip(), b"Content-Length: " + str(len(body)).encode(), body=body, target=target)


CHUNKED = b"Transfer-Encoding: chunked"


REQUESTS = [
    pytest.param(get(), 200, "fine", id="a sound request is answered"),
    pytest.param(get(version=b"HTTP/1.0"), 200, "fine", id="so is one of HTTP/1.0"),
    pytest.param(b"GET /a HTTP/1.0\r\n\r\n", 200, "fine", id="which needs no Host"),
    pytest.param(get(b"http://127.0.0.1/a"), 200, "fine", id="a target that is a whole URL"),
    pytest.param(post(b"Content-Length: 0"), 201, "", id="an empty body"),
    pytest.param(post(CHUNKED, FORM.strip(), body=b"3\r\na=b\r\n0\r\n\r\n"), 201, "", id="a chunked body"),
    pytest.param(post(CHUNKED, FORM.strip(), body=b'3;x="y"\r\na=b\r\n0\r\nX-T: 1\r\n\r\n'), 201, "", id="chunk extensions and trailers are passed over"),
    pytest.param(get(b"/a", b"X-Folded: one\r\n two"), 200, "fine", id="a folded header is one line"),
    # --- the request line
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "request line", id="TLS"),
    pytest.param(b"GET /a\r\n\r\n", 400, "request line", id="HTTP/0.9"),
    pytest.param(b"GET\r\n\r\n", 400, "request line", id="a method alone"),
    pytest.param(b"nonsense\r\n\r\n", 400, "request line", id="nonsense"),
    pytest.param(b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", 400, "request line", id="a blank in the target"),
    pytest.param(b"GET /a\x00b HTTP/1.1\r\n" + HOST + b"\r\n", 400, "request line", id="NUL in the target"),
    pytest.param(b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "request line", id="a target that is not ASCII"),
    pytest.param(b"GE(T /a HTTP/1.1\r\n" + HOST + b"\r\n", 400, "request line", id="a method that is not a token"),
    pytest.param(b"GET /a HTTP/1.1 \r\n" + HOST + b"\r\n", 400, "request line", id="a blank behind the version"),
    pytest.param(b"GET /a HTTX/1.1\r\n" + HOST + b"\r\n", 400, "request line", id="another protocol"),
    pytest.param(get(version=b"HTTP/2.0"), 505, "HTTP/1.1", id="HTTP/2 by name"),
    pytest.param(get(version=b"HTTP/9.9"), 505, "HTTP/1.1", id="a version to come"),
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/1.1", id="the preface of HTTP/2"),
    pytest.param(get(b"http://[::1/a"), 400, "target", id="a URL whose host is none"),
    pytest.param(get(b"//[::1/a"), 404, "//[::1/a", id="a path that is not a URL's"),
    pytest.param(get(b"//evil.test/a"), 404, "//evil.test/a", id="two slashes are a path, not a host"),
    pytest.param(b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 404, "*", id="the whole server"),
    pytest.param(b"CONNECT 127.0.0.1:80 HTTP/1.1\r\n" + HOST + b"\r\n", 404, "127.0.0.1:80", id="a tunnel"),
    # --- headers
    pytest.param(b"GET /a HTTP/1.1\r\n\r\n", 400, "Host", id="no Host"),
    pytest.param(get(b"/a", b"Host: 127.0.0.1"), 400, "Host", id="two Hosts"),
    pytest.param(get(b"/a", b"no colon"), 400, "header line", id="a header without a colon"),
    pytest.param(get(b"/a", b": nameless"), 400, "header line", id="a header without a name"),
    pytest.param(get(b"/a", b"X Y: 1"), 400, "header line", id="a blank in a header's name"),
    pytest.param(get(b"/a", b"X-A : 1"), 400, "header line", id="a blank before the colon"),
    pytest.param(get(b"/a", b"X-A: a\x00b"), 400, "header line", id="NUL in a header"),
    pytest.param(get(b"/a", b"X-A: a\rb"), 400, "header line", id="a lone carriage return in a header"),
    pytest.param(b"GET /a HTTP/1.1\r\n X-First: folded\r\n" + HOST + b"\r\n", 400, "header", id="a folded line that continues none"),
    pytest.param(get(b"/a", b"X-A: " + b"x" * 200_000), 431, "header", id="a header of 200,000 bytes"),
    pytest.param(get(b"/a", *[b"X-%d: 1" % each for each in range(20_000)]), 431, "header", id="20,000 headers"),
    pytest.param(get(b"/a?" + b"x" * 200_000), 414, "target", id="a target of 200,000 bytes"),
    pytest.param(b"G" * 200_000, 414, "request line", id="a line without an end"),
    # --- where a body ends
    pytest.param(post(b"Content-Length: -5", body=b"12345"), 400, "Content-Length", id="a negative length"),
    pytest.param(post(b"Content-Length: five", body=b"12345"), 400, "Content-Length", id="a length in words"),
    pytest.param(post(b"Content-Length: +5", body=b"12345"), 400, "Content-Length", id="a length with a sign"),
    pytest.param(post(b"Content-Length: 0x5", body=b"12345"), 400, "Content-Length", id="a length in hexadecimal"),
    pytest.param(post(b"Content-Length: 5.0", body=b"12345"), 400, "Content-Length", id="a length with a point"),
    pytest.param(post(b"Content-Length: 1_0", body=b"1234567890"), 400, "Content-Length", id="a length as Python writes it"),
    pytest.param(post("Content-Length: ٥".encode(), body=b"12345"), 400, "Content-Length", id="a length in other digits"),
    pytest.param(post(b"Content-Length:", body=b"12345"), 400, "Content-Length", id="a length of nothing"),
    pytest.param(post(b"Content-Length: 5, 6", body=b"12345"), 400, "Content-Length", id="two lengths in one header"),
    pytest.param(post(b"Content-Length: 5", b"Content-Length: 6", body=b"12345"), 400, "Content-Length", id="two different lengths"),
    pytest.param(post(FORM.strip(), b"Content-Length: 3, 3", body=b"a=b"), 201, "", id="the same length twice is one"),
    pytest.param(post(b"Content-Length: " + b"9" * 5000), 400, "Content-Length", id="a length of 5,000 digits"),
    pytest.param(post(b"Content-Length: 10000000000"), 413, "50,000,000", id="a length of 10 GB"),
    pytest.param(post(b"Content-Length: 99999999999999999999"), 413, "50,000,000", id="a length of 20 digits"),
    pytest.param(post(b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n"), 400, "Transfer-Encoding", id="a length and chunks"),
    pytest.param(post(CHUNKED, b"Content-Length: 5", body=b"0\r\n\r\n"), 400, "Transfer-Encoding", id="chunks and a length"),
    pytest.param(post(b"Transfer-Encoding: gzip", body=b"x"), 501, "Transfer-Encoding", id="a coding that is unknown"),
    pytest.param(post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 501, "Transfer-Encoding", id="one within chunks"),
    pytest.param(post(CHUNKED, CHUNKED, body=b"0\r\n\r\n"), 501, "Transfer-Encoding", id="chunked twice"),
    pytest.param(post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), 501, "Transfer-Encoding", id="what is almost chunked"),
    pytest.param(b"POST /a HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n\r\n0\r\n\r\n", 400, "Transfer-Encoding", id="chunks in HTTP/1.0"),
    pytest.param(post(CHUNKED, body=b"x\r\n"), 400, "chunk", id="a chunk size that is none"),
    pytest.param(post(CHUNKED, body=b"-1\r\n"), 400, "chunk", id="a negative chunk size"),
    pytest.param(post(CHUNKED, body=b"+3\r\na=b\r\n0\r\n\r\n"), 400, "chunk", id="a chunk size with a sign"),
    pytest.param(post(CHUNKED, body=b"0x3\r\na=b\r\n0\r\n\r\n"), 400, "chunk", id="a chunk size with a prefix"),
    pytest.param(post(CHUNKED, body=b"\r\n\r\n"), 400, "chunk", id="an empty chunk size"),
    pytest.param(post(CHUNKED, body=b"3\r\na=bc\r\n0\r\n\r\n"), 400, "chunk", id="a chunk that is longer than it says"),
    pytest.param(post(CHUNKED, body=b"F" * 40 + b"\r\n"), 400, "chunk", id="a chunk size of 40 digits"),
    pytest.param(post(CHUNKED, body=b"100000\r\n" + (b"x" * 0x100000 + b"\r\n100000\r\n") * 50), 413, "50,000,000", id="50 chunks of 1 MB"),
    pytest.param(post(CHUNKED, body=b"1;" + b"x" * 200_000), 431, "", id="a chunk extension without an end"),
    # --- what a request says
    pytest.param(get(b"/a?" + b"&".join(b"a=1" for _ in range(1001))), 400, "1,000", id="1,001 query fields"),
    pytest.param(get(b"/a?" + b"&".join(b"a=1" for _ in range(1000))), 200, "fine", id="1,000 query fields"),
    pytest.param(sized(b"&".join(b"a=1" for _ in range(1001))), 400, "1,000", id="1,001 form fields"),
    pytest.param(sized(b"&".join(b"a=1" for _ in range(1000))), 201, "", id="1,000 form fields"),
    pytest.param(get(b"/a?q=%ff"), 400, "%ff", id="percent forms of a query that are not UTF-8"),
    pytest.param(get(b"/a?q=%zz"), 400, "%zz", id="percent forms of a query that are none"),
    pytest.param(get(b"/a?q=%"), 400, "%", id="a percent sign at its end"),
    pytest.param(get(b"/p/%ff"), 400, "%ff", id="percent forms of a path that are not UTF-8"),
    pytest.param(get(b"/p/%0"), 400, "%0", id="half a percent form in a path"),
    pytest.param(get(b"/p/%00?q=%00"), 200, "", id="an encoded NUL is data"),
    pytest.param(sized(b"a=%c3%28"), 400, "%c3", id="percent forms of a form that are not UTF-8"),
    pytest.param(sized(b"a=%zz"), 400, "%zz", id="percent forms of a form that are none"),
    pytest.param(sized(b"a=\xff"), 400, "form", id="a form that is not ASCII"),
    pytest.param(sized(b"[" * 100_000, JSON), 400, "JSON", id="JSON that is 100,000 deep"),
    pytest.param(sized(b"[" * 100_000 + b"]" * 100_000, JSON), 400, "JSON", id="the same, closed"),
    pytest.param(sized(b"9" * 10_000, JSON), 400, "JSON", id="a JSON number of 10,000 digits"),
    pytest.param(sized(b"{", JSON), 400, "JSON", id="broken JSON"),
    pytest.param(sized(b"{", JSON, b"/text"), 400, "JSON", id="broken JSON where a text is expected"),
    pytest.param(sized(b'"\xff"', JSON), 400, "JSON", id="JSON that is not UTF-8"),
    pytest.param(sized(b'"a"', JSON, b"/text"), 201, "", id="a text in JSON"),
    pytest.param(sized(b"--x\r\n\r\n", b"Content-Type: multipart/form-data\r\n"), 400, "form", id="multipart without a boundary"),
    pytest.param(sized(b"x", b"Content-Type: multipart/form-data; boundary=" + b"y" * 1000 + b"\r\n"), 400, "form", id="multipart without parts"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "status", "says"), REQUESTS)
def test_every_bad_request_gets_a_response_with_the_reason(server, capfd, raw, status, says):
    found, headers, body = exchange(server, raw)
    assert found == status
    assert says in body
    if status >= 400:
        assert headers["content-type"] == "application/problem+json"
        assert json.loads(body)["status"] == status
    assert exchange(server, get())[0] == 200
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(post(b"Content-Length: 50", body=b"12345"), id="half a body"),
        pytest.param(post(CHUNKED, body=b"5\r\n123"), id="half a chunk"),
        pytest.param(post(CHUNKED, body=b"3\r\na=b\r\n"), id="chunks without an end"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost: 127.0", id="half a header"),
        pytest.param(b"GET /a", id="half a request line"),
    ],
)
def test_an_incomplete_request_gets_an_error_response(server, capfd, raw):
    status, _, body = exchange(server, raw, ends=True)
    assert (status, "ends before" in body) == (400, True)
    assert capfd.readouterr().err == ""


def test_a_large_body_is_refused_in_words_although_it_is_still_being_sent(server):
    status, _, body = exchange(server, post(b"Content-Length: 90000000", body=b"x" * 3_000_000))
    assert (status, "50,000,000" in body) == (413, True)


def test_a_client_that_expects_100_continue_gets_it(server):
    with connect(server) as link, link.makefile("rb") as stream:
        link.sendall(post(FORM.strip(), b"Content-Length: 3", b"Expect: 100-continue"))
        assert stream.readline() == b"HTTP/1.1 100 Continue\r\n"
        stream.readline()
        link.sendall(b"a=b")
        assert read_answer(stream)[0] == 201


def test_a_client_that_expects_100_continue_for_too_much_is_refused(server):
    assert exchange(server, post(b"Content-Length: 90000000", b"Expect: 100-continue"))[0] == 413


def test_several_requests_in_one_connection_also_sent_at_once(server):
    with connect(server) as link, link.makefile("rb") as stream:
        link.sendall(get() + sized(b"a=b") + get(b"/nowhere") + get())
        assert [read_answer(stream)[0] for _ in range(4)] == [200, 201, 404, 200]


def test_nothing_follows_a_broken_request(server):
    smuggled = get(b"/nowhere")
    with connect(server) as link, link.makefile("rb") as stream:
        link.sendall(post(b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n" + smuggled))
        assert read_answer(stream)[0] == 400
        assert read_answer(stream)[0] == 0


def test_headers_of_a_description_cannot_break_a_response(server):
    status, headers, body = exchange(server, get(b"/break"))
    assert (status, "cannot be written" in body) == (500, True)
    assert "x-evil" not in headers
    status, headers, _ = exchange(server, get(b"/odd"))
    assert (status, headers["x-wide"], headers["content-length"]) == (200, "5 €", "0")
    assert "transfer-encoding" not in headers


def test_slow_clients_do_not_delay_others(server):
    links = [connect(server) for _ in range(50)]
    try:
        for number, link in enumerate(links):
            link.sendall((b"GET", b"GET /a HTTP/1.1\r\nHost:", post(b"Content-Length: 9", body=b"1"))[number % 3])
        assert exchange(server, get())[0] == 200
    finally:
        for link in links:
            link.close()


def test_a_request_that_takes_too_long_times_out():
    with MockServer(api(), seconds=0.3) as server, connect(server) as link, link.makefile("rb") as stream:
        link.sendall(post(b"Content-Length: 50", body=b"1"))
        status, _, body = read_answer(stream)
        assert (status, "0.3 s" in body) == (408, True)
        assert read_answer(stream)[0] == 0


def test_an_idle_client_is_disconnected():
    with MockServer(api(), seconds=0.3) as server, connect(server) as link, link.makefile("rb") as stream:
        assert read_answer(stream)[0] == 0


def test_a_trickling_response_times_out():
    """The time is that of the whole request, not of each piece."""
    with MockServer(api(), seconds=0.3) as server, connect(server) as link, link.makefile("rb") as stream:
        link.sendall(b"GET /a HTTP/1.1\r\n")
        ended = threading.Event()

        def trickle():
            while not ended.is_set():
                try:
                    link.sendall(b"X: 1\r\n")
                except OSError:
                    return
                time.sleep(0.02)

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            assert read_answer(stream)[0] == 408
        finally:
            ended.set()
            thread.join()


# ------------------------------------------------------------------ DNS rebinding


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("127.0.0.1:{port}", 200, id="its address"),
        pytest.param("localhost:{port}", 200, id="localhost"),
        pytest.param("LOCALHOST:{port}", 200, id="in any case"),
        pytest.param("localhost.:{port}", 200, id="with a dot at its end"),
        pytest.param("[::1]:{port}", 200, id="the address in IPv6"),
        pytest.param("localhost", 200, id="without a port"),
        pytest.param("localhost:9", 200, id="with another port, as of a tunnel"),
        pytest.param("evil.test:{port}", 421, id="another name that leads here"),
        pytest.param("evil.test", 421, id="the same without a port"),
        pytest.param("127.0.0.1.evil.test:{port}", 421, id="a name that begins with its address"),
        pytest.param("evil-localhost:{port}", 421, id="a name that ends like localhost"),
        pytest.param("x.localhost:{port}", 421, id="a name below localhost"),
        pytest.param("127.0.0.2:{port}", 421, id="another address of this machine"),
        pytest.param("localhost:{port}@evil.test", 400, id="a user in it"),
        pytest.param("localhost:port", 400, id="a port that is none"),
        pytest.param("localhost/evil.test", 400, id="a path in it"),
        pytest.param("[::1", 400, id="a bracket that does not close"),
        pytest.param("", 400, id="nothing"),
    ],
)
def test_only_its_own_hosts_are_answered(server, host, status):
    given = host.replace("{port}", str(port_of(server)))
    raw = f"GET /a HTTP/1.1\r\nHost: {given}\r\n\r\n".encode()
    found, _, body = exchange(server, raw)
    assert found == status
    if status == 421:
        assert "allow that host" in body
    if status == 400:
        assert "Host" in body


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_the_host_of_a_whole_url_counts_too(server, version):
    raw = f"GET http://evil.test/a {version}\r\nHost: localhost\r\n\r\n".encode()
    assert exchange(server, raw)[0] == 421


def test_a_host_that_was_allowed_is_answered():
    with MockServer(api(), allow_hosts=["api.test", "Other.Test:80"]) as server:
        found = [
            exchange(server, f"GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())[0]
            for host in ("api.test", "API.test:8080", "other.test", "x.api.test", "localhost")
        ]
    assert found == [200, 200, 200, 421, 200]
