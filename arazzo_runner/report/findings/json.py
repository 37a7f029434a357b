"""`validate --format json` (a module of its own because report.json loads the records of a run)."""

from __future__ import annotations

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.report.findings.model import Findings
from arazzo_runner.report.json import pretty, validate_report

_NOTES = {"fixable with --fix": "fixable", "in the baseline": "baselined"}


def findings_report(findings: Findings) -> dict[str, JsonValue]:
    """Return the JSON report of linted documents, with the number of findings that are not shown."""
    report = validate_report(findings.all)
    notes = {_NOTES.get(name, name): amount for name, amount in findings.notes.items()}
    return {**report, "summary": {**report["summary"], "documents": len(findings.documents), **notes}}


def render(findings: Findings) -> str:
    """Return the JSON report as text."""
    return pretty(findings_report(findings))
