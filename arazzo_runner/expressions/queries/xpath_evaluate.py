"""XPath at work: parsing, selecting, and what a result is worth as a condition.

XPath 2.0 to 3.1 run on elementpath, in parsers of our own (xpath_engine.py) that count their work.
1.0 is another language, with four types; it has an evaluator of its own (xpath1.py).
"""

from __future__ import annotations

import functools
import math
import operator
from decimal import Decimal
from typing import Literal as OneOf

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.expressions.queries.budget import Budget, TooMuchWork
from arazzo_runner.expressions.queries.xml_text import XmlElement
from arazzo_runner.expressions.queries.xpath import XPath, XPathFailure
from arazzo_runner.expressions.queries.xpath1_nodes import Expression
from arazzo_runner.expressions.queries.xpath1_parser import parse_xpath1
from arazzo_runner.expressions.queries.xpath_engine import (
    BoundedParser,
    XPathTokenLike,
    context_of,
    guarded,
    is_node,
    new_parser,
)

_COMPILE_SECONDS = 1.0


class XPathResult(Record):
    """The items an expression gave: `nodes` when the first is a node, else atomic `values`.

    `passed` is the Effective Boolean Value by the version's rules; `problem` says why there is
    none.
    """

    items: tuple[object, ...]
    passed: bool
    problem: str | None = None

    @property
    def type(self) -> OneOf["nodes", "boolean", "number", "string"]:
        """The XPath 1.0 type of the result."""
        first = self.items[0] if self.items else None
        if first is None or is_node(first):
            return "nodes"
        if isinstance(first, bool):
            return "boolean"
        return "number" if isinstance(first, (int, float, Decimal)) else "string"


def evaluate_xpath(query: XPath, root: XmlElement, budget: Budget, now: float = 0.0) -> XPathResult:
    """Evaluate on the document of `root`.

    Prefixes mean what the document declares, the root's declarations first. From XPath 2.0 on
    a name without prefix is in the root's default namespace (its static context is the
    host's to say); XPath 1.0 §2.3 puts it in none. `now` is the time for current-dateTime(), in
    seconds since the epoch: the clock is not read here. Raises XPathFailure, TooMuchWork.
    """
    namespaces = _namespaces(query, root)
    if query.version == "1.0":
        items = _select_1(query, root, namespaces, budget)
    else:
        items = _select_2(query, root, namespaces, budget, now)
    passed, reason = _effective_boolean(items, query.version)
    return XPathResult(items, passed, reason)


def _select_1(query: XPath, root: XmlElement, namespaces: dict[str, str], budget: Budget) -> tuple[object, ...]:
    from arazzo_runner.expressions.queries.xpath1 import evaluate_xpath1
    from arazzo_runner.expressions.queries.xpath1_functions import WrongOperand

    try:
        value = evaluate_xpath1(parsed_1(query.text), root, namespaces, budget)
    except WrongOperand as problem:
        raise XPathFailure(str(problem)) from None
    return tuple(value) if isinstance(value, list) else (value,)


def _select_2(
    query: XPath, root: XmlElement, namespaces: dict[str, str], budget: Budget, now: float
) -> tuple[object, ...]:
    token = parsed(query.text, query.version, tuple(sorted(namespaces.items())))
    context = context_of(root, namespaces, budget, now)
    try:
        with guarded(budget):
            items = tuple(token.select(context))
        if token.symbol in ("/", "//"):  # XPath 3.1 §3.3.1.1; elementpath puts texts after a child too early
            items = _in_document_order(items)
    except TooMuchWork:
        raise
    except Exception as problem:  # its own errors, and whatever slips out of it on odd expressions
        raise XPathFailure(_message(problem)) from None
    return items


