"""Find secrets in texts: literal, escaped, encoded (base64, hex), or cut short."""

from __future__ import annotations

import binascii
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.secrets.search import HEAD, Hit, SecretIndex
from arazzo_runner.base.secrets.views import SIGNS, Traits, View, unescaped, without_nuls

# ---- Views of a text with base64 and hex decoded.
#
# The encoded text can begin anywhere in a run of such characters, after words or within something
# longer. So base64 is decoded from each of four neighbouring characters, hex from two, of all runs
# together.

_DEPTH = 2  # base64 or hex within base64 or hex
_LETTER: Final = "[A-Za-z0-9+/_-]"
# Eight bytes are eleven characters. Broken lines are one run: all but the last have sixteen or more.
_RUN = pattern(rf"(?:{_LETTER}{{16,}}+\s{{1,4}})*{_LETTER}{{11,}}+(?:(?<={_LETTER}{{16}})\s{{1,4}}{_LETTER}{{1,15}}+)?")
_PIECE = pattern(r"\S+")
_HEX = pattern(r"[0-9a-fA-F]{16,}")
_DECODABLE = pattern(rf"[{SIGNS}]|[^\x00-\x7f]|{_LETTER}{{11}}")
_STANDARD = str.maketrans("-_", "+/")
# Separates runs; it decodes to NUL from any start, so that two decoded runs are not read as one.
_NULS = {6: "A" * 8, 4: "0" * 4}
_NULS_OF_UTF_16 = "\0" * (HEAD - 1)  # every other byte; longer than the separator
_ELLIPSIS = "…"
_ASCII = b"\t\n\r" + bytes(range(0x20, 0x7F))
_LIKE_ASCII = bytes(byte in _ASCII for byte in range(256))
_LIKE_TEXT = bytes(byte in _ASCII or byte >= 0x80 for byte in range(256))
_ENOUGH = b"\1" * HEAD


def may_be_decoded(text: str) -> bool:
    """Return False only if a text has no escapes, base64 or hex, so that it is its only view."""
    return _DECODABLE.search(text) is not None


class Views:
    """The views of a text: escapes undone, base64 and hex decoded, also within each other.

    `hidden` are the spans, in order, that will be masked anyway: nothing within them is decoded.
    """

    def __init__(self, hidden: Sequence[tuple[int, int]], traits: Traits) -> None:
        self._hidden = hidden
        self._traits = traits

    def of(self, view: View, depth: int = _DEPTH) -> Iterator[View]:
        """Yield a view and those derived from it."""
        known = _Known(self._hidden)
        for each in unescaped(view, self._traits):
            yield each
            for decoded in _decoded(known.without(list(_runs(each))) if depth else []):
                yield decoded
                yield from self._read(decoded, depth)
                if any(_NULS_OF_UTF_16 in decoded.text[parity::2] for parity in (0, 1)):
                    narrow = without_nuls(decoded)
                    yield narrow
                    yield from self._read(narrow, depth)

    def _read(self, decoded: View, depth: int) -> Iterator[View]:
        text = _Readable(decoded, _LIKE_TEXT if self._traits.non_ascii else _LIKE_ASCII)
        if text.text:
            yield from self.of(text, depth - 1)


class _Known:
    """The runs of earlier views and the hidden spans, which are not decoded again."""

    def __init__(self, hidden: Sequence[tuple[int, int]]) -> None:
        self._hidden = hidden
        self._earlier: list[_Run] = []
        self._keys: set[tuple[int, int, str]] = set()

    def without(self, runs: list[_Run]) -> list[_Run]:
        """Return the runs that are new and not hidden."""
        if self._earlier or self._hidden:  # most texts have only one view
            self._keys.update(run.key() for run in self._earlier)
            runs = [run for run in runs if self._is_new(run.key())]
        self._earlier = runs
        return runs

    def _is_new(self, key: tuple[int, int, str]) -> bool:
        index = bisect_right(self._hidden, (key[0], math.inf)) - 1
        return key not in self._keys and (index < 0 or key[1] > self._hidden[index][1])


class _Run(NamedTuple):
    """Base64 characters of a view; `text` is without line breaks."""

    view: View
    start: int
    end: int
    text: str

    def key(self) -> tuple[int, int, str]:
        """Return the span of the run in the first view, and its text."""
        return (*self.view.span(self.start, self.end), self.text)

    def pieces(self) -> tuple[list[int], list[int]]:
        """Return the starts of the pieces between line breaks, in `text` and in the view."""
        if len(self.text) == self.end - self.start:
            return [0], [self.start]
        found = list(_PIECE.finditer(self.view.text, self.start, self.end))
        sizes = accumulate((match.end() - match.start() for match in found[:-1]), initial=0)
        return list(sizes), [match.start() for match in found]


def _runs(view: View) -> Iterator[_Run]:
    for match in _RUN.finditer(view.text):
        text = match[0]
        yield _Run(view, *match.span(), text if text.isalnum() else "".join(text.split()))


