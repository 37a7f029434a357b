"""`arazzo replay`: run a workflow against a recorded conversation, offline, and report differences."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import Literal

import click

from arazzo_runner import api
from arazzo_runner.base.files import size_of
from arazzo_runner.base.json_values import MISSING, JsonValue, preview, to_text
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.cli.option_table import ReadingArguments
from arazzo_runner.cli.options import (
    arazzo_command,
    color_option,
    file_root_option,
    format_option,
    input_option,
    reading_options,
    server_option,
)
from arazzo_runner.cli.run.inputs import given_inputs, with_files_placed
from arazzo_runner.cli.run.prepare import reading_with, settings_of
from arazzo_runner.engine.effects import HttpRequest
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.request_checks import place_of
from arazzo_runner.engine.results import RunResult
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.program.model import CompiledStep, Program
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.exchange import request_line
from arazzo_runner.report.findings.text import print_diagnostics
from arazzo_runner.report.json import pretty, run_report, shown_outputs, validate_report
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.report.terminal.console import Console, count, paint
from arazzo_runner.report.terminal.progress import RunPrinter
from arazzo_runner.runtime.cassette.file import read_cassette
from arazzo_runner.runtime.cassette.messages import MessageInteraction
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
  arazzo run specs/arazzo/two-apis.yml --mock --sample-inputs --record a.yml
  arazzo replay a.yml
  arazzo replay a.yml specs/arazzo/two-apis.yml --format json
  # what would be sent instead?
  arazzo replay a.yml -i sku=LAMP-2       # exit code 1

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
@file_root_option
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
    file_roots: tuple[str, ...],
    reading: ReadingArguments,
    verbose: int,
    quiet: bool,
    format_: str,
    no_color: bool,
) -> int:
    """Replay the cassette and print the differences; returns 1 when there are any."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    recorded = read_cassette(cassette)
    document = spec or _document(cassette, recorded)
    defaults = settings_of(document)
    program = api.open_program(
        document,
        recorded.workflow_id,
        load_options=reading_with(reading, defaults, servers={**recorded.servers, **servers}),
        named=reading.load_options(servers=servers),
    )
    printer = RunPrinter(console, verbosity=verbose)
    given = with_files_placed(given_inputs(inputs, None, (), {}, [program]), program)
    values = {name: value for name, value in recorded.inputs.items() if name not in given.names}
    checked, _ = api.check_inputs(program, {**values, **given.values}, given.texts)
    player = Player(recorded)
    result = api.run(
        program,
        inputs=checked,
        world=player,
        options=RunOptions(parallel=recorded.parallel, file_roots=(*defaults.file_roots, *file_roots)),
        on_event=(lambda event, secrets: None) if quiet else printer.on_event,
    )
    printer.close()
    # A cassette holds placeholders in place of secrets; only inputs given with -i can be secret.
    secrets = Secrets()
    secrets.declare([text for text in (*result.secrets.texts(), *result.secrets.declared()) if PREFIX not in text])
    console.secrets = secrets
    found = list(_differences(program, result, recorded, player, secrets))
    _print(console, result, found, recorded, format_)
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
        base = RequestDrift(drift.kind, drift.key, _what(drift.request, secrets), at=drift.at)
        if isinstance(drift.request, MessageInteraction):
            base = replace(base, subject="message")
        if not drift.differences:
            yield base
        for each in drift.differences:
            yield replace(base, part=each.part, name=each.name, was=each.was, now=each.now)


def _what(request: HttpRequest | MessageInteraction, secrets: Secrets) -> str:
    """Return `POST https://…`, or `publish orders/place`."""
    if isinstance(request, MessageInteraction):
        return one_line(f"{request.action} {secrets.mask(request.address)}")
    return request_line(request, secrets)


def _print(console: Console, result: RunResult, found: list[Diagnostic], recorded: Cassette, format_: str) -> None:
    if format_ == "json":
        run = run_report(result, show_secrets=True)
        report = {"same": not found, "differences": validate_report(found)["diagnostics"], "run": run}
        console.out(pretty(report))
        return
    if result.outputs:
        console.out(pretty(shown_outputs(result, show_secrets=True)))
    if found:
        print_diagnostics(console, found)
        return
    facts = [result.status, count(len(recorded.exchanges), "request")]
    messages = len(recorded.interactions) - len(recorded.exchanges)
    facts += [count(messages, "message")] if messages else []
    console.err(paint(f"as recorded: {', '.join(facts)}", "green", color=console.color) + "\n")


_LONG = 60


class RequestDrift(Record):
    """One difference of a run from its cassette.

    `kind` is differs, unrecorded or unplayed; `key` is the effect's key, `request` is "POST https://…", or
    "publish orders/place" where `subject` is "message";
    `part` and `name` name the part that differs, `was` and `now` are its values.
    """

    kind: str
    key: str
    request: str
    part: str = ""
    name: str = ""
    was: JsonValue = MISSING
    now: JsonValue = MISSING
    at: Location | None = None
    subject: Literal["request", "message"] = "request"


