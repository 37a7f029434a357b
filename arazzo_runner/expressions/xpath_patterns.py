"""`matches`, `replace` and `tokenize` of XPath (Functions and Operators 3.1 §5.6), which cannot run away.

elementpath runs them on the standard library's `re`; here the `regex` module does, under a
time limit. The patterns are XML Schema's dialect, translated by elementpath.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Final, Protocol, TypeAlias

from arazzo_runner.expressions.budget import Budget, TooMuchWork
from arazzo_runner.values import JsonValue

MAX_RESULT = 1_000_000


class _Match(Protocol):
    def start(self) -> int: ...
    def end(self) -> int: ...
    def group(self, number: int = 0) -> str | None: ...


class _Pattern(Protocol):
    groups: int

    def finditer(self, text: str, *, timeout: float) -> Iterator[_Match]: ...


def _matches(token: JsonValue, context: JsonValue, budget: Budget) -> JsonValue:
    text = token.get_argument(context, default="", cls=str)
    pattern = _pattern(token, context, 2, allow_empty=True)
    return next(_found(pattern, text, budget), None) is not None


def _replace(token: JsonValue, context: JsonValue, budget: Budget) -> JsonValue:
    text = token.get_argument(context, default="", cls=str)
    replacement = token.get_argument(context, 2, required=True, cls=str)
    pattern = _pattern(token, context, 3, allow_empty=False)
    literal = len(token) > 3 and "q" in token.get_argument(context, 3, required=True, cls=str)
    parts: tuple[str | int, ...] = (replacement,) if literal else _replacement(token, replacement, pattern.groups)
    written: list[str] = []
    size, place = len(text), 0
    for match in _found(pattern, text, budget):
        put = "".join(part if isinstance(part, str) else match.group(part) or "" for part in parts)
        size += len(put)
        if size > MAX_RESULT + len(text):
            raise TooMuchWork("the replaced text is too long")
        written += (text[place : match.start()], put)
        place = match.end()
    return "".join(written) + text[place:]


def _tokenize(token: JsonValue, context: JsonValue, budget: Budget) -> JsonValue:
    text = token.get_argument(context, cls=str)
    if not text:
        return []
    pattern = _pattern(token, context, 2, allow_empty=False)
    parts: list[str] = []
    place = 0
    for match in _found(pattern, text, budget):
        parts.append(text[place : match.start()])
        place = match.end()
    return [*parts, text[place:]]


OwnFunction: TypeAlias = Callable[[JsonValue, JsonValue, Budget], JsonValue]
"""(token, dynamic context, budget) → result; evaluated in place of elementpath's own."""

PATTERN_FUNCTIONS: Final[dict[str, OwnFunction]] = {
    "matches": _matches,
    "replace": _replace,
    "tokenize": _tokenize,
}
"""The functions by name."""


def _found(pattern: _Pattern, text: str, budget: Budget) -> Iterator[_Match]:
    budget.spend(10 + len(text) // 16)
    try:
        for match in pattern.finditer(text, timeout=budget.seconds):
            budget.spend()
            yield match
    except TimeoutError:
        raise TooMuchWork("a pattern takes too long on this text") from None


def _pattern(token: JsonValue, context: JsonValue, flags_at: int, *, allow_empty: bool) -> _Pattern:
    text = token.get_argument(context, 1, required=True, cls=str)
    flags = token.get_argument(context, flags_at, required=True, cls=str) if len(token) > flags_at else ""
    for flag in flags:
        if flag not in ("smixq" if token.parser.version > "2.0" else "smix"):
            raise token.error("FORX0001", f"invalid regular expression flag {flag!r}")
    try:
        pattern = _compiled(text, "".join(sorted(set(flags))), token.parser.xsd_version)
    except ValueError as problem:
        raise token.error("FORX0002", f"invalid regular expression {text!r}: {problem}") from None
    if not allow_empty and next(pattern.finditer("", timeout=1.0), None) is not None:
        raise token.error("FORX0003", f"regular expression {text!r} matches the empty text")
    return pattern


@functools.lru_cache(maxsize=256)
def _compiled(text: str, flags: str, xsd_version: str) -> _Pattern:
    import re

    import regex
    from elementpath.regex import RegexError, translate_pattern

    ours, theirs = 0, regex.VERSION0
    for flag in flags.replace("q", ""):
        ours |= re.RegexFlag[flag.upper()]
        theirs |= regex.RegexFlag[flag.upper()]
    try:
        translated = regex.escape(text) if "q" in flags else translate_pattern(text, ours, xsd_version)
        pattern: _Pattern = regex.compile(translated, theirs)
    except (RegexError, regex.error, OverflowError, RecursionError) as problem:
        raise ValueError(str(problem)) from None
    return pattern


def _replacement(token: JsonValue, text: str, groups: int) -> tuple[str | int, ...]:
    """Split a replacement into texts and group numbers (`$0`-`$9…`, `\\$`, `\\\\`)."""
    parts: list[str | int] = []
    place = 0
    while place < len(text):
        character, after = text[place], text[place + 1 : place + 2]
        place += 1
        if character not in "\\$":
            parts.append(character)
            continue
        if (character == "\\" and after not in ("\\", "$")) or (
            character == "$" and not (after.isascii() and after.isdigit())
        ):
            raise token.error("FORX0004", f"invalid replacement {text!r}")
        place += 1
        if character == "\\":
            parts.append(after)
            continue
        number = int(after)
        # "$12" is group 12 if there is one, else group 1 and a 2 (F&O 3.1 §5.6.4).
        while text[place : place + 1].isascii() and text[place : place + 1].isdigit():
            longer = number * 10 + int(text[place])
            if longer > groups:
                break
            number, place = longer, place + 1
        parts.append(number if number <= groups else "")
    return tuple(parts)
