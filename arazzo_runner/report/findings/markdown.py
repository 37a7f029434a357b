"""Findings as Markdown, for job summaries and comments on pull requests."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Final

from arazzo_runner.base.user_files import write_text
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.report.findings.model import Findings, in_repository
from arazzo_runner.report.markup import markdown_text

MOST_ROWS: Final = 50
_MOST_TEXT: Final = 300
_MARKS: Final = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️"}
_ORDER: Final = tuple(Severity)


def render_summary(findings: Findings, line: str) -> str:
    """Return the summary of `arazzo validate`: its last line, and a table of the findings."""
    return "\n".join([f"### arazzo validate\n\n{markdown_text(line)}", *findings_table(findings)]) + "\n"


def findings_table(findings: Findings) -> Iterator[str]:
    """Yield the lines of a table of findings, errors first; of many, the first rows and the number of the others."""
    findings = in_repository(findings)
    found = sorted(findings.all, key=lambda each: _ORDER.index(each.severity))
    if not found:
        return
    yield ""
    yield "| | code | where | message |"
    yield "|---|---|---|---|"
    for each in found[:MOST_ROWS]:
        yield _row(each, findings)
    if len(found) > MOST_ROWS:
        yield f"\n… and {len(found) - MOST_ROWS} more"


def _row(found: Diagnostic, findings: Findings) -> str:
    at = found.at
    where = findings.file(at.uri) if at.uri else ""
    where += "" if at.line is None else f":{at.line}"
    message = found.message if len(found.message) <= _MOST_TEXT else f"{found.message[:_MOST_TEXT]} …"
    severity = f"{_MARKS[found.severity]} {found.severity.value}"
    return f"| {severity} | `{found.code}` | {markdown_text(where)} | {markdown_text(message)} |"


def append_summary(text: str, environment: Mapping[str, str] = os.environ) -> None:
    """Append to the job summary file, if $GITHUB_STEP_SUMMARY names one; raises OSError."""
    path = environment.get("GITHUB_STEP_SUMMARY")
    if path:
        write_text(path, text, add=True)
