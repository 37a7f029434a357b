"""Runs with messages that end early: interrupted at every effect, cancelled while one is under way, stopped by a listener."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import StopRun, partial_result
from arazzo_runner.engine.effects import Interrupted, Race
from arazzo_runner.engine.messages import ChannelMessage, Publish, Receive, Subscribe, Unsubscribe
from arazzo_runner.runtime.brokers.options import BrokerOptions
from arazzo_runner.runtime.brokers.world import Brokers
from arazzo_runner.runtime.scripted import ScriptedWorld
from tests.brokers.memory import MemoryBroker
from tests.conformance.broker import Log, VirtualBroker
from tests.conformance.message_flows import options_of, program_of

PLACE = {
    "stepId": "place",
    "operationId": "$sourceDescriptions.events.placeOrder",
    "action": "send",
    "parameters": [{"name": "requestId", "in": "header", "value": "a"}],
    "requestBody": {"payload": {"product": "lamp"}},
}
CONFIRM = {
    "stepId": "confirm",
    "operationId": "$sourceDescriptions.events.confirmOrder",
    "action": "receive",
    "correlationId": "a",
    "timeout": 5000,
}
ASK = {"stepId": "ask", "operationId": "$sourceDescriptions.shop.listItems"}
ANSWER = {"address": "orders/confirmed", "payload": {"order": 7}, "headers": {"requestId": "a"}}
CASE: dict[str, Any] = {
    "id": "interrupted",
    "steps": [ASK, PLACE, CONFIRM],
    "conversation": [{"request": "GET /items", "body": []}],
    "broker": [{"on": "send orders/place", "messages": [ANSWER]}],
}
PARALLEL = {**CASE, "steps": [CONFIRM, ASK, PLACE], "options": {"parallel": 4}}


class Interrupting:
    """A World that raises at one effect, before it is performed or after, and counts what is asked later."""

    def __init__(self, world: Any, at: int, stop: BaseException, *, after: bool = False) -> None:
        self._world = world
        self._at = at
        self._stop = stop
        self._after = after
        self.asked: list[Any] = []

    async def perform(self, effect: Any, /) -> Any:
        self.asked.append(effect)
        if len(self.asked) - 1 == self._at:
            if self._after:
                await self._world.perform(effect)
            raise self._stop
        return await self._world.perform(effect)


def broker_of(case):
    return VirtualBroker(ScriptedWorld(case["conversation"]), case["broker"])


def effects_of(case):
    log = Log(broker_of(case))
    assert arazzo_runner.run(program_of(case), world=log, options=options_of(case)).status == "succeeded"
    return log.effects


@pytest.mark.parametrize("after", [False, True], ids=["before it is performed", "after it was performed"])
@pytest.mark.parametrize("case", [pytest.param(CASE, id="in turn"), pytest.param(PARALLEL, id="in parallel")])
def test_a_run_can_be_interrupted_at_every_effect(case, after):
    effects = effects_of(case)
    assert {type(each) for each in effects} >= {Subscribe, Publish, Receive, Unsubscribe}
    for at, effect in enumerate(effects):
        world = Interrupting(broker_of(case), at, KeyboardInterrupt(), after=after)
        with pytest.raises(KeyboardInterrupt) as stop:
            arazzo_runner.run(program_of(case), world=world, options=options_of(case))
        if at == 0:
            continue  # the run had not begun
        result = partial_result(stop.value)
        assert result is not None, effect
        is_last = isinstance(effect, Unsubscribe) or effect.key.startswith("run/end")
        expected = "in_doubt" if isinstance(effect, Publish) else "succeeded" if is_last else "interrupted"
        assert result.status == expected, effect
        assert len(world.asked) == at + 1, "nothing is asked after an interruption"


def test_a_message_that_was_certainly_not_sent_is_not_in_doubt():
    effects = effects_of(CASE)
    at = next(index for index, each in enumerate(effects) if isinstance(each, Publish))
    with pytest.raises(KeyboardInterrupt) as stop:
        arazzo_runner.run(program_of(CASE), world=Interrupting(broker_of(CASE), at, Interrupted(sent=False)))
    result = partial_result(stop.value)
    assert result is not None
    assert result.status == "interrupted"
    failure = result.step("place").attempts[0].message.failure
    assert (failure.reason, failure.sent) == ("interrupted", False)


def test_a_world_that_raises_ends_the_run_with_the_result_so_far():
    effects = effects_of(CASE)
    at = next(index for index, each in enumerate(effects) if isinstance(each, Receive))
    with pytest.raises(RuntimeError, match="broken") as stop:
        arazzo_runner.run(program_of(CASE), world=Interrupting(broker_of(CASE), at, RuntimeError("broken")))
    result = partial_result(stop.value)
    assert result is not None
    assert [(each.step_id, each.status) for each in result.steps] == [
        ("ask", "passed"), ("place", "passed"), ("confirm", "failed"),
    ]  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(CASE, id="in turn"), pytest.param(PARALLEL, id="in parallel")])
@pytest.mark.parametrize("event", ["StepStarted", "AttemptFinished", "StepFinished", "MessageAwaited"])
def test_subscriptions_end_when_a_listener_stops_the_run(case, event):
    def listen(happened, secrets):
        if type(happened).__name__ == event:
            raise StopRun("enough")

    log = Log(broker_of(case))
    result = arazzo_runner.run(program_of(case), world=log, options=options_of(case), on_event=listen)
    assert (result.status, result.reason) == ("failed", "enough")
    begun = [each.tap for each in log.effects if isinstance(each, Subscribe)]
    ended = [tap for each in log.effects if isinstance(each, Unsubscribe) for tap in each.taps]
    assert begun == ended == ["confirm"]


def test_a_listener_may_stop_a_run_whose_branches_have_subscriptions_of_their_own():
    inner = {"workflowId": "inner", "steps": [CONFIRM]}
    outer = {"workflowId": "w", "steps": [{"stepId": "call", "workflowId": "inner"}, ASK]}
    case = {**PARALLEL, "document": {"workflows": [outer, inner]}, "workflow": "w"}

    def listen(happened, secrets):
        if type(happened).__name__ == "AttemptFinished":
            raise StopRun("enough")

    log = Log(broker_of(case))
    result = arazzo_runner.run(program_of(case), world=log, options=options_of(case), on_event=listen)
    assert (result.status, result.reason) == ("failed", "enough")
    assert [each.taps for each in log.effects if isinstance(each, Unsubscribe)] == [("call#1/confirm",)]


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_cancelled_wait_loses_no_message(parallel):
    async def cancelled():
        memory = MemoryBroker()
        case = {**CASE, "steps": [ASK, CONFIRM], "options": {"parallel": parallel}}
        inner = ScriptedWorld(case["conversation"])
        waiting = asyncio.Event()

        def listen(happened, secrets):
            if type(happened).__name__ == "MessageAwaited":
                waiting.set()

        async with Brokers(BrokerOptions(driver=memory.driver)) as brokers:
            world = brokers.around(Waits(inner))
            task = asyncio.ensure_future(
                arazzo_runner.arun(program_of(case), world=world, options=options_of(case), on_event=listen)
            )
            await waiting.wait()
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as stop:
                await task
            result = partial_result(stop.value)
            assert result is not None
            assert result.status == "interrupted"
            assert result.step("confirm").attempts[0].message.failure.reason == "interrupted"
            memory.publish(ChannelMessage(address="orders/confirmed", payload=b"{}", headers=(("requestId", "a"),)))
            key = "confirm#1/m1"
            answer = await world.perform(Receive(key=key, tap="confirm", timeout=5))
            assert answer.message.payload == b"{}"

    asyncio.run(asyncio.wait_for(cancelled(), 20))


class Waits:
    """A World on an event loop."""

    waits = True

    def __init__(self, world: Any) -> None:
        self._world = world

    async def perform(self, effect: Any, /) -> Any:
        assert not isinstance(effect, Race)
        return await self._world.perform(effect)


@pytest.mark.parametrize(
    ("kind", "answer", "sentence"),
    [
        pytest.param(Subscribe, None, "must be a Subscribed or a NoMessage, not None", id="no answer to Subscribe"),
        pytest.param(Publish, "ok", "must be a Published or a NoMessage, not str", id="a text for Publish"),
        pytest.param(Receive, {}, "must be a Received or a NoMessage", id="a mapping for Receive"),
    ],
)
def test_answers_that_an_effect_cannot_have_are_told(kind, answer, sentence):
    class Wrong:
        def __init__(self, world):
            self._world = world

        async def perform(self, effect):
            return answer if isinstance(effect, kind) else await self._world.perform(effect)

    with pytest.raises(TypeError, match=f"the World's answer to {kind.__name__}") as raised:
        arazzo_runner.run(program_of(CASE), world=Wrong(broker_of(CASE)))
    assert sentence in str(raised.value)
