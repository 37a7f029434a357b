"""`arazzo init`: the files with which a project begins, ready to be run."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Final

import click

from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.user_files import UnusableFile, make_folders, read_line, reason_of
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.new_files import check_new, write_new
from arazzo_runner.cli.options import arazzo_command, color_option
from arazzo_runner.cli.project_files import CI_FILES, ci_text, settings_text
from arazzo_runner.cli.run.prepare import settings_of
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.errors import InvalidDescription, InvalidUsage, Severity
from arazzo_runner.generate.example import DESCRIPTION, NAME
from arazzo_runner.generate.from_openapi import Choice, from_openapi
from arazzo_runner.generate.generated import Generated, kind_of
from arazzo_runner.generate.writing import draft_text
from arazzo_runner.program.library import display
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.findings.text import print_diagnostics
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.sources.fetch import FetchError, make_fetch
from arazzo_runner.sources.uris import is_remote, uri_of_path

_HELP = """\
Writes a workflow for the operations of an OpenAPI description (a path or URL),
an arazzo.toml, and a file for continuous integration. In a terminal it asks for
what is not given; --yes takes the defaults. Without a DESCRIPTION, a small API
of its own is written too. No file is overwritten.

\b
Examples:
  arazzo init --yes
  arazzo init specs/openapi/travel.yml -o travel.arazzo.yml --ci github
  arazzo init specs/openapi/stock.yml --operation getItem -o stock.arazzo.yml
"""
_SETTINGS: Final = "arazzo.toml"
_KINDS: Final = (*CI_FILES, "none")


class Wanted(Record, kw_only=True):
    """What is asked for, None where it is not said yet; "" as `description` is the example."""

    description: str | None
    operations: tuple[str, ...] | None
    output: str | None
    ci: str | None


@arazzo_command("init", _HELP)
@click.argument("description", metavar="[DESCRIPTION]", required=False)
@click.option("--operation", "operations", metavar="ID", multiple=True, help="Call this operation; repeatable.")
@click.option("-o", "--output", metavar="FILE", help="Write the workflow into this file.")
@click.option("--ci", type=click.Choice(_KINDS), help="Write a file for this CI service.")
@click.option("--yes", "takes_defaults", is_flag=True, help="Ask nothing: take the defaults of what is not given.")
@color_option
def command(
    description: str | None,
    operations: tuple[str, ...],
    output: str | None,
    ci: str | None,
    takes_defaults: bool,
    no_color: bool,
) -> int:
    """Ask for what is missing, write the files, and say what to do next."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    wanted = Wanted(description=description, operations=operations or None, output=output, ci=ci)
    if not takes_defaults and sys.stdin is not None and sys.stdin.isatty():
        wanted = _asked(console, wanted)
    elif not takes_defaults and description is None:
        message = "nothing can be asked, because standard input is no terminal"
        raise InvalidUsage([usage_error(message, hint="name a description, or add --yes to begin with an example")])
    _write(console, wanted)
    return 0


# ------------------------------------------------------------------ questions


def _asked(console: Console, wanted: Wanted) -> Wanted:
    """Return what is wanted, with the answers to questions about what is not said."""
    if wanted.description is None:
        wanted = replace(wanted, description=_answer(console, "OpenAPI description, a path or URL", "an example"))
    if wanted.operations is None and wanted.description:
        text = _answer(console, "operationIds to call, separated by spaces", "all")
        wanted = replace(wanted, operations=tuple(text.split()))
    if wanted.output is None:
        default = _output(wanted)
        wanted = replace(wanted, output=_answer(console, "File of the workflow", default) or default)
    while wanted.ci is None:
        found = _answer(console, f"Continuous integration: {', '.join(_KINDS)}", "none") or "none"
        wanted = replace(wanted, ci=found if found in _KINDS else None)
    return wanted


def _answer(console: Console, question: str, default: str) -> str:
    """Return the answer to a question, "" for the default."""
    console.err(f"{question} [{default}]: ")
    try:
        line = read_line()
    except UnusableFile as problem:
        raise InvalidUsage([usage_error(f"the answer cannot be read: {problem.reason}")]) from None
    if not line:
        console.err("\n")
    return line.strip()


