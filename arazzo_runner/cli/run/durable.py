"""Durable runs from the command line: one that begins now, and those that are submitted for workers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from arazzo_runner import api, durable_runs
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.cli.option_table import ReadingArguments
from arazzo_runner.cli.options import (
    Name,
    channel_address_option,
    input_option,
    option_group,
    reading_options,
    server_option,
    server_variable_option,
    unknown_columns_option,
)
from arazzo_runner.cli.run.execution import Announce, Execution
from arazzo_runner.cli.run.inputs import stated_inputs, with_defaults, with_environment, with_row
from arazzo_runner.cli.run.options import (
    LimitArguments,
    RunArguments,
    TransportArguments,
    environment_option,
    idempotency_option,
    limit_options,
    transport_options,
)
from arazzo_runner.cli.run.prepare import (
    Prepared,
    checked,
    load_options,
    reading_with,
    settings_of,
    with_message_settings,
)
from arazzo_runner.cli.run.rows import ROW_SUFFIXES, rows_for
from arazzo_runner.durable.records import RunSpec
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.results import RunResult
from arazzo_runner.program.schemas import input_names
from arazzo_runner.report.escaping import one_line
from arazzo_runner.sources.fetch import DocumentSnapshot


class DurableExecution(Execution):
    """A durable run about to begin, its store open. `snapshot` holds the documents of its program."""

    def __init__(
        self,
        given: RunArguments,
        ready: Prepared,
        *,
        on_event: api.OnEvent,
        announce: Announce,
        snapshot: DocumentSnapshot,
    ) -> None:
        super().__init__(given, ready, on_event=on_event, announce=announce)
        self._announce = announce
        self._bundle = durable_runs.bundled(snapshot, load_options(given))
        self._run_id = durable_runs.run_id_of(given.durable.run_id, ready.workflow_id)
        self._runtime = durable_runs.opened(given.durable.store, os.environ)
        self._outcome: Any = None

    def perform(self) -> RunResult:
        """Begin the run and perform it; blocking."""
        ready = self.ready
        spec = durable_runs.spec_of(ready.program, self._bundle, ready.inputs, ready.options)
        names = self.given.defaults.credentials
        spec = replace(spec, idempotency_keys=self.given.durable.idempotency_keys, credential_names=names)
        with self._runtime as runtime:
            if not self.given.quiet:
                self._announce(f"durable run {self._run_id}")
            self._outcome = unless_interrupted(
                lambda: runtime.start(
                    spec, self._bundle, run_id=self._run_id, on_event=self._reported, program=ready.program
                )
            )
        result: RunResult = self._outcome.result
        return result

    def closing_lines(self) -> str:
        """Return how an unfinished run is resumed, or where the outputs of an ended one are."""
        return closing_lines(self._outcome, self.given.durable.store)


def unless_interrupted(perform: Callable[[], Any]) -> Any:
    """Perform a durable run and return its Outcome, also the one so far of a run that is interrupted."""
    try:
        return perform()
    except KeyboardInterrupt as stop:
        outcome = durable_runs.partial_outcome(stop)
        if outcome is None:
            raise
        return outcome


def closing_lines(outcome: Any, store: str | None) -> str:
    """Return how an unfinished run is resumed, or where the outputs of an ended one are, and what it may have lost."""
    if outcome is None:
        return ""
    return _lossy(outcome.result) + _what_next(outcome, store)


def _lossy(result: RunResult) -> str:
    found = (each for each in result.diagnostics if each.code == "messages-may-be-lost")
    return "".join(f"warning[{each.code}]: {one_line(result.secrets.mask(each.message))}\n" for each in found)


def _what_next(outcome: Any, store: str | None) -> str:
    option = f" --store {one_line(store)}" if store else ""
    if outcome.doubts:
        return "".join(_doubt(outcome.run_id, doubt, option) for doubt in outcome.doubts)
    if outcome.unfinished:
        return f"the run is stored; continue it with: arazzo resume {outcome.run_id}{option}\n"
    if outcome.result.secret_outputs:
        return f"secret outputs are stored: arazzo runs show {outcome.run_id}{option} --show-secrets\n"
    return ""


def _doubt(run_id: str, doubt: Any, option: str) -> str:
    command = f"arazzo resume {run_id}{option} --step {one_line(doubt.step_id)} --as"
    where, acted = ("by the receiver", "taken") if doubt.is_message else ("on the server", "acted on")
    done = (
        f"    {command} sent       it was\n"
        if doubt.is_message
        else f"    {command} FILE.json  it was, and this is the response: "
        '{"status": 200, "headers": {}, "body": {}}\n'
    )
    return (
        f"in doubt: {one_line(doubt.step_id)}: {doubt.method} {one_line(doubt.url)}\n"
        f"  Find out {where} whether it was {acted}, then run one of these:\n"
        f"    {command} failed     it was not: the step fails\n"
        f"    {command} resend     it may be sent again\n{done}"
    )


# ------------------------------------------------------------------ submissions


class SubmissionArguments(Record, kw_only=True):
    """What is submitted: a document, its workflow and the inputs of one run or many."""

    spec: str
    workflow: str | None
    inputs: tuple[tuple[str, str], ...]
    input_file: str | None
    allow_unknown_columns: bool
    servers: Mapping[str, str]
    server_variables: Mapping[str, str]
    channel_addresses: Mapping[str, str]
    include: tuple[str, ...]
    queue: str
    idempotency_keys: bool
    env: str | None


_group = option_group(
    "submission",
    SubmissionArguments,
    click.argument("spec"),
    click.option("-w", "--workflow", metavar="ID", help="The workflow to run (needed when there are several)."),
    input_option("An input, as with arazzo run; repeatable."),
    click.option(
        "--input-file",
        metavar="FILE",
        help="A mapping of inputs, or rows (.jsonl, .ndjson, .csv, .tsv) for one run each.",
    ),
    unknown_columns_option,
    server_option,
    server_variable_option,
    channel_address_option,
    click.option(
        "--include", metavar="FILE", multiple=True, help="Another Arazzo document for references; repeatable."
    ),
    click.option(
        "--queue",
        type=Name(),
        metavar="NAME",
        default="default",
        show_default=True,
        help="The queue whose workers perform it.",
    ),
    idempotency_option,
    environment_option,
)


def submission_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options that say which runs are submitted; the command gets four records, `submission` first."""
    return _group(reading_options(limit_options(transport_options(command))))


