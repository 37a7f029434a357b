"""Positions of JSON Pointers in a text, computed when the first Diagnostic asks for them.

Here is what YAML and JSON have in common; yaml_positions.py and json_reader.py index their texts.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any, Final

from arazzo_runner.base.json_values import escaped
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.errors import Span


class Entry(Record):
    """The position of one JSON Pointer: spans of key and value, offsets of the value, and its text if it is one."""

    key: Span | None
    value: Span
    start: int
    end: int
    text: str | None


class TextPositions:
    """The lines of a text; it has no positions of JSON Pointers."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts: list[int] = []
        self._line = (0, "")  # the last one returned: a line of megabytes may have thousands of findings

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
        """Return the offset of each line; all readers count lines in this way."""
        if not self._starts:
            self._starts = [0, *self._breaks()]
        return self._starts

    def _breaks(self) -> list[int]:
        if "\r" not in self.text:
            return list(accumulate(map((1).__add__, map(len, self.text.split("\n")))))[:-1]
        return [match.end() for match in re.finditer("\r\n|[\r\n]", self.text)]


class FixedPositions(TextPositions):
    """One position in the text of `lines`, given by line and column, for every JSON Pointer."""

    def __init__(self, lines: TextPositions, line: int, column: int, length: int = 1) -> None:
        super().__init__(lines.text)
        self._lines = lines
        self._span = Span(line, column, line, column + max(1, length))

    def value(self, pointer: str) -> Span | None:
        """Return the one position."""
        return self._span

    def line_text(self, line: int) -> str:
        """Return a line of the shared text."""
        return self._lines.line_text(line)


