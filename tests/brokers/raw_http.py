"""An HTTP server on the event loop that writes exactly the bytes a test wants, when it wants."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

Answer = Callable[["Asked"], Awaitable[None]]


class Asked:
    """One request: its line, headers by lower-case name, and body; `write` answers it."""

    def __init__(self, line: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        self.method, self.target, _ = line.split(" ")
        self.headers = headers
        self.body = body
        self.writer = writer

    async def write(self, *pieces: bytes) -> None:
        """Write bytes as they are, each piece by itself."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def head(self, status: int = 200, kind: str = "text/event-stream", *more: str) -> None:
        """Write the head of an answer whose body ends with the connection."""
        lines = [f"HTTP/1.1 {status} Reason", f"Content-Type: {kind}", "Connection: close", *more]
        await self.write("\r\n".join([*lines, "", ""]).encode())


class RawServer:
    """Its URL and the requests so far."""

    def __init__(self, port: int, scheme: str) -> None:
        self.url = f"{scheme}://127.0.0.1:{port}"
        self.requests: list[Asked] = []


@asynccontextmanager
async def answering(answer: Answer, tls: Any = None) -> Any:
    """Serve on a free port until the context ends; one request for each connection."""
    tasks: set[asyncio.Task[Any] | None] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        tasks.add(task)
        try:
            asked = await _request(reader, writer)
            served.requests.append(asked)
            await answer(asked)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    served = RawServer(server.sockets[0].getsockname()[1], "http" if tls is None else "https")
    try:
        yield served
    finally:
        server.close()
        for task in tasks:
            if task is not None:
                task.cancel()


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in head[1:] if line)
    headers = {name.lower(): value for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(head[0], headers, body, writer)
