"""One daemon thread with an event loop of its own, which serves the connections while a run does other things.

A run that blocks has no event loop, and one that does not may stop its own: keep-alives must be sent meanwhile.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

JOIN: Final = 0.5
"""Seconds that the thread has to end in, once everything on its loop is closed."""


class BrokerLoop:
    """The thread and its loop, begun by the first `call`; what it still waits for does not keep a process alive."""

    def __init__(self, at_end: Callable[[], Awaitable[None]], seconds: float) -> None:
        self._at_end = at_end
        self._seconds = seconds
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: Any = None
        self._stop = asyncio.Event()
        self.is_closed = False
        self.problem: str | None = None
        """Why the thread could not begin."""

    def call(self, function: Callable[..., object], *arguments: object) -> bool:
        """Call a function on the loop, soon; return whether there is a loop."""
        with self._lock:
            if self._thread is None and not self.is_closed:
                try:
                    self._begin()
                except (OSError, RuntimeError) as problem:  # no more files, or threads, for this process
                    self.problem, self.is_closed = str(problem), True
            if self.is_closed:
                return False
            self._loop.call_soon_threadsafe(function, *arguments)
            return True

    def close(self) -> None:
        """Close what is on the loop and end the thread; one that does not end in time is left."""
        self.begin_to_close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(self._seconds + JOIN)

    def begin_to_close(self) -> None:
        """Take no more calls, and close what is on the loop."""
        with self._lock:
            if not self.is_closed and self._loop is not None:
                self._loop.call_soon_threadsafe(self._stop.set)
            self.is_closed = True

    def _begin(self) -> None:
        # The selector loop, on Windows too: libraries need its add_reader.
        loop = asyncio.SelectorEventLoop()
        loop.set_default_executor(_DaemonThreads())
        thread = threading.Thread(target=self._run, args=(loop,), name="arazzo-brokers", daemon=True)
        try:
            thread.start()
        except BaseException:
            loop.close()
            raise
        self._loop, self._thread = loop, thread

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        await self._stop.wait()
        try:
            async with asyncio.timeout(self._seconds):
                await self._at_end()
        except TimeoutError:
            pass  # what did not close in time is left


class _DaemonThreads(ThreadPoolExecutor):
    """Runs each call in a daemon thread: a name server that does not answer must not keep a process alive."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Begin a call."""
        future: Future[Any] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as problem:
                future.set_exception(problem)
            else:
                future.set_result(result)

        threading.Thread(target=work, name="arazzo-brokers-call", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the calls that go on."""
