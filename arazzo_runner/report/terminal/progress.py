"""Progress of a run on stderr: one line per step, on a terminal updated until the step is finished."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.results import (
    Attempt,
    AttemptFinished,
    Event,
    MessageAwaited,
    PollScheduled,
    RetryScheduled,
    RunResult,
    StepFinished,
    StepResult,
    StepStarted,
    WorkflowFinished,
    WorkflowStarted,
)
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.exchange import request_details, request_line, response_details, response_line
from arazzo_runner.report.findings.text import place_text
from arazzo_runner.report.terminal.console import STEP_STYLES, Console, LiveLine, count, duration, elapsed_text, paint
from arazzo_runner.report.terminal.wrapping import wrapped
from arazzo_runner.report.waiting import scheduled_text

MARKS = {"passed": "✓", "recovered": "✓", "failed": "✗", "skipped": "-"}
WORDS = {"passed": "passed", "recovered": "recovered", "failed": "FAILED", "skipped": "skipped"}

_STEP_DEPTH: Final = 4
"""How many slashes the JSON Pointer of a step has: /workflows/0/steps/0."""


class RunPrinter:
    """Prints the events of a run; `verbosity` 1 adds requests and responses, 2 their headers and bodies.

    With `ticking` the live line of a terminal shows the elapsed time of a step, and counts down the
    wait before a retry.
    """

    def __init__(self, console: Console, *, verbosity: int = 0, ticking: bool = False) -> None:
        self._console = console
        self._verbosity = verbosity
        self._marks = MARKS if console.live and console.unicode else WORDS
        self._live = LiveLine(console, ticking=ticking)
        self._running: dict[tuple[int, str], None] = {}
        self._shown_warnings: set[str] = set()

    def on_event(self, event: Event, secrets: Secrets) -> None:
        """Print an event."""
        self._console.secrets = secrets
        match event:
            case WorkflowStarted():
                name = paint(one_line(event.workflow_id), "bold", color=self._console.color)
                self._line(f"{_indent(event.depth)[2:]}{name} ({count(event.steps, 'step')})")
            case StepStarted():
                self._running[event.depth, event.step_id] = None
                self._show_running()
            case MessageAwaited():
                self._awaited(event)
            case AttemptFinished():
                self._attempt(event.attempt, event.depth, secrets)
                self._warnings(event.attempt, event.depth)
            case RetryScheduled() | PollScheduled():
                self._again(event)
            case StepFinished():
                self._running.pop((event.depth, event.result.step_id), None)
                line = step_line(event.result, event.depth, marks=self._marks, color=self._console.color)
                self._words(line, event.depth)
                if self._running:
                    self._show_running()
            case WorkflowFinished():
                if event.depth == 0:
                    self.close()
            case _:
                assert_never(event)

    def close(self) -> None:
        """Remove the live line, because other text follows."""
        self._live.close()

    def note(self, text: str) -> None:
        """Print a line between those of the run, above the live line."""
        self._live.line(text, keep=True)

    def _show_running(self) -> None:
        """Show the running steps of the innermost workflow."""
        deepest = max(depth for depth, _ in self._running)
        names = ", ".join(one_line(name) for depth, name in self._running if depth == deepest)
        self._live.show(lambda elapsed: f"{_indent(deepest)}\0 {names}{elapsed_text(elapsed)}")

    def _awaited(self, event: MessageAwaited) -> None:
        if self._verbosity:
            correlated = " with the correlation id" if event.correlated else ""
            text = f"waiting up to {round(event.seconds, 2):g} s for a message{correlated} on {one_line(event.address)}"
            self._line(f"{_indent(event.depth)}  {self._console.secrets.mask(text)}")

    def _again(self, event: RetryScheduled | PollScheduled) -> None:
        indent, name = _indent(event.depth), one_line(event.step_id)
        wait = event.wait
        if not self._console.live or (wait is not None and wait.skipped is not None):
            self._line(f"{indent}{name}: {scheduled_text(event)}")
            return
        if self._verbosity and wait is not None:
            self._line(f"{indent}{name}: {scheduled_text(event)}")
        seconds = 0.0 if wait is None else wait.seconds
        self._live.show(
            lambda elapsed: f"{indent}\0 {name}: {scheduled_text(event, elapsed)}{elapsed_text(elapsed - seconds)}"
        )

    def _attempt(self, attempt: Attempt, depth: int, secrets: Secrets) -> None:
        if self._verbosity == 0:
            return
        indent = _indent(depth) + "  "
        if attempt.request is not None:
            self._line(f"{indent}> {request_line(attempt.request, secrets)}")
            if self._verbosity > 1:
                self._details(request_details(attempt.request, secrets), f"{indent}> ")
        if attempt.response is not None:
            self._line(f"{indent}< {response_line(attempt.response, secrets)}")
            if self._verbosity > 1:
                self._details(response_details(attempt.response, secrets), f"{indent}< ")
        if attempt.message is not None:
            from arazzo_runner.report.messages import message_lines  # lazily: most documents have no messages

            for sign, line, details in message_lines(attempt, secrets):
                self._line(f"{indent}{sign} {line}")
                if self._verbosity > 1:
                    self._details(details, f"{indent}{sign} ")

    def _warnings(self, attempt: Attempt, depth: int) -> None:
        """Print the warnings about an exchange, each once: a loop would repeat them."""
        for diagnostic in attempt.diagnostics:
            text = f"{diagnostic.code}: {diagnostic.message}"
            if diagnostic.severity is Severity.WARNING and text not in self._shown_warnings:
                self._shown_warnings.add(text)
                self._words(f"{_indent(depth)}  {warning_line(diagnostic, color=self._console.color)}", depth + 1)

    def _details(self, details: list[str], prefix: str) -> None:
        if details:
            self._line("\n".join(f"{prefix}{line}".rstrip() for line in details))  # masked once, not line by line

    def _words(self, text: str, depth: int) -> None:
        """Print a line that may be wrapped, masked before."""
        indent = _indent(depth)
        text = self._console.secrets.mask(text).removeprefix(indent)
        self._line("\n".join(wrapped(text, self._console.text_width, first=indent, rest=f"{indent}    ")))

    def _line(self, text: str) -> None:
        self._live.line(text)


def warning_line(found: Diagnostic, *, color: bool) -> str:
    """Return a warning as one line: with its place, unless that is the step as a whole, and its hint."""
    name = paint(f"{found.severity.value}[{found.code}]", "bold yellow", color=color)
    is_of_step = found.at.pointer.count("/") <= _STEP_DEPTH
    facts = [] if is_of_step else [place_text(found.at)]
    facts += [] if found.hint is None else [one_line(found.hint)]
    return f"{name}: {one_line(found.message)}" + (f" ({', '.join(facts)})" if facts else "")


def step_line(result: StepResult, depth: int = 0, *, marks: Mapping[str, str] = WORDS, color: bool = False) -> str:
    """Return the line of a finished step: mark, name, duration, retries, reason of failure."""
    mark = paint(marks[result.status], STEP_STYLES[result.status], color=color)
    notes = []
    if result.attempts:
        notes.append(duration(result.duration_ms))
    if len(result.attempts) > 1:
        notes.append(count(len(result.attempts) - 1, "retry"))
    if result.status == "recovered" and marks["recovered"] != WORDS["recovered"]:
        notes.append("recovered")
    if result.action is not None:
        notes.append(f"action {one_line(result.action)}")
    line = f"{_indent(depth)}{mark} {one_line(result.step_id)}"
    if notes:
        line += " " + paint(f"({', '.join(notes)})", "dim", color=color)
    if result.status == "failed" and result.reason:
        line += f": {one_line(result.reason)}"
    return line


def success_line(result: RunResult, *, color: bool = False, width: int | None = None) -> str:
    """Return the last line of a run that succeeded, with the number of recovered failures."""
    visited = [step for step in result.steps if step.status != "skipped"]
    facts = [count(len(visited), "step"), duration(result.duration_ms)]
    recovered = sum(step.status == "recovered" for step in visited)
    if recovered:
        facts.insert(1, f"{recovered} recovered from a failure")
    name = one_line(result.workflow_id or "")
    ending = paint(f'workflow "{name}" succeeded', "green", color=color)
    return "\n".join(wrapped(f"{ending} ({', '.join(facts)})", width, rest="  "))


def _indent(depth: int) -> str:
    return "  " * (depth + 1)
