"""A limit on the rate of requests and of messages that are sent, shared by several runs."""

from __future__ import annotations

import time
from typing import Any, assert_never

from arazzo_runner.engine.effects import Answer, Effect, Now, ReadFile, SendRequest, Sleep, World, known
from arazzo_runner.engine.interruption import before_sending
from arazzo_runner.engine.messages import Publish, is_message_effect


class Pace:
    """Assigns each request a moment at which it may be sent, `per_second` of them in a second."""

    def __init__(self, per_second: float) -> None:
        self._apart = 1 / per_second
        self._next = 0.0

    def wait(self) -> float:
        """Return how many seconds to wait before sending a request, and reserve its moment."""
        now = time.monotonic()
        moment = max(now, self._next)
        self._next = moment + self._apart
        return moment - now

    def around(self, world: World) -> World:
        """Return a World that sends at this rate through another."""
        return PacedWorld(world, self)


class PacedWorld:
    """Waits before it sends requests and messages."""

    def __init__(self, world: World, pace: Pace) -> None:
        self._world = world
        self._pace = pace

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect; wait before a request, and before a message is sent."""
        seconds = self._pace.wait() if _is_sent(effect) else 0.0
        if seconds > 0:
            with before_sending():
                await self._world.perform(Sleep(key=f"{effect.key}~pace", seconds=seconds))
        return await self._world.perform(effect)


def _is_sent(effect: Effect[Any]) -> bool:
    if is_message_effect(effect):
        return isinstance(effect, Publish)
    match found := known(effect):
        case SendRequest():
            return True
        case ReadFile() | Sleep() | Now():
            return False
        case _:
            assert_never(found)
