"""Recording and playing back a run: `Recorder` keeps its exchanges, `Player` answers from them and compares requests.

Effects have keys that follow from the workflow alone (`<stepId>#<attempt>`), so an answer is
found by its key, and a request that differs from the recorded one is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, assert_never, cast

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.engine.effects import (
    Answer,
    Effect,
    HttpRequest,
    HttpResponse,
    NoResponse,
    Now,
    Race,
    ReadFile,
    SendRequest,
    Sleep,
    World,
    known,
)
from arazzo_runner.errors import Location
from arazzo_runner.runtime.cassette.differences import Difference, differences
from arazzo_runner.runtime.files import read_upload


class Interaction(Record, kw_only=True):
    """One exchange: the effect's `key`, when it began (seconds since the epoch), the request and its answer."""

    key: str
    started: float
    source: str
    server: str
    request: HttpRequest
    answer: HttpResponse | NoResponse


class Cassette(Record, kw_only=True):
    """A recorded run. `document` is the path or URL of the Arazzo document, `servers` the URLs that its sources
    were called at where those are not in their descriptions; `status` and `outputs` are the run's, `parallel` is
    how many of its steps ran at the same time.
    """

    document: str
    workflow_id: str
    status: str
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    servers: Mapping[str, str] = field(default_factory=dict)
    parallel: int = 1
    interactions: tuple[Interaction, ...] = ()


class Recorder:
    """Keeps every exchange that another World performs, in the order of the answers."""

    def __init__(self, world: World) -> None:
        self.interactions: list[Interaction] = []
        self._world = world
        self._now: dict[str, float] = {}

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform the effect in the inner World and record the exchange."""
        answer = await self._world.perform(effect)
        self._record(effect, answer)
        return answer

    def _record(self, effect: Effect[Any], answer: Any) -> None:
        match found := known(effect):
            case SendRequest():
                self._record_exchange(found, answer)
            case Now():
                self._now[found.key] = answer
            case ReadFile() | Sleep():
                pass  # the content of a file is in the recorded request
            case _:
                assert_never(found)

    def _record_exchange(self, effect: SendRequest, answer: HttpResponse | NoResponse) -> None:
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
    """A difference between a run and its cassette; `at` is the step.

    `differs`: the request of `key` is another one, in `differences`; `unrecorded`: the cassette
    has no such exchange; `unplayed`: it has one that the run did not reach.
    """

    kind: Literal["differs", "unrecorded", "unplayed"]
    key: str
    request: HttpRequest
    differences: tuple[Difference, ...] = ()
    at: Location | None = None


class Player:
    """A World that answers from a cassette; nothing is sent, and the clock shows the recorded times.

    Of steps that run in parallel, each gets its answer when its turn comes in the cassette.
    """

    races = True
    unwaited = "replay"

    def __init__(self, cassette: Cassette) -> None:
        self._left = {interaction.key: interaction for interaction in cassette.interactions}
        self._started = {f"{each.key}/now": each.started for each in cassette.interactions}
        self._now = min((each.started for each in cassette.interactions), default=0.0)
        self._drifts: list[Drift] = []

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Answer an effect."""
        if isinstance(effect, Race):
            index = self._first(effect)
            return cast(Answer, (index, self._perform(effect.effects[index])))
        return cast(Answer, self._perform(effect))

    def _first(self, race: Race) -> int:
        """Return which effect was done first: the next request of the cassette, else a wait, else any."""
        keys = [each.key for each in race.effects]
        following = next(iter(self._left), None)
        if following in keys:
            return keys.index(following)
        return next((index for index, each in enumerate(race.effects) if isinstance(each, Sleep)), 0)

    def drifts(self) -> tuple[Drift, ...]:
        """Return every difference between the run and its cassette, exchanges that were not played last."""
        unplayed = (Drift("unplayed", each.key, each.request) for each in self._left.values())
        return (*self._drifts, *unplayed)

    def _perform(self, effect: Effect[Any]) -> object:
        match found := known(effect):
            case SendRequest():
                return self._answer(found)
            case ReadFile():
                return read_upload(found)  # one that has changed shows as a difference of the request
            case Now():
                self._now = self._started.get(found.key, self._now)
                return self._now
            case Sleep():
                return None
            case _:
                assert_never(found)

    def _answer(self, effect: SendRequest) -> HttpResponse | NoResponse:
        recorded = self._left.pop(effect.key, None)
        if recorded is None:
            self._drifts.append(Drift("unrecorded", effect.key, effect.request, at=effect.at))
            return NoResponse("forbidden", "the cassette has no answer to this request", sent=False)
        found = differences(recorded.request, effect.request)
        if found:
            self._drifts.append(Drift("differs", effect.key, effect.request, found, effect.at))
        return recorded.answer
