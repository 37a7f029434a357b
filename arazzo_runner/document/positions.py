"""Where in a text a JSON Pointer stands: found in one pass over the text, when the first Diagnostic asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from arazzo_runner.base.records import Record
from arazzo_runner.errors import Span


class Entry(Record):
    """What is known of one JSON Pointer: spans of key and value, and of a text value its raw form."""

    key: Span | None
    value: Span
    start: int
    end: int
    text: str | None


class JsonPlacesLike(Protocol):
    """What `json_places.JsonPlaces` is, named here because it is imported only when a place is asked for."""

    def entry(self, pointer: str) -> Entry | None:
        """Return what is known of one JSON Pointer."""


class RawTextLike(Protocol):
    """What `scalar_places.RawText` is."""

    def offset(self, offset: int) -> int:
        """Return how far into the raw form a character of the text stands."""


class TextPositions:
    """The lines of a text, without any JSON Pointers."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts: list[int] = []
        self._line = (0, "")  # the last that was asked for: a line of megabytes may have thousands of findings

    def key(self, pointer: str) -> Span | None:
        """Return the span of the mapping key that `pointer` ends in."""
        return None

    def value(self, pointer: str) -> Span | None:
        """Return the span of the value at `pointer`."""
        return None

    def scalar_column(self, pointer: str, offset: int) -> tuple[int, int] | None:
        """Return (line, column) of character `offset` inside the text value at `pointer`; None when there is none."""
        return None

    def line_text(self, line: int) -> str:
        """Return line number `line` (1-based) without its line break."""
        starts = self.line_starts()
        if not 0 < line <= len(starts):
            return ""
        if self._line[0] != line:
            end = starts[line] if line < len(starts) else len(self.text)
            self._line = (line, self.text[starts[line - 1] : end].rstrip("\r\n\x85\u2028\u2029"))
        return self._line[1]

    def line_starts(self) -> list[int]:
        """Return where each line begins; all readers count lines as this does."""
        if not self._starts:
            self._starts = [0, *self._breaks()]
        return self._starts

    def _breaks(self) -> list[int]:
        if "\r" not in self.text:
            from itertools import accumulate

            return list(accumulate(map((1).__add__, map(len, self.text.split("\n")))))[:-1]
        import re  # only when a place is asked for

        return [match.end() for match in re.finditer("\r\n|[\r\n]", self.text)]


class FixedPositions(TextPositions):
    """One place known by line and column in the text of `lines`, whatever the JSON Pointer."""

    def __init__(self, lines: TextPositions, line: int, column: int, length: int = 1) -> None:
        super().__init__(lines.text)
        self._lines = lines
        self._span = Span(line, column, line, column + max(1, length))

    def value(self, pointer: str) -> Span | None:
        """Return the one place."""
        return self._span

    def line_text(self, line: int) -> str:
        """Return a line of the shared text."""
        return self._lines.line_text(line)


class IndexedPositions(TextPositions):
    """Places of a text whose JSON Pointers are indexed by a second pass over it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._index: Mapping[str, Entry] | None = None
        self._scalar: tuple[str, RawTextLike] | None = None  # the last that was asked for

    def key(self, pointer: str) -> Span | None:
        """Return the span of the mapping key that `pointer` ends in, None for array items and the root."""
        found = self._entry(pointer)
        return None if found is None else found.key

    def value(self, pointer: str) -> Span | None:
        """Return the span of the value at `pointer`, or of the nearest place above it (a missing field, an alias)."""
        while True:
            found = self._entry(pointer)
            if found is not None:
                return found.value
            if not pointer:
                return None
            pointer = pointer.rpartition("/")[0]

    def scalar_column(self, pointer: str, offset: int) -> tuple[int, int] | None:
        """Return (line, column) of character `offset` inside the text value at `pointer`; None when there is none."""
        from bisect import bisect_right

        found = self._entry(pointer)
        if found is None or found.text is None:
            return None
        if self._scalar is None or self._scalar[0] != pointer:
            from arazzo_runner.document.scalar_positions import RawText

            self._scalar = pointer, RawText(self.text[found.start : found.end], found.text)
        place = found.start + self._scalar[1].offset(offset)
        starts = self.line_starts()
        line = bisect_right(starts, place)
        return line, place - starts[line - 1] + 1

    def entries(self) -> Mapping[str, Entry]:
        """Return everything that is known, by JSON Pointer."""
        if self._index is None:
            self._index = self._indexed()
        return self._index

    def _entry(self, pointer: str) -> Entry | None:
        return self.entries().get(pointer)

    def _indexed(self) -> Mapping[str, Entry]:
        raise AssertionError("a subclass says how")


class YamlPositions(IndexedPositions):
    """Places in a YAML text."""

    def _indexed(self) -> Mapping[str, Entry]:
        from arazzo_runner.document.position_scan import yaml_index

        return yaml_index(self.text)

    def _breaks(self) -> list[int]:
        import re

        # libyaml still takes the line breaks of YAML 1.1, and its marks count them.
        return [match.end() for match in re.finditer("\r\n|[\r\n\x85\u2028\u2029]", self.text)]


class JsonPositions(IndexedPositions):
    """Places in a JSON text; one by one as they are asked for, unless all are."""

    has_repeated_keys = False
    _places: JsonPlacesLike | None = None

    def _entry(self, pointer: str) -> Entry | None:
        if self._index is not None:
            return self._index.get(pointer)
        if self._places is None:
            from arazzo_runner.document.json_positions import JsonPlaces

            self._places = JsonPlaces(self.text, self.line_starts(), repeated=self.has_repeated_keys)
        return self._places.entry(pointer)

    def _indexed(self) -> Mapping[str, Entry]:
        from arazzo_runner.document.position_scan import json_places

        return json_places(self.text).index
