"""Branches at the same time without tasks: rounds of one effect each, performed as one Batch.

Each branch is driven by hand until it asks for an effect; the effects of all branches make a
Batch, in the branches' order; a round waits for its slowest. Equal answers give equal runs,
so parallel runs replay like sequential ones (a free `gather` would not).
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Sequence
from typing import Any, Generic, TypeVar, assert_never, cast

from arazzo_runner.engine.effects import (
    Answer,
    Batch,
    Effect,
    NoFile,
    NoResponse,
    Now,
    ReadFile,
    SendRequest,
    Sleep,
    World,
    known,
)

Result = TypeVar("Result")


class _Ask(Generic[Answer]):
    """Hands an effect to whoever drives the branch and comes back with its answer."""

    __slots__ = ("effect",)

    def __init__(self, effect: Effect[Answer]) -> None:
        self.effect = effect

    def __await__(self) -> Generator[Effect[Answer], Answer, Answer]:
        answer: Answer = yield self.effect
        return answer


class AskingWorld:
    """The World inside a branch: it performs nothing itself."""

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Suspend the branch until the round's Batch is answered."""
        answer: Answer = await _Ask(effect)
        return answer


async def together(world: World, key: str, branches: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Run all branches (whose World is an AskingWorld) and return their results in order."""
    results: dict[int, Result] = {}
    answers: dict[int, object] = dict.fromkeys(range(len(branches)))
    number = 0
    while answers:
        asked: dict[int, Effect[object]] = {}
        for index, answer in answers.items():
            try:
                asked[index] = cast("Effect[object]", branches[index].send(answer))
            except StopIteration as done:
                results[index] = done.value
        if not asked:
            break
        number += 1
        effects = tuple(asked.values())
        batch = Batch(key=f"{key}~{number}", safe=all(effect.safe for effect in effects), effects=effects)
        answered: tuple[object, ...] = await world.perform(batch)
        answers = dict(zip(asked, answered, strict=True))
    return [results[index] for index in range(len(branches))]


def interrupted_answers(batch: Batch, now: float) -> tuple[object, ...]:
    """Return an answer for each effect of a Batch during which the run was interrupted."""
    return tuple(_interrupted_answer(effect, now) for effect in batch.effects)


def _interrupted_answer(effect: Effect[Any], now: float) -> object:
    match found := known(effect):
        case SendRequest():
            return NoResponse("interrupted", "interrupted while the request was under way", sent=True)
        case ReadFile():
            return NoFile("interrupted before the file was read")
        case Now():
            return now
        case Sleep():
            return None
        case Batch():
            return interrupted_answers(found, now)
        case _:
            assert_never(found)
