"""Checkstyle's XML, which Jenkins, TeamCity, reviewdog and many others read."""

from __future__ import annotations

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.report.findings.formats import Findings
from arazzo_runner.report.xml_text import element

_SEVERITIES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "info"}


def render(findings: Findings) -> str:
    """Return one `file` for every document and for every other file with findings."""
    by_file: dict[str, list[Diagnostic]] = {findings.file(name): [] for name in findings.documents}
    for each in findings.all:
        by_file.setdefault(findings.file(each.at.uri), []).append(each)
    files = "".join(
        "\n  "
        + element("file", {"name": name}, "".join(f"\n    {_error(each)}" for each in found) + "\n  " * bool(found))
        for name, found in by_file.items()
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{element("checkstyle", {"version": "4.3"}, files + chr(10))}\n'


def _file(name: str, found: list[Diagnostic]) -> str:
    errors = "".join(f"\n    {_error(each)}" for each in found)
    return element("file", {"name": name}, errors + "\n  " if errors else "")


def _error(found: Diagnostic) -> str:
    hint = "" if found.hint is None else f" (hint: {found.hint})"
    return element(
        "error",
        {
            "line": found.at.line or 1,
            "column": found.at.column,
            "severity": _SEVERITIES[found.severity],
            "message": found.message + hint,
            "source": f"arazzo.{found.code}",
        },
    )
