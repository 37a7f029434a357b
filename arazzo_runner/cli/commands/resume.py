"""`arazzo resume`: continue a durable run where it stopped, with decisions about requests in doubt."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any, cast

import click

from arazzo_runner import durable_runs
from arazzo_runner.base.files import as_json
from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.base.user_files import UnusableFile, json_of, read_text
from arazzo_runner.cli.errors import refuse
from arazzo_runner.cli.options import arazzo_command, color_option, format_option, store_option
from arazzo_runner.cli.run.durable import closing_lines, unless_interrupted
from arazzo_runner.cli.run.session import EXIT_CODES, prepared_output, termination_interrupts
from arazzo_runner.durable.errors import refusal
from arazzo_runner.durable.journal import read_answer
from arazzo_runner.durable.records import Decision
from arazzo_runner.engine.results import Event, RunResult
from arazzo_runner.errors import ArazzoError
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.failure import failure_diagnostics, render_failure
from arazzo_runner.report.json import pretty, run_report, shown_outputs
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.report.terminal.progress import RunPrinter, success_line

_HELP = """\
RUN is the id that `arazzo run --durable` printed; `arazzo runs list` lists
them all. Requests that got a response are not sent again: the documents are
those of the start of the run, and responses are read from the store.

An unsafe request that was under way when the run stopped is in doubt, for it
may have been acted on: say with --step and --as what happened to it.

\b
Examples:
  arazzo resume rotate-1
  # the request in doubt: send it again; it was not acted on; this answered it
  arazzo resume rotate-1 --step refreshToken --as resend
  arazzo resume rotate-1 --step refreshToken --as failed
  arazzo resume rotate-1 --step refreshToken --as answer.json

\b
The file of a response: {"status": 200, "headers": {}, "body": {"id": 7}}

Outputs and exit codes are those of `arazzo run`; 3 means that the run waits
for a decision.
"""


class ResumeArguments(Record, kw_only=True):
    """The command line, parsed."""

    run: str
    steps: tuple[str, ...]
    outcomes: tuple[str, ...]
    store: str | None
    verbose: int
    quiet: bool
    format_: str
    output: str | None
    show_secrets: bool
    no_color: bool


@arazzo_command("resume", _HELP)
@click.argument("run")
@click.option("--step", "steps", metavar="ID", multiple=True, help="A step whose request is in doubt; repeatable.")
@click.option(
    "--as",
    "outcomes",
    metavar="OUTCOME",
    multiple=True,
    help="What happened to it: resend, failed, sent (a message), or a FILE with its response; one for each --step.",
)
@store_option
@click.option("-v", "--verbose", count=True, help="Show requests and responses; -vv with headers and bodies.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress, only why it failed.")
@format_option
@click.option("--output", metavar="FILE", help="Write the outputs to FILE, secrets in clear, readable only by you.")
@click.option("--show-secrets", is_flag=True, help="Print secret outputs in clear.")
@color_option
def command(**options: Any) -> int:
    """Resume the run; returns its exit code."""
    given = ResumeArguments(**options)
    if len(given.steps) != len(given.outcomes):
        raise click.UsageError("give one --as for each --step", click.get_current_context())
    console = Console(sys.stdout, sys.stderr, color=False if given.no_color else None)
    try:
        decisions = dict(_decisions(given))
        return Resumption(given, console).run(decisions)
    except ArazzoError as problem:
        return refuse(console, problem.diagnostics, "run", as_json=given.format_ == "json")


def _decisions(given: ResumeArguments) -> Iterator[tuple[str, Decision]]:
    for step, outcome in zip(given.steps, given.outcomes, strict=True):
        if outcome in ("resend", "failed", "sent"):
            yield step, Decision(kind=cast(Any, outcome))
        else:
            yield step, Decision(kind="answered", answer=_answer(outcome))


def _answer(path: str) -> Any:
    try:
        text = read_text(path)
        json_of(text)  # which also refuses what is nested too deeply
        return read_answer(text, path)
    except UnusableFile as problem:
        hint = "--as takes resend, failed, sent, or a file with the response"
        raise refusal(f"{path} cannot be read: {problem}", code="unreadable-file", hint=hint, file=path) from None


class Resumption:
    """A run about to continue."""

    def __init__(self, given: ResumeArguments, console: Console) -> None:
        self._given = given
        self._console = console
        self._printer = RunPrinter(console, verbosity=given.verbose, ticking=True)
        self._output = None if given.output is None else prepared_output(given.output)

    def run(self, decisions: dict[str, Decision]) -> int:
        """Continue the run, deliver the outputs and return the exit code."""
        given = self._given
        with durable_runs.opened(given.store, os.environ) as runtime:
            queue = runtime.status(given.run).queue
            if queue is not None:
                self._check_queued(queue)
            if decisions:
                runtime.decide(given.run, decisions)
            if queue is not None:
                runtime.hand_back(given.run)
                self._console.err(f"the workers of queue {one_line(queue)} continue it\n")
                return 0
            with termination_interrupts():
                outcome = unless_interrupted(lambda: runtime.resume(given.run, on_event=self._on_event))
        self._printer.close()
        return self._delivered(outcome)

    def _check_queued(self, queue: str) -> None:
        """Refuse options about the outputs of a run that workers continue; raises InvalidUsage."""
        given = self._given
        asked = (given.output, "--output"), (given.show_secrets, "--show-secrets"), (given.verbose, "-v")
        found = [name for is_given, name in (*asked, (given.format_ == "json", "--format json")) if is_given]
        if found:
            if self._output is not None:
                self._output.discard()
            message = f"{found[0]} cannot be obeyed: the workers of queue {one_line(queue)} continue this run"
            raise refusal(message, code="usage", hint=f"arazzo runs show {given.run} shows its outputs")

    def _on_event(self, event: Event, secrets: Secrets) -> None:
        self._console.secrets = secrets
        if not self._given.quiet:
            self._printer.on_event(event, secrets)

    def _delivered(self, outcome: Any) -> int:
        result: RunResult = outcome.result
        self._console.secrets = result.secrets
        arrived = self._console.deliver(self._stdout(result)) and self._to_file(result)
        self._console.err(self._ending(result) + closing_lines(outcome, self._given.store))
        code = EXIT_CODES[result.status]
        return code if arrived or code else 1

    def _stdout(self, result: RunResult) -> str:
        if self._given.format_ == "json":
            shown = run_report(result, show_secrets=self._given.show_secrets, diagnostics=failure_diagnostics(result))
            return pretty(shown)
        return pretty(shown_outputs(result, show_secrets=self._given.show_secrets)) if result.outputs else ""

    def _to_file(self, result: RunResult) -> bool:
        if self._output is None:
            return True
        try:
            self._output.write(pretty(as_json(shown_outputs(result, show_secrets=True))))
        except OSError as problem:
            self._console.err(
                f"the outputs could not be written to {one_line(self._given.output or '')}: {problem.strerror}\n"
            )
            return False
        return True

    def _ending(self, result: RunResult) -> str:
        if result.status != "succeeded":
            return render_failure(result, color=self._console.color, width=self._console.text_width)
        return (
            ""
            if self._given.quiet
            else success_line(result, color=self._console.color, width=self._console.text_width) + "\n"
        )
