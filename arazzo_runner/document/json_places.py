"""Places in a JSON text, found on the way to each JSON Pointer: what lies beside the way is skipped at C speed."""

from __future__ import annotations

import json.decoder
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from arazzo_runner.diagnostics import Span
from arazzo_runner.document.positions import Entry
from arazzo_runner.patterns import pattern

_BLANKS: Final = pattern(r"[ \t\r\n]*")
_DECODER: Final[Any] = json.decoder  # its two scanners are public, but not in the type stubs
_SKIP: Final = _DECODER.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False).scan_once
_STRING: Final = _DECODER.scanstring


class _Member(NamedTuple):
    """Where a member of an object (its key too) or an item of an array stands; `text` is the value of a string."""

    key_start: int
    key_end: int
    start: int
    end: int
    text: str | None


class JsonPlaces:
    """The places of one text that json.loads has taken; `starts` is where its lines begin."""

    def __init__(self, text: str, starts: Sequence[int]) -> None:
        self._text = text
        self._starts = starts
        self._members: dict[str, dict[str, _Member]] = {}
        start = self._blank(0)
        self._root = _Member(-1, -1, start, len(text.rstrip(" \t\r\n")), _string(text, start))

    def entry(self, pointer: str) -> Entry | None:
        """Return what is known of a JSON Pointer; None when it leads nowhere."""
        found = self._member(pointer)
        if found is None:
            return None
        key = None if found.key_start < 0 else self._span(found.key_start, found.key_end)
        return Entry(key, self._span(found.start, found.end), found.start, found.end, found.text)

    def _member(self, pointer: str) -> _Member | None:
        if not pointer:
            return self._root
        above, _, token = pointer.rpartition("/")
        members = self._members.get(above)
        if members is None:
            parent = self._member(above)
            members = self._members[above] = {} if parent is None else self._read(parent.start)
        return members.get(token)

    def _read(self, start: int) -> dict[str, _Member]:
        """Return the members of the object or array that begins at `start`, by their tokens."""
        text, found = self._text, dict[str, _Member]()
        if text[start] not in "{[":
            return found
        is_object = text[start] == "{"
        at = self._blank(start + 1)
        key_start = key_end = -1
        while text[at] not in "}]":
            token = str(len(found))
            if is_object:
                key_start = at
                name, key_end = _STRING(text, at + 1, False)
                token = name.replace("~", "~0").replace("/", "~1") if "~" in name or "/" in name else name
                at = self._blank(self._blank(key_end) + 1)
            value, end = _SKIP(text, at)
            found[token] = _Member(key_start, key_end, at, end, value if text[at] == '"' else None)
            at = self._blank(end)
            at = self._blank(at + 1) if text[at] == "," else at
        return found

    def _blank(self, at: int) -> int:
        found: Any = _BLANKS.match(self._text, at)
        return int(found.end())

    def _span(self, start: int, end: int) -> Span:
        line, end_line = bisect_right(self._starts, start), bisect_right(self._starts, end - 1)
        return Span(line, start - self._starts[line - 1] + 1, end_line, end - self._starts[end_line - 1] + 1)


def _string(text: str, start: int) -> str | None:
    if text[start : start + 1] != '"':
        return None
    return str(_STRING(text, start + 1, False)[0])
