"""`arazzo runs`: list, show, cancel, delete and export the durable runs of a store."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from arazzo_runner import durable_runs
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.cli.errors import refuse
from arazzo_runner.cli.options import (
    SETTINGS,
    Count,
    arazzo_group,
    color_option,
    format_option,
    store_option,
)
from arazzo_runner.errors import ArazzoError
from arazzo_runner.program.library import display
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.json import pretty, run_report, shown_outputs
from arazzo_runner.report.runs.json import utc
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.report.terminal.wrapping import columns, padded

_HELP = """\
\b
Examples:
  arazzo runs list
  arazzo runs show rotate-1 --show-secrets     # its tokens in clear
  arazzo runs cancel rotate-1
  arazzo runs delete rotate-1
  arazzo runs export rotate-1 > rotate-1.json

\b
States:
  queued       submitted, not taken by a worker    succeeded  ended
  running      a live process performs it          failed     ended
  waiting      running, between two attempts       cancelled  by a person
  interrupted  its process is gone: arazzo resume RUN continues it
  in_doubt     the outcome of a request is unknown: arazzo resume decides
  unreadable   its records are not arazzo's, or were moved: not performed
"""


@arazzo_group("runs", _HELP)
def command() -> None:
    """Group the subcommands."""


def _with_store(no_color: bool, as_json: bool, ask: Callable[[Any, Console], int], store: str | None) -> int:
    """Open the store and call `ask` with it; prints errors and returns the exit code."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    try:
        with durable_runs.opened(store, os.environ) as runtime:
            return ask(runtime, console)
    except ArazzoError as problem:
        return refuse(console, problem.diagnostics, "runs", as_json=as_json)


@command.command("list", short_help="List the runs, the newest first.", context_settings=SETTINGS)
@click.option("--state", "states", metavar="STATE", multiple=True, help="Only runs in this state; repeatable.")
@click.option("--limit", type=Count(), metavar="N", default=100, help="The most to list (default 100).")
@store_option
@format_option
@color_option
def list_(states: tuple[str, ...], limit: int, store: str | None, format_: str, no_color: bool) -> int:
    """List the runs of the store, of all workers, the newest first."""

    def ask(runtime: Any, console: Console) -> int:
        all_ = runtime.list(limit=limit)
        refused = [each.problem for each in all_ if each.problem is not None]
        found = [each for each in all_ if not states or each.state in states]
        if format_ == "json":
            console.out(pretty({"runs": [status_json(each) for each in found]}))
        else:
            console.words(_table(found))
        return refuse(console, refused, "runs", as_json=False) if refused else 0

    return _with_store(no_color, format_ == "json", ask, store)


@command.command("show", short_help="Show the status and the outputs of a run.", context_settings=SETTINGS)
@click.argument("run")
@click.option("--show-secrets", is_flag=True, help="Print outputs in clear, also those of an unfinished run.")
@store_option
@format_option
@color_option
def show(run: str, show_secrets: bool, store: str | None, format_: str, no_color: bool) -> int:
    """Show the status of a run, and the outputs of its workflow and steps so far."""

    def ask(runtime: Any, console: Console) -> int:
        shown = runtime.show(run)
        console.secrets = shown.result.secrets
        report = _shown(shown, show_secrets=show_secrets)
        if format_ == "json":
            full = run_report(shown.result, show_secrets=show_secrets, diagnostics=())
            console.out(pretty({**report, "report": full}))
            return 0
        console.err(_heading(shown.status))
        console.out(pretty({"outputs": report["outputs"], "steps": report["steps"]}))
        return 0

    return _with_store(no_color, format_ == "json", ask, store)


@command.command("cancel", short_help="Cancel a run.", context_settings=SETTINGS)
@click.argument("run")
@store_option
@color_option
def cancel(run: str, store: str | None, no_color: bool) -> int:
    """Cancel a run, whichever worker owns it; in-flight requests are not aborted."""

    def ask(runtime: Any, console: Console) -> int:
        status = runtime.cancel(run)
        for doubt in status.doubts:
            console.err(f"the outcome of {doubt.method} {one_line(doubt.url)} is unknown\n")
        console.err(f"run {run} is cancelled\n")
        return 0

    return _with_store(no_color, False, ask, store)


