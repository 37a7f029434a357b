"""The durable World without an engine underneath: stopped at every write and every send there is, then gone on with.

The journal is a list, the server a Python object; nothing else differs from the real thing, so
every n can be tried.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arazzo_runner import api, replace
from arazzo_runner.durable.journal import ANSWERED, BEGUN, DECIDED, FAILED, Entry, InDoubt, open_doubts
from arazzo_runner.durable.records import Decision
from arazzo_runner.durable.world import DurableWorld, JournalMismatch, Terms
from arazzo_runner.engine.effects import HttpRequest, HttpResponse, NoResponse, Now, Race, SendRequest, Sleep
from arazzo_runner.engine.interruption import add_answers, interruption_of
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.run import drive
from tests.durable.token_server import FIRST, Tokens

SPEC = Path(__file__).parents[2] / "fixtures" / "durable" / "rotate.arazzo.yml"
PARALLEL = {
    "arazzo": "1.0.1",
    "info": {"title": "At the same time", "version": "1"},
    "sourceDescriptions": [{"name": "tokens", "url": str(SPEC.parent / "tokens.openapi.yml"), "type": "openapi"}],
    "workflows": [
        {
            "workflowId": "both",
            "steps": [
                {
                    "stepId": f"write{name}",
                    "operationId": "addNote",
                    "requestBody": {"contentType": "application/json", "payload": {"text": name}},
                    "successCriteria": [{"condition": "$statusCode == 201"}],
                    "onFailure": [{"name": "again", "type": "retry", "retryAfter": 1, "retryLimit": 3}],
                    "outputs": {"id": "$response.body#/id"},
                    **({"dependsOn": ["writeB"]} if name == "D" else {}),
                }
                for name in "ABCD"
            ],
            "outputs": {name: f"$steps.write{name}.outputs.id" for name in "BC"},
        }
    ],
}


class Crash(BaseException):
    """The process is gone."""


class Plan:
    """Says when the process dies: at the n-th write or send, before or after it."""

    def __init__(self, point: str = "", number: int = 0) -> None:
        self._point = point
        self._left = number
        self.seen = 0

    def strike(self, point: str) -> None:
        if point != self._point:
            return
        self.seen += 1
        self._left -= 1
        if self._left == 0:
            raise Crash


class ListJournal:
    """A journal in memory; its entries have been through JSON, as in the store."""

    interrupt: BaseException | None = None

    def __init__(self, kept: list[Entry], plan: Plan) -> None:
        self.entries = list(kept)
        self._kept = kept
        self._plan = plan
        self._next = 0

    async def append(self, name: str, value: Any) -> Any:
        self._next += 1
        if self._next <= len(self.entries):
            return self.entries[self._next - 1].value
        self._plan.strike("before-write")
        self._kept.append(Entry(name, json.loads(json.dumps(value))))
        self._plan.strike("after-write")
        return self._kept[-1].value


class Server:
    """The World behind: the token server as an object, and a clock that waiting moves."""

    def __init__(self, tokens: Tokens, plan: Plan, pick: Callable[[list[int]], int]) -> None:
        self._tokens = tokens
        self._plan = plan
        self._sent: dict[str, Any] = {}
        self._pick = pick
        self.clock = 1000.0

    async def perform(self, effect: Any, /) -> Any:
        if isinstance(effect, Now):
            self.clock += 0.01
            return self.clock
        if isinstance(effect, Sleep):
            self._plan.strike("sleep")
            self.clock += effect.seconds
            return None
        if isinstance(effect, Race):
            return await self._first(effect)
        self._plan.strike("before-send")
        path = "/" + effect.request.url.partition("://")[2].partition("/")[2]
        body = json.loads(effect.request.body) if effect.request.body else None
        acted = self._tokens.act(effect.request.method, path, body)
        self._plan.strike("after-send")
        headers = (("Content-Type", "application/json"),)
        return HttpResponse(acted.status, headers, json.dumps(acted.answer).encode(), 1.0)

    async def _first(self, race: Race) -> tuple[int, Any]:
        """Send what was not sent, and answer with any of them; a wait is over when there is nothing else."""
        for each in race.effects:
            if isinstance(each, SendRequest) and each.key not in self._sent:
                self._sent[each.key] = await self.perform(each)
        done = [index for index, each in enumerate(race.effects) if each.key in self._sent] or [0]
        index = self._pick(done)
        each = race.effects[index]
        return index, self._sent.pop(each.key, None) if isinstance(each, SendRequest) else await self.perform(each)


class Runs:
    """A run that dies and is gone on with, until it ends."""

    def __init__(self, document: Any, inputs: dict[str, Any], workflow_id: str, parallel: int = 1) -> None:
        self.tokens = Tokens()
        self.kept: list[Entry] = []
        self.executions = 0
        self.doubts = 0
        self._program = api.load(document, workflow_id, servers={"tokens": "http://server.test"})
        self._inputs = inputs
        self._options = RunOptions(run_timeout=None, parallel=parallel)
        self.pick: Callable[[list[int]], int] = lambda done: done[0]
        self._decided: dict[str, dict[str, Decision]] = {}

    def go(self, plan: Plan) -> Any:
        """Run once; None when it died, the doubts when it waits, else the result."""
        self.executions += 1
        journal = ListJournal(self.kept, plan)
        terms = Terms(
            run_id="r",
            execution=f"e{self.executions}",
            decisions=lambda token: self._decided.get(token, {}),
            keyed=lambda effect: False,
        )
        world = DurableWorld(Server(self.tokens, plan, self.pick), journal, terms)
        try:
            return api.run(self._program, inputs=self._inputs, world=world, options=self._options)
        except InDoubt as stop:
            return stop.doubts
        except Crash:
            return None

    def finish(self) -> Any:
        """Resume until the run ends; doubts are decided by the server's log."""
        for _ in range(20):
            came = self.go(Plan())
            if not isinstance(came, tuple):
                return came
            self.doubts += 1
            assert came == open_doubts(self.kept)
            self._decided[came[0].token] = {doubt.key: self._decision(doubt) for doubt in came}
        raise AssertionError("the run does not end")

    def _decision(self, doubt: Any) -> Decision:
        sent = {"write": "/notes", "revokeOld": "/auth/revoke"}.get(doubt.step_id.rstrip("ABCD"), "/auth/refresh")
        body = doubt.step_id.removeprefix("write") if sent == "/notes" else ""
        seen = [each for each in self.tokens.log if each.path == sent and (not body or each.body == {"text": body})]
        number = int(doubt.key.rpartition("#")[2]) if sent == "/notes" else {"second": 2}.get(doubt.step_id, 1)
        if len(seen) < number:
            return Decision(kind="resend")
        answer = json.dumps(seen[number - 1].answer).encode()
        headers = (("Content-Type", "application/json"),)
        return Decision(kind="answered", answer=HttpResponse(seen[number - 1].status, headers, answer))


