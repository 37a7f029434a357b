"""`arazzo queue`: queues of durable runs and their limits."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from arazzo_runner import durable_runs
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.cli.errors import refuse
from arazzo_runner.cli.options import (
    SETTINGS,
    Count,
    Name,
    Seconds,
    arazzo_group,
    color_option,
    format_option,
    store_option,
)
from arazzo_runner.engine.options import MOST_SECONDS
from arazzo_runner.errors import ArazzoError
from arazzo_runner.report.json import pretty
from arazzo_runner.report.terminal.console import Console

_HELP = """\
Configure a queue before its workers start: runs that have started are not
affected. A queue that was never configured has --worker-concurrency 10.

\b
Examples:
  arazzo queue configure bulk --concurrency 50 --worker-concurrency 20
  # at most 100 runs start in 60 seconds
  arazzo queue configure api-limited --rate 100/60
  arazzo queue list
"""


def _rate(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, float] | None:
    """Return RUNS/SECONDS as two numbers."""
    if value is None:
        return None
    runs, _, seconds = value.partition("/")
    try:
        found = int(runs), float(seconds)
    except ValueError:
        found = 0, 0.0
    if not 1 <= found[0] < 2**31 or not 0 < found[1] <= MOST_SECONDS:
        raise click.BadParameter(f'"{value}" is not a rate; write RUNS/SECONDS, such as 100/60', context, parameter)
    return found


@arazzo_group("queue", _HELP)
def command() -> None:
    """Group the subcommands."""


def with_queues(ask: Callable[[Any, Console], int], store: str | None, no_color: bool) -> int:
    """Open the store and call `ask` with its queues; prints errors and returns the exit code."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    try:
        with durable_runs.opened(store, os.environ) as runtime:
            return ask(durable_runs.queues(runtime), console)
    except ArazzoError as problem:
        return refuse(console, problem.diagnostics, "queue", as_json=False)


@command.command("configure", short_help="Create a queue, or change its limits.", context_settings=SETTINGS)
@click.argument("name", type=Name())
@click.option("--concurrency", type=Count(), metavar="N", help="Runs at the same time, on all workers.")
@click.option(
    "--worker-concurrency",
    type=Count(),
    metavar="N",
    default=10,
    show_default=True,
    help="Runs at the same time, on each worker.",
)
@click.option("--rate", callback=_rate, metavar="RUNS/SECONDS", help="The most runs that start in so many seconds.")
@click.option(
    "--poll",
    type=Seconds(0.01),
    metavar="S",
    default=0.2,
    show_default=True,
    help="Seconds after which each worker looks for work again.",
)
@store_option
@color_option
def configure(
    name: str,
    concurrency: int | None,
    worker_concurrency: int,
    rate: tuple[int, float] | None,
    poll: float,
    store: str | None,
    no_color: bool,
) -> int:
    """Create a queue, or replace its limits."""

    def ask(queues: Any, console: Console) -> int:
        each = worker_concurrency if concurrency is None else min(worker_concurrency, concurrency)
        limits = durable_runs.queue_limits(name, concurrency, each, rate, poll)
        queues.configure(limits)
        console.err(f"queue {name} is configured\n")
        return 0

    return with_queues(ask, store, no_color)


@command.command("list", short_help="List the queues and their limits.", context_settings=SETTINGS)
@store_option
@format_option
@color_option
def list_(store: str | None, format_: str, no_color: bool) -> int:
    """List the queues and their limits."""

    def ask(queues: Any, console: Console) -> int:
        found = [_shown(queue) for queue in queues.queues()]
        if format_ == "json":
            console.out(pretty({"queues": [*found]}))
            return 0
        lines = [", ".join(f"{name} {value}" for name, value in queue.items() if value is not None) for queue in found]
        console.out("".join(f"{line}\n" for line in lines) or "no queues\n")
        return 0

    return with_queues(ask, store, no_color)


@command.command("remove", short_help="Remove a queue that is empty.", context_settings=SETTINGS)
@click.argument("name", type=Name())
@store_option
@color_option
def remove(name: str, store: str | None, no_color: bool) -> int:
    """Remove a queue that holds no unfinished runs."""

    def ask(queues: Any, console: Console) -> int:
        queues.remove_queue(name)
        console.err(f"queue {name} is removed\n")
        return 0

    return with_queues(ask, store, no_color)


def _shown(queue: Any) -> dict[str, JsonValue]:
    return {
        "queue": queue.name,
        "concurrency": queue.concurrency,
        "workerConcurrency": queue.worker_concurrency,
        "rate": None if queue.rate is None else f"{queue.rate}/{queue.period:g}",
        "poll": queue.poll,
    }
