"""The nodes of an ECMA-262 pattern (ECMA-262 §22.2.1), and their sizes."""

from __future__ import annotations

from typing import TypeAlias

from arazzo_runner.base.records import Record

_ENDLESS = 10**12


class Single(Record):
    """A character, a dot or a class, in the spelling that both engines share.

    `weight` is about the number of RE2's instructions; `linear` is False if RE2 lacks a property in it.
    """

    text: str
    weight: int = 1
    linear: bool = True


class Assertion(Record):
    """`^`, `$`, `\\b` or `\\B`; `multiline` is the flag m."""

    kind: str
    multiline: bool = False


class Look(Record):
    """`(?=…)`, `(?!…)`, `(?<=…)` or `(?<!…)`."""

    body: Node
    behind: bool
    negated: bool


class Group(Record):
    """`(…)`, `(?<name>…)`; `number` counts opening parentheses from 1."""

    body: Node
    number: int


class Reference(Record):
    """`\\1`, `\\k<name>`; `offset` is its place in the pattern and identifies it."""

    offset: int


class Recall(Record):
    """A resolved reference: the text that group `number` matched, or nothing."""

    number: int
    may_be_unset: bool


class Repeat(Record):
    """`*`, `+`, `?`, `{n,m}`; `most` is None for no limit, `lazy` tries fewer first."""

    body: Node
    least: int
    most: int | None
    lazy: bool


class Cased(Record):
    """A part in which case is ignored, or is significant again."""

    body: Node
    ignored: bool


class Sequence(Record):
    """Parts in order; without parts, the empty pattern."""

    items: tuple[Node, ...]


class Choice(Record):
    """`a|b`: the first that leads to a match."""

    options: tuple[Node, ...]


Node: TypeAlias = Single | Assertion | Look | Group | Reference | Recall | Repeat | Cased | Sequence | Choice

EMPTY = Sequence(())


def can_be_empty(node: Node) -> bool:
    """Return whether a node may match the empty text."""
    if isinstance(node, Single):
        return False
    if isinstance(node, Group | Cased):
        return can_be_empty(node.body)
    if isinstance(node, Repeat):
        return node.least == 0 or can_be_empty(node.body)
    if isinstance(node, Sequence):
        return all(map(can_be_empty, node.items))
    if isinstance(node, Choice):
        return any(map(can_be_empty, node.options))
    return True


def is_fixed(node: Node) -> bool:
    """Return whether a node is a sequence of single characters."""
    if isinstance(node, Sequence):
        return all(map(is_fixed, node.items))
    return is_fixed(node.body) if isinstance(node, Cased) else isinstance(node, Single)


def is_nothing(node: Node) -> bool:
    """Return whether a node always matches the empty text."""
    if isinstance(node, Sequence):
        return all(map(is_nothing, node.items))
    if isinstance(node, Look):
        return not node.negated and is_nothing(node.body)
    return isinstance(node, Cased | Repeat) and is_nothing(node.body)


def size_for_re2(node: Node) -> int:
    """Return about the number of RE2's instructions: it expands every counted repetition."""
    if isinstance(node, Repeat):
        return min(_ENDLESS, _most(node) * (size_for_re2(node.body) + 1))
    if isinstance(node, Single):
        return node.weight
    return min(_ENDLESS, 1 + sum(map(size_for_re2, parts(node))))


def count_positions(node: Node) -> int:
    """Return the number of characters in a node with its counted repetitions expanded."""
    if isinstance(node, Repeat):
        return min(_ENDLESS, _most(node) * count_positions(node.body))
    return 1 if isinstance(node, Single) else min(_ENDLESS, sum(map(count_positions, parts(node))))


def _most(node: Repeat) -> int:
    return max(node.least, node.most or 0, 1)


def size_for_regex(node: Node) -> int:
    """Return the number of parts `regex` makes of a node: it expands the minimum of a repetition."""
    times = max(node.least, 1) if isinstance(node, Repeat) else 1
    return min(_ENDLESS, times * (1 + sum(map(size_for_regex, parts(node)))))


def parts(node: Node) -> tuple[Node, ...]:
    """Return the direct children of a node."""
    if isinstance(node, Sequence):
        return node.items
    if isinstance(node, Choice):
        return node.options
    if isinstance(node, Look | Group | Cased | Repeat):
        return (node.body,)
    return ()
