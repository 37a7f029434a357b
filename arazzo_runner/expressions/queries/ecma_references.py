"""What the back references of a pattern mean (ECMA-262 §22.2.2.7.2), where engines agree on it.

In ECMA-262 a reference to a group that took part in no match matches the empty text, and each
round of a repetition forgets what its groups took in the round before. Other engines fail, and
remember. Here every reference is decided beforehand: it is always empty, or reads what its
group took. Where that changes from round to round the pattern is refused.
"""

from __future__ import annotations

from typing import TypeAlias

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
    parts,
)

Path: TypeAlias = tuple[tuple[Node, int], ...]
"""The nodes around a place, from the outermost, each with the number of the part that holds it."""


def with_references(node: Node, targets: dict[int, int]) -> Node:
    """Return a pattern in which references are decided and only the groups they read are left.

    `targets` has the group of each Reference by its offset. Raises ExpressionSyntaxError for a
    reference that engines read differently.
    """
    if not targets:
        return _replaced(node, {}, frozenset())
    groups: dict[int, Path] = {}
    references: dict[int, Path] = {}
    _find(node, (), groups, references)
    decided = {
        offset: _decided(offset, targets[offset], path, groups[targets[offset]]) for offset, path in references.items()
    }
    read = frozenset(recall.number for recall in decided.values() if isinstance(recall, Recall))
    return _replaced(node, decided, read)


def _find(node: Node, path: Path, groups: dict[int, Path], references: dict[int, Path]) -> None:
    if isinstance(node, Group):
        groups[node.number] = path
    elif isinstance(node, Reference):
        references[node.offset] = path
    for place, part in enumerate(parts(node)):
        _find(part, (*path, (node, place)), groups, references)


def _decided(offset: int, number: int, reference: Path, group: Path) -> Node:
    if any(isinstance(node, Group) and node.number == number for node, _ in reference):
        return EMPTY  # `(a\1)`: the group has taken nothing before it ends
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
    """Return the place in both paths of the innermost node that holds both ends, each in another part."""
    place = 0
    while one[place][1] == other[place][1]:
        place += 1
    return place


def _leaves_nothing(node: Node) -> bool:
    """Return whether the captures inside a node are reset once it has matched."""
    if isinstance(node, Repeat) and node.least == 0 and isinstance(node.body, Look):
        return True  # a round that takes no character is not counted
    return (isinstance(node, Look) and node.negated) or (isinstance(node, Repeat) and node.most == 0)


def _may_skip(node: Node) -> bool:
    return isinstance(node, Choice) or (isinstance(node, Repeat) and node.least == 0)


def _is_loop(node: Node) -> bool:
    return isinstance(node, Repeat) and node.most != 1


def _refusal(offset: int, message: str) -> ExpressionSyntaxError:
    return ExpressionSyntaxError(message, offset, 2, "compare the parts with criteria of their own")


def _replaced(node: Node, decided: dict[int, Node], read: frozenset[int]) -> Node:
    if isinstance(node, Single | Assertion | Recall):
        return node
    if isinstance(node, Reference):
        return decided[node.offset]
    if isinstance(node, Sequence):
        return Sequence(tuple(_replaced(item, decided, read) for item in node.items))
    if isinstance(node, Choice):
        return Choice(tuple(_replaced(option, decided, read) for option in node.options))
    body = _replaced(node.body, decided, read)
    if isinstance(node, Group):
        return Group(body, node.number) if node.number in read else body
    if isinstance(node, Look):
        return Look(body, node.behind, node.negated)
    if isinstance(node, Cased):
        return Cased(body, node.ignored)
    return Repeat(body, node.least, node.most, node.lazy)
