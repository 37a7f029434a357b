"""JUnit XML of `validate`: a suite for each document, in it a failed case for each error, or one that passed."""

from __future__ import annotations

from collections.abc import Iterable

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.report.findings.formats import Findings
from arazzo_runner.report.findings.text import place_text, render_diagnostic
from arazzo_runner.report.xml_text import element, text


def render(findings: Findings) -> str:
    """Return the suites; only errors are failures, warnings and notes are output of a passed case."""
    suites = "".join(f"\n  {_suite(findings.file(name), found)}" for name, found in findings.documents.items())
    errors = findings.count(Severity.ERROR)
    tests = errors + sum(not _errors(found) for found in findings.documents.values())
    root = element(
        "testsuites", {"name": "arazzo validate", "tests": tests, "failures": errors, "errors": 0}, suites + "\n"
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n'


def _suite(name: str, found: tuple[Diagnostic, ...]) -> str:
    errors = _errors(found)
    others = [each for each in found if each.severity is not Severity.ERROR]
    cases = [_failed(name, each) for each in errors] or [element("testcase", {"classname": name, "name": "valid"})]
    if others:
        shown = "\n\n".join(map(render_diagnostic, others))
        cases.append(element("system-out", {}, text(shown)))
    counts = {"tests": max(1, len(errors)), "failures": len(errors), "errors": 0, "skipped": 0, "time": 0}
    return element("testsuite", {"name": name, **counts}, "".join(f"\n    {case}" for case in cases) + "\n  ")


def _failed(name: str, found: Diagnostic) -> str:
    failure = element("failure", {"type": found.code, "message": found.message}, text(render_diagnostic(found)))
    case = {"classname": name, "name": f"{found.code} at {place_text(found.at)}", "line": found.at.line}
    return element("testcase", case, failure)


def _errors(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [each for each in found if each.severity is Severity.ERROR]
