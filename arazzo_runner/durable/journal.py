"""The journal of a run as the durable World sees it: entries in order, one checkpoint each."""

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
        """The effect it belongs to."""
        return self.name.rpartition(" ")[0]

    @property
    def kind(self) -> str:
        """begun, decided or answered."""
        return self.name.rpartition(" ")[2]


class Journal(Protocol):
    """Keeps the entries of one run."""

    @property
    def entries(self) -> Sequence[Entry]:
        """Those there were when this execution began."""

    async def append(self, name: str, value: JsonValue) -> Any:
        """Record an entry and return it; on return it is on disk. During replay return the recorded one.

        Raises LostOwnership when another process has taken the run over: nothing may be sent then.
        """


class LostOwnership(KeyboardInterrupt):
    """Another process carries the run on; this one must stop without another effect."""


class InDoubt(KeyboardInterrupt):
    """The outcome of unsafe requests is unknown and nobody has decided: the run waits.

    It ends the interpreter the way an interruption does, so that no further effect happens.
    """

    def __init__(self, doubts: tuple[Doubt, ...]) -> None:
        super().__init__("in doubt")
        self.doubts = doubts


def open_doubts(entries: Sequence[Entry]) -> tuple[Doubt, ...]:
    """Return the requests whose outcome nobody knows: those of the last entry that have no answer."""
    if not entries:
        return ()
    last = entries[-1]
    sends = last.value.get("unsafe", {})
    if last.kind == ANSWERED:
        sends = {key: each for key, each in sends.items() if each.get("unknown")}
    return tuple(
        Doubt(key=key, method=each["method"], url=each["url"], token=last.value["by"]) for key, each in sends.items()
    )
