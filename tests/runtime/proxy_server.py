"""A small proxy on loopback: forwards absolute-form requests and tunnels CONNECT; every name means this machine."""

from __future__ import annotations

import contextlib
import socket
import threading
from base64 import b64encode


class ProxyServer:
    """Forwards until it is closed; `seen` lists each request line's method and target, in order.

    With `login` (user:password) it answers 407 to requests without it; `connect_status`
    is what it answers to CONNECT.
    """

    def __init__(self, login: str | None = None, connect_status: int = 200) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.seen: list[str] = []
        self._expected = login and b"Basic " + b64encode(login.encode())
        self._connect_status = connect_status
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stop taking connections; a second time does nothing."""
        if self._socket.fileno() < 0:
            return
        self._socket.shutdown(socket.SHUT_RDWR)  # closing alone would let one more connection in
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):  # either side went away
            self._exchange(client)

    def _exchange(self, client: socket.socket) -> None:
        head, rest = _head(client)
        method, target, version = head.split(b"\r\n")[0].split(b" ")
        self.seen.append(f"{method.decode()} {target.decode()}")
        if self._expected and b"proxy-authorization: " + self._expected.lower() not in head.lower():
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        rest += _missing(client, head, len(rest))
        authority = target if method == b"CONNECT" else target.split(b"/")[2]
        if method == b"CONNECT" and self._connect_status != 200:
            client.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % self._connect_status)
            return
        with socket.create_connection(("127.0.0.1", int(authority.rpartition(b":")[2]))) as server:
            if method == b"CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = b"/" + target.split(b"/", 3)[3]
                lines = [b" ".join((method, path, version)), *head.split(b"\r\n")[1:], b"Connection: close"]
                lines = [line for line in lines if not line.lower().startswith((b"proxy-", b"connection: keep"))]
                server.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + rest)
                status, end, more = server.recv(65536).partition(b"\r\n")
                client.sendall(status + end + b"Connection: close" + end + more)  # as this proxy will do
            _both_ways(client, server)


def _head(client: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(65536)
        if not more:
            raise OSError("no request")
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _missing(client: socket.socket, head: bytes, have: int) -> bytes:
    """Read the rest of a request's body."""
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    data = b""
    while lengths and have + len(data) < int(lengths[0]):
        more = client.recv(65536)
        if not more:
            raise OSError("half a request")
        data += more
    return data


def _both_ways(client: socket.socket, server: socket.socket) -> None:
    back = threading.Thread(target=_copy, args=(server, client), daemon=True)
    back.start()
    _copy(client, server)
    back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
