"""Branches of a run that go on independently: each as soon as its own effect has its answer, without tasks.

Each branch is a coroutine driven by hand until it asks for an effect that takes time. What all of
them wait for makes a Race; its answer says which is done, and that branch alone goes on. So the
order in which answers come is an answer too: equal answers in equal order give equal runs, and
parallel runs replay like sequential ones (a free `gather` would not).
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Iterable
from typing import Any, Final, Generic, TypeAlias, TypeVar, assert_never, cast

from arazzo_runner.base.records import MutableRecord, replace
from arazzo_runner.engine.answers import checked_answer
from arazzo_runner.engine.effects import (
    Answer,
    Effect,
    Now,
    Race,
    ReadFile,
    SendRequest,
    Sleep,
    World,
)
from arazzo_runner.engine.interruption import Interruption, interrupted, unsent
from arazzo_runner.engine.messages import (
    Publish,
    Receive,
    Settle,
    Subscribe,
    TakesTime,
    Unsubscribe,
)
from arazzo_runner.engine.state import INTERRUPTED, UNTOUCHED, Run, Stop

Result = TypeVar("Result")
_Asked: TypeAlias = SendRequest | Sleep | TakesTime
_AtOnce: TypeAlias = Now | ReadFile | Settle | Unsubscribe
OVERTAKEN: Final = Stop("failed", "ran at the same time as a step that ended the workflow")


class _Ask(Generic[Answer]):
    """Suspends a branch with an effect and resumes it with the answer."""

    __slots__ = ("effect",)

    def __init__(self, effect: Effect[Answer]) -> None:
        self.effect = effect

    def __await__(self) -> Generator[Effect[Answer], Answer, Answer]:
        answer: Answer = yield self.effect
        return answer


class BranchWorld:
    """The World inside a branch: it performs nothing, `Branches` does."""

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Suspend the branch until the effect is answered."""
        answer: Answer = await _Ask(effect)
        return answer


BRANCH_WORLD: Final[World] = BranchWorld()


class _Branch(MutableRecord):
    """A branch under way: its state of the run, and what it waits for (None: nothing yet)."""

    run: Run
    coroutine: Coroutine[Any, Any, Any]
    asked: _Asked | Race | None = None

    def waits_for(self) -> list[tuple[int | None, _Asked]]:
        """Return the effects it waits for, with their index in its Race.

        One that is stopped waits for no time and for no message, only for what others may have got.
        """
        match self.asked:
            case Race(effects=effects):
                found = [(index, cast(_Asked, each)) for index, each in enumerate(effects)]
                return [each for each in found if self._goes_on(each[1])]
            case None:
                return []
            case SendRequest() | Sleep() | Publish() | Subscribe() | Receive() as effect:
                return [(None, effect)] if self._goes_on(effect) else []
            case _:
                assert_never(self.asked)

    @property
    def is_busy(self) -> bool:
        """Whether it does something, or waits for a time: one that waits for messages alone takes no place."""
        effects = self.asked.effects if isinstance(self.asked, Race) else (self.asked,)
        return not all(isinstance(each, Receive) for each in effects)

    def _goes_on(self, effect: _Asked) -> bool:
        return self.run.stop is None or not isinstance(effect, (Sleep, Receive))

    def given_up(self) -> object:
        """Return the answer to what it waits for where it is stopped."""
        if isinstance(self.asked, Race):
            first = self.asked.effects[0]
            return 0, unsent(first).get(first.key)
        return None if self.asked is None else unsent(self.asked).get(self.asked.key)


