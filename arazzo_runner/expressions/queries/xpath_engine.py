"""elementpath's parsers made safe: bounded work and sizes, no access to anything outside.

- Every Python call that elementpath makes is counted by a profile hook, so that no loop of
  its pure Python code outlives the Budget.
- What a single operation is given and what it gives is bounded (xpath_operands.py).
- Functions that read files, addresses, the environment or chance are taken out of the
  grammar; the three that take patterns run on xpath_patterns.py.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol, TypeGuard

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.expressions.queries.budget import Budget, QueryFailure, TooMuchWork
from arazzo_runner.expressions.queries.xml_tree import XmlElement, XmlNode
from arazzo_runner.expressions.queries.xpath_operands import OPERANDS, OWN_FUNCTIONS, OwnFunction, check_value
from arazzo_runner.expressions.queries.xpath_patterns import PATTERN_FUNCTIONS

_COMPILE_SECONDS = 1.0
_GENERATOR = 0x20  # inspect.CO_GENERATOR
_MOST_CONTINUED = 100_000  # resumptions of generators: a tenth of a second
_CODEPOINTS = "http://www.w3.org/2005/xpath-functions/collation/codepoint"
REMOVED = frozenset(
    {
        "analyze-string",  # patterns on the standard library's engine, and builds XML
        "available-environment-variables",
        "collection",
        "doc",
        "doc-available",
        "environment-variable",
        "json-doc",
        "load-xquery-module",
        "parse-xml",
        "parse-xml-fragment",
        "random-number-generator",
        "serialize",  # registers the document's prefixes with lxml, for the whole process
        "transform",
        "unparsed-text",
        "unparsed-text-available",
        "unparsed-text-lines",
        "uri-collection",
    }
)


class XPathNodeLike(Protocol):
    """The part of nodes that is used."""

    @property
    def string_value(self) -> str:
        """The text of the node and all below it."""


class XPathTokenLike(Protocol):
    """The part of elementpath's token trees that is used."""

    symbol: str

    def select(self, context: object) -> Iterator[object]:
        """Evaluate on a context, item by item."""


class BoundedParser(Protocol):
    """A parser made here; `budget` bounds what is evaluated while parsing."""

    budget: Budget

    def parse(self, source: str) -> XPathTokenLike:
        """Parse an expression."""


@functools.lru_cache(maxsize=512)
def parsed(text: str, version: str, namespaces: tuple[tuple[str, str], ...]) -> XPathTokenLike:
    """Return the tokens of an expression of XPath 2.0 or later; raises QueryFailure if it is not one."""
    parser: BoundedParser = new_parser(version, dict(namespaces), Budget(_COMPILE_SECONDS))
    try:
        with guarded(parser.budget):
            return parser.parse(text)
    except TooMuchWork:
        raise QueryFailure("the query is too much work to read") from None
    except Exception as problem:  # its own errors, and whatever else it raises on odd expressions
        failure = QueryFailure(failure_message(problem))
        failure.__cause__ = problem
        raise failure from problem


def failure_message(problem: BaseException) -> str:
    """Return why elementpath failed, in a sentence without its class names."""
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


def new_parser(version: str, namespaces: dict[str, str], budget: Budget) -> BoundedParser:
    """Return a parser of one version for one expression."""
    default = namespaces.pop("", None)
    parser: BoundedParser = _parser_class(version)(
        namespaces=namespaces, default_namespace=default, default_collation=_CODEPOINTS
    )
    parser.budget = budget
    return parser


def context_of(root: XmlElement, namespaces: dict[str, str], budget: Budget, now: float) -> object:
    """Return the dynamic context: the document node of `root`, after counting its nodes, and the time (UTC)."""
    from datetime import UTC, datetime

    from elementpath import XPathContext
    from lxml import etree

    for _ in root.iter():
        budget.spend()
    context: JsonValue = XPathContext(
        etree.ElementTree(root),
        namespaces={key: uri for key, uri in namespaces.items() if key},
        current_dt=datetime.fromtimestamp(now, UTC),
    )
    context.budget = budget
    return context


def is_node(item: object) -> TypeGuard[XPathNodeLike]:
    """Return whether an item of a result is a node, of either engine."""
    if isinstance(item, XmlNode):
        return True
    nodes = sys.modules.get("elementpath.xpath_nodes")
    return nodes is not None and isinstance(item, nodes.XPathNode)