class Submission:
    """The runs of a document that are ready to be submitted: `specs`, one of each. Raises ArazzoError."""

    def __init__(
        self,
        given: SubmissionArguments,
        reading: ReadingArguments,
        limits: LimitArguments,
        transport: TransportArguments,
        environment: Mapping[str, str],
    ) -> None:
        default = replace(RunOptions(), run_timeout=None, transport=transport.as_options())
        self._defaults = defaults = settings_of(given.spec, given.env, read_inputs=True)
        options = replace(default, **limits.as_options(defaults.file_roots))
        options = with_message_settings(options, defaults.messages)
        api.check_transport(options)
        how = reading_with(
            reading,
            defaults,
            include=tuple(given.include),
            servers={**defaults.servers, **given.servers},
            server_variables={**defaults.server_variables, **given.server_variables},
            channel_addresses={**defaults.channel_addresses, **given.channel_addresses},
        )
        asked = reading.load_options(
            servers=given.servers,
            server_variables=given.server_variables,
            channel_addresses=given.channel_addresses,
        )
        program, self.bundle = durable_runs.load_bundled(given.spec, given.workflow, how, asked)
        self.program = api.choose_workflow(program, given.workflow)
        self.specs = [self._spec(given, options, inputs) for inputs in self._inputs(given, environment)]

    def _spec(self, given: SubmissionArguments, options: RunOptions, inputs: Mapping[str, JsonValue]) -> RunSpec:
        spec = durable_runs.spec_of(self.program, self.bundle, inputs, options)
        names = self._defaults.credentials
        return replace(spec, queue=given.queue, idempotency_keys=given.idempotency_keys, credential_names=names)

    def _inputs(self, given: SubmissionArguments, environment: Mapping[str, str]) -> Iterator[dict[str, JsonValue]]:
        """Yield the inputs of the only run, or of the run of each row."""
        workflow = self.program.workflow
        names = input_names(workflow.inputs, workflow.document.raw) or frozenset()
        file = given.input_file
        has_rows = file is not None and file.lower().endswith(ROW_SUFFIXES)
        stated = stated_inputs(given.inputs, None if has_rows else file, [self.program])
        base = with_environment(stated, names, environment)
        base = with_defaults(base, names, self._defaults.inputs)
        if not has_rows or file is None:
            yield checked(self.program, base)[0]
            return
        for row in rows_for([self.program], file, allow_unknown=given.allow_unknown_columns):
            yield checked(self.program, with_row(base, row.inputs))[0]
