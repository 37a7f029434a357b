"""The Library: reads every document of an Arazzo Description once and finds it again by name or identity."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.document.cache import Reader, cached_reader
from arazzo_runner.document.read_cache import ReadCache
from arazzo_runner.document.source_map import Document, Limits
from arazzo_runner.errors import Location, Problems, Severity
from arazzo_runner.sources.document_snapshot import Kept
from arazzo_runner.sources.fetch import DocumentFetch, FetchError, mapped_path
from arazzo_runner.sources.openapi import OpenApiDescription, load_openapi
from arazzo_runner.sources.uris import is_remote, join, path_of, uri_of_path

if TYPE_CHECKING:
    from arazzo_runner.document.model import ArazzoDescription, SourceDescription, Workflow


class LoadOptions(Record, kw_only=True):
    """How documents are found and read.

    `sources` overrides a source's url by name (a path or URL), `url_map` says where remote
    documents are at hand (URL to path; one that ends in / stands for all below it), `servers` the server URL of a
    source by name, `server_variables` server variables by name. `root` bounds which files may
    be read; `offline` forbids remote documents (`unchecked`: what they would tell is left open,
    instead of an error), `allow_remote` lifts the limits on them and `allow_hosts` does for
    some hosts. `any_server` accepts descriptions that name no
    usable server (a mock will serve them, or nothing is sent). `kept` takes what is read or,
    closed, is what is read. `cache` lets large descriptions be kept on disk (document/cache.py).
    """

    _hidden_in_repr = ("environment", "kept")

    strict: bool = False
    root: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    url_map: Mapping[str, str] = field(default_factory=dict)
    servers: Mapping[str, str] = field(default_factory=dict)
    server_variables: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    offline: bool = False
    unchecked: bool = False
    allow_remote: bool = False
    allow_hosts: tuple[str, ...] = ()
    any_server: bool = False
    cache: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    kept: Kept | None = None


class AsyncApiSource(Record):
    """An AsyncAPI description: known to be there; its steps are refused until transports exist."""

    uri: str


class NotChecked(Record):
    """A source that may not be fetched now (a remote one, while validating)."""

    uri: str


class LoadedDocument(MutableRecord):
    """One Arazzo document: its model, its base URI and its sources as far as they were opened."""

    description: ArazzoDescription
    base: str
    location: str
    sources: dict[str, SourceDescription]
    workflows: dict[str, Workflow]
    opened: dict[str, Source | None] = field(default_factory=dict)

    @property
    def at(self) -> Location:
        """The place of the document's root."""
        return self.description.at


Source: TypeAlias = OpenApiDescription | LoadedDocument | AsyncApiSource | NotChecked


class Offers(Record):
    """Documents that may be meant: their locations by the URIs that name them, each read only when it is."""

    locations: Mapping[str, str]
    read: Callable[[str, Problems], Document | None]


