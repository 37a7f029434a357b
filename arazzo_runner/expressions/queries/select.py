"""Queries at work on values; imported when the first is applied.

No query reads anything but the value it is given, and none outlives its limit: queries count
their work (budget.py), patterns run in linear time or under a clock (regex.py).
"""

from __future__ import annotations

from typing import Literal as OneOf, cast

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing, resolve_pointer, to_text, type_name
from arazzo_runner.expressions.queries.budget import Budget, TooMuchWork
from arazzo_runner.expressions.queries.jsonpath import root_filter
from arazzo_runner.expressions.queries.jsonpath_nodes import Path, Test
from arazzo_runner.expressions.queries.jsonpath_walk import Walk
from arazzo_runner.expressions.queries.query import Pointer
from arazzo_runner.expressions.queries.regex import Regex
from arazzo_runner.expressions.queries.xml_text import NotXml, parse_xml
from arazzo_runner.expressions.queries.xpath import XPath, XPathFailure
from arazzo_runner.expressions.selectors import Query, Selection


def select(query: Query, value: JsonValue | Missing, *, timeout: float = 1.0, now: float = 0.0) -> Selection:
    """Apply a query to a value; a problem is in the result (`reason`), never raised.

    `timeout` in seconds bounds the work; `now` is the time for current-dateTime(), in seconds since
    the epoch. Null and MISSING select nothing (Arazzo 1.1 §Condition Evaluation: such a context fails).
    """
    kind: OneOf["nodes", "match"] = "match" if query.kind == "regex" else "nodes"
    if value is MISSING or value is None:
        return Selection(kind, reason=f"the context is {type_name(value)}")
    try:
        return _select(query, value, Budget(timeout), now)
    except (TooMuchWork, NotXml, XPathFailure) as problem:
        return Selection(kind, reason=str(problem))
    except RecursionError:
        return Selection(kind, reason="the value is nested too deeply for this query")


def _select(query: Query, value: JsonValue, budget: Budget, now: float) -> Selection:
    compiled = query.compiled
    if isinstance(compiled, Regex):
        found = compiled.search(to_text(value), budget.seconds)
        return Selection("match", () if found is None else (found,), found is not None)
    if isinstance(compiled, XPath):
        from arazzo_runner.expressions.queries.xpath_evaluate import (  # lazily: it loads decimal, lxml
            evaluate_xpath,
            item_value,
        )

        result = evaluate_xpath(compiled, parse_xml(value), budget, now)
        values = tuple(item_value(item, budget) for item in result.items)
        return Selection(result.type, values, result.passed, result.problem)
    if isinstance(value, bytes):
        return Selection("nodes", reason="the context is bytes, not JSON")
    if isinstance(compiled, Pointer):
        target = resolve_pointer(value, compiled.pointer)
        return Selection("nodes", () if target is MISSING else (target,), target is not MISSING)
    if isinstance(compiled, Path):
        return _select_path(compiled, value, budget)
    passed = Walk(value, budget).holds(cast(Test, compiled), value)
    return Selection("boolean", (passed,), passed)


def _select_path(path: Path, value: JsonValue, budget: Budget) -> Selection:
    values = tuple(node[0] for node in Walk(value, budget).nodes(path))
    if values:
        return Selection("nodes", values, passed=True)
    test = root_filter(path)
    if test is not None and isinstance(value, dict):
        return _filter_object(test, value, budget)
    reason = "the context is a text, not a JSON structure" if isinstance(value, str) and path.segments else None
    return Selection("nodes", reason=reason)


def _filter_object(test: Test, value: JsonValue, budget: Budget) -> Selection:
    """Try a filter that selected none of an object's members on the object itself (semantics §4).

    `$[?count(@.pets) > 0]`, the Specification's own example, means the object; RFC 9535
    filters its members. It passes then, but as a query it still selects nothing.
    """
    if not Walk(value, budget, count_is_length=True).holds(test, value):
        return Selection("nodes")
    warning = "the filter selects none of the object's members; it was read as a test of the object itself"
    return Selection("nodes", passed=True, warning=warning)
