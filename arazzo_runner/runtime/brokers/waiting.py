"""A Receive that waits: it looks at its tap again after each change, until it has an answer or its time is over.

It is no task of its own: the answer is there in the same turn of the event loop in which the message came, which saves
a tenth of the time from a message's arrival to its step (benchmarks/messages.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeAlias

from arazzo_runner.base.records import replace
from arazzo_runner.engine.messages import NoMessage, Receive, Received
from arazzo_runner.runtime.brokers.taps import Tap

Answered: TypeAlias = Callable[[Received | NoMessage | Exception], None]
"""Gets the answer to a Receive, or what was raised while it was looked for."""


class Waiting:
    """One Receive that waits on a tap; `changed` is to be called after each change of the tap.

    `answered` is called once, at once where the message is there already, and never after `cancel`.
    """

    def __init__(self, tap: Tap, effect: Receive, among: list[Waiting], answered: Answered) -> None:
        self._among = among
        self._answered = answered
        self._began = time.monotonic()
        self._look = tap.look(effect)
        self._timer = asyncio.get_running_loop().call_later(effect.timeout, self._late)
        among.append(self)
        self.changed()

    def changed(self) -> None:
        """Look again."""
        self._try(lambda: self._look.found() or self._look.ended())

    def cancel(self) -> None:
        """Wait no more."""
        self._timer.cancel()
        if self in self._among:
            self._among.remove(self)

    def _late(self) -> None:
        self._try(lambda: self._look.found() or self._look.ended() or self._look.timed_out())

    def _try(self, look: Callable[[], Received | NoMessage | None]) -> None:
        if self not in self._among:  # it was answered in the same turn
            return
        try:
            answer: Received | NoMessage | Exception | None = look()
        except Exception as problem:  # a mistake of ours: it belongs to the thread of the run
            answer = problem
        if answer is None:
            return
        self.cancel()
        if not isinstance(answer, Exception):
            answer = replace(answer, elapsed_ms=(time.monotonic() - self._began) * 1000)
        self._answered(answer)