def rotation() -> Runs:
    return Runs(SPEC, {"refreshToken": FIRST}, "rotate")


def together() -> Runs:
    return Runs(PARALLEL, {}, "both", parallel=8)


def together_last_first() -> Runs:
    runs = together()
    runs.pick = lambda done: done[-1]
    return runs


def together_at_random() -> Runs:
    runs = together()
    runs.pick = random.Random(7).choice
    return runs


MAKERS = {
    "one after the other": rotation,
    "at the same time": together,
    "at the same time, the last answer first": together_last_first,
    "at the same time, in any order": together_at_random,
}


@pytest.mark.parametrize("point", ["before-write", "after-write", "before-send", "after-send", "sleep"])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_stopped_at_every_write_and_every_send(make: Any, point: str) -> None:
    whole = make()
    counted = Plan(point)
    expected = whole.go(counted)
    assert expected.status == "succeeded"
    assert counted.seen >= 1
    for number in range(1, counted.seen + 1):
        runs = make()
        assert runs.go(Plan(point, number)) is None
        result = runs.finish()
        where = f"{point} {number}"
        assert (result.status, result.outputs) == (expected.status, expected.outputs), where
        assert runs.tokens.twice() == [], where
        assert not runs.tokens.revoked, where
        unsafe = sorted(each.request for each in runs.tokens.log if each.method != "GET")
        assert unsafe == sorted(each.request for each in whole.tokens.log if each.method != "GET"), where


@pytest.mark.parametrize("number", range(1, 8))
def test_stopped_again_while_a_decision_is_carried_out(number: int) -> None:
    runs = rotation()
    assert runs.go(Plan("after-send", 1)) is None
    doubts = runs.go(Plan())
    assert [doubt.step_id for doubt in doubts] == ["first"]
    runs._decided[doubts[0].token] = {doubts[0].key: runs._decision(doubts[0])}
    runs.go(Plan("after-write", number))
    assert runs.finish().status == "succeeded"
    assert runs.tokens.twice() == []


def test_without_a_decision_nothing_is_sent_however_often_it_is_tried() -> None:
    runs = rotation()
    runs.go(Plan("before-send", 1))
    entries = len(runs.kept)
    for _ in range(3):
        assert isinstance(runs.go(Plan()), tuple)
    assert (runs.tokens.log, len(runs.kept)) == ([], entries)


