"""A loopback server that misbehaves on purpose: each path is one fault, written byte by byte."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable

JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def _plain(body: bytes, head: bytes = JSON_HEAD) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _gzip_cut() -> bytes:
    body = gzip.compress(b'{"a": "' + bytes(range(65, 91)) * 200 + b'"}')[:-20]
    return _plain(body, JSON_HEAD + b"Content-Encoding: gzip\r\n")


def _encoded(body: bytes, coding: bytes) -> bytes:
    return _plain(body, JSON_HEAD + b"Content-Encoding: " + coding + b"\r\n")


def _bomb() -> bytes:
    return _encoded(gzip.compress(b"0" * 30_000_000), b"gzip")


def _nested_bomb() -> bytes:
    # 40 MB of zeros in 40 KB, in 150 bytes: one read is enough for it.
    return _encoded(gzip.compress(gzip.compress(bytes(40_000_000))), b"gzip, gzip")


def _raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def _send_while_read(connection: socket.socket, first: bytes, again: bytes, times: int) -> None:
    connection.sendall(first)
    for _ in range(times):
        connection.sendall(again)


def _slowly(connection: socket.socket, parts: list[bytes], pause: float) -> None:
    for part in parts:
        connection.sendall(part)
        time.sleep(pause)


def _endless(connection: socket.socket) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    _send_while_read(connection, JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk, 2000)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _reset_after(connection: socket.socket, sent: bytes) -> None:
    connection.sendall(sent)
    time.sleep(0.05)  # else the reset overtakes what was sent
    _reset(connection)


ANSWERS: dict[str, bytes | Callable[[socket.socket], None]] = {
    "/ok/../ok": _plain(b"{}"),
    "/": _plain(b"{}"),
    "//ok": _plain(b"{}"),
    "/large-header": _plain(b"{}", JSON_HEAD + b"X-Large: " + b"x" * 30_000 + b"\r\n"),
    "/slow-end": lambda connection: _slowly(connection, [JSON_HEAD, b"Content-Length: 2\r\n\r\n{}"], 0.25),
    "/ok": _plain(b'{"a": 1}'),
    "/post": _plain(b'{"a": 1}'),
    "/reset-before-headers": _reset,
    "/closed-before-headers": lambda connection: None,
    "/half-headers": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "/mid-body": JSON_HEAD + b"Content-Length: 100\r\n\r\n{",
    "/gzip-cut": _gzip_cut(),
    "/chunked-cut": JSON_HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n',
    "/bomb": _bomb(),
    "/endless": _endless,
    "/slow-headers": lambda connection: _slowly(connection, [b"HTTP/1.1 200 OK\r\n"] + [b"X-A: b\r\n"] * 30, 0.1),
    "/slow-body": lambda connection: _slowly(
        connection, [JSON_HEAD + b"Content-Length: 30\r\n\r\n"] + [b"1"] * 30, 0.1
    ),
    "/bad-utf8": _plain(b'{"a": "\xff"}'),
    "/empty-json": _plain(b""),
    "/no-content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/duplicates": _plain(b"{}", JSON_HEAD + b"X-A: 1\r\nX-A: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"),
    "/http10": b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"a": 1}',
    "/garbage": b"this is not HTTP at all\r\n\r\n",
    "/head": JSON_HEAD + b"Content-Length: 500\r\n\r\n",
    "/head-with-body": _plain(b"{}"),
    "/reset-after-headers": lambda connection: _reset_after(connection, JSON_HEAD + b"Content-Length: 9\r\n\r\n"),
    "/reset-in-headers": lambda connection: _reset_after(connection, JSON_HEAD),
    "/reset-mid-body": lambda connection: _reset_after(connection, JSON_HEAD + b'Content-Length: 9\r\n\r\n{"a"'),
    "/reset-in-chunked": lambda connection: _reset_after(
        connection, JSON_HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n'
    ),
    "/deflate-cut": _encoded(zlib.compress(b'{"a": 1}' * 50)[:-6], b"deflate"),
    "/not-gzip": _encoded(b'{"a": 1}', b"gzip"),
    "/nested-bomb": _nested_bomb(),
    "/deflate-bomb": _encoded(zlib.compress(bytes(30_000_000)), b"deflate"),
    "/many-codings": _encoded(b"{}", b"gzip, gzip, gzip, gzip, gzip"),
    # a real brotli stream: nobody asked for it, so nobody unpacks it
    "/brotli": _encoded(b'\x0b\x03\x80{"a": 1}\x03', b"br"),
    "/gzip": _encoded(gzip.compress(b'{"a": 1}'), b"gzip"),
    "/gzip-members": _encoded(gzip.compress(b'{"a"') + gzip.compress(b": 1}"), b"gzip"),
    "/gzip-twice": _encoded(gzip.compress(gzip.compress(b'{"a": 1}')), b"gzip, gzip"),
    "/gzip-empty": _encoded(b"", b"gzip"),
    "/deflate": _encoded(zlib.compress(b'{"a": 1}'), b"deflate"),
    "/deflate-raw": _encoded(_raw_deflate(b'{"a": 1}'), b"deflate"),
    "/identity": _encoded(b'{"a": 1}', b"identity"),
    "/wrong-type": _plain(b"<p>no JSON</p>"),
    "/no-type": _plain(b'{"a": 1}', b"HTTP/1.1 200 OK\r\n"),
    "/not-modified": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "/reset-content": b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
    "/until-close": lambda connection: connection.sendall(JSON_HEAD + b'Connection: close\r\n\r\n{"a": 1}'),
    "/too-much": JSON_HEAD + b'Content-Length: 8\r\n\r\n{"a": 1}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged',
    "/two-lengths": JSON_HEAD + b'Content-Length: 8\r\nContent-Length: 4\r\n\r\n{"a": 1}',
    "/bad-length": JSON_HEAD + b"Content-Length: -1\r\n\r\n{}",
    "/bad-chunk": JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "/continue": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + _plain(b'{"a": 1}'),
    "/only-continue": lambda connection: _slowly(connection, [b"HTTP/1.1 102 Processing\r\n\r\n"] * 40, 0.05),
    "/switching": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello",
    "/bad-status": b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
    "/bare-lf": b'HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 8\n\n{"a": 1}',
    "/silent": lambda connection: time.sleep(2),
    "/endless-header": lambda connection: _send_while_read(connection, b"HTTP/1.1 200 OK\r\nX-A: ", b"x" * 65536, 200),
    "/endless-headers": lambda connection: _send_while_read(
        connection, b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 8192, 200
    ),
    "/null-header": b"HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 2\r\n\r\n{}",
}


class FaultyServer:
    """Serves ANSWERS until it is closed; `paths` lists the request targets in order."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.paths: list[str] = []
        self.heads: list[bytes] = []
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stop taking connections."""
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                while self._exchange(connection):
                    pass
            except OSError:
                pass  # the client went away, as many of these tests want

    def _exchange(self, connection: socket.socket) -> bool:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return False
            data += more
        head = data.partition(b"\r\n\r\n")[0]
        path = head.split(b" ")[1].decode()
        self.paths.append(path)
        self.heads.append(head)
        plain = path.partition("?")[0]
        answer = ANSWERS.get(plain) or ANSWERS["/" + plain.split("/")[1]]
        if callable(answer):
            answer(connection)
            return False
        if head.startswith(b"HEAD ") and path != "/head-with-body":
            answer = answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        connection.sendall(answer)
        # Everything but a plain answer ends its connection; /ok closes it late, which makes it stale.
        return path == "/post"
