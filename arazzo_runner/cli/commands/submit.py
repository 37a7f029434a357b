"""`arazzo submit`: submit runs to the workers of a queue."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from arazzo_runner import durable_runs
from arazzo_runner.cli.errors import refuse
from arazzo_runner.cli.options import MOST_RUNS, Count, arazzo_command, color_option, store_option
from arazzo_runner.cli.run.durable import Submission, submission_options
from arazzo_runner.errors import ArazzoError
from arazzo_runner.report.terminal.console import Console

_HELP = """\
The workers of a queue perform them.

The documents are stored with the runs: workers need no files. The ids of the
runs go to standard output. Submitting an id again does nothing, so that an
interrupted submission can be repeated.

\b
Examples:
  arazzo submit specs/arazzo/look-up-an-address.yml -i text=bahnhofstr
  arazzo submit specs/arazzo/look-up-an-address.yml -i text=bahnhofstr \\
      --count 100 --run-id load --priority 10
  # a run per row of inputs, in a store of your choice
  arazzo submit specs/arazzo/look-up-an-address.yml --store runs.db \\
      --input-file specs/files/addresses.jsonl --run-id july
"""


@arazzo_command("submit", _HELP)
@submission_options
@click.option("--count", type=Count(most=MOST_RUNS), metavar="N", default=1, help="Submit everything N times.")
@click.option(
    "--run-id", metavar="ID", help="The id of the run, or the prefix of several: ID-1, ID-2 … (default: generated)."
)
@click.option(
    "--priority",
    type=click.IntRange(min=1, max=2**31 - 1),
    metavar="N",
    help="Lower numbers go first; runs without one go before all.",
)
@store_option
@color_option
def command(
    submission: Any,
    reading: Any,
    limits: Any,
    transport: Any,
    count: int,
    run_id: str | None,
    priority: int | None,
    store: str | None,
    no_color: bool,
) -> int:
    """Load, check, store and submit; prints the ids of the runs."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    try:
        ready = Submission(submission, reading, limits, transport, os.environ)
        specs = [spec for _ in range(count) for spec in ready.specs]
        name = durable_runs.run_id_of(run_id, ready.program.workflow.workflow_id)
        names = [name] if len(specs) == 1 else [f"{name}-{number}" for number in range(1, len(specs) + 1)]
        with durable_runs.opened(store, os.environ) as runtime:
            queues = durable_runs.queues(runtime)
            runtime.keep(ready.bundle)
            new = queues.submit(list(zip(names, specs, strict=True)), priority=priority)
    except ArazzoError as problem:
        return refuse(console, problem.diagnostics, "submit", as_json=False)
    console.out("".join(f"{each}\n" for each in names))
    old = len(names) - new
    console.err(f"{new} submitted to {submission.queue}" + (f", {old} were there already\n" if old else "\n"))
    return 0
