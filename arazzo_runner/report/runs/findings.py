"""Why runs failed, as findings at lines of their documents: SARIF and GitHub annotations."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.records import replace
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.report.failure import failure_findings
from arazzo_runner.report.findings import ci
from arazzo_runner.report.findings.model import Findings
from arazzo_runner.report.json import run_diagnostics
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.report.runs.records import RunRecord, RunsReport


def sarif(report: RunsReport) -> str:
    """Return a SARIF 2.1.0 log: failures and warnings of the runs are its results."""
    return ci.sarif(_findings(report))


def github(report: RunsReport) -> str:
    """Return a GitHub workflow command per failure and warning of the runs."""
    return ci.github(_findings(report))


def _findings(report: RunsReport) -> Findings:
    """Return failures and warnings of the runs by document, masked; each finding once a run."""
    documents: dict[str, dict[Diagnostic, None]] = {}
    for record in report.runs:
        own = documents.setdefault(record.document, {})
        own.update(dict.fromkeys(_of_run(record, many=len(report.runs) > 1)))
    return Findings(documents={name: tuple(found) for name, found in documents.items()})


def _of_run(record: RunRecord, *, many: bool) -> Iterator[Diagnostic]:
    result = record.result
    if result is None:
        return
    for found in failure_findings(result):
        message = f"run {record.name}: {found.message}" if many else found.message
        yield replace(found, message=result.secrets.mask(message))
    for found in run_diagnostics(result):
        if found.severity is Severity.WARNING:
            yield masked_diagnostic(found, result.secrets)
