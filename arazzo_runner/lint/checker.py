"""Check documents without running them: opening a document, and `Checker`, which checks many of them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field, replace
from arazzo_runner.base.secrets import SHOWS_A_SECRET
from arazzo_runner.document.cache import ReadCache, cached_reader
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, Limits, read, read_value
from arazzo_runner.errors import Diagnostic, InvalidDescription, InvalidUsage, Judge, Location, Severity
from arazzo_runner.lint.consequences import without_consequences
from arazzo_runner.program.library import DocumentSource, Library, LoadedDocument, LoadOptions, Offers, display
from arazzo_runner.sources.fetch import (
    DependencyTracker,
    DocumentFetch,
    FetchError,
    TrackedLocations,
    make_fetch,
    read_file,
)
from arazzo_runner.sources.policy import MAX_DESCRIPTION_BYTES, Repositories
from arazzo_runner.sources.uris import is_remote, join, path_of, uri_of_path

if TYPE_CHECKING:
    from arazzo_runner.program.model import Program

RuleOptions: TypeAlias = Mapping[str, Mapping[str, JsonValue]]


def open_document(document: DocumentSource, options: LoadOptions) -> tuple[Library, LoadedDocument]:
    """Read the entry document and those of `options.include`; raises when the entry is unreadable.

    Raises InvalidUsage (a file that cannot be opened) and InvalidDescription (one that cannot be read).
    """
    problems = Problems(judge_of(options))
    locations = [location_of(each) for each in (document, *options.include)]
    fetch = _fetch_for(locations[0], options)
    library = Library(fetch, options, problems)
    entry = _taken(document, locations[0], library, fetch)
    for other, location in zip(options.include, locations[1:], strict=True):
        _taken(other, location, library, fetch)
    if entry is None:
        raise InvalidDescription(problems.diagnostics)
    return library, entry


def judge_of(options: LoadOptions) -> Judge:
    """Return who judges a document that is to be run."""
    return Judge.STRICT if options.strict else Judge.RUN


def _fetch_for(
    location: str,
    options: LoadOptions,
    repositories: Repositories | None = None,
    tracker: DependencyTracker | None = None,
) -> DocumentFetch:
    return make_fetch(
        location,
        root=options.root,
        offline=options.offline,
        allow_remote=options.allow_remote,
        allow_hosts=options.allow_hosts,
        url_map=options.url_map,
        snapshot=options.snapshot,
        repositories=repositories,
        tracker=tracker,
    )


def _taken(document: DocumentSource, location: str, library: Library, fetch: DocumentFetch) -> LoadedDocument | None:
    parsed = _parsed(document, location, library.problems, fetch, library.options.limits)
    return None if parsed is None else library.add(parsed, location)


def _parsed(
    document: DocumentSource, location: str, problems: Problems, fetch: DocumentFetch, limits: Limits
) -> Document | None:
    if isinstance(document, Mapping):
        return read_value(document, location, problems, limits=limits)
    return read(_data(document, location, fetch), display(location), problems, limits=limits)


def _data(document: str | PathLike[str], location: str, fetch: DocumentFetch) -> bytes:
    try:
        return fetch.entry(location)
    except FetchError as problem:
        at = Location(os.fspath(document))
        error = Diagnostic(
            code="unreadable-file", severity=Severity.ERROR, message=problem.message, at=at, hint=problem.hint
        )
        raise InvalidUsage([error]) from None


def location_of(document: DocumentSource) -> str:
    """Return the URI of a document given as a path, a URL or a mapping."""
    if isinstance(document, Mapping):
        return uri_of_path(os.path.join(os.getcwd(), "<mapping>"))
    text = os.fspath(document)
    return text if is_remote(text) else uri_of_path(text)


# ------------------------------------------------------------------ checking


class Checked(Record):
    """The findings of one document, in the order found; `document` is None when it is unreadable.

    With `holds_credential` the document contains a credential, which no finding quotes.
    """

    diagnostics: tuple[Diagnostic, ...]
    document: Document | None
    holds_credential: bool = False


class Checks(Record, kw_only=True):
    """Who judges, which rules run (None: the default ones), and their options by code."""

    judge: Judge = Judge.VALIDATE
    rules: Collection[str] | None = None
    rule_options: RuleOptions = field(default_factory=dict)


class Checker:
    """Checks documents that are given together: they find each other by their `$self`; each text is read once.

    `contents` are the texts of documents that are not files, by their names. `sources` are the names of the
    source descriptions of all that was checked, with their types.
    """

    def __init__(
        self, documents: Iterable[DocumentSource], reading: LoadOptions, *, contents: Mapping[str, bytes] | None = None
    ) -> None:
        self.sources: dict[str, str | None] = {}
        self._reading = reading
        self._contents = {location_of(name): data for name, data in (contents or {}).items()}
        self._repositories = Repositories()
        self._tracker: DependencyTracker | None = None
        self._entries: DocumentFetch | None = None
        self._seen: dict[str, bytes] = {}
        self._cache = ReadCache(cached_reader(reading.environment, wanted=reading.cache))
        self._documents: dict[str, DocumentSource] = {}
        self._locations: dict[int, str] = {}
        for number, each in enumerate(documents, 1):
            location = location_of(each) + (f"-{number}" if isinstance(each, Mapping) and number > 1 else "")
            self._documents[location] = each
            self._locations[id(each)] = location
        self._offers = self._identities() if len(self._documents) > 1 else {}

    def check(self, document: DocumentSource, checks: Checks, *, tracker: DependencyTracker | None = None) -> Checked:
        """Check one document; errors in it are findings, not exceptions. `tracker` records what was read.

        Raises InvalidUsage for a file that cannot be opened.
        """
        self._tracker = tracker
        try:
            return self._check(document, checks)
        finally:
            self._tracker = None

    def program(self, document: DocumentSource) -> Program | None:
        """Return the Program of a document, as before a run; None if it cannot be read.

        Its `diagnostics` are the loader's findings; a Program with errors is incomplete.
        """
        from arazzo_runner.program.load import load_program

        problems, location = Problems(Judge.RUN), self.location(document)
        parsed = self._read(document, location, problems, keep=False)
        if parsed is None:
            return None
        library, entry = self._opened(location, parsed, problems)
        return replace(load_program(entry, library), diagnostics=problems.diagnostics)

    def bytes_of(self, location: str) -> bytes | None:
        """Return the bytes of a document, given or not, as they are now; None when they cannot be read from a file."""
        document = self._documents.get(location)
        if isinstance(document, Mapping) or is_remote(location):
            return None
        try:
            if document is None:
                return read_file(path_of(location), MAX_DESCRIPTION_BYTES)
            data = self._seen[location] = self._bytes(document, location)  # it may be checked next
        except (InvalidUsage, FetchError):
            return None
        return data

    def identified(self, uri: str) -> str | None:
        """Return the location of the given document that a URI identifies, None when there is none."""
        return self._offers.get(uri)

    def location(self, document: DocumentSource) -> str:
        """Return the URI of a document that was given."""
        return self._locations.get(id(document)) or location_of(document)

    def bounds(self, location: str) -> str:
        """Return, as text to be compared, which files may be read for a document."""
        policy = _fetch_for(location, self._reading, self._repositories).policy
        return f"{policy.root}/.." if policy.widens else policy.root

    def _check(self, document: DocumentSource, checks: Checks) -> Checked:
        # Lazily: a run needs no rules, and neither do cached results.
        from arazzo_runner.lint.inspection import Inspection
        from arazzo_runner.lint.rules.catalogue import select_rules
        from arazzo_runner.lint.rules.rule import run_rules
        from arazzo_runner.program.load import compile_program

        problems = Problems(checks.judge)
        location = self.location(document)
        parsed = self._read(document, location, problems, keep=False)
        if parsed is None:
            return Checked(problems.diagnostics, None)
        library, entry = self._opened(location, parsed, problems)
        program = compile_program(entry, library)
        opened = library.open_unneeded(entry)
        self.sources.update((name, each.type) for known in library.documents for name, each in known.sources.items())
        found = dict.fromkeys(problems.diagnostics)
        inspection = Inspection(program, opened, checks.rule_options)
        codes = None if checks.rules is None else frozenset(checks.rules)
        # The rules for credentials always run: no other finding may quote one.
        rules = select_rules(None if codes is None else codes | SHOWS_A_SECRET)
        found.update(dict.fromkeys(run_rules(inspection, rules, judge=checks.judge)))
        found = dict.fromkeys(without_consequences(found))
        if self._tracker is not None and inspection.literal_files:
            self._tracker.repeatable = False  # the files that it names may come and go
        if SHOWS_A_SECRET.isdisjoint([each.code for each in found]):
            return Checked(tuple(found), parsed)
        from arazzo_runner.lint.redaction import without_credentials  # lazily: few documents contain one

        left_out = SHOWS_A_SECRET - (SHOWS_A_SECRET if codes is None else codes)
        shown = without_credentials(found, parsed)
        return Checked(tuple(each for each in shown if each.code not in left_out), parsed, holds_credential=True)

    def change(self, name: str, data: bytes) -> None:
        """Replace the text of a document from now on."""
        self._contents[location_of(name)] = data

    def _opened(self, location: str, parsed: Document, problems: Problems) -> tuple[Library, LoadedDocument]:
        fetch = _fetch_for(location, self._reading, self._repositories, self._tracker)
        offered = self._offers if self._tracker is None else TrackedLocations(self._offers, self._tracker)
        library = Library(fetch, self._reading, problems, cache=self._cache, offers=Offers(offered, self._offered))
        return library, library.add(parsed, location)

    def _offered(self, location: str, problems: Problems) -> Document | None:
        """Read another of the given documents, which the checked one refers to."""
        try:
            return self._read(self._documents[location], location, problems)
        except InvalidUsage as problem:
            problems.extend(problem.diagnostics)
            return None

    def _read(
        self, document: DocumentSource, location: str, problems: Problems, *, keep: bool = True
    ) -> Document | None:
        if isinstance(document, Mapping):
            return read_value(document, location, problems, limits=self._reading.limits)
        data = self._bytes(document, location)
        if self._tracker is not None:
            self._tracker.read[location] = data
        return self._cache.read(data, display(location), problems, limits=self._reading.limits, keep=keep)

    def _bytes(self, document: str | PathLike[str], location: str) -> bytes:
        if location in self._contents:
            return self._contents[location]
        if location in self._seen:
            return self._seen.pop(location)  # read when its `$self` was looked for
        if self._entries is None:  # given documents may be anywhere: one fetch reads them all
            self._entries = _fetch_for(location, self._reading, self._repositories)
        return _data(document, location, self._entries)

    def _identities(self) -> dict[str, str]:
        """Return the location of every document by the URIs that identify it: its location and its `$self`."""
        found = {location: location for location in self._documents}
        for location, document in self._documents.items():
            identity = self._identity(document, location)
            if identity is not None:
                found.setdefault(join(location, identity), location)
        return found

    def _identity(self, document: DocumentSource, location: str) -> str | None:
        try:
            value = document if isinstance(document, Mapping) else self._value_with_self(document, location)
        except InvalidUsage:
            return None  # reported when it is checked
        identity = value.get("$self") if isinstance(value, Mapping) else None
        return identity if isinstance(identity, str) else None

    def _value_with_self(self, document: str | PathLike[str], location: str) -> JsonValue:
        data = self._bytes(document, location)
        if location not in self._contents:
            self._seen[location] = data
        if b"$self" not in data:  # few documents have one; the others are not parsed here
            return None
        parsed = self._cache.read(data, display(location), Problems(), limits=self._reading.limits)
        return None if parsed is None else parsed.value
