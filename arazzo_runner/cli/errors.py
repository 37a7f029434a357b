"""How every command says no: a Diagnostic as text or JSON, and an exit code."""

from __future__ import annotations

from collections.abc import Iterable

from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.report.findings.text import render_diagnostics
from arazzo_runner.report.terminal.console import STDOUT, Console

EXIT_USAGE = 2
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


def usage_error(message: str, *, code: str = "usage", hint: str | None = None, file: str = "") -> Diagnostic:
    """Return a Diagnostic about the command line or about a file that it names."""
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, at=Location(file), hint=hint)


def refuse(
    console: Console,
    diagnostics: Iterable[Diagnostic],
    command: str | None,
    *,
    as_json: bool,
    workflow_id: str | None = None,
) -> int:
    """Print why nothing was done and return the exit code 2."""
    print_errors(console, diagnostics, command, as_json=as_json, workflow_id=workflow_id)
    return EXIT_USAGE


def print_errors(
    console: Console,
    diagnostics: Iterable[Diagnostic],
    command: str | None,
    *,
    as_json: bool,
    workflow_id: str | None = None,
) -> None:
    """Print Diagnostics to stderr, or to stdout as the JSON that the command promises."""
    diagnostics = tuple(diagnostics)
    is_lost = any(each.at.uri == STDOUT for each in diagnostics)  # where the JSON would go
    if not as_json or is_lost:
        console.err(render_diagnostics(diagnostics, color=console.color))
        return
    from arazzo_runner.report.json import error_report, pretty, validate_report  # lazily: few errors are JSON

    report = error_report(workflow_id, diagnostics) if command == "run" else validate_report(diagnostics)
    if not console.deliver(pretty(report)):
        console.err(render_diagnostics(diagnostics, color=console.color))
