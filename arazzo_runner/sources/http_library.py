"""The HTTP library: the one place that imports it, and deadlines for whole exchanges.

The library's own timeouts apply to each read. A Deadline is a float that knows when it expires;
the wrapped streams of a transport wait no longer than that. A transport without the attributes
used here (of another library, or a later version) keeps its timeout for each read.
"""

from __future__ import annotations

import os
import sys
import time
from _thread import allocate_lock
from types import ModuleType
from typing import Any

LIBRARIES = ("httpx", "httpx2")
VARIABLE = "ARAZZO_HTTP"
_ONE_AT_A_TIME = allocate_lock()


def httpx() -> Any:
    """Return httpx or, if ARAZZO_HTTP names it, its fork httpx2.

    Raises ImportError when the library is not installed and ValueError for another name.
    """
    name = os.environ.get(VARIABLE) or "httpx"
    if name not in LIBRARIES:
        raise ValueError(f'{VARIABLE} is one of {", ".join(LIBRARIES)}, not "{name}"')
    with _ONE_AT_A_TIME:  # no other thread may see a partly imported module
        return sys.modules.get(name) or (_httpx2() if name == "httpx2" else _httpx())


def _httpx() -> Any:
    """Import httpx, leaving out `httpx._main` (about 60 ms of a cold start).

    httpx/__init__.py imports its command line if click and rich are installed. A stand-in replaces
    that module during the import only.
    """
    stand_in = ModuleType("httpx._main")
    stand_in.main = _no_command_line  # type: ignore[attr-defined]
    sys.modules["httpx._main"] = stand_in
    try:
        import httpx as module
    finally:
        sys.modules.pop("httpx._main", None)
    return module


def _httpx2() -> Any:
    import httpx2

    return httpx2


def _no_command_line() -> None:
    """Stand in for `httpx.main`."""


# ------------------------------------------------------------------ deadlines


class Deadline(float):
    """Seconds from now, as a float; `left()` is what remains of them."""

    over: float

    def __new__(cls, seconds: float) -> Deadline:
        """Start the clock."""
        made = super().__new__(cls, seconds)
        made.over = time.perf_counter() + seconds
        return made

    def left(self) -> float:
        """Return the remaining seconds, at least a millisecond (zero would mean not to wait at all)."""
        return max(0.001, self.over - time.perf_counter())


def keep_deadlines(transport: Any) -> None:
    """Make a transport end reads and writes when a Deadline expires."""
    pool: Any = getattr(transport, "_pool", None)
    backend = getattr(pool, "_network_backend", None)
    if backend is not None:
        pool._network_backend = _Backend(backend)


class _Backend:
    """A network backend whose streams observe deadlines."""

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
