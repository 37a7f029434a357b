"""The HTML report: one file without scripts or network access: verdict, steps, exchanges, drawing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from importlib.resources import files

from arazzo_runner.base.version import __version__
from arazzo_runner.engine.results import RunResult
from arazzo_runner.report.failure import failed_step, failure_findings, last_line
from arazzo_runner.report.graph.drawing import MARKS, TONES, figure
from arazzo_runner.report.markup import tag, words
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.report.runs.html_steps import attempts, clock_of, finding, outputs_table, shortened, steps_list
from arazzo_runner.report.runs.json import utc
from arazzo_runner.report.runs.records import STATUSES, WORDS, RunRecord, RunsReport, visits
from arazzo_runner.report.terminal.console import count, duration

_MOST_OPEN = 5
_MOST_RUNS = 200
_MOST_WHOLE = 1000


def render(report: RunsReport) -> str:
    """Return the page."""
    title = _verdict(report)
    body = [
        tag("header", tag("div", *_header(report, title), class_="wrap"), class_="top"),
        tag("div", tag("main", *_main(report)), class_="wrap"),
        tag("div", tag("footer", _footer()), class_="wrap"),
    ]
    page = tag("html", _head(title), tag("body", *body), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _head(title: str) -> str:
    # Only this style is allowed: no scripts and no requests, whatever a server may have sent.
    style = (files("arazzo_runner.report") / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="generator", content=f"arazzo {__version__}"),
        tag("title", words(f"{title} · arazzo")),
        f"<style>{style}</style>",
    )


# ------------------------------------------------------------------ header


def _verdict(report: RunsReport) -> str:
    if len(report.runs) != 1:
        bad = sum(record.status != "succeeded" for record in report.runs)
        total = count(len(report.runs), "run")
        return f"{bad} of {total} did not succeed" if bad else f"All {total} succeeded"
    record = report.runs[0]
    name = record.shown_name
    if record.result is None or record.status == "succeeded":
        return f"{name} {WORDS[record.status]}"
    if record.status == "error":
        return f"{name} was not run"
    step = failed_step(record.result)
    ending = {"in_doubt": "ended in doubt", "interrupted": "was interrupted"}.get(record.status, "failed")
    return f"{name} {ending}" + (f" at {step.step_id}" if step is not None and record.status == "failed" else "")


def _header(report: RunsReport, title: str) -> Iterable[str]:
    status = report.status
    yield tag("p", "arazzo run report", class_="brand")
    seal = tag("span", MARKS[status], class_=f"seal {TONES[status]}", aria_hidden="true")
    yield tag("h1", seal, tag("span", words(title)))
    yield tag("dl", *(_fact(name, value) for name, value in _facts(report)), class_="facts")


def _fact(name: str, value: str) -> str:
    return tag("div", tag("dt", name), tag("dd", words(value)))


def _facts(report: RunsReport) -> Iterable[tuple[str, str]]:
    documents = list(dict.fromkeys(record.document for record in report.runs if record.document))
    if documents:
        yield ("Document", documents[0]) if len(documents) == 1 else ("Documents", str(len(documents)))
    yield "Started", utc(report.started)[:19].replace("T", " ") + " UTC"
    yield "Took", duration(report.duration_ms)
    if len(report.runs) > 1:
        counts = [f"{report.counts[status]} {WORDS[status]}" for status in STATUSES if report.counts[status]]
        yield "Runs", ", ".join(counts)
        return
    result = report.runs[0].result if report.runs else None
    if result is not None:
        steps = [visit.step for visit in visits(result)]
        kinds = [
            f"{number} {status}"
            for status in ("passed", "recovered", "failed", "skipped")
            if (number := sum(step.status == status for step in steps))
        ]
        yield "Steps", ", ".join(kinds) or "none"
        yield "Requests", str(sum(each.response is not None for step in steps for each in step.attempts))
        messages = sum(each.message is not None for step in steps for each in step.attempts)
        if messages:
            yield "Messages", str(messages)


def _footer() -> str:
    return words(f"Written by arazzo {__version__}. Secrets are shown as ***.")


# ------------------------------------------------------------------ runs


def _main(report: RunsReport) -> Iterable[str]:
    if len(report.runs) == 1:
        yield from _run(report.runs[0], _MOST_WHOLE, is_alone=True)
        return
    detailed = _detailed(report.runs)
    most_whole = _most_whole([report.runs[number - 1] for number in detailed])
    yield _table(report.runs, detailed)
    folded = []
    still_open = _MOST_OPEN
    for number in sorted(detailed):
        record = report.runs[number - 1]
        opened = record.status != "succeeded" and still_open > 0
        still_open -= opened
        badge = tag("span", WORDS[record.status], class_=f"badge {TONES[record.status]}")
        summary = tag("summary", words(record.shown_name), " ", badge)
        inside = tag("section", *_run(record, most_whole, is_alone=False))
        folded.append(tag("details", summary, inside, class_="run", id=f"run-{number}", open=opened))
    left = sum(record.result is not None for record in report.runs) - len(detailed)
    note = (
        tag("p", words(f"Of {count(left, 'more run')} only the outcome is shown here."), class_="soft") if left else ""
    )
    yield tag("section", tag("h2", "Each run"), note, tag("div", *folded, class_="runs"))


def _detailed(records: Sequence[RunRecord]) -> frozenset[int]:
    """Return the numbers of the runs shown in full: no browser opens a page of thousands."""
    begun = [number for number, record in enumerate(records, start=1) if record.result is not None]
    begun.sort(key=lambda number: records[number - 1].status == "succeeded")
    return frozenset(begun[:_MOST_RUNS])


def _most_whole(records: Sequence[RunRecord]) -> int:
    """Return how many attempts of each run are shown in full, so that a page of many runs has few enough of them."""
    total = sum(1 for record in records if record.result is not None for _ in attempts(record.result))
    return _MOST_WHOLE if total <= _MOST_WHOLE else _MOST_WHOLE // len(records)


def _table(records: Sequence[RunRecord], detailed: frozenset[int]) -> str:
    heads = (("Run", None), ("Outcome", None), ("Steps", "number"), ("Took", "number"), ("Why", None))
    head = tag("tr", *(tag("th", name, scope="col", class_=kind) for name, kind in heads))
    numbered = enumerate(records, start=1)
    rows = [_table_row(number if number in detailed else None, record) for number, record in numbered]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="wide")
    return tag("section", tag("h2", "Runs"), table)


def _table_row(number: int | None, record: RunRecord) -> str:
    badge = tag("td", tag("span", WORDS[record.status], class_=f"badge {TONES[record.status]}"), class_="fixed")
    result = record.result
    if result is None:
        return tag("tr", tag("td", words(record.shown_name)), badge, tag("td"), tag("td"), tag("td"))
    steps = sum(visit.step.status != "skipped" for visit in visits(result))
    why = "" if record.status == "succeeded" else result.secrets.mask(result.reason or "")
    return tag(
        "tr",
        tag("td", words(record.shown_name) if number is None else _link(record, number)),
        badge,
        tag("td", str(steps), class_="number extra"),
        tag("td", duration(result.duration_ms), class_="number"),
        tag("td", words(why), class_="all"),
    )


def _link(record: RunRecord, number: int) -> str:
    return tag("a", words(record.shown_name), href=f"#run-{number}")


def _run(record: RunRecord, most_whole: int, *, is_alone: bool) -> Iterable[str]:
    result = record.result
    if result is None:
        return
    heading = "h2" if is_alone else "h3"
    if result.status != "succeeded":
        yield tag("section", tag(heading, "Why it did not succeed"), *_why(result))
    if result.steps or result.dependencies:
        yield tag("section", tag(heading, "Steps"), _steps(record, result, most_whole))
    outputs = {**result.outputs, **dict.fromkeys(result.missing_outputs)}
    if outputs:
        yield tag("section", tag(heading, "Outputs"), outputs_table(outputs, result.secret_outputs, result.secrets))
    found = (masked_diagnostic(each, result.secrets) for each in (*record.diagnostics, *result.diagnostics))
    remarks = [each for each in dict.fromkeys(found) if each.severity.value != "error"]
    if remarks:
        shown = [finding(each, result.secrets) for each in remarks]
        yield tag("section", tag(heading, count(len(remarks), "remark").capitalize()), *shown)


def _why(result: RunResult) -> Iterable[str]:
    found = [finding(each, result.secrets) for each in failure_findings(result)]
    yield from found
    if not found or result.status in ("in_doubt", "interrupted"):
        text = last_line(result, failed_step(result), color=False)
        yield tag("div", tag("strong", words(text)), class_="finding")


def _steps(record: RunRecord, result: RunResult, most_whole: int) -> str:
    """Return drawing and timeline; a long run is mostly in short: browsers take long to open 10,000 exchanges."""
    clock = clock_of(result, most_whole)
    lists = []
    short = shortened(result, clock)
    if short:
        note = f"Of {count(short, 'earlier step')} that passed, only one line is shown; the json report has the rest."
        lists.append(tag("p", words(note), class_="soft"))
    for workflow in result.dependencies:
        lists.append(tag("p", words(f"{workflow.workflow_id}, which ran first"), class_="label"))
        lists.append(steps_list(workflow.steps, clock, result.secrets))
    lists.append(steps_list(result.steps, clock, result.secrets))
    timeline = tag("div", *lists)
    drawing = ""
    if record.program is not None:
        drawing = figure(record.program.workflow, result.steps, result.status, result.secrets)
    return tag("div", drawing, timeline, class_="columns") if drawing else timeline
