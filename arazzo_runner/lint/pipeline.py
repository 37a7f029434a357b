"""Linting: documents → findings as they are reported, each document by the settings that hold for it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field, replace
from arazzo_runner.config.find import Configurations
from arazzo_runner.config.settings import Settings
from arazzo_runner.document.cache import DiskCache, cache_folder
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import Diagnostic, InvalidUsage, Severity
from arazzo_runner.lint.checker import Checked, Checker, Checks
from arazzo_runner.lint.codes import codes_with_options, known_codes
from arazzo_runner.lint.levels import IGNORE, Choices, Policy, matching, policy_for
from arazzo_runner.lint.result_cache import Known, Remembered
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.report.findings.fingerprints import relative
from arazzo_runner.sources.dependency_tracker import Watch


class LintOptions(Record, kw_only=True):
    """How documents are linted.

    `config` is the configuration file for all of them (None: the nearest of each; `no_config`:
    none), `settings` its content where it has been read. `contents` are texts of documents that
    are no files (standard input), by name. What `remembers` takes the results of earlier runs again
    where nothing has changed, and keeps no document.
    """

    reading: LoadOptions
    choices: Choices = field(default_factory=Choices)
    config: str | None = None
    settings: Settings | None = None
    no_config: bool = False
    contents: Mapping[str, bytes] = field(default_factory=dict)
    remembers: bool = False


class Linted(Record):
    """One document and what is reported of it: its own findings by place, then those in files it names.

    `ignored` counts findings that comments forgave, `baselined` those that the baseline did.
    `is_open` is false when the document could not be opened; `document` is its text, when it could be read and
    is kept.
    """

    name: str
    findings: tuple[Diagnostic, ...]
    ignored: int = 0
    baselined: int = 0
    is_open: bool = True
    document: Document | None = None


class Linter:
    """Lints documents that are given together."""

    def __init__(self, documents: Iterable[str], options: LintOptions) -> None:
        self._options = options
        self._checkers: dict[str, Checker] = {}
        self._documents = tuple(documents)
        self._settings: dict[str, Settings] = {}
        self._configurations = Configurations()
        self._policies: dict[tuple[str | None, tuple[int, ...]], Policy] = {}
        self._checks: dict[int, Checks] = {}
        self._told: dict[str, list[Diagnostic]] = {}
        self._memory = _memory(options)

    def lint(self, name: str) -> Linted:
        """Check one document and return what is to be reported of it; a finding told before is not told again."""
        settings = self.settings_for(name)
        policy = self._policy_for(name, settings)
        if self._memory is not None:
            return self._lint_remembering(name, settings, policy, self._memory)
        try:
            checked = self._checker(settings).check(name, self._checks[id(policy)])
        except InvalidUsage as problem:
            return Linted(name, problem.diagnostics, is_open=False)
        left, count = self._judged(checked, policy)
        document = None if self._options.remembers else checked.document
        return Linted(name, tuple(self._not_told(left)), ignored=count, document=document)

    def _lint_remembering(self, name: str, settings: Settings, policy: Policy, memory: Remembered) -> Linted:
        """Take what was found before, where it still holds; else lint and keep it in mind."""
        checker = self._checker(settings)
        location, key = checker.location(name), self._key(settings, policy)
        known = memory.recall(location, key, checker)
        if known is None:
            watch = Watch()
            try:
                checked = checker.check(name, self._checks[id(policy)], watch=watch)
            except InvalidUsage as problem:
                return Linted(name, problem.diagnostics, is_open=False)
            found, count = self._judged(checked, policy)
            known = Known(tuple(found), count)
            if checked.holds_credential:
                memory.forget(location)  # of such a document nothing is written down
            else:
                memory.remember(location, key, checker, known, watch)
        return Linted(name, tuple(self._not_told(list(known.findings))), ignored=known.ignored)

    def is_known(self, name: str) -> bool:
        """Tell whether a document needs no linting, because what was found before still holds."""
        if self._memory is None:
            return False
        settings = self.settings_for(name)
        checker, policy = self._checker(settings), self._policy_for(name, settings)
        location = checker.location(name)
        return self._memory.recall(location, self._key(settings, policy), checker) is not None

    @property
    def learned(self) -> dict[str, JsonValue]:
        """What is to be remembered, by location."""
        return {} if self._memory is None else self._memory.learned

    def finish(self, learned: Mapping[str, JsonValue] | None = None) -> None:
        """Write down what is to be remembered; `learned` is what other processes learned."""
        if self._memory is not None:
            self._memory.learned.update(learned or {})
            self._memory.save()

    def _judged(self, checked: Checked, policy: Policy) -> tuple[list[Diagnostic], int]:
        """Return what is to be said of a document, in order, and how many findings comments forgave."""
        found = [judged for each in checked.diagnostics if (judged := policy.judged(each)) is not None]
        left, count = self._unforgiven(found, checked, policy)
        return _in_order(left, checked), count

    def _key(self, settings: Settings, policy: Policy) -> str:
        """Return all that decides how documents are read and judged, as text."""
        reading = with_settings(self._options.reading, settings)
        variables = sorted(each for each in reading.environment.items() if each[0].startswith("ARAZZO_SERVER_VAR_"))
        home = os.path.expanduser("~")  # which bounds what may be read outside a repository
        return f"{policy!r}\0{reading!r}\0{variables}\0{home}"

    def _policy_for(self, name: str, settings: Settings) -> Policy:
        if not settings.validate.overrides:
            return self._policy(settings, name)  # which decides nothing then
        return self._policy(settings, relative(os.path.abspath(name), settings.folder or os.getcwd()))

    def _not_told(self, found: list[Diagnostic]) -> list[Diagnostic]:
        """Return the findings that were not told with another document, and keep them in mind."""
        again = self._told.keys() & {each.at.uri for each in found}
        known = frozenset(each for uri in again for each in self._told[uri])
        new = [each for each in found if each not in known] if known else found  # most files are told of once
        for each in new:
            self._told.setdefault(each.at.uri, []).append(each)
        return new

    def _policy(self, settings: Settings, path: str) -> Policy:
        """Return what holds for a document; those that the same overrides match share it."""
        key = settings.path, matching(settings.validate, path)
        if key not in self._policies:
            found = self._policies[key] = policy_for(settings.validate, path, self._options.choices)
            self._checks[id(found)] = found.checks()
        return self._policies[key]

    def change(self, name: str, data: bytes) -> None:
        """Take another text for a document from now on, as if it had been written."""
        for checker in self._checkers.values():
            checker.change(name, data)

    def settings_for(self, name: str) -> Settings:
        """Return the settings that hold for a document; raises InvalidUsage when its file has mistakes."""
        options = self._options
        if options.no_config:
            return Settings()
        if options.settings is not None:
            return options.settings
        path = options.config or self._configurations.above(os.path.dirname(name) or ".")
        key = path or ""
        if key not in self._settings:
            self._settings[key] = _settings(path)
        return self._settings[key]

    def _checker(self, settings: Settings) -> Checker:
        key = settings.path or ""
        if key not in self._checkers:
            reading = with_settings(self._options.reading, settings)
            self._checkers[key] = Checker(self._documents, reading, contents=self._options.contents)
        return self._checkers[key]

    def _unforgiven(self, found: list[Diagnostic], checked: Checked, policy: Policy) -> tuple[list[Diagnostic], int]:
        """Return what no comment forgives, doubts about the comments with it, and how many were forgiven."""
        document = checked.document
        if document is None or IGNORE not in document.text:
            return found, 0
        from arazzo_runner.lint.suppressions import (  # lazily: few have any
            doubtful_ignores,
            read_ignores,
            without_ignored,
        )

        ignores = read_ignores(document)
        left = without_ignored(found, ignores, document.uri)
        count = len(found) - len(left)
        doubts = doubtful_ignores(ignores, policy, known_codes())
        left += [judged for each in doubts if (judged := policy.judged(each)) is not None]
        return left, count


def _memory(options: LintOptions) -> Remembered | None:
    reading = options.reading
    if not (options.remembers and reading.cache) or options.contents or reading.environment.get("ARAZZO_NO_CACHE"):
        return None
    folder = cache_folder(reading.environment)
    return None if folder is None else Remembered(DiskCache(folder))


def _settings(path: str | None) -> Settings:
    if path is None:
        return Settings()
    from arazzo_runner.config.reading import load_settings  # lazily: many projects have no configuration

    return load_settings(path=path, codes=codes_with_options())


def with_settings(reading: LoadOptions, settings: Settings) -> LoadOptions:
    """Return the options of reading with the sources and URLs of a configuration below them."""
    return replace(
        reading,
        sources={**settings.sources, **reading.sources},
        url_map={**settings.url_map, **reading.url_map},
    )


def _in_order(findings: Iterable[Diagnostic], checked: Checked) -> list[Diagnostic]:
    """Sort the findings of a document by place and code; those in other files follow, as they were found."""
    uri = None if checked.document is None else checked.document.uri
    own = [each for each in findings if each.at.uri == uri]
    others = [each for each in findings if each.at.uri != uri]
    return (sorted(own, key=_place) if len(own) > 1 else own) + others


def _place(found: Diagnostic) -> tuple[int, int, str]:
    line, column = found.at.start
    return line or 0, column or 0, found.code


def count(linted: Iterable[Linted], severity: Severity) -> int:
    """Return how many findings of a severity there are."""
    return sum(found.severity is severity for each in linted for found in each.findings)


def told_once(linted: Iterable[Linted]) -> list[Linted]:
    """Return results in their order, each finding with the first document it was found for."""
    told: dict[Diagnostic, str] = {}
    return [
        replace(each, findings=tuple(one for one in each.findings if told.setdefault(one, each.name) == each.name))
        for each in linted
    ]
