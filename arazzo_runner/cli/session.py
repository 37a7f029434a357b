"""One run from the command line: load, check, watch, deliver the outputs, say how it ended."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from types import FrameType

from arazzo_runner import api
from arazzo_runner.cli.errors import EXIT_INTERRUPTED, refuse, usage_error
from arazzo_runner.cli.inputs import GivenInputs, given_inputs
from arazzo_runner.cli.options import ReadingArguments, pairs
from arazzo_runner.cli.recording import Recording
from arazzo_runner.diagnostics import ArazzoError, Diagnostic, InvalidUsage, Severity, did_you_mean
from arazzo_runner.engine.check_options import CheckOptions
from arazzo_runner.engine.events import Event
from arazzo_runner.engine.options import MAX_REDIRECTS, RunOptions, TransportOptions
from arazzo_runner.engine.partial import select
from arazzo_runner.engine.results import RunResult
from arazzo_runner.private_files import PrivateFile, state_folder
from arazzo_runner.program.model import Program
from arazzo_runner.program.schemas import input_names
from arazzo_runner.records import record
from arazzo_runner.report.console import Console
from arazzo_runner.report.dry_run import render_requests
from arazzo_runner.report.failure import failure_diagnostics, render_failure
from arazzo_runner.report.json import pretty, run_report, shown_outputs
from arazzo_runner.report.keep import Keep, has_secret_outputs
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.report.progress import RunPrinter, success_line
from arazzo_runner.report.text import render_diagnostics
from arazzo_runner.report.visible import one_line
from arazzo_runner.secrets import Secrets
from arazzo_runner.values import JsonValue

_EXIT_CODES = {"succeeded": 0, "failed": 1, "error": 2, "in_doubt": 3, "interrupted": EXIT_INTERRUPTED}


@record(frozen=True, slots=True, kw_only=True)
class RunArguments:
    """What the command line said; fields are named like the options."""

    spec: str
    workflow: str | None
    inputs: tuple[str, ...]
    input_file: str | None
    servers: tuple[str, ...]
    server_variables: tuple[str, ...]
    reading: ReadingArguments
    include: tuple[str, ...]
    mock: bool
    scenario: str | None
    switches: tuple[str, ...]
    dry_run: bool
    verbose: int
    quiet: bool
    format_: str
    output: str | None
    show_secrets: bool
    no_color: bool
    timeout: float | None
    run_timeout: float | None
    max_steps: int | None
    max_depth: int | None
    max_retry_wait: float | None
    poll_interval: float | None
    max_response_size: int | None
    criterion_timeout: float | None
    cookies: str | None
    parallel: int | None
    certs: tuple[str, ...]
    cacerts: tuple[str, ...]
    insecure_hosts: tuple[str, ...]
    proxies: tuple[str, ...]
    http2: bool | None
    follow_redirects: bool
    max_redirects: int | None
    checks: CheckOptions | None
    resend_unknown: bool
    step: str | None
    from_step: str | None
    until: str | None
    outputs_from: str | None
    record: str | None

    @property
    def as_json(self) -> bool:
        """Whether stdout holds the report of the whole run."""
        return self.format_ == "json"


def run_session(given: RunArguments, environment: Mapping[str, str]) -> int:
    """Run a workflow as the command line says and return the exit code."""
    console = Console(sys.stdout, sys.stderr, color=False if given.no_color else None)
    try:
        if not given.dry_run:
            api.check_transport(_options(given))
        program = _load(given)
        inputs = _inputs(given, program, environment)
        session = Session(given, program, inputs, console)
    except ArazzoError as problem:
        return refuse(console, problem.diagnostics, "run", as_json=given.as_json, workflow_id=given.workflow)
    with _termination_interrupts():
        return session.run()


def _load(given: RunArguments) -> Program:
    servers = pairs(given.servers, "--server", "NAME=URL")
    program = api.load(
        given.spec,
        given.workflow,
        **given.reading.as_keywords(),
        include=given.include,
        servers=servers,
        server_variables=pairs(given.server_variables, "--server-var"),
        any_server=given.mock,
    )
    _check_names(program, given.reading.sources, "--source")
    _check_names(program, servers, "--server")
    return api.choose_workflow(program, given.workflow)


def _check_names(program: Program, given: Iterable[str], option: str) -> None:
    """Refuse a source name nobody knows: the requests it was meant for would go to the real server."""
    known = list(dict.fromkeys(name for each in program.workflows.values() for name in each.document.sources))
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are: {', '.join(known)}"
            raise InvalidUsage(
                [usage_error(f'{option}: there is no source "{name}"', code="unknown-source", hint=hint)]
            )


def _inputs(given: RunArguments, program: Program, environment: Mapping[str, str]) -> GivenInputs:
    """Collect and check the inputs, so that nothing is sent, and no file made, when they are wrong."""
    workflow = program.workflow
    names = input_names(workflow.inputs, workflow.document.raw) or frozenset()
    inputs = given_inputs(given.inputs, given.input_file, names, environment)
    try:
        _, notes = api.check_inputs(program, inputs.values, inputs.texts)
    except ArazzoError as problem:
        secrets = Secrets(text for name, text in inputs.texts.items() if name in workflow.secret_inputs)
        for name in workflow.secret_inputs:
            secrets.add(inputs.values.get(name))
        raise type(problem)(masked_diagnostic(each, secrets) for each in problem.diagnostics) from None
    return replace(inputs, warnings=(*inputs.warnings, *notes))


def _options(given: RunArguments) -> RunOptions:
    """Return the run's options: what the command line says, else the defaults."""
    names = [each.name for each in fields(RunOptions) if hasattr(given, each.name)]
    said = {name: value for name in names if (value := getattr(given, name)) is not None}
    options = replace(RunOptions(), transport=_transport(given), **said)
    if given.outputs_from is None:
        return options
    from arazzo_runner.cli.step_outputs import read_step_outputs  # lazily: few runs are partial

    return replace(options, step_outputs=read_step_outputs(given.outputs_from))


