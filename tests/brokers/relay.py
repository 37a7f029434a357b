"""A relay between a client and a broker, which a test can cut or hold: a fault of the network without a new broker.

With `tls` it speaks TLS to the client and none to the broker.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Relay:
    """Forwards connections of `port` to the port `to` of loopback."""

    def __init__(self, to: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.to = to
        self.tls = tls
        self.port = 0
        self.connections = 0
        """How many were made so far."""
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._refuses = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def cut(self, *, refuse: bool = False) -> None:
        """Break all connections; with `refuse` also those that are made from now on, until `mend`."""
        self._call(self._cut(refuse))

    def hold(self) -> None:
        """Forward nothing more, and leave the connections open: a network that swallows everything."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def mend(self) -> None:
        """Forward again, what was held back first, and take connections again."""
        self._call(self._mend())

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self._call(self._listen())

    def close(self) -> None:
        """Break all connections and listen no more."""
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _call(self, work) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._flows.set()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._refuses:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        try:
            await asyncio.gather(self._forward(reader, far_writer), self._forward(far_reader, writer))
        finally:
            for each in (writer, far_writer):
                self._writers.discard(each)
                each.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _cut(self, refuse: bool) -> None:
        self._refuses = refuse
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _mend(self) -> None:
        self._refuses = False
        self._flows.set()

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        writers = tuple(self._writers)
        await self._cut(True)
        self._flows.set()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:  # connections end because they were cut, or because the client went away in the middle of TLS
            await asyncio.wait(others, timeout=2)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
        await asyncio.sleep(0)


@contextmanager
def relaying(to: int, *, tls: ssl.SSLContext | None = None) -> Iterator[Relay]:
    """Forward a free port to another during the block."""
    relay = Relay(to, tls=tls)
    relay.start()
    try:
        yield relay
    finally:
        relay.close()