@contextmanager
def guarded(budget: Budget) -> Iterator[None]:
    """Spend one unit of `budget` for every call made inside. An active profiler is kept, without a guard."""
    if sys.getprofile() is not None:
        yield
        return

    def count(frame: FrameType, event: str, _argument: object) -> None:
        budget.remaining -= 1
        if budget.remaining < 0 and _may_end(frame, event, budget.remaining):
            raise TooMuchWork

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)
    budget.spend(0)


def _may_end(frame: FrameType, event: str, remaining: int) -> bool:
    """Return whether an exception raised at this event propagates: Python ignores those of destructors.

    That is `__del__`, and generators, which are resumed to be closed. A generator that is only
    resumed, without a call in it, may continue for some time.
    """
    code = frame.f_code
    if event not in ("call", "c_call") or code.co_name == "__del__":
        return False
    return event == "c_call" or not code.co_flags & _GENERATOR or remaining < -_MOST_CONTINUED


@functools.lru_cache(maxsize=4)
def _parser_class(version: str) -> Callable[..., BoundedParser]:
    from elementpath import XPath2Parser
    from elementpath.xpath30 import XPath30Parser
    from elementpath.xpath31 import XPath31Parser

    bases: dict[str, JsonValue] = {
        "2.0": XPath2Parser,
        "3.0": XPath30Parser,
        "3.1": XPath31Parser,
    }
    base = bases[version]
    symbols: dict[str, type] = base.symbol_table
    own = {**PATTERN_FUNCTIONS, **OWN_FUNCTIONS}
    table = {
        symbol: _bounded(token, own.get(symbol))
        for symbol, token in symbols.items()
        if symbol.rpartition("}")[2] not in REMOVED
    }
    members = {"symbol_table": table, "tokenizer": base.tokenizer, "__module__": __name__, "version": version}
    made: Callable[..., BoundedParser] = type(base)(f"Bounded{base.__name__}", (base,), members)
    return made


def _bounded(base: JsonValue, own: OwnFunction | None) -> type:
    """Return a subclass of a token class that checks operands and results; `own` replaces its evaluation."""
    from elementpath.xpath_tokens import XPathToken

    operands = OPERANDS.get(base.symbol, {})

    def get_argument(self: JsonValue, context: JsonValue, index: int = 0, *rest: JsonValue, **how: JsonValue) -> object:
        operand = base.get_argument(self, context, index, *rest, **how)
        check_value(operand, _budget(self, context))
        return operands[index](self, context, operand) if index in operands else operand

    # elementpath checks which of the two a class defines, so only those are replaced.
    members: dict[str, object] = {"__module__": base.__module__, "get_argument": get_argument}
    if own is not None or base.evaluate is not XPathToken.evaluate:
        members["evaluate"] = _evaluation(base, own)
    if own is not None:
        members["select"] = XPathToken.select
    elif base.select is not XPathToken.select:
        members["select"] = _selection(base)
    return type(base.__name__, (base,), members)


def _evaluation(base: JsonValue, own: OwnFunction | None) -> Callable[..., JsonValue]:
    def evaluate(self: JsonValue, context: JsonValue = None) -> JsonValue:
        budget = _budget(self, context)
        result = NotImplemented
        if own is not None and len(self) > 0:
            captured = getattr(self, "context", None)  # of a function item: the context where it was created
            result = own(self, context if captured is None else captured, budget)
        if result is NotImplemented:
            result = base.evaluate(self, context)
        check_value(result, budget)
        return result

    return evaluate


def _selection(base: JsonValue) -> Callable[..., Iterator[JsonValue]]:
    looks_up = base.symbol == "distinct-values"  # looks each value up in a list

    def select(self: JsonValue, context: JsonValue = None) -> Iterator[JsonValue]:
        budget = _budget(self, context)
        for count, item in enumerate(base.select(self, context)):
            check_value(item, budget)
            if looks_up:
                budget.spend(count // 64)
            yield item

    return select


def _budget(token: JsonValue, context: JsonValue) -> Budget:
    budget: Budget = token.parser.budget if context is None else getattr(context, "budget", token.parser.budget)
    return budget
