"""Regular expressions of documents: ECMA-262's dialect on engines that a hostile pattern cannot hold up.

RE2 runs whatever it can, but for mere words, which need no engine: its time is at most text ×
pattern. Patterns that need backtracking (lookaround, back references, repeats above RE2's
limit), and large patterns on large texts, go to the `regex` module, under a time limit: the one
place of the language where the limit is a clock's. The standard library's `re` never sees a
document's pattern. Patterns are read and judged by our own parser, which takes no longer than
they are long; an engine compiles one when it is first searched for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final, TypeAlias

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import PartlyComparedRecord
from arazzo_runner.expressions.nodes import ExpressionSyntaxError, Slip
from arazzo_runner.expressions.queries.budget import Budget, TooMuchWork
from arazzo_runner.expressions.queries.ecma import Translated, translate

Search: TypeAlias = Callable[[str, float], str | None]

STEPS_PER_SECOND: Final = 100_000_000
"""What RE2 does in a second at least, in positions of the pattern × characters of the text."""
STEPS_PER_UNIT: Final = 50
MAX_LENGTH: Final = 65_536
_LITERAL_FLAGS: Final = "imsuygdv"
_SURROGATES: Final = pattern("[\ud800-\udfff]")
_NO_CHARACTER: Final = "\ufdd0"  # never assigned, as half a surrogate pair is no character


class Regex(PartlyComparedRecord):
    """A compiled pattern; `slips` tell what was tolerated in it."""

    _hidden_in_repr = ("search",)
    _ignored_in_eq = ("search",)

    search: Search
    """`search(text, seconds)`: the first match, None when there is none; raises TooMuchWork."""
    slips: tuple[Slip, ...] = ()


def compile_regex(text: str) -> Regex:
    """Compile an ECMA-262 pattern; it is searched for, not anchored (semantics §4).

    Raises ExpressionSyntaxError for a pattern that no engine takes.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionSyntaxError(f"the pattern is longer than {MAX_LENGTH} characters")
    bare, flags, slips = _without_delimiters(text)
    word = bare.removeprefix("^").removesuffix("$")
    if word.isascii() and word.isalnum() and not flags:
        return Regex(_literal(word, starts=bare[0] == "^", ends=bare[-1] == "$"), slips)
    shift = 1 if bare is not text else 0
    try:
        translated = translate(bare, flags=flags)
    except ExpressionSyntaxError as problem:
        raise ExpressionSyntaxError(problem.message, problem.offset + shift, problem.length, problem.hint) from None
    return Regex(_lazily(translated), slips)


def iregexp_matches(pattern: str, text: str, whole: bool, budget: Budget) -> bool:
    """Return whether `text` matches an I-Regexp (RFC 9485); a pattern that is none matches nothing.

    RFC 9535 §2.4.6 (`match`: the whole text) and §2.4.7 (`search`: any part of it).
    """
    translated = _iregexp(pattern, whole)
    if translated is None:
        return False
    budget.spend_once(("regex", pattern), translated.size)
    budget.spend(translated.positions * len(text) // STEPS_PER_UNIT)
    return _lazily(translated)(text, budget.seconds) is not None


@functools.lru_cache(maxsize=256)
def _iregexp(pattern: str, whole: bool) -> Translated | None:
    from iregexp_check import check

    if len(pattern) > 4096 or not check(pattern):
        return None
    try:
        translated = translate(f"^(?:{pattern})$" if whole else pattern, iregexp=True)
    except ExpressionSyntaxError:
        return None
    return None if translated.backtracking else translated


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


# ------------------------------------------------------------------ searching


def _literal(word: str, *, starts: bool, ends: bool) -> Search:
    """Return the search for `word`, `^word`, `word$` or `^word$`, which needs no engine."""

    def search(text: str, _seconds: float) -> str | None:
        if starts:
            found = text == word if ends else text.startswith(word)
        else:
            found = text.endswith(word) if ends else word in text
        return word if found else None

    return search


def _lazily(translated: Translated) -> Search:
    """Return a search that loads and compiles with its engine when it first searches."""

    def search(text: str, seconds: float) -> str | None:
        is_small = translated.positions * len(text) <= STEPS_PER_SECOND * seconds
        if not translated.backtracking and is_small:
            linear = _linear(translated.for_re2)
            if linear is not None:
                return linear(text, seconds)
        if translated.too_large:
            raise TooMuchWork("the pattern is too large to be searched for in this text")
        return _backtracking(translated.for_regex)(text, seconds)

    return search


# A pattern may take 10 MB once it is compiled: few are kept.
@functools.lru_cache(maxsize=32)
def _linear(pattern: str) -> Search | None:
    """Return RE2's search, None when it is not installed or does not take the pattern."""
    try:
        import re2
    except ImportError:  # no wheel for this platform: `regex` with its time limit serves alone
        return None
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:  # it would take more memory than RE2 allows itself
        return None

    def search(text: str, _seconds: float) -> str | None:
        try:
            found = compiled.search(text)
        except UnicodeEncodeError:  # lone surrogates, which JSON allows, are no text for RE2
            found = compiled.search(_SURROGATES.sub(_NO_CHARACTER, text))
        return None if found is None else text[found.start() : found.end()]

    return search


@functools.lru_cache(maxsize=32)
def _backtracking(pattern: str) -> Search:
    import regex

    try:
        compiled = regex.compile(pattern, regex.VERSION0)
    except (regex.error, RecursionError, OverflowError, MemoryError) as problem:
        raise TooMuchWork(f"the pattern cannot be compiled: {problem}") from None

    def search(text: str, seconds: float) -> str | None:
        try:
            found = compiled.search(text, timeout=seconds)
        except TimeoutError:
            raise TooMuchWork("the pattern needs backtracking and takes too long on this text") from None
        except MemoryError:
            raise TooMuchWork("the pattern takes too much memory on this text") from None
        return None if found is None else text[found.start() : found.end()]

    return search
