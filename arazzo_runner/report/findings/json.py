"""JSON of linted documents."""

from __future__ import annotations

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.report.findings.formats import Findings
from arazzo_runner.report.json import pretty, validate_report

_NOTES = {"fixed": "mended", "fixable with --fix": "fixable", "in the baseline": "baselined"}


def findings_report(findings: Findings) -> dict[str, JsonValue]:
    """Return what `validate --format json` prints of linted documents: the same, and counts of what is not shown."""
    report = validate_report(findings.all)
    notes = {_NOTES.get(name, name): amount for name, amount in findings.notes.items()}
    return {**report, "summary": {**report["summary"], "documents": len(findings.documents), **notes}}


def render(findings: Findings) -> str:
    """Return it as text."""
    return pretty(findings_report(findings))
