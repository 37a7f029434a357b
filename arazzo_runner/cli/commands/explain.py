"""`arazzo explain`: the meaning of a diagnostic code, why it matters and how to fix it."""

from __future__ import annotations

import sys

import click

from arazzo_runner.cli.errors import refuse, usage_error
from arazzo_runner.cli.options import arazzo_command
from arazzo_runner.errors import did_you_mean
from arazzo_runner.lint.pages import pages as explanations, title
from arazzo_runner.report.terminal.console import Console

_HELP = """\
Every message shows its code in brackets: error[unknown-step]. Without CODE,
all codes are listed.

\b
Examples:
  arazzo explain
  arazzo explain unknown-step
"""


@arazzo_command("explain", _HELP)
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """Print the page of a code, or the list of all codes."""
    console = Console(sys.stdout, sys.stderr)
    pages = explanations()
    if code is None:
        console.out("".join(f"{name:<32} {title(page)}\n" for name, page in pages.items()))
        return 0
    page = pages.get(code.strip("[]").lower())
    if page is None:
        hint = did_you_mean(code, pages) or "arazzo explain lists all codes"
        error = usage_error(f'there is no diagnostic code "{code}"', code="unknown-code", hint=hint)
        return refuse(console, [error], "explain", as_json=False)
    console.out(page.read_text(encoding="utf-8").rstrip() + "\n")
    return 0
