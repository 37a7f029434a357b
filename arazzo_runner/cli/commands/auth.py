"""`arazzo auth`: the credentials that a document needs, where each is looked up, and which are missing."""

from __future__ import annotations

import sys

import click

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.cli.describe import table, with_diagnostics
from arazzo_runner.cli.option_table import ReadingArguments
from arazzo_runner.cli.options import (
    arazzo_command,
    color_option,
    credentials_file_option,
    format_option,
    reading_options,
)
from arazzo_runner.cli.run.environments import environment_files
from arazzo_runner.cli.run.options import environment_file_option, environment_option
from arazzo_runner.cli.run.prepare import open_spec, settings_of
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.json import pretty
from arazzo_runner.report.terminal.console import Console, paint
from arazzo_runner.runtime.auth.needs import FieldNeed, Needs, SchemeNeed, StepNeed, find_needs
from arazzo_runner.runtime.auth.sources import Credentials, shown_path

_HELP = """\
For every security scheme of the operations called: the environment variable,
the entry of the credentials file and of the keyring that are looked up, and
where a value was found, or that it is missing. Values are never printed, and
nothing is sent.

\b
Examples:
  arazzo auth specs/arazzo/look-up-an-address.yml
  arazzo auth specs/arazzo/order-with-credentials.yml   # exit code 1

\b
Exit codes:
  0  every step has what it needs
  1  a credential is missing
  2  a file cannot be used, or the options are wrong
"""


@arazzo_command("auth", _HELP)
@click.argument("spec")
@click.option("-w", "--workflow", metavar="ID", help="Only for this workflow and those it calls.")
@credentials_file_option
@environment_option
@environment_file_option
@format_option
@reading_options
@color_option
def command(
    spec: str,
    workflow: str | None,
    credentials_file: str | None,
    env: str | None,
    env_files: tuple[str, ...],
    format_: str,
    reading: ReadingArguments,
    no_color: bool,
) -> int:
    """Print the credentials; returns 1 when one is missing."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    defaults = settings_of(spec, env)
    program = open_spec(spec, workflow, reading, defaults, any_server=True)
    with environment_files(env_files):
        credentials = Credentials(file=credentials_file or defaults.credentials_file, names=defaults.credentials)
        needs = find_needs(program, credentials)
    if format_ == "json":
        console.out(pretty(with_diagnostics(_report(needs, credentials), program.diagnostics)))
    else:
        console.words(_text(needs, credentials, color=console.color_out))
    return 0 if needs.complete else 1


# ------------------------------------------------------------------ JSON


def _report(needs: Needs, credentials: Credentials) -> dict[str, JsonValue]:
    return {
        "complete": needs.complete,
        "credentialsFile": credentials.file,
        "keyring": credentials.has_keyring,
        "schemes": [_scheme_record(each) for each in needs.schemes],
        "steps": [_step_record(each) for each in needs.steps],
    }


def _scheme_record(need: SchemeNeed) -> dict[str, JsonValue]:
    return {
        "source": need.source,
        "scheme": need.name,
        "description": need.description,
        "sentTo": list(need.sent_to),
        "tokensFrom": need.tokens_from,
        "usable": need.usable,
        "fields": [
            {
                "name": each.name,
                "environment": each.variable,
                "file": each.file_entry,
                "keyring": each.keyring,
                "found": each.found,
            }
            for each in need.fields
        ],
        "instead": [list(each) for each in need.others],
    }


def _step_record(need: StepNeed) -> dict[str, JsonValue]:
    return {
        "workflowId": need.workflow_id,
        "stepId": need.step_id,
        "source": need.source,
        "operation": need.operation,
        "alternatives": [list(each) for each in need.alternatives],
        "met": need.met,
        "by": list(need.by),
    }


# ------------------------------------------------------------------ text


def _text(needs: Needs, credentials: Credentials, *, color: bool) -> str:
    if not needs.steps:
        return "no operation asks for a credential\n"
    lines: list[str] = []
    for need in needs.schemes:
        lines += [*_scheme_lines(need, credentials, color=color), ""]
    lines += ["steps", *table([_step_row(each) for each in needs.steps], "  ")]
    return "\n".join(lines) + "\n"


def _scheme_lines(need: SchemeNeed, credentials: Credentials, *, color: bool) -> list[str]:
    name = paint(one_line(f"{need.source}.{need.name}"), "bold", color=color)
    lines = [f"{name}  {one_line(need.description)}", f"  for       {one_line(', '.join(need.sent_to))}"]
    if need.tokens_from is not None:
        lines.append(f"  tokens    {one_line(need.tokens_from)}")
    if need.kind == "mutualTLS":
        lines.append("  give      --cert HOST=FILE[,KEY] to arazzo run")
    for field in need.fields:
        lines += _field_lines(field, credentials, color=color)
    if need.others and not need.usable:
        lines.append(f"  instead   {' or '.join(' and '.join(each) for each in need.others)}")
    if need.similar is not None:
        lines.append(f"  not read  {one_line(need.similar)}")
    return lines


def _field_lines(field: FieldNeed, credentials: Credentials, *, color: bool) -> list[str]:
    if field.found is not None:
        place = f"{shown_path(credentials.file)}: {field.found_as}" if field.found == "file" else field.found_as or ""
        return [f"  {paint('found', 'green', color=color)}     {field.name}: {field.found} {one_line(place)}"]
    lines = [f"  {paint('missing', 'red', color=color)}   {field.name}: environment {one_line(field.variable)}"]
    lines.append(f"            or {one_line(shown_path(credentials.file))}: {one_line(field.file_entry)}")
    if credentials.has_keyring:
        lines.append(f"            or keyring {one_line(field.keyring)}")
    return lines


def _step_row(need: StepNeed) -> tuple[str, str, str]:
    name = f"{need.workflow_id}.{need.step_id}"
    asked = " or ".join(" and ".join(each) or "nothing" for each in need.alternatives)
    met = {
        "step": "given by the step",
        "configured": f"with {' and '.join(need.by)}",
        "optional": "without one",
        "cookie": "by the cookie that a response sets",
        "missing": f"MISSING {' and '.join(need.by)}",
    }[need.met]
    return one_line(name), one_line(need.operation), one_line(f"{asked}: {met}")
