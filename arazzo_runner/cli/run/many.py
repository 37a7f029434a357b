"""Many runs from one command line: planned and checked as a whole, performed one by one or concurrently."""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.cli.errors import EXIT_USAGE, refuse
from arazzo_runner.cli.run.execution import Execution, pace_of
from arazzo_runner.cli.run.options import RunArguments
from arazzo_runner.cli.run.plan import Plan, PlannedRun, plan
from arazzo_runner.cli.run.reporting import refused_run
from arazzo_runner.cli.run.session import (
    EXIT_CODES,
    ReportWriter,
    delivered_outputs,
    prepared_output,
    prepared_reports,
    termination_interrupts,
)
from arazzo_runner.engine.effects import World
from arazzo_runner.engine.interruption import partial_result
from arazzo_runner.engine.results import Event, RunResult
from arazzo_runner.engine.state import INTERRUPTED
from arazzo_runner.errors import ArazzoError, Diagnostic
from arazzo_runner.report.dry_run import render_requests
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.failure import failure_diagnostics
from arazzo_runner.report.findings.text import print_diagnostics
from arazzo_runner.report.json import pretty
from arazzo_runner.report.runs.json import run_line, runs_report
from arazzo_runner.report.runs.records import RunRecord, RunsReport, with_shared_secrets
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.report.terminal.many import ManyPrinter
from arazzo_runner.report.terminal.progress import RunPrinter
from arazzo_runner.runtime.http import AsyncWorld, BlockingWorld
from arazzo_runner.sources.fetch import DocumentSnapshot


def run_many(given: RunArguments, environment: Mapping[str, str], snapshot: DocumentSnapshot | None = None) -> int:
    """Perform all runs and return the worst exit code; `snapshot` records the documents that are loaded."""
    console = Console(sys.stdout, sys.stderr, color=False if given.no_color else None)
    reports = None
    try:
        reports = prepared_reports(given, console)
        planned = plan(given, environment, snapshot)
        batch = Batch(given, planned, console, reports)
    except ArazzoError as problem:
        if reports is not None:
            reports.refused(given, problem.diagnostics)
        if given.as_json:
            refused = RunsReport(runs=(refused_run(given, problem.diagnostics),), started=time.time(), many=True)
            console.deliver(pretty(runs_report(refused)))
            return EXIT_USAGE
        return refuse(console, problem.diagnostics, "run", as_json=False)
    with termination_interrupts():
        return batch.run()


