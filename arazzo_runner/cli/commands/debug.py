"""`arazzo debug`: a run that stops before each request or message and after each answer and asks what to do."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from arazzo_runner import api
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.base.user_files import UnusableFile, read_line
from arazzo_runner.cli.debugger import HELP, Debugger
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.option_table import ReadingArguments
from arazzo_runner.cli.options import (
    STATEFUL,
    arazzo_command,
    color_option,
    file_root_option,
    input_option,
    mock_lenient_option,
    mock_option,
    mock_options,
    reading_options,
    server_option,
)
from arazzo_runner.cli.run.environments import environment_files
from arazzo_runner.cli.run.execution import kept_note, prepared_secret_file, result_so_far
from arazzo_runner.cli.run.inputs import given_inputs, stated_inputs, with_defaults, with_files_placed
from arazzo_runner.cli.run.options import Defaults, environment_file_option, environment_option
from arazzo_runner.cli.run.prepare import checked, credentials_of, reading_with, settings_of, with_message_settings
from arazzo_runner.cli.run.session import EXIT_CODES, termination_interrupts
from arazzo_runner.engine.effects import CredentialsGiven, World
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.results import Event, RunResult
from arazzo_runner.errors import Diagnostic, InvalidUsage
from arazzo_runner.program.model import Program
from arazzo_runner.program.schemas import input_names
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.failure import render_failure
from arazzo_runner.report.json import pretty, shown_outputs
from arazzo_runner.report.secret_file import has_secret_outputs
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.report.terminal.progress import RunPrinter, success_line
from arazzo_runner.runtime.debugger import DebugWorld, Memory, Restart
from arazzo_runner.runtime.given_files import check_files
from arazzo_runner.runtime.mock.api import MockChoices, MockedRun, mocked_run
from arazzo_runner.runtime.mock.worlds import DryRunWorld, StepWorld
from arazzo_runner.runtime.performing import Mock
from arazzo_runner.runtime.signals import interruptible

_HELP = f"""\
The run stops before each request and after each response, and before and after
each message that is sent or waited for, and asks what to do.
Commands are read from standard input, one a line; its end ends the run.

\b
{HELP}
\b
Examples:
  arazzo debug specs/arazzo/two-apis.yml -i sku=LAMP-1 -i apiKey=demo --mock
  arazzo debug specs/arazzo/two-apis.yml -i sku=A -i apiKey=b --mock \\
      --break order