def drift_diagnostics(program: Program, drifts: Iterable[RequestDrift], secrets: Secrets) -> Iterator[Diagnostic]:
    """Yield each difference as a Diagnostic at its location in the document, secrets masked."""
    for drift in drifts:
        if drift.kind == "differs":
            yield _differs(program, drift, secrets)
        elif drift.kind == "unrecorded":
            message = f"{drift.request} ({drift.key}) is not in the cassette"
            yield _error(f"{drift.subject}-unrecorded", message, drift.at or program.workflow.at)
        else:
            missing = "send it" if drift.subject == "request" else "reach it"
            message = f"{drift.request} ({drift.key}) was recorded, and the run did not {missing}"
            yield _error(f"{drift.subject}-unplayed", message, program.workflow.at)


def outcome_diagnostics(
    program: Program, result: RunResult, status: str, outputs: dict[str, JsonValue], secrets: Secrets
) -> Iterator[Diagnostic]:
    """Yield differences of status and outputs from those recorded, secrets masked."""
    at = program.workflow.at
    if result.status != status:
        yield _error("outcome-differs", f"the recorded run {status}, this one {result.status}", at)
        return
    for name in dict.fromkeys((*outputs, *result.outputs)):
        was, now = outputs.get(name, MISSING), result.outputs.get(name, MISSING)
        if was != now:
            message = f'output "{name}" {_changed(was, now, secrets)}'
            yield _error("outcome-differs", message, at.child("outputs").child(name))


def _differs(program: Program, drift: RequestDrift, secrets: Secrets) -> Diagnostic:
    what = " ".join(filter(None, (drift.part, drift.name)))
    message = f"{drift.key}: the {drift.subject}'s {what} {_changed(drift.was, drift.now, secrets)}".replace(
        " : ", ": ", 1
    )
    return _error(f"{drift.subject}-differs", message, _location(program, drift))


def _changed(was: JsonValue, now: JsonValue, secrets: Secrets) -> str:
    if isinstance(was, bytes) or isinstance(now, bytes):
        return _changed_bytes(was, now, secrets)
    # Mask before cutting: the rest of a secret that is cut at its front is not recognised.
    was, now = secrets.mask_value(was), secrets.mask_value(now)
    if was is MISSING:
        return f"was not there, now it is {preview(now)}"
    if now is MISSING:
        return f"was {preview(was)}, now it is not there"
    if isinstance(was, str) and isinstance(now, str) and max(len(was), len(now)) > _LONG:
        was, now = _around_the_change(was, now)
    return f"was {preview(was)}, now it is {preview(now)}"


def _changed_bytes(was: JsonValue, now: JsonValue, secrets: Secrets) -> str:
    if isinstance(was, bytes) and isinstance(now, bytes):
        size = f"{len(was):,} as before" if len(was) == len(now) else f"{len(now):,} instead of {len(was):,}"
        return f": other bytes ({size})"
    was, now = (size_of(each) if isinstance(each, bytes) else each for each in (was, now))
    shown = [each if each is MISSING else secrets.mask(to_text(each)) for each in (was, now)]
    if MISSING in shown:
        return f"was not there, now it is {shown[1]}" if shown[0] is MISSING else f"was {shown[0]}, now it is not there"
    return f"was {shown[0]}, now it is {shown[1]}"


def _around_the_change(was: str, now: str) -> tuple[str, str]:
    """Cut two long texts to the part where they begin to differ."""
    same = next((index for index, pair in enumerate(zip(was, now, strict=False)) if pair[0] != pair[1]), len(was))
    start = max(0, min(same, len(now)) - 20)
    cut = tuple(("…" if start else "") + text[start : start + _LONG] for text in (was, now))
    return cut[0], cut[1]


def _location(program: Program, drift: RequestDrift) -> Location:
    """Return the location of the parameter or payload that differs, else of the step."""
    if drift.at is None:
        return program.workflow.at
    step = _step_at(program, drift.at)
    if step is None:
        return drift.at
    if drift.part in ("body", "part") and step.body is not None:
        if drift.part == "body":
            return place_of(step, drift.name if drift.name.startswith("/") else "")
        return step.body.at.child("payload").child(drift.name.partition('"')[2].rpartition('"')[0])
    for parameter in step.parameters:
        if parameter.location == drift.part and parameter.name.lower() == drift.name.lower():
            return parameter.at
    return drift.at


def _step_at(program: Program, at: Location) -> CompiledStep | None:
    steps = (step for workflow in program.workflows.values() for step in workflow.steps)
    return next((step for step in steps if step.at == at), None)


def _error(code: str, message: str, at: Location) -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, at=at)
