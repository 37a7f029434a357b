"""Who has a run: a file lock on this machine and, with PostgreSQL, a lock that every machine sees."""

from __future__ import annotations

from arazzo_runner.durable.pg_lock import AdvisoryLock
from arazzo_runner.durable.refusal import refusal, unreachable
from arazzo_runner.durable.store import Store


class Ownership:
    """The right to carry out one run, or to be one worker, under a `name`."""

    def __init__(self, store: Store, name: str) -> None:
        self._file = store.lock_of(name)
        self._shown = store.shown
        self._everywhere = None if store.path is not None else AdvisoryLock(store.connection, name)

    def take(self, text: str) -> bool:
        """Take it; `text` says in the lock's file what it is about. False when another process has it."""
        try:
            if not self._file.take(text):
                return False
        except OSError as problem:
            message = f"{self._file.path} cannot be written: {problem.strerror or problem}"
            raise refusal(message, code="invalid-store", hint="name a place that can be written with --store") from None
        if self._everywhere is None:
            return True
        try:
            taken = self._everywhere.take()
        except OSError as problem:
            self._file.let_go(ended=True)
            raise unreachable(self._shown, problem) from None
        if not taken:
            self._file.let_go(ended=False)
        return taken

    def let_go(self, *, ended: bool) -> None:
        """Give it back; `ended` when nothing is left to be carried on."""
        if self._everywhere is not None:
            self._everywhere.let_go()
        self._file.let_go(ended=ended)

    @property
    def held(self) -> bool:
        """Whether a living process has it."""
        if self._everywhere is None:
            return self._file.held
        try:
            return self._everywhere.held
        except OSError as problem:
            raise unreachable(self._shown, problem) from None
