"""One deadline for a whole blocking exchange: the HTTP library's timeouts are for each read only.

The timeout handed to the library is a float that also knows when it is over; the streams of
the transport, wrapped here, wait no longer than that. A transport without the attributes used
below (another library, a later version) keeps its timeout for each read.
"""

from __future__ import annotations

import time
from typing import Any


class Deadline(float):
    """Seconds from now, as a float; `left()` is what remains of them."""

    over: float

    def __new__(cls, seconds: float) -> Deadline:
        """Start the clock."""
        made = super().__new__(cls, seconds)
        made.over = time.perf_counter() + seconds
        return made

    def left(self) -> float:
        """Return the seconds that remain, never quite zero (that would mean "do not wait at all")."""
        return max(0.001, self.over - time.perf_counter())


def keep_deadlines(transport: Any) -> None:
    """Make a transport end reads and writes when a Deadline is over."""
    pool: Any = getattr(transport, "_pool", None)
    backend = getattr(pool, "_network_backend", None)
    if backend is not None:
        pool._network_backend = _Backend(backend)


class _Backend:
    """A network backend whose streams keep deadlines."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def connect_tcp(self, *arguments: Any, **options: Any) -> _Stream:
        return _Stream(self._backend.connect_tcp(*arguments, **options))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


class _Stream:
    """A stream that waits no longer than its Deadline."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data: bytes = self._stream.read(max_bytes, timeout.left() if isinstance(timeout, Deadline) else timeout)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout.left() if isinstance(timeout, Deadline) else timeout)

    def start_tls(self, *arguments: Any, **options: Any) -> _Stream:
        return _Stream(self._stream.start_tls(*arguments, **options))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
