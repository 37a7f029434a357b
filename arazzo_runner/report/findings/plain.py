"""The findings of `arazzo validate` for people: each with its source line, then one line that sums up."""

from __future__ import annotations

from arazzo_runner.report.findings.formats import Findings
from arazzo_runner.report.findings.text import render_diagnostic, summary
from arazzo_runner.report.terminal.style import count


def render_findings(findings: Findings, *, color: bool = False) -> str:
    """Return all findings, an empty line between them, and `2 errors, 1 warning in 1 of 3 documents (4 ignored)`."""
    blocks = [render_diagnostic(each, color=color) for each in findings.all]
    return "\n\n".join([*blocks, _summary(findings)]) + "\n"


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
