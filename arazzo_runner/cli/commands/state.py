"""`arazzo state`: list and remove the files that keep secret outputs of earlier runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from arazzo_runner.base.private_files import state_folder
from arazzo_runner.cli.errors import refuse, usage_error
from arazzo_runner.cli.options import SETTINGS, Count, arazzo_group, color_option, format_option
from arazzo_runner.errors import did_you_mean
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.json import pretty
from arazzo_runner.report.kept_outputs import KeptFile, kept_files, remove
from arazzo_runner.report.terminal.console import Console, count
from arazzo_runner.report.terminal.wrapping import columns, padded

_DAY = 24 * 3600
_HELP = """\
A run whose outputs are secret keeps them in a file below the user's state
directory (mode 0600), unless --output or --show-secrets delivers them: masking
never loses a token. These files stay until they are removed.

\b
Examples:
  arazzo state list
  arazzo state remove --older-than 30
  arazzo state remove --all
"""


@arazzo_group("state", _HELP)
def command() -> None:
    """Group the subcommands."""


@command.command("list", short_help="List the kept files, the oldest first.", context_settings=SETTINGS)
@format_option
@color_option
def list_(format_: str, no_color: bool) -> int:
    """List the kept files, the oldest first, with the names of the outputs that they hold; never a value."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    folder = state_folder()
    try:
        found = kept_files(folder)
    except OSError as problem:
        return _unreadable(console, folder, problem, as_json=format_ == "json")
    if format_ == "json":
        console.out(pretty({"folder": folder, "files": [_as_json(each) for each in found]}))
    else:
        console.words(_table(folder, found))
    return 0


@command.command("remove", short_help="Remove kept files.", context_settings=SETTINGS)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--older-than", type=Count(), metavar="DAYS", help="Remove those that are older.")
@click.option("--all", "everything", is_flag=True, help="Remove all of them.")
@color_option
def remove_(names: tuple[str, ...], older_than: int | None, everything: bool, no_color: bool) -> int:
    """Remove kept files: by name, by age, or all of them. What they hold is lost."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    if (bool(names), older_than is not None, everything).count(True) != 1:
        problem = usage_error("say which files", hint="name them, or give --older-than DAYS or --all")
        return refuse(console, [problem], "state", as_json=False)
    folder = state_folder()
    try:
        found = kept_files(folder)
        unknown = [name for name in names if name not in {each.name for each in found}]
        if unknown:
            hint = did_you_mean(unknown[0], [each.name for each in found]) or "arazzo state list shows the names"
            problem = usage_error(f'there is no kept file "{unknown[0]}"', hint=hint)
            return refuse(console, [problem], "state", as_json=False)
        chosen = [each for each in found if everything or each.name in names or _is_older(each, older_than)]
        remove(chosen)
    except OSError as problem:
        return _unreadable(console, folder, problem, as_json=False)
    console.out("".join(f"{each.name}\n" for each in chosen) + f"removed {count(len(chosen), 'file')} from {folder}\n")
    return 0


def _is_older(file: KeptFile, days: int | None) -> bool:
    return days is not None and file.age > days * _DAY


def _unreadable(console: Console, folder: str, problem: OSError, *, as_json: bool) -> int:
    error = usage_error(f"{folder}: {problem.strerror or problem}", code="unreadable-file")
    return refuse(console, [error], "state", as_json=as_json)


def _table(folder: str, files: Sequence[KeptFile]) -> str:
    if not files:
        return f"no secret outputs are kept in {folder}\n"
    width = max(columns(each.name) for each in files)
    lines = [
        f"{padded(each.name, width)}  {_age(each.age):>8}  {each.status or 'unreadable':<11}  {', '.join(each.outputs)}"
        for each in files
    ]
    return one_line(folder) + "\n" + "".join(f"{one_line(line.rstrip())}\n" for line in lines)


def _age(seconds: float) -> str:
    for unit, name in ((_DAY, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit:
            return count(int(seconds // unit), name)
    return "now"


def _as_json(file: KeptFile) -> dict[str, object]:
    return {
        "name": os.path.basename(file.path),
        "workflowId": file.workflow_id,
        "status": file.status,
        "ageSeconds": int(file.age),
        "outputs": list(file.outputs),
    }
