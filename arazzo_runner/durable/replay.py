"""Reading a run again from its journal alone: nothing is sent, nothing is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.durable.job import Bundle, Job, Performer, keyed_by
from arazzo_runner.durable.journal import Entry
from arazzo_runner.durable.records import RunSpec
from arazzo_runner.durable.world import DurableWorld, Terms
from arazzo_runner.engine.effects import Answer, Effect, Now
from arazzo_runner.engine.results import RunResult


class JournalEnds(KeyboardInterrupt):
    """This is how far the run came."""


class _Recording:
    """A journal that is only read."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self._read = 0

    async def append(self, name: str, value: JsonValue) -> Any:
        """Return the next entry; raises JournalEnds."""
        if self._read == len(self.entries):
            raise JournalEnds
        self._read += 1
        return self.entries[self._read - 1].value


class _Nothing:
    """The World behind the end of a journal: the clock stands still."""

    def __init__(self, clock: float) -> None:
        self._clock = clock

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Return the time of the journal's end; raises JournalEnds for what needs the outside."""
        if isinstance(effect, Now):
            return cast(Answer, self._clock)
        raise JournalEnds


def replay(run_id: str, spec: RunSpec, bundle: Bundle, entries: Sequence[Entry], performer: Performer) -> RunResult:
    """Return what a run came to, as far as its journal goes (status `interrupted` when it has not ended)."""
    ticks = [tick for entry in entries for tick in entry.value["now"]]
    world = _Nothing(max(ticks, default=0.0))

    def wrap(program: Any, inner: Any) -> DurableWorld:
        terms = Terms(
            run_id=run_id,
            execution="replay",
            decisions=lambda token: {},
            keyed=keyed_by(program, spec),
            resend=spec.options.resend_unknown,
            without_files=True,
        )
        return DurableWorld(inner, _Recording(entries), terms)

    return performer.perform(Job(spec=spec, bundle=bundle, wrap=wrap, world=world))
