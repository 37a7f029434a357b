"""The levels of findings: presets, then arazzo.toml and its overrides, then the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field, replace
from arazzo_runner.config.settings import RuleSetting, ValidateSettings
from arazzo_runner.errors import Diagnostic, Judge, Location, Severity
from arazzo_runner.lint.checker import Checks
from arazzo_runner.lint.documents import matches

UNREADABLE: Final = frozenset({
    "alias-expansion", "document-too-deep", "document-too-large", "empty-document", "json-syntax", "not-arazzo",
    "not-json", "not-text", "not-utf8", "unreadable-file", "unsupported-tag", "unusable-key", "yaml-syntax",
})  # fmt: skip
"""Codes that cannot be turned off: the document could not be read, or only in part."""

_UNREAD_SOURCE: Final = frozenset({"not-checked", "source-kind", "source-not-found", "source-not-readable"})
"""Codes of a source that was not read, so that the steps that use it were not checked."""

IGNORE: Final = "arazzo-ignore"
"""What comments that suppress findings begin with."""
_RANKS: Final = {"off": 0, "info": 1, "warning": 2, "error": 3}


def hides_others(found: Diagnostic) -> bool:
    """Return whether a finding means that other findings cannot be seen: a document or a needed source was not read."""
    return found.code in UNREADABLE or (found.code in _UNREAD_SOURCE and found.severity is Severity.ERROR)


def is_complete(found: Iterable[Diagnostic]) -> bool:
    """Return whether everything that a document needs was read, by all of its findings."""
    return not any(each.code in UNREADABLE or each.code in _UNREAD_SOURCE for each in found)


class Choices(Record, kw_only=True):
    """The levels given on the command line; `select` and `ignore` are codes or globs of codes."""

    preset: str | None = None
    strict: bool = False
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    levels: Mapping[str, str] = field(default_factory=dict)
    least: str = "info"


class Policy(Record, kw_only=True):
    """The levels for one document: by code on top of a preset, the selected codes, and the lowest level shown."""

    preset: str = "recommended"
    strict: bool = False
    rules: Mapping[str, RuleSetting] = field(default_factory=dict)
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    least: str = "info"

    def checks(self) -> Checks:
        """Return who judges, which rules run and with which options."""
        from arazzo_runner.lint.rules.catalogue import RULES  # lazily: cached results need no rules

        rules = frozenset(each.code for each in RULES if self._runs(each.code, each.is_default))
        options: dict[str, Mapping[str, JsonValue]] = {
            code: setting.options for code, setting in self.rules.items() if setting.options
        }
        return Checks(judge=self._judge(), rules=rules, rule_options=options)

    def leveled(self, found: Diagnostic) -> Diagnostic | None:
        """Return a finding with its level; None if it is not reported."""
        if found.code in UNREADABLE:
            return found
        stated = self._level(found.code)
        level = stated or found.severity.value
        shown = _RANKS[level] >= _RANKS["error" if self.preset == "minimal" else self.least]
        explicit = stated is not None and _RANKS[level] >= _RANKS[self.least]
        if level == "off" or not (shown or explicit) or not self._is_selected(found.code):
            return None
        return found if level == found.severity.value else replace(found, severity=Severity(level))

    def reports(self, code: str, severity: Severity) -> bool:
        """Return whether a finding would be looked for and reported."""
        from arazzo_runner.lint.rules.catalogue import RULES  # lazily: cached results need no rules

        rule = next((each for each in RULES if each.code == code), None)
        if rule is not None and not self._runs(code, rule.is_default):
            return False
        return self.leveled(Diagnostic(code=code, severity=severity, message="", at=Location(""))) is not None

    def is_off(self, code: str) -> bool:
        """Return whether findings of a code are never reported under this policy."""
        return self._level(code) == "off" or not self._is_selected(code)

    def _judge(self) -> Judge:
        if self.strict or self.preset == "strict":
            return Judge.STRICT
        return Judge.RUN if self.preset == "tolerant" else Judge.VALIDATE

    def _level(self, code: str) -> str | None:
        setting = self.rules.get(code)
        return None if setting is None else setting.level

    def _is_selected(self, code: str) -> bool:
        return (not self.select or _is_any(code, self.select)) and not _is_any(code, self.ignore)

    def _runs(self, code: str, by_default: bool) -> bool:
        is_requested = self._level(code) is not None or self.preset == "strict" or _is_any(code, self.select)
        return (by_default or is_requested) and not self.is_off(code)


def policy_for(settings: ValidateSettings, path: str, choices: Choices) -> Policy:
    """Return the policy for a document at `path`, relative to the folder of the settings."""
    rules = dict(settings.rules)
    for index in matching(settings, path):
        rules.update(_merged(rules, settings.overrides[index].rules))
    rules.update(_merged(rules, {code: RuleSetting(level=level) for code, level in choices.levels.items()}))
    return Policy(
        preset=choices.preset or settings.preset,
        strict=choices.strict,
        rules=rules,
        select=choices.select,
        ignore=choices.ignore,
        least=choices.least,
    )


def matching(settings: ValidateSettings, path: str) -> tuple[int, ...]:
    """Return the indexes of the overrides that match a document."""
    overrides = enumerate(settings.overrides)
    return tuple(index for index, each in overrides if any(matches(pattern, path) for pattern in each.paths))


def _merged(below: Mapping[str, RuleSetting], above: Mapping[str, RuleSetting]) -> dict[str, RuleSetting]:
    """Return the settings of `above`, with the levels and options of `below` where they have none."""
    nothing = RuleSetting()
    return {
        code: RuleSetting(
            level=setting.level or below.get(code, nothing).level,
            options={**below.get(code, nothing).options, **setting.options},
        )
        for code, setting in above.items()
    }


def _is_any(code: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(code, pattern) for pattern in patterns)
