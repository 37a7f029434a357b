"""`arazzo schedule`: runs that start at the times of a cron expression."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from arazzo_runner import durable_runs
from arazzo_runner.cli.commands.queue import with_queues
from arazzo_runner.cli.errors import refuse
from arazzo_runner.cli.options import (
    SETTINGS,
    Name,
    arazzo_group,
    color_option,
    format_option,
    store_option,
)
from arazzo_runner.cli.run.durable import Submission, submission_options
from arazzo_runner.errors import ArazzoError
from arazzo_runner.program.library import display
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.json import pretty
from arazzo_runner.report.terminal.console import Console

_HELP = """\
They start at the times of a cron expression.

The workers start them, each time one run however many workers there are;
without a worker none starts. The id of a run is NAME-<time it was due>.

\b
Examples:
  arazzo schedule add nightly specs/arazzo/follow-the-pages.yml \\
      --cron '0 3 * * *' --timezone Europe/Berlin
  arazzo schedule list
  arazzo schedule remove nightly
"""


@arazzo_group("schedule", _HELP)
def command() -> None:
    """Group the subcommands."""


@command.command("add", short_help="Add a schedule.", context_settings=SETTINGS)
@click.argument("name", type=Name())
@submission_options
@click.option("--cron", metavar="EXPRESSION", required=True, help="Five fields, or six whose first is seconds.")
@click.option(
    "--timezone", metavar="ZONE", help="The time zone of the expression, such as Europe/Berlin (default: UTC)."
)
@store_option
@color_option
def add(
    name: str,
    submission: Any,
    reading: Any,
    limits: Any,
    transport: Any,
    cron: str,
    timezone: str | None,
    store: str | None,
    no_color: bool,
) -> int:
    """Load, check and store a document, which workers run at the times of the expression."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    try:
        ready = Submission(submission, reading, limits, transport, os.environ)
        if len(ready.specs) != 1:
            raise click.UsageError("a schedule starts one run, and --input-file has several rows")
        with durable_runs.opened(store, os.environ) as runtime:
            queues = durable_runs.queues(runtime)
            runtime.keep(ready.bundle)
            queues.add_schedule(durable_runs.run_id_of(name, ""), cron, ready.specs[0], timezone=timezone)
    except ArazzoError as problem:
        return refuse(console, problem.diagnostics, "schedule", as_json=False)
    console.err(f"schedule {name} is added\n")
    return 0


@command.command("list", short_help="List the schedules.", context_settings=SETTINGS)
@store_option
@format_option
@color_option
def list_(store: str | None, format_: str, no_color: bool) -> int:
    """List the schedules."""

    def ask(queues: Any, console: Console) -> int:
        found = queues.schedules()
        if format_ == "json":
            shown = [
                {
                    "name": each.name,
                    "cron": each.cron,
                    "timezone": each.timezone,
                    "queue": each.queue,
                    "workflowId": each.workflow_id,
                    "document": display(each.document),
                    "last": each.last,
                    **({} if each.problem is None else {"problem": f"{each.problem.code}: {each.problem.message}"}),
                }
                for each in found
            ]
            console.out(pretty({"schedules": [*shown]}))
            return _refused(console, found)
        lines = [
            f"{one_line(each.name)}  {one_line(each.cron)}  {each.timezone or 'UTC'}  {one_line(each.workflow_id)}"
            f"  queue {each.queue}  last {each.last or 'never'}\n"
            for each in found
        ]
        console.out("".join(lines) or "no schedules\n")
        return _refused(console, found)

    return with_queues(ask, store, no_color)


def _refused(console: Console, schedules: Sequence[Any]) -> int:
    problems = [each.problem for each in schedules if each.problem is not None]
    return refuse(console, problems, "schedule", as_json=False) if problems else 0


@command.command("remove", short_help="Remove a schedule.", context_settings=SETTINGS)
@click.argument("name", type=Name())
@store_option
@color_option
def remove(name: str, store: str | None, no_color: bool) -> int:
    """Remove a schedule; the runs that it started stay."""

    def ask(queues: Any, console: Console) -> int:
        queues.remove_schedule(name)
        console.err(f"schedule {name} is removed\n")
        return 0

    return with_queues(ask, store, no_color)
