"""Back references and repetitions of ECMA-262, rewritten so that other engines match the same.

Back references (ECMA-262 §22.2.2.7.2): a reference to a group that did not participate matches the
empty text, and each iteration of a repetition resets its groups. Other engines fail, and keep the
groups. So every reference is resolved: it is always empty, or is what its group matched. A pattern
where that changes between iterations is refused.

Repetitions (§22.2.2.3.1, RepeatMatcher): an iteration beyond the minimum that matches the empty
text fails: `(|a)+` matches "aaa", where other engines end with the empty first iteration. So the
body is replaced by those of its outcomes, in the order in which they are tried, that are not empty.
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
    Reference,
    Repeat,
    Sequence,
    Single,
    can_be_empty,
    parts,
)

Path: TypeAlias = tuple[tuple[Node, int], ...]
"""The ancestors of a node, from the outermost, each with the index of the child that leads to it."""


MOST_OUTCOMES: Final = 64
MOST_PARTS: Final = 1_000
MOST_WORK: Final = 2_000
Outcomes: TypeAlias = list[tuple[bool, Node]]
"""The outcomes of a node in the order in which they are tried: (is empty, node)."""


def with_references(node: Node, targets: dict[int, int]) -> Node:
    """Return a pattern whose references are resolved and that has only the groups they read.

    `targets` has the group of each Reference by its offset. Raises ExpressionSyntaxError for a
    reference that engines read differently.
    """
    if not targets:
        return _replaced(node, {}, frozenset())
    groups: dict[int, Path] = {}
    references: dict[int, Path] = {}
    _find(node, (), groups, references)
    resolved = {
        offset: _resolved(offset, targets[offset], path, groups[targets[offset]]) for offset, path in references.items()
    }
    read = frozenset(recall.number for recall in resolved.values() if isinstance(recall, Recall))
    return _replaced(node, resolved, read)


def _find(node: Node, path: Path, groups: dict[int, Path], references: dict[int, Path]) -> None:
    if isinstance(node, Group):
        groups[node.number] = path
    elif isinstance(node, Reference):
        references[node.offset] = path
    for place, part in enumerate(parts(node)):
        _find(part, (*path, (node, place)), groups, references)


def _resolved(offset: int, number: int, reference: Path, group: Path) -> Node:
    if any(isinstance(node, Group) and node.number == number for node, _ in reference):
        return EMPTY  # `(a\1)`: a group is empty until it ends
    if any(isinstance(node, Look) and node.behind for node, _ in reference):
        raise _refusal(offset, "a back reference in a lookbehind is read differently by different engines")
    shared = _shared(reference, group)
    if isinstance(reference[shared][0], Choice) or reference[shared][1] < group[shared][1]:
        return EMPTY  # the group is in another alternative, or after the reference
    around, below = group[:shared], group[shared + 1 :]
    if any(_leaves_nothing(node) for node, _ in below):
        return EMPTY
    unset = any(_may_skip(node) for node, _ in below)
    looping = [place for place, (node, _) in enumerate(below) if _is_loop(node)]
    forgets = any(_may_skip(node) for place in looping for node, _ in below[place + 1 :])
    if forgets or (unset and any(_is_loop(node) for node, _ in around)):
        raise _refusal(offset, "the group of this back reference may take nothing in a later round of a repetition")
    return Recall(number, unset)


def _shared(one: Path, other: Path) -> int:
    """Return the index in both paths of their innermost common ancestor."""
    place = 0
    while one[place][1] == other[place][1]:
        place += 1
    return place


def _leaves_nothing(node: Node) -> bool:
    """Return whether the captures inside a node are reset once it has matched."""
    if isinstance(node, Repeat) and node.least == 0 and isinstance(node.body, Look):
        return True  # an empty iteration is not counted
    return (isinstance(node, Look) and node.negated) or (isinstance(node, Repeat) and node.most == 0)


def _may_skip(node: Node) -> bool:
    return isinstance(node, Choice) or (isinstance(node, Repeat) and node.least == 0)


def _is_loop(node: Node) -> bool:
    return isinstance(node, Repeat) and node.most != 1


def _refusal(offset: int, message: str) -> ExpressionSyntaxError:
    return ExpressionSyntaxError(message, offset, 2, "compare the parts with criteria of their own")


def _replaced(node: Node, resolved: dict[int, Node], read: frozenset[int]) -> Node:
    if isinstance(node, Single | Assertion | Recall):
        return node
    if isinstance(node, Reference):
        return resolved[node.offset]
    if isinstance(node, Sequence):
        return Sequence(tuple(_replaced(item, resolved, read) for item in node.items))
    if isinstance(node, Choice):
        return Choice(tuple(_replaced(option, resolved, read) for option in node.options))
    body = _replaced(node.body, resolved, read)
    if isinstance(node, Group):
        return Group(body, node.number) if node.number in read else body
    if isinstance(node, Look):
        return Look(body, node.behind, node.negated)
    if isinstance(node, Cased):
        return Cased(body, node.ignored)
    return Repeat(body, node.least, node.most, node.lazy)


def with_loops(node: Node) -> Node:
    """Return a pattern whose repetitions have no empty iterations that other engines would count.

    Raises ExpressionSyntaxError for one that cannot be written so.
    """
    return _Loops().rewritten(node)


class _Loops:
    """Rewrites one pattern; nested repetitions multiply, so the work is limited."""

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
        assert isinstance(node, Repeat | Group | Look | Cased)  # references are resolved before
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
            return node  # an empty iteration is tried last: it changes nothing
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
            # The required iterations may be empty, the others not.
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
    """Return the number of nodes in a tree, or any number above `most`; shared nodes count each time."""
    count, waiting = 0, [node]
    while waiting and count <= most:
        count += 1
        waiting += parts(waiting.pop())
    return count


def _holds_group(node: Node) -> bool:
    return isinstance(node, Group) or any(map(_holds_group, parts(node)))
