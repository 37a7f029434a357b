"""Runs for GitHub Actions: annotations at the lines of the document, and a job summary."""

from __future__ import annotations

import os
from collections.abc import Mapping

from arazzo_runner.base.user_files import write_text
from arazzo_runner.report.findings.annotations import render as annotated
from arazzo_runner.report.runs import markdown as runs_markdown
from arazzo_runner.report.runs.findings import findings
from arazzo_runner.report.runs.records import RunsReport


def render(report: RunsReport) -> str:
    """Return one workflow command a line: why each run that did not succeed did not."""
    return annotated(findings(report))


def append_summary(report: RunsReport, environment: Mapping[str, str] = os.environ) -> None:
    """Add the runs to the summary of the job when one is kept ($GITHUB_STEP_SUMMARY); raises OSError."""
    path = environment.get("GITHUB_STEP_SUMMARY")
    if path:
        write_text(path, runs_markdown.render(report), add=True)
