"""Worlds of the mock: of requests, of messages, and the one of dry runs, which sends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, assert_never, cast

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import replace
from arazzo_runner.engine.effects import (
    Answer,
    Effect,
    HttpResponse,
    Now,
    ReadFile,
    SendRequest,
    Sleep,
    World,
    known,
)
from arazzo_runner.engine.messages import MessageEffect, Receive, is_message_effect
from arazzo_runner.program.model import Program
from arazzo_runner.runtime.files import read_upload
from arazzo_runner.runtime.mock.answers import Asked, documented_answer
from arazzo_runner.runtime.mock.expected import STEP_HEADER, Expected, expectations, step_label
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import Operation

if TYPE_CHECKING:
    from arazzo_runner.runtime.brokers.taps import TapLimits
    from arazzo_runner.runtime.mock.broker import MockBroker
    from arazzo_runner.runtime.mock.scenario import Scenario


class StepWorld:
    """Tells the mock which step sends each request, by a header; it wraps the World that sends them.

    It does not wait: no server gets ready meanwhile.
    """

    unwaited: Final = "mock"

    def __init__(self, world: World) -> None:
        self._world = world

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect."""
        if is_message_effect(effect):
            return await self._world.perform(effect)
        match found := known(effect):
            case SendRequest():
                return await self._world.perform(cast("Effect[Answer]", _labelled(found)))
            case Sleep():
                return cast(Answer, None)
            case ReadFile() | Now():
                return await self._world.perform(effect)
            case _:
                assert_never(found)


def _labelled(effect: SendRequest) -> SendRequest:
    headers = (*effect.request.headers, (STEP_HEADER, step_label(effect.at)))
    return replace(effect, request=replace(effect.request, headers=headers))


class MessageMockWorld:
    """Performs the effects about messages on the mock's own broker, and passes all others on.

    Where steps run at the same time, on an event loop, a step that waits is the last to be answered: what the others
    send may be what it waits for.
    """

    performs_messages: Final = True

    def __init__(self, world: World, broker: MockBroker, *, on_loop: bool) -> None:
        self._world = world
        self._broker = broker
        self._on_loop = on_loop
        self._under_way = 0  # effects of others
        self._begun = 0
        self.sends: bool = getattr(world, "sends", False)
        self.unwaited: str | None = getattr(world, "unwaited", None)

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect."""
        if isinstance(effect, Receive):
            if self._on_loop:
                await self._others(effect)
            return cast(Answer, self._broker.perform(effect))
        self._begun += 1
        if is_message_effect(effect):
            return cast(Answer, self._broker.perform(cast("MessageEffect", effect)))
        if isinstance(effect, Sleep):
            self._broker.waited(effect.seconds)
        self._under_way += 1
        try:
            return await self._world.perform(effect)
        finally:
            self._under_way -= 1

    async def _others(self, effect: Receive) -> None:
        """Let the other steps go on until the message is there, or they do nothing any more."""
        import asyncio  # lazily: a blocking run never needs it

        quiet, begun = 0, self._begun
        while quiet < _TURNS and not self._broker.has_come(effect):
            await asyncio.sleep(_PAUSE if self._under_way else 0)
            quiet = 0 if self._under_way or self._begun != begun else quiet + 1
            begun = self._begun


_TURNS: Final = 20
"""Turns of the event loop in which a run that could begin something has begun it."""
_PAUSE: Final = 0.001


def broker_for(
    program: Program, scenario: Scenario | None, inputs: Mapping[str, JsonValue] | None, limits: TapLimits | None = None
) -> MockBroker | None:
    """Return the broker of a mock, None for a program whose steps neither send nor receive messages."""
    if next(program.message_steps(), None) is None:
        return None
    from arazzo_runner.runtime.mock.broker import MockBroker  # lazily: few programs have messages

    return MockBroker(program, scenario, inputs, limits)


# ---- Dry run: shows the requests, sends nothing; answers are made from the descriptions' examples.

START = 0.0


class DryRunWorld:
    """Answers every request of a program with what its description documents as success.

    Messages that are waited for are made up. No time passes and no wait happens, so a dry run is over at once.
    """

    def __init__(self, program: Program, inputs: Mapping[str, JsonValue] | None = None) -> None:
        self._operations: dict[str, tuple[Operation, OpenApiDescription]] = {
            f"{operation.uri}#{operation.pointer}": (operation, description)
            for _, operation, description in program.operations()
        }
        self._expectations = expectations(program, inputs)
        self._answered: Counter[str] = Counter()
        self._broker = broker_for(program, None, inputs)

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Answer an effect; only files are read."""
        return cast(Answer, self._perform(effect))

    def _perform(self, effect: Effect[Any]) -> object:
        if self._broker is not None and is_message_effect(effect):
            return self._broker.perform(cast("MessageEffect", effect))
        match found := known(effect):
            case SendRequest():
                return self._answer(found)
            case ReadFile():
                return read_upload(found)
            case Now():
                return START
            case Sleep():
                return None
            case _:
                assert_never(found)

    def _answer(self, effect: SendRequest) -> HttpResponse:
        operation = self._operations.get(effect.operation)
        if operation is None:
            return HttpResponse(200)
        label = self._expectations.label(step_label(effect.at), effect.operation)
        expected = self._expectations.by_step.get(label, Expected())
        request = effect.request
        asked = Asked(expected=expected, method=request.method, url=request.url, before=self._answered[label])
        self._answered[label] += 1
        return documented_answer(*operation, asked)
