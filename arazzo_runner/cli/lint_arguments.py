"""What a command line says about findings and reports, as one record; free of click."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from arazzo_runner.base.records import Record
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.config.settings import LEVELS
from arazzo_runner.errors import InvalidUsage, did_you_mean
from arazzo_runner.lint.levels import Choices
from arazzo_runner.lint.pages import known_codes

_SHOWN = LEVELS[1:]


class LintArguments(Record, kw_only=True):
    """What the options of `lint_options` say; fields are named like the options, and have their defaults."""

    format_: str = "text"
    output: str | None = None
    preset: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    max_warnings: int | None = None
    config: str | None = None
    no_config: bool = False
    exclude: tuple[str, ...] = ()
    stdin_filename: str = "stdin.yml"
    jobs: int | None = None
    baseline: str | None = None
    write_baseline: str | None = None
    fix: bool = False
    unsafe: bool = False
    diff: bool = False
    deep: bool = False

    def choices(self, *, strict: bool) -> Choices:
        """Return what is said about levels; raises InvalidUsage for codes and levels there are not."""
        least, levels = "info", dict[str, str]()
        if self.deep:
            levels["description-contract"] = "warning"
        for text in self.level:
            code, equals, level = text.rpartition("=")
            if level not in (LEVELS if equals else _SHOWN) or (equals and not code.strip(" ,")):
                raise _wrong("--level", f'"{text}" is no level', f"write {', '.join(_SHOWN)}, or CODE=LEVEL")
            if equals:
                levels.update((known, level) for each in _codes("--level", [code]) for known in _meant(each))
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


def _meant(code: str) -> list[str]:
    """Return the codes that a code, or a glob of codes, means."""
    return sorted(known for known in known_codes() if fnmatchcase(known, code))


def _wrong(option: str, message: str, hint: str) -> InvalidUsage:
    return InvalidUsage([usage_error(f"{option}: {message}; {hint}", hint="see arazzo validate --help")])
