"""`$ref`: followed within a document and into others, each read once and only when it is referred to.

A reference is resolved against the base URI of its context: the document's (OpenAPI 3.2 `$self`,
else where it was read from), or the `$id` of an enclosing schema (JSON Schema 2020-12 §8.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from arazzo_runner.base.json_values import MISSING, JsonValue, escaped, member, pointer_tokens, resolve_pointer
from arazzo_runner.base.records import Record
from arazzo_runner.document.cache import Reader
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, read
from arazzo_runner.errors import Location, Severity, did_you_mean
from arazzo_runner.sources.fetch import FetchError, ReferenceFetch
from arazzo_runner.sources.uris import is_remote, join, path_of, without_userinfo

MAX_HOPS: Final = 32
MAX_DOCUMENTS: Final = 500


class ReferenceFailure(Exception):
    """A `$ref` cannot be followed; `message` is the reason, `hint` what to do.

    `document` is the URI of a document that cannot be read, `pointer` what is missing in the description itself.
    """

    def __init__(
        self, message: str, hint: str | None = None, *, document: str | None = None, pointer: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.document = document
        self.pointer = pointer


class Node(Record):
    """A value of a description, the base URI of its references, and its location.

    `fixed` gives all descendants the same location (of a converted Swagger 2.0 operation).
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
    """A document: `location` is where it was read from, `base` the base URI of its references."""

    document: Document
    location: str
    base: str
    subschemas: Subschemas


class References:
    """The documents that one description is made of, by URI; others are read by `fetch` and `reader`."""

    def __init__(self, document: Document, location: str, fetch: ReferenceFetch | None, reader: Reader = read) -> None:
        self.reader = reader
        self.fetch = fetch
        self._loaded: dict[str, _Loaded] = {}
        self._failed: dict[str, ReferenceFailure] = {}
        self._naming: dict[str, tuple[int, Location | None]] = {}
        self.base = self._add(document, location).base

    def follow(self, node: JsonValue, base: str) -> tuple[JsonValue, str]:
        """Return (value, base) of `node` after following its `$ref`, repeatedly if need be.

        Any value without a `$ref` is returned as it is. Raises ReferenceFailure for a circular
        reference or one that cannot be followed.
        """
        found = self.follow_node(Node(node, base, Location("")))
        return found.value, found.base

    def follow_node(self, node: Node) -> Node:
        """Like follow, but for a Node, with the location of the result."""
        for _ in range(MAX_HOPS):
            reference = node.value.get("$ref") if isinstance(node.value, dict) else None
            if not isinstance(reference, str):
                return node
            node = self.target(reference, node.base)
        raise ReferenceFailure("the $refs form a cycle")

    def target(self, reference: str, base: str) -> Node:
        """Return the node that a reference with this base URI refers to."""
        place, _, fragment = reference.partition("#")
        loaded, start = self._resource(place, base)
        fragment = unquote(fragment)
        document = loaded.document
        pointer = start + fragment if not fragment or fragment.startswith("/") else None
        if pointer is None:
            pointer = loaded.subschemas.anchor(start, fragment)
        value = MISSING if pointer is None else resolve_pointer(document.value, pointer)
        if value is MISSING or pointer is None:
            own = pointer if loaded.base == self.base else None
            message = f'$ref "{_shown(reference)}" points to nothing in {_file_name(loaded.location)}'
            raise ReferenceFailure(message, None if pointer is None else _near(document, start, pointer), pointer=own)
        return Node(value, loaded.subschemas.base_of(pointer), document.at(pointer))

    def base_at(self, pointer: str) -> str:
        """Return the base URI for references at a JSON Pointer of the first document, outside of an `$id` there."""
        return self._loaded[self.base].subschemas.base_of(pointer.rpartition("/")[0])

    def location_of(self, base: str) -> str:
        """Return where the document with this base URI was read from, whatever its `$self` and `$id`."""
        known = self._known(base)
        return base if known is None else known[0].location

    def naming(self, uri: str) -> tuple[int, Location | None]:
        """Return how many `$ref`s of the documents read so far name a document, and the location of the first."""
        if uri not in self._naming:
            unique = {id(each): each for each in self._loaded.values()}.values()
            found = [place for each in unique for place in _naming(each, uri)]
            self._naming[uri] = len(found), found[0] if found else None
        return self._naming[uri]

    # ------------------------------------------------------------------ documents

    def _resource(self, place: str, base: str) -> tuple[_Loaded, str]:
        """Return the document of a URI and the pointer of the resource in it ("" for the whole)."""
        uri = join(base, place).partition("#")[0] if place else base
        found = self._known(uri)
        if found is not None:
            return found
        owner = self._known(base)
        origin = owner[0] if owner is not None else self._loaded[self.base]
        # A URL from `$self` or `$id` identifies and need not locate: local files are tried first.
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
            problem.document = uri
            self._failed[uri] = problem
            raise

    def _fetched(self, uri: str, origin: _Loaded) -> Document:
        name = _file_name(uri)
        if self.fetch is None:
            raise ReferenceFailure(f"$ref leads to {name}, and other documents are not read here")
        if len(self._loaded) >= MAX_DOCUMENTS:
            raise ReferenceFailure(f"$ref leads to {name}, the limit of {MAX_DOCUMENTS} documents is reached")
        try:
            # The policy gets the location; `$self` and `$id` are claims of the document.
            data = self.fetch.referenced(uri, origin.location)
        except FetchError as problem:
            raise ReferenceFailure(f"$ref cannot be followed: {problem.message}", problem.hint) from None
        document = self.reader(data, name, Problems(), duplicates=Severity.WARNING)
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


