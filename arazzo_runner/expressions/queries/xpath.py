"""XPath 1.0, 2.0, 3.0 and 3.1: checking an expression; xpath_evaluate.py, which knows the engines, does the rest."""

from __future__ import annotations

import re
from typing import Final, Literal as OneOf, TypeAlias

from arazzo_runner.base.patterns import pattern as lazy_pattern
from arazzo_runner.base.records import Record
from arazzo_runner.expressions.nodes import ExpressionSyntaxError

Version: TypeAlias = OneOf["1.0", "2.0", "3.0", "3.1"]
VERSIONS: Final[dict[str, Version]] = {"xpath-31": "3.1", "xpath-30": "3.0", "xpath-20": "2.0", "xpath-10": "1.0"}
# A fixed pattern of our own, linear by its lookbehind: names that may be prefixes.
_PREFIX = lazy_pattern(r"(?<![\w.\-])([A-Za-z_][\w.\-]*):(?![:=])")
# What most documents write, and no version refuses: a path of plain steps, counted or compared with a constant.
_NAME = r"[A-Za-z_][\w.\-]*"
_CONSTANT = r"""(?:\d+(?:\.\d+)?|'[^']*'|"[^"]*")"""
_STEP = rf"(?:@?(?:\*|{_NAME})(?!\()(?:\[(?:[1-9]\d*|@?{_NAME}(?: ?!?= ?{_CONSTANT})?)\])?|text\(\))"
# A step is written once (each time it is costs a millisecond to compile): / leads to another, else the path has ended.
_PATH = rf"/{{0,2}}(?:{_STEP}(?://?(?=[@*A-Za-z_])|(?=\)| ?[!<>=]|\Z)))+"
_PLAIN = lazy_pattern(
    rf"(?:(count|string|boolean|not)\()?{_PATH}(?(1)\))(?: ?(?:!=|<=|>=|=|<|>) ?{_CONSTANT})?", re.ASCII
)
_PREDECLARED = frozenset({"xml", "xs", "fn", "map", "array", "math", "err"})  # XPath 3.1 §2.1.1


class XPath(Record):
    """A checked expression; its tokens are made when the document's namespaces are known."""

    text: str
    version: Version
    prefixes: tuple[str, ...]


class XPathFailure(Exception):
    """An expression cannot be evaluated on this document; the message says why."""


def compile_xpath(text: str, version: Version) -> XPath:
    """Check an expression; prefixes are taken as declared, the document will tell.

    Raises ExpressionSyntaxError.
    """
    prefixes = tuple(name for name in dict.fromkeys(_PREFIX.findall(text)) if name not in _PREDECLARED)
    declared = tuple((prefix, f"urn:prefix:{prefix}") for prefix in prefixes)
    try:
        if _PLAIN.fullmatch(text) is None and version == "1.0":
            _check_xpath1(text)
        elif _PLAIN.fullmatch(text) is None:
            from arazzo_runner.expressions.queries.xpath_evaluate import (
                parsed,  # lazily: it takes longer than most documents
            )

            parsed(text, version, declared)
    except XPathFailure as problem:
        raise ExpressionSyntaxError(f"not XPath {version}: {problem}", *_place(problem, text)) from None
    return XPath(text, version, prefixes)


def _check_xpath1(text: str) -> None:
    from arazzo_runner.expressions.queries.xpath1_parser import parse_xpath1

    try:
        parse_xpath1(text)
    except ExpressionSyntaxError as problem:
        message = f"not XPath 1.0: {problem.message}"
        raise ExpressionSyntaxError(message, problem.offset, problem.length, problem.hint) from None


def _place(problem: XPathFailure, text: str) -> tuple[int, int]:
    token = getattr(problem.__cause__, "token", None)
    span = getattr(token, "span", None)
    if not isinstance(span, tuple) or not 0 <= span[0] <= len(text):
        return 0, max(1, len(text))
    return span[0], max(1, span[1] - span[0])
