"""XPath 1.0 to 3.1: checking the syntax of an expression; xpath_evaluate.py evaluates it."""

from __future__ import annotations

import re
from typing import Final, Literal as OneOf, TypeAlias

from arazzo_runner.base.patterns import pattern as lazy_pattern
from arazzo_runner.base.records import Record
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.budget import QueryFailure

Version: TypeAlias = OneOf["1.0", "2.0", "3.0", "3.1"]
VERSION_NUMBERS: Final[dict[str, Version]] = {
    "xpath-31": "3.1",
    "xpath-30": "3.0",
    "xpath-20": "2.0",
    "xpath-10": "1.0",
}
# Names that may be prefixes; linear by its lookbehind.
_PREFIX = lazy_pattern(r"(?<![\w.\-])([A-Za-z_][\w.\-]*):(?![:=])")
# The XPath of most documents, valid in every version: a path of plain steps, counted or compared with a constant.
# Recognising it here is five times faster than loading a parser.
_NAME = r"[A-Za-z_][\w.\-]*"
_CONSTANT = r"""(?:\d+(?:\.\d+)?|'[^']*'|"[^"]*")"""
_STEP = rf"(?:@?(?:\*|{_NAME})(?!\()(?:\[(?:[1-9]\d*|@?{_NAME}(?: ?!?= ?{_CONSTANT})?)\])?|text\(\))"
# _STEP occurs once, as each occurrence costs a millisecond to compile: / leads to another, else the path ends.
_PATH = rf"/{{0,2}}(?:{_STEP}(?://?(?=[@*A-Za-z_])|(?=\)| ?[!<>=]|\Z)))+"
_PLAIN = lazy_pattern(
    rf"(?:(count|string|boolean|not)\()?{_PATH}(?(1)\))(?: ?(?:!=|<=|>=|=|<|>) ?{_CONSTANT})?", re.ASCII
)
_PREDECLARED = frozenset({"xml", "xs", "fn", "map", "array", "math", "err"})  # XPath 3.1 §2.1.1


class XPath(Record):
    """A checked expression; it is parsed for evaluation when the document's namespaces are known."""

    text: str
    version: Version
    prefixes: tuple[str, ...]


def compile_xpath(text: str, version: Version) -> XPath:
    """Check an expression; prefixes are assumed to be declared in the document.

    Raises ExpressionSyntaxError.
    """
    prefixes = tuple(name for name in dict.fromkeys(_PREFIX.findall(text)) if name not in _PREDECLARED)
    declared = tuple((prefix, f"urn:prefix:{prefix}") for prefix in prefixes)
    try:
        if is_plain(text):
            pass
        elif version == "1.0":
            _check_xpath1(text)
        else:
            from arazzo_runner.expressions.queries.xpath_engine import parsed

            parsed(text, version, declared)
    except QueryFailure as problem:
        raise ExpressionSyntaxError(f"not XPath {version}: {problem}", *_place(problem, text)) from None
    return XPath(text, version, prefixes)


def is_plain(text: str) -> bool:
    """Return whether an expression is of a form that is valid in every version."""
    return _PLAIN.fullmatch(text) is not None


def _check_xpath1(text: str) -> None:
    from arazzo_runner.expressions.queries.xpath1_parser import parse_xpath1

    try:
        parse_xpath1(text)
    except ExpressionSyntaxError as problem:
        message = f"not XPath 1.0: {problem.message}"
        raise ExpressionSyntaxError(message, problem.offset, problem.length, problem.hint) from None


def _place(problem: QueryFailure, text: str) -> tuple[int, int]:
    token = getattr(problem.__cause__, "token", None)
    span = getattr(token, "span", None)
    if not isinstance(span, tuple) or not 0 <= span[0] <= len(text):
        return 0, max(1, len(text))
    return span[0], max(1, span[1] - span[0])
