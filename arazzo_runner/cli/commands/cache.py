"""`arazzo cache`: show or clear the cached descriptions and validation results."""

from __future__ import annotations

import os
import sys

import click

from arazzo_runner.cli.errors import refuse, usage_error
from arazzo_runner.cli.options import arazzo_command
from arazzo_runner.document.cache import MAX_BYTES, DiskCache, cache_folder
from arazzo_runner.report.terminal.console import Console, count

_HELP = """\
The cache holds YAML descriptions of 64 kB or more as JSON, by their content,
and the findings of arazzo validate, which are valid until a file that they
depend on changes. It is in ARAZZO_CACHE_DIR, else in the user's cache folder
($XDG_CACHE_HOME/arazzo, ~/.cache/arazzo), is readable only by you, and stays
below 200 MB. --no-cache and ARAZZO_NO_CACHE=1 disable it.

\b
Examples:
  arazzo cache
  arazzo cache clear
"""


@arazzo_command("cache", _HELP)
@click.argument("action", type=click.Choice(["show", "clear"]), default="show")
def command(action: str) -> int:
    """Show or clear the cache."""
    console = Console(sys.stdout, sys.stderr)
    folder = cache_folder(os.environ)
    if folder is None:
        console.out("there is no cache: neither HOME nor ARAZZO_CACHE_DIR is set\n")
        return 0
    cache = DiskCache(folder)
    if action == "show":
        found = cache.entries()
        console.out(f"{folder}\n{_amount(len(found.paths), found.size)}, at most {_megabytes(MAX_BYTES)}\n")
        return 0
    try:
        removed = cache.clear()
    except OSError as problem:
        error = usage_error(f"the cache cannot be cleared: {problem}", code="cannot-clear-cache")
        return refuse(console, [error], "cache", as_json=False)
    console.out(f"removed {_amount(len(removed.paths), removed.size)} from {folder}\n")
    return 0


def _amount(number: int, size: int) -> str:
    return f"{count(number, 'file')}, {_megabytes(size)}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
