"""Hubs of this process, in a thread of their own: what is sent to a path goes to all who listen there."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from tests.brokers.raw_http import Asked, answering


class Hub:
    """A server that runs until it is closed; `url` is where it is."""

    url = ""

    def __init__(self, serve: Callable[[Hub], Coroutine[Any, Any, None]]) -> None:
        self.loop = asyncio.new_event_loop()
        self.listening: dict[str, list[Any]] = defaultdict(list)
        self.ended = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(serve,), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self, serve: Callable[[Hub], Coroutine[Any, Any, None]]) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(serve(self))

    async def until_closed(self, url: str) -> None:
        """Say that it serves, and wait for its end."""
        self.url = url
        self._ready.set()
        await self.ended.wait()

    def close(self) -> None:
        """End it, with all connections."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.ended.set)
            self._thread.join(10)


def websocket_hub(*, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None) -> Hub:
    """Return a hub of WebSocket."""
    from websockets.asyncio.server import ServerConnection, basic_auth, serve

    async def handle(socket: ServerConnection, hub: Hub) -> None:
        assert socket.request is not None
        there = hub.listening[socket.request.path]
        there.append(socket)
        try:
            async for frame in socket:
                for each in list(there):
                    await each.send(frame)
        finally:
            there.remove(socket)

    async def run(hub: Hub) -> None:
        quiet = logging.Logger("quiet", logging.CRITICAL + 1)
        asks = basic_auth(credentials=login) if login is not None else None
        options: dict[str, Any] = {"ssl": tls, "logger": quiet, "process_request": asks, "close_timeout": 0.2}
        async with serve(lambda socket: handle(socket, hub), "127.0.0.1", 0, **options) as server:
            port = server.sockets[0].getsockname()[1]
            await hub.until_closed(f"{'ws' if tls is None else 'wss'}://127.0.0.1:{port}")

    return Hub(run)


def event_hub(*, tls: ssl.SSLContext | None = None, login: str | None = None) -> Hub:
    """Return a hub that takes posted messages and streams them as events; `login` is the Authorization it wants."""

    async def listen(asked: Asked, hub: Hub) -> None:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        there = hub.listening[asked.target]
        there.append(queue)
        try:
            await asked.head()
            while True:
                lines = (await queue.get()).split(b"\n")
                await asked.write(b"".join(b"data: " + line + b"\n" for line in lines) + b"\n")
        finally:
            there.remove(queue)

    async def run(hub: Hub) -> None:
        async def answer(asked: Asked) -> None:
            if login is not None and asked.headers.get("authorization") != login:
                await asked.write(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")
            elif asked.method == "GET":
                await listen(asked, hub)
            else:
                for queue in hub.listening[asked.target]:
                    queue.put_nowait(asked.body)
                await asked.write(b"HTTP/1.1 204 No\r\nConnection: close\r\n\r\n")

        async with answering(answer, tls=tls) as served:
            with suppress(asyncio.CancelledError):
                await hub.until_closed(served.url)

    return Hub(run)
