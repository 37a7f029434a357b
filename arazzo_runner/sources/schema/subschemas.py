"""`$id` and `$anchor` of the schemas in one document (JSON Schema 2020-12 §8.2).

Few documents have them, so the document is searched on the first question, and only when its
text has the words at all.
"""

from __future__ import annotations

from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.document.source_map import Document
from arazzo_runner.sources.uris import join

_ANCHORS: Final = ("$anchor", "$dynamicAnchor")
# Data, not schemas: an `$id` in there names nothing.
_DATA: Final = frozenset({"const", "enum", "example", "examples", "default"})


class Subschemas:
    """The schemas of a document that have a name of their own."""

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
