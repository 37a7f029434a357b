"""Worlds that perform Races: the effects of steps that run in parallel, for Worlds that perform one effect.

- `TurnsWorld`: one effect after the other, in the order of the steps; those that wait come last.
- `TasksWorld`: at the same time, as tasks of the running event loop.
- `LoopWorld`: a TasksWorld for a blocking run, on an event loop that runs only while the run waits for an effect.

The one that is put around a World is chosen by `api`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from arazzo_runner.base.records import replace
from arazzo_runner.engine.effects import Answer, Effect, Race, Sleep, World


class TurnsWorld:
    """Performs one effect of a Race: the first request, else the wait that ends first."""

    races = True

    def __init__(self, world: World) -> None:
        self._world = world
        self._waited: dict[str, float] = {}  # by the key of a wait that goes on

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect."""
        if isinstance(effect, Race):
            return cast(Answer, await self._first(effect))
        return await self._world.perform(effect)

    async def _first(self, race: Race) -> tuple[int, object]:
        for index, each in enumerate(race.effects):
            if not isinstance(each, Sleep):
                return index, await self._world.perform(each)
        left = {
            index: each.seconds - self._waited.get(each.key, 0.0)
            for index, each in enumerate(race.effects)
            if isinstance(each, Sleep)
        }
        first = min(left, key=left.__getitem__)
        await self._world.perform(cast("Effect[None]", replace(race.effects[first], seconds=max(0.0, left[first]))))
        self._waited = self._after(race, first, left)
        return first, None

    def _after(self, race: Race, first: int, left: Mapping[int, float]) -> dict[str, float]:
        """Return how long each of the other waits has been going on."""
        return {
            each.key: self._waited.get(each.key, 0.0) + max(0.0, left[first])
            for index, each in enumerate(race.effects)
            if isinstance(each, Sleep) and index != first
        }


class TasksWorld:
    """Performs the effects of a Race at the same time, on the running event loop.

    Answers are returned in the order in which they came, which is also their order in a cassette.
    """

    races = True

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: dict[str, Any] = {}
        self._ended: list[Any] = []

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect."""
        if isinstance(effect, Race):
            return cast(Answer, await self._first(effect))
        return await self._world.perform(effect)

    async def _first(self, race: Race) -> tuple[int, object]:
        import asyncio  # lazily: a blocking run rarely needs it

        given_up = self._tasks.keys() - {each.key for each in race.effects}
        for key in given_up:
            self._tasks.pop(key).cancel()
        for each in race.effects:
            if each.key not in self._tasks:
                task = asyncio.ensure_future(self._world.perform(cast("Effect[Any]", each)))
                task.add_done_callback(self._ended.append)
                self._tasks[each.key] = task
        try:
            await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            await self.aclose()
            raise
        running = [self._tasks[each.key] for each in race.effects]
        self._ended[:] = [task for task in self._ended if task in running]  # in place: tasks append to it
        index = running.index(self._ended.pop(0))
        return index, self._tasks.pop(race.effects[index].key).result()

    async def aclose(self) -> None:
        """Cancel what is still under way."""
        import asyncio

        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class LoopWorld:
    """Performs effects through an asynchronous World, blocking; `runner` is an asyncio.Runner."""

    races = True

    def __init__(self, world: World, runner: Any) -> None:
        self._tasks = TasksWorld(world)
        self._runner = runner

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect; KeyboardInterrupt ends it and is raised."""
        return cast(Answer, self._runner.run(self._performed(effect)))

    async def _performed(self, effect: Effect[Answer]) -> Answer:
        import asyncio

        for _ in range(2):
            # The loop did not run since the last effect: let it notice first which connections were closed.
            await asyncio.sleep(0)
        return await self._tasks.perform(effect)

    def close(self) -> None:
        """Cancel what is still under way."""
        self._runner.run(self._tasks.aclose())


class EventLoop:
    """An event loop of its own for a blocking World, and the asynchronous World that sends on it."""

    def __init__(self, world: Any) -> None:
        import asyncio

        self.world = world
        self.runner = asyncio.Runner()

    def close(self) -> None:
        """Close the connections and the loop."""
        try:
            self.runner.run(self.world.__aexit__(None, None, None))
        finally:
            self.runner.close()


def has_running_loop() -> bool:
    """Return whether this thread runs an event loop: a second one cannot run in it."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
