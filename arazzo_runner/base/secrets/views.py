"""Views of a text: the text with escapes of JSON, URLs and HTML undone.

An escaped secret occurs literally in one of the views. Each view maps positions back to the text, so
that what is found in a view can be masked in the text.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from arazzo_runner.base.patterns import pattern

_PASSES = 4  # escapes of all kinds at once, within each other

_JSON: Final = r'\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|["\\/bfnrt])'
_OF_PROGRAMS: Final = r"\\(?:U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|['e0])"
_TAIL: Final = "%[89abAB][0-9a-fA-F]"
_PERCENT: Final = (
    rf"%[cCdD][0-9a-fA-F]{_TAIL}|%[eE][0-9a-fA-F](?:{_TAIL}){{2}}|%[fF][0-7](?:{_TAIL}){{3}}|%[0-9a-fA-F]{{2}}"
)
_HTML: Final = r"&(?:#0{0,60}[0-9]{1,7};?|#[xX]0{0,60}[0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};?)"
_UTF8: Final = r"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "e": "\x1b", "0": "\0"}


@lru_cache(maxsize=4096)
def _decoded(escape: str) -> str:
    """Return the text of an escape of any kind."""
    if escape[0] == "\\":
        return _from_json(escape)
    if escape[0] == "%":
        return _from_bytes(bytes.fromhex(escape.replace("%", "")))
    if escape in "+\0":
        return " " if escape == "+" else ""
    if escape[0] == "&":
        from html import unescape  # lazily: its table of names is large

        return unescape(escape)
    return _from_bytes(escape.encode("latin-1"))


def _from_json(escape: str) -> str:
    kind = escape[1]
    if kind not in "uUx":
        return _SHORT.get(kind, kind)
    if len(escape) == 12:
        units = bytes.fromhex(escape[2:6] + escape[8:])
        return units.decode("utf-16-be")
    code = int(escape[2:], 16)
    return chr(code) if code <= 0x10FFFF else escape


def _from_bytes(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


_KINDS = (
    ("\\", pattern(_JSON)),
    ("%", pattern(_PERCENT)),
    ("+", pattern(rf"\+|{_PERCENT}")),  # in forms, a blank is a plus
    ("&", pattern(_HTML)),
    ("\0", pattern("\0")),  # UTF-16 that was read as another charset
)
SIGNS: Final = re.escape("".join(sign for sign, _ in _KINDS))  # every escape contains one of them
_ALL = pattern("|".join((_JSON, _OF_PROGRAMS, _PERCENT, _HTML)))
_NUL = pattern(r"(?<!\0)\0(?!\0)")
_BYTES = pattern(_UTF8)
_LINES = pattern(r"(?:(?<=[A-Za-z0-9+/_-]{16})|(?<=%0[aAdD]))\+")  # lines of base64 in a form


# ------------------------------------------------------------------ views


class View:
    """A text; `span` of a derived view returns the origin of its characters in the first view."""

    def __init__(self, text: str) -> None:
        self.text = text

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the first view that a span of this view comes from."""
        return start, end


class _Unescaped(View):
    """A view in which the escapes of a pattern are undone."""

    def __init__(self, parent: View, escapes: re.Pattern[str]) -> None:
        super().__init__(escapes.sub(lambda match: _decoded(match[0]), parent.text))
        self._parent = parent
        self._escapes = escapes
        self._edges: tuple[array[int], array[int], array[int], array[int]] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        starts, ends, from_starts, from_ends = self._edges or self._placed()
        first, last = bisect_right(starts, start) - 1, bisect_left(starts, end) - 1
        if first >= 0:
            start = from_starts[first] if start < ends[first] else from_ends[first] + start - ends[first]
        if last >= 0:
            end = from_ends[last] + max(0, end - ends[last])
        return self._parent.span(start, end)

    def _placed(self) -> tuple[array[int], array[int], array[int], array[int]]:
        # Computed only for views with a hit.
        starts, ends, from_starts, from_ends = (array("q") for _ in range(4))
        shift = 0
        for match in self._escapes.finditer(self._parent.text):
            start, end = match.span()
            starts.append(start - shift)
            from_starts.append(start)
            shift += end - start - len(_decoded(match[0]))
            ends.append(end - shift)
            from_ends.append(end)
        self._edges = (starts, ends, from_starts, from_ends)
        return self._edges


class Traits(NamedTuple):
    """Whether there are secrets with characters whose encodings differ, and with blanks, which are a plus in forms."""

    non_ascii: bool = False
    blanks: bool = False


def unescaped(root: View, traits: Traits) -> Iterator[View]:
    """Yield a view and those with escapes undone: kind after kind in any order, then all kinds at once."""
    yield root
    known = {root.text}
    first = [each for each in _children(root, traits) if _is_new(each, known)]
    yield from first
    second = [each for view in first for each in _children(view, traits) if _is_new(each, known)]
    yield from second
    if len(first) < 2 and not second and "\\" not in root.text:
        return
    view = root
    for _ in range(_PASSES):
        before, view = view.text, _Unescaped(view, _ALL)
        if view.text == before:
            return
        if _is_new(view, known):
            yield view


def without_nuls(view: View) -> View:
    """Return a view without single NULs: letters of UTF-16, most of which are a byte and a NUL."""
    return _Unescaped(view, _NUL)


def _children(view: View, traits: Traits) -> Iterator[View]:
    for sign, escapes in _KINDS:
        if sign in view.text and (sign != "+" or traits.blanks or _LINES.search(view.text)):
            yield _Unescaped(view, escapes)
    if traits.non_ascii and not view.text.isascii():
        yield _Unescaped(view, _BYTES)


def _is_new(view: View, known: set[str]) -> bool:
    new = view.text not in known
    known.add(view.text)
    return new
