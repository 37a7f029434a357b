"""The functions that attacks on the languages call, and their values; each returns its outcome as a sentence."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any

from arazzo_runner.expressions.condition import parse_condition
from arazzo_runner.expressions.evaluate import MissingValue, evaluate, holds, render
from arazzo_runner.expressions.names import Declared
from arazzo_runner.expressions.nodes import ExpressionSyntaxError, Template
from arazzo_runner.expressions.queries.query import compile_query, select
from arazzo_runner.expressions.scope import Message, Scope
from arazzo_runner.expressions.template import parse_template
from arazzo_runner.sources.schema.check import SchemaContext, resolve_within, schema_errors

SECONDS = 0.2


def nested(depth: int) -> Any:
    """Return a list in a list in a list …"""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@functools.cache
def body() -> dict[str, Any]:
    """Return a value with something extreme of every type."""
    return {
        "s": "ß" * 1_000_000, "s2": "ss" * 1_000_000, "half": "\ud800", "digits": "9" * 1_000_000, "e": "1e" + "9" * 100_000,
        "huge": 10**6_000, "float": 1e308, "inf": float("inf"), "nan": float("nan"), "wide": list(range(300_000)),
        "deep": nested(5_000), "deep2": nested(5_000), "rows": [{"id": i, "name": f"n{i}", "tags": ["a", "b"]} for i in range(3_000)],
        "patterns": ["\\p{L}" * 500 + f"{{1,{n}}}" for n in range(200)],
        "": {"": [None, True, {}]},
    }  # fmt: skip


@functools.cache
def subject(name: str) -> str:
    """Return a text to search in."""
    ambiguous = random.Random(1)
    texts: dict[str, Callable[[], str]] = {
        "short": lambda: "a" * 40 + "!",
        "long": lambda: "a" * 20_000 + "!",
        "ambiguous": lambda: "".join(ambiguous.choices("ab", k=200_000)),
        "odd": lambda: "\ud800\0\u2028😀" * 100,
    }
    return texts[name]()


SUBJECTS = ("short", "long", "ambiguous", "odd")


def prepare() -> None:
    """Make the values once, and load the engines."""
    body()
    for name in SUBJECTS:
        _query("(?=a)b", "regex", None, subject(name)[:9])
        _query("ab?", "regex", None, subject(name)[:9])
    _query("$[?@.a > 1 && match(@.a, 'b')]", "jsonpath", None, [{"a": "b"}])


def regex(pattern: str) -> list[str]:
    """Compile a pattern and search every text."""
    return [_query(pattern, "regex", None, subject(name)) for name in SUBJECTS]


def query(text: str, kind: str, version: str | None) -> str:
    """Compile a query and apply it to the body."""
    return _query(text, kind, version, body())


def _query(text: str, kind: str, version: str | None, value: Any) -> str:
    try:
        compiled = compile_query(text, kind, version)
    except ExpressionSyntaxError as problem:
        return _syntax(problem, text)
    selection = select(compiled, value, timeout=SECONDS)
    return "passed" if selection.passed else f"failed: {selection.reason}"


def condition(text: str) -> str:
    """Parse a condition and judge it."""
    try:
        parsed = parse_condition(text, DECLARED)
    except ExpressionSyntaxError as problem:
        return _syntax(problem, text)
    judgement = holds(parsed.node, scope(), SECONDS)
    assert judgement.passed or judgement.reason
    return "passed" if judgement.passed else f"failed: {judgement.reason}"


def comparisons(left: str, rights: list[str]) -> list[str]:
    """Compare one operand with others in every way."""
    return [condition(f"{left} {operator} {right}") for right in rights for operator in ("==", "!=", "<", ">=")]


def template(text: str) -> str:
    """Parse a text of a document and evaluate it."""
    try:
        node = parse_template(text, DECLARED).node
    except ExpressionSyntaxError as problem:
        return _syntax(problem, text)
    if isinstance(node, str):
        return "text"
    try:
        value = render(node, scope()) if isinstance(node, Template) else evaluate(node, scope())
    except MissingValue as problem:
        return f"failed: {problem}"
    return f"value: {type(value).__name__}"


def schema(name: str, is_full: bool) -> str:
    """Check the value of that name against its schema; `is_full` has jsonschema do it."""
    from tests.hostile.schema_attacks import ATTACKS

    value, made = ATTACKS[name]()
    if is_full:
        for each in (made, made.get("items")):
            if isinstance(each, dict):
                each["if"] = True  # a keyword that the simple checker does not know
    errors = schema_errors(value, made, SchemaContext("2020-12", resolve_within(made)))
    for error in errors:
        assert error.message
    return f"{len(errors)} misfits"


def scope() -> Scope:
    """Return a scope that holds the body."""
    message = Message(headers=(("X", "1"),), body=body())
    return Scope(
        inputs={"a": "text"}, steps={"s": {"o": body()}}, response=message, status_code=200, url="u", method="GET"
    )


DECLARED = Declared(
    inputs=frozenset("a" * length for length in range(1, 2_000)),
    steps={"s" * length: frozenset({"o"}) for length in range(1, 2_000)},
)


def _syntax(problem: ExpressionSyntaxError, text: str) -> str:
    assert 0 <= problem.offset <= len(text), f"offset {problem.offset} of {len(text)}"
    return f"syntax: {problem.message}"
