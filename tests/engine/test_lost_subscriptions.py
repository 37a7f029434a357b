"""Subscriptions that their broker ends while a step waits: the step fails, and a retry subscribes again."""

from __future__ import annotations

from typing import Any

import arazzo_runner
from arazzo_runner.engine.messages import ChannelMessage, Subscribe
from arazzo_runner.runtime.brokers.options import BrokerOptions
from arazzo_runner.runtime.brokers.world import Brokers
from arazzo_runner.runtime.scripted import ScriptedWorld
from tests.brokers.memory import MemoryBroker
from tests.conformance.broker import Log
from tests.conformance.message_flows import options_of, program_of

READ: dict[str, Any] = {
    "stepId": "read",
    "operationId": "$sourceDescriptions.events.readNews",
    "action": "receive",
    "timeout": 10_000,
    "outputs": {"n": "$message.payload#/n"},
}
AGAIN = {"onFailure": [{"name": "again", "type": "retry", "retryAfter": 0, "retryLimit": 1}]}


def run_with(step, memory, listen):
    case = {"id": "lost", "steps": [step], "outputs": {"n": "$steps.read.outputs.n"}}
    with Brokers(BrokerOptions(driver=memory.driver)) as brokers:
        log = Log(brokers.around(ScriptedWorld([])))
        result = arazzo_runner.run(program_of(case), world=log, options=options_of(case), on_event=listen)
    return result, [each.address for each in log.effects if isinstance(each, Subscribe)]


def test_a_step_whose_subscription_ends_fails_at_once():
    memory = MemoryBroker()

    def listen(event, secrets):
        if type(event).__name__ == "MessageAwaited":
            memory.stop()

    result, subscribed = run_with(READ, memory, listen)
    assert result.status == "failed"
    assert "closed" in (result.reason or "")
    assert subscribed == ["news"]


def test_a_retry_subscribes_again():
    memory, awaited = MemoryBroker(), 0

    def listen(event, secrets):
        nonlocal awaited
        match type(event).__name__:
            case "MessageAwaited" if awaited == 0:
                awaited += 1
                memory.stop()
            case "AttemptFinished":
                memory.failure = None  # it is there again
            case "MessageAwaited":
                memory.publish(ChannelMessage(address="news", payload=b'{"n": 5}'))

    result, subscribed = run_with({**READ, **AGAIN}, memory, listen)
    assert (result.status, dict(result.outputs)) == ("succeeded", {"n": 5})
    assert subscribed == ["news", "news"]
    assert [each.status for each in result.steps] == ["recovered"]
