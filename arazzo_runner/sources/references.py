"""`$ref`: followed inside a document and into others, each read once, circles noticed."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from arazzo_runner.diagnostics import Problems
from arazzo_runner.document.source_map import Document, read
from arazzo_runner.sources.fetch import DocumentFetch, FetchError
from arazzo_runner.sources.uris import is_remote, join
from arazzo_runner.values import MISSING, JsonValue, resolve_pointer

MAX_HOPS: Final = 32
MAX_DOCUMENTS: Final = 500


class ReferenceFailure(Exception):
    """A `$ref` leads nowhere; `message` says where it broke."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class References:
    """The documents that one description is made of, by URI."""

    def __init__(self, document: Document, base: str, fetch: DocumentFetch | None) -> None:
        self.base = base
        self._fetch = fetch
        self._documents: dict[str, JsonValue] = {base: document.value}

    def follow(self, node: JsonValue, base: str) -> tuple[JsonValue, str]:
        """Return what `node` means and the URI of the document it stands in.

        A mapping with `$ref` is followed, through several if need be; anything else is itself.
        Raises ReferenceFailure for a circle of references or one that leads nowhere.
        """
        for _ in range(MAX_HOPS):
            reference = node.get("$ref") if isinstance(node, dict) else None
            if not isinstance(reference, str):
                return node, base
            node, base = self.target(reference, base)
        raise ReferenceFailure("$refs lead round in a circle")

    def target(self, reference: str, base: str) -> tuple[JsonValue, str]:
        """Return the value that one reference in the document at `base` leads to, and its document."""
        place, _, fragment = reference.partition("#")
        uri = join(base, place).partition("#")[0] if place else base
        root = self._document(uri, base)
        fragment = unquote(fragment)
        if not fragment:
            return root, uri
        found = resolve_pointer(root, fragment) if fragment.startswith("/") else _anchored(root, fragment)
        if found is MISSING:
            raise ReferenceFailure(f'$ref "{reference}" leads nowhere')
        return found, uri

    def _document(self, uri: str, base: str) -> JsonValue:
        if uri in self._documents:
            return self._documents[uri]
        if self._fetch is None or len(self._documents) >= MAX_DOCUMENTS:
            raise ReferenceFailure(f"{uri} is not read (limit of {MAX_DOCUMENTS} documents)")
        try:
            data = self._fetch.referenced(uri, base)
        except FetchError as problem:
            raise ReferenceFailure(f"$ref cannot be followed: {problem.message}") from None
        name = uri if is_remote(uri) else uri.rpartition("/")[2]
        document = read(data, name, Problems())
        if document is None:
            raise ReferenceFailure(f"$ref leads to {name}, which cannot be read")
        self._documents[uri] = document.value
        return document.value


def _anchored(root: JsonValue, name: str) -> JsonValue:
    """Find the schema with `$anchor: name` (JSON Schema 2020-12 §8.2.2)."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if node.get("$anchor") == name or node.get("$dynamicAnchor") == name:
                return node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return MISSING