"""


@arazzo_command("debug", _HELP)
@click.argument("spec")
@click.option("-w", "--workflow", metavar="ID", help="The workflow to run (needed when there are several).")
@input_option("An input; repeatable.")
@click.option("--input-file", metavar="FILE", help="A YAML or JSON mapping of inputs.")
@server_option
@environment_option
@environment_file_option
@click.option("--break", "breakpoints", metavar="STEP", multiple=True, help="Stop at this step only; repeatable.")
@mock_option
@mock_lenient_option
@mock_options
@file_root_option
@reading_options
@color_option
def command(env_files: tuple[str, ...], **given: Any) -> int:
    """Run step by step with the variables of --env-file; returns the exit code of the run."""
    with environment_files(env_files):
        return _debug(**given)


def _debug(
    spec: str,
    workflow: str | None,
    inputs: tuple[tuple[str, str], ...],
    input_file: str | None,
    servers: dict[str, str],
    breakpoints: tuple[str, ...],
    env: str | None,
    mock: Mock,
    mock_lenient: bool,
    scenario: str | None,
    switches: tuple[str, ...],
    file_roots: tuple[str, ...],
    reading: ReadingArguments,
    no_color: bool,
) -> int:
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    defaults = settings_of(spec, env, read_inputs=True)
    program = api.load_named(
        spec,
        workflow,
        load_options=reading_with(
            reading,
            defaults,
            servers={**defaults.servers, **servers},
            server_variables=defaults.server_variables,
            channel_addresses=defaults.channel_addresses,
            any_server=bool(mock),
        ),
        named=reading.load_options(servers=servers),
    )
    program = api.choose_workflow(program, workflow)
    names = input_names(program.workflow.inputs, program.workflow.document.raw) or frozenset()
    given = with_defaults(given_inputs(inputs, input_file, names, os.environ, [program]), names, defaults.inputs)
    values, _ = checked(program, given)
    choices = MockChoices(stateful=mock == STATEFUL, lenient=mock_lenient) if mock else None
    roots = (*defaults.file_roots, *file_roots)
    check_files(program, values, RunOptions(file_roots=roots))
    options = RunOptions(run_timeout=None, file_roots=roots)  # the user decides how long it takes
    options = with_message_settings(options, defaults.messages)
    if not mock:
        api.check_brokers(program, options)
    credentials = _credentials(program, defaults, mock=bool(mock))
    with (
        _mocked(program, values, choices=choices, scenario=scenario, switches=switches) as mocked,
        _messages(program, options, mocked, credentials) as world,
        termination_interrupts(),
    ):
        ready = program if mocked is None else mocked.program
        result = _Session(console, ready, set(breakpoints), options, credentials, world, mock=bool(mock)).run(values)
    return _delivered(console, result)


def _delivered(console: Console, result: RunResult) -> int:
    """Print the outputs and the last lines of a run; returns its exit code."""
    if result.outputs:
        console.out(pretty(shown_outputs(result, show_secrets=False)))
    if result.status == "succeeded":
        console.err(success_line(result, color=console.color, width=console.text_width) + "\n")
    else:
        console.err(render_failure(result, color=console.color, width=console.text_width))
    return EXIT_CODES[result.status]


@contextlib.contextmanager
def _mocked(
    program: Program,
    inputs: Mapping[str, JsonValue],
    *,
    choices: MockChoices | None,
    scenario: str | None,
    switches: tuple[str, ...],
) -> Iterator[MockedRun | None]:
    """Serve the mock for the whole session, unless `choices` is None: a restart must not reset its state."""
    if choices is None:
        yield None
        return
    with mocked_run(program, scenario=scenario, switches=switches, choices=choices, inputs=inputs) as mocked:
        yield mocked


@contextlib.contextmanager
def _messages(
    program: Program, options: RunOptions, mocked: MockedRun | None, credentials: CredentialsGiven
) -> Iterator[World | None]:
    """Return the World of a program with messages, for the whole session: a restart must not miss what comes.

    None for a program without any, whose runs have their own Worlds.
    """
    if next(program.message_steps(), None) is None:
        yield None
        return
    from arazzo_runner.runtime.http import BlockingWorld  # lazily: a run has its own otherwise

    with BlockingWorld() as world:
        if mocked is not None:
            yield mocked.messages(world)
            return
        with api.open_brokers(program, credentials, options) as brokers:
            yield brokers.around(world)


class _Session:
    """A run that is repeated from recorded responses each time an input is edited."""

    def __init__(
        self,
        console: Console,
        program: Program,
        breakpoints: set[str],
        options: RunOptions,
        credentials: CredentialsGiven,
        world: World | None,
        *,
        mock: bool,
    ) -> None:
        steps = tuple(dict.fromkeys(step.step_id for each in program.workflows.values() for step in each.steps))
        for name in breakpoints - set(steps):
            hint = f"available: {', '.join(steps)}"
            message = f'--break: there is no step "{name}"'
            raise InvalidUsage([usage_error(message, code="unknown-step", hint=hint)])
        self._program = program
        self._options = options
        self._performing = world
        self._mock = mock
        self._credentials = credentials
        self._printer = RunPrinter(console)
        self._console = console
        self._debugger = Debugger(console, _reader(console), self._coerced, steps, breakpoints)
        self._memory = Memory()
        self._keep = (
            prepared_secret_file(program, self._announce, is_mock=mock) if has_secret_outputs(program) else None
        )
        self._world: DebugWorld | None = None

    def run(self, inputs: dict[str, JsonValue]) -> RunResult:
        """Run to the end, again each time an input is edited."""
        while True:
            self._debugger.inputs = inputs
            try:
                result = api.run(
                    self._program,
                    inputs=inputs,
                    world=self._performing,
                    around=self._around,
                    on_event=self._on_event,
                    options=self._options,
                    credentials=self._credentials,
                )
            except KeyboardInterrupt as stop:  # by the user, who may just have quit
                result = result_so_far(stop)
            except Restart as restart:
                inputs = restart.inputs
                self._console.err("the run is repeated from its recorded responses; nothing is sent twice\n")
                continue
            self._printer.close()
            self._console.secrets = result.secrets
            if self._keep is not None:
                self._keep.finish(result.status, result.outputs)
            return result

    def _around(self, world: World) -> World:
        world = StepWorld(world) if self._mock else world
        self._world = DebugWorld(world, self._debugger.ask, self._memory, DryRunWorld(self._program))
        return self._world

    def _on_event(self, event: Event, secrets: Secrets) -> None:
        self._console.secrets = secrets
        if self._keep is not None:
            self._keep.on_event(event, secrets)
        self._debugger.on_event(event, secrets)
        if self._world is None or not self._world.behind:
            self._printer.on_event(event, secrets)

    def _coerced(self, texts: Mapping[str, str]) -> tuple[dict[str, JsonValue], tuple[Diagnostic, ...]]:
        given = with_files_placed(stated_inputs(tuple(texts.items()), None, [self._program]), self._program)
        values = {name: value for name, value in self._debugger.inputs.items() if name not in texts}
        return api.check_inputs(self._program, {**values, **given.values}, given.texts)

    def _announce(self, path: str) -> None:
        self._printer.note(kept_note(path))


def _credentials(program: Program, defaults: Defaults, *, mock: bool) -> CredentialsGiven:
    """Return the credentials that all repetitions share, so that no token is fetched twice; placeholders for a mock."""
    if mock:
        from arazzo_runner.runtime.auth.sources import Placeholders

        return Placeholders()
    return credentials_of([program], defaults.credentials_file, defaults.credentials)


def _reader(console: Console) -> Callable[[str], str]:
    """Return a function that asks for a line on standard error; standard output is for the workflow's outputs."""

    def read(prompt: str) -> str:
        console.err(prompt)
        try:
            with interruptible():
                line = read_line()
        except UnusableFile as problem:
            console.err(f"\nstandard input cannot be read: {problem}\n")
            raise EOFError from None
        if not line:
            console.err("\n")
            raise EOFError
        if not sys.stdin.isatty():
            console.err(one_line(line.rstrip("\n")) + "\n")
        return line

    return read
