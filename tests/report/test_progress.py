"""Progress on a terminal and in a pipe, without secrets."""

from __future__ import annotations

import io
import re
import time

import pytest

from arazzo_runner.base.records import replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.results import (
    AttemptFinished,
    Event,
    PollScheduled,
    RetryScheduled,
    StepFinished,
    StepStarted,
    Wait,
    WorkflowFinished,
    WorkflowResult,
    WorkflowStarted,
)
from arazzo_runner.report.terminal.console import Console, duration
from arazzo_runner.report.terminal.many import ManyPrinter
from arazzo_runner.report.terminal.progress import RunPrinter, success_line
from tests.report.records import TOKEN, attempt, response, result, step


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def retry_wait(seconds: float) -> Wait:
    return Wait(seconds=seconds, reason="retry 1 of 3", action="again", origin="retryAfter")


PASSED = step(status="passed", reason=None, attempts=(attempt(passed=True, response=response(200)),))
EVENTS: list[Event] = [
    WorkflowStarted("rotate", 2, 0),
    StepStarted("rotate", "refresh", 0),
    AttemptFinished("rotate", "refresh", attempt(), 0),
    RetryScheduled("rotate", "refresh", "again", 1, 3, 2.0, 0, retry_wait(2.0)),
    AttemptFinished("rotate", "refresh", attempt(), 0),
    StepFinished("rotate", step(status="recovered", reason=None, attempts=(attempt(), attempt()), action="go"), 0),
    StepStarted("rotate", "use", 0),
    StepFinished("rotate", step(step_id="use", reason=f"saw {TOKEN}"), 0),
    WorkflowFinished(WorkflowResult(workflow_id="rotate", status="failed"), 0),
]


def printed(stream: io.StringIO, verbosity: int = 0, events: list[Event] = EVENTS) -> str:
    printer = RunPrinter(Console(io.StringIO(), stream, color=False), verbosity=verbosity)
    for event in events:
        printer.on_event(event, Secrets([TOKEN]))
    return stream.getvalue()


def screen(text: str) -> list[str]:
    """Return the final content of a terminal."""
    return [re.sub(r".*\r\x1b\[2K", "", line) for line in text.split("\n")]


def test_a_pipe_gets_one_line_per_step() -> None:
    assert printed(io.StringIO()).splitlines() == [
        "rotate (2 steps)",
        "  refresh: waiting 2 s (retry 1 of 3, again)",
        "  recovered refresh (62 ms, 1 retry, action go)",
        "  FAILED use (31 ms): saw ***",
    ]


def test_a_terminal_gets_a_line_that_changes() -> None:
    text = printed(Terminal())
    assert "\r\x1b[2K  … refresh" in text
    assert "\r\x1b[2K  … refresh: waiting 2 s (retry 1 of 3, again)" in text
    assert screen(text) == [
        "rotate (2 steps)",
        "  ✓ refresh (62 ms, 1 retry, recovered, action go)",
        "  ✗ use (31 ms): saw ***",
        "",
    ]


def test_a_live_line_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(Terminal(), events=[StepStarted("w", "s" * 500, 0)])
    assert len(text) < 100


@pytest.mark.parametrize("verbosity", [1, 2])
def test_requests_and_responses(verbosity: int) -> None:
    text = printed(io.StringIO(), verbosity, [AttemptFinished("rotate", "refresh", attempt(), 0)])
    assert "    > POST https://***@api.example.com/auth?api_key=***&code=***\n" in text
    assert "    < 401 Unauthorized, 31 ms, application/json, 57 bytes\n" in text
    assert ("    > Authorization: Bearer ***\n" in text) == (verbosity == 2)
    assert ('    >   "password": "***"\n' in text) == (verbosity == 2)
    assert TOKEN not in text


