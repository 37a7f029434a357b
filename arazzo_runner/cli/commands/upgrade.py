"""`arazzo upgrade`."""

from __future__ import annotations

import functools
import os
import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import click

from arazzo_runner.base.records import Record
from arazzo_runner.cli.errors import EXIT_USAGE, usage_error
from arazzo_runner.cli.lint_session import standard_input, validation_options
from arazzo_runner.cli.option_table import (
    COLOR_OPTION,
    READING_OPTIONS,
    Option,
    ReadingArguments,
    WrongValue,
    reading_arguments,
)
from arazzo_runner.cli.options import add_options, arazzo_command
from arazzo_runner.cli.rewriting import diff_text, replace_document
from arazzo_runner.errors import Diagnostic, InvalidUsage
from arazzo_runner.lint.documents import STDIN, select_documents
from arazzo_runner.lint.pipeline import Linter, LintOptions
from arazzo_runner.lint.upgrade import NEWEST, Upgrade, unread_sources, upgrade
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.findings.text import print_diagnostics
from arazzo_runner.report.terminal.console import Console, count
from arazzo_runner.sources.uris import is_remote

_HELP = """\
SPEC is a file, a folder (searched for Arazzo documents), a glob, or - for
standard input, whose upgraded text is printed. Each document of Arazzo 1.0 is
rewritten to say 1.1, and what `arazzo validate --fix` fixes is fixed. Comments,
order and style stay. The document is compiled before and after: it is only
written if it does the same. One that is broken is left as it is.

\b
Examples:
  arazzo upgrade specs/ --check                     # exit code 1
  arazzo upgrade specs/arazzo/two-apis.yml --diff   # exit code 1
  arazzo upgrade - < specs/arazzo/two-apis.yml > upgraded.yml

\b
Exit codes:
  0  every document is up to date now
  1  a document was refused; with --check or --diff: or would be changed
  2  a file cannot be read or written, or the options are wrong
"""
_READING: Final = tuple(option for option in READING_OPTIONS if option.name != "--strict")
_OPTIONS: Final = (
    Option("--check", "Write nothing; exit with 1 if a document would be changed."),
    Option("--diff", "Show what would be changed; nothing is written."),
    Option("--to", "The version of Arazzo to upgrade to.", choices=("1.1",), default="1.1"),
    Option("--exclude", "Exclude matching files of folders and globs; repeatable.", "GLOB", repeatable=True),
    Option("--stdin-filename", "The name of the document on standard input.", "NAME", default="stdin.yml"),
    *_READING,
    COLOR_OPTION,
)


class _Given(Record, kw_only=True):
    """The arguments that are not about reading; `stdin` is what came on standard input, under `stdin_filename`."""

    specs: tuple[str, ...]
    exclude: tuple[str, ...]
    is_check: bool
    is_diff: bool
    stdin_filename: str
    stdin: bytes | None

    @property
    def writes(self) -> bool:
        """Whether documents are written."""
        return not (self.is_check or self.is_diff)


@arazzo_command("upgrade", _HELP)
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True)
@functools.partial(add_options, options=_OPTIONS)
def command(**values: Any) -> int:
    """Upgrade documents to the newest version of Arazzo."""
    try:
        reading = reading_arguments({**values, "strict": False})
    except WrongValue as problem:
        raise InvalidUsage([usage_error(str(problem), hint="see arazzo upgrade --help")]) from None
    specs = values["specs"]
    given = _Given(
        specs=specs,
        exclude=values["exclude"],
        is_check=values["check"],
        is_diff=values["diff"],
        stdin_filename=values["stdin_filename"],
        stdin=standard_input() if STDIN in specs else None,
    )
    return _Session(given, reading, Console(sys.stdout, sys.stderr, color=False if values["no_color"] else None)).run()


