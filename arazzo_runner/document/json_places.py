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
_COLON: Final = pattern(r"[ \t\r\n]*:[ \t\r\n]*")
_COMMA: Final = pattern(r"[ \t\r\n]*,?[ \t\r\n]*")
_DECODER: Final[Any] = json.decoder  # its two scanners are public, but not in the type stubs
_SKIP: Final = _DECODER.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False).scan_once
_STRING: Final = _DECODER.scanstring

_Member: TypeAlias = tuple[int, int, int, int, str | None]
"""Where the key of a member begins and ends (-1: an item of an array has none), then its value; that of a string."""


class JsonPlaces:
    """The places of one text that json.loads has taken; `starts` is where its lines begin."""

    def __init__(self, text: str, starts: Sequence[int]) -> None:
        self._text = text
        self._starts = starts
        self._members: dict[str, dict[str, _Member]] = {}
        self._entries: dict[str, Entry | None] = {}
        start = _end(_BLANKS.match(text))
        self._root: _Member = (-1, -1, start, len(text.rstrip(" \t\r\n")), _string(text, start))

    def entry(self, pointer: str) -> Entry | None:
        """Return what is known of a JSON Pointer; None when it leads nowhere."""
        if pointer not in self._entries:
            self._entries[pointer] = self._entry(pointer)
        return self._entries[pointer]

    def _entry(self, pointer: str) -> Entry | None:
        found = self._member(pointer)
        if found is None:
            return None
        key_start, key_end, start, end, text = found
        key = None if key_start < 0 else self._span(key_start, key_end)
        return Entry(key, self._span(start, end), start, end, text)

    def _member(self, pointer: str) -> _Member | None:
        if not pointer:
            return self._root
        above, _, token = pointer.rpartition("/")
        members = self._members.get(above)
        if members is None:
            parent = self._member(above)
            members = self._members[above] = {} if parent is None else self._read(parent[2])
        return members.get(token)

    def _read(self, start: int) -> dict[str, _Member]:
        """Return the members of the object or array that begins at `start`, by their tokens."""
        text, found = self._text, dict[str, _Member]()
        if text[start] not in "{[":
            return found
        is_object = text[start] == "{"
        at = _end(_BLANKS.match(text, start + 1))
        key_start = key_end = -1
        while text[at] not in "}]":
            token = str(len(found))
            if is_object:
                key_start = at
                name, key_end = _STRING(text, at + 1, False)
                token = escaped(name)
                at = _end(_COLON.match(text, key_end))
            value, end = _SKIP(text, at)
            found[token] = (key_start, key_end, at, end, value if text[at] == '"' else None)
            at = _end(_COMMA.match(text, end))
        return found

    def _span(self, start: int, end: int) -> Span:
        line, end_line = bisect_right(self._starts, start), bisect_right(self._starts, end - 1)
        return Span(line, start - self._starts[line - 1] + 1, end_line, end - self._starts[end_line - 1] + 1)


def _end(found: Any) -> int:
    return int(found.end())


def _string(text: str, start: int) -> str | None:
    if text[start : start + 1] != '"':
        return None
    return str(_STRING(text, start + 1, False)[0])
