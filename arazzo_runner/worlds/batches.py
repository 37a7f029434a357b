"""The effects of a Batch at the same time, for a World that blocks: a thread for each that takes time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from arazzo_runner.engine.effects import Effect, Now


def perform_together(perform: Callable[[Effect[Any]], object], effects: Sequence[Effect[Any]]) -> tuple[object, ...]:
    """Perform effects at the same time and return their answers in order; the first mistake is raised.

    The threads are daemons: an interrupted run does not wait for requests nobody will read.
    """
    slow = [effect for effect in effects if not isinstance(effect, Now)]
    if len(slow) < 2:
        return tuple(perform(effect) for effect in effects)
    branches = [_Branch(perform, effect) for effect in effects]
    for branch in branches:
        branch.start()
    for branch in branches:
        branch.join()
    return tuple(branch.answer() for branch in branches)


class _Branch(threading.Thread):
    """One effect under way."""

    def __init__(self, perform: Callable[[Effect[Any]], object], effect: Effect[Any]) -> None:
        super().__init__(daemon=True)
        self._perform = perform
        self._effect = effect
        self._answer: object = None
        self._mistake: BaseException | None = None

    def run(self) -> None:
        """Perform the effect and keep what comes of it."""
        try:
            self._answer = self._perform(self._effect)
        except BaseException as mistake:
            self._mistake = mistake

    def answer(self) -> object:
        """Return the answer, or raise the mistake, once it is over."""
        if self._mistake is not None:
            raise self._mistake
        return self._answer