def _near(document: Document, start: str, pointer: str) -> str | None:
    """Return the reference that may be meant by one to a member that is not there; None if none is near."""
    above, _, name = pointer.rpartition("/")
    holder = resolve_pointer(document.value, above)
    near = did_you_mean(pointer_tokens(f"/{name}")[0], holder) if isinstance(holder, dict) and holder else None
    if near is None:
        return None
    return re.sub(r'"([^"]*)"', lambda name: f'"#{above.removeprefix(start)}/{escaped(name[1])}"', near)


def _naming(loaded: _Loaded, uri: str) -> Iterator[Location]:
    """Yield the locations of the `$ref`s in a document that name another one."""
    waiting: list[tuple[JsonValue, str]] = [(loaded.document.value, "")]
    while waiting:
        node, pointer = waiting.pop()
        if isinstance(node, list):
            waiting += [(item, f"{pointer}/{index}") for index, item in reversed(list(enumerate(node)))]
        if not isinstance(node, dict):
            continue
        reference = node.get("$ref")
        if isinstance(reference, str) and join(loaded.base, reference).partition("#")[0] == uri:
            yield loaded.document.at(pointer)
        waiting += [(item, f"{pointer}/{escaped(key)}") for key, item in reversed(node.items())
                    if isinstance(item, (dict, list))]  # fmt: skip


def rebased(value: JsonValue, old: str, new: str) -> JsonValue:
    """Return a value with its `$ref`s made absolute, to be used in another document."""
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


def _file_name(uri: str) -> str:
    return without_userinfo(uri) if is_remote(uri) else path_of(uri).replace("\\", "/").rpartition("/")[2] or uri


def _shown(reference: str) -> str:
    return without_userinfo(reference)[:200]


# ------------------------------------------------------------------ $id and $anchor

_ANCHORS: Final = ("$anchor", "$dynamicAnchor")
# Data, not schemas: an `$id` in there names nothing.
_DATA: Final = frozenset({"const", "enum", "example", "examples", "default"})


class Subschemas:
    """The schemas of a document with an `$id` or `$anchor` (JSON Schema 2020-12 §8.2).

    Few documents have them: the document is searched on first use, and only if its text has the words.
    """

    def __init__(self, document: Document, base: str) -> None:
        self._document = document
        self._base = base
        self._found: tuple[dict[str, str], dict[tuple[str, str], str]] | None = None

    def identified(self, uri: str) -> str | None:
        """Return the pointer of the schema whose `$id` is this URI, None when there is none."""
        return self._search()[0].get(uri)

    def anchor(self, start: str, name: str) -> str | None:
        """Return the pointer of the schema with this `$anchor`, in the resource that begins at `start`."""
        return self._search()[1].get((start, name))

    def base_of(self, pointer: str) -> str:
        """Return the base URI for references at a pointer: the nearest `$id` around it, else the document's."""
        base, longest = self._base, -1
        for uri, start in self._search()[0].items():
            if len(start) > longest and (pointer == start or pointer.startswith(start + "/")):
                base, longest = uri, len(start)
        return base

    def _search(self) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
        if self._found is None:
            text = self._document.text
            has_names = not text or any(name in text for name in ("$id", "$anchor", "$dynamicAnchor"))
            self._found = _search(self._document.value, self._base) if has_names else ({}, {})
        return self._found


def _search(root: JsonValue, base: str) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    """Return ({URI: pointer}, {(pointer of the resource, anchor): pointer}) of every named schema."""
    ids: dict[str, str] = {}
    anchors: dict[tuple[str, str], str] = {}
    waiting: list[tuple[JsonValue, str, str, str]] = [(root, "", base, "")]
    while waiting:
        node, pointer, around, resource = waiting.pop()
        if isinstance(node, list):
            waiting += [(item, f"{pointer}/{index}", around, resource) for index, item in enumerate(node)]
        if not isinstance(node, dict):
            continue
        name = node.get("$id")
        if isinstance(name, str) and not name.startswith("#"):
            around, resource = join(around, name).partition("#")[0], pointer
            ids.setdefault(around, pointer)
        for keyword in _ANCHORS:
            if isinstance(node.get(keyword), str):
                anchors.setdefault((resource, node[keyword]), pointer)
        for key, item in node.items():
            if isinstance(item, (dict, list)) and key not in _DATA:
                waiting.append((item, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", around, resource))
    return ids, anchors
