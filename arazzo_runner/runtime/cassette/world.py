"""A conversation written down: `Recorder` listens while a run talks, `Player` answers from what was written.

Effects have keys that follow from the workflow alone (`<stepId>#<attempt>`), so an answer is
found by its key, and a request that differs from the recorded one is told, not guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.engine.effects import (
    Answer,
    Batch,
    Effect,
    HttpRequest,
    HttpResponse,
    NoResponse,
    Now,
    SendRequest,
    Sleep,
    World,
)
from arazzo_runner.errors import Location
from arazzo_runner.runtime.request_difference import Difference, differences


class Interaction(Record, kw_only=True):
    """One exchange: the effect's `key`, when it began (seconds since the epoch), what was sent and what came."""

    key: str
    started: float
    source: str
    server: str
    request: HttpRequest
    answer: HttpResponse | NoResponse


class Cassette(Record, kw_only=True):
    """A recorded run. `document` is the Arazzo document as it was named, `servers` where its sources were called
    when that was not where their descriptions say; `status` and `outputs` are what the run came to.
    """

    document: str
    workflow_id: str
    status: str
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    servers: Mapping[str, str] = field(default_factory=dict)
    interactions: tuple[Interaction, ...] = ()


class Recorder:
    """A World around a World that keeps every exchange, in the order of the answers."""

    def __init__(self, world: World) -> None:
        self.interactions: list[Interaction] = []
        self._world = world
        self._now: dict[str, float] = {}

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Let the inner World do it, and remember."""
        answer = await self._world.perform(effect)
        self._remember(effect, answer)
        return answer

    def _remember(self, effect: Effect[Any], answer: object) -> None:
        if isinstance(effect, Batch):
            for each, its_answer in zip(effect.effects, cast(tuple[object, ...], answer), strict=True):
                self._remember(each, its_answer)
        elif isinstance(effect, Now) and isinstance(answer, float):
            self._now[effect.key] = answer
        elif isinstance(effect, SendRequest):
            assert isinstance(answer, (HttpResponse, NoResponse))
            self.interactions.append(
                Interaction(
                    key=effect.key,
                    started=self._now.get(f"{effect.key}/now", 0.0),
                    source=effect.source,
                    server=effect.server,
                    request=effect.request,
                    answer=answer,
                )
            )


class Drift(Record):
    """Where a run no longer follows its cassette; `at` is the step.

    `differs`: the request of `key` is another one, in `differences`; `unrecorded`: the cassette
    has no such exchange; `unplayed`: it has one that the run did not come to.
    """

    kind: Literal["differs", "unrecorded", "unplayed"]
    key: str
    request: HttpRequest
    differences: tuple[Difference, ...] = ()
    at: Location | None = None


class Player:
    """A World that answers from a cassette; nothing is sent, no time passes but what was recorded."""

    def __init__(self, cassette: Cassette) -> None:
        self._left = {interaction.key: interaction for interaction in cassette.interactions}
        self._started = {f"{each.key}/now": each.started for each in cassette.interactions}
        self._now = min((each.started for each in cassette.interactions), default=0.0)
        self._drifts: list[Drift] = []

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Answer an effect."""
        return cast(Answer, self._perform(effect))

    def drifts(self) -> tuple[Drift, ...]:
        """Return every difference between the run and its cassette, what was left over last."""
        unplayed = (Drift("unplayed", each.key, each.request) for each in self._left.values())
        return (*self._drifts, *unplayed)

    def _perform(self, effect: Effect[Any]) -> object:
        if isinstance(effect, Batch):
            return tuple(self._perform(each) for each in effect.effects)
        if isinstance(effect, Now):
            self._now = self._started.get(effect.key, self._now)
            return self._now
        if isinstance(effect, Sleep):
            return None
        assert isinstance(effect, SendRequest)
        return self._answer(effect)

    def _answer(self, effect: SendRequest) -> HttpResponse | NoResponse:
        recorded = self._left.pop(effect.key, None)
        if recorded is None:
            self._drifts.append(Drift("unrecorded", effect.key, effect.request, at=effect.at))
            return NoResponse("forbidden", "the cassette has no answer to this request", sent=False)
        found = differences(recorded.request, effect.request)
        if found:
            self._drifts.append(Drift("differs", effect.key, effect.request, found, effect.at))
        return recorded.answer
