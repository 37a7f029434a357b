"""GitLab's code quality report (the subset of Code Climate's that it reads)."""

from __future__ import annotations

import json

from arazzo_runner.errors import Severity
from arazzo_runner.report.escaping import json_text, one_line
from arazzo_runner.report.findings.fingerprints import fingerprints
from arazzo_runner.report.findings.formats import Findings

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}


def render(findings: Findings) -> str:
    """Return a list of issues; each has a fingerprint, by which GitLab tells new ones from old."""
    found = findings.all
    issues = [
        {
            "description": one_line(each.message) + ("" if each.hint is None else f" (hint: {one_line(each.hint)})"),
            "check_name": each.code,
            "fingerprint": mark,
            "severity": _SEVERITIES[each.severity],
            "location": {"path": findings.file(each.at.uri), "lines": {"begin": each.at.line or 1}},
        }
        for each, mark in zip(found, fingerprints(found, findings.folder), strict=True)
    ]
    return json_text(json.dumps(issues, ensure_ascii=False, indent=2)) + "\n"
