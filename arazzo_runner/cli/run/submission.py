"""What `submit` and `schedule add` share: a document and inputs become specifications of runs, and a bundle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from arazzo_runner import api, durable_runs
from arazzo_runner.base.records import Record, field_names, replace
from arazzo_runner.cli.options import option_group, pairs, reading_options
from arazzo_runner.cli.reading_arguments import ReadingArguments
from arazzo_runner.cli.run.arguments import transport_of_arguments
from arazzo_runner.cli.run.execution import checked
from arazzo_runner.cli.run.inputs import GivenInputs, stated_inputs, with_environment, with_row
from arazzo_runner.cli.run.options import LimitArguments, TransportArguments, limit_options, transport_options
from arazzo_runner.cli.run.parameters import Name
from arazzo_runner.cli.run.rows import read_rows
from arazzo_runner.durable.bundle import Bundle
from arazzo_runner.durable.records import RunSpec
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.program.model import Program
from arazzo_runner.program.schemas import input_names

_TABLES = (".jsonl", ".ndjson", ".csv", ".tsv")


class SubmissionArguments(Record, kw_only=True):
    """What the command line said about what is submitted."""

    spec: str
    workflow: str | None
    inputs: tuple[str, ...]
    input_file: str | None
    servers: tuple[str, ...]
    server_variables: tuple[str, ...]
    include: tuple[str, ...]
    queue: str
    idempotency_keys: bool


_group = option_group(
    "submission",
    SubmissionArguments,
    click.argument("spec"),
    click.option("-w", "--workflow", metavar="ID", help="The workflow to run (needed when there are several)."),
    click.option(
        "-i", "--input", "inputs", metavar="NAME=VALUE", multiple=True, help="An input, as with arazzo run; repeatable."
    ),
    click.option(
        "--input-file",
        metavar="FILE",
        help="A mapping of inputs; or rows (.jsonl, .ndjson, .csv, .tsv): one run for each.",
    ),
    click.option("--server", "servers", metavar="NAME=URL", multiple=True, help="Call the source NAME at another URL."),
    click.option(
        "--server-var", "server_variables", metavar="NAME=VALUE", multiple=True, help="Set a variable of server URLs."
    ),
    click.option(
        "--include", metavar="FILE", multiple=True, help="Another Arazzo document that references may mean; repeatable."
    ),
    click.option(
        "--queue",
        type=Name(),
        metavar="NAME",
        default="default",
        show_default=True,
        help="The queue whose workers shall run it.",
    ),
    click.option(
        "--idempotency-keys",
        is_flag=True,
        help="Give every unsafe request an Idempotency-Key (default: where its description declares that header).",
    ),
)


def submission_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options that say what is submitted."""
    return _group(reading_options(limit_options(transport_options(command))))


class Submission:
    """A document, loaded and kept, ready to be submitted. Raises ArazzoError."""

    def __init__(
        self,
        given: SubmissionArguments,
        reading: ReadingArguments,
        limits: LimitArguments,
        transport: TransportArguments,
        environment: Mapping[str, str],
    ) -> None:
        self._given = given
        self._environment = environment
        said = {name: value for name in field_names(limits) if (value := getattr(limits, name)) is not None}
        default = replace(RunOptions(), run_timeout=None, transport=transport_of_arguments(transport))
        self._options = replace(default, **said)
        api.check_transport(self._options)
        self.program, self.bundle = self._loaded(reading)

    def _loaded(self, reading: ReadingArguments) -> tuple[Program, Bundle]:
        given = self._given
        how: dict[str, Any] = {
            **reading.as_keywords(),
            "include": given.include,
            "servers": pairs(given.servers, "--server", "NAME=URL"),
            "server_variables": pairs(given.server_variables, "--server-var"),
        }
        program, bundle = durable_runs.load_bundled(given.spec, given.workflow, how)
        return api.choose_workflow(program, given.workflow), bundle

    def specs(self) -> Iterator[RunSpec]:
        """Yield what each run is: one, or one for every row."""
        for inputs in self._inputs():
            values, _ = api.check_inputs(self.program, inputs.values, inputs.texts)
            spec = durable_runs.spec_of(self.program, self.bundle, values, self._options)
            yield replace(spec, queue=self._given.queue, idempotency_keys=self._given.idempotency_keys)

    def _inputs(self) -> Iterator[GivenInputs]:
        given, workflow = self._given, self.program.workflow
        names = input_names(workflow.inputs, workflow.document.raw) or frozenset()
        has_rows = given.input_file is not None and given.input_file.lower().endswith(_TABLES)
        stated = stated_inputs(given.inputs, None if has_rows else given.input_file)
        base = with_environment(stated, names, self._environment)
        if not has_rows or given.input_file is None:
            yield checked(self.program, base)
            return
        for row in read_rows(given.input_file):
            yield checked(self.program, with_row(base, row.inputs))
