"""Regular expressions of documents: ECMA-262's dialect on engines that a hostile pattern cannot hold up.

RE2 (linear time) runs whatever it can, but for mere words, which need no engine. Only patterns
that need backtracking (lookaround, backreferences, repeats above RE2's limit) go to the `regex`
module, under a time limit: the one place of the language where the limit is a clock's. The
standard library's `re` never sees a document's pattern.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeAlias

from arazzo_runner.expressions.budget import TooMuchWork
from arazzo_runner.expressions.ecma import translate
from arazzo_runner.expressions.nodes import ExpressionSyntaxError, Slip
from arazzo_runner.expressions.regex_size import unrolled_size
from arazzo_runner.patterns import pattern
from arazzo_runner.records import field, record

Search: TypeAlias = Callable[[str, float], str | None]

# What most documents write, and both engines take: characters, classes and repetitions, perhaps in one group.
_CLASS = r"\[\^?(?:(?:A-Z|a-z|0-9)-?|[A-Za-z0-9_.@ ])+-?\]"
_ATOM = rf"""(?:[A-Za-z0-9 _,:;@#%&=!~"'<>/-]|\\[.dwsDWS/-]|\.|{_CLASS})"""
_PLAIN = pattern(rf"(\()?(?:{_ATOM}[*+?]?|[\^$])*(?(1)\))")
_LONGEST_PLAIN = 200
MAX_UNROLLED = 100_000  # atoms; the backtracking engine writes repetitions out
_LITERAL_FLAGS = "imsuygdv"


@record(frozen=True, slots=True)
class Regex:
    """A compiled pattern; `slips` tell what was tolerated in it."""

    search: Search = field(repr=False, compare=False)
    """`search(text, seconds)`: the first match, None when there is none; raises TooMuchWork."""
    slips: tuple[Slip, ...] = ()


def compile_regex(text: str) -> Regex:
    """Compile an ECMA-262 pattern; it is searched for, not anchored (semantics §4).

    Raises ExpressionSyntaxError for a pattern that no engine takes.
    """
    bare, flags, slips = _without_delimiters(text)
    word = bare.removeprefix("^").removesuffix("$")
    if word.isascii() and word.isalnum() and not flags:
        return Regex(_literal(word, starts=bare[0] == "^", ends=bare[-1] == "$"), slips)
    translated = translate(bare)
    prefix = f"(?{flags})" if flags else ""
    if not flags and len(bare) <= _LONGEST_PLAIN and _PLAIN.fullmatch(bare):
        return Regex(_lazily(translated.for_re2, translated.for_regex), slips)
    if not translated.backtracking:
        try:
            return Regex(_linear(prefix + translated.for_re2), slips)
        except _NotLinear as problem:
            if not problem.too_large:
                raise ExpressionSyntaxError(problem.message, 0, len(text)) from None
    try:
        return Regex(_backtracking(prefix + translated.for_regex), slips)
    except ValueError as problem:
        raise ExpressionSyntaxError(f"not a regular expression: {problem}", 0, len(text)) from None


def iregexp_matches(pattern: str, text: str, whole: bool, seconds: float) -> bool:
    """Tell whether `text` matches an I-Regexp (RFC 9485); a pattern that is none matches nothing.

    RFC 9535 §2.4.6 (`match`: the whole text) and §2.4.7 (`search`: any part of it).
    """
    search = _iregexp(pattern, whole)
    return search is not None and search(text, seconds) is not None


@functools.lru_cache(maxsize=256)
def _iregexp(pattern: str, whole: bool) -> Search | None:
    from iregexp_check import check

    if len(pattern) > 4096 or not check(pattern):
        return None
    translated = translate(pattern, iregexp=True)
    group = f"^(?:{translated.for_re2})$" if whole else translated.for_re2
    try:
        return _linear(group)
    except _NotLinear:
        return None


def _without_delimiters(text: str) -> tuple[str, str, tuple[Slip, ...]]:
    """Take `/^pattern/flags` for the pattern: as it stands it could never match, `^` comes after a slash."""
    end = text.rfind("/")
    if not text.startswith("/^") or end < 2 or any(flag not in _LITERAL_FLAGS for flag in text[end + 1 :]):
        return text, "", ()
    pattern = text[1:end].replace("\\/", "/")
    flags = "".join(flag for flag in "ims" if flag in text[end + 1 :])
    canonical = f"(?{flags}:{pattern})" if flags else pattern
    message = "a regex condition is the pattern alone, without slashes around it"
    span = (0, 0) if flags else None  # ECMA-262 has no flags inside a pattern: nothing portable to be written
    return pattern, flags, (Slip("regex-delimiters", message, 0, len(text), canonical, span),)


def _literal(word: str, *, starts: bool, ends: bool) -> Search:
    """Return the search for `word`, `^word`, `word$` or `^word$`, which needs no engine."""

    def search(text: str, _seconds: float) -> str | None:
        if starts:
            found = text == word if ends else text.startswith(word)
        else:
            found = text.endswith(word) if ends else word in text
        return word if found else None

    return search


def _lazily(for_re2: str, for_regex: str) -> Search:
    """Return a search that loads its engine when it first searches: that takes longer than checking a document."""

    def search(text: str, seconds: float) -> str | None:
        return _engine(for_re2, for_regex)(text, seconds)

    return search


@functools.lru_cache(maxsize=256)
def _engine(for_re2: str, for_regex: str) -> Search:
    try:
        return _linear(for_re2)
    except _NotLinear:
        return _backtracking(for_regex)


class _NotLinear(Exception):
    """RE2 refuses a pattern, because it is `too_large` for it or no pattern at all."""

    def __init__(self, message: str, too_large: bool) -> None:
        super().__init__(message)
        self.message = message
        self.too_large = too_large


def _linear(pattern: str) -> Search:
    try:
        import re2
    except ImportError:  # no wheel for this platform: `regex` with its time limit serves alone
        raise _NotLinear("RE2 is not installed", too_large=True) from None
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as problem:
        message = _message(problem)
        too_large = "repetition size" in message or "too large" in message
        raise _NotLinear(f"not a regular expression: {message}", too_large) from None

    def search(text: str, _seconds: float) -> str | None:
        try:
            found = compiled.search(text)
        except UnicodeEncodeError:  # lone surrogates, which JSON allows, are no text for RE2
            found = compiled.search(text.encode("utf-8", "replace").decode("utf-8"))
        return None if found is None else str(found.group(0))

    return search


def _message(problem: Exception) -> str:
    reason = problem.args[0] if problem.args else problem
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)


def _backtracking(pattern: str) -> Search:
    import regex

    if unrolled_size(pattern) > MAX_UNROLLED:
        raise ValueError("its repetitions are too large")
    try:
        compiled = regex.compile(pattern, regex.VERSION0 | regex.ASCII)
    except (regex.error, RecursionError, OverflowError) as problem:
        raise ValueError(str(problem)) from None

    def search(text: str, seconds: float) -> str | None:
        try:
            found = compiled.search(text, timeout=seconds)
        except TimeoutError:
            raise TooMuchWork("the pattern needs backtracking and takes too long on this text") from None
        return None if found is None else str(found.group(0))

    return search
