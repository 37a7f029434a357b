"""The World that performs Races one effect after the other, in the order of the steps; those that wait come last.

It is for Worlds that perform one effect at a time; `runtime/races.py` has those that perform several.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from arazzo_runner.base.records import replace
from arazzo_runner.engine.effects import Answer, Effect, Now, Race, Sleep, World
from arazzo_runner.engine.interruption import add_answers, interruption_of, unsent
from arazzo_runner.engine.messages import NoMessage, Receive, Received

_MOMENT: Final = 0.02
"""Seconds between two looks for a message."""


class TurnsWorld:
    """Performs one effect of a Race: the first that need not wait, else the wait that ends first.

    A message is waited for like the end of a wait: what may cause it is another effect of the Race. Where the World
    inside performs Races of waits and messages itself (`message_races`), it gets them; else they are looked for in
    turns.
    """

    races = True

    def __init__(self, world: World) -> None:
        self._world = world
        self._waited: dict[str, float] = {}  # by the key of a wait that goes on
        self._since: dict[str, float] = {}  # when a message began to be waited for, by the key of the effect

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect."""
        if isinstance(effect, Race):
            return cast(Answer, await self._first(effect))
        return await self._world.perform(effect)

    async def _first(self, race: Race) -> tuple[int, object]:
        await self._note_beginnings(race)
        for index, each in enumerate(race.effects):
            if not isinstance(each, (Sleep, Receive)):
                return index, await self._alone(race, index, each)
        if self._since:
            return await self._first_message(race)
        left = self._left(race)
        first = min(left, key=left.__getitem__)
        wait = cast("Effect[None]", replace(race.effects[first], seconds=max(0.0, left[first])))
        await self._alone(race, first, wait)
        self._waited = self._after(race, first, left[first])
        return first, None

    async def _alone(self, race: Race, index: int, effect: Effect[Any]) -> object:
        """Perform the effect whose turn it is; an interruption says that the others were not begun."""
        try:
            return await self._world.perform(effect)
        except BaseException as stop:
            others = [each for number, each in enumerate(race.effects) if number != index]
            not_begun = {key: answer for each in others for key, answer in unsent(each).items()}
            add_answers(stop, {**not_begun, **interruption_of(stop).answers})
            raise

    def _left(self, race: Race) -> dict[int, float]:
        """Return how long each wait of a Race still takes, by its index."""
        return {
            index: each.seconds - self._waited.get(each.key, 0.0)
            for index, each in enumerate(race.effects)
            if isinstance(each, Sleep)
        }

    def _after(self, race: Race, first: int, seconds: float) -> dict[str, float]:
        """Return how long each of the other waits has been going on, when some more seconds have gone by."""
        return {
            each.key: self._waited.get(each.key, 0.0) + max(0.0, seconds)
            for index, each in enumerate(race.effects)
            if isinstance(each, Sleep) and index != first
        }

    # ------------------------------------------------------------------ messages

    async def _note_beginnings(self, race: Race) -> None:
        """Note since when the messages of a Race are waited for."""
        keys = [each.key for each in race.effects if isinstance(each, Receive)]
        self._since = {key: since for key, since in self._since.items() if key in keys}
        if len(self._since) < len(keys):
            now = await self._now(race)
            self._since = {key: self._since.get(key, now) for key in keys}

    async def _first_message(self, race: Race) -> tuple[int, object]:
        now = await self._now(race)
        left = self._left(race)
        waits: list[Effect[Any]] = []
        for index, each in enumerate(race.effects):
            if isinstance(each, Receive):
                waits.append(replace(each, timeout=max(0.0, each.timeout - (now - self._since[each.key]))))
            else:
                waits.append(replace(cast(Sleep, each), seconds=max(0.0, left[index])))
        if getattr(self._world, "message_races", False):
            first, answer = await self._world.perform(replace(race, effects=tuple(waits)))
        else:
            first, answer = await self._in_turns(race, waits)
        ended = await self._now(race)
        self._waited = self._after(race, first, ended - now)
        return first, self._in_all(race.effects[first], answer, ended)

    async def _now(self, race: Race) -> float:
        return cast(float, await self._alone(race, -1, Now(key="race/now")))

    async def _in_turns(self, race: Race, waits: Sequence[Effect[Any]]) -> tuple[int, object]:
        """Look for each message for a moment, in turns, until one came or a wait is over."""
        receives = [(index, each) for index, each in enumerate(waits) if isinstance(each, Receive)]
        ends = [each.timeout if isinstance(each, Receive) else cast(Sleep, each).seconds for each in waits]
        gone, moment, turn = 0.0, 0.0, 0
        while True:
            index, effect = receives[turn % len(receives)]
            answer = await self._alone(race, index, replace(effect, timeout=moment))
            gone, turn = gone + moment, turn + 1
            if not isinstance(answer, NoMessage) or answer.reason != "timeout" or gone >= effect.timeout:
                return index, answer
            over = [index for index, each in enumerate(waits) if isinstance(each, Sleep) and each.seconds <= gone]
            if over and turn >= len(receives):
                return over[0], None
            if turn >= len(receives):
                left = min(ends) - gone
                moment = left if len(waits) == 1 else max(0.0, min(_MOMENT, left))

    def _in_all(self, effect: Effect[Any], answer: object, now: float) -> object:
        """Return an answer with the time that was waited in all for its message."""
        if not isinstance(effect, Receive) or not isinstance(answer, (Received, NoMessage)):
            return answer
        return replace(answer, elapsed_ms=max(answer.elapsed_ms, (now - self._since.pop(effect.key)) * 1000))
