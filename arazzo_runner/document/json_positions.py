"""Places in a JSON text, found on the way to each JSON Pointer: what lies beside the way is skipped at C speed."""

from __future__ import annotations

import json.decoder
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from arazzo_runner.base.json_values import escaped
from arazzo_runner.base.patterns import pattern
from arazzo_runner.document.positions import Entry
from arazzo_runner.errors import Span

_BLANKS: Final[Any] = pattern(r"[ \t\r\n]*")
_COMMA: Final[Any] = pattern(r"[ \t\r\n]*,?[ \t\r\n]*")
_NEXT_KEY: Final = pattern(r'[ \t\r\n]*,?[ \t\r\n]*"([^"\\]*)"[ \t\r\n]*:[ \t\r\n]*')
_COLON: Final[Any] = pattern(r"[ \t\r\n]*:[ \t\r\n]*")
_DECODER: Final[Any] = json.decoder  # its scanner is public, but not in the type stubs
_SKIP: Final = _DECODER.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False).scan_once

_SKIPPED: Final = 2
"""From this depth on values are skipped as a whole: those of the members of a workflow."""

_Member: TypeAlias = tuple[int, int]
"""Where the key of a member begins (-1: an item of an array has none), and where its value begins."""


class _Structure:
    """An object or array that is read as far as its members were asked for; `depth` is how deep those stand."""

    __slots__ = ("depth", "end", "is_object", "is_whole", "last", "members")

    def __init__(self, end: int, depth: int, *, is_object: bool) -> None:
        self.end = end  # where what was read ends, if `last` is -1
        self.depth = depth
        self.is_object = is_object
        self.is_whole = False
        self.last = -1  # where the value read last begins, while it is not known where it ends
        self.members: dict[str, _Member] = {}


class JsonPlaces:
    """The places of one text that json.loads has taken; `starts` is where its lines begin.

    Only what stands before a place is read, unless a text has `repeated` keys: the last of
    equal ones counts.
    """

    def __init__(self, text: str, starts: Sequence[int], *, repeated: bool = False) -> None:
        self._text = text
        self._starts = starts
        self._repeated = repeated
        self._structures: dict[int, _Structure | None] = {}
        self._members: dict[str, _Member | None] = {"": (-1, _BLANKS.match(text).end())}
        self._entries: dict[str, Entry | None] = {}

    def entry(self, pointer: str) -> Entry | None:
        """Return what is known of a JSON Pointer; None when it leads nowhere."""
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
        """Return the object or array that begins at a place, as far as it was read; None for other values."""
        if start not in self._structures:
            kind = self._text[start]
            self._structures[start] = _Structure(start + 1, depth, is_object=kind == "{") if kind in "{[" else None
        return self._structures[start]

    def _read_to(self, structure: _Structure, token: str | None) -> None:
        """Read keys or items until the one that is sought (None, or repeated keys: all), or the end."""
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
        """Return where a value ends: near the root member by member, since what is below is often asked for next."""
        if depth < _SKIPPED and (structure := self._structure(start, depth + 1)) is not None:
            self._read_to(structure, None)
            return structure.end
        end: int = _SKIP(self._text, start)[1]
        return end

    def _span(self, start: int, end: int) -> Span:
        line, end_line = bisect_right(self._starts, start), bisect_right(self._starts, end - 1)
        return Span(line, start - self._starts[line - 1] + 1, end_line, end - self._starts[end_line - 1] + 1)


def _odd_key(text: str, start: int) -> tuple[str, int, int]:
    """Return a key with escapes in it, where it begins, and where its value does."""
    key, end = _SKIP(text, start)
    return escaped(key), start, _COLON.match(text, end).end()
