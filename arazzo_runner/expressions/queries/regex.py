"""Regular expressions of documents: ECMA-262's dialect with bounded time.

RE2 runs whatever it can: its time is at most text × pattern. Patterns that need backtracking
(lookaround, back references, repeats above RE2's limit), and large patterns on large texts, go to
the `regex` module, under a time limit: the one place of the language where the limit is a clock's.
The standard library's `re` never gets a document's pattern. Patterns are parsed and checked by our
own parser, in linear time; an engine compiles one when it is first searched for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final, TypeAlias

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import PartlyComparedRecord
from arazzo_runner.expressions.nodes import ExpressionSyntaxError, ToleratedSyntax
from arazzo_runner.expressions.queries.budget import Budget, TooMuchWork
from arazzo_runner.expressions.queries.ecma import Translated, translate

Search: TypeAlias = Callable[[str, float], str | None]

STEPS_PER_SECOND: Final = 100_000_000
"""The least that RE2 does in a second, in positions of the pattern × characters of the text."""
STEPS_PER_UNIT: Final = 50
MAX_LENGTH: Final = 65_536
_LITERAL_FLAGS: Final = "imsuygdv"
_SURROGATES: Final = pattern("[\ud800-\udfff]")
_NO_CHARACTER: Final = "\ufdd0"  # never assigned: matches no more than half a surrogate pair does


class Regex(PartlyComparedRecord):
    """A compiled pattern, and what was tolerated in it."""

    _hidden_in_repr = ("search",)
    _ignored_in_eq = ("search",)

    search: Search
    """`search(text, seconds)` returns the first match or None; raises TooMuchWork."""
    tolerated: tuple[ToleratedSyntax, ...] = ()


def compile_regex(text: str) -> Regex:
    """Compile an ECMA-262 pattern, which is not anchored (semantics §4).

    Raises ExpressionSyntaxError for a pattern that no engine takes.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionSyntaxError(f"the pattern is longer than {MAX_LENGTH} characters")
    bare, flags, tolerated = _without_delimiters(text)
    shift = 1 if bare is not text else 0
    try:
        translated = translate(bare, flags=flags)
    except ExpressionSyntaxError as problem:
        raise ExpressionSyntaxError(problem.message, problem.offset + shift, problem.length, problem.hint) from None
    return Regex(_lazily(translated), tolerated)


def iregexp_matches(pattern: str, text: str, whole: bool, budget: Budget) -> bool:
    """Return whether `text` matches an I-Regexp (RFC 9485); an invalid pattern matches nothing.

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


def _without_delimiters(text: str) -> tuple[str, str, tuple[ToleratedSyntax, ...]]:
    """Return `/^pattern/flags` as (pattern, flags, …): with its slashes it could never match."""
    end = text.rfind("/")
    if not text.startswith("/^") or end < 2 or any(flag not in _LITERAL_FLAGS for flag in text[end + 1 :]):
        return text, "", ()
    pattern = text[1:end].replace("\\/", "/")
    flags = "".join(flag for flag in "ims" if flag in text[end + 1 :])
    canonical = f"(?{flags}:{pattern})" if flags else pattern
    message = "a regex condition is the pattern alone, without slashes around it"
    span = (0, 0) if flags else None  # ECMA-262 has no flags inside a pattern: there is no portable spelling
    return pattern, flags, (ToleratedSyntax("regex-delimiters", message, 0, len(text), canonical, span),)


# ------------------------------------------------------------------ searching


def _lazily(translated: Translated) -> Search:
    """Return a search that chooses, loads and compiles with an engine when it first searches."""

    def search(text: str, seconds: float) -> str | None:
        is_small = translated.positions * len(text) <= STEPS_PER_SECOND * seconds
        if not translated.backtracking and is_small:
            linear = linear_search(translated.for_re2)
            if linear is not None:
                return linear(text, seconds)
        if translated.too_large:
            raise TooMuchWork("the pattern is too large to be searched for in this text")
        return backtracking_search(translated.for_regex)(text, seconds)

    return search


# A compiled pattern may take 10 MB: few are cached.
@functools.lru_cache(maxsize=32)
def linear_search(pattern: str) -> Search | None:
    """Return RE2's search; None if RE2 is not installed or refuses the pattern."""
    try:
        import re2
    except ImportError:  # no wheel for this platform: only `regex` with its time limit is left
        return None
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:  # it needs more memory than RE2's own limit
        return None

    def search(text: str, _seconds: float) -> str | None:
        try:
            found = compiled.search(text)
        except UnicodeEncodeError:  # lone surrogates, which JSON allows and RE2 refuses
            found = compiled.search(_SURROGATES.sub(_NO_CHARACTER, text))
        return None if found is None else text[found.start() : found.end()]

    return search


@functools.lru_cache(maxsize=32)
def backtracking_search(pattern: str) -> Search:
    """Return the search of `regex`; raises TooMuchWork for a pattern that it cannot compile."""
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
