"""`arazzo validate`: every mistake of every document, at its place."""

from __future__ import annotations

import sys

import click

from arazzo_runner import api
from arazzo_runner.cli.options import SETTINGS, ReadingArguments, color_option, format_option, reading_options
from arazzo_runner.diagnostics import Severity
from arazzo_runner.report.console import Console
from arazzo_runner.report.json import pretty, validate_report
from arazzo_runner.report.text import render_diagnostics

_HELP = """Check Arazzo documents without sending anything.

Checks shape, expressions, conditions and links: every step's operation is
looked up in the descriptions. Files are read, remote descriptions are not.
Documents given together may refer to each other by their $self.

\b
Examples:
  arazzo validate workflow.yml
  arazzo validate workflows/*.yml --strict
  arazzo validate workflow.yml --format json | jq .summary

\b
Exit codes:
  0  no errors (there may be warnings)
  1  errors were found
  2  a file cannot be opened, or the options are wrong
"""


@click.command(
    "validate",
    help=_HELP,
    short_help="Check Arazzo documents without sending anything.",
    context_settings=SETTINGS,
)
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True)
@format_option
@reading_options
@color_option
def command(
    specs: tuple[str, ...],
    format_: str,
    reading: ReadingArguments,
    no_color: bool,
) -> int:
    """Validate and print what was found."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    found = api.validate(*specs, **reading.as_keywords())
    if format_ == "json":
        console.out(pretty(validate_report(found)))
    elif found:
        console.out(render_diagnostics(found, color=console.color_out))
    else:
        console.out(f"{'it is' if len(specs) == 1 else f'all {len(specs)} are'} valid: no problems\n")
    return 1 if any(each.severity is Severity.ERROR for each in found) else 0
