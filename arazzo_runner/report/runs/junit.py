"""JUnit XML of runs: a suite per run, a case per visit of a step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.results import RunResult, StepResult
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.exchange import request_line, response_line
from arazzo_runner.report.failure import explained, failed_step, last_line
from arazzo_runner.report.findings.text import render_diagnostics
from arazzo_runner.report.markup import xml_element, xml_text
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.report.messages import message_lines
from arazzo_runner.report.runs.json import utc
from arazzo_runner.report.runs.records import WORDS, RunRecord, RunsReport, visits
from arazzo_runner.report.waiting import wait_text

_KINDS = ("failures", "errors", "skipped")


def render(report: RunsReport) -> str:
    """Return the suites. A failed step is a failure; a run in doubt, interrupted or refused has an error."""
    suites = [_suite(each) for each in report.runs]
    counts = {name: sum(int(str(numbers[name])) for numbers, _ in suites) for name in ("tests", *_KINDS)}
    root = {"name": "arazzo run", **counts, "time": _seconds(report.duration_ms), "timestamp": _moment(report.started)}
    body = "".join(f"\n  {suite}" for _, suite in suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml_element("testsuites", root, body + chr(10))}\n'


def _suite(record: RunRecord) -> tuple[dict[str, object], str]:
    result = record.result
    cases = list(_not_begun(record) if result is None else _cases(record, result))
    kinds = [kind for kind, _ in cases]
    numbers: dict[str, object] = {"tests": len(cases), **{name: kinds.count(name) for name in _KINDS}}
    facts = {
        "name": record.shown_name,
        **numbers,
        "time": _seconds(0 if result is None else result.duration_ms),
        "timestamp": None if result is None else _moment(record.started),
        "file": record.document or None,
    }
    return numbers, xml_element("testsuite", facts, "".join(f"\n    {case}" for _, case in cases) + "\n  ")


def _not_begun(record: RunRecord) -> Iterator[tuple[str, str]]:
    skipped = xml_element("skipped", {"message": "not run"})
    yield "skipped", xml_element("testcase", {"classname": record.name, "name": record.workflow_id or "run"}, skipped)


def _cases(record: RunRecord, result: RunResult) -> Iterator[tuple[str, str]]:
    """Yield a counter name and a case per visit, and a case of its own for a failure that is not a step's."""
    deciding = failed_step(result) if result.status != "succeeded" else None
    reported = False
    for visit in visits(result):
        reported = reported or (visit.step is deciding and result.status == "failed")
        yield _step_case(record, visit.name, visit.step, result.secrets)
    if result.status != "succeeded" and not reported:
        kind = "failures" if result.status == "failed" else "errors"
        yield kind, _run_case(record, result, "failure" if kind == "failures" else "error")
    elif result.status == "succeeded" and not visits(result):
        yield "", xml_element("testcase", {"classname": record.shown_name, "name": result.workflow_id})


def _step_case(record: RunRecord, name: str, step: StepResult, secrets: Secrets) -> tuple[str, str]:
    facts = {
        "classname": record.shown_name,
        "name": name,
        "time": _seconds(step.duration_ms),
        "file": step.at.uri or None,
        "line": step.at.line,
    }
    children, kind = "", ""
    if step.status == "failed":
        kind = "failures"
        lines = "\n".join(explained(step, secrets, color=False))
        message = secrets.mask(step.reason or "it failed")
        children = xml_element("failure", {"type": "step-failed", "message": message}, xml_text(secrets.mask(lines)))
    elif step.status == "skipped":
        kind = "skipped"
        children = xml_element("skipped", {"message": secrets.mask(step.reason) if step.reason else None})
    shown = "\n".join(_exchanges(step, secrets))
    if shown:
        children += xml_element("system-out", {}, xml_text(shown))
    return kind, xml_element("testcase", facts, children)


def _run_case(record: RunRecord, result: RunResult, kind: str) -> str:
    """Return the case of a run that ended for a reason other than a failed step."""
    found = [masked_diagnostic(each, result.secrets) for each in result.diagnostics if result.status == "error"]
    words = render_diagnostics(found) or last_line(result, failed_step(result), color=False)
    message = result.secrets.mask(result.reason or f"the run is {WORDS[result.status]}")
    body = xml_element(kind, {"type": result.status, "message": message}, xml_text(result.secrets.mask(words)))
    name = result.workflow_id or record.workflow_id or "run"
    return xml_element("testcase", {"classname": record.shown_name, "name": name}, body)


def _exchanges(step: StepResult, secrets: Secrets) -> Iterable[str]:
    for attempt in step.attempts:
        if attempt.request is not None:
            yield f"> {request_line(attempt.request, secrets)}"
        for found in attempt.diagnostics:
            yield f"{found.severity.value}[{found.code}]: {one_line(secrets.mask(found.message))}"
        if attempt.response is not None:
            yield f"< {response_line(attempt.response, secrets)}"
        for sign, line, _ in message_lines(attempt, secrets):
            yield f"{sign} {line}"
        if attempt.wait is not None:
            yield secrets.mask(wait_text(attempt.wait))


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.3f}"


def _moment(seconds: float) -> str:
    # The schema of Ant's reports has no time zone.
    return utc(seconds).removesuffix("Z")