class IndexedPositions(TextPositions):
    """Positions of a text whose JSON Pointers are indexed by a second pass over it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._index: Mapping[str, Entry] | None = None
        self._scalar: tuple[str, RawText] | None = None  # the last one asked for

    def key(self, pointer: str) -> Span | None:
        """Return the span of the mapping key that `pointer` ends in, None for array items and the root."""
        found = self._entry(pointer)
        return None if found is None else found.key

    def value(self, pointer: str) -> Span | None:
        """Return the span of the value at `pointer`, or of its nearest ancestor (for a missing field, an alias)."""
        while True:
            found = self._entry(pointer)
            if found is not None:
                return found.value
            if not pointer:
                return None
            pointer = pointer.rpartition("/")[0]

    def scalar_column(self, pointer: str, offset: int) -> tuple[int, int] | None:
        """Return (line, column) of character `offset` inside the text value at `pointer`; None when there is none."""
        found = self._entry(pointer)
        if found is None or found.text is None:
            return None
        if self._scalar is None or self._scalar[0] != pointer:
            self._scalar = pointer, RawText(self.text[found.start : found.end], found.text)
        place = found.start + self._scalar[1].offset(offset)
        starts = self.line_starts()
        line = bisect_right(starts, place)
        return line, place - starts[line - 1] + 1

    def entries(self) -> Mapping[str, Entry]:
        """Return all positions by JSON Pointer."""
        if self._index is None:
            self._index = self._indexed()
        return self._index

    def _entry(self, pointer: str) -> Entry | None:
        return self.entries().get(pointer)

    def _indexed(self) -> Mapping[str, Entry]:
        raise NotImplementedError


# ------------------------------------------------------------------ indexing


class OpenCollection:
    """A mapping or list that is not closed yet; `count` numbers the items of a list."""

    __slots__ = ("count", "first", "is_mapping", "key", "key_span", "keys", "name", "own_key", "pointer", "start")

    def __init__(self, pointer: str, own_key: Span | None, is_mapping: bool, start: int, first: Any) -> None:
        self.pointer = pointer
        self.own_key = own_key
        self.is_mapping = is_mapping
        self.start = start
        self.first = first
        self.count = 0
        self.name: str | None = None
        self.key_span: Span | None = None
        self.keys: dict[str, Span] = {}

    @property
    def wants_key(self) -> bool:
        return self.is_mapping and self.name is None


class IndexBuilder:
    """Builds the index of a text from its tokens or events, with a stack of open collections."""

    def __init__(self) -> None:
        self.index: dict[str, Entry] = {}
        self.repeats: list[tuple[str, str, Span, Span]] = []
        self.stack: list[OpenCollection] = []

    @property
    def top(self) -> OpenCollection | None:
        return self.stack[-1] if self.stack else None

    def child(self) -> tuple[str, Span | None]:
        """Return the pointer and key span of the next value."""
        top = self.top
        if top is None:
            return "", None
        if not top.is_mapping:
            top.count += 1
            return f"{top.pointer}/{top.count - 1}", None
        token, top.name = escaped(top.name or ""), None
        return f"{top.pointer}/{token}", top.key_span

    def add_key(self, top: OpenCollection, name: str, span: Span) -> None:
        """Record a key, also among the repeats if the mapping has it already."""
        top.name, top.key_span = name, span
        first = top.keys.setdefault(name, span)
        if first is not span:
            token = escaped(name)
            self.repeats.append((name, f"{top.pointer}/{token}", first, span))


# ------------------------------------------------------------------ characters inside a scalar

_BLANKS: Final = frozenset(" \t\r\n\x85\u2028\u2029")
_PROPERTIES: Final = pattern(r"(?:[&!]\S*\s+)*")  # anchors and tags before the value
_BLOCK_HEADER: Final = pattern(r"[|>][^\r\n]*(?:\r\n|[\r\n])?")
_SINGLE_QUOTED: Final = pattern(r"''|.", re.DOTALL)
_DOUBLE_QUOTED: Final = pattern(
    r"\\(?:x(?P<x>..)|u(?P<u>[dD][89abAB]..\\u[dD][c-fC-F]..|....)|U(?P<U>.{8})|(?P<fold>\r\n|[\r\n])|(?P<c>.))|.",
    re.DOTALL,
)
_BLANK_ESCAPES: Final = frozenset("tnr NLP\t")


def raw_offset(raw: str, text: str, offset: int) -> int:
    """Return the offset in `raw`, the source of the value `text`, of the character `offset` of `text`.

    It is exact for characters other than blanks; a blank that folding moved is located after the
    character before it.
    """
    return RawText(raw, text).offset(offset)


class RawText:
    """The source of one text value; it is scanned once for all offsets.

    Folding adds and removes blanks and line breaks and leaves all else in order: the n-th other
    character of the value is the n-th of the source, in all five styles of YAML and in JSON.
    """

    def __init__(self, raw: str, text: str) -> None:
        self._length = len(text)
        self._shift: int | None = None  # a constant difference if nothing is escaped or folded
        if raw == text:
            self._shift = 0
        elif len(raw) == len(text) + 2 and raw[:1] in ('"', "'") and raw.startswith(text, 1):
            self._shift = 1
        else:
            self._solid = [place for place, character in enumerate(text) if character not in _BLANKS]
            self._start, self._end, units = _units(raw)
            self._raw_solid = [(begin, stop) for begin, stop, is_blank in units if not is_blank]

    def offset(self, offset: int) -> int:
        """Return the offset in the source of the character `offset` of the value."""
        offset = min(max(offset, 0), self._length)
        if self._shift is not None:
            return offset + self._shift
        before = bisect_left(self._solid, offset)
        wants_solid = before < len(self._solid) and self._solid[before] == offset
        if wants_solid and before < len(self._raw_solid):
            return self._raw_solid[before][0]
        blanks = offset - (self._solid[before - 1] + 1 if before else 0)
        last = min(before, len(self._raw_solid)) - 1
        return min((self._raw_solid[last][1] if last >= 0 else self._start) + blanks, self._end)


def _units(raw: str) -> tuple[int, int, Iterator[tuple[int, int, bool]]]:
    """Return where the content begins and ends, and its characters: begin, end and whether it is a blank."""
    found = _PROPERTIES.match(raw)
    start = found.end() if found else 0
    style = raw[start : start + 1]
    if style == "'":
        return start + 1, len(raw) - 1, _single_quoted(raw, start + 1, len(raw) - 1)
    if style == '"':
        return start + 1, len(raw) - 1, _double_quoted(raw, start + 1, len(raw) - 1)
    if style in ("|", ">"):
        header = _BLOCK_HEADER.match(raw, start)
        start = header.end() if header else start
    return start, len(raw), ((at, at + 1, raw[at] in _BLANKS) for at in range(start, len(raw)))


def _single_quoted(raw: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    for match in _SINGLE_QUOTED.finditer(raw, start, end):
        yield match.start(), match.end(), match[0] in _BLANKS


def _double_quoted(raw: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    for match in _DOUBLE_QUOTED.finditer(raw, start, end):
        code = match["x"] or match["u"] or match["U"]
        if code is not None:
            is_blank = len(code) <= 8 and chr(int(code, 16)) in _BLANKS
        else:
            is_blank = match["fold"] is not None or match[0] in _BLANKS or match["c"] in _BLANK_ESCAPES
        yield match.start(), match.end(), is_blank