class _Joined:
    """Runs joined to one text with separators that decode to NUL."""

    def __init__(self, runs: Sequence[_Run]) -> None:
        self._runs = runs
        self._places = [0, *accumulate(len(run.text) + len(_NULS[6]) for run in runs)]
        self.text = "".join(run.text + _NULS[6] for run in runs)
        self._pieces: dict[int, tuple[list[int], list[int]]] = {}  # of runs with a hit

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the origin of a span of the text, cut to a single run."""
        index = bisect_right(self._places, start) - 1
        run, shift = self._runs[index], self._places[index]
        last = min(end - shift, len(run.text)) - 1
        first = min(start - shift, last)
        if index not in self._pieces:
            self._pieces[index] = run.pieces()
        starts, places = self._pieces[index]
        at_first, at_last = (bisect_right(starts, place) - 1 for place in (first, last))
        return run.view.span(places[at_first] + first - starts[at_first], places[at_last] + last - starts[at_last] + 1)


class _Decoded(View):
    """Decoded bytes, each as a character.

    `bits` is the number of bits per encoded character; `pieces` maps positions of encoded characters
    to positions in the joined runs.
    """

    def __init__(self, text: str, joined: _Joined, bits: int, pieces: Sequence[tuple[int, int]]) -> None:
        super().__init__(text)
        self._joined = joined
        self._bits = bits
        self._pieces = pieces

    def span(self, start: int, end: int) -> tuple[int, int]:
        first, last = 8 * start // self._bits, -(-8 * end // self._bits)
        at, place = self._pieces[bisect_right(self._pieces, (first, math.inf)) - 1]
        return self._joined.span(place + first - at, place + last - at)


def _decoded(runs: Sequence[_Run]) -> Iterator[_Decoded]:
    """Yield the decoded bytes of runs; runs cut short by a preview again, with their ellipsis."""
    if not runs:
        return
    yield from _bytes(_Joined(runs))
    for run in runs:
        if run.view.text.startswith(_ELLIPSIS, run.end):
            yield from _bytes(_Joined([run]), is_cut=True)


def _bytes(joined: _Joined, *, is_cut: bool = False) -> Iterator[_Decoded]:
    yield from _each_start(joined, 6, joined.text.translate(_STANDARD), [(0, 0)], is_cut)
    parts, pieces, at = [], [], 0
    for match in _HEX.finditer(joined.text):
        pieces.append((at, match.start()))
        parts.append(match[0] + _NULS[4])
        at += len(parts[-1])
    if parts:
        yield from _each_start(joined, 4, "".join(parts), pieces, is_cut)


def _each_start(
    joined: _Joined, bits: int, text: str, pieces: Sequence[tuple[int, int]], is_cut: bool
) -> Iterator[_Decoded]:
    """Yield the decoded bytes of an encoded text for each possible start."""
    group = 4 if bits == 6 else 2
    for start in range(group):
        part = text[start : start + (len(text) - start) // group * group]
        data = binascii.a2b_base64(part) if bits == 6 else binascii.a2b_hex(part)
        decoded = data.decode("latin-1")
        if is_cut:  # whole bytes only, without the separator
            decoded = decoded[: (len(text) - start - len(_NULS[bits])) * bits // 8] + _ELLIPSIS
        yield _Decoded(decoded, joined, bits, [(at - start, place) for at, place in pieces])


class _Readable(View):
    """The parts of decoded bytes that may be text, of HEAD characters or more, in which escapes are sought.

    Of bytes decoded from a wrong start, or of an image, nearly nothing is left.
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
            parts.append(parent.text[start:end] + "\0\0")
            start = marks.find(_ENOUGH, end)
        self._places = [0, *accumulate(map(len, parts))]
        super().__init__("".join(parts))

    def span(self, start: int, end: int) -> tuple[int, int]:
        index = bisect_right(self._places, start) - 1
        shift = self._starts[index] - self._places[index]
        return self._parent.span(start + shift, end + shift)


# ---- Find secrets in texts: literal, escaped, encoded, or cut short.

# A secret that ends with the start of an escape hides the next one until it is replaced.
_ROUNDS = 4


class Finder:
    """Finds secrets in texts; secrets can be added at any time."""

    def __init__(self) -> None:
        self._index = SecretIndex()
        self._traits = Traits()

    def add(self, secret: str) -> None:
        """Add a secret."""
        self._index.add(secret)
        self._traits = Traits(self._traits.non_ascii or not secret.isascii(), self._traits.blanks or " " in secret)

    def replaced(self, text: str, replacement: Callable[[Hit], str]) -> str:
        """Return a text with every secret replaced by `replacement(hit)`."""
        for _ in range(_ROUNDS):
            found = self._found(text)
            if not found:
                break
            parts, place = [], 0
            for hit in found:
                parts += [text[place : hit.start], replacement(hit)]
                place = hit.end
            text = "".join([*parts, text[place:]])
        return text

    def _found(self, text: str) -> list[Hit]:
        """Return the hits in a text in order; overlapping ones are merged into one of the longest secret."""
        view = View(text)
        plain = _joined(self._hits(view))
        is_hidden = bool(plain) and plain[0].start == 0 and plain[0].end == len(text)
        if is_hidden or not may_be_decoded(text):
            return plain
        views = Views([(hit.start, hit.end) for hit in plain], self._traits)
        more = [hit for each in views.of(view) if each is not view for hit in self._hits(each)]
        return _joined([*plain, *more]) if more else plain

    def _hits(self, view: View) -> Iterator[Hit]:
        for start, end, secret in self._index.hits(view.text):
            yield Hit(*view.span(start, end), secret)


def _joined(hits: Iterable[Hit]) -> list[Hit]:
    found: list[Hit] = []
    for hit in sorted(hits):
        if not found or hit.start >= found[-1].end:
            found.append(hit)
            continue
        last = found[-1]
        longer = hit if hit.end - hit.start > last.end - last.start else last
        found[-1] = Hit(last.start, max(last.end, hit.end), longer.secret)
    return found
