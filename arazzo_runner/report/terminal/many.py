"""Progress and summary of many runs on stderr: a line per run, the failures, a table."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterable, Sequence
from typing import Final

from arazzo_runner.engine.results import Event, PollScheduled, RetryScheduled, StepStarted
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.failure import render_failure
from arazzo_runner.report.json import run_diagnostics
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.report.runs.records import STATUSES, WORDS, RunRecord, RunsReport, visits
from arazzo_runner.report.terminal.console import Console, LiveLine, count, duration, paint
from arazzo_runner.report.terminal.progress import warning_line
from arazzo_runner.report.terminal.wrapping import beginning, below_itself, columns, padded
from arazzo_runner.report.waiting import scheduled_text

MOST_ROWS: Final = 40
"""A table of more runs has a row for each workflow instead."""
_MARKS = {"succeeded": "✓", "failed": "✗", "in_doubt": "?", "interrupted": "!", "error": "✗", "not_run": "-"}
_STYLES = {"succeeded": "green", "failed": "red", "in_doubt": "yellow", "interrupted": "yellow", "error": "red"}


class ManyPrinter:
    """Prints many runs on stderr; on a terminal the last line shows progress.

    `reported` are the warnings that were printed before the runs. If `verbose`, each run's own lines have those about
    its exchanges.
    """

    def __init__(self, console: Console, total: int, *, quiet: bool, verbose: bool = False) -> None:
        self._console = console
        self._total = total
        self._quiet = quiet
        self._verbose = verbose
        self.reported: frozenset[Diagnostic] = frozenset()
        self._shown_warnings: set[Diagnostic] = set()
        self._finished = 0
        self._failed = 0
        self._started = time.monotonic()
        self._secret_files: list[str] = []
        self._running: dict[str, str] = {}
        self._live = LiveLine(console, ticking=not quiet)

    def begin(self, jobs: int, notes: Iterable[str] = ()) -> None:
        """Print the number of runs, and notes about those that are left out."""
        self._started = time.monotonic()
        jobs_note = f", {jobs} at the same time" if jobs > 1 else ""
        if not self._quiet:
            for note in notes:
                self._line(note)
            self._line(f"{count(self._total, 'run')}{jobs_note}")

    def on_event(self, name: str, event: Event) -> None:
        """Update the progress line."""
        if not self._console.live:
            return
        if isinstance(event, StepStarted):
            self._running[name] = one_line(event.step_id)
            self._show_live()
        elif isinstance(event, (RetryScheduled, PollScheduled)):
            self._running[name] = f"{one_line(event.step_id)}: {scheduled_text(event)}"
            self._show_live()

    def kept(self, path: str) -> None:
        """Remember a file that holds secret outputs of a run."""
        self._secret_files.append(path)

    def finished(self, record: RunRecord, details: str) -> None:
        """Print a finished run, and its warnings that no other run had."""
        self._finished += 1
        self._failed += record.status != "succeeded"
        self._running.pop(record.name, None)
        if self._quiet:
            return
        if details:
            self._line(details.rstrip("\n"))
        self._words(run_line(record, color=self._console.color, marks=self._marks))
        self._warn(record)
        self._show_live()

    def warn(self, text: str) -> None:
        """Print a line that is never left out."""
        self._words(text)

    def _warn(self, record: RunRecord) -> None:
        """Print the warnings about the exchanges and outputs of a run, each once: other runs would repeat them."""
        result = record.result
        if result is None:
            return
        with_failure = {found for visit in visits(result) for found in visit.step.findings}
        shown_before = (self._shown_warnings, self.reported, with_failure)
        for found in dict.fromkeys(result.diagnostics if self._verbose else run_diagnostics(result)):
            if found.severity is Severity.WARNING and not any(found in known for known in shown_before):
                self._shown_warnings.add(found)
                shown = warning_line(masked_diagnostic(found, result.secrets), color=self._console.color)
                self._words(f"    {shown}")

    def close(self) -> None:
        """Remove the progress line."""
        self._live.close()

    def end(self, report: RunsReport) -> None:
        """Print explanations of the failures and the summary."""
        color = self._console.color
        for record in report.runs:
            if record.result is not None and record.status != "succeeded":
                self._console.secrets = record.result.secrets
                self._line(f"\n{paint('── ' + one_line(record.shown_name), 'bold', color=color)}")
                width = self._console.text_width
                self._console.err(render_failure(record.result, color=color, width=width, reported=self.reported))
        if not report.runs or (self._quiet and report.status == "succeeded"):
            return
        if not self._quiet:
            self._print_table(report)
            self._print_secret_files()
        self._words(summary_line(report, color=color))

    def _print_table(self, report: RunsReport) -> None:
        self._line("")
        is_long = len(report.runs) > MOST_ROWS
        table = workflow_table(report) if is_long else run_table(report, self._console)
        for line in table:
            self._line(line)

    def _print_secret_files(self) -> None:
        if len(self._secret_files) == 1:
            self._line(f"secret outputs are kept in {one_line(self._secret_files[0])}")
        elif self._secret_files:
            folder = one_line(os.path.dirname(self._secret_files[0]))
            self._line(f"secret outputs are kept in {len(self._secret_files)} files in {folder}, a run each")

    @property
    def _marks(self) -> bool:
        return self._console.live and self._console.unicode

    def _words(self, text: str) -> None:
        """Print a line that may be wrapped, masked before."""
        width, text = self._console.text_width, self._console.secrets.mask(text)
        self._line(text if width is None else below_itself(text, width))

    def _line(self, text: str) -> None:
        self._live.line(text)

    def _show_live(self) -> None:
        if self._quiet or self._finished == self._total:
            return
        bad = f", {self._failed} not succeeded" if self._failed else ""
        running = [f"{one_line(name)} ▸ {step}" for name, step in self._running.items()]
        text = f"  \0 {self._finished} of {self._total} finished{bad}"
        names = f"  {', '.join(running)}" if running else ""
        self._live.show(lambda elapsed: f"{text}  {duration((time.monotonic() - self._started) * 1000)}{names}")


def run_line(record: RunRecord, *, color: bool = False, marks: bool = False) -> str:
    """Return the line of one run: mark, name, steps, duration, where and why it failed."""
    word = _MARKS[record.status] if marks else WORDS[record.status]
    shown = paint(word if word != "failed" else "FAILED", _STYLES.get(record.status, "dim"), color=color)
    line = f"  {shown} {one_line(record.shown_name)}"
    if record.result is None:
        return line
    visited = [step for step in record.result.steps if step.status != "skipped"]
    facts = [count(len(visited), "step"), duration(record.result.duration_ms)]
    line += " " + paint(f"({', '.join(facts)})", "dim", color=color)
    if record.status != "succeeded" and record.result.reason:
        line += f": {one_line(record.result.secrets.mask(record.result.reason))}"
    return line


def summary_line(report: RunsReport, *, color: bool = False) -> str:
    """Return `12 runs: 10 succeeded, 2 failed (3.2 s)`."""
    counts = report.counts
    parts = [f"{counts[status]} {WORDS[status]}" for status in STATUSES if counts[status]]
    style = "green" if report.status == "succeeded" else "bold red"
    text = paint(": ".join(filter(None, (count(len(report.runs), "run"), ", ".join(parts)))), style, color=color)
    return f"{text} ({duration(report.duration_ms)})"


def run_table(report: RunsReport, console: Console) -> list[str]:
    """Return a table with a row per run: its name, status and seconds; the slowest is marked."""
    timed = [each for each in report.runs if each.result is not None]
    slowest = max(timed, key=_milliseconds) if len(timed) > 1 else None
    mark = "← slowest" if console.unicode else "<- slowest"
    names = [one_line(each.shown_name) for each in report.runs]
    words = ["FAILED" if each.status == "failed" else WORDS[each.status] for each in report.runs]
    seconds = ["" if each.result is None else f"{_milliseconds(each) / 1000:.3f} s" for each in report.runs]
    widest_word, widest_time = max(map(len, (*words, "status"))), max(map(len, (*seconds, "time")))
    room = max(20, console.width - widest_word - widest_time - len(mark) - 7)
    names = [_shortened(name, room) for name in names]
    widest = max(map(columns, (*names, "run")))
    lines = [f"{padded('run', widest)}  {'status'.ljust(widest_word)}  {'time'.rjust(widest_time)}"]
    for record, name, word, time_ in zip(report.runs, names, words, seconds, strict=True):
        shown = paint(word.ljust(widest_word), _STYLES.get(record.status, "dim"), color=console.color)
        line = f"{padded(name, widest)}  {shown}  {time_.rjust(widest_time)}"
        lines.append(f"{line}  {mark}" if record is slowest else line.rstrip())
    return lines


def _shortened(name: str, most: int) -> str:
    """Return a name without its middle if it is too long: its end tells rows apart."""
    if columns(name) <= most:
        return name
    end = (most - 1) * 2 // 3
    return f"{beginning(name, most - 1 - end)}…{beginning(name[::-1], end)[::-1]}"


def _milliseconds(record: RunRecord) -> float:
    return 0.0 if record.result is None else record.result.duration_ms


def workflow_table(report: RunsReport) -> list[str]:
    """Return a table with a row per workflow: its runs by status, the median and the longest; then the slowest run."""
    groups: dict[tuple[str, str], list[RunRecord]] = {}
    for record in report.runs:
        groups.setdefault((record.document, record.workflow_id or ""), []).append(record)
    several = len({document for document, _ in groups}) > 1
    statuses = [status for status in STATUSES if report.counts[status]]
    head = ["workflow", "runs", *(WORDS[status] for status in statuses), "median", "longest"]
    rows = [head]
    for (document, workflow_id), records in groups.items():
        name = f"{document} {workflow_id}" if several else workflow_id
        numbers = [str(sum(each.status == status for each in records)) for status in statuses]
        rows.append([one_line(name), str(len(records)), *numbers, *_durations(records)])
    slowest = max(report.runs, key=_milliseconds)
    return [*_aligned(rows), f"slowest: {one_line(slowest.shown_name)} ({duration(_milliseconds(slowest))})"]


def _durations(records: Iterable[RunRecord]) -> list[str]:
    spent = [each.result.duration_ms for each in records if each.result is not None]
    return [duration(statistics.median(spent)), duration(max(spent))] if spent else ["", ""]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(columns(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            padded(cell, width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
