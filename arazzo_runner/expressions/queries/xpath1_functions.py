"""The values of XPath 1.0 (§1): conversions (§4), comparisons (§3.4) and functions (§4).

`last` and `position` are in the evaluator (xpath1.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeAlias

from arazzo_runner.base.patterns import pattern
from arazzo_runner.expressions.queries.budget import Budget, QueryFailure, TooMuchWork
from arazzo_runner.expressions.queries.xml_tree import XML, XmlNode

Value: TypeAlias = "list[XmlNode] | bool | float | str"
Scalar: TypeAlias = "bool | float | str"

_NUMBER: Final = pattern(r"[ \t\r\n]*(-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))[ \t\r\n]*\Z")
_TESTS: Final[dict[str, Callable[[Scalar, Scalar], bool]]] = {
    "=": lambda one, two: one == two,
    "!=": lambda one, two: one != two,
    "<": lambda one, two: one < two,  # type: ignore[operator]  # only numbers are ordered
    "<=": lambda one, two: one <= two,  # type: ignore[operator]
    ">": lambda one, two: one > two,  # type: ignore[operator]
    ">=": lambda one, two: one >= two,  # type: ignore[operator]
}


MAX_TEXT = 1_000_000
Function: TypeAlias = Callable[[XmlNode, "list[Value]", Budget], Value]
"""(context node, operands, budget) → value."""


def boolean(value: Value) -> bool:
    """Return the `boolean()` of a value (§4.3)."""
    return bool(value) and value == value  # NaN is false


def number(value: Value) -> float:
    """Return the `number()` of a value (§4.4): a text is a sign, digits and one point, or not a number."""
    if isinstance(value, (bool, float)):
        return float(value)
    found = _NUMBER.match(value if isinstance(value, str) else string(value))
    return math.nan if found is None else float(found[1])


def string(value: Value) -> str:
    """Return the `string()` of a value (§4.2): of the first node; numbers have no exponents."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return value[0].string_value if value else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")


def compare(symbol: str, left: Value, right: Value, budget: Budget) -> bool:
    """Return whether a comparison is true (§3.4); for nodes, whether it is for any of them."""
    if isinstance(left, bool) or isinstance(right, bool):
        if symbol in ("=", "!="):
            return _TESTS[symbol](boolean(left), boolean(right))
        left, right = _as_number(left), _as_number(right)
    convert = _conversion(symbol, left, right)
    ones, twos = _scalars(left, convert, budget), _scalars(right, convert, budget)
    test = _TESTS[symbol]
    for one in ones:
        budget.spend(1 + len(twos))
        if any(test(one, two) for two in twos):
            return True
    return False


def _as_number(value: Value) -> Value:
    """Return the number of a boolean or node-set that is compared with a boolean; others unchanged."""
    return float(boolean(value)) if isinstance(value, (list, bool)) else value


def _conversion(symbol: str, left: Value, right: Value) -> Callable[[Value], Scalar]:
    numeric = symbol not in ("=", "!=") or isinstance(left, float) or isinstance(right, float)
    return number if numeric else string