class Batch:
    """The runs of one command line, checked and about to begin."""

    def __init__(
        self, given: RunArguments, planned: Plan, console: Console, reports: ReportWriter | None = None
    ) -> None:
        self._given = given
        self._runs = planned.runs
        self._plan = planned
        self._reports = reports
        self.console = console
        self._results: dict[int, RunRecord] = {}
        self._lines: dict[int, tuple[str, str]] = {}
        self._delivered = 0
        self._arrived = True
        self._stopped = False
        quiet = given.quiet or given.dry_run
        self.printer = ManyPrinter(console, len(self._runs), quiet=quiet, verbose=bool(given.verbose))
        self._pace = pace_of(given)
        self._world: World | None = None
        self._known = Secrets()
        self._live: dict[int, Secrets] = {}
        self._output = None if given.output is None or given.dry_run else prepared_output(given.output)
        if self._runs:
            self._probe(self._runs[0])

    def _probe(self, run: PlannedRun) -> None:
        """Raise before the first request what every run would raise: unusable options, no file for secrets."""
        self._execution(run, Watcher(self, run)).abandon()

    def run(self) -> int:
        """Perform the runs, deliver their outputs, and return the exit code."""
        given = self._given
        self._warn()
        started, begun = time.time(), time.monotonic()
        self.printer.begin(given.many.jobs, self._plan.notes)
        try:
            self._perform()
        except KeyboardInterrupt:  # between two runs, or of all of them at once
            self._stopped = True
        finally:
            self.printer.close()
        spent = (time.monotonic() - begun) * 1000
        records = tuple(self._results.get(run.number) or _not_run(run) for run in self._runs)
        shared = with_shared_secrets(records)  # a server may show to one run what is a secret of another
        report = RunsReport(runs=shared, started=started, duration_ms=spent, many=True)
        if given.as_json:
            text = pretty(runs_report(report, show_secrets=given.show_secrets))
            self._arrived = self.console.deliver(text)
        self.printer.end(report)
        if self._reports is not None:
            self._arrived = self._reports.write(records, many=True) and self._arrived
        if not self._arrived:
            self.console.err("the outputs could not be written to standard output\n")
        code = EXIT_CODES.get(report.status, 1)
        if self._plan.doubtful:
            names = ", ".join(map(one_line, self._plan.doubtful))
            self.printer.warn(f"still in doubt, so not repeated: {names}; --resend-unknown repeats what is in doubt")
            code = EXIT_CODES["in_doubt"]
        return code if self._arrived or code else 1

    def _perform(self) -> None:
        if not self._runs:
            return
        if self._given.many.jobs > 1:
            from arazzo_runner.cli.run.concurrent import run_concurrently  # lazily: asyncio

            run_concurrently(self, self._runs, self._given.many.jobs)
            return
        with contextlib.ExitStack() as stack:
            if self._shares_connections:
                self._world = stack.enter_context(BlockingWorld(**self._world_options))
            for run in self._runs:
                if self._stopped:
                    return
                self.one(run)

    @property
    def _shares_connections(self) -> bool:
        """Whether runs can share connections: each run has its own mock server, and a dry run sends nothing."""
        return not self._given.mock and not self._given.dry_run

    @property
    def _world_options(self) -> dict[str, Any]:
        options = self._runs[0].ready.options
        return {"max_response_size": options.max_response_size, "options": options.transport}

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Share connections between the runs on the running event loop while this is open."""
        if not self._shares_connections:
            yield
            return
        async with AsyncWorld(**self._world_options) as world:
            self._world = world
            yield

    def _warn(self) -> None:
        """Print the warnings about documents, inputs and credentials, each once, unless --quiet silences them."""
        found: dict[Diagnostic, None] = {}
        for run in self._runs:
            found.update(dict.fromkeys((*run.ready.input_warnings, *run.ready.program.diagnostics)))
        for run in self._runs:
            found.update(dict.fromkeys(run.ready.missing))
        self.printer.reported = frozenset(found)
        if found and not self._given.quiet:
            print_diagnostics(self.console, found, "\n")

    # ------------------------------------------------------------------ one run

    def known_secrets(self, run: PlannedRun, own: Secrets) -> Secrets:
        """Return the secrets that this run and all others have so far: a server may show those of one to another."""
        self._live[run.number] = own
        known = Secrets()
        for each in (self._known, *self._live.values()):
            known.include(each)
        return known

    @property
    def stopped(self) -> bool:
        """Whether no further run shall begin."""
        return self._stopped

    def one(self, run: PlannedRun) -> None:
        """Perform one run, blocking."""
        watcher = Watcher(self, run)
        execution = self._execution(run, watcher)
        started = time.time()
        self._finished(execution, watcher, execution.perform(), started)

    async def aone(self, run: PlannedRun) -> None:
        """Perform one run on the running event loop; a cancellation is raised when its result is stored."""
        import asyncio  # lazily: only concurrent runs need it

        watcher = Watcher(self, run)
        execution = self._execution(run, watcher)
        started = time.time()
        try:
            result = await execution.aperform()
        except asyncio.CancelledError as stop:
            self._stopped = True
            so_far = partial_result(stop)
            if so_far is not None:
                self._finished(execution, watcher, so_far, started)
            raise
        self._finished(execution, watcher, result, started)

    def _execution(self, run: PlannedRun, watcher: Watcher) -> Execution:
        return Execution(
            run.given,
            run.ready,
            on_event=watcher.on_event,
            announce=watcher.announce,
            label=f"-{run.number}",
            pace=self._pace,
            world=self._world,
        )

    def _finished(self, execution: Execution, watcher: Watcher, result: RunResult, started: float) -> None:
        """Store a result and emit finished ones in the order planned."""
        run, ready = watcher.run, watcher.run.ready
        record = RunRecord(
            name=run.name,
            document=ready.spec,
            workflow_id=ready.workflow_id,
            result=result,
            program=ready.program,
            started=started,
            diagnostics=(*ready.input_warnings, *failure_diagnostics(result)),
        )
        self._results[run.number] = record
        self._live.pop(run.number, None)
        self._known.include(result.secrets)
        if result.status == "interrupted" or result.reason == INTERRUPTED.reason:
            self._stopped = True
        if self._given.many.fail_fast and result.status != "succeeded":
            self._stopped = True
        self._lines[run.number] = self._texts(execution, record, result)
        self.printer.finished(record, watcher.shown())
        self._deliver()

    def _texts(self, execution: Execution, record: RunRecord, result: RunResult) -> tuple[str, str]:
        """Return the texts of a run for stdout and for the file of --output."""
        if self._given.dry_run:
            return f"## {one_line(record.name)}\n\n{render_requests(result)}", ""
        shown = delivered_outputs(execution, result, show_secrets=self._given.show_secrets)
        clear = (
            "" if self._output is None else run_line(record, delivered_outputs(execution, result, show_secrets=True))
        )
        return run_line(record, shown), clear

    def _deliver(self) -> None:
        """Write the lines of finished runs, in the order planned: each waits for those before it."""
        while self._delivered + 1 in self._lines:
            self._delivered += 1
            line, clear = self._lines.pop(self._delivered)
            if not self._given.as_json:
                self._arrived = self.console.deliver(line) and self._arrived
            if self._output is not None:
                self._append(clear)

    def _append(self, line: str) -> None:
        assert self._output is not None
        try:
            self._output.append(line)
        except OSError as problem:
            self.console.err(f"the outputs could not be written to {one_line(self._output.path)}: {problem.strerror}\n")
            self._arrived = False


class Watcher:
    """Shows the events of one run: at once when runs go one by one, else all of them when the run is over."""

    def __init__(self, batch: Batch, run: PlannedRun) -> None:
        self.run = run
        self._batch = batch
        self._buffer: io.StringIO | None = None
        self._details: RunPrinter | None = None
        if run.given.verbose and not run.given.dry_run:
            console = batch.console
            if run.given.many.jobs > 1:
                self._buffer = io.StringIO()
                console = Console(self._buffer, self._buffer, color=console.color)
            self._details = RunPrinter(console, verbosity=run.given.verbose)

    def on_event(self, event: Event, secrets: Secrets) -> None:
        """Show an event, or buffer its lines."""
        self._batch.console.secrets = secrets
        if self._details is not None:
            self._details.on_event(event, self._batch.known_secrets(self.run, secrets))
        else:
            self._batch.printer.on_event(self.run.name, event)

    def announce(self, path: str) -> None:
        """Note the file that holds the secret outputs."""
        self._batch.printer.kept(path)

    def shown(self) -> str:
        """Return the buffered lines."""
        if self._details is not None:
            self._details.close()
        return "" if self._buffer is None else self._buffer.getvalue()


def _not_run(run: PlannedRun) -> RunRecord:
    ready = run.ready
    return RunRecord(name=run.name, document=ready.spec, workflow_id=ready.workflow_id, program=ready.program)
