"""Worlds that perform Races: the effects of steps that run in parallel, for Worlds that perform one effect.

- `TasksWorld`: at the same time, as tasks of the running event loop.
- `LoopWorld`: a TasksWorld for a blocking run, on an event loop that runs only while the run waits for an effect.

`runtime/race_turns.py` has the one that performs one effect after the other. Which is put around a World is chosen
by `api`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

from arazzo_runner.base.records import Record
from arazzo_runner.engine.effects import Answer, Effect, Race, World
from arazzo_runner.engine.interruption import add_answers, interruption_of, unsent
from arazzo_runner.runtime.cleanup import end_tasks
from arazzo_runner.runtime.signals import HeldSignals, signals_here

_NOTICED: Final = 0.5
"""Seconds after which a signal is noticed at the latest: one that comes just before the loop waits does not wake it."""


class TasksWorld:
    """Performs the effects of a Race at the same time, on the running event loop.

    Answers are returned in the order in which they came, which is also their order in a cassette.
    """

    races = True

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: dict[str, Any] = {}
        self._ended: list[Any] = []
        self._given_up: list[Any] = []
        self._effects: dict[str, Effect[Any]] = {}
        self._told: dict[str, object] = {}  # by cancellations, of the effects that they ended

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect."""
        if isinstance(effect, Race):
            return cast(Answer, await self._first(effect))
        return await self._world.perform(effect)

    async def _first(self, race: Race) -> tuple[int, object]:
        import asyncio  # lazily: a blocking run rarely needs it

        self._give_up(self._tasks.keys() - {each.key for each in race.effects})
        for each in race.effects:
            if each.key not in self._tasks:
                task = asyncio.ensure_future(self._answered(each))
                task.add_done_callback(self._ended.append)
                self._tasks[each.key] = task
        self._effects = {each.key: each for each in race.effects}
        running = [self._tasks[each.key] for each in race.effects]
        try:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            self._ended[:] = [task for task in self._ended if task in running]  # in place: tasks append to it
            answer = _answer_of(self._ended[0])
        except BaseException as stop:
            ended, tasks = list(self._ended), dict(self._tasks)
            cancellation = await self._end()
            first = sorted(tasks.items(), key=lambda item: ended.index(item[1]) if item[1] in ended else len(ended))
            add_answers(stop, {key: known for each in first for key, known in self._known_answer(*each)})
            if cancellation is not None and not isinstance(stop, asyncio.CancelledError):
                raise cancellation from stop
            raise
        index = running.index(self._ended.pop(0))
        del self._tasks[race.effects[index].key]
        return index, answer

    async def _answered(self, effect: Effect[Any]) -> object:
        import asyncio

        try:
            return await self._world.perform(effect)
        except (KeyboardInterrupt, SystemExit) as stop:  # out of a task it would stop the event loop
            return _Raised(stop)
        except asyncio.CancelledError as stop:  # of which the task raises another
            self._told.update(interruption_of(stop).answers)
            raise

    def _known_answer(self, key: str, task: Any) -> Iterator[tuple[str, object]]:
        """Yield the answer of a task that has ended: one that came, or that its effect was not begun."""
        if task.cancelled():
            if key in self._told:
                yield key, self._told[key]
            return
        problem: BaseException | None = task.exception()
        if problem is None and not isinstance(task.result(), _Raised):
            yield key, task.result()
        elif not interruption_of(problem or task.result().stop).sent:
            yield from unsent(self._effects[key]).items()

    def _give_up(self, keys: Iterable[str]) -> None:
        self._given_up = [task for task in self._given_up if not task.done()]
        for key in keys:
            self._given_up.append(self._tasks.pop(key))
            self._given_up[-1].cancel()

    async def _end(self) -> BaseException | None:
        """Cancel what is still under way and wait for its end; return the first cancellation that came meanwhile."""
        self._give_up(list(self._tasks))
        cancellation = await end_tasks(self._given_up)
        self._given_up.clear()
        return cancellation

    async def aclose(self) -> None:
        """Cancel what is still under way, and wait for its end."""
        cancellation = await self._end()
        if cancellation is not None:
            raise cancellation


class _Raised(Record):
    """What a World raised to interrupt the run."""

    stop: KeyboardInterrupt | SystemExit


def _answer_of(task: Any) -> object:
    answer = task.result()
    if isinstance(answer, _Raised):
        raise answer.stop
    return answer


class LoopWorld:
    """Performs effects through an asynchronous World, blocking; `runner` is an asyncio.Runner."""

    races = True

    def __init__(self, world: World, runner: Any) -> None:
        self._tasks = TasksWorld(world)
        self._runner = runner

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect; a signal that is held back ends it, and KeyboardInterrupt is raised."""
        import asyncio

        held = signals_here()
        if held is not None:
            held.check()
        try:
            return cast(Answer, self._runner.run(self._performed(effect, held)))
        except asyncio.CancelledError as end:
            if held is None:
                raise
            stop = KeyboardInterrupt()
            add_answers(stop, interruption_of(end).answers)
            held.has_come = False
            raise stop from None

    async def _performed(self, effect: Effect[Answer], held: HeldSignals | None) -> Answer:
        import asyncio

        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None

        def interrupt() -> None:
            # Between the steps of the task: one that has its answer is done, and not cancelled any more.
            loop.call_soon_threadsafe(task.cancel)

        def wake() -> None:
            timers[:] = [loop.call_later(_NOTICED, wake)]

        timers: list[asyncio.TimerHandle] = []
        if held is not None:
            held.interrupt = interrupt
            wake()
            if held.has_come:  # while the loop was made ready
                task.cancel()
        try:
            for _ in range(2):
                # The loop did not run since the last effect: let it notice first which connections were closed.
                await asyncio.sleep(0)
            return await self._tasks.perform(effect)
        finally:
            for timer in timers:
                timer.cancel()
            if held is not None:
                held.interrupt = None

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
