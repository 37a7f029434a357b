"""One run from the command line: prepared, watched, its outputs delivered, its end reported."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from arazzo_runner.base.files import as_json
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.private_files import PrivateFile, state_folder
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.cli.errors import EXIT_INTERRUPTED, refuse, usage_error
from arazzo_runner.cli.run.execution import Execution, kept_note, pace_of
from arazzo_runner.cli.run.inputs import step_outputs
from arazzo_runner.cli.run.options import RunArguments
from arazzo_runner.cli.run.prepare import Prepared, configured, prepare
from arazzo_runner.engine.results import Event, RunResult
from arazzo_runner.errors import ArazzoError, Diagnostic, InvalidUsage
from arazzo_runner.report.dry_run import render_requests
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.failure import failure_diagnostics, render_failure
from arazzo_runner.report.findings.text import print_diagnostics
from arazzo_runner.report.json import pretty, run_report, shown_outputs
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.report.terminal.progress import RunPrinter, success_line
from arazzo_runner.runtime.signals import not_ignored
from arazzo_runner.sources.fetch import DocumentSnapshot
from arazzo_runner.sources.uris import is_remote, uri_of_path

EXIT_CODES: Final = {"succeeded": 0, "failed": 1, "error": 2, "in_doubt": 3, "interrupted": EXIT_INTERRUPTED}


class ReportWriter(Protocol):
    """What a run needs of `reporting.Reports`, which is imported lazily."""

    def write(self, records: Iterable[Any], *, many: bool) -> bool:
        """Write every report; returns whether all could be written."""

    def refused(self, given: RunArguments, diagnostics: Iterable[Diagnostic]) -> None:
        """Write reports of a run that was refused."""

    def discard(self) -> None:
        """Remove the files of reports that will not be written."""


def run_session(given: RunArguments, environment: Mapping[str, str], snapshot: DocumentSnapshot | None = None) -> int:
    """Run a workflow and return the exit code; `snapshot` records the documents that are loaded."""
    console = Console(sys.stdout, sys.stderr, color=False if given.no_color else None)
    reports = None
    try:
        given = configured(given, given.spec)
        reports = prepared_reports(given, console)
        stored = DocumentSnapshot.opened(environment) if given.durable.is_durable else None
        ready = prepare(given, environment, stored or snapshot)
        session = Session(given, ready, console, stored, reports)
    except ArazzoError as problem:
        if reports is not None:
            reports.refused(given, problem.diagnostics)
        return refuse(console, problem.diagnostics, "run", as_json=given.as_json, workflow_id=given.workflow)
    if not given.quiet and not given.dry_run:
        console.err(_unfinished_runs(given.spec, environment))
    with termination_interrupts():
        return session.run()


def prepared_reports(given: RunArguments, console: Console) -> ReportWriter | None:
    """Return the files of --report, None without any; raises InvalidUsage when one cannot be written."""
    if not given.reports:
        return None
    from arazzo_runner.cli.run import reporting  # lazily: not every run is reported

    return reporting.Reports(given.reports, console)


class Session:
    """A run about to begin: everything is checked, every file that it may need can be written."""

    def __init__(
        self,
        given: RunArguments,
        ready: Prepared,
        console: Console,
        snapshot: DocumentSnapshot | None = None,
        reports: ReportWriter | None = None,
    ) -> None:
        self._given = given
        self._ready = ready
        self._console = console
        self._reports = reports
        self._reported: tuple[Diagnostic, ...] = ()
        self._printer = RunPrinter(console, verbosity=given.verbose, ticking=True)
        self._output = None if given.output is None or given.dry_run else prepared_output(given.output)
        self._execution = self._prepared_execution(snapshot)

    def _prepared_execution(self, snapshot: DocumentSnapshot | None) -> Execution:
        given, ready = self._given, self._ready
        if snapshot is None:
            return Execution(
                given,
                ready,
                on_event=self._on_event,
                announce=self._announce,
                pace=pace_of(given),
                output=self._output,
            )
        from arazzo_runner.cli.run.durable import DurableExecution  # lazily: few runs are durable

        return DurableExecution(given, ready, on_event=self._on_event, announce=self._printer.note, snapshot=snapshot)

    def run(self) -> int:
        """Run, deliver the outputs and return the exit code."""
        ready = self._ready
        warnings = (*ready.input_warnings, *ready.program.diagnostics, *ready.missing)
        self._reported = warnings  # also with --quiet, which leaves them out
        if warnings and not self._given.quiet:
            print_diagnostics(self._console, warnings, "\n")
        self._started = time.time()
        try:
            result = self._perform()
        except BaseException:
            self._abandon()
            raise
        self._printer.close()
        self._console.secrets = result.secrets
        delivered = self._deliver(result)
        reported = self._report(result)
        self._console.err(self._ending(result) + self._execution.closing_lines())
        finished = self._finish(result)
        code = EXIT_CODES[result.status]
        return code if (delivered and reported and finished) or code else 1

    def _perform(self) -> RunResult:
        """Run, blocking."""
        return self._execution.perform()

    def _finish(self, result: RunResult) -> bool:
        """Do what follows the end of a run; returns whether it could be done."""
        return True

    def _ending(self, result: RunResult) -> str:
        if result.status != "succeeded":
            width = self._console.text_width
            return render_failure(result, color=self._console.color, width=width, reported=self._reported)
        quiet = self._given.quiet or self._given.dry_run
        return "" if quiet else success_line(result, color=self._console.color, width=self._console.text_width) + "\n"

    def _on_event(self, event: Event, secrets: Secrets) -> None:
        self._console.secrets = secrets
        if not self._given.quiet and not self._given.dry_run:
            self._printer.on_event(event, secrets)

    # ------------------------------------------------------------------ delivering

    def _deliver(self, result: RunResult) -> bool:
        """Write the outputs wherever they are asked for; returns whether all could be written."""
        delivered = self._deliver_file(result) and self._deliver_recording(result)
        arrived = self._print(result)
        if not arrived:
            self._console.err("the outputs could not be written to standard output\n")
        return delivered and arrived

    def _print(self, result: RunResult) -> bool:
        """Write to standard output what it is for; returns whether that could be written."""
        return self._console.deliver(self._stdout(result))

    def _report(self, result: RunResult) -> bool:
        if self._reports is None:
            return True
        from arazzo_runner.report.runs.records import RunRecord  # lazily: not every run is reported

        ready = self._ready
        record = RunRecord(
            name=ready.workflow_id,
            document=ready.spec,
            workflow_id=ready.workflow_id,
            result=result,
            program=ready.program,
            started=self._started,
            diagnostics=(*ready.input_warnings, *failure_diagnostics(result)),
        )
        return self._reports.write([record], many=False)

    def _stdout(self, result: RunResult) -> str:
        given = self._given
        if given.as_json:
            extra = (*self._ready.input_warnings, *failure_diagnostics(result))
            return pretty(run_report(result, show_secrets=given.show_secrets, diagnostics=extra))
        if given.dry_run:
            return render_requests(result)
        if given.part.ends_early:
            return pretty(delivered_outputs(self._execution, result, show_secrets=given.show_secrets))
        missing = missing_outputs(result)
        if missing and not given.quiet:
            print_diagnostics(self._console, missing)
        if not result.outputs and not missing:
            return ""
        return pretty(shown_outputs(result, show_secrets=given.show_secrets))

    def _deliver_file(self, result: RunResult) -> bool:
        if self._output is None:
            return True
        path, where = self._given.output or "", ""
        text = pretty(as_json(delivered_outputs(self._execution, result, show_secrets=True)))
        try:
            failed = self._output.write_somewhere(text)
            where = f"; they are in {one_line(self._output.path)}"
        except OSError as problem:
            failed = problem
        if failed is not None:
            self._console.err(f"the outputs could not be written to {one_line(path)}: {failed.strerror}{where}\n")
        return failed is None

    def _deliver_recording(self, result: RunResult) -> bool:
        try:
            self._execution.record(result)
        except OSError as problem:
            path = one_line(self._given.record or "")
            self._console.err(f"the recording could not be written to {path}: {problem}\n")
            return False
        return True

    def _abandon(self) -> None:
        """Remove the files that were made for a run that did not begin."""
        self._printer.close()
        if self._output is not None:
            self._output.discard()
        self._execution.abandon()
        if self._reports is not None:
            self._reports.discard()

    def _announce(self, path: str) -> None:
        self._printer.note(kept_note(path))


def delivered_outputs(execution: Execution, result: RunResult, *, show_secrets: bool) -> dict[str, JsonValue]:
    """Return the workflow's outputs, or those of the steps when the run ends early."""
    if not execution.given.part.ends_early:
        return shown_outputs(result, show_secrets=show_secrets)
    ready = execution.ready
    return step_outputs(ready.program, result, ready.options.step_outputs, show_secrets=show_secrets)


