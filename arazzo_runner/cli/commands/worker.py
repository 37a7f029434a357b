"""`arazzo worker`: performs submitted runs, and takes over those of a dead worker."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import click

from arazzo_runner import durable_runs
from arazzo_runner.cli.commands.queue import with_queues
from arazzo_runner.cli.errors import refuse
from arazzo_runner.cli.options import SETTINGS, Count, Name, arazzo_group, color_option, store_option
from arazzo_runner.errors import ArazzoError
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.runtime.signals import not_ignored

_HELP = """\
The worker runs until it is stopped.

Give every worker its own name, and restart it under that name after a crash:
it continues its runs. SIGTERM and Ctrl-C wait up to 30 seconds for runs to
end; the others continue when the worker is started again. Runs in doubt are
set aside: `arazzo runs list --state in_doubt` lists them.

\b
Examples:
  arazzo worker --name w1 --store runs.db
  arazzo worker --name w2 --queue default --queue bulk
  arazzo worker --name batch --drain     # ends when the queue is empty
  arazzo worker adopt w3                 # others take over the runs of w3
"""


@arazzo_group("worker", _HELP, invoke_without_command=True)
@click.option(
    "--name", type=Name(), metavar="NAME", help="The name of the worker: unique, and the same after a restart."
)
@click.option(
    "--queue",
    "queues",
    type=Name(),
    metavar="NAME",
    multiple=True,
    help="A queue to take runs from (default: default).",
)
@click.option(
    "--concurrency",
    type=Count(),
    metavar="N",
    help="Runs at the same time; sets the limit of the queue for each of its workers (default 10).",
)
@click.option("--drain", is_flag=True, help="End when the queues are empty.")
@click.option("-q", "--quiet", is_flag=True, help="Do not print a line for each run.")
@store_option
@color_option
@click.pass_context
def command(
    context: click.Context,
    name: str | None,
    queues: tuple[str, ...],
    concurrency: int | None,
    drain: bool,
    quiet: bool,
    store: str | None,
    no_color: bool,
) -> int:
    """Perform runs until stopped, unless a subcommand is called."""
    if context.invoked_subcommand is not None:
        return 0
    if not name:
        raise click.UsageError("--name is needed", context)
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    try:
        with durable_runs.opened(store, os.environ) as runtime:
            names = queues or ("default",)
            durable_runs.ready_queues(runtime, names, concurrency)
            reporter = _Reporter(console, quiet)
            worker = durable_runs.worker(
                runtime, durable_runs.run_id_of(name, ""), names, reporter.outcome, reporter.problem
            )
            console.err(f"worker {name} takes runs from {', '.join(map(one_line, names))}\n")
            with _stop_on_signals() as stop:
                worker.work(stop, drain=drain)
    except ArazzoError as problem:
        return refuse(console, problem.diagnostics, "worker", as_json=False)
    console.err(f"worker {name} has stopped\n")
    return 0


class _Reporter:
    """Prints a line for every run that ended or stopped; called from several threads."""

    def __init__(self, console: Console, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._lock = threading.Lock()

    def outcome(self, outcome: Any) -> None:
        """Print the outcome of a run."""
        if self._quiet:
            return
        result = outcome.result
        reason = f": {one_line(result.reason)}" if result.reason else ""
        line = f"{outcome.run_id} {result.status.replace('_', ' ')}{reason} ({result.duration_ms:.0f} ms)\n"
        self._print(result.secrets.mask(line))

    def problem(self, run_id: str, problem: Exception) -> None:
        """Print that a run could not be performed; it can be resumed."""
        if isinstance(problem, ArazzoError):
            why = "; ".join(each.message for each in problem.diagnostics)
        else:
            why = f"this is a bug in arazzo: {type(problem).__name__}"
        name = one_line(run_id)
        self._print(f"{name} cannot be performed; resume it with arazzo resume {name}: {one_line(why)}\n")

    def _print(self, line: str) -> None:
        with self._lock:
            self._console.err(line)


@contextlib.contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGINT, SIGTERM and SIGHUP set."""
    stop = threading.Event()

    def asked(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, asked) for number in not_ignored("SIGINT", "SIGTERM", "SIGHUP")}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@command.command("adopt", short_help="Hand the runs of a dead worker to other workers.", context_settings=SETTINGS)
@click.argument("name", type=Name())
@click.option("--force", is_flag=True, help="Even if its lock is still held, because its machine cannot be reached.")
@store_option
@color_option
def adopt(name: str, force: bool, store: str | None, no_color: bool) -> int:
    """Return the runs of a dead worker to their queues, where other workers take them."""

    def ask(queues: Any, console: Console) -> int:
        taken, refused = queues.adopt(name, force=force)
        console.out("".join(f"{one_line(each)}\n" for each in taken))
        console.err(f"{len(taken)} runs of worker {one_line(name)} were handed over\n")
        return refuse(console, refused, "worker", as_json=False) if refused else 0

    return with_queues(ask, store, no_color)
