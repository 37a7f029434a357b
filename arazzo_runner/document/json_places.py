"""Places in a JSON text, found on the way to each JSON Pointer: what lies beside the way is skipped at C speed."""

from __future__ import annotations

import json.decoder
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from arazzo_runner.diagnostics import Span
from arazzo_runner.document.positions import Entry
from arazzo_runner.patterns import pattern
from arazzo_runner.values import escaped

_BLANKS: Final[Any] = pattern(r"[ \t\r\n]*")
_COMMA: Final[Any] = pattern(r"[ \t\r\n]*,?[ \t\r\n]*")
_NEXT_KEY: Final = pattern(r'[ \t\r\n]*,?[ \t\r\n]*"([^"\\]*)"[ \t\r\n]*:[ \t\r\n]*')
_COLON: Final[Any] = pattern(r"[ \t\r\n]*:[ \t\r\n]*")
_DECODER: Final[Any] = json.decoder  # its scanner is public, but not in the type stubs
_SKIP: Final = _DECODER.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False).scan_once

_Member: TypeAlias = tuple[int, int]
"""Where the key of a member begins (-1: an item of an array has none), and where its value begins."""


class _Structure:
    """An object or array that is read as far as its members were asked for."""

    __slots__ = ("end", "is_object", "last", "members")

    def __init__(self, end: int, *, is_object: bool) -> None:
        self.end = end  # where what was read ends, if `last` is -1; -1 at the end
        self.is_object = is_object
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
        self._structures: dict[str, _Structure | None] = {}
        self._entries: dict[str, Entry | None] = {}
        self._root: _Member = (-1, _BLANKS.match(text).end())

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
        if not pointer:
            return self._root
        above, _, token = pointer.rpartition("/")
        if above not in self._structures:
            parent = self._member(above)
            self._structures[above] = None if parent is None else self._opened(parent[1])
        structure = self._structures[above]
        if structure is None:
            return None
        if self._repeated or token not in structure.members:
            self._read_to(structure, token)
        return structure.members.get(token)

    def _opened(self, start: int) -> _Structure | None:
        kind = self._text[start]
        return _Structure(start + 1, is_object=kind == "{") if kind in "{[" else None

    def _read_to(self, structure: _Structure, token: str) -> None:
        """Read keys or items until the one that is sought (with repeated keys: all), or the end."""
        text, members, last = self._text, structure.members, structure.last
        following = _next_key if structure.is_object else _next_item
        while structure.end >= 0:
            if last >= 0:
                structure.end = _SKIP(text, last)[1]
            found = following(text, structure.end)
            if found is None:
                structure.end = last = -1
                break
            name, key_start, last = found
            name = str(len(members)) if name is None else escaped(name)
            members[name] = key_start, last
            if name == token and not self._repeated:
                break
        structure.last = last

    def _span(self, start: int, end: int) -> Span:
        line, end_line = bisect_right(self._starts, start), bisect_right(self._starts, end - 1)
        return Span(line, start - self._starts[line - 1] + 1, end_line, end - self._starts[end_line - 1] + 1)


def _next_key(text: str, end: int) -> tuple[str | None, int, int] | None:
    """Return the key after a value, where it begins, and where its own value does; None at the end of an object."""
    found = _NEXT_KEY.match(text, end)
    if found is not None:
        return found[1], found.start(1) - 1, found.end()
    start = _COMMA.match(text, end).end()
    if text[start] == "}":
        return None
    key, end = _SKIP(text, start)  # one with escapes in it
    return key, start, _COLON.match(text, end).end()


def _next_item(text: str, end: int) -> tuple[str | None, int, int] | None:
    start = _COMMA.match(text, end).end()
    return None if text[start] == "]" else (None, -1, start)
