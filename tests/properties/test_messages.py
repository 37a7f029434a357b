"""Random messages and workflows: which message a step takes, and that equal answers give equal runs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import arazzo_runner
from arazzo_runner.base.records import replace
from arazzo_runner.engine.effects import Race, Sleep
from arazzo_runner.engine.messages import NoMessage, Receive
from arazzo_runner.runtime.scripted import ScriptedWorld
from tests.conformance.broker import VirtualBroker
from tests.conformance.message_flows import options_of, program_of, run_async, run_blocking, run_virtual

IDS = ("a", "A", "b", "")
SLOW = settings(max_examples=60, deadline=None)
FEW = settings(max_examples=8, deadline=None)


def receive(name: str, wanted: str | None, **more: Any) -> dict[str, Any]:
    """Return a step that receives, with a correlation id or without."""
    correlation = {} if wanted is None else {"correlationId": wanted}
    step = {
        "stepId": name,
        "operationId": "$sourceDescriptions.events.confirmOrder",
        "action": "receive",
        "timeout": 0,
        "outputs": {"n": "$message.payload#/order"},
        **correlation,
    }
    return {**step, **more}


def messages_of(ids: list[str]) -> list[dict[str, Any]]:
    """Return messages with these ids, numbered in order; an empty one has none."""
    return [
        {"address": "orders/confirmed", "payload": {"order": number}, "headers": {"requestId": each} if each else {}}
        for number, each in enumerate(ids)
    ]


def case_of(ids: list[str], wanted: list[str | None], parallel: int = 1) -> dict[str, Any]:
    """Return a case: messages come at once, and steps want them one after the other, whether they get one or not."""
    names = [f"r{number}" for number in range(len(wanted))]
    follows = [*names[1:], "end"][: len(names)]
    steps = [{"stepId": "ask", "operationId": "$sourceDescriptions.shop.listItems"}]
    for name, each, following in zip(names, wanted, follows, strict=True):
        steps.append(receive(name, each, onFailure=[{"name": "on", "type": "goto", "stepId": following}]))
    steps.append({"stepId": "end", "operationId": "$sourceDescriptions.shop.getStock"})
    return {
        "id": "random",
        "steps": steps,
        "conversation": [{"request": "GET /items", "body": []}, {"request": "GET /stock", "body": []}],
        "broker": [{"on": "GET /items", "messages": messages_of(ids)}],
        "options": {"parallel": parallel},
    }


def expected(ids: list[str], wanted: list[str | None]) -> list[int | None]:
    """Return the number of the message that each step takes: the first that nobody took and that has its id."""
    left = dict(enumerate(ids))
    taken: list[int | None] = []
    for each in wanted:
        found = next((number for number, own in left.items() if each is None or own == each), None)
        left.pop(found, None)  # type: ignore[arg-type]
        taken.append(found)
    return taken


def taken_in(result: Any, count: int) -> list[int | None]:
    return [result.step(f"r{number}").outputs.get("n") for number in range(count)]


MESSAGES = st.lists(st.sampled_from(IDS), max_size=8)
WANTED = st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=5)


@SLOW
@given(ids=MESSAGES, wanted=WANTED)
def test_a_step_takes_the_first_message_that_correlates_and_that_nobody_took(ids, wanted):
    result, _ = run_virtual(case_of(ids, wanted))
    assert taken_in(result, len(wanted)) == expected(ids, wanted)


@FEW
@pytest.mark.parametrize("run", [run_blocking, run_async])
@given(ids=st.lists(st.sampled_from(IDS), min_size=4, max_size=8), wanted=WANTED)
def test_a_real_world_gives_the_same_messages(run, ids, wanted):
    wanted = [each for each, number in zip(wanted, expected(ids, wanted), strict=True) if number is not None]
    case = case_of(ids, wanted)
    for step in case["steps"][1:-1]:
        step["timeout"] = 5000
    result, _ = run(case)
    assert taken_in(result, len(wanted)) == expected(ids, wanted)


KINDS = (None, "application/json", "application/json; charset=utf-16", "text/plain", "application/avro", "a/b", "", "json", "application/xml")  # fmt: skip


@SLOW
@given(
    payloads=st.lists(st.tuples(st.binary(max_size=40), st.sampled_from(KINDS)), min_size=1, max_size=4),
    header=st.tuples(st.text(max_size=8), st.text(max_size=8)),
    channel=st.sampled_from(["readNews", "readText", "readRow", "outcome", "confirmOrder"]),
)
def test_whatever_comes_is_a_result(payloads, header, channel):
    addresses = {"readText": "texts", "readRow": "binaries", "outcome": "outcomes", "confirmOrder": "orders/confirmed"}
    address = addresses.get(channel, "news")
    messages = [
        {"address": address, "payload": raw, "contentType": kind, "headers": dict([header])} for raw, kind in payloads
    ]
    criteria = [{"condition": "$message.payload.order == 1"}, {"condition": "$message.header.x != 'y'"}]
    step = {**receive("r0", None), "operationId": f"$sourceDescriptions.events.{channel}", "successCriteria": criteria}
    case = {
        "id": "random",
        "steps": [{"stepId": "ask", "operationId": "$sourceDescriptions.shop.listItems"}, step],
        "conversation": [{"request": "GET /items", "body": []}],
        "broker": [{"on": "GET /items", "messages": messages}],
    }
    result, _ = run_virtual(case)
    exchange = result.step("r0").attempts[0].message
    assert exchange is not None
    assert len(exchange.looked_at) + (result.status == "succeeded") <= len(payloads)
    assert result.status in ("succeeded", "failed")


# ------------------------------------------------------------------ in parallel


class Picking:
    """A World around a VirtualBroker: `pick` says which of several effects is done first."""

    races = True

    def __init__(self, inner: VirtualBroker, pick: Any) -> None:
        self._inner = inner
        self._pick = pick
        self.answers: list[tuple[str, Any]] = []

    async def perform(self, effect: Any, /) -> Any:
        answer = await (self._first(effect) if isinstance(effect, Race) else self._inner.perform(effect))
        key = effect.effects[answer[0]].key if isinstance(effect, Race) else effect.key
        self.answers.append((key, answer))
        return answer

    async def _first(self, race: Race) -> tuple[int, Any]:
        order = list(range(len(race.effects)))
        start = self._pick(len(order))
        for index in order[start:] + order[:start]:
            effect: Any = race.effects[index]
            if not isinstance(effect, (Receive, Sleep)):
                return index, await self._inner.perform(effect)
            if isinstance(effect, Receive):
                found = await self._inner.perform(replace(effect, timeout=0.0))
                if not isinstance(found, NoMessage):
                    return index, found
        index = order[start]
        return index, await self._inner.perform(race.effects[index])


class Replaying:
    """A World that gives recorded answers, and checks that they are asked for in the same order."""

    races = True

    def __init__(self, answers: list[tuple[str, Any]]) -> None:
        self._left = list(answers)

    async def perform(self, effect: Any, /) -> Any:
        key, answer = self._left.pop(0)
        keys = [each.key for each in effect.effects] if isinstance(effect, Race) else [effect.key]
        assert key in keys, f"{keys} where {key} was asked for"
        return answer


@st.composite
def workflows(draw: Any) -> dict[str, Any]:
    """A case of requests, messages that are sent, and steps that receive what these cause."""
    steps: list[dict[str, Any]] = []
    broker: list[dict[str, Any]] = []
    conversation: list[dict[str, Any]] = []
    paths = {"listItems": "/items", "getStock": "/stock", "getPrice": "/price"}
    wanted: list[str] = []
    for number in range(draw(st.integers(1, 7))):
        name = f"s{number}"
        before = [each["stepId"] for each in steps]
        needs = {"dependsOn": draw(st.lists(st.sampled_from(before), max_size=2, unique=True))} if before else {}
        kind = draw(st.sampled_from(["get", "send", "receive"]))
        if kind == "receive" and wanted:
            steps.append({**receive(name, wanted.pop(0), timeout=60_000), **needs})
            continue
        caused = [f"{name}-{each}" for each in range(draw(st.integers(0, 2)))]
        wanted += caused
        after = draw(st.sampled_from([0, 0.5]))
        messages = [{**each, "after": after} for each in messages_of(caused)]
        if kind == "send":
            parameters = [{"name": "requestId", "in": "header", "value": name}]
            body = {"payload": {"product": name}}
            operation = "$sourceDescriptions.events.placeOrder"
            steps.append({"stepId": name, "operationId": operation, "action": "send", "parameters": parameters, "requestBody": body, **needs})  # fmt: skip
            broker.append({"on": "send orders/place", "messages": messages})
        else:
            operation = draw(st.sampled_from(sorted(paths)))
            if any(operation in str(each.get("operationId")) for each in steps):
                continue
            status = draw(st.sampled_from([200, 200, 200, 500]))
            steps.append({"stepId": name, "operationId": f"$sourceDescriptions.shop.{operation}", **needs})
            conversation.append({"request": f"GET {paths[operation]}", "status": status, "body": {}})
            broker.append({"on": f"GET {paths[operation]}", "messages": messages if status == 200 else []})
    for step in steps:
        if not step.get("dependsOn"):
            step.pop("dependsOn", None)
    return {"id": "random", "steps": steps or [receive("s", "x")], "broker": broker, "conversation": conversation}


def broker_of(case: dict[str, Any]) -> VirtualBroker:
    return VirtualBroker(ScriptedWorld(case["conversation"]), case["broker"])


def run_in(case: dict[str, Any], world: Any, parallel: int) -> Any:
    return asyncio.run(arazzo_runner.arun(program_of(case), world=world, options=options_of(case, parallel=parallel)))


def seen_of(result: Any) -> Any:
    steps = [(each.step_id, each.status, dict(each.outputs)) for each in result.steps]
    return result.status, sorted(steps, key=lambda each: each[0])


@SLOW
@given(case=workflows(), data=st.data())
def test_a_parallel_run_gives_the_result_of_the_sequential_one(case, data):
    sequential = run_in(case, broker_of(case), 1)
    picking = Picking(broker_of(case), lambda count: data.draw(st.integers(0, count - 1)))
    parallel = run_in(case, picking, 4)
    assert seen_of(parallel) == seen_of(sequential)
    assert run_in(case, Replaying(picking.answers), 4) == parallel
