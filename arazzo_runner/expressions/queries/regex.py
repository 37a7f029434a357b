"""Regular expressions of documents: ECMA-262's dialect with bounded time.

RE2 runs whatever it can: its time is at most text × pattern. Patterns that need backtracking
(lookaround, back references, repeats above RE2's limit), and large patterns on large texts, go to
the `regex` module, under a time limit: the one place of the language where the limit is a clock's.
The standard library's `re` never gets a document's pattern. Patterns are parsed and checked by our
own parser, in linear time; an engine compiles one when it is first searched for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import PartlyComparedRecord, Record
from arazzo_runner.expressions.nodes import ExpressionSyntaxError, ToleratedSyntax
from arazzo_runner.expressions.queries.budget import RAISED_BY, Budget, TooMuchWork
from arazzo_runner.expressions.queries.ecma_characters import DOT, DOT_IREGEXP
from arazzo_runner.expressions.queries.ecma_nodes import (
    Assertion,
    Cased,
    Choice,
    Group,
    Look,
    Node,
    Recall,
    Reference,
    Repeat,
    Sequence,
    Single,
    count_positions,
    is_fixed,
    is_nothing,
    parts,
    size_for_re2,
    size_for_regex,
)
from arazzo_runner.expressions.queries.ecma_parser import parse_pattern
from arazzo_runner.expressions.queries.ecma_rewriting import with_loops, with_references

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
            option = "" if translated.backtracking else f" ({RAISED_BY})"
            raise TooMuchWork(f"the pattern is too large to be searched for in this text{option}")
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
            raise TooMuchWork(f"the pattern needs backtracking and takes too long on this text ({RAISED_BY})") from None
        except MemoryError:
            raise TooMuchWork("the pattern takes too much memory on this text") from None
        return None if found is None else text[found.start() : found.end()]

    return search


# ---- ECMA-262 patterns (ECMA-262 §22.2.1 and Annex B) → the spelling that RE2 and `regex` read.

MAX_FOR_RE2: Final = 100_000
MAX_FOR_REGEX: Final = 20_000
_MAX_REPEAT: Final = 1000  # RE2's limit, of nested repetitions together
_LONGEST_RUN: Final = 100
_LINE: Final = "[^\n\r\u2028\u2029]"


class Translated(Record):
    """A pattern in the spelling of both engines, and what decides between them.

    `backtracking`: RE2 cannot run it; `too_large`: `regex` cannot. `size` is about the number of
    RE2's instructions, `positions` the number of characters it names.
    """

    for_re2: str
    for_regex: str
    backtracking: bool
    too_large: bool
    size: int
    positions: int


def translate(pattern: str, *, iregexp: bool = False, flags: str = "") -> Translated:
    """Translate an ECMA-262 pattern, or an I-Regexp (RFC 9485), which is a subset except for its dot.

    `flags` are of `i`, `m` and `s`. Raises ExpressionSyntaxError for what is not in ECMA-262, what
    engines interpret differently, and what is too large once compiled.
    """
    parsed = parse_pattern(pattern, DOT_IREGEXP if iregexp else DOT, flags=flags)
    node = with_loops(with_references(parsed.node, parsed.targets))
    if "i" in flags:
        node = Cased(node, True)
    size = size_for_re2(node)
    backtracking = not _is_linear(node) or _repeats(node) > _MAX_REPEAT or size > MAX_FOR_RE2
    is_large = size_for_regex(node) > MAX_FOR_REGEX
    if backtracking and is_large:
        raise ExpressionSyntaxError("the pattern is too large once its repetitions are written out", 0, len(pattern))
    for_re2 = "" if backtracking else _Writer(for_re2=True).written(node)
    for_regex = "" if is_large else _Writer(for_re2=False).written(node)
    return Translated(for_re2, for_regex, backtracking, is_large, size, count_positions(node))


def _is_linear(node: Node) -> bool:
    if isinstance(node, Single):
        return node.linear
    if isinstance(node, Look | Recall) or (isinstance(node, Assertion) and node.multiline):
        return False
    return all(map(_is_linear, parts(node)))


def _repeats(node: Node) -> int:
    """Return how often nested counted repetitions repeat the innermost part."""
    inner = max(map(_repeats, parts(node)), default=1)
    if isinstance(node, Repeat):
        return min(10**9, inner * max(node.least, node.most or 0, 1))
    return inner


class _Writer:
    """Writes nodes in the spelling of one engine."""

    def __init__(self, *, for_re2: bool) -> None:
        self._for_re2 = for_re2
        self._groups: set[int] = set()

    def written(self, node: Node) -> str:
        """Return the pattern of a node."""
        if isinstance(node, Single):
            return node.text
        if isinstance(node, Assertion):
            return self._assertion(node)
        if isinstance(node, Sequence):
            return self._sequence(node)
        if isinstance(node, Choice):
            return "|".join(map(self.written, node.options))
        if isinstance(node, Recall):
            return self._recall(node)
        assert not isinstance(node, Reference)  # resolved by with_references
        body = self.written(node.body)
        if isinstance(node, Group):
            self._groups.add(node.number)
            return f"(?P<g{node.number}>{body})"
        if isinstance(node, Look):
            return f"(?{'<' if node.behind else ''}{'!' if node.negated else '='}{body})"
        if isinstance(node, Cased):
            return self._cased(body, node)
        return self._repeated(node, body)

    def _sequence(self, node: Sequence) -> str:
        """Return the parts in order; for `regex`, long runs of characters are split into atomic groups.

        Before its first search, `regex` builds tables of the longest run in cubic time: 1.1 s for
        1,600 characters, outside of its time limit. An atomic group ends a run.
        """
        written: list[str] = []
        run: list[str] = []
        for text, is_single in self._pieces(node):
            if is_single and not self._for_re2:
                run.append(text)
                continue
            written += [*_in_chunks(run), text]
            run = []
        return "".join([*written, *_in_chunks(run)])

    def _pieces(self, node: Node) -> Iterator[tuple[str, bool]]:
        """Yield the texts of the consecutive parts of a node, and whether each matches one character."""
        if isinstance(node, Sequence):
            for item in node.items:
                yield from self._pieces(item)
        elif isinstance(node, Cased) and is_fixed(node.body):
            for text, _ in self._pieces(node.body):
                yield self._cased(text, node), True
        elif isinstance(node, Choice):
            yield f"(?:{self.written(node)})", False
        elif not is_nothing(node):
            yield self.written(node), isinstance(node, Single)

    def _cased(self, text: str, node: Cased) -> str:
        return f"(?{'i' if node.ignored else '-i'}:{text})"

    def _repeated(self, node: Repeat, body: str) -> str:
        if not isinstance(node.body, Single | Group | Cased):
            body = f"(?:{body})"
        lazy = "?" if node.lazy else ""
        simple = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((node.least, node.most))
        if simple is not None:
            return body + simple + lazy
        most = "" if node.most is None else node.most
        return f"{body}{{{node.least}}}" if node.least == node.most else f"{body}{{{node.least},{most}}}{lazy}"

    def _recall(self, node: Recall) -> str:
        if node.number not in self._groups:
            return "(?:)"
        return f"(?(g{node.number})(?P=g{node.number})|)" if node.may_be_unset else f"(?P=g{node.number})"

    def _assertion(self, node: Assertion) -> str:
        if node.kind == "^":
            return f"(?<!{_LINE})" if node.multiline else "^"
        if node.kind == "$":
            return f"(?!{_LINE})" if node.multiline else "$" if self._for_re2 else "\\Z"
        if self._for_re2:
            return node.kind
        return _BOUNDARY if node.kind == "\\b" else _NO_BOUNDARY


def _in_chunks(run: list[str]) -> list[str]:
    if len(run) <= _LONGEST_RUN:
        return run
    places = range(0, len(run), _LONGEST_RUN)
    return [f"(?>{''.join(run[place : place + _LONGEST_RUN])})" for place in places]


# Word characters are ASCII, whatever the flags of `regex` are.
_BOUNDARY: Final = "(?:(?<=[0-9A-Z_a-z])(?![0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?=[0-9A-Z_a-z]))"
_NO_BOUNDARY: Final = "(?:(?<=[0-9A-Z_a-z])(?=[0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?![0-9A-Z_a-z]))"
