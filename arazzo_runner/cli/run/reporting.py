"""The files of --report: prepared before the first request, written after the last."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Sequence

from arazzo_runner.base.user_files import is_same_file
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.run.options import RunArguments
from arazzo_runner.engine.results import RunResult
from arazzo_runner.errors import Diagnostic, InvalidUsage, Severity, did_you_mean
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.runs.formats import KINDS, ReportFile, kind_of, render
from arazzo_runner.report.runs.records import RunRecord, RunsReport, with_shared_secrets
from arazzo_runner.report.terminal.console import Console


class Reports:
    """The reports of a command; raises InvalidUsage when one cannot be written."""

    def __init__(self, texts: Sequence[str], console: Console) -> None:
        self._console = console
        self._annotate = "github" in texts
        self._files = [_parsed(text) for text in texts if text != "github"]
        self._started = time.time()
        self._clock = time.monotonic()
        paths = [file.path for file in self._files]
        repeated = next((path for path in paths if paths.count(path) > 1), None)
        if repeated is not None:
            raise _refused(f"two reports cannot be written to the same file {repeated}")
        for file in self._files:
            self._prepare(file)

    def _prepare(self, file: ReportFile) -> None:
        try:
            file.prepare()
        except OSError as problem:
            self.discard()
            message = f"the {file.kind} report cannot be written to {file.path}: {problem.strerror or problem}"
            raise _refused(message, code="cannot-write-output") from None

    def write(self, records: Iterable[RunRecord], *, many: bool) -> bool:
        """Write every report; one that cannot be written gives a line on stderr and the result False."""
        spent = (time.monotonic() - self._clock) * 1000
        runs = with_shared_secrets(tuple(records))
        report = RunsReport(runs=runs, started=self._started, duration_ms=spent, many=many)
        written = [self._write(file, report) for file in self._files]
        if self._annotate:
            written.append(self._write_annotations(report))
        return all(written)

    def refused(self, given: RunArguments, diagnostics: Iterable[Diagnostic]) -> None:
        """Write reports of a run that was refused, but not over the list of --rerun-failed, which is still needed."""
        kept = [file for file in self._files if any(is_same_file(file.path, each) for each in given.many.rerun)]
        self._files = [file for file in self._files if file not in kept]
        self.write([refused_run(given, diagnostics)], many=False)
        for file in kept:
            self._console.err(one_line(f"nothing was run, so {file.path} is kept as it was") + "\n")

    def discard(self) -> None:
        """Remove the files, which are still empty."""
        for file in self._files:
            with contextlib.suppress(OSError):
                file.discard()

    def _write(self, file: ReportFile, report: RunsReport) -> bool:
        try:
            file.write(report)
        except OSError as problem:
            return self._failed(f"the {file.kind} report could not be written to {file.path}", problem)
        return True

    def _write_annotations(self, report: RunsReport) -> bool:
        from arazzo_runner.report.findings.markdown import append_summary  # lazily: only where it is asked for

        # The only place where lines that begin with :: are written on purpose: commands to the runner of GitHub.
        self._console.err(render("github", report))
        try:
            append_summary(render("markdown", report))
        except OSError as problem:
            return self._failed("the job summary could not be written", problem)
        return True

    def _failed(self, what: str, problem: OSError) -> bool:
        self._console.err(one_line(f"{what}: {problem.strerror or problem}") + "\n")
        return False


def refused_run(given: RunArguments, diagnostics: Iterable[Diagnostic]) -> RunRecord:
    """Return the record of a run that was refused."""
    found = tuple(diagnostics)
    reason = next((each.message for each in found if each.severity is Severity.ERROR), None)
    result = RunResult(status="error", workflow_id=given.workflow, diagnostics=found, reason=reason)
    name = given.workflow or given.spec
    return RunRecord(name=name, document=given.spec, workflow_id=given.workflow, result=result, started=time.time())


def _parsed(text: str) -> ReportFile:
    kind, equals, path = text.partition("=")
    if not equals:
        kind, path = kind_of(text) or "", text
    if kind not in KINDS or not path or path == "-":
        kinds = ", ".join(KINDS)
        hint = did_you_mean(kind, KINDS) if equals and kind not in KINDS else None
        raise _refused(f'--report expects KIND=FILE, found "{text}"', hint=hint or f"kinds are {kinds}")
    return ReportFile(kind, path)


def _refused(message: str, *, code: str = "usage", hint: str | None = None) -> InvalidUsage:
    return InvalidUsage([usage_error(message, code=code, hint=hint)])
