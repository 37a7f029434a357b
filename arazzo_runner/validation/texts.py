"""The texts of a document: every value and key that rules read as text, collected in one walk."""

from __future__ import annotations

from collections.abc import Iterable
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
    """What is written in a document, in its order; a value that aliases share counts at each of its places.

    `by_part` are the texts of "/workflows/0", "/workflows/1", …, "/components", "/info" …; those
    of the root itself are under "".
    """

    def __init__(self, raw: JsonValue) -> None:
        self.by_part: dict[str, list[Text]] = {}
        self._words: set[str] = set()
        for key, value in raw.items() if isinstance(raw, dict) else ():
            self._words.add(key)
            place = f"/{escaped(key)}"
            if "$" in key:
                self._part("").append((key, place, True))
            if key == "workflows" and isinstance(value, list):
                for index, workflow in enumerate(value):
                    self._take(workflow, f"{place}/{index}", self._part(f"{place}/{index}"))
            else:
                self._take(value, place, self._part(place))

    def _part(self, place: str) -> list[Text]:
        return self.by_part.setdefault(place, [])

    def _take(self, value: JsonValue, place: str, found: list[Text]) -> None:
        if isinstance(value, dict):
            self._words.update(value)
            for key, item in value.items():
                inside = f"{place}/{escaped(key) if '/' in key or '~' in key else key}"
                if "$" in key:
                    found.append((key, inside, True))
                if isinstance(item, str):
                    found.append((item, inside, False))
                elif isinstance(item, (dict, list)):
                    self._take(item, inside, found)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self._take(item, f"{place}/{index}", found)
        elif isinstance(value, str):
            found.append((value, place, False))

    @cached_property
    def all(self) -> tuple[Text, ...]:
        """All of them."""
        return tuple(text for texts in self.by_part.values() for text in texts)

    @cached_property
    def joined(self) -> str:
        """All of them as one text, each after a line break, for a quick look at what stands nowhere."""
        return "\n".join(["", *[text for text, _, _ in self.all]])

    @cached_property
    def words(self) -> frozenset[str]:
        """Every key of the document, and every text as a whole."""
        return frozenset(self._words.union([text for text, _, _ in self.all]))

    def have(self, parts: Iterable[str]) -> bool:
        """Tell whether one of these stands in any text."""
        return any(map(self.joined.__contains__, parts))


def is_value_place(pointer: str) -> bool:
    """Tell whether a text there is sent or evaluated: it is none that describes, names or extends."""
    return _VALUE_PLACE.match(pointer) is not None
