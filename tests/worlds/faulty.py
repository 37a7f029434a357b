"""A loopback server that misbehaves on purpose: each path is one fault, written byte by byte."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
import time
from collections.abc import Callable

JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def _plain(body: bytes, head: bytes = JSON_HEAD) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _gzip_cut() -> bytes:
    body = gzip.compress(b'{"a": "' + bytes(range(65, 91)) * 200 + b'"}')[:-20]
    return _plain(body, JSON_HEAD + b"Content-Encoding: gzip\r\n")


def _bomb() -> bytes:
    return _plain(gzip.compress(b"0" * 30_000_000), JSON_HEAD + b"Content-Encoding: gzip\r\n")


def _slowly(connection: socket.socket, parts: list[bytes], pause: float) -> None:
    for part in parts:
        connection.sendall(part)
        time.sleep(pause)


def _endless(connection: socket.socket) -> None:
    connection.sendall(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for _ in range(2000):
        connection.sendall(chunk)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


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
        answer = ANSWERS[path.partition("?")[0]]
        if callable(answer):
            answer(connection)
            return False
        connection.sendall(answer)
        # Everything but a plain answer ends its connection; /ok closes it late, which makes it stale.
        return path == "/post"
