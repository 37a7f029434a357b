"""`$ref`: followed inside a document and into others, each read once, circles noticed.

A reference is resolved against the base URI of the place where it stands: the document's own
(OpenAPI 3.2 `$self`, else where it was read from), or the `$id` of a schema around it (JSON
Schema 2020-12 §8.2). Nothing is fetched before a reference leads there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

from arazzo_runner.base.json_values import MISSING, JsonValue, member, resolve_pointer
from arazzo_runner.base.records import Record
from arazzo_runner.document.cache import Reader
from arazzo_runner.document.source_map import Document, read
from arazzo_runner.errors import Location, Problems, Severity
from arazzo_runner.sources.fetch import FetchError, ReferenceFetch
from arazzo_runner.sources.schema.subschemas import Subschemas
from arazzo_runner.sources.uris import is_remote, join, path_of, without_userinfo

MAX_HOPS: Final = 32
MAX_DOCUMENTS: Final = 500


class ReferenceFailure(Exception):
    """A `$ref` leads nowhere; `message` says where it broke, `hint` what may help."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Node(Record):
    """A value of a description, the base URI for the references in it, and where it stands.

    `fixed` keeps one place for all that is below (it was made up from a Swagger 2.0 operation).
    """

    value: JsonValue
    base: str
    at: Location
    fixed: bool = False

    def child(self, key: str | int) -> Node:
        """Return a member or item; its value is MISSING when there is none."""
        at = self.at if self.fixed else self.at.child(key)
        return Node(member(self.value, str(key)), self.base, at, self.fixed)


class _Loaded(Record):
    """A document that was read: `location` is where from, `base` what relative references are resolved against."""

    document: Document
    location: str
    base: str
    subschemas: Subschemas


