"""The Library: reads each document of an Arazzo Description once and finds it by name or `$self`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, Record, field, replace
from arazzo_runner.base.settings import ALLOW_REMOTE, OFFLINE, SOURCE
from arazzo_runner.document.cache import ReadCache, Reader, cached_reader
from arazzo_runner.document.model import ArazzoDescription, SourceDescription, Workflow
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, Limits
from arazzo_runner.errors import Diagnostic, Location, Severity, replacing
from arazzo_runner.sources.fetch import DocumentFetch, DocumentSnapshot, FetchError, mapped_path
from arazzo_runner.sources.openapi import OpenApiDescription, load_openapi
from arazzo_runner.sources.uris import is_remote, join, path_of, uri_of_path

if TYPE_CHECKING:
    from arazzo_runner.program.embedding import EmbeddedInputs
    from arazzo_runner.sources.asyncapi import AsyncApiDescription

DocumentSource: TypeAlias = "str | PathLike[str] | Mapping[str, JsonValue]"
"""Where a document is: a path or a URL; or the document itself, as a mapping."""


class LoadOptions(Record, kw_only=True):
    """How documents are found and read.

    - `sources`: paths or URLs of source descriptions by their names, instead of the `url` in the document.
    - `url_map`: local files by URL; a URL that ends in / is mapped to a folder.
    - `servers`: URLs at which APIs are called, by the names of their source descriptions.
    - `server_variables`: values of server variables by name.
    - `root`: the folder that files named by documents must be in (None: the repository of the entry document,
      else the folder that contains it and its sources).
    - `include`: further Arazzo documents that references may name by their `$self`.
    - `limits`: size, depth and number of nodes of one document.
    - `strict`: tolerated deviations from the Specification are errors.
    - `offline`: no document is fetched; a remote one is an error or, with `unchecked`, only not checked.
    - `allow_remote`: lifts the restrictions on remote documents; `allow_hosts`: for some hosts.
    - `channel_addresses`: addresses of channels by their names in the description, where it leaves them open.
    - `any_server`: accepts descriptions without a usable server (for a mock or a dry run).
    - `cache`: large descriptions are kept parsed on disk (default True; docs/cache.md).

    For other modules of the package: `environment`, and `snapshot`, which records what is read or, if it is
    closed, replaces reading.
    """

    _hidden_in_repr = ("environment", "snapshot")

    strict: bool = False
    root: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    url_map: Mapping[str, str] = field(default_factory=dict)
    servers: Mapping[str, str] = field(default_factory=dict)
    server_variables: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    include: tuple[DocumentSource, ...] = ()
    offline: bool = False
    unchecked: bool = False
    allow_remote: bool = False
    allow_hosts: tuple[str, ...] = ()
    channel_addresses: Mapping[str, str] = field(default_factory=dict)
    any_server: bool = False
    cache: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    snapshot: DocumentSnapshot | None = None


class NotChecked(Record):
    """A remote source that is not fetched while validating."""

    uri: str


class LoadedDocument(MutableRecord):
    """One Arazzo document: its model, its base URI and, by name, the sources opened so far."""

    description: ArazzoDescription
    base: str
    location: str
    sources: dict[str, SourceDescription]
    workflows: dict[str, Workflow]
    opened: dict[str, Source | None] = field(default_factory=dict)

    @property
    def at(self) -> Location:
        """The location of the document's root."""
        return self.description.at


Source: TypeAlias = "OpenApiDescription | AsyncApiDescription | LoadedDocument | NotChecked"
"""What a source description may lead to. The class of AsyncAPI descriptions is imported for one only: it is what is
none of the others."""


class Offers(Record):
    """Documents given beside the entry, read on demand: their locations by the URIs that identify them."""

    locations: Mapping[str, str]
    read: Callable[[str, Problems], Document | None]


