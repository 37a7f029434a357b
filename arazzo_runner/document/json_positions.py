"""Positions in a JSON text: found one by one by reading no further than needed, or all at once."""

from __future__ import annotations

import json
import json.decoder
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from arazzo_runner.base.json_values import escaped
from arazzo_runner.base.patterns import pattern
from arazzo_runner.document.positions import Entry, IndexBuilder, IndexedPositions, OpenCollection, TextPositions
from arazzo_runner.errors import Span


class JsonPositions(IndexedPositions):
    """Positions in a JSON text: found one by one on demand, until `entries` asks for all."""

    has_repeated_keys = False
    _places: JsonEntries | None = None

    def _entry(self, pointer: str) -> Entry | None:
        if self._index is not None:
            return self._index.get(pointer)
        if self._places is None:
            self._places = JsonEntries(self.text, self.line_starts(), repeated=self.has_repeated_keys)
        return self._places.entry(pointer)

    def _indexed(self) -> Mapping[str, Entry]:
        return json_index(self.text).index


# ------------------------------------------------------------------ one by one

_BLANKS: Final[Any] = pattern(r"[ \t\r\n]*")
_COMMA: Final[Any] = pattern(r"[ \t\r\n]*,?[ \t\r\n]*")
_NEXT_KEY: Final = pattern(r'[ \t\r\n]*,?[ \t\r\n]*"([^"\\]*)"[ \t\r\n]*:[ \t\r\n]*')
_COLON: Final[Any] = pattern(r"[ \t\r\n]*:[ \t\r\n]*")
_DECODER: Final[Any] = json.decoder  # scan_once is public, but missing in the type stubs
_SKIP: Final = _DECODER.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False).scan_once

_SKIPPED: Final = 2
"""Values at this depth and below are skipped without noting their members."""

_Member: TypeAlias = tuple[int, int]
"""Where a member's key (-1 for an item of an array) and its value begin."""


class _Structure:
    """An object or array, read as far as its members were asked for; `depth` is the depth of its members."""

    __slots__ = ("depth", "end", "is_object", "is_whole", "last", "members")

    def __init__(self, end: int, depth: int, *, is_object: bool) -> None:
        self.end = end  # where the part read so far ends, if `last` is -1
        self.depth = depth
        self.is_object = is_object
        self.is_whole = False
        self.last = -1  # where the last value read begins, while its end is unknown
        self.members: dict[str, _Member] = {}


class JsonEntries:
    """The positions of one valid JSON text; `starts` are the offsets of its lines.

    A text is read only up to the pointers asked for; one with `repeated` keys, of which the last
    counts, is read to the end of each object.
    """

    def __init__(self, text: str, starts: Sequence[int], *, repeated: bool = False) -> None:
        self._text = text
        self._starts = starts
        self._repeated = repeated
        self._structures: dict[int, _Structure | None] = {}
        self._members: dict[str, _Member | None] = {"": (-1, _BLANKS.match(text).end())}
        self._entries: dict[str, Entry | None] = {}

    def entry(self, pointer: str) -> Entry | None:
        """Return the entry of a JSON Pointer; None when it points nowhere."""
        if pointer not in self._entries:
            self._entries[pointer] = self._entry(pointer)
        return self._entries[pointer]

    def _entry(self, pointer: str) -> Entry | None:
        found = self._member(pointer)
        if found is None:
            return None
        key_start, start = found
        value, end = _SKIP(self._text, start)
        key = None if key_start < 0 else self._span(key_start, _SKIP(self._text, key_start)[1])
        text = value if isinstance(value, str) and self._text[start] == '"' else None
        return Entry(key, self._span(start, end), start, end, text)

    def _member(self, pointer: str) -> _Member | None:
        if pointer not in self._members:
            above, _, token = pointer.rpartition("/")
            parent = self._member(above)
            structure = None if parent is None else self._structure(parent[1], pointer.count("/"))
            if structure is not None and (self._repeated or token not in structure.members):
                self._read_to(structure, token)
            self._members[pointer] = None if structure is None else structure.members.get(token)
        return self._members[pointer]

    def _structure(self, start: int, depth: int) -> _Structure | None:
        """Return the object or array that begins at `start`; None for other values."""
        if start not in self._structures:
            kind = self._text[start]
            self._structures[start] = _Structure(start + 1, depth, is_object=kind == "{") if kind in "{[" else None
        return self._structures[start]

    def _read_to(self, structure: _Structure, token: str | None) -> None:
        """Read keys or items up to `token`, or to the end if that is None or keys are repeated."""
        text, members, last = self._text, structure.members, structure.last
        while not structure.is_whole:
            if last >= 0:
                structure.end = self._end_of(last, structure.depth)
            if structure.is_object and (found := _NEXT_KEY.match(text, structure.end)) is not None:
                name, start, last = escaped(found[1]), found.start(1) - 1, found.end()
            else:
                start = _COMMA.match(text, structure.end).end()
                if text[start] in "}]":
                    structure.is_whole, structure.end, last = True, start + 1, -1
                    break
                name, start, last = _odd_key(text, start) if structure.is_object else (str(len(members)), -1, start)
            members[name] = start, last
            if name == token and not self._repeated:
                break
        structure.last = last

    def _end_of(self, start: int, depth: int) -> int:
        """Return where a value ends; near the root its members are noted, since they are often asked for next."""
        if depth < _SKIPPED and (structure := self._structure(start, depth + 1)) is not None:
            self._read_to(structure, None)
            return structure.end
        end: int = _SKIP(self._text, start)[1]
        return end

    def _span(self, start: int, end: int) -> Span:
        line, end_line = bisect_right(self._starts, start), bisect_right(self._starts, end - 1)
        return Span(line, start - self._starts[line - 1] + 1, end_line, end - self._starts[end_line - 1] + 1)