SERVERS = replace(retry_wait(90.0), origin="Retry-After")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        pytest.param(
            RetryScheduled("w", "a", "again", 1, 3, 90.0, 0, SERVERS),
            "a: waiting 1 min 30 s (retry 1 of 3, again, Retry-After)",
            id="the server says how long",
        ),
        pytest.param(RetryScheduled("w", "a", "again", 1, 3, 0.0, 0), "a: retry 1 of 3 (again)", id="no wait"),
        pytest.param(
            PollScheduled("w", "a", replace(retry_wait(0.5), reason="poll 2", origin="poll_interval"), 0),
            "a: waiting 500 ms (poll 2, again)",
            id="an action goes back to its own step",
        ),
        pytest.param(
            RetryScheduled("w", "a", "again", 1, 3, 2.0, 0, replace(retry_wait(2.0), skipped="mock")),
            "a: 2 s not waited (mock; retry 1 of 3, again)",
            id="a mock does not wait",
        ),
    ],
)
def test_a_wait_is_told_in_the_same_words_by_every_kind_of_it(event: Event, line: str) -> None:
    assert printed(io.StringIO(), events=[event]) == f"  {line}\n"


def test_verbose_output_keeps_the_line_of_a_wait_on_a_terminal() -> None:
    event = PollScheduled("w", "a", replace(retry_wait(2.0), reason="poll 1"), 0)
    assert screen(printed(Terminal(), 1, [event]))[0] == "  a: waiting 2 s (poll 1, again)"


def test_a_note_keeps_the_live_line() -> None:
    stream = Terminal()
    printer = RunPrinter(Console(io.StringIO(), stream, color=False))
    printer.on_event(StepStarted("w", "a", 0), Secrets())
    printer.note("kept in x")
    assert screen(stream.getvalue()) == ["kept in x", "  … a"]
    printer.close()
    assert screen(stream.getvalue()) == ["kept in x", ""]


def test_nested_workflows_are_indented() -> None:
    text = printed(io.StringIO(), events=[WorkflowStarted("sub", 1, 1), StepFinished("sub", PASSED, 1)])
    assert text.splitlines() == ["  sub (1 step)", "    passed refresh (31 ms)"]


def test_a_success_reports_recovered_failures() -> None:
    done = result(status="succeeded", steps=(PASSED, step(status="recovered"), step(status="skipped")))
    assert success_line(done) == 'workflow "rotate" succeeded (2 steps, 1 recovered from a failure, 40 ms)'


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(0.4, "0 ms"), (999, "999 ms"), (1500, "1.5 s"), (61_000, "1 min 1 s")]
)
def test_durations(milliseconds: float, text: str) -> None:
    assert duration(milliseconds) == text


# ------------------------------------------------------------------ a line that goes on by itself


def test_a_ticking_line_shows_elapsed_and_remaining_time() -> None:
    stream = Terminal()
    printer = RunPrinter(Console(io.StringIO(), stream, color=False), ticking=True)
    printer.on_event(StepStarted("w", "slow", 0), Secrets())
    time.sleep(1.3)
    printer.on_event(RetryScheduled("w", "slow", "again", 1, 3, 5.0, 0, retry_wait(5.0)), Secrets())
    time.sleep(0.35)
    printer.on_event(StepFinished("w", PASSED, 0), Secrets())
    printer.close()
    text = stream.getvalue()
    assert "⠙ slow" in text
    assert re.search(r"slow  1\.[0-3] s", text)
    assert re.search(r"slow: waiting 4\.[5-9] s \(retry 1 of 3, again\)", text)
    assert screen(text) == ["  ✓ refresh (31 ms)", ""]
    before = stream.getvalue()
    time.sleep(0.25)
    assert stream.getvalue() == before, "nothing is drawn when it is over"


def test_steps_at_the_same_time_are_shown_together() -> None:
    events: list[Event] = [StepStarted("w", "a", 0), StepStarted("w", "b", 0), StepFinished("w", PASSED, 0)]
    text = printed(Terminal(), events=events)
    assert "… a, b" in text
    assert screen(text)[0] == "  ✓ refresh (31 ms)"


def test_nothing_changes_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    printer = RunPrinter(Console(io.StringIO(), stream, color=False), ticking=True)
    printer.on_event(StepStarted("w", "slow", 0), Secrets())
    time.sleep(0.25)
    printer.close()
    assert stream.getvalue() == ""


def test_the_line_of_many_runs_shows_that_a_step_waits() -> None:
    stream = Terminal()
    printer = ManyPrinter(Console(io.StringIO(), stream, color=False), 2, quiet=False)
    printer.on_event("first", StepStarted("w", "a", 0))
    printer.on_event("first", RetryScheduled("w", "a", "again", 1, 3, 2.0, 0, retry_wait(2.0)))
    printer.close()
    assert "first ▸ a: waiting 2 s (retry 1 of 3, again)" in stream.getvalue()
