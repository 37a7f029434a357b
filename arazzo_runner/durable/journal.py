"""The journal of a run, for the durable World: an ordered list of entries, one checkpoint each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.durable.records import Doubt

BEGUN, DECIDED, ANSWERED = "begun", "decided", "answered"


class Entry(Record):
    """One checkpoint: `name` is `<effect key> <kind>`."""

    name: str
    value: Any

    @property
    def key(self) -> str:
        """The key of its effect."""
        return self.name.rpartition(" ")[0]

    @property
    def kind(self) -> str:
        """begun, decided or answered."""
        return self.name.rpartition(" ")[2]


class Journal(Protocol):
    """Stores the entries of one run."""

    @property
    def entries(self) -> Sequence[Entry]:
        """The entries recorded before this execution began."""

    async def append(self, name: str, value: JsonValue) -> Any:
        """Record an entry and return its value, which is then on disk; during replay return the recorded value.

        Raises LostOwnership if another process has taken the run over; nothing may be sent then.
        """


class LostOwnership(KeyboardInterrupt):
    """Another process has taken the run over; this one must stop without further effects."""


class InDoubt(KeyboardInterrupt):
    """The outcome of unsafe requests is unknown, and the run waits for a decision.

    Ends the interpreter like an interruption, so that no further effect happens.
    """

    def __init__(self, doubts: tuple[Doubt, ...]) -> None:
        super().__init__("in doubt")
        self.doubts = doubts


def open_doubts(entries: Sequence[Entry]) -> tuple[Doubt, ...]:
    """Return the requests of unknown outcome: those of the last entry without a response."""
    if not entries:
        return ()
    last = entries[-1]
    sends = last.value.get("unsafe", {})
    if last.kind == ANSWERED:
        sends = {key: each for key, each in sends.items() if each.get("unknown")}
    return tuple(
        Doubt(key=key, method=each["method"], url=each["url"], token=last.value["by"]) for key, each in sends.items()
    )