def _scalars(value: Value, convert: Callable[[Value], Scalar], budget: Budget) -> list[Scalar]:
    if not isinstance(value, list):
        return [convert(value)]
    found: list[Scalar] = []
    for node in value:
        text = node.string_value
        budget.spend(1 + len(text) // 64)
        found.append(convert(text))
    return found


def _text(value: Value, budget: Budget) -> str:
    text = string(value)
    budget.spend(len(text) // 64)
    if len(text) > MAX_TEXT:
        raise TooMuchWork(f"a text of more than {MAX_TEXT} characters is too much work")
    return text


def _texts(function: Callable[..., Value]) -> Function:
    """Return a function of texts as one of any values; without operands, of the context node."""

    def called(node: XmlNode, operands: list[Value], budget: Budget) -> Value:
        return function(*(_text(value, budget) for value in operands or [[node]]))

    return called


def _numbers(function: Callable[[float], float]) -> Function:
    def called(node: XmlNode, operands: list[Value], _budget: Budget) -> Value:
        value = number(operands[0] if operands else [node])
        return function(value) if math.isfinite(value) else value

    return called


def _nodes(name: str, function: Callable[[list[XmlNode]], Value]) -> Function:
    """Return a function of a node-set; without operands, of the context node."""

    def called(node: XmlNode, operands: list[Value], budget: Budget) -> Value:
        nodes = operands[0] if operands else [node]
        if not isinstance(nodes, list):
            raise QueryFailure(f"{name} takes nodes, not a value")
        budget.spend(len(nodes))
        return function(nodes)

    return called


def round_half_up(value: float) -> float:
    """Return the closest integer, of two the greater (§4.4 `round`); -0 from -0.5 to 0."""
    if not math.isfinite(value) or value.is_integer():
        return value
    rounded = math.floor(value)
    rounded += value - rounded >= 0.5
    return math.copysign(float(rounded), value) if rounded == 0 else float(rounded)


def _qualified(nodes: list[XmlNode]) -> str:
    """Return the name as in the document, with a prefix that is declared for its namespace."""
    if not nodes or nodes[0].name is None:
        return ""
    node = nodes[0]
    if not node.namespace or node.source is None:
        return node.local_name
    prefix = node.source.prefix if node.kind == "element" else _prefix(node)
    return f"{prefix}:{node.local_name}" if prefix else node.local_name


def _prefix(attribute: XmlNode) -> str:
    uri = attribute.namespace
    declared = attribute.source.nsmap if attribute.source is not None else {}
    return next((prefix for prefix, known in declared.items() if prefix and known == uri), "xml" if uri == XML else "")


def _substring(_node: XmlNode, operands: list[Value], budget: Budget) -> str:
    """Return the characters whose positions are at least one number and less than another (§4.2)."""
    text = _text(operands[0], budget)
    first = round_half_up(number(operands[1]))
    end = math.inf if len(operands) < 3 else first + round_half_up(number(operands[2]))
    if not first <= len(text) or not end > 1:  # also when either is not a number
        return ""
    return text[int(max(first, 1)) - 1 : int(min(end, len(text) + 1)) - 1]


def _translate(text: str, characters: str, replacements: str) -> str:
    table: dict[int, str | None] = {}
    for place, character in enumerate(characters):
        table.setdefault(ord(character), replacements[place] if place < len(replacements) else None)
    return text.translate(table)


def _sum(_node: XmlNode, operands: list[Value], budget: Budget) -> float:
    nodes = operands[0]
    if not isinstance(nodes, list):
        raise QueryFailure("sum takes nodes, not a value")
    return float(sum(number(_text([node], budget)) for node in nodes))


def _concatenated(_node: XmlNode, operands: list[Value], budget: Budget) -> str:
    size = 0
    texts = []
    for operand in operands:
        texts.append(_text(operand, budget))
        size += len(texts[-1])
        if size > MAX_TEXT:
            raise TooMuchWork(f"a text of more than {MAX_TEXT} characters is too much work")
    return "".join(texts)


def _identified(node: XmlNode, operands: list[Value], budget: Budget) -> list[XmlNode]:
    """Return the first element of each xml:id; without a DTD, no other attribute is an ID."""
    values = operands[0] if isinstance(operands[0], list) else [operands[0]]
    wanted = {
        name for value in values for name in _text([value] if isinstance(value, XmlNode) else value, budget).split()
    }
    found = []
    for other in node.tree.nodes:
        budget.spend()
        for attribute in other.attributes:
            if attribute.name == f"{{{XML}}}id" and attribute.value in wanted:
                wanted.discard(attribute.value)
                found.append(other)
    return found


def _in_language(node: XmlNode, operands: list[Value], budget: Budget) -> bool:
    wanted = _text(operands[0], budget).lower()
    at: XmlNode | None = node
    while at is not None:
        budget.spend()
        for attribute in at.attributes:
            if attribute.name == f"{{{XML}}}lang":
                language = attribute.value.lower()
                return language == wanted or language.startswith(f"{wanted}-")
        at = at.parent
    return False


FUNCTIONS: Final[dict[str, Function]] = {
    "boolean": lambda _node, operands, _budget: boolean(operands[0]),
    "ceiling": _numbers(lambda value: math.copysign(float(math.ceil(value)), value)),
    "concat": _concatenated,
    "contains": _texts(lambda text, part: part in text),
    "count": _nodes("count", lambda nodes: float(len(nodes))),
    "false": lambda _node, _operands, _budget: False,
    "floor": _numbers(lambda value: value if value == 0 else float(math.floor(value))),
    "id": _identified,
    "lang": _in_language,
    "local-name": _nodes("local-name", lambda nodes: nodes[0].local_name if nodes else ""),
    "name": _nodes("name", _qualified),
    "namespace-uri": _nodes("namespace-uri", lambda nodes: nodes[0].namespace if nodes else ""),
    "normalize-space": _texts(lambda text: " ".join(part for part in _words(text) if part)),
    "not": lambda _node, operands, _budget: not boolean(operands[0]),
    "number": _numbers(lambda value: value),
    "round": _numbers(round_half_up),
    "starts-with": _texts(lambda text, part: text.startswith(part)),
    "string": _texts(lambda text: text),
    "string-length": _texts(lambda text: float(len(text))),
    "substring": _substring,
    "substring-after": _texts(lambda text, part: text.partition(part)[2] if part else text),
    "substring-before": _texts(lambda text, part: text[: max(0, text.find(part))]),
    "sum": _sum,
    "translate": _texts(_translate),
    "true": lambda _node, _operands, _budget: True,
}
"""The functions by name."""


def _words(text: str) -> list[str]:
    """Split at XML's white space, which is less than Unicode's."""
    return text.replace("\t", " ").replace("\n", " ").replace("\r", " ").split(" ")