class Library:
    """Every document of one load; `fetch` reads, `problems` collects what is wrong with them.

    `offers` are documents given together with the entry; `cache` remembers texts of other loads.
    """

    def __init__(
        self,
        fetch: DocumentFetch,
        options: LoadOptions,
        problems: Problems,
        *,
        cache: ReadCache | None = None,
        offers: Offers | None = None,
    ) -> None:
        self.options = options
        self.problems = problems
        self._fetch = fetch
        self._reader: Reader = cached_reader(options.environment, wanted=options.cache) if cache is None else cache.read
        self._offers = offers
        self._by_uri: dict[str, Source] = {}
        self._by_identity: dict[str, LoadedDocument] = {}

    def add(self, document: Document, location: str) -> LoadedDocument:
        """Take in an Arazzo document that was read; it can now be found by its `$self` or its location."""
        from arazzo_runner.document.build import build  # lazily: not every command that reads options builds a document

        description = build(document, self.problems)
        base = location
        if description.self_uri:
            base = join(location, description.self_uri)
        loaded = LoadedDocument(
            description=description,
            base=base,
            location=location,
            sources={source.name: source for source in reversed(description.source_descriptions)},
            workflows={workflow.workflow_id: workflow for workflow in reversed(description.workflows)},
        )
        loaded.sources = dict(reversed(loaded.sources.items()))
        loaded.workflows = dict(reversed(loaded.workflows.items()))
        self._by_uri[location] = loaded
        self._by_identity[base] = loaded
        return loaded

    def source(self, document: LoadedDocument, name: str) -> Source | None:
        """Return what a source description leads to; None when it cannot be had (already reported)."""
        if name not in document.opened:
            document.opened[name] = None  # a source that leads back to itself must not recurse
            document.opened[name] = self._open(document, document.sources[name])
        return document.opened[name]

    def _open(self, document: LoadedDocument, source: SourceDescription) -> Source | None:
        identity = join(document.base, source.url)
        if source.name not in self.options.sources:
            known = self._by_identity.get(identity) or self._offered(identity)
            if known is not None:
                return known
        places = self._places(document, source)
        for number, place in enumerate(places):
            if is_remote(place) and self.options.offline and mapped_path(place, self.options.url_map) is None:
                return self._left_unread(source, place)
            given = self._by_uri.get(place) or self._offered(place)
            if given is not None:
                return given
            if not self._fetch.exists(place):
                continue
            if number > 0:
                message = f'source "{source.name}" is not at {display(places[0])}; {display(place)} is used'
                self.problems.warn("source-moved", message, source.at.child("url"), hint=_override_hint(source))
            return self._read(document, source, place)
        tried = ", ".join(display(place) for place in places)
        message = f'source "{source.name}" was not found; tried {tried}'
        self.problems.error("source-not-found", message, source.at.child("url"), hint=_override_hint(source))
        return None

    def _offered(self, uri: str) -> LoadedDocument | None:
        """Take in one of the documents that were given with the entry, when `uri` means it."""
        location = None if self._offers is None else self._offers.locations.get(uri)
        if location is None or self._offers is None:
            return None
        if location in self._by_uri:
            found = self._by_uri[location]
            return found if isinstance(found, LoadedDocument) else None
        parsed = self._offers.read(location, self.problems)
        return None if parsed is None else self.add(parsed, location)

    def _left_unread(self, source: SourceDescription, place: str) -> NotChecked | None:
        at, hint = source.at.child("url"), _override_hint(source)
        if self.options.unchecked:
            self.problems.info(
                "not-checked", f'source "{source.name}" ({place}) is remote and was not read', at, hint=hint
            )
            return NotChecked(place)
        message = f'source "{source.name}" ({place}) is remote, and --offline forbids to read it'
        self.problems.error("source-not-readable", message, at, hint=hint)
        return None

    def _places(self, document: LoadedDocument, source: SourceDescription) -> list[str]:
        """Return the URIs where a source may be, the one the Specification says first (semantics §2)."""
        override = self.options.sources.get(source.name)
        if override is not None:
            return [override if "://" in override else uri_of_path(override)]
        stated = join(document.base, source.url)
        places = [stated]
        if document.base != document.location:
            places.append(join(document.location, source.url))
        if not is_remote(source.url) and not is_remote(document.location):
            for folder in (self.options.root, os.getcwd() if self.options.kept is None else self.options.kept.folder):
                if folder is not None:
                    places.append(join(uri_of_path(folder) + "/", source.url.lstrip("/")))
        if is_remote(stated) and not is_remote(source.url) and not is_remote(document.location):
            # The address follows from `$self`, an identity: files at hand are looked at before the network is.
            places = [place for place in places if not is_remote(place)] + [stated]
            places = [place for place in places if self._fetch.exists(place)]
        return list(dict.fromkeys(places))

    def _read(self, document: LoadedDocument, source: SourceDescription, place: str) -> Source | None:
        at = source.at.child("url")
        try:
            data = self._fetched(document, source, place)
        except FetchError as problem:
            message = f'source "{source.name}" cannot be read: {problem.message}'
            self.problems.error("source-not-readable", message, at, hint=problem.hint or _override_hint(source))
            return None
        # Descriptions are other people's: repeated keys in them are a warning, not an error.
        found = self._reader(
            data, display(place), self.problems, limits=self.options.limits, duplicates=Severity.WARNING
        )
        return None if found is None else self._take(source, found, place)

    def _fetched(self, document: LoadedDocument, source: SourceDescription, place: str) -> bytes:
        if source.name in self.options.sources:
            return self._fetch(place)
        return self._fetch(place, base=document.location, stated=source.url)

    def _take(self, source: SourceDescription, document: Document, place: str) -> Source | None:
        at = source.at.child("url")
        kind = sniff(document.value)
        if kind is None:
            message = f'source "{source.name}" ({display(place)}) is no OpenAPI, AsyncAPI or Arazzo description'
            hint = "its root needs a field openapi, swagger, asyncapi or arazzo"
            self.problems.error("source-kind", message, at, hint=hint)
            return None
        if source.type is not None and source.type != kind:
            message = f'source "{source.name}" says type {source.type}, but {display(place)} is of type {kind}'
            self.problems.error("source-kind", message, source.at.child("type"), hint=f"write type: {kind}")
            return None
        found = self._load(kind, document, place)
        self._by_uri[place] = found
        return found

    def _load(self, kind: str, document: Document, place: str) -> Source:
        if kind == "arazzo":
            return self.add(document, place)
        if kind == "asyncapi":
            return AsyncApiSource(place)
        return load_openapi(document, self._fetch, self.problems, base=place, reader=self._reader)


def sniff(value: JsonValue) -> str | None:
    """Return the kind of a description by its root key, None when it is none we know."""
    if not isinstance(value, dict):
        return None
    for key, kind in (("arazzo", "arazzo"), ("openapi", "openapi"), ("swagger", "openapi"), ("asyncapi", "asyncapi")):
        if key in value:
            return kind
    return None


def display(uri: str) -> str:
    """Return how messages name a document: a path relative to the working directory when it is below it."""
    if is_remote(uri):
        return uri
    path = path_of(uri)
    if not path:
        return uri
    here = os.getcwd() + os.sep
    if path.startswith(here) and os.path.normpath(path) == path:
        return path[len(here) :]
    relative = os.path.relpath(path)
    return path if relative.startswith("..") and len(relative) > len(path) else relative


def _override_hint(source: SourceDescription) -> str:
    return f"name the file with --source {source.name}=PATH"
