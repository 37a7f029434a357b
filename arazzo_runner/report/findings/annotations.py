"""Annotations of GitHub Actions: workflow commands that show findings at their lines of a pull request."""

from __future__ import annotations

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.findings.formats import Findings

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(findings: Findings) -> str:
    """Return one workflow command a line."""
    return "".join(f"{_command(each, findings)}\n" for each in findings.all)


def _command(found: Diagnostic, findings: Findings) -> str:
    at = found.at
    places = {
        "file": findings.file(at.uri) if at.uri else None,
        "line": at.line,
        "col": at.column,
        "endColumn": at.end_column,
        "title": f"arazzo: {found.code}",
    }
    told = ",".join(f"{name}={_property(str(value))}" for name, value in places.items() if value is not None)
    hint = "" if found.hint is None else f" (hint: {one_line(found.hint)})"
    return f"::{_COMMANDS[found.severity]} {told}::{_data(one_line(found.message) + hint)}"


def _data(text: str) -> str:
    # The escapes of actions/toolkit, core/src/command.ts.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text)).replace(":", "%3A").replace(",", "%2C")