class Library:
    """The documents of one load; `fetch` reads them, `problems` collects their errors.

    `offers` are documents given beside the entry, `cache` holds documents of other loads.
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
        reader = cached_reader(options.environment, wanted=options.cache) if cache is None else cache.read
        self._reader: Reader = partial(reader, limits=options.limits)
        self._offers = offers
        self._by_uri: dict[str, Source] = {}
        self._by_identity: dict[str, LoadedDocument] = {}

    def add(self, document: Document, location: str) -> LoadedDocument:
        """Add an Arazzo document, so that it is found by its `$self` and its location."""
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

    @property
    def documents(self) -> Iterable[LoadedDocument]:
        """The Arazzo documents that were read."""
        return self._by_identity.values()

    def source(self, document: LoadedDocument, name: str) -> Source | None:
        """Return the document of a source description; None, reported, when it cannot be read."""
        if name not in document.opened:
            document.opened[name] = None  # stops the recursion of a source that names itself
            document.opened[name] = self._open(document, document.sources[name])
        return document.opened[name]

    def embedded_inputs(self, document: LoadedDocument) -> EmbeddedInputs:
        """Return a document with the `$ref`s of its inputs followed."""
        from arazzo_runner.program.embedding import embedded_inputs  # lazily: reading options needs no references

        return embedded_inputs(document.description, document.location, self._fetch, self._reader)

    def report_remaining(self) -> None:
        """Warn of what is wrong with the structure of descriptions where no step needs it."""
        for source in self._by_uri.values():
            if not isinstance(source, (LoadedDocument, NotChecked)):
                self.problems.extend(source.structure.remaining())

    def open_unneeded(self, document: LoadedDocument) -> dict[str, Source | None]:
        """Return every source of a document; of one that no step needs, what is wrong is not an error of a run.

        One that cannot be read is only a warning (semantics §2).
        """
        own, self.problems = self.problems, Problems()
        found = {name: self.source(document, name) for name in document.sources}
        own.extend(_unneeded(each) for each in self.problems)
        self.problems = own
        self.report_remaining()
        return found

    def _open(self, document: LoadedDocument, source: SourceDescription) -> Source | None:
        identity = join(document.base, source.url)
        if source.name not in self.options.sources:
            known = self._by_identity.get(identity) or self._offered(identity)
            if known is not None:
                return self._of_stated_type(source, known, identity)
        candidates = self._candidates(document, source)
        for number, uri in enumerate(candidates):
            if is_remote(uri) and self.options.offline and mapped_path(uri, self.options.url_map) is None:
                return self._left_unread(source, uri)
            given = self._by_uri.get(uri) or self._offered(uri)
            if given is not None:
                return self._of_stated_type(source, given, uri)
            if not self._fetch.exists(uri):
                continue
            if number > 0:
                self._moved(document, source, candidates[0], uri)
            return self._read(document, source, uri)
        tried = ", ".join(display(uri) for uri in candidates)
        message = f'source "{source.name}" was not found; tried {tried}'
        self.problems.error("source-not-found", message, source.at.child("url"), hint=_override_hint(source))
        return None

    def _moved(self, document: LoadedDocument, source: SourceDescription, stated: str, uri: str) -> None:
        """Warn that a source was found elsewhere than its document says."""
        message = f'source "{source.name}" is not at {display(stated)}; {display(uri)} is used'
        at, fix = source.at.child("url"), None
        hint = _override_hint(source)
        if not is_remote(uri) and not is_remote(document.location):
            url = _relative(uri, document.location)
            hint, fix = f"write url: {url}, or {hint}", replacing(at, url)
        self.problems.warn("source-moved", message, at, hint=hint, fix=fix)

    def _offered(self, uri: str) -> LoadedDocument | None:
        """Return the document given beside the entry that `uri` identifies, None when there is none."""
        location = None if self._offers is None else self._offers.locations.get(uri)
        if location is None or self._offers is None:
            return None
        if location in self._by_uri:
            found = self._by_uri[location]
            return found if isinstance(found, LoadedDocument) else None
        parsed = self._offers.read(location, self.problems)
        return None if parsed is None else self.add(parsed, location)

    def _left_unread(self, source: SourceDescription, uri: str) -> NotChecked | None:
        at, hint = source.at.child("url"), _override_hint(source)
        if self.options.unchecked:
            message = f'source "{source.name}" ({uri}) is remote and was not read; steps that use it are not checked'
            self.problems.info("not-checked", message, at, hint=f"read it with {ALLOW_REMOTE}, or {hint}")
            return NotChecked(uri)
        message = f'source "{source.name}" ({uri}) is remote, and {OFFLINE.key} forbids reading it'
        self.problems.error("source-not-readable", message, at, hint=hint)
        return None

    def _candidates(self, document: LoadedDocument, source: SourceDescription) -> list[str]:
        """Return the URIs where a source may be, first the one that the Specification gives (semantics §2)."""
        override = self.options.sources.get(source.name)
        if override is not None:
            return [override if "://" in override else uri_of_path(override)]
        stated = join(document.base, source.url)
        candidates = [stated]
        if document.base != document.location:
            candidates.append(join(document.location, source.url))
        if not is_remote(source.url) and not is_remote(document.location):
            for folder in (
                self.options.root,
                os.getcwd() if self.options.snapshot is None else self.options.snapshot.folder,
            ):
                if folder is not None:
                    candidates.append(join(uri_of_path(folder) + "/", source.url.lstrip("/")))
        if is_remote(stated) and not is_remote(source.url) and not is_remote(document.location):
            # The URL comes from `$self`, which identifies and need not locate: local files are tried first.
            candidates = [uri for uri in candidates if not is_remote(uri)] + [stated]
            candidates = [uri for uri in candidates if self._fetch.exists(uri)]
        return list(dict.fromkeys(candidates))

    def _read(self, document: LoadedDocument, source: SourceDescription, uri: str) -> Source | None:
        at = source.at.child("url")
        try:
            data = self._fetched(document, source, uri)
        except FetchError as problem:
            message = f'source "{source.name}" cannot be read: {problem.message}'
            self.problems.error("source-not-readable", message, at, hint=problem.hint or _override_hint(source))
            return None
        # Descriptions usually have other authors: repeated keys in them are only a warning.
        found = self._reader(data, display(uri), self.problems, duplicates=Severity.WARNING)
        return None if found is None else self._take(source, found, uri)

    def _fetched(self, document: LoadedDocument, source: SourceDescription, uri: str) -> bytes:
        if source.name in self.options.sources:
            return self._fetch(uri)
        return self._fetch(uri, base=document.location, stated=source.url)

    def _take(self, source: SourceDescription, document: Document, uri: str) -> Source | None:
        at = source.at.child("url")
        kind = sniff(document.value)
        if kind is None:
            message = f'source "{source.name}" ({display(uri)}) is not an OpenAPI, AsyncAPI or Arazzo description'
            hint = "its root needs a field openapi, swagger, asyncapi or arazzo"
            self.problems.error("source-kind", message, at, hint=hint)
            return None
        if not self._is_of_type(source, kind, uri):
            return None
        found = self._load(kind, document, uri)
        self._by_uri[uri] = found
        return found

    def _of_stated_type(self, source: SourceDescription, found: Source, uri: str) -> Source | None:
        """Return a document that was read for another source; None, reported, if this one says another type."""
        if isinstance(found, NotChecked):
            return found
        kinds = {LoadedDocument: "arazzo", OpenApiDescription: "openapi"}
        return found if self._is_of_type(source, kinds.get(type(found), "asyncapi"), uri) else None

    def _is_of_type(self, source: SourceDescription, kind: str, uri: str) -> bool:
        if source.type is None or source.type == kind:
            return True
        message = f'source "{source.name}" says type {source.type}, but {display(uri)} is of type {kind}'
        self.problems.error("source-kind", message, source.at.child("type"), hint=f"write type: {kind}")
        return False

    def _load(self, kind: str, document: Document, uri: str) -> Source:
        if kind == "arazzo":
            return self.add(document, uri)
        if kind == "asyncapi":
            from arazzo_runner.sources.asyncapi import load_asyncapi  # lazily: few documents have messages

            return load_asyncapi(document, self._fetch, base=uri, reader=self._reader)
        return load_openapi(document, self._fetch, self.problems, base=uri, reader=self._reader)


def sniff(value: JsonValue) -> str | None:
    """Return the kind of a description by its root key; None when it is unknown."""
    if not isinstance(value, dict):
        return None
    for key, kind in (("arazzo", "arazzo"), ("openapi", "openapi"), ("swagger", "openapi"), ("asyncapi", "asyncapi")):
        if key in value:
            return kind
    return None


def display(uri: str) -> str:
    """Return a document's name for messages: its URL, or its path, relative to the working directory if possible."""
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


def _unneeded(found: Diagnostic) -> Diagnostic:
    """Return what is wrong with a source that no step needs."""
    if found.code in ("source-not-found", "source-not-readable"):
        return replace(found, severity=Severity.WARNING)
    return replace(found, is_tolerated=True)


def _relative(uri: str, base: str) -> str:
    """Return the path of a file from the folder of a document, as a URI-reference."""
    found = os.path.relpath(path_of(uri), os.path.dirname(path_of(base))).replace(os.sep, "/")
    return quote(found if found.startswith(".") else f"./{found}", safe="/~!$&'()*+,;=@")


def _override_hint(source: SourceDescription) -> str:
    return f"name a file with {SOURCE.of(source.name)}"