def test_a_failed_decision_fails_the_step_and_sends_nothing() -> None:
    runs = rotation()
    runs.go(Plan("before-send", 1))
    (doubt,) = open_doubts(runs.kept)
    runs._decided[doubt.token] = {doubt.key: Decision(kind="failed")}
    result = runs.go(Plan())
    assert (result.status, runs.tokens.log) == ("failed", [])
    assert result.reason == FAILED.message
    assert [entry.kind for entry in runs.kept] == [BEGUN, DECIDED]


def test_a_journal_of_another_program_is_refused() -> None:
    runs = rotation()
    runs.go(Plan("after-write", 4))
    runs.kept[2] = Entry(f"other#1 {BEGUN}", runs.kept[2].value)
    with pytest.raises(JournalMismatch, match="other#1"):
        runs.go(Plan())


class Answers:
    """A World that records requests and gives all the same response."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.sent: list[SendRequest] = []

    async def perform(self, effect: Any, /) -> Any:
        if isinstance(effect, SendRequest):
            self.sent.append(effect)
            return self._answer
        return 5.0


def perform(kept: list[Entry], inner: Any, effect: Any, **terms: Any) -> Any:
    given = {"run_id": "r", "execution": "e", "decisions": lambda token: {}, "keyed": lambda effect: False, **terms}
    coroutine = DurableWorld(inner, ListJournal(kept, Plan()), Terms(**given)).perform(effect)
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it suspended")


POST = SendRequest(key="s#1", safe=False, request=HttpRequest("POST", "http://server.test/"), timeout=1.0)


def test_an_unsafe_request_has_its_intent_before_it_and_a_safe_one_has_none() -> None:
    kept: list[Entry] = []
    perform(kept, Answers(HttpResponse(200)), POST)
    safe = SendRequest(key="t#1", request=HttpRequest("GET", "http://server.test/"), timeout=1.0)
    kept_safe: list[Entry] = []
    perform(kept_safe, Answers(HttpResponse(200)), safe)
    assert [entry.name for entry in kept] == [f"s#1 {BEGUN}", f"s#1 {ANSWERED}"]
    assert [entry.name for entry in kept_safe] == [f"t#1 {ANSWERED}"]


def test_an_idempotency_key_is_of_the_run_and_the_effect_and_allows_sending_again() -> None:
    kept: list[Entry] = []
    first, second = Answers(HttpResponse(200)), Answers(HttpResponse(200))
    perform(kept, first, POST, keyed=lambda effect: True)
    del kept[1]
    assert perform(kept, second, POST, keyed=lambda effect: True, execution="other").status == 200
    assert [each.request.header("Idempotency-Key") for each in (*first.sent, *second.sent)] == ["r:s#1", "r:s#1"]


def test_an_answer_that_never_came_is_in_doubt_until_somebody_decides() -> None:
    lost = NoResponse("timeout", "no answer", sent=True)
    kept: list[Entry] = []
    assert perform(kept, Answers(lost), POST) == lost
    (doubt,) = open_doubts(kept)
    assert (doubt.key, doubt.method) == ("s#1", "POST")
    again = Answers(HttpResponse(201))
    assert perform(kept, again, POST, execution="other") == lost
    assert again.sent == []
    decided = {doubt.token: {"s#1": Decision(kind="resend")}}
    found = perform(kept, again, POST, execution="third", decisions=lambda token: decided.get(token, {}))
    assert (found.status, len(again.sent), open_doubts(kept)) == (201, 1, ())


def test_a_refused_connection_is_not_in_doubt() -> None:
    kept: list[Entry] = []
    perform(kept, Answers(NoResponse("refused", "refused", sent=False)), POST)
    assert open_doubts(kept) == ()


def test_a_body_that_is_no_text_survives_the_journal() -> None:
    kept: list[Entry] = []
    perform(kept, Answers(HttpResponse(200, (("X", "y"),), b"\xff\x00", 2.0)), POST)
    assert perform(kept, Answers(None), POST) == HttpResponse(200, (("X", "y"),), b"\xff\x00", 2.0)


# ------------------------------------------------------------------ at the same time


def first(kept: list[Entry], answers: dict[str, Any], *effects: Any, **terms: Any) -> list[tuple[str, Any]]:
    """Perform effects at the same time, done in the order of `answers`; return what came, by key, in order."""
    given = {"run_id": "r", "execution": "e", "decisions": lambda token: {}, "keyed": lambda effect: False, **terms}
    world = DurableWorld(InOrder(answers), ListJournal(kept, Plan()), Terms(**given))
    came, left = [], list(effects)
    while left:
        index, answer = drive(world.perform(Race(key="race", effects=tuple(left))))
        came.append((left.pop(index).key, answer))
    return came


class InOrder:
    """A World whose effects are done in a given order."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers

    async def perform(self, effect: Any, /) -> Any:
        if isinstance(effect, Now):
            return 5.0
        keys = [each.key for each in effect.effects] if isinstance(effect, Race) else [effect.key]
        done = next(key for key in self._answers if key in keys)
        return (keys.index(done), self._answers[done]) if isinstance(effect, Race) else self._answers[done]


