"""An effect of a durable run that is under way, and its answer as the journal has it."""

from __future__ import annotations

from typing import Any, assert_never, cast

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord
from arazzo_runner.durable.journal import answer_to_json, file_to_json
from arazzo_runner.durable.records import Doubt
from arazzo_runner.engine.effects import LeafEffect, Now, ReadFile, SendRequest, Sleep


class Flight(MutableRecord):
    """An effect under way: its answer once it has one, and the execution that began it, if that is recorded.

    `until` is when a wait ends; `is_held` says that the outcome is unknown, which is not told yet.
    """

    leaf: LeafEffect
    sender: str | None = None
    until: float | None = None
    answer: object = None
    is_answered: bool = False
    is_held: bool = False
    is_sent: bool = False

    def settle(self, answer: object) -> None:
        """Give it its answer."""
        self.answer = answer
        self.is_answered = True

    def recorded(self, *, unknown: bool) -> JsonValue:
        """Return the answer as a JSON value; `unknown` marks an unsafe request of unknown outcome."""
        answer = cast(Any, self.answer)
        match self.leaf:
            case SendRequest():
                return answer_to_json(answer, unknown=unknown)
            case ReadFile():
                return file_to_json(answer)
            case Now() | Sleep():
                return cast(JsonValue, answer)
            case _:
                assert_never(self.leaf)

    def doubt(self) -> Doubt:
        """Return a request of unknown outcome as what a person decides about."""
        assert isinstance(self.leaf, SendRequest)
        assert self.sender is not None
        request = self.leaf.request
        return Doubt(key=self.leaf.key, method=request.method, url=request.url, token=self.sender)


def is_unknown(value: JsonValue) -> bool:
    """Return whether a recorded answer says that the outcome is unknown."""
    return isinstance(value, dict) and value.get("unknown") is True


def shown(leaf: LeafEffect) -> dict[str, JsonValue]:
    """Return what the journal says about an unsafe request."""
    assert isinstance(leaf, SendRequest)
    return {"method": leaf.request.method, "url": leaf.request.url}
