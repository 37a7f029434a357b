"""The World that sends and receives messages: it performs those effects and passes all others on.

- `Brokers`: the connections of one or more runs, with the thread that keeps them; put `around` the World of each run.
- `BrokerWorld`: for a blocking run; it waits for the thread, and Ctrl-C interrupts that.
- `AsyncBrokerWorld`: for a run on an event loop, which may be stopped while nobody awaits.

Failures are answers (NoMessage), never exceptions. The thread begins with the first effect about messages.
"""

from __future__ import annotations

import asyncio
import operator
import sys
import weakref
from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self, cast

from arazzo_runner.engine.effects import Answer, Effect, Race, Sleep, World
from arazzo_runner.engine.interruption import add_answers
from arazzo_runner.engine.messages import MessageEffect, is_message_effect
from arazzo_runner.runtime.brokers.connections import CLOSING, Connections
from arazzo_runner.runtime.brokers.jobs import Job
from arazzo_runner.runtime.brokers.loop import BrokerLoop
from arazzo_runner.runtime.brokers.options import BrokerOptions
from arazzo_runner.runtime.brokers.performer import Performer
from arazzo_runner.runtime.signals import interruptible, signals_here

_SLICE: Final = 0.1 if sys.platform == "win32" else 0.5
"""Seconds to wait at a time: on Windows a lock that is waited for is not interrupted by Ctrl-C, elsewhere not by one
that comes just before."""


class Brokers:
    """Connections to brokers, for one run or several. Use it as a context manager, of either kind.

        with Brokers(options) as brokers:
            result = run(program, world=brokers.around(world))

    Closing takes 2 seconds at most; what has not ended then is left.
    """

    def __init__(self, options: BrokerOptions | None = None) -> None:
        self.options = BrokerOptions() if options is None else options
        self.connections = Connections(self.options)
        self.loop = BrokerLoop(self._close, CLOSING)
        self._performers: weakref.WeakSet[Performer] = weakref.WeakSet()  # of runs that go on

    def around(self, world: World, on_loop: bool | None = None) -> World:
        """Return the World of one run, whose subscriptions are its own: around a blocking one, or around others.

        `on_loop` is whether the run has an event loop; by default it does if the World waits for one.
        """
        performer = Performer(self.connections, self.options.limits)
        self._performers.add(performer)
        waits = getattr(world, "waits", False) if on_loop is None else on_loop
        kind = AsyncBrokerWorld if waits else BrokerWorld
        return kind(world, performer, self.loop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loop.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loop.begin_to_close()
        await asyncio.to_thread(self.loop.close)

    async def _close(self) -> None:
        for performer in list(self._performers):
            await performer.close()
        await self.connections.close()


class _AroundWorld:
    """What the two Worlds have in common: jobs, and the attributes of the World inside."""

    performs_messages: Final = True

    def __init__(self, world: World, performer: Performer, loop: BrokerLoop) -> None:
        self._world = world
        self._performer = performer
        self._loop = loop
        self.sends: bool = getattr(world, "sends", False)
        self.unwaited: str | None = getattr(world, "unwaited", None)

    def _job(self, effect: Effect[Any]) -> Job:
        return Job(cast("MessageEffect | Sleep", effect), self._performer, self._loop)


class BrokerWorld(_AroundWorld):
    """Performs effects about messages while the caller waits; it never suspends.

    It also performs a Race of effects about messages and of waits. What such a Race did not answer goes on.
    """

    message_races: Final = True

    def __init__(self, world: World, performer: Performer, loop: BrokerLoop) -> None:
        super().__init__(world, performer, loop)
        self.races: bool = getattr(world, "races", False)
        self._jobs: dict[str, Job] = {}  # those of the last Race that go on
        self._ended: list[Job] = []

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform one effect; raises KeyboardInterrupt, which says what is known of effects under way."""
        if isinstance(effect, Race) and self._is_ours(effect):
            return cast(Answer, self._first(effect))
        if not is_message_effect(effect):
            return await self._world.perform(effect)
        _check_signals()
        jobs: dict[str, Job] = {}
        with _given_up_when_stopped(jobs):
            known = self._jobs.pop(effect.key, None)
            job = jobs[effect.key] = known or self._job(effect)
            _wait([job])
        return cast(Answer, job.answer.result())

    def _is_ours(self, race: Race) -> bool:
        """Return whether a Race has messages, or waits that go on since one that had, and nothing else."""
        messages = [is_message_effect(effect) for effect in race.effects]
        waits = [isinstance(effect, Sleep) for effect in race.effects]
        goes_on = any(effect.key in self._jobs for effect in race.effects)
        return (any(messages) or goes_on) and all(map(operator.or_, messages, waits))

    def _first(self, race: Race) -> tuple[int, object]:
        _check_signals()
        keys = [effect.key for effect in race.effects]
        for gone in self._jobs.keys() - set(keys):
            self._jobs.pop(gone).give_up()
        with _given_up_when_stopped(self._jobs):
            for effect in race.effects:
                if effect.key not in self._jobs:
                    self._jobs[effect.key] = job = self._job(effect)
                    job.answer.add_done_callback(lambda _, job=job: self._ended.append(job))  # type: ignore[misc]
            _wait(self._jobs.values())
        first = self._next()
        del self._jobs[first.effect.key]
        return keys.index(first.effect.key), first.answer.result()

    def _next(self) -> Job:
        """Return the job that was done first; one whose answer was just waited for may not be listed yet."""
        self._ended[:] = [job for job in self._ended if job in self._jobs.values()]
        return self._ended[0] if self._ended else next(job for job in self._jobs.values() if job.answer.done())


def _wait(jobs: Collection[Job]) -> None:
    """Wait until one of the jobs is done."""
    answers = [job.answer for job in jobs]
    with interruptible():
        while not wait(answers, _SLICE, FIRST_COMPLETED).done:
            pass


@contextmanager
def _given_up_when_stopped(jobs: dict[str, Job]) -> Iterator[None]:
    """Give up the jobs, by key, when the block is interrupted, and add what is known of them to the interruption."""
    try:
        yield
    except BaseException as stop:
        add_answers(stop, {key: job.give_up() for key, job in jobs.items()})
        jobs.clear()
        raise


def _check_signals() -> None:
    """Raise a signal that has come: nothing more is begun then."""
    held = signals_here()
    if held is not None:
        held.check()


class AsyncBrokerWorld(_AroundWorld):
    """Performs effects about messages for the running event loop."""

    waits: Final = True

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform one effect; a cancellation says what is known of it."""
        if not is_message_effect(effect):
            return await self._world.perform(effect)
        job = self._job(effect)
        try:
            return cast(Answer, await asyncio.wrap_future(job.answer))
        except BaseException as stop:
            add_answers(stop, {effect.key: job.give_up()})
            raise