# ------------------------------------------------------------------ files


def _output(wanted: Wanted) -> str:
    """Return the file of the workflow: the one that is named, else one named like the description."""
    if wanted.output:
        return wanted.output
    stem = os.path.basename((wanted.description or NAME).split("?")[0]).partition(".")[0]
    return f"{stem or 'flow'}.arazzo.yml"


def _write(console: Console, wanted: Wanted) -> None:
    """Write the files, all of them or none, and say which."""
    output = _output(wanted)
    folder = os.path.dirname(os.path.abspath(output))
    example = None if wanted.description else os.path.join(os.path.dirname(output), NAME)
    for each in (output, example):
        if each is not None:
            _check_new(each)
    generated = _generated(wanted, os.path.join(folder, NAME), folder)
    if generated.warnings:
        print_diagnostics(console, generated.warnings, "\n")
    ids = [each.workflow_id for each in generated.draft.workflows]
    files = {} if example is None else {example: DESCRIPTION}
    files[output] = draft_text(generated.draft)
    optional = {_SETTINGS: settings_text(output.replace(os.sep, "/"), generated.draft.sources[0].name)}
    if wanted.ci in CI_FILES:
        optional[CI_FILES[wanted.ci or ""]] = ci_text(wanted.ci or "", shlex.quote(output.replace(os.sep, "/")))
    for path, text in files.items():
        write_new(path, text, force=False)
        console.out(f"wrote {one_line(path)}\n")
    for path, text in optional.items():
        _write_unless_there(console, path, text)
    chosen = "" if len(ids) == 1 else f" -w {ids[0]}"
    console.out(f"next: arazzo run {one_line(shlex.quote(output))}{chosen} --mock --sample-inputs\n")


def _write_unless_there(console: Console, path: str, text: str) -> None:
    """Write a file that projects often have already, which is kept then."""
    if os.path.lexists(path):
        console.out(f"kept {path}, which exists\n")
        return
    try:
        make_folders(os.path.dirname(os.path.abspath(path)))
    except OSError as problem:
        message = f"{path} cannot be written: {reason_of(problem)}"
        raise InvalidUsage([usage_error(message, code="cannot-write-output")]) from None
    write_new(path, text, force=False)
    console.out(f"wrote {path}\n")


def _check_new(path: str) -> None:
    """Raise InvalidUsage for a file that exists, or that cannot be written."""
    if path == "-":
        raise InvalidUsage([usage_error("-o names the file of the workflow, which arazzo.toml names too")])
    if os.path.isfile(path):
        message = f"{path} exists, and is not overwritten"
        hint = "name another file with -o"
        raise InvalidUsage([usage_error(message, code="cannot-write-output", hint=hint)])
    check_new(path, force=False)


def _generated(wanted: Wanted, example: str, folder: str) -> Generated:
    """Return the workflow of a description, or of the example, which will be at the path `example`."""
    file = wanted.description or example
    location = file if is_remote(file) else uri_of_path(file)
    fetch = make_fetch(location, root=None, offline=False, allow_remote=False, url_map=settings_of(file).url_map)
    try:
        data = fetch.entry(location) if wanted.description else DESCRIPTION.encode()
    except FetchError as problem:
        error = usage_error(problem.message, code="unreadable-file", hint=problem.hint, file=file)
        raise InvalidUsage([error]) from None
    problems = Problems()
    document = read(data, display(location), problems, duplicates=Severity.WARNING)
    if document is None:
        hint = "name an OpenAPI description, which begins with openapi: 3.1.0"  # not that of an Arazzo document
        raise InvalidDescription(
            replace(each, hint=hint) if each.code == "empty-document" else each for each in problems.diagnostics
        )
    if kind_of(document.value) != "openapi":
        hint = "name an OpenAPI description; `arazzo generate` reads recorded traffic and Postman collections too"
        message = "this is no OpenAPI description"
        raise InvalidUsage([usage_error(message, code="nothing-to-generate", hint=hint, file=file)])
    return from_openapi(document, location, folder, Choice(operations=wanted.operations or ()), fetch=fetch)
