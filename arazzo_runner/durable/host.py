"""A Host lets a run be carried out in the caller's thread although DBOS starts it in one of its own.

DBOS knows the run by its context; the caller borrows it. So Ctrl-C reaches the run, an event loop
keeps it, and a run that is resumed (which comes out of a queue) needs no other way than a new one.
"""

from __future__ import annotations

import contextvars
import queue
from typing import Any


class Parked(BaseException):
    """The run stops without an outcome: it stays unfinished, to be carried on later.

    No Exception, which the engine would record as the outcome.
    """


class Host:
    """The meeting point of DBOS's thread, which waits, and the caller's, which carries the run out."""

    def __init__(self) -> None:
        self._begun: queue.SimpleQueue[contextvars.Context] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def occupy(self) -> Any:
        """In DBOS's thread: lend the context, wait, and return the run's outcome (or raise Parked)."""
        self._begun.put(contextvars.copy_context())
        outcome = self._ended.get()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def context(self, seconds: float) -> contextvars.Context | None:
        """In the caller's thread: return the run's context when DBOS has begun it, None when that takes too long."""
        try:
            return self._begun.get(timeout=seconds)
        except queue.Empty:
            return None

    def end(self, outcome: Any) -> None:
        """Let DBOS's thread go on, with an outcome or with Parked."""
        self._ended.put(outcome)
