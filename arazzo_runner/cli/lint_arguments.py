"""Options of `arazzo validate` about findings and reports; free of click."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from arazzo_runner.base.records import Record, field_names
from arazzo_runner.cli.combinations import problem_of
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.option_table import COLOR_OPTION, READING_OPTIONS, Option
from arazzo_runner.config.settings import LEVELS, PRESETS
from arazzo_runner.errors import InvalidUsage, did_you_mean
from arazzo_runner.lint.documents import STDIN
from arazzo_runner.lint.levels import UNREADABLE, Choices
from arazzo_runner.lint.pages import known_codes
from arazzo_runner.report.findings.formats import FORMATS

_SHOWN = LEVELS[1:]
_FORMAT = "The format of the report; json and sarif are documented contracts."
_LEVEL = "The lowest level to report, or the level of codes, as in a,b-*=off (off, info, warning, error); repeatable."
VALIDATE_OPTIONS: Final = (
    Option("--format", _FORMAT, parameter="format_", choices=FORMATS, default="text"),
    Option("--output", "Write the report to FILE, and print it as text.", "FILE"),
    Option("--preset", "Which findings are reported, and at which levels.", choices=PRESETS),
    Option("--select", "Report these codes only; a,b or a-*; repeatable.", "CODES", repeatable=True),
    Option("--ignore", "Do not report these codes; repeatable.", "CODES", repeatable=True),
    Option("--level", _LEVEL, "[CODE=]LEVEL", repeatable=True),
    Option("--deep", "Also check the called operations with openapi-spec-validator."),
    Option("--max-warnings", "Exit with 1 if there are more than N warnings.", "N", minimum=0),
    Option("--baseline", "Suppress the findings that are listed in FILE.", "FILE"),
    Option("--write-baseline", "Write the current findings to FILE, for --baseline.", "FILE"),
    Option("--fix", "Apply the fixes that do not change what a document does."),
    Option("--unsafe", "With --fix or --diff: also apply fixes that need a review."),
    Option("--diff", "Show what --fix would change; nothing is written."),
    Option("--config", "Read settings from FILE (default: the nearest arazzo.toml).", "FILE"),
    Option("--no-config", "Read no settings from arazzo.toml or pyproject.toml."),
    Option("--exclude", "Exclude matching files of folders and globs; repeatable.", "GLOB", repeatable=True),
    Option("--jobs", "Check in N processes (default: by the amount of work).", "N", minimum=1),
    Option("--stdin-filename", "The name of the document on standard input.", "NAME", default="stdin.yml"),
    *READING_OPTIONS,
    COLOR_OPTION,
)


class LintArguments(Record, kw_only=True):
    """The values of VALIDATE_OPTIONS about findings and reports, named like the options."""

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
        """Return the levels and codes that are reported; raises InvalidUsage for unknown ones."""
        least, levels = "info", dict[str, str]()
        if self.deep:
            levels["description-contract"] = "warning"
        for text in self.level:
            code, equals, level = text.rpartition("=")
            if level not in (LEVELS if equals else _SHOWN) or (equals and not code.strip(" ,")):
                raise _wrong("--level", f'"{text}" is not a level', f"write {', '.join(_SHOWN)}, or CODE=LEVEL")
            if equals:
                levels.update((known, level) for each in _codes("--level", [code]) for known in _matching(each))
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


def contradiction(values: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the options of a command line beside each other, None if nothing is."""
    given = {each.name for each in VALIDATE_OPTIONS if _is_given(each, values[each.key])}
    reads_stdin = STDIN in values["specs"]
    if "--stdin-filename" in given and not reads_stdin:
        return f"--stdin-filename needs {STDIN} among the documents: it names standard input"
    if reads_stdin and "--fix" in given and given & {"--format", "--output"}:
        return "--fix prints the document of standard input, and excludes --format and --output"
    return problem_of("validate", given)


def _is_given(option: Option, value: object) -> bool:
    return value is not False and value not in (option.default, (), {})


def lint_arguments(values: Mapping[str, Any]) -> LintArguments:
    """Return the values of VALIDATE_OPTIONS that are about findings and reports."""
    return LintArguments(**{name: values[name] for name in field_names(LintArguments)})


def _codes(option: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return the codes, or globs of codes, of a comma-separated, repeatable option; each must match a code."""
    found = [code.strip() for text in texts for code in text.split(",") if code.strip()]
    for code in found:
        if not _matching(code):
            hint = did_you_mean(code, known_codes()) or "arazzo explain lists all codes"
            raise _wrong(option, f'there is no code "{code}"', hint)
        if option != "--select" and code in UNREADABLE:
            raise _wrong(option, f'"{code}" keeps its level', "such a document cannot be read")
    return tuple(found)


def _matching(code: str) -> list[str]:
    """Return the codes that a code, or a glob of codes, matches."""
    return sorted(known for known in known_codes() if fnmatchcase(known, code))


def _wrong(option: str, message: str, hint: str) -> InvalidUsage:
    return InvalidUsage([usage_error(f"{option}: {message}; {hint}", hint="see arazzo validate --help")])
