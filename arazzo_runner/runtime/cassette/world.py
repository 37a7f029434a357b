"""Recording and playing back a run: `Recorder` keeps its exchanges, `Player` answers from them and compares requests.

Effects have keys that follow from the workflow alone (`<stepId>#<attempt>`), so an answer is
found by its key, and a request that differs from the recorded one is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, assert_never, cast

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
from arazzo_runner.engine.messages import MessageEffect, Publish, Receive, Settle, Subscribe, Unsubscribe
from arazzo_runner.errors import Location
from arazzo_runner.runtime.cassette.differences import Difference, differences, message_differences
from arazzo_runner.runtime.cassette.messages import MessageInteraction, MessageRecorder, interaction_key, played
from arazzo_runner.runtime.files import read_upload

MESSAGE_EFFECTS: Final = (Publish, Subscribe, Receive, Settle, Unsubscribe)
_UNRECORDED: Final = (Sleep, Subscribe, Settle, Unsubscribe)
"""Effects that are in no cassette: in a Race they are answered before those that one should have."""


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
    interactions: tuple[Interaction | MessageInteraction, ...] = ()

    @property
    def exchanges(self) -> tuple[Interaction, ...]:
        """The interactions over HTTP."""
        return tuple(each for each in self.interactions if isinstance(each, Interaction))


class Recorder:
    """Keeps every exchange that another World performs, in the order of the answers."""

    def __init__(self, world: World) -> None:
        self.interactions: list[Interaction | MessageInteraction] = []
        self._world = world
        self._messages = MessageRecorder()
        self._now: dict[str, float] = {}

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform the effect in the inner World and record the exchange."""
        answer = await self._world.perform(effect)
        self._record(effect, answer)
        return answer

    def _record(self, effect: Effect[Any], answer: Any) -> None:
        if isinstance(effect, MESSAGE_EFFECTS):
            started = self._now.get(f"{interaction_key(effect)}/now", 0.0)
            message = self._messages.record(effect, answer, started)
            self.interactions += [] if message is None else [message]
            return
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

    `request` is what was sent: a request, or an interaction about a message.
    `differs`: the request of `key` is another one, in `differences`; `unrecorded`: the cassette
    has no such exchange; `unplayed`: it has one that the run did not reach.
    """

    kind: Literal["differs", "unrecorded", "unplayed"]
    key: str
    request: HttpRequest | MessageInteraction
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
        timed = [each for each in cassette.interactions if each.started]
        self._started = {f"{each.key}/now": each.started for each in timed}
        self._now = min((each.started for each in timed), default=0.0)
        self._drifts: list[Drift] = []
        self._played: set[str] = set()

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Answer an effect."""
        if isinstance(effect, Race):
            index = self._first(effect)
            return cast(Answer, (index, self._perform(effect.effects[index])))
        return cast(Answer, self._perform(effect))

    def _first(self, race: Race) -> int:
        """Return which effect was done first: the next one of the cassette, else one that is not in it, else any."""
        keys = [interaction_key(each) if isinstance(each, MESSAGE_EFFECTS) else each.key for each in race.effects]
        following = next(iter(self._left), None)
        if following in keys:
            return keys.index(following)
        return next((index for index, each in enumerate(race.effects) if isinstance(each, _UNRECORDED)), 0)

    def drifts(self) -> tuple[Drift, ...]:
        """Return every difference between the run and its cassette, exchanges that were not played last."""
        unplayed = (
            Drift("unplayed", each.key, each.request if isinstance(each, Interaction) else each)
            for each in self._left.values()
            if isinstance(each, Interaction) or each.action != "subscribe"
        )
        return (*self._drifts, *unplayed)

    def _perform(self, effect: Effect[Any]) -> object:
        if isinstance(effect, MESSAGE_EFFECTS):
            return self._message(effect)
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

    def _message(self, effect: MessageEffect) -> object:
        key = interaction_key(effect)
        recorded = self._left.pop(key, None)
        if isinstance(recorded, Interaction):
            recorded = None
        if isinstance(effect, Publish):
            self._compare_message(effect, recorded)
        elif isinstance(effect, Receive) and recorded is None and key not in self._played:
            awaited = MessageInteraction(key=key, action="receive", address=effect.tap)
            self._drifts.append(Drift("unrecorded", key, awaited, at=effect.at))
        self._played.add(key)
        return played(recorded, effect)

    def _compare_message(self, effect: Publish, recorded: MessageInteraction | None) -> None:
        sent = MessageInteraction(
            key=effect.key, action="publish", server=effect.broker.url, address=effect.message.address
        )
        if recorded is None or recorded.message is None:
            self._drifts.append(Drift("unrecorded", effect.key, sent, at=effect.at))
            return
        found = message_differences(recorded.message, effect.message)
        if found:
            self._drifts.append(Drift("differs", effect.key, sent, found, effect.at))

    def _answer(self, effect: SendRequest) -> HttpResponse | NoResponse:
        recorded = self._left.pop(effect.key, None)
        if not isinstance(recorded, Interaction):
            self._drifts.append(Drift("unrecorded", effect.key, effect.request, at=effect.at))
            return NoResponse("forbidden", "the cassette has no answer to this request", sent=False)
        found = differences(recorded.request, effect.request)
        if found:
            self._drifts.append(Drift("differs", effect.key, effect.request, found, effect.at))
        return recorded.answer
