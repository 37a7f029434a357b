"""`arazzo worker`: carries out submitted runs; takes over what a dead worker had."""

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
from arazzo_runner.cli.commands.queue import with_fleet
from arazzo_runner.cli.errors import refuse
from arazzo_runner.cli.options import SETTINGS, Count, Name, arazzo_group, color_option, store_option
from arazzo_runner.errors import ArazzoError
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.terminal.console import Console

_HELP = """\
Until told to stop.

Give every worker a name of its own, and start it again under that name after
a crash: it goes on with what it had. SIGTERM and Ctrl-C let runs end for 30
seconds; what has not ended by then goes on when the worker is started again.
Runs in doubt are put aside: `arazzo runs list --state in_doubt` names them.

\b
Examples:
  arazzo worker --name w1 --store postgresql://db/arazzo
  arazzo worker --name w1 --queue default --queue bulk
  arazzo worker --name batch --drain              ends when the queue is empty
  arazzo worker adopt w2                          the living take what w2 had
"""


@arazzo_group("worker", _HELP, invoke_without_command=True)
@click.option("--name", type=Name(), metavar="NAME", help="The worker's name, its own and always the same.")
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
    help="Runs at the same time; sets the queue's limit, which all its workers have (default 10).",
)
@click.option("--drain", is_flag=True, help="End when the queues are empty.")
@click.option("-q", "--quiet", is_flag=True, help="Do not tell of every run.")
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
    """Work, unless a subcommand says otherwise."""
    if context.invoked_subcommand is not None:
        return 0
    if not name:
        raise click.UsageError("--name is needed", context)
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    try:
        with durable_runs.opened(store, os.environ) as runtime:
            names = queues or ("default",)
            durable_runs.ready_queues(runtime, names, concurrency)
            teller = _Teller(console, quiet)
            worker = durable_runs.worker(
                runtime, durable_runs.run_id_of(name, ""), names, teller.outcome, teller.problem
            )
            console.err(f"worker {name} takes runs from {', '.join(map(one_line, names))}\n")
            with _stop_on_signals() as stop:
                worker.work(stop, drain=drain)
    except ArazzoError as problem:
        return refuse(console, problem.diagnostics, "worker", as_json=False)
    console.err(f"worker {name} has stopped\n")
    return 0


class _Teller:
    """Tells of every run that ended or stopped, one line each; called from many threads."""

    def __init__(self, console: Console, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._lock = threading.Lock()

    def outcome(self, outcome: Any) -> None:
        """Tell what a run came to."""
        if self._quiet:
            return
        result = outcome.result
        reason = f": {one_line(result.reason)}" if result.reason else ""
        line = f"{outcome.run_id} {result.status.replace('_', ' ')}{reason} ({result.duration_ms:.0f} ms)\n"
        self._tell(result.secrets.mask(line))

    def problem(self, run_id: str, problem: Exception) -> None:
        """Tell that a run could not be carried out; it waits to be resumed."""
        if isinstance(problem, ArazzoError):
            why = "; ".join(each.message for each in problem.diagnostics)
        else:
            why = f"this is a bug in arazzo: {type(problem).__name__}"
        name = one_line(run_id)
        self._tell(f"{name} cannot be carried out, and waits for arazzo resume {name}: {one_line(why)}\n")

    def _tell(self, line: str) -> None:
        with self._lock:
            self._console.err(line)


@contextlib.contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """Give an event that SIGINT, SIGTERM and SIGHUP set."""
    stop = threading.Event()

    def asked(number: int, frame: FrameType | None) -> None:
        stop.set()

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, asked) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@command.command("adopt", short_help="Hand the runs of a dead worker to the living.", context_settings=SETTINGS)
@click.argument("name", type=Name())
@click.option("--force", is_flag=True, help="Also when its lock is still held: its machine is out of reach.")
@store_option
@color_option
def adopt(name: str, force: bool, store: str | None, no_color: bool) -> int:
    """Hand the runs of a dead worker back to their queues, where the living take them."""

    def ask(fleet: Any, console: Console) -> int:
        taken, refused = fleet.adopt(name, force=force)
        console.out("".join(f"{one_line(each)}\n" for each in taken))
        console.err(f"{len(taken)} runs of worker {one_line(name)} were handed over\n")
        return refuse(console, refused, "worker", as_json=False) if refused else 0

    return with_fleet(ask, store, no_color)