class References:
    """The documents that one description is made of, by URI."""

    def __init__(self, document: Document, location: str, fetch: ReferenceFetch | None, reader: Reader = read) -> None:
        self._reader = reader
        self._fetch = fetch
        self._loaded: dict[str, _Loaded] = {}
        self._failed: dict[str, ReferenceFailure] = {}
        self.base = self._add(document, location).base

    def follow(self, node: JsonValue, base: str) -> tuple[JsonValue, str]:
        """Return what `node` means and the base URI of what was found.

        A mapping with `$ref` is followed, through several if need be; anything else is itself.
        Raises ReferenceFailure for a circle of references or one that leads nowhere.
        """
        found = self.follow_node(Node(node, base, Location("")))
        return found.value, found.base

    resolve_schema = follow

    def follow_node(self, node: Node) -> Node:
        """Do the same for a Node, keeping the place of what was found."""
        for _ in range(MAX_HOPS):
            reference = node.value.get("$ref") if isinstance(node.value, dict) else None
            if not isinstance(reference, str):
                return node
            node = self.target(reference, node.base)
        raise ReferenceFailure("$refs lead round in a circle")

    def target(self, reference: str, base: str) -> Node:
        """Return what one reference, standing where `base` is the base URI, leads to."""
        place, _, fragment = reference.partition("#")
        loaded, start = self._resource(place, base)
        fragment = unquote(fragment)
        document = loaded.document
        pointer = start + fragment if not fragment or fragment.startswith("/") else None
        if pointer is None:
            pointer = loaded.subschemas.anchor(start, fragment)
        value = MISSING if pointer is None else resolve_pointer(document.value, pointer)
        if value is MISSING or pointer is None:
            raise ReferenceFailure(f'$ref "{_shown(reference)}" leads nowhere')
        return Node(value, loaded.subschemas.base_of(pointer), document.at(pointer))

    def document(self, base: str) -> JsonValue:
        """Return the whole document that a base URI stands for (to resolve `#/…` in a schema found there)."""
        return self._resource("", base)[0].document.value

    def location_of(self, base: str) -> str:
        """Return the URI that the document with this base URI was read from (`$self` and `$id` do not count)."""
        known = self._known(base)
        return base if known is None else known[0].location

    def retriever(self, base: str) -> Callable[[str], JsonValue]:
        """Return a function from URI (relative ones against `base`) to document; KeyError when it cannot be had.

        It is what a JSON Schema library may call: it reads what this description may read.
        """

        def retrieve(uri: str) -> JsonValue:
            try:
                loaded, start = self._resource(uri.partition("#")[0], base)
            except ReferenceFailure:
                raise KeyError(uri) from None
            return resolve_pointer(loaded.document.value, start)

        return retrieve

    def resource_retriever(self, base: str, specification: Any) -> Callable[[str], Any]:
        """Return the same as a `retrieve` for `referencing.Registry`."""
        from referencing import Resource  # lazily: it is heavy
        from referencing.exceptions import NoSuchResource

        retrieve = self.retriever(base)
        no_such: Any = NoSuchResource

        def resource(uri: str) -> Any:
            try:
                contents: Any = retrieve(uri)
            except KeyError:
                raise no_such(ref=uri) from None
            return Resource.from_contents(contents, default_specification=specification)

        return resource

    # ------------------------------------------------------------------ documents

    def _resource(self, place: str, base: str) -> tuple[_Loaded, str]:
        """Return the document of a URI and the pointer of the resource in it ("" for the whole)."""
        uri = join(base, place).partition("#")[0] if place else base
        found = self._known(uri)
        if found is not None:
            return found
        owner = self._known(base)
        origin = owner[0] if owner is not None else self._loaded[self.base]
        # With `$self` or `$id` the address follows from an identity: files at hand are looked at before the network.
        beside = join(origin.location, place).partition("#")[0]
        if base != origin.location and not is_remote(beside) and self._can_be_read(beside, origin):
            return self._read(beside, origin), ""
        return self._read(uri, origin), ""

    def _known(self, uri: str) -> tuple[_Loaded, str] | None:
        loaded = self._loaded.get(uri)
        if loaded is not None:
            return loaded, ""
        for each in self._loaded.values():
            pointer = each.subschemas.identified(uri)
            if pointer is not None:
                return each, pointer
        return None

    def _can_be_read(self, uri: str, origin: _Loaded) -> bool:
        try:
            self._read(uri, origin)
        except ReferenceFailure:
            return False
        return True

    def _read(self, uri: str, origin: _Loaded) -> _Loaded:
        if uri in self._loaded:
            return self._loaded[uri]
        if uri in self._failed:
            raise self._failed[uri]
        try:
            return self._add(self._fetched(uri, origin), uri)
        except ReferenceFailure as problem:
            self._failed[uri] = problem
            raise

    def _fetched(self, uri: str, origin: _Loaded) -> Document:
        name = without_userinfo(uri) if is_remote(uri) else path_of(uri).replace("\\", "/").rpartition("/")[2] or uri
        if self._fetch is None:
            raise ReferenceFailure(f"$ref leads to {name}, and other documents are not read here")
        if len(self._loaded) >= MAX_DOCUMENTS:
            raise ReferenceFailure(f"$ref leads to {name}, the limit of {MAX_DOCUMENTS} documents is reached")
        try:
            # Who asks is told by location, never by `$self` or `$id`: those are words of the document.
            data = self._fetch.referenced(uri, origin.location)
        except FetchError as problem:
            raise ReferenceFailure(f"$ref cannot be followed: {problem.message}", problem.hint) from None
        document = self._reader(data, name, Problems(), duplicates=Severity.WARNING)
        if document is None:
            raise ReferenceFailure(f"$ref leads to {name}, which cannot be read")
        return document

    def _add(self, document: Document, location: str) -> _Loaded:
        identity = document.value.get("$self") if isinstance(document.value, dict) else None
        base = join(location, identity).partition("#")[0] if isinstance(identity, str) else location
        loaded = _Loaded(document, location, base, Subschemas(document, base))
        self._loaded[location] = loaded
        self._loaded.setdefault(base, loaded)
        return loaded


def rebased(value: JsonValue, old: str, new: str) -> JsonValue:
    """Return a value that moves from one document to another, its `$ref`s made absolute."""
    if old == new:
        return value
    if isinstance(value, list):
        return [rebased(item, old, new) for item in value]
    if not isinstance(value, dict):
        return value
    moved = {key: rebased(item, old, new) for key, item in value.items()}
    if isinstance(value.get("$ref"), str):
        place, hash_sign, fragment = value["$ref"].partition("#")
        moved["$ref"] = (join(old, place) if place else old) + hash_sign + fragment
    return moved


def _shown(reference: str) -> str:
    return without_userinfo(reference)[:200]
