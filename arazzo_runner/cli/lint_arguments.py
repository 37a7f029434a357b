"""Options of `arazzo validate` about findings and reports; free of click."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from arazzo_runner.base.records import field_names, record
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.option_table import Option
from arazzo_runner.cli.reading_arguments import COLOR_OPTION, READING_OPTIONS
from arazzo_runner.config.settings import LEVELS, PRESETS
from arazzo_runner.errors import InvalidUsage, did_you_mean
from arazzo_runner.lint.codes import known_codes
from arazzo_runner.lint.levels import Choices
from arazzo_runner.report.findings.formats import FORMATS

_SHOWN = LEVELS[1:]
_FORMAT = "What the report is written as; json and sarif are documented contracts."
_LEVEL = "The least level to report, or that of codes, as in a,b-*=off (off, info, warning, error); repeatable."
VALIDATE_OPTIONS: Final = (
    Option("--format", _FORMAT, parameter="format_", choices=FORMATS, default="text"),
    Option("--output", "Write the report to FILE; stdout then says the same as text.", "FILE"),
    Option("--preset", "Which findings are reported, and as what.", choices=PRESETS),
    Option("--select", "Report these codes only; a,b or a-*; repeatable.", "CODES", repeatable=True),
    Option("--ignore", "Do not report these codes; repeatable.", "CODES", repeatable=True),
    Option("--level", _LEVEL, "[CODE=]LEVEL", repeatable=True),
    Option("--deep", "Check the operations that are called with openapi-spec-validator too."),
    Option("--max-warnings", "Fail when there are more warnings.", "N", minimum=0),
    Option("--baseline", "Forgive the findings that are listed in FILE.", "FILE"),
    Option("--write-baseline", "List today's findings in FILE, to be forgiven later.", "FILE"),
    Option("--fix", "Mend what can be mended without changing what a document does."),
    Option("--unsafe", "With --fix or --diff: also what a person should look at."),
    Option("--diff", "Show what --fix would change; nothing is written."),
    Option("--config", "Read settings from FILE (default: the nearest arazzo.toml).", "FILE"),
    Option("--no-config", "Read no settings from arazzo.toml or pyproject.toml."),
    Option("--exclude", "Leave out what folders and globs find; repeatable.", "GLOB", repeatable=True),
    Option("--jobs", "Check in N processes (default: as it pays).", "N", minimum=1),
    Option("--stdin-filename", "What the document on standard input is called.", "NAME", default="stdin.yml"),
    *READING_OPTIONS,
    COLOR_OPTION,
)


@record(frozen=True, slots=True, kw_only=True)
class LintArguments:
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
                raise _wrong("--level", f'"{text}" is no level', f"write {', '.join(_SHOWN)}, or CODE=LEVEL")
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
    return tuple(found)


def _matching(code: str) -> list[str]:
    """Return the codes that a code, or a glob of codes, matches."""
    return sorted(known for known in known_codes() if fnmatchcase(known, code))


def _wrong(option: str, message: str, hint: str) -> InvalidUsage:
    return InvalidUsage([usage_error(f"{option}: {message}; {hint}", hint="see arazzo validate --help")])