@command.command("delete", short_help="Delete runs and their responses.", context_settings=SETTINGS)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@store_option
@color_option
def delete(runs: tuple[str, ...], store: str | None, no_color: bool) -> int:
    """Delete runs that no process performs: responses, outputs and, unless other runs use them, documents."""

    def ask(runtime: Any, console: Console) -> int:
        for run in runs:
            runtime.delete(run)
            console.err(f"run {run} is deleted\n")
        return 0

    return _with_store(no_color, False, ask, store)


@command.command("export", short_help="Print everything about a run as JSON.", context_settings=SETTINGS)
@click.argument("run")
@click.option("--show-secrets", is_flag=True, help="Print secrets in clear.")
@store_option
@color_option
def export(run: str, show_secrets: bool, store: str | None, no_color: bool) -> int:
    """Print everything about a run as JSON: status, specification, documents, journal, partial result."""

    def ask(runtime: Any, console: Console) -> int:
        shown = runtime.show(run)
        exported: dict[str, JsonValue] = {
            **_shown(shown, show_secrets=True),
            "spec": shown.spec.to_json(),
            "documents": {
                uri: data.decode("utf-8", "replace") for uri, data in shown.bundle.snapshot.documents.items()
            },
            "journal": [{"name": entry.name, "value": entry.value} for entry in shown.entries],
        }
        console.out(pretty(exported if show_secrets else shown.result.secrets.mask_value(exported)))
        return 0

    return _with_store(no_color, True, ask, store)


# ------------------------------------------------------------------ records and text


def status_json(status: Any) -> dict[str, JsonValue]:
    """Return the status of a run as JSON."""
    return {
        "runId": status.run_id,
        "state": status.state,
        "workflowId": status.workflow_id,
        "document": display(status.document),
        "currentStep": status.current_step,
        "started": _time(status.started),
        "ended": _time(status.ended),
        "owner": status.owner,
        "parent": status.parent,
        "queue": status.queue,
        "wakes": _time(status.wakes),
        **({} if status.problem is None else {"problem": f"{status.problem.code}: {status.problem.message}"}),
        "doubts": [
            {"step": doubt.step_id, "key": doubt.key, "method": doubt.method, "url": doubt.url}
            for doubt in status.doubts
        ],
    }


def _shown(shown: Any, *, show_secrets: bool) -> dict[str, JsonValue]:
    result = shown.result
    steps: dict[str, JsonValue] = {step.step_id: dict(step.outputs) for step in result.steps if step.outputs}
    return {
        **status_json(shown.status),
        "reason": shown.status.reason if show_secrets else result.secrets.mask_value(shown.status.reason),
        "outputs": shown_outputs(result, show_secrets=show_secrets),
        "steps": steps if show_secrets else result.secrets.mask_value(steps),
    }


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else f"{utc(seconds)[:19]}Z"


def _heading(status: Any) -> str:
    lines = [f"run {status.run_id}: {status.state}, workflow {one_line(status.workflow_id)}"]
    lines.append(f"  document {one_line(display(status.document))}, started {_time(status.started)}")
    if status.current_step is not None:
        lines.append(f"  last step {one_line(status.current_step)}")
    if status.wakes is not None:
        lines.append(f"  continues at {_time(status.wakes)}")
    lines += [f"  in doubt: {one_line(doubt.step_id)}: {doubt.method} {one_line(doubt.url)}" for doubt in status.doubts]
    return "\n".join(lines) + "\n"


def _table(found: Sequence[Any]) -> str:
    if not found:
        return "no runs\n"
    rows = [("RUN", "STATE", "WORKFLOW", "STEP", "STARTED", "OWNER")]
    for each in found:
        owner = each.owner if each.queue is not None else None
        step, started = each.current_step or "", _time(each.started) or ""
        rows.append(
            (one_line(each.run_id), each.state, one_line(each.workflow_id), one_line(step), started, owner or "")
        )
    widths = [max(columns(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines) + "\n"
