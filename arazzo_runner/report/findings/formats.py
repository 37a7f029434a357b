"""The formats of `arazzo validate --format`, and the one for people.

To add a format, write a module with `render(findings) -> str` and name it in _RENDERERS.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from arazzo_runner.report.findings.model import Findings
from arazzo_runner.report.findings.text import render_diagnostic, summary
from arazzo_runner.report.terminal.console import count
from arazzo_runner.report.terminal.wrapping import wrapped

# Module (of this package) and function of each format. Imported when asked for: the usual report is text.
_RENDERERS: Final = {
    "json": "json.render",
    "sarif": "ci.sarif",
    "junit": "ci.junit",
    "github": "ci.github",
    "gitlab": "ci.gitlab",
    "checkstyle": "ci.checkstyle",
}
FORMATS: Final = ("text", *_RENDERERS)


def render(format_: str, findings: Findings) -> str:
    """Return a report in a machine-readable format (any of FORMATS but text)."""
    module, _, function = _RENDERERS[format_].partition(".")
    return str(getattr(import_module(f"arazzo_runner.report.findings.{module}"), function)(findings))


def render_findings(findings: Findings, *, color: bool = False, width: int | None = None) -> str:
    """Return all findings for people, then a summary: `2 errors, 1 warning in 1 of 3 documents (4 ignored)`."""
    blocks = [render_diagnostic(each, color=color, width=width) for each in findings.all]
    return "\n\n".join([*blocks, "\n".join(wrapped(_summary(findings), width, rest="  "))]) + "\n"


def _summary(findings: Findings) -> str:
    number = len(findings.documents)
    concerned = sum(bool(found) for found in findings.documents.values())
    if concerned:
        where = "" if number == 1 else f" in {concerned} of {count(number, 'document')}"
        line = summary(findings.all) + where
    else:
        line = f"{'it is' if number == 1 else f'all {number} are'} valid: no problems"
    notes = ", ".join(f"{amount} {what}" for what, amount in findings.notes.items() if amount)
    return f"{line} ({notes})" if notes else line
