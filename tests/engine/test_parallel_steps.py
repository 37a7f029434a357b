"""Steps that run in parallel: a branch that waits holds up only those that need it, proved by the order of the requests."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions, RunOptions
from arazzo_runner.engine.effects import Race, SendRequest
from arazzo_runner.runtime.cassette.world import Cassette, Player, Recorder
from tests.loopback import Reply, json_reply, serving

PATHS = {
    f"/{name}": {"get": {"operationId": name}} for name in ("slow", "b1", "b2", "b3", "z", "poll", "login", "other")
}
API = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": PATHS}


def step(name, *needs, **fields):
    return {"stepId": name, "operationId": name, "dependsOn": list(needs), **fields}


BRANCH = [step("b1"), step("b2", "b1"), step("b3", "b2")]
AGAIN: dict[str, Any] = {"successCriteria": [{"condition": "$statusCode == 200"}], "onFailure": [{"name": "r", "type": "retry", "retryAfter": 0, "retryLimit": 2}]}  # fmt: skip
RETRY = [step("slow", **AGAIN), *BRANCH, step("z", "b3", "slow")]
POLL = {
    "workflowId": "polling",
    "steps": [
        {
            "stepId": "poll",
            "operationId": "poll",
            "onSuccess": [{"name": "g", "type": "goto", "stepId": "poll", "criteria": [{"condition": "$statusCode == 202"}]}],
        }
    ],
}  # fmt: skip
CALL = [{"stepId": "slow", "workflowId": "polling"}, *BRANCH, step("z", "b3", "slow")]


class Server:
    """Answers `slow` and `poll` with a wait until b3 has been asked for; notes what was asked, in order."""

    def __init__(self, wait):
        self._wait = wait
        self.b3 = threading.Event()
        self.asked = []

    def __call__(self, request):
        name = request.target.removeprefix("/")
        self.asked.append(name)
        if name == "b3":
            self.b3.set()
        if name in ("slow", "poll") and not self.b3.is_set():
            return self._wait(self)
        return json_reply({"name": name})


def busy(server):
    return Reply(503, headers=[("Retry-After", "1")])


def not_yet(server):
    return Reply(202)


def held(server):
    assert server.b3.wait(20), "the other branch was held up"
    return json_reply({})


@pytest.fixture(params=["blocking", "async"])
def run(request, tmp_path):
    def run(steps, answer, *more, **options):
        (tmp_path / "api.json").write_text(json.dumps(API))
        document: dict[str, Any] = {
            "arazzo": "1.1.0",
            "info": {"title": "t", "version": "1"},
            "sourceDescriptions": [{"name": "api", "url": (tmp_path / "api.json").as_uri(), "type": "openapi"}],
            "workflows": [{"workflowId": "w", "steps": steps}, *more],
        }
        with serving(answer) as server:
            chosen = {
                "servers": {"api": server.url},
                "options": RunOptions(**{"parallel": 8, "poll_interval": 0.5, **options}),
                "load_options": LoadOptions(root=str(tmp_path)),
            }
            if request.param == "blocking":
                return arazzo_runner.run(document, "w", **chosen)
            return asyncio.run(arazzo_runner.arun(document, "w", **chosen))

    return run


@pytest.mark.parametrize(
    ("steps", "wait", "more"),
    [
        pytest.param(RETRY, busy, (), id="503 with Retry-After"),
        pytest.param(
            [step("slow", **{**AGAIN, "onFailure": [{**AGAIN["onFailure"][0], "retryAfter": 1}]}), *RETRY[1:]],
            lambda server: Reply(500), (), id="a retry with retryAfter",
        ),
        pytest.param(CALL, not_yet, (POLL,), id="polling by goto in a workflow that is called"),
        pytest.param(RETRY, held, (), id="a response that takes long"),
    ],
)  # fmt: skip
def test_a_branch_that_waits_holds_up_nobody_else(run, steps, wait, more):
    server = Server(wait)
    result = run(steps, server, *more)
    assert result.status == "succeeded"
    assert [each.step_id for each in result.steps] == ["slow", "b1", "b2", "b3", "z"]
    assert [name for name in server.asked if name.startswith("b")] == ["b1", "b2", "b3"]
    waits = "poll" if more else "slow"
    if wait is not held:
        assert server.asked.index("b3") < len(server.asked) - 1 - server.asked[::-1].index(waits)
    assert server.asked[-1] == "z"


def test_no_more_requests_are_under_way_than_asked_for(run):
    under_way, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(2, timeout=20)

    def answer(request):
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        together.wait()
        with lock:
            under_way -= 1
        return json_reply({})

    result = run([step("slow"), step("b1"), step("poll"), step("other")], answer, parallel=2)
    assert result.status == "succeeded"
    assert most == 2


def test_a_failure_stops_the_steps_that_wait_and_keeps_the_answers_under_way(run):
    asked, slow_came = [], threading.Event()

    def answer(request):
        name = request.target.removeprefix("/")
        asked.append(name)
        if name == "slow":
            slow_came.set()
            return Reply(503, headers=[("Retry-After", "60")])
        if name == "b1":
            assert slow_came.wait(20)
            return Reply(500)
        return json_reply({})

    result = run([step("b1"), step("slow", **AGAIN), step("z", "b1")], answer)
    assert result.status == "failed"
    assert sorted(asked) == ["b1", "slow"]
    assert [(each.step_id, each.status) for each in result.steps] == [("b1", "failed"), ("slow", "skipped"), ("z", "skipped")]  # fmt: skip
    assert [each.response.status for each in result.steps[1].attempts] == [503]


def test_a_step_sends_the_cookies_of_the_steps_that_it_needs(run):
    cookies = {}
    login_done = threading.Event()

    def answer(request):
        name = request.target.removeprefix("/")
        cookies[name] = request.headers.get("Cookie")
        if name == "login":
            login_done.set()
            return json_reply({}, 200, ("Set-Cookie", "session=1"))
        if name == "other":
            return json_reply({}, 200, ("Set-Cookie", "other=1"))
        return json_reply({})

    run([step("login"), step("other"), step("b1", "login"), step("b2", "b1"), step("z", "b2", "other")], answer)
    assert cookies == {"login": None, "other": None, "b1": "session=1", "b2": "session=1", "z": "session=1; other=1"}


def test_a_step_that_a_goto_passes_over_takes_those_that_need_it_along(run):
    done = threading.Event()

    def answer(request):
        name = request.target.removeprefix("/")
        if name == "b2":
            done.set()
        if name == "slow":
            assert done.wait(20)
            return Reply(503)
        return json_reply({})

    goto = {"onFailure": [{"name": "g", "type": "goto", "stepId": "other"}]}
    steps = [step("slow", **goto), step("b1"), step("b2", "b1"), step("other"), step("z", "b1")]
    result = run(steps, answer)
    assert [(each.step_id, each.status) for each in result.steps] == [
        ("slow", "failed"), ("other", "passed"), ("z", "failed"), ("b1", "skipped"), ("b2", "skipped"),
    ]  # fmt: skip
    refused = result.steps[2].attempts[0]
    assert refused.diagnostics[0].code == "dependency-not-run"
    assert refused.started > 1_600_000_000


class Asked:
    """A World around another that notes the keys of requests, in the order in which they are performed."""

    def __init__(self, world):
        self.keys = []
        self.races = getattr(world, "races", False)
        self._world = world

    async def perform(self, effect, /):
        if isinstance(effect, SendRequest):
            self.keys.append(effect.key)
        answer = await self._world.perform(effect)
        if isinstance(effect, Race):
            self.keys += [effect.effects[answer[0]].key] if isinstance(effect.effects[answer[0]], SendRequest) else []
        return answer


def test_a_recorded_run_is_played_back_in_the_order_of_its_answers_and_in_sequence(tmp_path):
    (tmp_path / "api.json").write_text(json.dumps(API))
    sources = [{"name": "api", "url": (tmp_path / "api.json").as_uri(), "type": "openapi"}]
    workflows = [{"workflowId": "w", "steps": RETRY}]
    document = {"arazzo": "1.1.0", "info": {"title": "t", "version": "1"}, "sourceDescriptions": sources, "workflows": workflows}  # fmt: skip
    recorders = []

    def recorded(world):
        recorders.append(Recorder(world))
        return recorders[0]

    with serving(Server(busy)) as server:
        options = LoadOptions(root=str(tmp_path), servers={"api": server.url})
        program = arazzo_runner.load(document, "w", load_options=options)
        result = arazzo_runner.run(program, around=recorded, options=RunOptions(parallel=8))
    keys = [each.key for each in recorders[0].interactions]
    assert sorted(keys) == ["b1#1", "b2#1", "b3#1", "slow#1", "slow#2", "z#1"]
    assert keys.index("b3#1") < keys.index("slow#2")
    cassette = Cassette(
        document="w", workflow_id="w", status=result.status, interactions=tuple(recorders[0].interactions)
    )
    for parallel in (8, 1):
        player = Player(cassette)
        asked = Asked(player)
        again = arazzo_runner.run(program, world=asked, options=RunOptions(parallel=parallel))
        assert player.drifts() == ()
        assert [(each.step_id, each.status, each.attempts) for each in again.steps] == [
            (each.step_id, each.status, each.attempts) for each in result.steps
        ]
        assert asked.keys == (keys if parallel > 1 else ["slow#1", "slow#2", "b1#1", "b2#1", "b3#1", "z#1"])
