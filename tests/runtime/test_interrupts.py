"""Ctrl-C in a blocking run: KeyboardInterrupt is raised with the result so far, and no answer is lost by it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from itertools import count
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import AttemptFinished, RunOptions, RunResult, WorkflowFinished, partial_result
from arazzo_runner.engine.effects import Interrupted, Race, SendRequest, Sleep
from arazzo_runner.runtime.rate import Pace
from tests.loopback import json_reply, serving
from tests.runtime.test_cancellation import PARALLEL, RETRIED, SHAPES, Case, check_result, step

posix = pytest.mark.skipif(os.name == "nt", reason="signals cannot be sent to one process there")


def run(case: Case, **more: Any) -> RunResult:
    servers = {"api": case.server.url} if hasattr(case, "server") else {}
    program = arazzo_runner.load(case.path, "w", servers=servers)
    listener = more.pop("on_event", lambda event, secrets: case.events.append(event))
    return arazzo_runner.run(program, options=case.options, on_event=listener, **more)


def interrupted(case: Case, **more: Any) -> RunResult:
    with pytest.raises(KeyboardInterrupt) as raised:
        run(case, **more)
    result = partial_result(raised.value)
    assert result is not None
    return result


@pytest.fixture(autouse=True)
def interrupting():
    """Let SIGINT interrupt, which shells ignore in background jobs, and SIGTERM likewise."""
    before = {each: signal.signal(each, signal.default_int_handler) for each in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_signal_interrupts_what_waits(tmp_path: Any, shape: Any, number: signal.Signals) -> None:
    case = Case(tmp_path, shape)

    def kill() -> None:
        while not ("busy" in case.asked or {"hold", *([] if PARALLEL not in shape.values() else ["hold2"])} <= set(case.asked)):  # fmt: skip
            time.sleep(0.01)
        while "busy" in case.asked and not any(isinstance(e, arazzo_runner.RetryScheduled) for e in case.events):
            time.sleep(0.01)
        time.sleep(0.05)
        os.kill(os.getpid(), number)

    with case.served():
        threading.Thread(target=kill).start()
        with pytest.raises(KeyboardInterrupt) as raised:
            run(case)
        asked = list(case.asked)
        check_result(case, raised.value, "busy" if shape["steps"] is RETRIED else "hold")
        case.released.set()
        while case.server.clients:
            time.sleep(0.01)
        assert case.asked == asked
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@posix
def test_ctrl_c_in_an_event_loop_has_the_result_so_far(tmp_path: Any) -> None:
    case = Case(tmp_path, SHAPES["at the same time"])

    async def main() -> None:
        running = asyncio.create_task(case.run())
        await case.waits()
        os.kill(os.getpid(), signal.SIGINT)
        await running

    with case.served():
        with pytest.raises(KeyboardInterrupt) as raised:
            asyncio.run(main())
        check_result(case, raised.value, "hold")


@pytest.mark.parametrize("parallel", [1, 8])
def test_a_signal_between_two_effects_loses_nothing(tmp_path: Any, parallel: int) -> None:
    """It comes while the first of two answers is read; the other request is under way."""
    case = Case(tmp_path, {"steps": PARALLEL, "parallel": parallel})

    def listener(event: Any, secrets: Any) -> None:
        case.events.append(event)
        if isinstance(event, AttemptFinished) and event.step_id == ("hold2" if parallel > 1 else "hold"):
            signal.raise_signal(signal.SIGINT)

    def answer(request: Any) -> Any:
        case.asked.append(request.target)
        if request.target == "/hold" and parallel > 1:
            case.released.wait(30)
        return json_reply({})

    with serving(answer) as case.server:
        result = interrupted(case, on_event=listener)
        case.released.set()
    steps = {each.step_id: each for each in result.steps}
    assert "/after" not in case.asked
    if parallel == 1:
        assert case.asked == ["/before", "/hold"]
        assert [each.status for each in result.steps] == ["passed", "passed", "failed", "skipped"]
        assert steps["hold2"].attempts[0].response is None
        return
    assert {name: each.status for name, each in steps.items()} == {
        "before": "passed", "hold": "failed", "hold2": "passed", "after": "skipped",
    }  # fmt: skip
    assert steps["hold"].reason == "interrupted"
    assert steps["hold"].attempts[0].response is not None
    assert "under way" in getattr(steps["hold"].attempts[0].response, "message", "")


@pytest.mark.parametrize("event", [AttemptFinished, WorkflowFinished], ids=lambda each: each.__name__)
@pytest.mark.parametrize("stop", [KeyboardInterrupt, Interrupted(sent=False)], ids=["Ctrl-C", "Interrupted"])
def test_a_listener_may_interrupt_the_run(tmp_path: Any, event: Any, stop: Any) -> None:
    case = Case(tmp_path, SHAPES["in order"])

    def listener(each: Any, secrets: Any) -> None:
        case.events.append(each)
        if isinstance(each, event):
            raise stop

    case.released.set()
    with case.served():
        result = interrupted(case, on_event=listener)
    if event is WorkflowFinished:
        assert result.status == "succeeded"
    else:
        assert (result.status, result.steps[0].status, case.asked) == ("interrupted", "passed", ["before"])
    assert isinstance(case.events[-1], WorkflowFinished)


@pytest.mark.parametrize("depends_on", [True, False], ids=["a workflow that it depends on", "a nested workflow"])
def test_a_listener_interrupts_every_branch(tmp_path: Any, depends_on: bool) -> None:
    steps = [step("after")] if depends_on else [{"stepId": "call", "workflowId": "called"}, step("after")]
    case = Case(tmp_path, {"steps": steps, "called": PARALLEL, "parallel": 8, "dependsOn": ["called"] * depends_on})

    def listener(each: Any, secrets: Any) -> None:
        case.events.append(each)
        if isinstance(each, AttemptFinished) and each.step_id == "before":
            raise KeyboardInterrupt

    with case.served():
        result = interrupted(case, on_event=listener)
    assert result.status == "interrupted"
    assert not {"hold", "hold2"} & set(case.asked)


class Stops:
    """A World that answers, and interrupts at one key; at the same time others are under way."""

    def __init__(self, key: str, stop: BaseException) -> None:
        self._key = key
        self._stop = stop

    async def perform(self, effect: Any, /) -> Any:
        if effect.key == self._key:
            raise self._stop
        return arazzo_runner.HttpResponse(200) if isinstance(effect, SendRequest) else 1_700_000_000.0


def posting(case: Case) -> None:
    """Make every operation unsafe."""
    api = json.loads((case.path.parent / "api.json").read_text())
    api["paths"] = {path: {"post": item["get"]} for path, item in api["paths"].items()}
    (case.path.parent / "api.json").write_text(json.dumps(api))


@pytest.mark.parametrize(
    ("stop", "status"),
    [(KeyboardInterrupt(), "in_doubt"), (Interrupted(sent=False), "interrupted"), (Interrupted(sent=True), "in_doubt")],
    ids=["Ctrl-C", "before it was sent", "after it was sent"],
)
@pytest.mark.parametrize(
    ("shape", "key"),
    [
        ("in order", "hold#1"),
        ("at the same time", "hold#1"),
        ("in a nested workflow", "call#1/hold#1"),
        ("in a nested workflow at the same time", "call#1/hold#1"),
    ],
)
def test_only_a_request_that_may_have_been_sent_is_in_doubt(
    tmp_path: Any, shape: str, key: str, stop: BaseException, status: str
) -> None:
    case = Case(tmp_path, SHAPES[shape])
    posting(case)
    assert interrupted(case, world=Stops(key, stop)).status == status


def test_a_request_that_waits_for_its_turn_by_the_rate_is_not_in_doubt(tmp_path: Any) -> None:
    case = Case(tmp_path, SHAPES["in order"])
    posting(case)
    pace = Pace(0.001)
    result = interrupted(case, world=Stops("hold#1~pace", KeyboardInterrupt()), around=pace.around)
    assert result.status == "interrupted"


def test_a_second_signal_interrupts_also_between_two_effects(tmp_path: Any) -> None:
    case = Case(tmp_path, SHAPES["in order"])

    def listener(event: Any, secrets: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("it goes on")

    with case.served():
        assert interrupted(case, on_event=listener).status == "interrupted"
    assert case.asked == []


def test_races_of_a_world_that_takes_turns_say_what_was_not_begun() -> None:
    from arazzo_runner.engine.interruption import interruption_of
    from arazzo_runner.engine.run import drive
    from arazzo_runner.runtime.race_turns import TurnsWorld

    request = arazzo_runner.HttpRequest("POST", "http://a.test/")
    effects = tuple(SendRequest(key=f"{name}#1", request=request, timeout=1.0, safe=False) for name in "ab")
    stop = KeyboardInterrupt()
    turns = TurnsWorld(Stops("a#1", stop))
    with pytest.raises(KeyboardInterrupt):
        drive(turns.perform(Race(key="race", effects=(*effects, Sleep(key="s", seconds=1.0)))))
    known = interruption_of(stop)
    assert [known.answer(each, 0.0).sent for each in effects] == [True, False]  # type: ignore[attr-defined]


@pytest.mark.parametrize("options", [{}, {"parallel": 8}], ids=["in order", "at the same time"])
def test_other_threads_have_no_signals_to_hold(tmp_path: Any, options: Any) -> None:
    case = Case(tmp_path, {"steps": PARALLEL, **options})
    case.released.set()
    found: list[RunResult] = []
    with case.served():
        thread = threading.Thread(target=lambda: found.append(run(case)))
        thread.start()
        thread.join(30)
    assert found[0].status == "succeeded"


def test_the_handlers_of_a_program_are_left_alone(tmp_path: Any) -> None:
    case = Case(tmp_path, SHAPES["in order"])
    case.released.set()
    noted: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: noted.append(number))
    try:
        with case.served():
            result = run(case, on_event=lambda event, secrets: signal.raise_signal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.status == "succeeded"
    assert len(noted) == 11


def test_the_options_of_a_run_are_read_before_anything_is_held(tmp_path: Any) -> None:
    case = Case(tmp_path, SHAPES["in order"])
    with pytest.raises(arazzo_runner.InvalidUsage):
        arazzo_runner.run(case.path, "w", mock=True, options=RunOptions(parallel=0))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@posix
@pytest.mark.parametrize("shape", ["in order", "at the same time"])
def test_a_handler_that_exits_has_the_result_so_far(tmp_path: Any, shape: str) -> None:
    """What workers do on SIGTERM: `signal.signal(SIGTERM, lambda *_: sys.exit(0))`."""
    case = Case(tmp_path, SHAPES[shape])

    def leave(number: int, frame: Any) -> None:
        raise SystemExit(0)

    def kill() -> None:
        while not {"hold", *(["hold2"] if shape == "at the same time" else [])} <= set(case.asked):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        with case.served():
            threading.Thread(target=kill).start()
            with pytest.raises(SystemExit) as raised:
                run(case)
    finally:
        signal.signal(signal.SIGTERM, before)
    result = partial_result(raised.value)
    assert result is not None
    assert (result.status, result.step("before").status) == ("interrupted", "passed")
    assert result.step("hold").reason == "interrupted"


@pytest.mark.parametrize("way", ["before it is loaded", "before it begins"])
def test_a_run_that_has_not_begun_has_no_result_of_the_one_before(tmp_path: Any, way: str) -> None:
    """A second Ctrl-C, in a run that cleans up after the first."""
    case = Case(tmp_path, SHAPES["in order"])

    def stop(*arguments: Any, **more: Any) -> Any:
        raise KeyboardInterrupt

    class Inputs(dict[str, Any]):
        items = keys = __iter__ = stop

    def run_twice() -> None:
        try:
            run(case, world=Stops("before#1", KeyboardInterrupt()))
        except KeyboardInterrupt:
            run(case, **({"around": stop} if way == "before it begins" else {"inputs": Inputs(a=1)}))

    with pytest.raises(KeyboardInterrupt) as raised:
        run_twice()
    assert partial_result(raised.value.__context__ or raised.value) is not None
    assert partial_result(raised.value) is None


# ------------------------------------------------------------------ at every moment


ROTATED = arazzo_runner.HttpResponse(200, (("Content-Type", "application/json"),), b'{"token": "rotated-token"}')


class Answers:
    """A World that answers at once; `signal_at` is the line at which a signal comes, counted from its first answer."""

    def __init__(self, signal_at: int) -> None:
        self.signal_at = signal_at
        self.has_come = False
        self._lines: int | None = None

    async def perform(self, effect: Any, /) -> Any:
        if not isinstance(effect, SendRequest):
            return 1_700_000_000.0
        # The first line is that of the `await`: Python handles no signal between its end and the assignment.
        self._lines = -1 if self._lines is None else self._lines
        return ROTATED

    def trace(self, frame: Any, event: str, argument: Any) -> Any:
        if "arazzo_runner" not in frame.f_code.co_filename and "contextlib" not in frame.f_code.co_filename:
            return None
        if event == "line" and self._lines is not None and not self.has_come:
            self._lines += 1
            self.has_come = self._lines == self.signal_at
            if self.has_come:
                signal.raise_signal(signal.SIGINT)
        return self.trace


def result_with_signal(case: Case, world: Answers) -> RunResult | None:
    """Return the result of a run that a signal comes in at one line, by whichever way it comes."""
    before = sys.gettrace()
    program = arazzo_runner.load(case.path, "w")
    try:
        sys.settrace(world.trace)
        return arazzo_runner.run(program, options=case.options, world=world)
    except KeyboardInterrupt as stop:
        return partial_result(stop)
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("parallel", [1, 8], ids=["in order", "at the same time"])
def test_an_answer_is_not_lost_whenever_a_signal_comes(tmp_path: Any, parallel: int) -> None:
    rotating = step("before", outputs={"token": "$response.body#/token"})
    case = Case(tmp_path, {"steps": [rotating], "parallel": parallel})
    posting(case)
    for number in count(1):
        world = Answers(number)
        result = result_with_signal(case, world)
        if not world.has_come:
            break
        assert result is not None, number
        assert result.step("before").outputs == {"token": "rotated-token"}, number
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, number
    assert number > 100
