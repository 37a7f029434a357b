"""Large outputs and the results of cancelled calls, kept for a while as resources; what is kept is bounded."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.records import Record

LARGE: Final = 8 * 1024
"""An output with more characters of JSON is a resource."""
_MOST: Final = 256
_MOST_CHARACTERS: Final = 32 * 2**20


class Kept(Record, kw_only=True):
    """A resource: `text` is masked, `uri` cannot be guessed."""

    uri: str
    name: str
    title: str
    text: str
    media_type: str = "application/json"


class Shelf:
    """The resources of a server; the oldest are dropped when there are too many, or too much is in them."""

    def __init__(self, most: int = _MOST, most_characters: int = _MOST_CHARACTERS) -> None:
        self._most = most
        self._most_characters = most_characters
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._characters = 0

    def add(self, name: str, title: str, text: str) -> Kept:
        """Keep a text, which is masked already, and return the resource."""
        kept = Kept(uri=f"arazzo://results/{secrets.token_hex(16)}", name=name, title=title, text=text)
        self._kept[kept.uri] = kept
        self._characters += len(text)
        while len(self._kept) > 1 and (len(self._kept) > self._most or self._characters > self._most_characters):
            _, dropped = self._kept.popitem(last=False)
            self._characters -= len(dropped.text)
        return kept

    def get(self, uri: str) -> Kept | None:
        """Return a resource, None when there is none of that URI (any more)."""
        return self._kept.get(uri)

    def __iter__(self) -> Iterator[Kept]:
        return iter(tuple(self._kept.values()))
