"""ECMA-262 patterns (ECMA-262 §22.2.1 and Annex B) → the spelling that RE2 and `regex` read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.records import Record
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
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