def _odd_key(text: str, start: int) -> tuple[str, int, int]:
    """Return a key with escapes, where it begins and where its value begins."""
    key, end = _SKIP(text, start)
    return escaped(key), start, _COLON.match(text, end).end()


# ------------------------------------------------------------------ all at once

_TOKEN: Final = pattern(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def json_index(text: str, *, most_repeats: int | None = None) -> IndexBuilder:
    """Index a valid JSON text; stop after `most_repeats` repeated keys."""
    walk = _TokenIndexBuilder(text)
    for match in _TOKEN.finditer(text):
        walk.take(match[0], match.start(), match.end())
        if most_repeats is not None and len(walk.repeats) >= most_repeats:
            break
    return walk


def token_position(text: str, is_wanted: Callable[[str, int], bool]) -> tuple[int, int] | None:
    """Return line and column of the first JSON token that `is_wanted`, given the token and its depth."""
    depth = 0
    for match in _TOKEN.finditer(text):
        depth += (match[0] in ("{", "[")) - (match[0] in ("}", "]"))
        if is_wanted(match[0], depth):
            starts = TextPositions(text).line_starts()
            line = bisect_right(starts, match.start())
            return line, match.start() - starts[line - 1] + 1
    return None


class _TokenIndexBuilder(IndexBuilder):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.starts = TextPositions(text).line_starts()

    def take(self, token: str, start: int, end: int) -> None:
        if token in ("{", "["):
            pointer, key = self.child()
            self.stack.append(OpenCollection(pointer, key, token == "{", start, None))
        elif token in ("}", "]"):
            closed = self.stack.pop()
            self.index[closed.pointer] = Entry(closed.own_key, self.span(closed.start, end), closed.start, end, None)
        elif token not in (",", ":"):
            self._scalar(token, start, end)

    def _scalar(self, token: str, start: int, end: int) -> None:
        text = json.loads(token) if token[0] == '"' else None
        span = self.span(start, end)
        if self.top is not None and self.top.wants_key:
            self.add_key(self.top, text or "", span)
            return
        pointer, key = self.child()
        self.index[pointer] = Entry(key, span, start, end, text)

    def span(self, start: int, end: int) -> Span:
        line, end_line = bisect_right(self.starts, start), bisect_right(self.starts, end - 1)
        column, end_column = start - self.starts[line - 1] + 1, end - self.starts[end_line - 1] + 1
        return Span(line, column, end_line, end_column)
