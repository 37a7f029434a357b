"""`arazzo replay`: run a workflow against a recorded conversation, offline, and report differences."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import click

from arazzo_runner import api
from arazzo_runner.base.records import replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.cli.options import (
    arazzo_command,
    color_option,
    format_option,
    input_option,
    reading_options,
    server_option,
)
from arazzo_runner.cli.reading_arguments import ReadingArguments
from arazzo_runner.cli.run.inputs import given_inputs
from arazzo_runner.engine.results import RunResult
from arazzo_runner.errors import Diagnostic
from arazzo_runner.program.model import Program
from arazzo_runner.report.drift import RequestDrift, drift_diagnostics, outcome_diagnostics
from arazzo_runner.report.exchange import request_line
from arazzo_runner.report.findings.text import render_diagnostics
from arazzo_runner.report.json import pretty, run_report, shown_outputs, validate_report
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.report.terminal.progress import RunPrinter
from arazzo_runner.report.terminal.style import count, paint
from arazzo_runner.runtime.cassette.file import read_cassette
from arazzo_runner.runtime.cassette.placeholders import PREFIX
from arazzo_runner.runtime.cassette.world import Cassette, Player
from arazzo_runner.sources.uris import is_remote

_HELP = """\
CASSETTE is a file that `arazzo run --record` wrote. The workflow is run with
the recorded inputs, every request is answered from the cassette, and compared
with the recorded one. SPEC is the Arazzo document (default: the recorded
one). The workflow's outputs go to standard output, differences to standard
error. Secrets are placeholders (arazzo-secret-1) in all of it.

\b
Examples:
  arazzo run workflow.yml -i id=7 --record seen.yml
  arazzo replay seen.yml
  arazzo replay seen.yml changed-workflow.yml --format json
  arazzo replay seen.yml -i id=8                  what would be sent instead?

\b
Exit codes:
  0  every request and the outcome are as recorded
  1  something differs
  2  the cassette, the document or the options are wrong
"""


@arazzo_command("replay", _HELP)
@click.argument("cassette")
@click.argument("spec", required=False)
@input_option("Replace a recorded input.")
@server_option
@reading_options
@click.option("-v", "--verbose", count=True, help="Show requests and responses; -vv with headers and bodies.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress, only what differs.")
@format_option
@color_option
def command(
    cassette: str,
    spec: str | None,
    inputs: tuple[tuple[str, str], ...],
    servers: dict[str, str],
    reading: ReadingArguments,
    verbose: int,
    quiet: bool,
    format_: str,
    no_color: bool,
) -> int:
    """Replay the cassette and print the differences; returns 1 when there are any."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    recorded = read_cassette(cassette)
    program = api.load(
        spec or _document(cassette, recorded),
        recorded.workflow_id,
        servers={**recorded.servers, **servers},
        load_options=reading.load_options(),
    )
    printer = RunPrinter(console, verbosity=verbose)
    texts = given_inputs(inputs, None, (), {}).texts
    values = {name: value for name, value in recorded.inputs.items() if name not in texts}
    checked, _ = api.check_inputs(program, values, texts)
    player = Player(recorded)
    result = api.run(
        program,
        inputs=checked,
        world=player,
        on_event=(lambda event, secrets: None) if quiet else printer.on_event,
    )
    printer.close()
    # A cassette holds placeholders in place of secrets; only inputs given with -i can be secret.
    secrets = Secrets(text for text in result.secrets.texts() if PREFIX not in text)
    console.secrets = secrets
    found = list(_differences(program, result, recorded, player, secrets))
    _print(console, result, found, len(recorded.interactions), format_)
    return 1 if found else 0


def _document(cassette: str, recorded: Cassette) -> str:
    """Return the path of the recorded document; a relative one is resolved from the folder of the cassette."""
    if is_remote(recorded.document):
        return recorded.document
    return os.path.normpath(os.path.join(os.path.dirname(cassette), recorded.document))


def _differences(
    program: Program, result: RunResult, recorded: Cassette, player: Player, secrets: Secrets
) -> Iterator[Diagnostic]:
    found = [*drift_diagnostics(program, _drifts(player, secrets), secrets)]
    found += outcome_diagnostics(program, result, recorded.status, dict(recorded.outputs), secrets)
    yield from (masked_diagnostic(each, secrets) for each in found)


def _drifts(player: Player, secrets: Secrets) -> Iterator[RequestDrift]:
    for drift in player.drifts():
        base = RequestDrift(drift.kind, drift.key, request_line(drift.request, secrets), at=drift.at)
        if not drift.differences:
            yield base
        for each in drift.differences:
            yield replace(base, part=each.part, name=each.name, was=each.was, now=each.now)


def _print(console: Console, result: RunResult, found: list[Diagnostic], requests: int, format_: str) -> None:
    if format_ == "json":
        run = run_report(result, show_secrets=True)
        report = {"same": not found, "differences": validate_report(found)["diagnostics"], "run": run}
        console.out(pretty(report))
        return
    if result.outputs:
        console.out(pretty(shown_outputs(result, show_secrets=True)))
    if found:
        console.err(render_diagnostics(found, color=console.color))
        return
    console.err(
        paint(f"as recorded: {result.status}, {count(requests, 'request')}", "green", color=console.color) + "\n"
    )
