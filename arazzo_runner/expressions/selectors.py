"""JSONPath, XPath, JSON Pointer and regular expressions behind one `select(query, value)`.

`compile_query` parses once; `select` gives what the query finds; `passes` is the effective
boolean value of that (Arazzo 1.1 §Condition Evaluation).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from arazzo_runner.expressions.nodes import ExpressionSyntaxError, Slip
from arazzo_runner.values import MISSING, JsonValue, Missing, is_truthy, resolve_pointer, to_text, type_name


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: its text, its language and version, what was tolerated, and the engine's own form."""

    text: str
    kind: str
    version: str
    slips: tuple[Slip, ...] = ()
    compiled: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Selection:
    """What a query found.

    `form` is "nodes" (a nodelist), "value" (an XPath boolean, number or string, or a
    comparison's verdict) or "failed" (could not be evaluated: `reason` says why).
    """

    form: Literal["nodes", "value", "failed"]
    found: tuple[JsonValue, ...] = ()
    reason: str | None = None

    @property
    def value(self) -> JsonValue | Missing:
        """What a Selector Object gives: one node as itself, several as a list, none as MISSING."""
        if self.form == "failed" or not self.found:
            return MISSING
        return self.found[0] if len(self.found) == 1 else list(self.found)


def compile_query(text: str, kind: str, version: str | None = None) -> Query:
    """Parse a query of kind jsonpath, xpath, jsonpointer or regex; the default version when None.

    Raises ExpressionSyntaxError with the offset of what is wrong.
    """
    return _compile(text, kind, version)


@lru_cache(maxsize=1024)
def _compile(text: str, kind: str, version: str | None) -> Query:
    if kind == "jsonpointer":
        if text and not text.startswith("/"):
            raise ExpressionSyntaxError("a JSON Pointer begins with /", 0, 1, f"write /{text.lstrip('#/')}")
        return Query(text, kind, version or "rfc6901")
    if kind == "regex":
        from arazzo_runner.expressions.regex import compile_pattern

        return Query(text, kind, "", (), compile_pattern(text))
    if kind == "xpath":
        from arazzo_runner.expressions.xpath import compile_xpath

        chosen = version or "xpath-31"
        return Query(text, kind, chosen, (), compile_xpath(text, chosen))
    from arazzo_runner.expressions.jsonpath import compile_jsonpath

    chosen = version or "rfc9535"
    compiled, slips = compile_jsonpath(text, chosen)
    return Query(text, "jsonpath", chosen, slips, compiled)


def select(query: Query, value: JsonValue, *, timeout: float = 1.0) -> Selection:
    """Apply a query to a value; whatever goes wrong is a Selection that says so.

    `timeout` (seconds) bounds engines that are not linear in time.
    """
    if query.kind == "jsonpointer":
        found = resolve_pointer(value, query.text)
        return Selection("nodes", () if found is MISSING else (found,))
    if query.kind == "regex":
        return _matched(query, value, timeout)
    if query.kind == "xpath":
        from arazzo_runner.expressions.xpath import select_xpath

        return select_xpath(query.compiled, value)
    if isinstance(value, str):
        return Selection("failed", reason="the context is text, not JSON")
    from arazzo_runner.expressions.jsonpath import select_jsonpath

    return select_jsonpath(query.compiled, value)


def passes(selection: Selection) -> bool:
    """Tell whether a selection lets a criterion pass: a node at least, or a truthy XPath value."""
    if selection.form == "nodes":
        return bool(selection.found)
    return selection.form == "value" and bool(selection.found) and is_truthy(selection.found[0])


def _matched(query: Query, value: JsonValue, timeout: float) -> Selection:
    from arazzo_runner.expressions.regex import RegexTimeout, search

    if value is None or value is MISSING:
        return Selection("failed", reason=f"the context is {type_name(value)}")
    try:
        return Selection("value", (search(query.compiled, to_text(value), timeout),))
    except RegexTimeout as problem:
        return Selection("failed", reason=str(problem))
