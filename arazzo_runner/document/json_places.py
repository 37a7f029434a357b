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

_BLANKS: Final = pattern(r"[ \t\r\n]*")
_COMMA: Final = pattern(r"[ \t\r\n]*,?[ \t\r\n]*")
_KEY: Final = pattern(r'"([^"\\]*)"[ \t\r\n]*:[ \t\r\n]*')
_ESCAPED_KEY: Final = pattern(r'"((?:[^"\\]|\\.)*)"[ \t\r\n]*:[ \t\r\n]*')
_DECODER: Final[Any] = json.decoder  # its scanner is public, but not in the type stubs
_SKIP: Final = _DECODER.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False).scan_once

_Member: TypeAlias = tuple[int, int]
"""Where the key of a member begins (-1: an item of an array has none), and where its value begins."""


class _Structure:
    """An object or array that is read as far as its members were asked for."""

    __slots__ = ("at", "is_object", "last", "members")

    def __init__(self, at: int, *, is_object: bool) -> None:
        self.at = at  # where the next key or item begins, if `last` is -1; -1 at the end
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
        self._root: _Member = (-1, _end(_BLANKS.match(text)))

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
        return _Structure(_end(_BLANKS.match(self._text, start + 1)), is_object=kind == "{") if kind in "{[" else None

    def _read_to(self, structure: _Structure, token: str) -> None:
        """Read keys or items until the one that is sought (with repeated keys: all), or the end."""
        text, members, last = self._text, structure.members, structure.last
        while structure.at >= 0:
            if last >= 0:
                structure.at = _end(_COMMA.match(text, _SKIP(text, last)[1]))
            at = structure.at
            if text[at] in "}]":
                structure.at = last = -1
                break
            if structure.is_object:
                key = _KEY.match(text, at)
                name, last = _unescaped(text, at) if key is None else (key[1], key.end())
                name = escaped(name)
                members[name] = at, last
            else:
                name, last = str(len(members)), at
                members[name] = -1, at
            if name == token and not self._repeated:
                break
        structure.last = last

    def _span(self, start: int, end: int) -> Span:
        line, end_line = bisect_right(self._starts, start), bisect_right(self._starts, end - 1)
        return Span(line, start - self._starts[line - 1] + 1, end_line, end - self._starts[end_line - 1] + 1)


def _unescaped(text: str, at: int) -> tuple[str, int]:
    """Return a key with escapes in it, and where its value begins."""
    return _SKIP(text, at)[0], _end(_ESCAPED_KEY.match(text, at))


def _end(found: Any) -> int:
    return int(found.end())