def post(key: str) -> SendRequest:
    return replace(POST, key=key)


LOST = NoResponse("timeout", "no answer", sent=True)


def test_the_order_of_answers_is_recorded_and_replayed() -> None:
    kept: list[Entry] = []
    wait = Sleep(key="w#1/wait", seconds=3.0)
    answers = {"c#1": HttpResponse(203), "w#1/wait": None, "a#1": HttpResponse(201)}
    came = first(kept, answers, post("a#1"), wait, post("c#1"))
    assert [key for key, _ in came] == ["c#1", "w#1/wait", "a#1"]
    assert first(kept, {}, post("a#1"), wait, post("c#1"), execution="other") == came


def test_unknown_outcomes_come_last_and_can_all_be_decided() -> None:
    kept: list[Entry] = []
    effects = [post("a#1"), post("b#1"), post("c#1")]
    came = first(kept, {"a#1": LOST, "b#1": LOST, "c#1": HttpResponse(200)}, *effects)
    assert [key for key, _ in came] == ["c#1", "a#1", "b#1"]
    doubts = open_doubts(kept)
    assert {doubt.key for doubt in doubts} == {"a#1", "b#1"}
    assert first(kept, {}, *effects, execution="second") == came
    decided = {"e": {"a#1": Decision(kind="resend"), "b#1": Decision(kind="answered", answer=HttpResponse(207))}}
    again = {"a#1": HttpResponse(201)}
    settled = first(kept, again, *effects, execution="third", decisions=lambda token: decided.get(token, {}))
    assert {key: answer.status for key, answer in settled} == {"a#1": 201, "b#1": 207, "c#1": 200}
    assert open_doubts(kept) == ()
    assert first(kept, {}, *effects, execution="fourth") == settled


def test_requests_under_way_at_a_crash_are_in_doubt_and_the_answered_ones_are_not() -> None:
    kept: list[Entry] = []
    effects = [post("a#1"), post("b#1"), replace(POST, key="c#1", safe=True)]
    with pytest.raises(RuntimeError):
        first(kept, {"b#1": HttpResponse(200)}, *effects)
    assert [doubt.key for doubt in open_doubts(kept)] == ["a#1"]
    entries = len(kept)
    with pytest.raises(InDoubt):
        first(kept, {"a#1": HttpResponse(200)}, *effects, execution="second")
    assert len(kept) == entries
    decided = {"e": {"a#1": Decision(kind="failed")}}
    answers = {"c#1": HttpResponse(202)}
    came = first(kept, answers, *effects, execution="third", decisions=lambda token: decided.get(token, {}))
    assert came == [("b#1", HttpResponse(200)), ("a#1", FAILED), ("c#1", HttpResponse(202))]


# ------------------------------------------------------------------ interruptions


class Stopping:
    """A World that is interrupted when it has an answer."""

    def __init__(self, stop: BaseException) -> None:
        self._stop = stop

    async def perform(self, effect: Any, /) -> Any:
        if isinstance(effect, Now):
            return 5.0
        add_answers(self._stop, {effect.key: HttpResponse(201)})
        raise self._stop


def interrupted(kept: list[Entry], inner: Any, stop: BaseException | None = None) -> BaseException:
    """Return what interrupts a request; `stop` came while the entry before it was written."""
    journal = ListJournal(kept, Plan())
    journal.interrupt = stop
    terms = Terms(run_id="r", execution="e", decisions=lambda token: {}, keyed=lambda effect: False)
    with pytest.raises(KeyboardInterrupt) as raised:
        drive(DurableWorld(inner, journal, terms).perform(post("a#1")))
    return raised.value


def test_an_answer_that_came_with_the_interruption_is_recorded() -> None:
    kept: list[Entry] = []
    stop = interrupted(kept, Stopping(KeyboardInterrupt()))
    assert interruption_of(stop).answer(post("a#1"), 0.0) == HttpResponse(201)
    assert open_doubts(kept) == ()
    assert first(kept, {}, post("a#1"), execution="second") == [("a#1", HttpResponse(201))]


def test_a_request_after_an_interruption_is_not_begun_and_not_in_doubt() -> None:
    kept: list[Entry] = []
    stop = interrupted(kept, InOrder({}), KeyboardInterrupt())
    assert kept == []
    assert not interruption_of(stop).sent
