"""The options of `arazzo validate`, as click reads them; gathered in one record."""

from __future__ import annotations

import functools
from typing import Any, cast

import click

from arazzo_runner.base.records import field_names
from arazzo_runner.cli.lint_arguments import LintArguments
from arazzo_runner.cli.options import Command, Count
from arazzo_runner.config.settings import PRESETS
from arazzo_runner.report.findings.formats import FORMATS

_DEFAULTS = LintArguments()
_FORMAT = "What the report is written as; json and sarif are documented contracts."
_OPTIONS = (
    click.option(
        "--format", "format_", type=click.Choice(FORMATS), default=_DEFAULTS.format_, show_default=True, help=_FORMAT
    ),
    click.option("--output", metavar="FILE", help="Write the report to FILE; stdout then says the same as text."),
    click.option("--preset", type=click.Choice(PRESETS), help="Which findings are reported, and as what."),
    click.option("--select", metavar="CODES", multiple=True, help="Report these codes only; a,b or a-*; repeatable."),
    click.option("--ignore", metavar="CODES", multiple=True, help="Do not report these codes; repeatable."),
    click.option(
        "--level",
        metavar="[CODE=]LEVEL",
        multiple=True,
        help="The least level to report, or that of codes, as in a,b-*=off (off, info, warning, error); repeatable.",
    ),
    click.option("--deep", is_flag=True, help="Check the operations that are called with openapi-spec-validator too."),
    click.option("--max-warnings", type=Count(0), metavar="N", help="Fail when there are more warnings."),
    click.option("--baseline", metavar="FILE", help="Forgive the findings that are listed in FILE."),
    click.option("--write-baseline", metavar="FILE", help="List today's findings in FILE, to be forgiven later."),
    click.option("--fix", is_flag=True, help="Mend what can be mended without changing what a document does."),
    click.option("--unsafe", is_flag=True, help="With --fix or --diff: also what a person should look at."),
    click.option("--diff", is_flag=True, help="Show what --fix would change; nothing is written."),
    click.option("--config", metavar="FILE", help="Read settings from FILE (default: the nearest arazzo.toml)."),
    click.option("--no-config", is_flag=True, help="Read no settings from arazzo.toml or pyproject.toml."),
    click.option("--exclude", metavar="GLOB", multiple=True, help="Leave out what folders and globs find; repeatable."),
    click.option("--jobs", type=Count(), metavar="N", help="Check in N processes (default: as it pays)."),
    click.option(
        "--stdin-filename",
        metavar="NAME",
        default=_DEFAULTS.stdin_filename,
        help="What the document on standard input is called.",
    ),
)


def lint_options(command: Command) -> Command:
    """Add the options about findings and reports; the command gets them as `given`."""

    @functools.wraps(command)
    def gathered(**options: Any) -> int:
        given = LintArguments(**{name: options.pop(name) for name in field_names(LintArguments)})
        return command(given=given, **options)

    decorated: Any = gathered
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return cast(Command, decorated)
