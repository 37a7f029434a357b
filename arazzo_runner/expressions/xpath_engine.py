"""elementpath's parsers made safe: work and sizes are bounded, nothing leads outside.

- Every Python call that elementpath makes is counted by a profile hook, so that no loop of
  its pure Python code outlives the Budget; long results of single operations (`concat` of
  `concat`, products of products, `1 to 1000000000`) are refused as they appear.
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

from arazzo_runner.expressions.budget import Budget, TooMuchWork
from arazzo_runner.expressions.xml_text import XmlElement
from arazzo_runner.expressions.xpath1 import XPATH1_OPERATORS
from arazzo_runner.expressions.xpath_patterns import PATTERN_FUNCTIONS, OwnFunction
from arazzo_runner.values import JsonValue

MAX_TEXT = 1_000_000
MAX_RANGE = 10_000
MAX_BITS = 10_000
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
        "transform",
        "unparsed-text",
        "unparsed-text-available",
        "unparsed-text-lines",
        "uri-collection",
    }
)


class XPathNodeLike(Protocol):
    """What is used of elementpath's nodes."""

    value: JsonValue
    name: str | None
    position: int
    parent: XPathNodeLike | None
    children: list[XPathNodeLike] | None

    @property
    def string_value(self) -> str:
        """The text of the node and all below it."""


class XPathTokenLike(Protocol):
    """What is used of elementpath's token trees."""

    symbol: str

    def select(self, context: object) -> Iterator[object]:
        """Evaluate on a context, item by item."""


class BoundedParser(Protocol):
    """A parser made here; `budget` bounds what it evaluates while parsing."""

    budget: Budget

    def parse(self, source: str) -> XPathTokenLike:
        """Parse an expression."""


def new_parser(version: str, namespaces: dict[str, str], budget: Budget) -> BoundedParser:
    """Return a parser of one version for one expression."""
    default = namespaces.pop("", None)
    options = {} if version == "1.0" or default is None else {"default_namespace": default}
    parser: BoundedParser = _parser_class(version)(namespaces=namespaces, **options)
    parser.budget = budget
    return parser


def context_of(root: XmlElement, namespaces: dict[str, str], budget: Budget) -> object:
    """Return the dynamic context: the document node of `root`, its nodes counted first."""
    from elementpath import XPathContext
    from lxml import etree

    for _ in root.iter():
        budget.spend()
    context: JsonValue = XPathContext(
        etree.ElementTree(root), namespaces={key: uri for key, uri in namespaces.items() if key}
    )
    context.budget = budget
    return context


def is_node(item: object) -> TypeGuard[XPathNodeLike]:
    """Tell whether an item of a result is a node."""
    from elementpath.xpath_nodes import XPathNode

    return isinstance(item, XPathNode)


def engine_errors() -> tuple[type[Exception], ...]:
    """Return what elementpath raises: its own errors, and what slips out of it on odd expressions."""
    from elementpath.exceptions import ElementPathError

    return (
        ElementPathError,
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        OSError,
        RuntimeError,
        SyntaxError,
        TypeError,
        ValueError,
    )


@contextmanager
def guarded(budget: Budget) -> Iterator[None]:
    """Take one unit of `budget` for every call made inside; a profiler that is on already stays on, unguarded."""
    if sys.getprofile() is not None:
        yield
        return

    def count(frame: FrameType, _event: str, _argument: object) -> None:
        budget.remaining -= 1
        if budget.remaining < 0 and frame.f_code.co_name != "__del__":  # where Python swallows errors
            raise TooMuchWork

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)


@functools.lru_cache(maxsize=4)
def _parser_class(version: str) -> Callable[..., BoundedParser]:
    from elementpath import XPath1Parser, XPath2Parser
    from elementpath.xpath30 import XPath30Parser
    from elementpath.xpath31 import XPath31Parser

    bases: dict[str, JsonValue] = {
        "1.0": XPath1Parser,
        "2.0": XPath2Parser,
        "3.0": XPath30Parser,
        "3.1": XPath31Parser,
    }
    base = bases[version]
    symbols: dict[str, type] = base.symbol_table
    own = {**PATTERN_FUNCTIONS, **(XPATH1_OPERATORS if version == "1.0" else {})}
    table = {
        symbol: _bounded(token, own.get(symbol))
        for symbol, token in symbols.items()
        if symbol.rpartition("}")[2] not in REMOVED
    }
    members = {"symbol_table": table, "tokenizer": base.tokenizer, "__module__": __name__, "version": version}
    made: Callable[..., BoundedParser] = type(base)(f"Bounded{base.__name__}", (base,), members)
    return made


def _bounded(base: JsonValue, own: OwnFunction | None) -> type:
    """Return a subclass of a token class that checks what it gives; `own` is evaluated in its place."""
    from elementpath.xpath_tokens import XPathToken

    symbol: str = base.symbol

    def evaluate(self: JsonValue, context: JsonValue = None) -> JsonValue:
        budget = _budget(self, context)
        if symbol == "to" and len(self) == 2:
            _check_range(*self.get_operands(context))
        if own is not None and len(self) > 1:
            captured = getattr(self, "context", None)  # of a function item, made where it was named
            result = own(self, context if captured is None else captured, budget)
        else:
            result = base.evaluate(self, context)
        _check_size(result, budget)
        return result

    def select(self: JsonValue, context: JsonValue = None) -> Iterator[JsonValue]:
        budget = _budget(self, context)
        for count, item in enumerate(base.select(self, context)):
            _check_size(item, budget)
            if symbol == "distinct-values":  # it looks each value up in a list
                budget.spend(count // 64)
            yield item

    # elementpath asks which of the two a class defines, so only those are replaced.
    members: dict[str, object] = {"__module__": base.__module__}
    members |= {} if base.evaluate is XPathToken.evaluate else {"evaluate": evaluate}
    members |= {} if base.select is XPathToken.select else {"select": select}
    return type(base.__name__, (base,), members)


def _budget(token: JsonValue, context: JsonValue) -> Budget:
    budget: Budget = token.parser.budget if context is None else getattr(context, "budget", token.parser.budget)
    return budget


def _check_range(start: int | None, stop: int | None) -> None:
    if start is not None and stop is not None and stop - start > MAX_RANGE:
        raise TooMuchWork(f"a range of more than {MAX_RANGE} numbers is too much work")


def _check_size(result: object, budget: Budget) -> None:
    if isinstance(result, str) and len(result) > 1024:
        if len(result) > MAX_TEXT:
            raise TooMuchWork(f"a text of more than {MAX_TEXT} characters is too much work")
        budget.spend(len(result) // 64)
    elif isinstance(result, int) and result.bit_length() > MAX_BITS:
        raise TooMuchWork("an integer of thousands of digits is too much work")
