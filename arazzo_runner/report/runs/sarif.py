"""SARIF 2.1.0 of runs: why runs failed, at the lines of their documents."""

from __future__ import annotations

from arazzo_runner.report.findings import sarif
from arazzo_runner.report.runs.findings import findings
from arazzo_runner.report.runs.records import RunsReport


def render(report: RunsReport) -> str:
    """Return the log: what made a run fail is a result, and so is every warning about document and run."""
    return sarif.render(findings(report))