class Branches(Generic[Result]):
    """Coroutines that run beside each other, by number; the World of each is a BranchWorld.

    `ended` holds the results of those that have ended, with their states of the run.
    """

    def __init__(self, run: Run) -> None:
        self.ended: dict[int, tuple[Run, Result]] = {}
        self._run = run
        self._under_way: dict[int, _Branch] = {}
        self._in_flight: frozenset[str] = frozenset()

    @property
    def under_way(self) -> frozenset[int]:
        """The branches that have begun and not ended."""
        return frozenset(self._under_way)

    @property
    def busy(self) -> int:
        """How many of them do something; what others cause must not wait for those that wait for it."""
        return sum(branch.is_busy for branch in self._under_way.values())

    async def start(self, number: int, run: Run, coroutine: Coroutine[Any, Any, Result]) -> None:
        """Begin a branch, up to its first effect that takes time."""
        self._under_way[number] = _Branch(run, coroutine)
        await self._advance(number, None)

    async def next(self) -> None:
        """Wait until one effect of all branches is done, and let its branch go on."""
        await self._settle()
        waiting = [
            (number, index, effect)
            for number in sorted(self._under_way)
            for index, effect in self._under_way[number].waits_for()
        ]
        if not waiting:
            return None
        effects = [effect for _, _, effect in waiting]
        if self._run.interrupted:
            return await self._interrupted(self._known(Interruption(sent=False), effects))
        try:
            first, answer = await self._first(effects)
        except UNTOUCHED:
            raise
        except BaseException as stop:
            return await self._interrupted(self._known(self._run.interrupted_by(stop), effects))
        if isinstance(answer, Interruption):
            return await self._interrupted(answer)
        number, index, _ = waiting[first]
        if self._run.stop is not None:
            self.stop(self._run.stop)
        return await self._advance(number, answer if index is None else (index, answer))

    async def halt(self, stop: Stop = OVERTAKEN, only: frozenset[int] | None = None) -> None:
        """Let branches begin nothing more, and wait for the requests under way: their answers must not be lost."""
        self.stop(stop, only)
        while self._under_way.keys() if only is None else self._under_way.keys() & only:
            await self.next()

    def close(self) -> None:
        """Give up what is under way: an exception ends the run."""
        for branch in self._under_way.values():
            branch.coroutine.close()
        self._under_way.clear()

    def stop(self, stop: Stop, only: frozenset[int] | None = None) -> None:
        """Stop branches at their next effect."""
        for number, branch in self._under_way.items():
            if only is None or number in only:
                branch.run.stop = branch.run.stop or stop

    async def _first(self, effects: list[_Asked]) -> tuple[int, object]:
        """Return which effect is done first, and its answer: an Interruption when the run was interrupted."""
        keys = frozenset(effect.key for effect in effects)
        if len(effects) == 1 and not self._in_flight:
            return 0, checked_answer(effects[0], await self._run.world.perform(cast("Effect[Any]", effects[0])))
        race = Race(key="race", safe=all(effect.safe for effect in effects), effects=tuple(effects))
        answered: tuple[int, object] | Interruption = await self._run.world.perform(race)
        if isinstance(answered, Interruption):
            return 0, answered
        first, answer = answered
        self._in_flight = keys - {effects[first].key}
        return first, checked_answer(effects[first], answer)

    async def _advance(self, number: int, answer: object) -> None:
        """Let a branch go on until it ends or asks for an effect that takes time."""
        branch = self._under_way[number]
        branch.asked = None
        while True:
            try:
                asked = branch.coroutine.send(answer)
            except StopIteration as done:
                del self._under_way[number]
                self.ended[number] = branch.run, done.value
                return
            if not isinstance(asked, (Now, ReadFile, Settle, Unsubscribe)):
                branch.asked = asked
                return
            answer = await self._at_once(asked)

    async def _at_once(self, effect: _AtOnce) -> object:
        if self._run.interrupted:
            return Interruption().answer(effect, self._run.now)
        try:
            return checked_answer(effect, await self._run.world.perform(cast("Effect[Any]", effect)))
        except UNTOUCHED:
            raise
        except BaseException as stop:
            interruption = self._run.interrupted_by(stop)
            self.stop(self._run.stop or INTERRUPTED)
            return interruption.answer(effect, self._run.now)

    async def _settle(self) -> None:
        """Answer the waits of branches that were stopped, for a time or a message."""
        while idle := [number for number, branch in self._under_way.items() if not branch.waits_for()]:
            await self._advance(idle[0], self._under_way[idle[0]].given_up())

    def _known(self, interruption: Interruption, effects: Iterable[_Asked]) -> Interruption:
        """Return an interruption that says of every request and message whether it was under way."""
        known = {
            each.key: interrupted(each, sent=interruption.sent or each.key in self._in_flight)
            for each in effects
            if not isinstance(each, Sleep)
        }
        return replace(interruption, answers={**known, **interruption.answers})

    async def _interrupted(self, interruption: Interruption) -> None:
        """Let every branch end: the run was interrupted while their effects were under way."""
        self._in_flight = frozenset()
        self._run.stop = self._run.stop or INTERRUPTED
        self.stop(self._run.stop)
        for number in sorted(self._under_way):
            asked = self._under_way[number].asked
            assert asked is not None
            await self._advance(number, interruption.answer(asked, self._run.now))
