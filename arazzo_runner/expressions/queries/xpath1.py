"""XPath 1.0 on lxml's trees: paths, predicates and operators (§2, §3), with bounded work.

elementpath evaluates 1.0 with the types of XPath 2.0; libxml2 does it right, but nothing stops it
(`//*[//*[//*]]`). tests/expressions/test_xpath1.py compares this evaluator with libxml2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import assert_never

from arazzo_runner.expressions.queries.budget import Budget, QueryFailure
from arazzo_runner.expressions.queries.xml_tree import AXES, XML, XmlElement, XmlNode, XmlTree
from arazzo_runner.expressions.queries.xpath1_functions import FUNCTIONS, Value, boolean, compare, number
from arazzo_runner.expressions.queries.xpath1_parser import (
    Call,
    Chain,
    Expression,
    Filtered,
    Literal,
    Negative,
    NodeTest,
    Path,
    Step,
    Union,
)

_OWN_KIND = {"attribute": "attribute", "namespace": "namespace"}
"""The kind of nodes that a name or `*` selects on an axis; elements on all others (§2.3)."""


def evaluate_xpath1(found: Expression, root: XmlElement, namespaces: dict[str, str], budget: Budget) -> Value:
    """Evaluate with the document as the context node; raises QueryFailure."""
    tree = XmlTree(root, budget)
    evaluator = _Evaluator({"xml": XML, **namespaces}, budget)
    return evaluator.value(found, tree.nodes[0], 1, 1)


class _Evaluator:
    def __init__(self, namespaces: dict[str, str], budget: Budget) -> None:
        self._namespaces = namespaces
        self._budget = budget

    def value(self, found: Expression, node: XmlNode, position: int, size: int) -> Value:
        """Return the value of an expression in a context (§1)."""
        self._budget.spend()
        match found:
            case Literal():
                return found.value
            case Path():
                start = [node] if found.start is None else self._nodes(found.start, node, position, size)
                return self._along([node.tree.nodes[0]] if found.absolute else start, found.steps)
            case Chain():
                return self._chain(found, node, position, size)
            case Call():
                return self._call(found, node, position, size)
            case Negative():
                return -number(self.value(found.operand, node, position, size))
            case Filtered():  # its positions count in document order (§3.3)
                return self._filtered(self._nodes(found.subject, node, position, size), found.predicates)
            case Union():
                return self._united(self._nodes(part, node, position, size) for part in found.parts)
            case _:
                assert_never(found)

    def _nodes(self, found: Expression, node: XmlNode, position: int, size: int) -> list[XmlNode]:
        nodes = self.value(found, node, position, size)
        if not isinstance(nodes, list):
            raise QueryFailure("a value is used where nodes must be")
        return nodes

    def _call(self, found: Call, node: XmlNode, position: int, size: int) -> Value:
        if found.name in ("last", "position"):
            return float(size if found.name == "last" else position)
        operands = [self.value(operand, node, position, size) for operand in found.operands]
        return FUNCTIONS[found.name](node, operands, self._budget)

    def _chain(self, chain: Chain, node: XmlNode, position: int, size: int) -> Value:
        left = self.value(chain.first, node, position, size)
        for symbol, operand in chain.rest:
            if symbol in ("and", "or"):
                left = boolean(left)
                if left is (symbol == "or"):
                    return left
                left = boolean(self.value(operand, node, position, size))
                continue
            right = self.value(operand, node, position, size)
            arithmetic = _ARITHMETIC.get(symbol)
            if arithmetic is None:
                left = compare(symbol, left, right, self._budget)
            else:
                left = arithmetic(number(left), number(right))
        return left

    def _along(self, nodes: list[XmlNode], steps: tuple[Step, ...]) -> list[XmlNode]:
        for step in steps:
            nodes = self._united(self._step(node, step) for node in nodes)
        return nodes

    def _step(self, node: XmlNode, step: Step) -> list[XmlNode]:
        tested = self._test(step.test, _OWN_KIND.get(step.axis, "element"))
        found = []
        for other in AXES[step.axis](node):
            self._budget.spend()
            if tested(other):
                found.append(other)
        return self._filtered(found, step.predicates)

    def _test(self, test: NodeTest, own_kind: str) -> Callable[[XmlNode], bool]:
        if test.kind == "node":
            return lambda node: True
        if test.kind != "name":
            return lambda node: node.kind == test.kind and test.name in (None, node.name)
        if test.prefix is None:
            return lambda node: node.kind == own_kind and test.name in (None, node.name)
        if test.prefix not in self._namespaces:
            raise QueryFailure(f"the document declares no prefix {test.prefix}")
        uri = self._namespaces[test.prefix]
        name = None if test.name is None else f"{{{uri}}}{test.name}"
        return lambda node: node.kind == own_kind and (node.namespace == uri if name is None else node.name == name)

    def _filtered(self, nodes: list[XmlNode], predicates: tuple[Expression, ...]) -> list[XmlNode]:
        for predicate in predicates:
            size = len(nodes)
            nodes = [node for place, node in enumerate(nodes, 1) if self._holds(predicate, node, place, size)]
        return nodes

    def _holds(self, predicate: Expression, node: XmlNode, position: int, size: int) -> bool:
        value = self.value(predicate, node, position, size)
        # A number is a position (§2.4); in Python True is a number, in XPath not.
        return value == position if isinstance(value, float) else boolean(value)

    def _united(self, lists: Iterable[list[XmlNode]]) -> list[XmlNode]:
        """Return the nodes of several lists, each once, in document order."""
        found: dict[XmlNode, None] = {}
        for nodes in lists:
            self._budget.spend(1 + len(nodes))
            found.update(dict.fromkeys(nodes))
        return sorted(found, key=lambda node: node.place)


def _divided(one: float, two: float) -> float:
    if two:
        return one / two
    if not one or math.isnan(one):
        return math.nan
    return math.copysign(math.inf, one) * math.copysign(1.0, two)


def _remainder(one: float, two: float) -> float:
    """Return the remainder, with the sign of the dividend (§3.5)."""
    return math.nan if math.isinf(one) or not two else math.fmod(one, two)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda one, two: one + two,
    "-": lambda one, two: one - two,
    "*": lambda one, two: one * two,
    "div": _divided,
    "mod": _remainder,
}
