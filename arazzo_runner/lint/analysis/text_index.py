"""The texts of a document: every value and key that rules read as text, collected in one walk."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Final, TypeAlias

from arazzo_runner.base.json_values import JsonValue, escaped
from arazzo_runner.base.patterns import pattern

Text: TypeAlias = tuple[str, str, bool]
"""A text, its JSON Pointer, and whether it is a mapping key (one with a `$` in it)."""

_VALUE_PLACE: Final = pattern(
    r"/(?:workflows/\d+(?:/steps/\d+)?|components)/(?:"
    r"parameters/[^/]+/value(?:/|$)|requestBody/(?:payload|replacements/\d+/value)(?:/|$)|outputs/"
    r"|successCriteria/\d+/(?:context|condition)$"
    r"|(?:successActions|failureActions|onSuccess|onFailure)/[^/]+/"
    r"(?:criteria/\d+/(?:context|condition)$|parameters/\d+/value(?:/|$)))"
)


class TextIndex:
    """The texts of a document, and the mapping keys with a `$` in them.

    Texts are collected without their locations, since most rules find nothing in most documents;
    `placed` looks up those of a few. `keys` are all mapping keys. `by_part` are the texts of
    "/workflows/0", "/workflows/1", … and "/components", in no order; all others are under "".
    """

    def __init__(self, raw: JsonValue) -> None:
        self._root = raw if isinstance(raw, dict) else {}
        inside = {place: _inside(values) for place, values in _parts(self._root).items()}
        self.keys = frozenset(self._root).union(*[each for _, mappings in inside.values() for each in mappings])
        if "$" in "".join(self.keys):
            for texts, mappings in inside.values():
                texts += [key for each in mappings for key in each if "$" in key]
        self.by_part = {place: texts for place, (texts, _) in inside.items()}

    @cached_property
    def distinct(self) -> frozenset[str]:
        """Every text, and every key with a `$` in it, once."""
        return frozenset([key for key in self._root if "$" in key]).union(*self.by_part.values())

    @cached_property
    def _dollars(self) -> tuple[str, ...]:
        return tuple([text for text in self.distinct if "$" in text])

    def holding(self, part: str) -> list[str]:
        """Return the distinct texts that contain a part, which must have a `$` in it."""
        return [text for text in self._dollars if part in text]

    @cached_property
    def joined(self) -> str:
        """All distinct texts as one, each after a line break."""
        return "\n".join(["", *self.distinct])

    def has_any_word(self, words: Collection[str]) -> bool:
        """Return whether one of the words is a key of the document, or a whole text."""
        return not (self.keys.isdisjoint(words) and self.distinct.isdisjoint(words))

    def has_any_part(self, parts: Collection[str]) -> bool:
        """Return whether one of the parts occurs in a text; a part may begin with a line break, for the beginning."""
        return any(map(self.joined.__contains__, parts))

    def placed(self, wanted: Collection[str]) -> list[Text]:
        """Return every occurrence of some texts, or keys with a `$` in them, in the order of the document."""
        found: list[Text] = []
        if wanted:
            _place(self._root, (), frozenset(wanted), found)
        return found


def _parts(root: dict[str, JsonValue]) -> dict[str, list[JsonValue]]:
    """Return the values of a document's parts: each workflow, the components, and the rest."""
    parts: dict[str, list[JsonValue]] = {"": []}
    for key, value in root.items():
        if key == "workflows" and isinstance(value, list):
            parts.update((f"/workflows/{index}", [workflow]) for index, workflow in enumerate(value))
        elif key == "components":
            parts["/components"] = [value]
        else:
            parts[""].append(value)
    return parts


def _inside(values: list[JsonValue]) -> tuple[list[str], list[dict[str, JsonValue]]]:
    """Return the texts and the mappings inside values; the list is extended by all that is inside them."""
    texts: list[str] = []
    mappings: list[dict[str, JsonValue]] = []
    for each in values:
        kind = type(each)  # documents contain no subclasses, and this is the fastest test
        if kind is str:
            texts.append(each)
        elif kind is dict:
            mappings.append(each)
            values += each.values()
        elif kind is list:
            values += each
    return texts, mappings


def _place(value: JsonValue, path: tuple[str | int, ...], wanted: frozenset[str], found: list[Text]) -> None:
    is_mapping = isinstance(value, dict)
    for token, item in value.items() if is_mapping else enumerate(value):
        if is_mapping and token in wanted and "$" in token:
            found.append((token, _pointer(path, token), True))
        if isinstance(item, str):
            if item in wanted:
                found.append((item, _pointer(path, token), False))
        elif isinstance(item, (dict, list)):
            _place(item, (*path, token), wanted, found)


def _pointer(path: tuple[str | int, ...], token: str | int) -> str:
    return "".join([f"/{escaped(str(each))}" for each in (*path, token)])


def is_value_place(pointer: str) -> bool:
    """Return whether a text at this location is sent or evaluated, not a description, name or extension."""
    return _VALUE_PLACE.match(pointer) is not None
