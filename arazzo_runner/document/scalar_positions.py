"""Where a character of a text value stands in its raw form, for all five styles of YAML and for JSON.

Blanks and line breaks come and go when a scalar is folded, everything else stays in order: so
the n-th character that is no blank in the value is the n-th that is no blank in the raw text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.patterns import pattern

_BLANKS: Final = frozenset(" \t\r\n\x85\u2028\u2029")
_PROPERTIES: Final = pattern(r"(?:[&!]\S*\s+)*")  # an anchor or a tag before the value
_BLOCK_HEADER: Final = pattern(r"[|>][^\r\n]*(?:\r\n|[\r\n])?")
_SINGLE_QUOTED: Final = pattern(r"''|.", re.DOTALL)
_DOUBLE_QUOTED: Final = pattern(
    r"\\(?:x(?P<x>..)|u(?P<u>[dD][89abAB]..\\u[dD][c-fC-F]..|....)|U(?P<U>.{8})|(?P<fold>\r\n|[\r\n])|(?P<c>.))|.",
    re.DOTALL,
)
_BLANK_ESCAPES: Final = frozenset("tnr NLP\t")


def raw_offset(raw: str, text: str, offset: int) -> int:
    """Return how far into `raw`, the source of the value `text`, its character `offset` stands.

    Exact for characters that are no blanks; a blank that folding moved is placed after the
    character before it.
    """
    return RawText(raw, text).offset(offset)


class RawText:
    """The raw form of one text value: it is gone through once, however many places of it are asked for."""

    def __init__(self, raw: str, text: str) -> None:
        self._length = len(text)
        self._shift: int | None = None  # where nothing is escaped or folded
        if raw == text:
            self._shift = 0
        elif len(raw) == len(text) + 2 and raw[:1] in ('"', "'") and raw.startswith(text, 1):
            self._shift = 1
        else:
            self._solid = [place for place, character in enumerate(text) if character not in _BLANKS]
            self._start, self._end, units = _units(raw)
            self._raw_solid = [(begin, stop) for begin, stop, is_blank in units if not is_blank]

    def offset(self, offset: int) -> int:
        """Return how far into the raw form the character `offset` of the text stands."""
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
    """Return where the content begins and ends, and its characters: begin, end, whether it is a blank."""
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
