"""`arazzo explain`: the meaning of a diagnostic code, why it matters and how to fix it."""

from __future__ import annotations

import sys
from typing import Final

import click

from arazzo_runner.cli.errors import refuse, usage_error
from arazzo_runner.cli.options import arazzo_command
from arazzo_runner.errors import did_you_mean
from arazzo_runner.lint.pages import pages as explanations, title
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.report.terminal.wrapping import wrapped

_HELP = """\
Every message shows its code in brackets: error[unknown-step]. Without CODE,
all codes are listed.

\b
Examples:
  arazzo explain
  arazzo explain unknown-step
"""
_AS_THEY_ARE: Final = ("#", "    ")


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
    text, width = page.read_text(encoding="utf-8").rstrip(), console.text_width_out
    console.out((text if width is None else refilled(text, width)) + "\n")
    return 0


def refilled(page: str, width: int) -> str:
    """Return a page whose paragraphs and lists are as wide as the terminal; code and headings stay as they are."""
    return "\n\n".join(_refilled(each, width) for each in page.split("\n\n"))


def _refilled(block: str, width: int) -> str:
    if block.startswith(_AS_THEY_ARE):
        return block
    if not block.startswith("- "):
        return "\n".join(wrapped(" ".join(block.split("\n")), width))
    return "\n".join(line for item in block.split("\n") for line in wrapped(item, width, rest="  "))
