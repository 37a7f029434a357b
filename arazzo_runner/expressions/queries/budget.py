"""How much work a query may do, and the failures of queries. Work is counted, not timed."""

from __future__ import annotations

from collections.abc import Hashable

from arazzo_runner.base.settings import CRITERION_TIMEOUT

UNITS_PER_SECOND = 1_000_000
"""About what one second of the evaluators' work comes to on a small machine."""
RAISED_BY = CRITERION_TIMEOUT.key
"""The setting that raises the limit of a query's work."""


class QueryFailure(Exception):
    """A query cannot be evaluated on a value; the message says why."""


class TooMuchWork(QueryFailure):
    """A query used up its budget."""

    def __init__(self, what: str = f"the query takes too much work for its time limit ({RAISED_BY})") -> None:
        super().__init__(what)


class Budget:
    """Counts units of work and raises TooMuchWork when they are used up.

    Counting makes the verdict of a query the same on every machine and in every replay of a
    run; a clock would not. A unit is one node visited or one small comparison.
    """

    __slots__ = ("_paid", "remaining", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.remaining = max(1, int(seconds * UNITS_PER_SECOND))
        self._paid: set[Hashable] = set()

    def spend(self, units: int = 1) -> None:
        """Take `units` from what is left."""
        self.remaining -= units
        if self.remaining < 0:
            raise TooMuchWork

    def spend_once(self, what: Hashable, units: int) -> None:
        """Take `units` when `what` is first met: what is compiled once in an evaluation, and kept."""
        if what not in self._paid:
            self.spend(units)
            self._paid.add(what)
