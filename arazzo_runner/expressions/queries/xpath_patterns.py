"""`matches`, `replace` and `tokenize` of XPath (Functions and Operators 3.1 §5.6) in bounded time.

elementpath runs them on the standard library's `re`. Here RE2 does, in linear time, and where a
pattern needs backtracking the `regex` module, whose time is charged to the budget. The patterns
are XML Schema's dialect, translated by elementpath.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.expressions.queries.budget import RAISED_BY, UNITS_PER_SECOND, Budget, TooMuchWork
from arazzo_runner.expressions.queries.xpath_operands import OwnFunction

MAX_RESULT = 1_000_000
MAX_PATTERN = 10_000
MAX_UNROLLED = 100_000  # atoms; both engines expand repetitions
_STATES_PER_UNIT = 500  # the least that RE2 does in a microsecond
_ESCAPE: Final = pattern(r"\\([\s\S])")
# XML Schema 2 §F.1.1: in Python "_" is a word character, and RE2's classes are ASCII.
_CLASSES: Final = {
    "d": r"\p{Nd}",
    "D": r"\P{Nd}",
    "s": r"[ \t\n\r]",
    "S": r"[^ \t\n\r]",
    "w": r"[^\p{P}\p{Z}\p{C}]",
    "W": r"[\p{P}\p{Z}\p{C}]",
}


_COUNT: Final = pattern(r"\{(\d*)(?:,(\d*))?\}")
_ENDLESS: Final = 10**12


class _Match(Protocol):
    def start(self) -> int: ...
    def end(self) -> int: ...
    def group(self, number: int = 0) -> str | None: ...


class _Pattern(Record):
    groups: int
    matches: Callable[[str, Budget], Iterator[_Match]]


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
    if len(token) == 1:
        return NotImplemented  # at white space: elementpath's own
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


PATTERN_FUNCTIONS: Final[dict[str, OwnFunction]] = {
    "matches": _matches,
    "replace": _replace,
    "tokenize": _tokenize,
}
"""The functions by name."""


def _found(pattern: _Pattern, text: str, budget: Budget) -> Iterator[_Match]:
    budget.spend(10 + len(text) // 16)
    for match in pattern.matches(text, budget):
        budget.spend()
        yield match


def _pattern(token: JsonValue, context: JsonValue, flags_at: int, *, allow_empty: bool) -> _Pattern:
    text = token.get_argument(context, 1, required=True, cls=str)
    flags = token.get_argument(context, flags_at, required=True, cls=str) if len(token) > flags_at else ""
    for flag in flags:
        if flag not in ("smixq" if token.parser.version > "2.0" else "smix"):
            raise token.error("FORX0001", f"invalid regular expression flag {flag!r}")
    try:
        pattern = _compiled(text, "".join(sorted(set(flags))), token.parser.xsd_version)
    except ValueError as problem:
        shown = text if len(text) <= 80 else f"{text[:79]}…"
        raise token.error("FORX0002", f"invalid regular expression {shown!r}: {problem}") from None
    if not allow_empty and next(pattern.matches("", Budget(1.0)), None) is not None:
        raise token.error("FORX0003", f"regular expression {text!r} matches the empty text")
    return pattern


@functools.cache
def _load_engines() -> None:
    """Import the engines, uncounted: an interrupted import leaves a partial module behind."""
    profile = sys.getprofile()
    sys.setprofile(None)
    try:
        import regex  # noqa: F401

        with contextlib.suppress(ImportError):
            import re2  # noqa: F401
    finally:
        sys.setprofile(profile)


@functools.lru_cache(maxsize=256)
def _compiled(text: str, flags: str, xsd_version: str) -> _Pattern:
    if len(text) > MAX_PATTERN:
        raise ValueError(f"it is longer than {MAX_PATTERN} characters")
    _load_engines()
    translated = _translated(text, flags, xsd_version)
    if len(translated) > 10 * MAX_UNROLLED or unrolled_size(translated) > MAX_UNROLLED:
        raise ValueError("its repetitions are too large")
    linear = None if "x" in flags or "m" in flags else _linear(translated, flags)
    return linear or _backtracking(translated, flags)


def _translated(text: str, flags: str, xsd_version: str) -> str:
    import re

    import regex
    from elementpath.regex import RegexError, translate_pattern

    if "q" in flags:
        return str(regex.escape(text))
    ours = 0
    for flag in flags:
        ours |= re.RegexFlag[flag.upper()]
    try:
        python = translate_pattern(text, ours, xsd_version)
    except (RegexError, LookupError) as problem:
        raise ValueError(str(problem)) from None
    return _ESCAPE.sub(lambda escape: _CLASSES.get(escape[1], escape[0]), python)


def _linear(translated: str, flags: str) -> _Pattern | None:
    """Return a pattern on RE2; None if RE2 is not installed or refuses it (it has no back references)."""
    try:
        import re2
    except ImportError:
        return None
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = "i" not in flags
    options.dot_nl = "s" in flags
    try:
        compiled = re2.compile(translated.replace(r"$(?!\n\Z)", r"\z"), options)
    except (re2.error, UnicodeEncodeError):
        return None

    def matches(text: str, budget: Budget) -> Iterator[_Match]:
        budget.spend(len(text) * compiled.programsize // _STATES_PER_UNIT)
        found: Iterator[_Match] = compiled.finditer(text)
        return found

    return _Pattern(compiled.groups, matches)


def _backtracking(translated: str, flags: str) -> _Pattern:
    import regex

    theirs = regex.VERSION0
    for flag in flags.replace("q", ""):
        theirs |= regex.RegexFlag[flag.upper()]
    try:
        compiled = regex.compile(translated, theirs)
    except (regex.error, OverflowError, RecursionError) as problem:
        raise ValueError(str(problem)) from None

    def matches(text: str, budget: Budget) -> Iterator[_Match]:
        found = compiled.finditer(text, timeout=min(budget.seconds, budget.remaining / UNITS_PER_SECOND))
        while True:
            started = time.thread_time()
            try:
                match = next(found, None)
            except TimeoutError:
                raise TooMuchWork(f"a pattern takes too long on this text ({RAISED_BY})") from None
            budget.spend(int((time.thread_time() - started) * UNITS_PER_SECOND))
            if match is None:
                return
            yield match

    return _Pattern(compiled.groups, matches)


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


def unrolled_size(pattern: str) -> int:
    """Return about the number of atoms in a pattern with counted repetitions expanded, at most 10^12."""
    sizes = [0]
    last = at = 0
    while at < len(pattern):
        character = pattern[at]
        count = _COUNT.match(pattern, at) if character == "{" else None
        if count is not None:
            times = max(int(text[:12]) for text in (count[1] or "0", count[2] or "0"))
            sizes[-1] = min(_ENDLESS, sizes[-1] + last * max(0, times - 1))
            last = min(_ENDLESS, last * max(1, times))
            at = count.end()
            continue
        if character == "(":
            sizes.append(0)
        elif character == ")" and len(sizes) > 1:
            last = max(1, sizes.pop())
            sizes[-1] = min(_ENDLESS, sizes[-1] + last)
        elif character not in "*+?|^$":
            last = 1
            sizes[-1] += 1
            at = _end_of_class(pattern, at) if character == "[" else at + (character == "\\")
        at += 1
    return min(_ENDLESS, sum(sizes))


def _end_of_class(pattern: str, at: int) -> int:
    """Return the index of the `]` that closes a class, the pattern's length if none does."""
    at += 1
    while at < len(pattern) and pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at
