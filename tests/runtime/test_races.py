"""Races: what is done first is answered first, at the same time where that is possible, one after the other elsewhere."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from arazzo_runner.engine.effects import HttpRequest, Now, Race, SendRequest, Sleep
from arazzo_runner.engine.run import drive
from arazzo_runner.runtime.http import AsyncWorld, BlockingWorld
from arazzo_runner.runtime.race_turns import TurnsWorld
from arazzo_runner.runtime.races import LoopWorld, TasksWorld
from arazzo_runner.runtime.scripted import ScriptedWorld
from arazzo_runner.runtime.signals import held_signals
from tests.loopback import json_reply, serving


def get(url, name):
    return SendRequest(key=f"{name}#1", request=HttpRequest("GET", f"{url}/{name}"), timeout=20.0)


def race(*effects):
    return Race(key="race", effects=effects)


def sleep(name, seconds):
    return Sleep(key=f"{name}/wait", seconds=seconds)


def all_of(perform, *effects):
    """Perform Races until every effect is done; return their keys in that order."""
    done, left = [], list(effects)
    while left:
        index, _ = perform(race(*left))
        done.append(left.pop(index).key)
    return done


@pytest.fixture(params=["blocking", "async"])
def perform(request):
    """Perform effects on an event loop."""
    if request.param == "async":
        with asyncio.Runner() as runner:
            world = AsyncWorld()
            tasks = TasksWorld(world)
            yield lambda effect: runner.run(tasks.perform(effect))
            runner.run(tasks.aclose())
            runner.run(world.__aexit__(None, None, None))
        return
    with BlockingWorld() as world:
        loop = world.event_loop()
        on_loop = LoopWorld(loop.world, loop.runner)
        yield lambda effect: drive(on_loop.perform(effect))
        on_loop.close()


def test_what_is_done_first_is_answered_first(perform):
    last = threading.Event()

    def answer(request):
        if request.target == "/first":
            assert last.wait(20)
        if request.target == "/last":
            last.set()
        return json_reply({})

    with serving(answer) as server:
        first, middle, end = (get(server.url, name) for name in ("first", "middle", "last"))
        index, reply = perform(race(first, middle))
        assert (index, reply.status) == (1, 200)
        assert perform(Now(key="n")) > 1_700_000_000  # while the first is under way
        assert sorted(all_of(perform, first, end)) == ["first#1", "last#1"]
        assert sorted(each.target for each in server.received) == ["/first", "/last", "/middle"]


@pytest.mark.parametrize("moment", ["before the loop runs", "while it waits"])
def test_a_signal_is_not_lost(moment):
    """Also one that comes when the loop is made ready: nothing waits yet, and nothing is asked for any more."""

    def interrupt():
        os.kill(os.getpid(), signal.SIGINT)

    class Ready:
        def __init__(self, runner):
            self.runner = runner

        def run(self, work):
            if moment == "before the loop runs":
                interrupt()
            return self.runner.run(work)

    class Waiting:
        async def perform(self, effect):
            if moment == "while it waits":
                asyncio.get_running_loop().call_soon(interrupt)
            await asyncio.sleep(10)
            in_vain.append(effect)

    in_vain = []
    with asyncio.Runner() as runner, pytest.raises(KeyboardInterrupt), held_signals():
        drive(LoopWorld(Waiting(), Ready(runner)).perform(sleep("a", 20)))
    assert in_vain == []


def test_of_answers_that_come_together_the_first_is_told_first():
    class Waiting:
        def __init__(self):
            self.answers = {}

        async def perform(self, effect, /):
            self.answers[effect.key] = asyncio.get_running_loop().create_future()
            return await self.answers[effect.key]

    async def told():
        world = Waiting()
        tasks = TasksWorld(world)
        effects = [get("http://a.test", name) for name in ("a", "b", "c")]
        first = asyncio.ensure_future(tasks.perform(race(*effects)))
        while len(world.answers) < len(effects):
            await asyncio.sleep(0)
        for name in ("c#1", "a#1", "b#1"):
            world.answers[name].set_result(name)
        return [await first, await tasks.perform(race(*effects[:2])), await tasks.perform(race(effects[1]))]

    assert asyncio.run(told()) == [(2, "c#1"), (0, "a#1"), (0, "b#1")]


def test_what_is_in_no_later_race_is_given_up(perform):
    with serving(lambda request: json_reply({})) as server:
        index, _ = perform(race(sleep("long", 600.0), get(server.url, "a")))
        assert index == 1
        index, _ = perform(race(get(server.url, "b"), get(server.url, "c")))
        assert index in (0, 1)


def test_a_mistake_is_raised(perform):
    with pytest.raises(TypeError, match="not an effect"):
        perform(race(sleep("s", 600.0), Race(key="odd", effects=())))


def test_one_after_the_other_the_waits_come_last_and_overlap():
    world = ScriptedWorld([{"request": "GET /a"}, {"request": "GET /b"}])
    turns = TurnsWorld(world)
    effects = (sleep("x", 5.0), get("http://h", "a"), sleep("y", 3.0), get("http://h", "b"))
    assert all_of(lambda effect: drive(turns.perform(effect)), *effects) == ["a#1", "b#1", "y/wait", "x/wait"]
    assert world.waits == [3.0, 2.0]


def test_inside_a_running_loop_a_blocking_world_has_none():
    async def inside():
        with BlockingWorld() as world:
            return world.event_loop()

    assert asyncio.run(inside()) is None
