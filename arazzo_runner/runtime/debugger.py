"""A World that asks before each request or message and after each answer what to do.

An input is edited by running again: effects that were performed before are answered from memory,
so nothing is sent twice, and the current request is built anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, assert_never, cast

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.engine.effects import (
    Answer,
    Effect,
    HttpResponse,
    Interrupted,
    NoResponse,
    Now,
    ReadFile,
    SendRequest,
    Sleep,
    World,
    known,
)
from arazzo_runner.engine.interruption import before_sending
from arazzo_runner.engine.messages import (
    NoMessage,
    Publish,
    Published,
    Receive,
    Received,
    Settle,
    Subscribe,
    is_message_effect,
)

Asked: TypeAlias = SendRequest | Publish | Receive
"""What the user is asked about: a request or a message that is to be sent, one that is to be waited for."""
Exchange: TypeAlias = HttpResponse | NoResponse | Published | Received | NoMessage
Choice: TypeAlias = Literal["send", "skip", "again", "go on", "quit"]
"""Before a request: send or skip it. After its answer: send it again, or go on. At any time: quit."""


class Before(Record):
    """This step is about to send a request or a message, or to wait for one on what it is `subscribed` to."""

    step_id: str
    effect: Asked
    subscribed: Subscribe | None = None


class After(Record):
    """The answer came."""

    step_id: str
    effect: Asked
    answer: Exchange
    subscribed: Subscribe | None = None


class Restart(Exception):
    """Raised to run again from the beginning with these inputs."""

    def __init__(self, inputs: dict[str, JsonValue]) -> None:
        super().__init__("run again")
        self.inputs = inputs


Ask = Callable[[Before | After], Choice]


class Memory:
    """The answers so far by effect key, kept when the run begins again."""

    def __init__(self) -> None:
        self.answers: dict[str, Exchange] = {}


class DebugWorld:
    """Asks `ask` about every exchange; `skipped` answers the requests that are not sent."""

    def __init__(self, world: World, ask: Ask, memory: Memory, skipped: World) -> None:
        self._world = world
        self._ask = ask
        self._memory = memory
        self._skipped = skipped
        self._quitting = False
        self._subscribed: dict[str, Subscribe] = {}
        self.unwaited: str | None = getattr(world, "unwaited", None)
        self.behind = bool(memory.answers)
        """Whether the run still repeats effects that were performed before."""

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect."""
        if self._quitting:
            raise Interrupted(sent=False)
        if isinstance(effect, (Publish, Receive)):
            return cast(Answer, await self._exchange(effect))
        if is_message_effect(effect):
            return await self._subscription(effect)
        match found := known(effect):
            case SendRequest():
                return cast(Answer, await self._exchange(found))
            case ReadFile() | Sleep() | Now():
                return await self._world.perform(effect)
            case _:
                assert_never(found)

    async def _subscription(self, effect: Effect[Answer]) -> Answer:
        """Perform what is no exchange; the World that answers skipped ones gets it too."""
        if isinstance(effect, Subscribe):
            self._subscribed[effect.tap] = effect
        if isinstance(effect, (Subscribe, Settle)):
            await self._skipped.perform(effect)
        return await self._world.perform(effect)

    async def _exchange(self, effect: Asked) -> Exchange:
        known = self._memory.answers.get(effect.key)
        if known is not None:
            return known
        self.behind = False
        step_id = step_of(effect.key)
        subscribed = self._subscribed.get(effect.tap) if isinstance(effect, Receive) else None
        with before_sending():
            choice = self._ask(Before(step_id, effect, subscribed))
        if choice == "quit":
            raise Interrupted(sent=False)
        while True:
            performing = self._skipped if choice == "skip" else self._world
            answer: Any = await performing.perform(effect)
            self._memory.answers[effect.key] = answer
            if choice == "skip":
                return cast(Exchange, answer)
            choice = self._ask_after(After(step_id, effect, answer, subscribed))
            if choice != "again":
                # The answer is used even so: a token in it would be lost.
                self._quitting = choice == "quit"
                return cast(Exchange, answer)

    def _ask_after(self, moment: After) -> Choice:
        try:
            return self._ask(moment)
        except KeyboardInterrupt:  # at the prompt: the run ends before its next effect
            return "quit"


def step_of(key: str) -> str:
    """Return the stepId in an effect key: `outer#1/inner#2` is of the step `inner`, and so is `outer#1/inner#2/m1`."""
    return re.split(r"[/>]", key.rpartition("#")[0])[-1]
