"""One run from the command line: load, check, watch, deliver the outputs, say how it ended."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from types import FrameType
from typing import Any, Protocol

from arazzo_runner import api
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.private_files import PrivateFile
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.cli.credential_options import credentials_of, missing_credentials
from arazzo_runner.cli.errors import EXIT_INTERRUPTED, refuse, usage_error
from arazzo_runner.cli.run.arguments import RunArguments, run_options
from arazzo_runner.cli.run.execution import Execution, collect_inputs, configured, load, pace_of
from arazzo_runner.cli.run.inputs import GivenInputs
from arazzo_runner.cli.run.unfinished import unfinished_note
from arazzo_runner.engine.access import CredentialsGiven
from arazzo_runner.engine.events import Event
from arazzo_runner.engine.results import RunResult
from arazzo_runner.errors import ArazzoError, Diagnostic, InvalidUsage, Severity
from arazzo_runner.program.model import Program
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.exchange import render_requests
from arazzo_runner.report.failure import failure_diagnostics, render_failure
from arazzo_runner.report.findings.text import render_diagnostics
from arazzo_runner.report.json import pretty, run_report, shown_outputs
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.report.terminal.progress import RunPrinter, success_line
from arazzo_runner.sources.fetch import DocumentSnapshot


class Reports(Protocol):
    """The reports that a command line asks for (reporting.py)."""

    def write(self, records: Iterable[Any], *, many: bool) -> bool:
        """Write every report; False when one could not be."""

    def refused(self, given: RunArguments, diagnostics: Iterable[Diagnostic]) -> None:
        """Write reports of runs that were not begun because something is wrong."""

    def discard(self) -> None:
        """Leave no empty file behind."""


EXIT_CODES = {"succeeded": 0, "failed": 1, "error": 2, "in_doubt": 3, "interrupted": EXIT_INTERRUPTED}


def run_session(given: RunArguments, environment: Mapping[str, str], read: DocumentSnapshot | None = None) -> int:
    """Run a workflow as the command line says and return the exit code; `read` takes in what is read."""
    console = Console(sys.stdout, sys.stderr, color=False if given.no_color else None)
    reports = None
    try:
        given = configured(given, given.spec)
        reports = prepared_reports(given, console)
        if not given.dry_run:
            api.check_transport(run_options(given))
        kept = DocumentSnapshot.opened(environment) if given.durable.wanted else None
        program = load(given, kept or read)
        inputs = collect_inputs(given, program, environment)
        session = Session(given, program, inputs, console, kept, reports)
    except ArazzoError as problem:
        if reports is not None:
            reports.refused(given, problem.diagnostics)
        return refuse(console, problem.diagnostics, "run", as_json=given.as_json, workflow_id=given.workflow)
    if not given.quiet and not given.dry_run:
        console.err(unfinished_note(given.spec, environment))
    with termination_interrupts():
        return session.run()


def prepared_reports(given: RunArguments, console: Console) -> Reports | None:
    """Return the reports that are asked for, each of which can be written; raises InvalidUsage."""
    if not given.reports:
        return None
    from arazzo_runner.cli.run import reporting  # lazily: not every run is reported

    return reporting.Reports(given.reports, console)


class Session:
    """A run about to begin: everything is checked, every file that it may need can be written."""

    def __init__(
        self,
        given: RunArguments,
        program: Program,
        inputs: GivenInputs,
        console: Console,
        kept: DocumentSnapshot | None = None,
        reports: Reports | None = None,
    ) -> None:
        self._given = given
        self._program = program
        self._inputs = inputs
        self._console = console
        self._reports = reports
        self._printer = RunPrinter(console, verbosity=given.verbose, ticking=True)
        credentials = None if given.mock else credentials_of(given.credentials, [program], given.defaults.credentials)
        self._missing = missing_credentials([program], credentials, run_options(given))
        self._output = None if given.output is None or given.dry_run else prepared_output(given.output)
        self._execution = self._made(kept, credentials)

    def _made(self, kept: DocumentSnapshot | None, credentials: CredentialsGiven) -> Execution:
        given, program, inputs = self._given, self._program, self._inputs
        if kept is None:
            return Execution(
                given,
                program,
                inputs,
                on_event=self._on_event,
                announce=self._announce,
                credentials=credentials,
                pace=pace_of(given),
                place=self._output,
            )
        from arazzo_runner.cli.run.durable import DurableExecution  # lazily: few runs are durable

        return DurableExecution(given, program, inputs, on_event=self._on_event, announce=self._printer.note, kept=kept)

    def run(self) -> int:
        """Run, deliver the outputs and return the exit code."""
        warnings = (*self._inputs.warnings, *self._program.diagnostics, *self._missing)
        if warnings and not self._given.quiet:
            self._console.err(render_diagnostics(warnings, color=self._console.color) + "\n")
        self._started = time.time()
        try:
            result = self._execution.perform()
        except BaseException:
            self._abandon()
            raise
        self._printer.close()
        self._console.secrets = result.secrets
        delivered = self._deliver(result)
        reported = self._report(result)
        self._console.err(self._ending(result) + self._execution.farewell())
        code = EXIT_CODES[result.status]
        return code if (delivered and reported) or code else 1

    def _ending(self, result: RunResult) -> str:
        if result.status != "succeeded":
            return render_failure(result, color=self._console.color)
        quiet = self._given.quiet or self._given.dry_run
        return "" if quiet else success_line(result, color=self._console.color) + "\n"

    def _on_event(self, event: Event, secrets: Secrets) -> None:
        self._console.secrets = secrets
        if not self._given.quiet and not self._given.dry_run:
            self._printer.on_event(event, secrets)

    # ------------------------------------------------------------------ delivering

    def _deliver(self, result: RunResult) -> bool:
        """Write the outputs where they are wanted; False when a place could not take them."""
        delivered = self._deliver_file(result) and self._deliver_recording(result)
        arrived = self._console.deliver(self._stdout(result))
        if not arrived:
            self._console.err("the outputs could not be written to standard output\n")
        return delivered and arrived

    def _report(self, result: RunResult) -> bool:
        if self._reports is None:
            return True
        from arazzo_runner.report.runs.records import RunRecord  # lazily: not every run is reported

        record = RunRecord(
            name=self._program.workflow.workflow_id,
            document=self._given.spec,
            workflow_id=self._program.workflow.workflow_id,
            result=result,
            program=self._program,
            started=self._started,
            diagnostics=(*self._inputs.warnings, *missing_outputs(self._program, result), *failure_diagnostics(result)),
        )
        return self._reports.write([record], many=False)

    def _stdout(self, result: RunResult) -> str:
        given = self._given
        missing = () if given.part.ends_early else tuple(missing_outputs(self._program, result))
        if given.as_json:
            extra = (*self._inputs.warnings, *missing, *failure_diagnostics(result))
            return pretty(run_report(result, show_secrets=given.show_secrets, diagnostics=extra))
        if given.dry_run:
            return render_requests(result)
        if given.part.ends_early:
            return pretty(delivered_outputs(self._execution, result, show_secrets=given.show_secrets))
        if missing and result.status == "succeeded" and not given.quiet:
            self._console.err(render_diagnostics(missing, color=self._console.color))
        if not result.outputs and not (result.status == "succeeded" and missing):
            return ""
        return pretty(shown_outputs(result, show_secrets=given.show_secrets))

    def _deliver_file(self, result: RunResult) -> bool:
        if self._output is None:
            return True
        path, where = self._given.output or "", ""
        text = pretty(delivered_outputs(self._execution, result, show_secrets=True))
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
        """Leave no empty file behind when the run could not even begin."""
        self._printer.close()
        if self._output is not None:
            self._output.discard()
        self._execution.abandon()
        if self._reports is not None:
            self._reports.discard()

    def _announce(self, path: str) -> None:
        self._printer.note(f"secret outputs are kept in {one_line(path)}")


def delivered_outputs(execution: Execution, result: RunResult, *, show_secrets: bool) -> dict[str, JsonValue]:
    """Return what stdout and --output hold: the workflow's outputs, of a run that ends early the steps'."""
    if not execution.given.part.ends_early:
        return shown_outputs(result, show_secrets=show_secrets)
    from arazzo_runner.cli.run.step_outputs import step_outputs  # lazily: few runs are partial

    return step_outputs(execution.program, result, execution.options.step_outputs, show_secrets=show_secrets)


def prepared_output(path: str) -> PrivateFile:
    """Return the file of --output, which can be written; raises InvalidUsage."""
    try:
        return PrivateFile.prepare(path)
    except OSError as problem:
        message = f"the outputs cannot be written to {path}: {problem.strerror or problem}"
        raise InvalidUsage(
            [usage_error(message, code="cannot-write-output", hint="name a file with --output")]
        ) from None


def missing_outputs(program: Program, result: RunResult) -> Iterator[Diagnostic]:
    """Yield a warning for every output of the workflow that has no value."""
    for name in result.missing_outputs:
        yield Diagnostic(
            code="missing-output",
            severity=Severity.WARNING,
            message=f'output "{name}" has no value',
            at=program.workflow.at.child("outputs").child(name),
        )


@contextlib.contextmanager
def termination_interrupts() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the run like Ctrl-C: with what was had so far."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    try:
        before = {name: signal.signal(getattr(signal, name), interrupt) for name in names}
    except ValueError:  # not the main thread: signals are somebody else's
        yield
        return
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
