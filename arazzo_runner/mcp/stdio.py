"""The transport over standard input and output, which carry the protocol and nothing else."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server

LONGEST_LINE: Final = 16 * 2**20
"""A longer line is not read as a message."""


async def serve_stdio(server: Server[Any], log: Callable[[str], None]) -> None:
    """Serve the client at the other end of standard input until it closes that."""
    lines: Any = Lines(sys.stdin.buffer, log)
    async with stdio_server(stdin=lines) as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


class Lines:
    """The lines of a stream, read by a thread that does not keep the process from ending."""

    def __init__(self, stream: Any, log: Callable[[str], None]) -> None:
        self._stream = stream
        self._log = log

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield each line as text; undecodable bytes are replaced."""
        loop, lines = asyncio.get_running_loop(), asyncio.Queue[bytes | None](maxsize=64)

        def read() -> None:
            while True:
                line = self._line()
                try:
                    asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
                except RuntimeError:  # the loop is closed
                    return
                if line is None:
                    return

        threading.Thread(target=read, name="arazzo-mcp-stdin", daemon=True).start()
        while (line := await lines.get()) is not None:
            yield line.decode("utf-8", "replace")

    def _line(self) -> bytes | None:
        """Return the next line, None at the end; of one that is too long, nothing is kept."""
        try:
            line: bytes = self._stream.readline(LONGEST_LINE)
            if len(line) < LONGEST_LINE or line.endswith(b"\n"):
                return line or None
            while line and not line.endswith(b"\n"):
                line = self._stream.readline(LONGEST_LINE)
        except (OSError, ValueError):  # closed
            return None
        self._log(f"a line of more than {LONGEST_LINE:,} bytes was ignored")
        return b"\n"
