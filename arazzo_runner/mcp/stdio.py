"""The transport over standard input and output, which carry the protocol and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

import anyio
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import PARSE_ERROR, ErrorData, JSONRPCError

_NO_MESSAGE: Final = JSONRPCError(
    jsonrpc="2.0", id=None, error=ErrorData(code=PARSE_ERROR, message="the line is no message of JSON-RPC 2.0")
)
LONGEST_LINE: Final = 16 * 2**20
"""A longer line is not read as a message."""
_CHUNK: Final = 65_536


async def serve_stdio(server: Server[Any], log: Callable[[str], None]) -> None:
    """Serve the client at the other end of standard input until it closes that."""
    lines: Any = Lines(sys.stdin.buffer, log)
    async with stdio_server(stdin=lines) as (reading, writing), anyio.create_task_group() as group:
        sending, messages = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        group.start_soon(_pass_on, reading, sending, writing)
        await server.run(messages, writing, server.create_initialization_options())
        group.cancel_scope.cancel()


async def _pass_on(reading: Any, sending: Any, writing: Any) -> None:
    """Pass messages on; a line that is none is answered, which the SDK does not do."""
    async with sending:
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for item in reading:
                if isinstance(item, Exception):
                    await writing.send(SessionMessage(_NO_MESSAGE))
                else:
                    await sending.send(item)


class Lines:
    """The lines of a stream, read by a thread that does not keep the process from ending."""

    def __init__(self, stream: Any, log: Callable[[str], None]) -> None:
        self._read = _reader(stream)
        self._log = log

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield each line as text; undecodable bytes are replaced."""
        loop, lines = asyncio.get_running_loop(), asyncio.Queue[bytes | None](maxsize=64)

        def read() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                for line in self._lines():
                    asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
                asyncio.run_coroutine_threadsafe(lines.put(None), loop).result()

        threading.Thread(target=read, name="arazzo-mcp-stdin", daemon=True).start()
        while (line := await lines.get()) is not None:
            yield line.decode("utf-8", "replace")

    def _lines(self) -> Iterator[bytes]:
        """Yield each line; of one that is too long, nothing is kept."""
        begun, is_too_long = bytearray(), False
        while chunk := self._chunk():
            *ended, rest = chunk.split(b"\n")
            for piece in ended:
                begun += piece
                yield b"" if is_too_long else bytes(begun)
                begun, is_too_long = bytearray(), False
            begun += rest
            if len(begun) > LONGEST_LINE:
                if not is_too_long:
                    self._log(f"a line of more than {LONGEST_LINE:,} bytes was ignored")
                begun, is_too_long = bytearray(), True
        if begun:
            yield bytes(begun)

    def _chunk(self) -> bytes:
        """Return what comes next, nothing at the end."""
        try:
            return self._read(_CHUNK)
        except (OSError, ValueError):  # closed
            return b""


def _reader(stream: Any) -> Callable[[int], bytes]:
    """Return a function that reads from a stream: without its buffer, whose lock a waiting thread would not let go."""
    try:
        unbuffered = io.FileIO(os.dup(stream.fileno()))
    except (OSError, AttributeError):
        found: Callable[[int], bytes] = stream.readline
        return found
    return lambda most: unbuffered.read(most) or b""
