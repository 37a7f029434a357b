"""A pace for requests: no more than so many in a second, over all runs that share it."""

from __future__ import annotations

import time

from arazzo_runner.engine.effects import Answer, Effect, SendRequest, Sleep, World, leaves


class Pace:
    """Hands out the moments at which requests may be sent, `per_second` of them in a second."""

    def __init__(self, per_second: float) -> None:
        self._apart = 1 / per_second
        self._next = 0.0

    def wait(self, requests: int) -> float:
        """Return how many seconds to wait before sending so many; the moments until then are taken."""
        now = time.monotonic()
        first = max(now, self._next)
        self._next = first + requests * self._apart
        # Requests that go together wait for the moment of their last.
        return first + (requests - 1) * self._apart - now

    def around(self, world: World) -> World:
        """Return a World that sends at this pace."""
        return PacedWorld(world, self)


class PacedWorld:
    """Waits before it sends."""

    def __init__(self, world: World, pace: Pace) -> None:
        self._world = world
        self._pace = pace

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect, at its moment when it is a request or holds some."""
        requests = sum(isinstance(each, SendRequest) for each in leaves(effect))
        seconds = self._pace.wait(requests) if requests else 0.0
        if seconds > 0:
            await self._world.perform(Sleep(key=f"{effect.key}~pace", seconds=seconds))
        return await self._world.perform(effect)