def _transport(given: RunArguments) -> TransportOptions | None:
    redirects = (given.max_redirects or MAX_REDIRECTS) if given.follow_redirects else 0
    said = (given.certs, given.cacerts, given.insecure_hosts, given.proxies, given.http2, redirects)
    if not any(said) and given.http2 is None:
        return None
    from arazzo_runner.cli.transport import transport_of  # lazily: few runs need it

    return transport_of(*said)


class Session:
    """A run about to begin: everything is checked, every file that it may need can be written."""

    def __init__(self, given: RunArguments, program: Program, inputs: GivenInputs, console: Console) -> None:
        self._given = given
        self._options = _options(given)
        self._is_part = given.step is not None or given.until is not None
        select(program.workflow, self._options)
        self._program = program
        self._inputs = inputs
        self._console = console
        self._printer = RunPrinter(console, verbosity=given.verbose)
        self._output = None if given.output is None or given.dry_run else _prepared(given.output)
        explicit = given.show_secrets or given.output is not None or given.dry_run
        self._recording = None if given.record is None else _recording(given)
        self._keep = None if explicit or not has_secret_outputs(program) else self._prepared_keep()

    def run(self) -> int:
        """Run, deliver the outputs and return the exit code."""
        given = self._given
        warnings = (*self._inputs.warnings, *self._program.diagnostics)
        if warnings and not given.quiet:
            self._console.err(render_diagnostics(warnings, color=self._console.color) + "\n")
        try:
            result = self._performed()
        except BaseException:
            self._abandon()
            raise
        self._printer.close()
        self._console.secrets = result.secrets
        delivered = self._deliver(result)
        self._console.err(self._ending(result))
        code = _EXIT_CODES[result.status]
        return code if delivered or code else 1

    def _ending(self, result: RunResult) -> str:
        if result.status != "succeeded":
            return render_failure(result, color=self._console.color)
        quiet = self._given.quiet or self._given.dry_run
        return "" if quiet else success_line(result, color=self._console.color) + "\n"

    def _performed(self) -> RunResult:
        given, inputs = self._given, self._inputs
        if given.dry_run:
            return api.dry_run(
                self._program,
                inputs=inputs.values,
                input_texts=inputs.texts,
                on_event=self._on_event,
                options=self._options,
            )
        return api.run(
            self._program,
            inputs=inputs.values,
            input_texts=inputs.texts,
            mock=given.mock,
            scenario=given.scenario,
            switches=given.switches,
            around=None if self._recording is None else self._recording.around,
            on_event=self._on_event,
            options=self._options,
        )

    def _on_event(self, event: Event, secrets: Secrets) -> None:
        # First to disk, then to the screen: what the screen names must be there.
        self._console.secrets = secrets
        if self._keep is not None:
            self._keep.on_event(event, secrets)
        if not self._given.quiet and not self._given.dry_run:
            self._printer.on_event(event, secrets)

    # ------------------------------------------------------------------ delivering

    def _deliver(self, result: RunResult) -> bool:
        """Write the outputs where they are wanted; False when a place could not take them."""
        if self._keep is not None:
            self._keep.finish(result.status, result.outputs)
        delivered = self._deliver_file(result) and self._deliver_recording(result)
        arrived = self._console.out(self._stdout(result))
        if not arrived:
            self._console.err("the outputs could not be written to standard output\n")
        return delivered and arrived

    def _stdout(self, result: RunResult) -> str:
        given = self._given
        missing = () if self._is_part else tuple(_missing_outputs(self._program, result))
        if given.as_json:
            extra = (*self._inputs.warnings, *missing, *failure_diagnostics(result))
            return pretty(run_report(result, show_secrets=given.show_secrets, diagnostics=extra))
        if given.dry_run:
            return render_requests(result)
        if self._is_part:
            return pretty(self._outputs(result, show_secrets=given.show_secrets))
        if missing and result.status == "succeeded" and not given.quiet:
            self._console.err(render_diagnostics(missing, color=self._console.color))
        if not result.outputs and not (result.status == "succeeded" and missing):
            return ""
        return pretty(shown_outputs(result, show_secrets=given.show_secrets))

    def _outputs(self, result: RunResult, *, show_secrets: bool) -> dict[str, JsonValue]:
        """Return what stdout and --output hold: the workflow's outputs, of a run that ends early the steps'."""
        if not self._is_part:
            return shown_outputs(result, show_secrets=show_secrets)
        from arazzo_runner.cli.step_outputs import step_outputs  # lazily: few runs are partial

        return step_outputs(self._program, result, self._options.step_outputs, show_secrets=show_secrets)

    def _deliver_file(self, result: RunResult) -> bool:
        if self._output is None:
            return True
        try:
            self._output.write(pretty(self._outputs(result, show_secrets=True)))
        except OSError as problem:
            self._console.err(
                f"the outputs could not be written to {one_line(self._output.path)}: {problem.strerror}\n"
            )
            return False
        return True

    def _deliver_recording(self, result: RunResult) -> bool:
        if self._recording is None:
            return True
        inputs, _ = api.check_inputs(self._program, self._inputs.values, self._inputs.texts)
        try:
            self._recording.finish(result, inputs)
        except OSError as problem:
            self._console.err(
                f"the recording could not be written to {one_line(self._given.record or '')}: {problem}\n"
            )
            return False
        return True

    def _abandon(self) -> None:
        """Leave no empty file behind when the run could not even begin."""
        self._printer.close()
        for file in (self._output, self._recording):
            if file is not None:
                file.discard()
        if self._keep is not None and not self._keep.used:
            self._keep.discard()

    def _prepared_keep(self) -> Keep:
        try:
            return Keep.prepare(self._program, self._announce)
        except OSError as problem:
            message = f"secret outputs cannot be kept in {state_folder()}: {problem.strerror or problem}"
            hint = "say where they should go with --output FILE or --show-secrets, or set XDG_STATE_HOME"
            raise InvalidUsage([usage_error(message, code="cannot-keep-secrets", hint=hint)]) from None

    def _announce(self, path: str) -> None:
        self._printer.note(f"secret outputs are kept in {one_line(path)}")


def _recording(given: RunArguments) -> Recording:
    assert given.record is not None
    return Recording(given.record, given.spec, elsewhere=given.mock or bool(given.servers))


def _prepared(path: str) -> PrivateFile:
    try:
        return PrivateFile.prepare(path)
    except OSError as problem:
        message = f"the outputs cannot be written to {path}: {problem.strerror or problem}"
        raise InvalidUsage(
            [usage_error(message, code="cannot-write-output", hint="name a file with --output")]
        ) from None


def _missing_outputs(program: Program, result: RunResult) -> Iterator[Diagnostic]:
    for name in result.missing_outputs:
        yield Diagnostic(
            code="missing-output",
            severity=Severity.WARNING,
            message=f'output "{name}" has no value',
            at=program.workflow.at.child("outputs").child(name),
        )


@contextlib.contextmanager
def _termination_interrupts() -> Iterator[None]:
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
