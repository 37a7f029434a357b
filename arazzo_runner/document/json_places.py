"""Places in a JSON text, found on the way to each JSON Pointer: what lies beside the way is skipped at C speed."""

from __future__ import annotations

import json.decoder
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final

from arazzo_runner.diagnostics import Span
from arazzo_runner.document.positions import Entry
from arazzo_runner.patterns import pattern
from arazzo_runner.records import record
from arazzo_runner.values import escaped

_BLANKS: Final = pattern(r"[ \t\r\n]*")
_COLON: Final = pattern(r"[ \t\r\n]*:[ \t\r\n]*")
_COMMA: Final = pattern(r"[ \t\r\n]*,?[ \t\r\n]*")
_DECODER: Final[Any] = json.decoder  # its two scanners are public, but not in the type stubs
_SKIP: Final = _DECODER.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False).scan_once
_STRING: Final = _DECODER.scanstring


@record(frozen=True, slots=True)
class _Member:
    """Where the key of a member begins and ends (-1: an item of an array has none), and where its value begins."""

    key_start: int
    key_end: int
    start: int


class _Structure:
    """An object or array that is read as far as its members were asked for."""

    __slots__ = ("at", "is_object", "last", "members")

    def __init__(self, at: int, *, is_object: bool) -> None:
        self.at = at  # where the next key or item begins, if `last` is None; -1 at the end
        self.is_object = is_object
        self.last: _Member | None = None  # the member read last, while it is not known where it ends
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
        self._root = _Member(-1, -1, _end(_BLANKS.match(text)))

    def entry(self, pointer: str) -> Entry | None:
        """Return what is known of a JSON Pointer; None when it leads nowhere."""
        if pointer not in self._entries:
            self._entries[pointer] = self._entry(pointer)
        return self._entries[pointer]

    def _entry(self, pointer: str) -> Entry | None:
        found = self._member(pointer)
        if found is None:
            return None
        value, end = _SKIP(self._text, found.start)
        key = None if found.key_start < 0 else self._span(found.key_start, found.key_end)
        text = value if isinstance(value, str) and self._text[found.start] == '"' else None
        return Entry(key, self._span(found.start, end), found.start, end, text)

    def _member(self, pointer: str) -> _Member | None:
        if not pointer:
            return self._root
        above, _, token = pointer.rpartition("/")
        if above not in self._structures:
            parent = self._member(above)
            self._structures[above] = None if parent is None else self._opened(parent.start)
        structure = self._structures[above]
        return None if structure is None else self._sought(structure, token)

    def _opened(self, start: int) -> _Structure | None:
        kind = self._text[start]
        return _Structure(_end(_BLANKS.match(self._text, start + 1)), is_object=kind == "{") if kind in "{[" else None

    def _sought(self, structure: _Structure, token: str) -> _Member | None:
        """Return a member, reading on until it is found."""
        while structure.at >= 0 and (self._repeated or token not in structure.members):
            self._read_on(structure)
        return structure.members.get(token)

    def _read_on(self, structure: _Structure) -> None:
        """Read the next key or item."""
        text = self._text
        if structure.last is not None:
            _, end = _SKIP(text, structure.last.start)
            structure.at, structure.last = _end(_COMMA.match(text, end)), None
        at = structure.at
        if text[at] in "}]":
            structure.at = -1
            return
        token, key_start, key_end = str(len(structure.members)), -1, -1
        if structure.is_object:
            key_start = at
            name, key_end = _STRING(text, at + 1, False)
            token, at = escaped(name), _end(_COLON.match(text, key_end))
        structure.last = structure.members[token] = _Member(key_start, key_end, at)

    def _span(self, start: int, end: int) -> Span:
        line, end_line = bisect_right(self._starts, start), bisect_right(self._starts, end - 1)
        return Span(line, start - self._starts[line - 1] + 1, end_line, end - self._starts[end_line - 1] + 1)


def _end(found: Any) -> int:
    return int(found.end())