def item_value(item: object, budget: Budget) -> JsonValue:
    """Return an item as JSON: of a node its string value (XPath 3.1 §2.5.2), of a map an object.

    Raises TooMuchWork: what is shared by arrays, and by nodes and those around them, is written out each time.
    """
    budget.spend()
    if is_node(item):
        text = item.string_value
        budget.spend(len(text) // 64)
        return text
    if isinstance(item, (bool, int)):
        return item
    if isinstance(item, Decimal):
        return int(item) if item == item.to_integral_value() else float(item)
    if isinstance(item, float):
        if math.isfinite(item):
            return int(item) if item.is_integer() and abs(item) < 2**53 else item
        return "NaN" if math.isnan(item) else ("INF" if item > 0 else "-INF")
    if isinstance(item, (list, tuple)):
        return [item_value(part, budget) for part in item]
    return _structure(item, budget)


def _in_document_order(items: tuple[object, ...]) -> tuple[object, ...]:
    if not all(map(is_node, items)):
        return items
    return tuple(sorted(items, key=operator.attrgetter("position")))


def _structure(item: object, budget: Budget) -> JsonValue:
    if isinstance(item, str):
        return item
    from elementpath.xpath_tokens import XPathArray, XPathMap

    if isinstance(item, XPathMap):
        return {str(item_value(key, budget)): item_value(value, budget) for key, value in item.items()}
    if isinstance(item, XPathArray):
        return [item_value(part, budget) for part in item.items()]
    return str(item)


@functools.lru_cache(maxsize=512)
def parsed_1(text: str) -> Expression:
    """Return the tree of an expression of XPath 1.0, checked before."""
    return parse_xpath1(text)


@functools.lru_cache(maxsize=512)
def parsed(text: str, version: str, namespaces: tuple[tuple[str, str], ...]) -> XPathTokenLike:
    """Return the tokens of an expression of XPath 2.0 or later; raises XPathFailure for what is none."""
    parser: BoundedParser = new_parser(version, dict(namespaces), Budget(_COMPILE_SECONDS))
    try:
        with guarded(parser.budget):
            return parser.parse(text)
    except TooMuchWork as problem:
        raise XPathFailure(str(problem)) from None
    except Exception as problem:  # as above
        failure = XPathFailure(_message(problem))
        failure.__cause__ = problem
        raise failure from problem


def _namespaces(query: XPath, root: XmlElement) -> dict[str, str]:
    declared = root.nsmap
    found: dict[str, str] = {}
    if query.version != "1.0" and None in declared:
        found[""] = declared[None]
    for prefix in query.prefixes:
        uri = declared.get(prefix) or _declared_below(root, prefix)
        if uri is not None:
            found[prefix] = uri
    return found


def _declared_below(root: XmlElement, prefix: str) -> str | None:
    # Comments and instructions have no declarations of their own.
    declared = (element.nsmap.get(prefix) for element in root.iter() if isinstance(element.tag, str))
    return next((uri for uri in declared if uri is not None), None)


def _effective_boolean(items: tuple[object, ...], version: str) -> tuple[bool, str | None]:
    """XPath 3.1 §2.4.3 (also 3.0 and 2.0) and XPath 1.0 §4.3 `boolean()`."""
    if not items:
        return False, None
    first = items[0]
    if is_node(first):
        return True, None
    if len(items) > 1:
        return False, f"a sequence of {len(items)} values has no effective boolean value (XPath {version}, FORG0006)"
    if isinstance(first, (bool, int, float, Decimal)):
        return bool(first) and not (isinstance(first, (float, Decimal)) and math.isnan(first)), None
    if _is_text(first):
        return len(str(first)) > 0, None
    return False, f"a value of type {type(first).__name__} has no effective boolean value (FORG0006)"


def _is_text(value: object) -> bool:
    if isinstance(value, str):
        return True
    from elementpath.datatypes import AnyURI, UntypedAtomic

    return isinstance(value, (AnyURI, UntypedAtomic))


def _message(problem: BaseException) -> str:
    code, message = getattr(problem, "code", None), getattr(problem, "message", None) or str(problem)
    if isinstance(problem, RecursionError):
        return "it is nested too deeply"
    if isinstance(problem, MemoryError):
        return "it takes too much memory"
    if "integer string conversion" in message:  # Python's own limit is 4,300
        return "an integer of thousands of digits is too much work"
    if isinstance(problem, ArithmeticError) and not isinstance(code, str):
        return "a number is too large or too small for it"
    message = message if len(message) <= 200 else message[:199] + "…"
    return f"{message} ({code.removeprefix('err:')})" if isinstance(code, str) else message
