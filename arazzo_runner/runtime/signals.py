"""Ctrl-C in a blocking run: it interrupts what waits, and is held back elsewhere, so that no answer is lost.

It concerns the signals that raise KeyboardInterrupt as Python's own handler does, in the main thread, which
alone gets them: Ctrl-C, and those for which a program (`arazzo` for SIGTERM and SIGHUP) chose that handler.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from arazzo_runner.engine.effects import Answer, Effect, Interrupted, Now, World

INTERRUPTING: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def not_ignored(*names: str) -> list[int]:
    """Return the signals of these names that exist here, without those that whoever began the process ignores.

    So `nohup arazzo …` survives the end of its terminal.
    """
    numbers = [int(getattr(signal, name)) for name in names if hasattr(signal, name)]
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


class _Held:
    """A handler that notes its signal; a second one is raised at once."""

    def __init__(self) -> None:
        self.has_come = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.has_come:
            raise KeyboardInterrupt
        self.has_come = True

    def check(self) -> None:
        """Raise what was held back; the request at hand was not sent."""
        if self.has_come:
            self.has_come = False
            raise Interrupted(sent=False)


@contextmanager
def held_signals() -> Iterator[None]:
    """Hold interrupting signals back; one that comes is raised by `interruptible`, at the latest at the end."""
    held = _Held()
    numbers = _with_handler(lambda handler: handler is signal.default_int_handler)
    _handle(numbers, held)
    try:
        yield
    except KeyboardInterrupt:
        held.has_come = False
        raise
    finally:
        _handle(numbers, signal.default_int_handler)
        held.check()


@contextmanager
def interruptible() -> Iterator[None]:
    """Let signals that are held back interrupt what is done in here, at once."""
    numbers = _with_handler(lambda handler: isinstance(handler, _Held))
    if not numbers:
        yield
        return
    held: Any = signal.getsignal(numbers[0])
    _handle(numbers, signal.default_int_handler)
    try:
        held.check()
        yield
    finally:
        _handle(numbers, held)


def check_signals() -> None:
    """Raise a signal that is held back."""
    handler: Any = signal.getsignal(signal.SIGINT)
    if isinstance(handler, _Held) and threading.current_thread() is threading.main_thread():
        handler.check()


@contextmanager
def all_like_ctrl_c() -> Iterator[None]:
    """Handle every interrupting signal as asyncio.Runner does Ctrl-C: it cancels its task, and raises then."""
    import asyncio  # lazily: here an event loop runs

    handler: Any = signal.getsignal(signal.SIGINT)
    is_of_runner = isinstance(getattr(getattr(handler, "func", None), "__self__", None), asyncio.Runner)
    numbers = _with_handler(lambda each: each is signal.default_int_handler) if is_of_runner else []
    _handle(numbers, handler)
    try:
        yield
    finally:
        _handle(numbers, signal.default_int_handler)


class InterruptibleWorld:
    """Lets signals interrupt another World, which waits."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.races = getattr(world, "races", False)

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect; raises KeyboardInterrupt."""
        takes_no_time = isinstance(effect, Now)
        if takes_no_time:
            check_signals()
            return await self._world.perform(effect)
        with interruptible():
            return await self._world.perform(effect)


def _with_handler(is_wanted: Any) -> list[Any]:
    if threading.current_thread() is not threading.main_thread():
        return []
    return [number for number in INTERRUPTING if is_wanted(signal.getsignal(number))]


def _handle(numbers: list[Any], handler: Any) -> None:
    for number in numbers:
        signal.signal(number, handler)
