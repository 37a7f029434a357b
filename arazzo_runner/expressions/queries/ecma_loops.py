"""Repetitions of what may be empty, as ECMA-262 has them (§22.2.2.3.1: RepeatMatcher).

There, a round beyond the least number that takes no character fails: `(|a)+` takes "aaa",
where other engines end with the empty first round. What a round may not do is written out of
the pattern here: of its outcomes, in the order in which they are tried, those that take a
character are left.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.ecma_nodes import (
    EMPTY,
    Assertion,
    Cased,
    Choice,
    Group,
    Look,
    Node,
    Recall,
    Repeat,
    Sequence,
    Single,
    can_be_empty,
    parts,
)

MOST_OUTCOMES: Final = 64
MOST_PARTS: Final = 1_000
MOST_WORK: Final = 2_000
Outcomes: TypeAlias = list[tuple[bool, Node]]
"""The ways in which a node may match, in the order in which they are tried: (takes nothing, node)."""


def with_loops(node: Node) -> Node:
    """Return a pattern whose repetitions have no empty rounds that other engines would count.

    Raises ExpressionSyntaxError for one that cannot be written so.
    """
    return _Loops().rewritten(node)


class _Loops:
    """Rewrites one pattern; a repetition in a repetition multiplies, so its work is counted."""

    def __init__(self) -> None:
        self._left = MOST_WORK

    def rewritten(self, node: Node) -> Node:
        """Return a node with its repetitions rewritten."""
        if isinstance(node, Single | Assertion | Recall):
            return node
        if isinstance(node, Sequence):
            return Sequence(tuple(map(self.rewritten, node.items)))
        if isinstance(node, Choice):
            return Choice(tuple(map(self.rewritten, node.options)))
        assert isinstance(node, Repeat | Group | Look | Cased)  # references are decided before
        body = self.rewritten(node.body)
        if isinstance(node, Group):
            return Group(body, node.number)
        if isinstance(node, Look):
            return Look(body, node.behind, node.negated)
        if isinstance(node, Cased):
            return Cased(body, node.ignored)
        return self._loop(Repeat(body, node.least, node.most, node.lazy))

    def _loop(self, node: Repeat) -> Node:
        body = node.body
        if node.most == 0:
            return EMPTY
        if isinstance(body, Look | Assertion):
            return EMPTY if node.least == 0 else body
        if node.least == node.most or not can_be_empty(body):
            return node
        if _extent(body, MOST_PARTS) > MOST_PARTS:
            raise _too_many()
        outcomes = self._outcomes(body)
        empty_ones = [is_empty for is_empty, _ in outcomes]
        if empty_ones == sorted(empty_ones) and not _holds_group(body):
            return node  # an empty round comes last: it changes nothing
        taking = _choice([outcome for is_empty, outcome in outcomes if not is_empty])
        most = None if node.most is None else node.most - node.least
        rest = EMPTY if taking is None else Repeat(taking, 0, most, node.lazy)
        if node.least == 0:
            return rest
        return Sequence((body if node.least == 1 else Repeat(body, node.least, node.least, False), rest))

    def _outcomes(self, node: Node) -> Outcomes:
        self._left -= 1
        if self._left < 0:
            raise _too_many()
        if not can_be_empty(node):
            return [(False, node)]
        if isinstance(node, Recall):
            message = "a back reference that may be empty is repeated, which engines read differently"
            raise ExpressionSyntaxError(message, hint="repeat what takes at least one character")
        if isinstance(node, Assertion | Look):
            return [(True, node)]
        if isinstance(node, Group):
            return [(is_empty, Group(outcome, node.number)) for is_empty, outcome in self._outcomes(node.body)]
        if isinstance(node, Cased):
            return [(is_empty, Cased(outcome, node.ignored)) for is_empty, outcome in self._outcomes(node.body)]
        if isinstance(node, Choice):
            return _bounded([outcome for option in node.options for outcome in self._outcomes(option)])
        if isinstance(node, Sequence):
            return self._of_sequence(node.items)
        assert isinstance(node, Repeat)
        return self._of_repeat(node)

    def _of_sequence(self, items: tuple[Node, ...]) -> Outcomes:
        found: Outcomes = [(True, EMPTY)]
        for place, item in enumerate(items):
            if not any(is_empty for is_empty, _ in found):
                return [(False, Sequence((outcome, *items[place:]))) for _, outcome in found]
            longer: Outcomes = []
            for is_empty, outcome in found:
                if is_empty:
                    longer += [(more, Sequence((outcome, each))) for more, each in self._outcomes(item)]
                else:
                    longer.append((False, Sequence((outcome, item))))
            found = _bounded(longer)
        return found

    def _of_repeat(self, node: Repeat) -> Outcomes:
        if node.least:
            # The rounds that must be may be empty, the others take a character.
            if node.least > MOST_OUTCOMES:
                raise _too_many()
            most = None if node.most is None else node.most - node.least
            rounds: tuple[Node, ...] = (node.body,) * node.least
            return self._of_sequence(rounds if most == 0 else (*rounds, Repeat(node.body, 0, most, node.lazy)))
        taking = _choice([outcome for is_empty, outcome in self._outcomes(node.body) if not is_empty])
        nothing = (True, EMPTY)
        if taking is None or node.most == 0:
            return [nothing]
        some = (False, Repeat(taking, 1, node.most, node.lazy))
        return [nothing, some] if node.lazy else [some, nothing]


def _choice(options: list[Node]) -> Node | None:
    if len(options) > 1:
        return Choice(tuple(options))
    return options[0] if options else None


def _bounded(outcomes: Outcomes) -> Outcomes:
    if len(outcomes) > MOST_OUTCOMES:
        raise _too_many()
    return outcomes


def _too_many() -> ExpressionSyntaxError:
    message = "a repetition of what may be empty in so many ways is read differently by different engines"
    return ExpressionSyntaxError(message, hint="repeat what takes at least one character")


def _extent(node: Node, most: int) -> int:
    """Return how many nodes a node is, or something above `most`: parts that stand twice in it count twice."""
    count, waiting = 0, [node]
    while waiting and count <= most:
        count += 1
        waiting += parts(waiting.pop())
    return count


def _holds_group(node: Node) -> bool:
    return isinstance(node, Group) or any(map(_holds_group, parts(node)))
