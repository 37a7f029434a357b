"""Runs as Markdown, for job summaries and comments on pull requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from arazzo_runner.engine.results import RunResult
from arazzo_runner.report.escaping import lines, one_line
from arazzo_runner.report.excerpt import outputs_beginning
from arazzo_runner.report.failure import explained, failed_step, last_line
from arazzo_runner.report.findings.markdown import findings_table
from arazzo_runner.report.findings.text import render_diagnostics
from arazzo_runner.report.markup import markdown_text
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.report.messages import step_outcome
from arazzo_runner.report.runs.findings import findings_of
from arazzo_runner.report.runs.records import WORDS, RunRecord, RunsReport, Visit, visits
from arazzo_runner.report.terminal.console import count, duration
from arazzo_runner.report.terminal.many import summary_line

_MARKS = {
    "succeeded": "✅", "failed": "❌", "in_doubt": "❓", "interrupted": "⏹️", "error": "❌", "not_run": "⏭️",
    "passed": "✅", "recovered": "♻️", "skipped": "⏭️",
}  # fmt: skip
_MOST_RUNS = 200
_MOST_FAILURES = 20


def render(report: RunsReport) -> str:
    """Return the verdict, a table of runs or steps, explanations of failures, folded, and a table of all findings."""
    shown = _one(report.runs[0]) if len(report.runs) == 1 else _many(report)
    return "\n".join([*shown, *findings_table(findings_of(report))]) + "\n"


def _many(report: RunsReport) -> Iterator[str]:
    yield f"## {_MARKS[report.status]} arazzo: {markdown_text(summary_line(report))}"
    yield ""
    yield "| | run | steps | time | |"
    yield "|---|---|--:|--:|---|"
    # Failures first: GitHub cuts a summary at 1 MiB.
    ordered = sorted(report.runs, key=lambda record: record.status == "succeeded")
    for record in ordered[:_MOST_RUNS]:
        yield _run_row(record)
    if len(ordered) > _MOST_RUNS:
        yield f"\n… and {count(len(ordered) - _MOST_RUNS, 'more run')}"
    bad = [record for record in report.runs if record.result is not None and record.status != "succeeded"]
    for record in bad[:_MOST_FAILURES]:
        assert record.result is not None
        name = escape(one_line(record.shown_name))
        yield from _failure(record.result, f"{name} {WORDS[record.status]}")
    if len(bad) > _MOST_FAILURES:
        yield f"\n… and {count(len(bad) - _MOST_FAILURES, 'more failure')}"


def _run_row(record: RunRecord) -> str:
    if record.result is None:
        return f"| {_MARKS['not_run']} | {_shown(record)} | | | not run |"
    steps = sum(visit.step.status != "skipped" for visit in visits(record.result))
    reason = (
        markdown_text(record.result.secrets.mask(record.result.reason or "")) if record.status != "succeeded" else ""
    )
    time = markdown_text(duration(record.result.duration_ms))
    return f"| {_MARKS[record.status]} | {_shown(record)} | {steps} | {time} | {reason} |"


def _one(record: RunRecord) -> Iterator[str]:
    result = record.result
    yield f"## {_MARKS[record.status]} {_shown(record)} {WORDS[record.status]}"
    yield ""
    if result is None:
        return
    document = f"{markdown_text(record.document)}, " if record.document else ""
    yield f"{document}{markdown_text(duration(result.duration_ms))}"
    yield from _step_table(visits(result))
    if result.status != "succeeded":
        yield from _failure(result, "Why", is_open=True)
    if result.outputs or result.missing_outputs:
        yield from _folded("Outputs", outputs_beginning(result), "json")


def _step_table(found: tuple[Visit, ...]) -> Iterator[str]:
    if not found:
        return
    yield ""
    yield "| | step | request | answer | time | retries |"
    yield "|---|---|---|---|--:|--:|"
    for visit in found:
        step = visit.step
        last = step.attempts[-1] if step.attempts else None
        request = "" if last is None or last.request is None else last.request.method
        answer = "" if last is None or last.response is None else str(getattr(last.response, "status", "none"))
        if last is not None and last.message is not None:
            request, answer = last.message.action, step_outcome(last.message)
        time = markdown_text(duration(step.duration_ms)) if step.attempts else ""
        retries = len(step.attempts) - 1 if len(step.attempts) > 1 else ""
        yield f"| {_MARKS[step.status]} | {markdown_text(visit.name)} | {request} | {answer} | {time} | {retries} |"


def _failure(result: RunResult, title: str, *, is_open: bool = False) -> Iterator[str]:
    step = failed_step(result)
    reason = [] if step is None else explained(step, result.secrets, color=False)
    if result.status == "error":
        reason = render_diagnostics(masked_diagnostic(each, result.secrets) for each in result.diagnostics).splitlines()
    text = "\n".join([*reason, last_line(result, step, color=False)])
    yield from _folded(title, result.secrets.mask(text), "text", is_open=is_open)


def _folded(title: str, text: str, language: str, *, is_open: bool = False) -> Iterator[str]:
    """Yield a fenced text in a details element; the fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield ""
    yield f"<details{' open' if is_open else ''}><summary>{title}</summary>"
    yield ""
    yield f"{fence}{language}"
    yield from lines(text.rstrip("\n"))
    yield fence
    yield ""
    yield "</details>"


def _shown(record: RunRecord) -> str:
    return markdown_text(record.shown_name)
