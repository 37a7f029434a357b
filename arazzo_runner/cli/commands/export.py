"""`arazzo export`: a workflow as a script or test of another tool."""

from __future__ import annotations

import os
import stat
import sys

import click

from arazzo_runner import api
from arazzo_runner.base.user_files import is_same_file
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.new_files import check_new, write_new
from arazzo_runner.cli.option_table import ReadingArguments
from arazzo_runner.cli.options import arazzo_command, color_option, reading_options, server_option
from arazzo_runner.cli.run.prepare import open_spec
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.export.planning import make_plan
from arazzo_runner.export.targets import TARGETS, Exported, Target, export, file_name
from arazzo_runner.program.library import display
from arazzo_runner.report.findings.text import print_diagnostics
from arazzo_runner.report.terminal.console import Console

_HELP = """\
What the target cannot say is a comment at its place in the text, and a
warning. Inputs, credentials and servers are read from the environment
(ARAZZO_INPUT_…, ARAZZO_AUTH_…, ARAZZO_SERVER_…): no secret is in the text.

\b
Targets:
{targets}

\b
Examples:
  arazzo export specs/arazzo/two-apis.yml --to curl
  arazzo export specs/arazzo/two-apis.yml --to python -o restock.py
  arazzo export specs/arazzo/poll-until-done.yml --to pytest -o test_it.py
"""


_TARGETS = "\n".join(f"  {each.name:<8} {each.summary}" for each in TARGETS.values())


@arazzo_command("export", _HELP.format(targets=_TARGETS))
@click.argument("spec")
@click.option("--to", "target", type=click.Choice(list(TARGETS)), help="The tool to write it for (needed).")
@click.option("-w", "--workflow", metavar="ID", help="The workflow (needed when there are several).")
@click.option(
    "-o", "--output", metavar="FILE|FOLDER", help="Write into this file, or a folder that exists (default: stdout)."
)
@click.option("--force", is_flag=True, help="Let -o replace files that exist.")
@server_option
@reading_options
@color_option
def command(
    spec: str,
    target: str | None,
    workflow: str | None,
    output: str | None,
    force: bool,
    servers: dict[str, str],
    reading: ReadingArguments,
    no_color: bool,
) -> int:
    """Write a workflow for a target; what could not be exported is on stderr."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    if target is None:
        hint = f"write --to with one of {', '.join(TARGETS)}"
        raise InvalidUsage([usage_error("there is no target to export to", hint=hint)])
    program = open_spec(spec, workflow, reading, servers=servers)
    plan = make_plan(api.choose_workflow(program, workflow), os.path.basename(display(program.base)))
    exported = export(plan, target)
    findings = (*program.diagnostics, *exported.warnings)
    if findings:
        print_diagnostics(console, findings, "\n")
    if output in (None, "-"):
        console.document(next(iter(exported.files.values())))
    else:
        path = os.path.join(output, file_name(plan, target)) if os.path.isdir(output) else output
        _write(path, exported, TARGETS[target], spec, force=force)
    return 0


def _write(path: str, exported: Exported, target: Target, spec: str, *, force: bool) -> None:
    """Write the main file, and the others beside it; scripts can be executed. Raises InvalidUsage."""
    first, *others = exported.files.items()
    texts = {path: first[1], **{os.path.join(os.path.dirname(path), name): text for name, text in others}}
    for name in texts:
        if is_same_file(spec, name):
            raise InvalidUsage([usage_error(f"--output would overwrite {name}, which the command reads")])
        check_new(name, force=force)
    for name, text in texts.items():
        write_new(name, text, force=force)
    if target.is_script and os.path.isfile(path):
        mode = os.stat(path).st_mode
        os.chmod(path, mode | (mode & (stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)) >> 2)
