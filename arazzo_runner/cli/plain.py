"""Command lines of `arazzo validate` that need no click: names and the most usual options.

Click costs more than the checking of a document. What is read here means exactly what click makes of it;
whatever is doubtful, wrong or asks for help is left to click, so that every message is click's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from arazzo_runner.base.records import Record
from arazzo_runner.cli.guarded import guarded
from arazzo_runner.cli.lint_arguments import LintArguments
from arazzo_runner.cli.reading_arguments import ReadingArguments
from arazzo_runner.report.findings.formats import FORMATS
from arazzo_runner.report.terminal.console import Console


class Plain(Record):
    """A plain command line: the arguments of `lint_session.lint`."""

    specs: tuple[str, ...]
    given: LintArguments
    reading: ReadingArguments
    no_color: bool


def read_plain(arguments: list[str]) -> Plain | None:
    """Read what follows `arazzo validate`; None when that is better left to click."""
    specs: list[str] = []
    said: dict[str, Any] = {}
    rest = iter(arguments)
    for argument in rest:
        if argument == "-" or not argument.startswith("-"):
            specs.append(argument)
            continue
        field, value = _option(argument, rest)
        if value is None:
            return None
        said[field] = value
    no_color = said.pop("no_color", False)
    reading = ReadingArguments(**{name: said.pop(name) for name in _READING if name in said})
    return Plain(tuple(specs), LintArguments(**said), reading, no_color)


def _option(argument: str, rest: Iterator[str]) -> tuple[str, Any]:
    """Return the field that an option is about and its value, None when it is left to click."""
    if argument in _FLAGS:
        return _FLAGS[argument]
    name, equals, text = argument.partition("=")
    field, read = _VALUES.get(name, ("", _nothing))
    return field, read(text if equals else next(rest, ""))


def run_plain(plain: Plain, arguments: list[str]) -> int:
    """Check what a plain command line asks for and return the exit code; `arguments` is all of it."""
    return guarded(lambda: _lint(plain), arguments)


def _lint(plain: Plain) -> int:
    from arazzo_runner.cli.lint_session import lint  # lazily: its errors are told by `guarded` too

    try:
        return lint(plain.specs, plain.given, plain.reading, no_color=plain.no_color)
    except KeyboardInterrupt:
        Console(sys.stdout, sys.stderr).err("\n")  # ends the line in which a terminal shows ^C, as click does
        raise


def _nothing(text: str) -> None:
    return None


def _format(text: str) -> str | None:
    return text if text in FORMATS else None


def _name(text: str) -> str | None:
    return None if not text or text.startswith("-") else text


def _number(least: int) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
        return number if number >= least else None

    return read


_FLAGS: Final = {
    "--allow-remote": ("allow_remote", True),
    "--deep": ("deep", True),
    "--diff": ("diff", True),
    "--fix": ("fix", True),
    "--no-cache": ("cache", False),
    "--no-color": ("no_color", True),
    "--no-config": ("no_config", True),
    "--offline": ("offline", True),
    "--strict": ("strict", True),
    "--unsafe": ("unsafe", True),
}
_VALUES: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "--config": ("config", _name),
    "--format": ("format_", _format),
    "--jobs": ("jobs", _number(1)),
    "--max-warnings": ("max_warnings", _number(0)),
    "--output": ("output", _name),
}
_READING: Final = ("allow_remote", "cache", "offline", "strict")
"""The fields of ReadingArguments among them; the others are LintArguments'."""
