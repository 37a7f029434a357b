"""The texts of a document: every value and key that rules read as text, collected in one walk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Final, TypeAlias

from arazzo_runner.patterns import pattern
from arazzo_runner.values import JsonValue, escaped

Text: TypeAlias = tuple[str, str, bool]
"""A text, the JSON Pointer where it stands, and whether it is a mapping key (one with a `$` in it)."""

_VALUE_PLACE: Final = pattern(
    r"/(?:workflows/\d+(?:/steps/\d+)?|components)/(?:"
    r"parameters/[^/]+/value(?:/|$)|requestBody/(?:payload|replacements/\d+/value)(?:/|$)|outputs/"
    r"|successCriteria/\d+/(?:context|condition)$"
    r"|(?:successActions|failureActions|onSuccess|onFailure)/[^/]+/"
    r"(?:criteria/\d+/(?:context|condition)$|parameters/\d+/value(?:/|$)))"
)


class Texts:
    """What is written in a document; a value that aliases share counts at each of its places.

    Most rules find nothing in most documents, so texts are collected without their places, which
    are looked up for those few that a rule doubts. `by_part` are the texts of "/workflows/0",
    "/workflows/1", …, "/components", "/info" …, and the keys with a `$` in them, in no order.
    """

    def __init__(self, raw: JsonValue) -> None:
        self._root = raw if isinstance(raw, dict) else {}
        self._keys = set(self._root)
        self.by_part: dict[str, list[str]] = {}
        for place, value in self._parts():
            texts, keys = _inside(value)
            self._keys |= keys
            self.by_part[place] = [*texts, *[key for key in keys if "$" in key]]

    def _parts(self) -> Iterator[tuple[str, JsonValue]]:
        for key, value in self._root.items():
            place = f"/{escaped(key)}"
            if key == "workflows" and isinstance(value, list):
                yield from ((f"{place}/{index}", workflow) for index, workflow in enumerate(value))
            else:
                yield place, value

    @cached_property
    def distinct(self) -> frozenset[str]:
        """Every text, and every key with a `$` in it, once."""
        return frozenset([key for key in self._root if "$" in key]).union(*self.by_part.values())

    @cached_property
    def joined(self) -> str:
        """All of them as one text, each after a line break, for a quick look at what stands nowhere."""
        return "\n".join(["", *self.distinct])

    @cached_property
    def words(self) -> frozenset[str]:
        """Every key of the document, and every text as a whole."""
        return self.distinct.union(self._keys)

    def have(self, parts: Iterable[str]) -> bool:
        """Tell whether one of these stands in any text."""
        return any(map(self.joined.__contains__, parts))

    def placed(self, wanted: Collection[str]) -> list[Text]:
        """Return the places where some texts, or keys with a `$` in them, stand, in the order of the document."""
        found: list[Text] = []
        if wanted:
            few = frozenset(wanted)
            found += [(key, f"/{escaped(key)}", True) for key in self._root if "$" in key and key in few]
            for place, value in self._parts():
                if not few.isdisjoint(self.by_part[place]):
                    _place(value, place, few, found)
        return found


def _inside(value: JsonValue) -> tuple[list[str], set[str]]:
    """Return the texts and the keys inside a value; plain types, as the readers give, are told apart fastest."""
    texts: list[str] = []
    keys: set[str] = set()
    waiting = [value]
    for each in waiting:  # which grows on the way
        kind = type(each)
        if kind is str:
            texts.append(each)
        elif kind is dict:
            keys.update(each)
            waiting += each.values()
        elif kind is list:
            waiting += each
    return texts, keys


def _place(value: JsonValue, place: str, wanted: frozenset[str], found: list[Text]) -> None:
    if isinstance(value, str):
        if value in wanted:
            found.append((value, place, False))
    elif isinstance(value, dict):
        for key, item in value.items():
            inside = f"{place}/{escaped(key)}"
            if "$" in key and key in wanted:
                found.append((key, inside, True))
            _place(item, inside, wanted, found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _place(item, f"{place}/{index}", wanted, found)


def is_value_place(pointer: str) -> bool:
    """Tell whether a text there is sent or evaluated: it is none that describes, names or extends."""
    return _VALUE_PLACE.match(pointer) is not None
