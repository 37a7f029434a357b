"""Steps that wait for messages beside requests to a real server: neither holds the other up, in both kinds of runs."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions, RunOptions
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.options import BrokerOptions
from arazzo_runner.runtime.brokers.world import Brokers
from tests.brokers.memory import MemoryBroker
from tests.conformance.cases import FOLDER as CASES
from tests.conformance.message_flows import document_of
from tests.loopback import json_reply, serving


def request(name: str, operation: str, **fields: Any) -> dict[str, Any]:
    return {"stepId": name, "operationId": f"$sourceDescriptions.shop.{operation}", **fields}


NEWS: dict[str, Any] = {
    "stepId": "news",
    "operationId": "$sourceDescriptions.events.readNews",
    "action": "receive",
    "timeout": 20_000,
    "outputs": {"n": "$message.payload#/n"},
}


@pytest.fixture(params=["blocking", "async"])
def run(request):
    def run(steps: list[dict[str, Any]], answer: Any, memory: MemoryBroker, **options: Any) -> Any:
        case = {"id": "beside", "steps": steps, "outputs": {"n": "$steps.news.outputs.n"}}
        with serving(answer) as server, Brokers(BrokerOptions(driver=memory.driver)) as brokers:
            chosen: dict[str, Any] = {
                "servers": {"shop": server.url},
                "options": RunOptions(**{"parallel": 4, **options}),
                "load_options": LoadOptions(root=str(CASES)),
                "around": partial(brokers.around, on_loop=request.param == "async" or options.get("parallel", 4) > 1),
            }
            if request.param == "blocking":
                return arazzo_runner.run(document_of(case), "w", **chosen)
            return asyncio.run(arazzo_runner.arun(document_of(case), "w", **chosen))

    return run


def message(number: int) -> ChannelMessage:
    return ChannelMessage(address="news", payload=f'{{"n": {number}}}'.encode())


def test_a_message_is_taken_while_a_request_is_under_way(run):
    memory, done = MemoryBroker(), threading.Event()

    def answer(asked):
        if asked.target == "/items":
            memory.publish(message(1))
            assert done.wait(20), "the step that received was held up"
        if asked.target == "/stock":
            done.set()
        return json_reply({})

    steps = [request("slow", "listItems"), NEWS, request("done", "getStock", dependsOn=["news"])]
    result = run(steps, answer, memory)
    assert (result.status, dict(result.outputs)) == ("succeeded", {"n": 1})


def test_a_request_is_answered_while_a_message_is_waited_for(run):
    memory, asked = MemoryBroker(), []

    def answer(request):
        asked.append(request.target)
        if request.target == "/stock":
            memory.publish(message(2))
        return json_reply({})

    steps = [NEWS, request("one", "listItems"), request("two", "getStock", dependsOn=["one"])]
    result = run(steps, answer, memory)
    assert (result.status, dict(result.outputs)) == ("succeeded", {"n": 2})
    assert asked == ["/items", "/stock"]


def test_a_message_that_comes_while_a_request_takes_its_time_is_there_later(run):
    memory = MemoryBroker()

    def answer(request):
        memory.publish(message(3))
        return json_reply({})

    result = run([request("one", "listItems"), NEWS], answer, memory, parallel=1)
    assert (result.status, dict(result.outputs)) == ("succeeded", {"n": 3})
