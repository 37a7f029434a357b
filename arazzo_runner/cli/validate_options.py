"""The options of `arazzo validate`, gathered in one record."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import fields
from fnmatch import fnmatchcase
from typing import Any, cast

import click

from arazzo_runner.cli.options import Command
from arazzo_runner.config.settings import LEVELS, PRESETS
from arazzo_runner.diagnostics import did_you_mean
from arazzo_runner.lint.codes import known_codes
from arazzo_runner.lint.policy import Choices
from arazzo_runner.records import record
from arazzo_runner.report.findings import FORMATS

_SHOWN = LEVELS[1:]


@record(frozen=True, slots=True, kw_only=True)
class LintArguments:
    """What the options of `lint_options` say; fields are named like the options."""

    format_: str
    output: str | None
    preset: str | None
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    level: tuple[str, ...]
    max_warnings: int | None
    config: str | None
    no_config: bool
    exclude: tuple[str, ...]
    stdin_filename: str
    jobs: int | None
    baseline: str | None
    write_baseline: str | None
    fix: bool
    unsafe: bool
    diff: bool
    deep: bool

    def choices(self, *, strict: bool) -> Choices:
        """Return what is said about levels; raises UsageError for codes and levels there are not."""
        least, levels = "info", dict[str, str]()
        if self.deep:
            levels["description-contract"] = "warning"
        for text in self.level:
            code, equals, level = text.rpartition("=")
            if level not in (LEVELS if equals else _SHOWN):
                raise _wrong("--level", f'"{text}" is no level', f"write {', '.join(_SHOWN)}, or CODE=LEVEL")
            if equals:
                levels[_codes("--level", [code])[0]] = level
            else:
                least = level
        return Choices(
            preset=self.preset,
            strict=strict,
            select=_codes("--select", self.select),
            ignore=_codes("--ignore", self.ignore),
            levels=levels,
            least=least,
        )


def _codes(option: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return the codes, or globs of codes, of a comma-separated, repeatable option; each must mean something."""
    found = [code.strip() for text in texts for code in text.split(",") if code.strip()]
    for code in found:
        if not any(fnmatchcase(known, code) for known in known_codes()):
            hint = did_you_mean(code, known_codes()) or "arazzo explain lists all codes"
            raise _wrong(option, f'there is no code "{code}"', hint)
    return tuple(found)


def _wrong(option: str, message: str, hint: str) -> click.UsageError:
    return click.UsageError(f"{option}: {message}; {hint}", click.get_current_context(silent=True))


_FORMAT = "What the report is written as; json and sarif are documented contracts."
_OPTIONS = (
    click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True, help=_FORMAT),
    click.option("--output", metavar="FILE", help="Write the report to FILE; stdout then says the same as text."),
    click.option("--preset", type=click.Choice(PRESETS), help="Which findings are reported, and as what."),
    click.option("--select", metavar="CODES", multiple=True, help="Report these codes only; a,b or a-*; repeatable."),
    click.option("--ignore", metavar="CODES", multiple=True, help="Do not report these codes; repeatable."),
    click.option(
        "--level",
        metavar="[CODE=]LEVEL",
        multiple=True,
        help="The least level to report, or the level of one code (off, info, warning, error); repeatable.",
    ),
    click.option("--deep", is_flag=True, help="Check the operations that are called with openapi-spec-validator too."),
    click.option("--max-warnings", type=click.IntRange(min=0), metavar="N", help="Fail when there are more warnings."),
    click.option("--baseline", metavar="FILE", help="Forgive the findings that are listed in FILE."),
    click.option("--write-baseline", metavar="FILE", help="List today's findings in FILE, to be forgiven later."),
    click.option("--fix", is_flag=True, help="Mend what can be mended without changing what a document does."),
    click.option("--unsafe", is_flag=True, help="With --fix or --diff: also what a person should look at."),
    click.option("--diff", is_flag=True, help="Show what --fix would change; nothing is written."),
    click.option("--config", metavar="FILE", help="Read settings from FILE (default: the nearest arazzo.toml)."),
    click.option("--no-config", is_flag=True, help="Read no settings from arazzo.toml or pyproject.toml."),
    click.option("--exclude", metavar="GLOB", multiple=True, help="Leave out what folders and globs find; repeatable."),
    click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Check in N processes (default: as it pays)."),
    click.option(
        "--stdin-filename", metavar="NAME", default="stdin.yml", help="What the document on standard input is called."
    ),
)


def lint_options(command: Command) -> Command:
    """Add the options about findings and reports; the command gets them as `given`."""

    @functools.wraps(command)
    def gathered(**options: Any) -> int:
        names = [each.name for each in fields(LintArguments)]
        return command(given=LintArguments(**{name: options.pop(name) for name in names}), **options)

    decorated: Any = gathered
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return cast(Command, decorated)
