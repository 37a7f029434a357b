"""Texts that match the `pattern` of a schema: the shortest that a reading of the pattern from left to right gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from arazzo_runner.sources.schema.mismatch import pattern_found

_LONGEST: Final = 500
_DEEPEST: Final = 20
_MOST_REPEATS: Final = 200
_PREFERRED: Final = "aA1bB2cC0xX" + "".join(map(chr, range(32, 127))) + "é\t\n"
_COUNT: Final = re.compile(r"\{(\d{1,4})(?:,(\d{0,4}))?\}")
_GROUP: Final = re.compile(r"\?(?::|P?<[A-Za-z_]\w*>|[=!]|<[=!])")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_PROPERTY: Final = re.compile(r"\\p\{[^}]*\}")


def matching(pattern: str, least: int = 0, most: int | None = None) -> str | None:
    """Return a text that a pattern matches and whose length is within limits; None when none is found.

    >>> matching("^[A-Z]{3}$"), matching("^https://.*"), matching("^(0|[1-9][0-9]*)$", least=3)
    ('AAA', 'https://', '111')
    """
    if len(pattern) > _LONGEST:
        return None
    for choice in (0, 1):
        for more in (0, 1, 2, 4, 8, 16, 32, 64):
            try:
                made = _Making(pattern, more, choice).text()
            except _Unreadable:
                return None
            if len(made) >= least and (most is None or len(made) <= most) and pattern_found(pattern, made):
                return made
    return None


class _Unreadable(Exception):
    """The pattern has something that is not read here."""


class _Making:
    """Reads a pattern once; what may be repeated without limit is, `more` times more than it must be.

    `choice` is the number of the alternative that is taken, as far as there are as many.
    """

    def __init__(self, pattern: str, more: int, choice: int) -> None:
        self._pattern = pattern
        self._more = more
        self._choice = choice
        self._at = 0

    def text(self) -> str:
        made = self._alternatives(0)
        if self._at < len(self._pattern):
            raise _Unreadable
        return made

    def _alternatives(self, depth: int) -> str:
        if depth > _DEEPEST:
            raise _Unreadable
        found = ["".join(self._sequence(depth))]
        while self._peek() == "|":
            self._at += 1
            found.append("".join(self._sequence(depth)))
        return found[min(self._choice, len(found) - 1)]

    def _sequence(self, depth: int) -> Iterator[str]:
        while self._at < len(self._pattern) and self._peek() not in "|)":
            atom = self._atom(depth)
            yield atom * self._repeats()

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _atom(self, depth: int) -> str:
        char = self._peek()
        if char == "(":
            return self._group(depth)
        if char == "[":
            return self._one_of(_CLASS)
        if char == "\\":
            return self._escaped()
        self._at += 1
        if char in "*+?":
            raise _Unreadable
        return "" if char in "^$" else "a" if char == "." else char

    def _group(self, depth: int) -> str:
        self._at += 1
        kind = _GROUP.match(self._pattern, self._at)
        if kind is None and self._peek() == "?":
            raise _Unreadable
        self._at = self._at if kind is None else kind.end()
        made = self._alternatives(depth + 1)
        if self._peek() != ")":
            raise _Unreadable
        self._at += 1
        return "" if kind is not None and kind[0][-1] in "=!" else made

    def _one_of(self, form: re.Pattern[str]) -> str:
        found = form.match(self._pattern, self._at)
        if found is None:
            raise _Unreadable
        self._at = found.end()
        return _first_of(_PROPERTY.sub("a-zA-Z", found[0]))

    def _escaped(self) -> str:
        known = _PROPERTY.match(self._pattern, self._at)
        if known is not None:
            self._at = known.end()
            return "a"
        pair = self._pattern[self._at : self._at + 2]
        self._at += 2
        if pair in (r"\b", r"\B", r"\A", r"\Z", r"\z"):
            return ""
        if len(pair) < 2 or pair[1] in "0123456789ux":
            raise _Unreadable
        return _first_of(pair) if pair[1] in "dDwWsStnrfv" else pair[1]

    def _repeats(self) -> int:
        char = self._peek()
        count = _COUNT.match(self._pattern, self._at)
        if count is not None:
            self._at = count.end()
            least = int(count[1])
            most = least if count[2] is None else int(count[2] or _MOST_REPEATS)
        elif char and char in "*+?":
            self._at += 1
            least, most = (1 if char == "+" else 0), (1 if char == "?" else _MOST_REPEATS)
        else:
            return 1
        if self._peek() and self._peek() in "?+":
            self._at += 1
        return min(least + self._more, max(most, least), _MOST_REPEATS)


def _first_of(form: str) -> str:
    """Return the first usual character that a class of characters has."""
    found = next((char for char in _PREFERRED if pattern_found(form, char)), None)
    if found is None:
        raise _Unreadable
    return found
