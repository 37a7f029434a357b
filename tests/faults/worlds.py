"""Worlds around a World that make one thing go wrong: the hook for every fault-injection test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from arazzo_runner.engine.effects import Answer, Effect, NoResponse, SendRequest, Sleep, World


class FailingSends:
    """Fails the n-th request (from 0) with an answer; `sent` decides whether it is sent anyway."""

    def __init__(self, world: World, number: int, answer: NoResponse) -> None:
        self._world = world
        self._number = number
        self._answer = answer
        self.count = 0
        self.requests: list[tuple[str, bool]] = []

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect, or fail it."""
        if not isinstance(effect, SendRequest):
            return await self._world.perform(effect)
        number, self.count = self.count, self.count + 1
        self.requests.append((effect.key, effect.safe))
        if number != self._number:
            return cast(Answer, await self._world.perform(cast("Effect[Any]", effect)))
        if self._answer.sent:
            await self._world.perform(cast("Effect[Any]", effect))
        return cast(Answer, self._answer)


class Watched:
    """Calls `before(n, effect)` and `after(n, effect)` around every effect but Now; n counts from 0."""

    def __init__(
        self, world: World, before: Callable[[int, Effect[Any]], None], after: Callable[[int, Effect[Any]], None]
    ) -> None:
        self._world = world
        self._before = before
        self._after = after
        self._count = 0

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect."""
        if not isinstance(effect, (SendRequest, Sleep)):
            return await self._world.perform(effect)
        number, self._count = self._count, self._count + 1
        self._before(number, effect)
        answer = await self._world.perform(cast("Effect[Any]", effect))
        self._after(number, effect)
        return cast(Answer, answer)
