"""Ctrl-C in a blocking run: it interrupts what waits, and is held back elsewhere, so that no answer is lost.

It concerns the signals that raise KeyboardInterrupt as Python's own handler does, in the main thread, which
alone gets them: Ctrl-C, and those for which a program (`arazzo` for SIGTERM and SIGHUP) chose that handler.

One handler serves a whole run, runs in it included. What waits tells it how to be interrupted: handlers that are
exchanged for each effect would leave moments in which an answer that has come is lost.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, NoReturn

from arazzo_runner.engine.effects import Answer, Effect, Interrupted, Now, Race, World
from arazzo_runner.engine.interruption import add_answers

INTERRUPTING: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def not_ignored(*names: str) -> list[int]:
    """Return the signals of these names that exist here, without those that whoever began the process ignores.

    So `nohup arazzo …` survives the end of its terminal.
    """
    numbers = [int(getattr(signal, name)) for name in names if hasattr(signal, name)]
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


class HeldSignals:
    """The handler during a run: it notes a signal, and interrupts what waits; a second signal is raised at once.

    `interrupt` is called for a signal; None where nothing waits.
    """

    def __init__(self) -> None:
        self.has_come = False
        self.interrupt: Callable[[], None] | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.has_come:
            raise KeyboardInterrupt
        self.has_come = True
        if self.interrupt is not None:
            self.interrupt()

    def check(self) -> None:
        """Raise a signal that was noted; the request at hand was not sent."""
        if self.has_come:
            self.has_come = False
            raise Interrupted(sent=False)

    def raise_now(self) -> NoReturn:
        """Raise a signal in the midst of what waits."""
        self.has_come = False
        raise KeyboardInterrupt


def signals_here() -> HeldSignals | None:
    """Return the handler of the run in this thread, None if its signals are not held back."""
    if threading.current_thread() is not threading.main_thread():
        return None
    handlers: Iterator[Any] = (signal.getsignal(number) for number in INTERRUPTING)
    return next((each for each in handlers if isinstance(each, HeldSignals)), None)


@contextmanager
def held_signals() -> Iterator[None]:
    """Hold interrupting signals back; one that comes interrupts the next effect, at the latest the end of this."""
    held, numbers = HeldSignals(), _interrupting()
    try:
        for number in numbers:
            signal.signal(number, held)
        yield
    except KeyboardInterrupt:
        held.has_come = False
        raise
    finally:
        for number in numbers:
            if signal.getsignal(number) is held:
                signal.signal(number, signal.default_int_handler)
        held.check()


def _interrupting() -> list[Any]:
    """Return the signals that raise KeyboardInterrupt in this thread."""
    if threading.current_thread() is not threading.main_thread():
        return []
    return [number for number in INTERRUPTING if signal.getsignal(number) is signal.default_int_handler]


@contextmanager
def interruptible() -> Iterator[None]:
    """Let a signal that is held back interrupt what is done in here, at once."""
    held = signals_here()
    if held is None:
        yield
        return
    before = held.interrupt
    try:
        held.interrupt = held.raise_now
        held.check()
        yield
    finally:
        held.interrupt = before


class InterruptibleWorld:
    """Lets signals interrupt another World, which waits; an answer that has come is on what is raised."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.races = getattr(world, "races", False)
        self.message_races = getattr(world, "message_races", False)

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect; raises KeyboardInterrupt."""
        held = signals_here()
        if held is None:
            return await self._world.perform(effect)
        takes_no_time = isinstance(effect, Now)
        if takes_no_time:
            held.check()
            return await self._world.perform(effect)
        answer: Answer | None = None
        before = held.interrupt
        try:
            held.interrupt = held.raise_now
            held.check()
            answer = await self._world.perform(effect)
        except KeyboardInterrupt as stop:
            held.interrupt = before
            if answer is not None:
                add_answers(stop, _answers(effect, answer))
            raise
        finally:
            held.interrupt = before
        return answer


def _answers(effect: Effect[Any], answer: Any) -> dict[str, object]:
    """Return the answer to an effect, or to the one of a Race that was done first, by its key."""
    if not isinstance(effect, Race):
        return {effect.key: answer}
    index, first = answer
    return {effect.effects[index].key: first}
