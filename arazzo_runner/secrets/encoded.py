"""Base64 and hex within a text, decoded: all of it together, for each position that its first character may have.

Nobody knows where in a run of such characters the encoded text begins: words stand before it, or it
is a part of something longer. Base64 of a text is found at one of four positions, hex at one of two.
"""

from __future__ import annotations

import binascii
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from arazzo_runner.patterns import pattern
from arazzo_runner.secrets.search import HEAD
from arazzo_runner.secrets.views import View, unescaped

_DEPTH = 2  # base64 or hex within base64 or hex
_LETTER: Final = "[A-Za-z0-9+/_-]"
# Eight bytes are eleven characters. Broken lines are one run: all but the last have sixteen or more.
_RUN = pattern(
    rf"(?:{_LETTER}{{16,}}+\s{{1,4}})*{_LETTER}{{11,}}+(?:(?<={_LETTER}{{16}})\s{{1,4}}{_LETTER}{{1,15}}+)?"
)
_PIECE = pattern(r"\S+")
_HEX = pattern(r"[0-9a-fA-F]{16,}")
_STANDARD = str.maketrans("-_", "+/")
_ELLIPSIS = "…"
_ASCII = b"\t\n\r" + bytes(range(0x20, 0x7F))
_LIKE_ASCII = bytes(byte in _ASCII for byte in range(256))
_LIKE_TEXT = bytes(byte in _ASCII or byte >= 0x80 for byte in range(256))
_ENOUGH = b"\1" * HEAD


class Views:
    """The views of a text: escapes undone, base64 and hex decoded, also within each other.

    `hidden` are the parts, in order, that nobody will see: what is encoded within one of them is not
    decoded. `non_ascii` says that secrets have characters for which encodings differ.
    """

    def __init__(self, hidden: Sequence[tuple[int, int]], *, non_ascii: bool) -> None:
        self._hidden = hidden
        self._non_ascii = non_ascii

    def of(self, view: View, depth: int = _DEPTH) -> Iterator[View]:
        """Yield a view and those derived from it."""
        known: set[tuple[int, int, str]] = set()
        for each in unescaped(view, non_ascii=self._non_ascii):
            yield each
            runs = [run for run in _runs(each) if self._is_new(run, known)] if depth else []
            for decoded in _decoded(runs):
                yield decoded
                text = _Readable(decoded, _LIKE_TEXT if self._non_ascii else _LIKE_ASCII)
                if text.text:
                    yield from self.of(text, depth - 1)

    def _is_new(self, run: _Run, known: set[tuple[int, int, str]]) -> bool:
        """Return whether a run was not decoded before, in another view, and will be seen."""
        start, end, _ = run.key
        index = bisect_right(self._hidden, (start, math.inf)) - 1
        if run.key in known or (index >= 0 and end <= self._hidden[index][1]):
            return False
        known.add(run.key)
        return True


class _Run:
    """A run of base64 characters in a view, line breaks left out; `is_cut` says that an ellipsis follows it."""

    def __init__(self, view: View, start: int, end: int) -> None:
        self._view = view
        self._pieces = [(match.start(), match[0]) for match in _PIECE.finditer(view.text[start:end])]
        self._start = start
        self._places = [0, *accumulate(len(text) for _, text in self._pieces)]
        self.text = "".join(text for _, text in self._pieces)
        self.is_cut = view.text.startswith(_ELLIPSIS, end)
        self.key = (*view.span(start, end), self.text)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where characters of the run come from."""
        return self._view.span(self._place(start), self._place(end - 1) + 1)

    def _place(self, index: int) -> int:
        piece = min(bisect_right(self._places, index), len(self._pieces)) - 1
        return self._start + self._pieces[piece][0] + index - self._places[piece]


def _runs(view: View) -> Iterator[_Run]:
    for match in _RUN.finditer(view.text):
        yield _Run(view, *match.span())


class _Part(NamedTuple):
    """A part of a run, from `start` on, whose first character is taken for the first of an encoded text.

    Its text ends with an encoded NUL: what was decoded of two parts is never read as one.
    """

    run: _Run
    start: int
    text: str


class _Decoded(View):
    """Parts of runs as the bytes they stand for, one after the other, each byte a character; `bits` of a character."""

    def __init__(self, text: str, parts: Sequence[_Part], bits: int) -> None:
        super().__init__(text)
        self._parts = parts
        self._bits = bits
        self._places = [0, *accumulate(len(part.text) for part in parts)]

    def span(self, start: int, end: int) -> tuple[int, int]:
        first, last = 8 * start // self._bits, -(-8 * end // self._bits)
        index = bisect_right(self._places, first) - 1
        part = self._parts[index]
        begin = part.start + first - self._places[index]
        return part.run.span(begin, max(begin + 1, min(part.start + last - self._places[index], len(part.run.text))))


def _decoded(runs: Sequence[_Run]) -> Iterator[_Decoded]:
    """Yield base64 and hex of runs as bytes; where a preview has cut a run short, once more with its ellipsis."""
    for bits, parts_of in ((6, _base64_parts), (4, _hex_parts)):
        parts = [part for run in runs for part in parts_of(run)]
        if parts:
            yield _Decoded(_bytes(parts, bits), parts, bits)
        for part in parts:
            if part.run.is_cut:
                whole = (len(part.run.text) - part.start) * bits // 8  # what is padded is no character
                yield _Decoded(_bytes([part], bits)[:whole] + _ELLIPSIS, [part], bits)


def _bytes(parts: Sequence[_Part], bits: int) -> str:
    text = "".join(part.text for part in parts)
    data = binascii.a2b_base64(text.translate(_STANDARD)) if bits == 6 else bytes.fromhex(text)
    return data.decode("latin-1")


class _Readable(View):
    """The parts of decoded bytes that may be text, at least HEAD characters each: escapes are looked for in them only.

    Nearly nothing is left of text that was decoded from a position at which it does not begin, or of an image.
    """

    def __init__(self, parent: View, classes: bytes) -> None:
        marks = parent.text.encode("latin-1", "replace").translate(classes)
        self._parent = parent
        self._starts: list[int] = []
        parts = []
        start = marks.find(_ENOUGH)
        while start >= 0:
            end = marks.find(b"\0", start)
            end = len(marks) if end < 0 else end
            self._starts.append(start)
            parts.append(parent.text[start:end] + "\n")
            start = marks.find(_ENOUGH, end)
        self._places = [0, *accumulate(map(len, parts))]
        super().__init__("".join(parts))

    def span(self, start: int, end: int) -> tuple[int, int]:
        index = bisect_right(self._places, start) - 1
        shift = self._starts[index] - self._places[index]
        return self._parent.span(start + shift, end + shift)


def _base64_parts(run: _Run) -> Iterator[_Part]:
    for start in range(4):
        text = run.text[start:]
        yield _Part(run, start, text + "A" * (-len(text) % 4) + "AAAA")


def _hex_parts(run: _Run) -> Iterator[_Part]:
    for match in _HEX.finditer(run.text):
        for start in range(2):
            text = match[0][start:]
            yield _Part(run, match.start() + start, text[: len(text) // 2 * 2] + "00")
