"""Runs as JSON: `--report json=F`, `run --format json` of many runs, and their lines on stdout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.version import __version__
from arazzo_runner.report.escaping import json_text
from arazzo_runner.report.json import plain, pretty, run_report
from arazzo_runner.report.runs.records import RunRecord, RunsReport

FORMAT_VERSION = 1
_FIRST_MOMENT: Final = datetime(1, 1, 1, tzinfo=UTC).timestamp()
_LAST_MOMENT: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def runs_report(report: RunsReport, *, show_secrets: bool = False) -> dict[str, JsonValue]:
    """Return the report of one run or many (docs/schemas/report.schema.json)."""
    counts = report.counts
    return {
        "reportVersion": FORMAT_VERSION,
        "tool": {"name": "arazzo", "version": __version__},
        "started": utc(report.started),
        "duration_ms": round(report.duration_ms, 3),
        "status": report.status,
        "summary": {"runs": len(report.runs), **counts},
        "runs": [_run(each, show_secrets=show_secrets) for each in report.runs],
    }


def _run(record: RunRecord, *, show_secrets: bool) -> dict[str, JsonValue]:
    own: dict[str, JsonValue] = {
        "name": record.shown_name,
        "document": record.document,
        "started": utc(record.started) if record.result is not None else None,
    }
    if record.result is None:
        return {**own, **_NOT_RUN, "workflowId": record.workflow_id}
    return {**own, **run_report(record.result, show_secrets=show_secrets, diagnostics=record.diagnostics)}


_NOT_RUN: dict[str, JsonValue] = {
    "status": "not_run",
    "workflowId": None,
    "outputs": {},
    "steps": [],
    "diagnostics": [],
    "reason": None,
    "duration_ms": 0,
    "dependencies": [],
}


def run_line(record: RunRecord, outputs: Mapping[str, JsonValue]) -> str:
    """Return the line on stdout for one of many runs; the caller has masked the outputs."""
    line = {
        "run": record.shown_name,
        "workflowId": record.workflow_id,
        "status": record.status,
        "outputs": plain(dict(outputs)),
    }
    return json_text(json.dumps(line, ensure_ascii=False, default=str)) + "\n"


def utc(seconds: float) -> str:
    """Return seconds since the epoch as RFC 3339 text with milliseconds, within the years 1 to 9999."""
    within = min(max(seconds, _FIRST_MOMENT), _LAST_MOMENT) if seconds == seconds else 0.0  # nan is not a time
    moment = datetime.fromtimestamp(within, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def render(report: RunsReport) -> str:
    """Return the report as text."""
    return pretty(runs_report(report))