class _Session:
    """The documents and options of one command line."""

    def __init__(self, given: _Given, reading: ReadingArguments, console: Console) -> None:
        self._given = given
        self._console = console
        self._names = _documents(given)
        contents = {} if given.stdin is None else {given.stdin_filename: given.stdin}
        self._reading = validation_options(reading)
        self._linter = Linter(self._names, LintOptions(reading=self._reading, contents=contents))
        self._kinds = Counter[str]()

    def run(self) -> int:
        """Upgrade every document, report, and return the exit code."""
        self._check_sources()
        codes = [self._upgrade(name) for name in self._names]
        if len(self._names) > 1:
            told = ", ".join(f"{number} {kind}" for kind, number in self._kinds.items())
            self._say(f"{count(len(self._names), 'document')}: {told}")
        return max(codes)

    def _check_sources(self) -> None:
        """Raise InvalidUsage, before anything is written, for a --source that no document has or that is not read."""
        if not self._reading.sources:
            return
        from arazzo_runner.program.servers import unknown_sources  # lazily: few command lines name sources

        linted = [self._linter.lint(name) for name in self._names]
        found = [one for each in linted for one in unread_sources(each, self._reading.sources)]
        if all(each.document is not None for each in linted):
            found += unknown_sources(self._linter.sources, self._reading)
        if found:
            raise InvalidUsage(dict.fromkeys(found))

    def _upgrade(self, name: str) -> int:
        found = upgrade(self._linter, name)
        if found.refused:
            return self._refuse(found)
        if not found.is_changed:
            self._kinds["up to date"] += 1
            if len(self._names) == 1:
                self._say(f"{one_line(name)} is up to date (Arazzo {one_line(found.version or NEWEST)})")
            self._deliver(found)
            return 0
        self._deliver(found)
        self._kinds["upgraded" if self._given.writes else "to upgrade"] += 1
        self._say(_sentence(found, "upgraded" if self._given.writes else "would upgrade"))
        return 0 if self._given.writes else 1

    def _refuse(self, found: Upgrade) -> int:
        self._kinds["refused"] += 1
        print_diagnostics(self._console, found.refused, end="\n")
        if not found.is_open:
            return EXIT_USAGE
        self._console.err(f"{one_line(found.name)} was not changed\n")
        return 1

    def _deliver(self, found: Upgrade) -> None:
        given, is_stdin = self._given, found.name == self._given.stdin_filename and self._given.stdin is not None
        if given.is_diff:
            self._console.out(diff_text(found.name, found.before, found.after, color=self._console.color_out))
        elif given.is_check:
            return
        elif is_stdin:
            mark = "\ufeff" if (given.stdin or b"").startswith(b"\xef\xbb\xbf") else ""
            self._console.document(mark + found.after)
        elif found.is_changed:
            replace_document(found.name, found.after)

    def _say(self, text: str) -> None:
        """Print a line about documents: to stderr if stdout is for a document or a diff."""
        if self._given.is_diff or self._given.stdin is not None:
            self._console.err(f"{text}\n")
        else:
            self._console.words(f"{text}\n")


def _documents(given: _Given) -> tuple[str, ...]:
    """Return the names of the documents; raises InvalidUsage when a SPEC has none, or is no file."""
    remote = next((name for name in given.specs if is_remote(name)), None)
    if remote is not None:
        message = f"{one_line(remote)} is a URL; only files can be upgraded"
        raise InvalidUsage([usage_error(message, hint="save it to a file, or write it to standard input with -")])
    selection = select_documents(given.specs, given.exclude, os.getcwd())
    if selection.nothing or not selection.documents:
        message = f"there is no Arazzo document in {', '.join(selection.nothing)}"
        raise InvalidUsage([usage_error(message, hint="an Arazzo document is YAML or JSON with the root field arazzo")])
    return tuple(given.stdin_filename if name == STDIN else name for name in selection.documents)


def _sentence(found: Upgrade, verb: str) -> str:
    """Return what was done to a document, in one line."""
    fixed = f"; fixed: {_amounts(found.slips)}" if found.slips else ""
    unread = ""
    if found.unread:
        were = "was" if found.unread == 1 else "were"
        unread = f"; {count(found.unread, 'step')} {were} compared as written, without a description"
    return f"{verb} {one_line(found.name)} from {one_line(found.version or '')} to {NEWEST}{fixed}{unread}"


def _amounts(slips: Iterable[Diagnostic]) -> str:
    """Return codes with their numbers, as in `property-step (2), double-quotes`."""
    numbers = Counter(each.code for each in slips)
    return ", ".join(code if number == 1 else f"{code} ({number})" for code, number in numbers.items())
