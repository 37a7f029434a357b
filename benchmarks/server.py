"""A quick loopback server for the benchmarks: answers canned JSON by path, keeps connections open.

Runs in a process of its own, so that its cost is nobody's. Prints its port, then serves until killed.
"""

from __future__ import annotations

import asyncio
import json

ANSWERS = {
    b"/auth/refresh": {"access_token": "bench-access-token", "refresh_token": "bench-refresh-token-2",
                       "token_type": "Bearer", "expires_in": 604800},
    b"/api": {"data": {"customers": {"nodes": [{"id": "1", "name": "Acme", "externalId": "a"}]}}},
    b"/auth/revoke": {"revoked": True},
}  # fmt: skip
DEFAULT = {"ok": True, "id": 7, "items": [{"sku": "a", "price": 3}, {"sku": "b", "price": 5}]}


class Server(asyncio.Protocol):
    """Just enough HTTP/1.1 for well-behaved clients."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.data = b""

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end]
            length = 0
            for line in head.split(b"\r\n")[1:]:
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if len(self.data) < end + 4 + length:
                return
            self.data = self.data[end + 4 + length :]
            path = head.split(b" ", 2)[1].partition(b"?")[0]
            body = json.dumps(ANSWERS.get(path, DEFAULT)).encode()
            head_out = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            self.transport.write(head_out + body)


async def main() -> None:
    """Serve on a free port of the loopback interface."""
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
