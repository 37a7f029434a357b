"""Lint documents: from files to reported findings, each document by the settings that apply to it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field, replace
from arazzo_runner.config.settings import Configurations, Settings
from arazzo_runner.document.cache import DiskCache, cache_folder
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import Diagnostic, InvalidUsage, Severity
from arazzo_runner.lint.checker import Checked, Checker, Checks
from arazzo_runner.lint.levels import IGNORE, Choices, Policy, is_complete, matching, policy_for
from arazzo_runner.lint.pages import known_codes
from arazzo_runner.lint.result_cache import CachedResult, ResultCache
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.report.findings.model import relative
from arazzo_runner.sources.fetch import DependencyTracker

if TYPE_CHECKING:
    from arazzo_runner.program.model import Program


class LintOptions(Record, kw_only=True):
    """How documents are linted.

    `settings` are those of all documents (None: of the nearest configuration file of each).
    `contents` are the texts of documents that are not files (standard input), by name. With
    `use_cache`, results of earlier runs are reused where nothing has changed, and no `Linted` has its document.
    """

    reading: LoadOptions
    choices: Choices = field(default_factory=Choices)
    settings: Settings | None = None
    contents: Mapping[str, bytes] = field(default_factory=dict)
    use_cache: bool = False


class Linted(Record):
    """One document and its reported findings: its own by place, then those in files that it refers to.

    `ignored` counts findings that comments suppress, `baselined` those in the baseline. `is_open` is
    false if the document could not be opened, `is_complete` if it or a source of it could not be read;
    `document` is None if it could not be read, or the cache is used.
    """

    name: str
    findings: tuple[Diagnostic, ...]
    ignored: int = 0
    baselined: int = 0
    is_open: bool = True
    is_complete: bool = True
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
        self._reported: dict[str, dict[str, list[Diagnostic]]] = {}  # by file that they are in, then by document
        self._uris: dict[str, set[str]] = {}
        self._cache = _result_cache(options)

    def lint(self, name: str) -> Linted:
        """Check one document and return the findings to report, without those reported for another document."""
        settings = self.settings_for(name)
        policy = self._policy_for(name, settings)
        if self._cache is not None:
            return self._lint_with_cache(name, settings, policy, self._cache)
        try:
            checked = self._checker(settings).check(name, self._checks_for(policy))
        except InvalidUsage as problem:
            return Linted(name, problem.diagnostics, is_open=False, is_complete=False)
        findings, ignored = self._findings(checked, policy)
        document = None if self._options.use_cache else checked.document
        return Linted(
            name,
            tuple(self._not_reported(name, findings)),
            ignored=ignored,
            is_complete=is_complete(checked.diagnostics),
            document=document,
        )

    def reports(self, name: str, code: str, severity: str) -> bool:
        """Return whether a finding in a document would be looked for and reported."""
        return self._policy_for(name, self.settings_for(name)).reports(code, Severity(severity))

    def _lint_with_cache(self, name: str, settings: Settings, policy: Policy, cache: ResultCache) -> Linted:
        checker = self._checker(settings)
        location, key = checker.location(name), self._cache_key(settings, policy)
        result = cache.find(location, key, checker)
        if result is None:
            tracker = DependencyTracker()
            try:
                checked = checker.check(name, self._checks_for(policy), tracker=tracker)
            except InvalidUsage as problem:
                return Linted(name, problem.diagnostics, is_open=False, is_complete=False)
            findings, ignored = self._findings(checked, policy)
            result = CachedResult(tuple(findings), ignored, is_complete(checked.diagnostics))
            if checked.holds_credential:
                cache.drop(location)  # messages may quote the credential
            else:
                cache.put(location, key, checker, result, tracker)
        found = tuple(self._not_reported(name, list(result.findings)))
        return Linted(name, found, ignored=result.ignored, is_complete=result.is_complete)

    def is_cached(self, name: str) -> bool:
        """Return whether the result of a document is in the cache and still valid."""
        if self._cache is None:
            return False
        settings = self.settings_for(name)
        checker, policy = self._checker(settings), self._policy_for(name, settings)
        return self._cache.find(checker.location(name), self._cache_key(settings, policy), checker) is not None

    @property
    def sources(self) -> dict[str, str | None]:
        """The names of the source descriptions of all documents that were checked, not cached, with their types."""
        return {name: each for checker in self._checkers.values() for name, each in checker.sources.items()}

    @property
    def new_results(self) -> dict[str, JsonValue]:
        """The results to be added to the cache, by location."""
        return {} if self._cache is None else self._cache.new_results

    def finish(self, new_results: Mapping[str, JsonValue] | None = None) -> None:
        """Write the cache; `new_results` are those of other processes."""
        if self._cache is not None:
            self._cache.new_results.update(new_results or {})
            self._cache.save()

    def _findings(self, checked: Checked, policy: Policy) -> tuple[list[Diagnostic], int]:
        """Return the findings of a document at their levels and in order, and how many comments suppress."""
        found = [leveled for each in checked.diagnostics if (leveled := policy.leveled(each)) is not None]
        left, ignored = self._not_suppressed(found, checked, policy)
        return _in_order(left, checked), ignored

    def _cache_key(self, settings: Settings, policy: Policy) -> str:
        """Return everything that decides how documents are read and linted, as text."""
        reading = with_settings(self._options.reading, settings)
        variables = sorted(each for each in reading.environment.items() if each[0].startswith("ARAZZO_SERVER_VAR_"))
        home = os.path.expanduser("~")  # limits which files may be read outside a repository
        return f"{policy!r}\0{reading!r}\0{variables}\0{home}"

    def _policy_for(self, name: str, settings: Settings) -> Policy:
        if not settings.validate.overrides:
            return self._policy(settings, name)  # without overrides the path does not matter
        return self._policy(settings, relative(os.path.abspath(name), settings.folder or os.getcwd()))

    def _not_reported(self, name: str, found: list[Diagnostic]) -> list[Diagnostic]:
        """Return the findings that were not reported for another document; from now on they are for this one."""
        uris = {each.at.uri for each in found}
        for uri in self._uris.pop(name, ()):  # it is linted again, after a fix
            self._reported[uri].pop(name, None)
        others = [known for uri in uris for known in self._reported.get(uri, {}).values()]
        known = frozenset(each for reported_there in others for each in reported_there)
        new = [each for each in found if each not in known] if known else found
        for each in new:
            self._reported.setdefault(each.at.uri, {}).setdefault(name, []).append(each)
        self._uris[name] = {each.at.uri for each in new}
        return new

    def _policy(self, settings: Settings, path: str) -> Policy:
        """Return the policy for a document; documents with the same overrides share it."""
        key = settings.path, matching(settings.validate, path)
        if key not in self._policies:
            self._policies[key] = policy_for(settings.validate, path, self._options.choices)
        return self._policies[key]

    def _checks_for(self, policy: Policy) -> Checks:
        if id(policy) not in self._checks:
            self._checks[id(policy)] = policy.checks()
        return self._checks[id(policy)]

    def program(self, name: str) -> Program | None:
        """Return the Program of a document as its text is now; None if it cannot be read."""
        return self._checker(self.settings_for(name)).program(name)

    def change(self, name: str, data: bytes) -> None:
        """Replace the text of a document from now on, as if the file had been written."""
        for checker in self._checkers.values():
            checker.change(name, data)

    def settings_for(self, name: str) -> Settings:
        """Return the settings for a document; raises InvalidUsage for an invalid configuration file."""
        if self._options.settings is not None:
            return self._options.settings
        path = self._configurations.above(os.path.dirname(name) or ".")
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

    def _not_suppressed(
        self, found: list[Diagnostic], checked: Checked, policy: Policy
    ) -> tuple[list[Diagnostic], int]:
        """Return the findings that no comment suppresses, with those about the comments, and the number suppressed."""
        document = checked.document
        if document is None or IGNORE not in document.text:
            return found, 0
        from arazzo_runner.lint.suppressions import apply_suppressions  # lazily: few documents have any

        left, about = apply_suppressions(found, document, policy, known_codes())
        ignored = len(found) - len(left)
        return left + [leveled for each in about if (leveled := policy.leveled(each)) is not None], ignored


def _result_cache(options: LintOptions) -> ResultCache | None:
    reading = options.reading
    if not (options.use_cache and reading.cache) or options.contents or reading.environment.get("ARAZZO_NO_CACHE"):
        return None
    folder = cache_folder(reading.environment)
    return None if folder is None else ResultCache(DiskCache(folder))


def _settings(path: str | None) -> Settings:
    if path is None:
        return Settings()
    from arazzo_runner.config.reading import load_settings  # lazily: many projects have no configuration
    from arazzo_runner.lint.rules.catalogue import codes_with_options

    return load_settings(path=path, codes=codes_with_options())


def with_settings(reading: LoadOptions, settings: Settings) -> LoadOptions:
    """Return the load options with the sources and URL map of a configuration as defaults."""
    return replace(
        reading,
        sources={**settings.sources, **reading.sources},
        url_map={**settings.url_map, **reading.url_map},
    )


def _in_order(findings: Iterable[Diagnostic], checked: Checked) -> list[Diagnostic]:
    """Sort the findings of a document by place and code; those in other files follow in their order."""
    uri = None if checked.document is None else checked.document.uri
    own = [each for each in findings if each.at.uri == uri]
    others = [each for each in findings if each.at.uri != uri]
    return (sorted(own, key=_place) if len(own) > 1 else own) + others


def _place(found: Diagnostic) -> tuple[int, int, str]:
    line, column = found.at.start
    return line or 0, column or 0, found.code


def without_repeats(linted: Iterable[Linted]) -> list[Linted]:
    """Return results in their order, each finding only with the first document it was found for."""
    first: dict[Diagnostic, str] = {}
    return [
        replace(each, findings=tuple(one for one in each.findings if first.setdefault(one, each.name) == each.name))
        for each in linted
    ]