def prepared_output(path: str) -> PrivateFile:
    """Return the file of --output; raises InvalidUsage when it cannot be written."""
    try:
        return PrivateFile.prepare(path)
    except OSError as problem:
        message = f"the outputs cannot be written to {path}: {problem.strerror or problem}"
        raise InvalidUsage(
            [usage_error(message, code="cannot-write-output", hint="name a file with --output")]
        ) from None


def missing_outputs(result: RunResult) -> tuple[Diagnostic, ...]:
    """Return the warnings about outputs of the workflow that have no value, masked."""
    found = (each for each in result.diagnostics if each.code == "missing-output")
    return tuple(masked_diagnostic(each, result.secrets) for each in found)


@contextlib.contextmanager
def termination_interrupts() -> Iterator[None]:
    """Make SIGTERM and SIGHUP interrupt the run as Ctrl-C does, so that partial results are reported."""

    numbers = not_ignored("SIGTERM", "SIGHUP")
    try:
        before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    except ValueError:  # not the main thread, which alone may handle signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _unfinished_runs(spec: str, environment: Mapping[str, str]) -> str:
    """Return one line about unfinished durable runs of a document, "" when there are none.

    Only the lock files beside the store are looked at; the store itself is not opened.
    """
    folder = os.path.join(state_folder(), "journal.db.runs")
    if not environment.get("ARAZZO_STORE") and not _has_files(folder):
        return ""
    from arazzo_runner.durable.locks import unfinished_runs  # lazily: few have unfinished runs
    from arazzo_runner.durable.store import store_of

    try:
        found = list(unfinished_runs(store_of(None, environment).locks, spec if is_remote(spec) else uri_of_path(spec)))
    except ArazzoError:
        return ""
    if not found:
        return ""
    if len(found) > 1:
        return f"{len(found)} durable runs of this document are unfinished: arazzo runs list lists them\n"
    return f"durable run {found[0]} of this document is unfinished: arazzo resume {found[0]} continues it\n"


def _has_files(folder: str) -> bool:
    try:
        with os.scandir(folder) as files:
            return any(True for _ in files)
    except OSError:
        return False
