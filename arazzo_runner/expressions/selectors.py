"""JSONPath, XPath, JSON Pointer and regular expressions behind one compile, one select, one verdict.

Criteria (Arazzo 1.1 §Condition Evaluation), Selector Objects and payload replacements all use
these. The languages themselves (queries.py, query_select.py and what they import) are loaded
with the first query: most documents have simple conditions only.
"""

from __future__ import annotations

from typing import Literal as OneOf

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing
from arazzo_runner.base.records import PartlyComparedRecord, Record
from arazzo_runner.expressions.nodes import Slip


class Query(PartlyComparedRecord):
    """A compiled query: its text as written, its language and version, and what was tolerated in it."""

    _hidden_in_repr = ("compiled",)
    _ignored_in_eq = ("compiled",)

    text: str
    kind: str
    version: str
    compiled: object
    slips: tuple[Slip, ...] = ()

    def __str__(self) -> str:
        return self.text


class Selection(Record):
    """What a query found: `values` in order, and of what `type`.

    `passed` is the verdict as a condition, by the rules of the query's language and version;
    `reason` says why nothing could be evaluated; `warning` says how a doubtful filter was
    read (semantics §4), to be shown beside the verdict.
    """

    type: OneOf["nodes", "boolean", "number", "string", "match"]
    values: tuple[JsonValue, ...] = ()
    passed: bool = False
    reason: str | None = None
    warning: str | None = None

    @property
    def value(self) -> JsonValue | Missing:
        """The selection as one value: MISSING for none, the value for one, a list for several."""
        if not self.values:
            return MISSING
        return self.values[0] if len(self.values) == 1 else list(self.values)


def compile_query(text: str, kind: str, version: str | None = None) -> Query:
    """Compile a query of `kind` jsonpath, xpath, jsonpointer or regex; repeated texts are compiled once.

    `version` is one of Arazzo 1.1 §Expression Type Object, None for the kind's default.
    Raises ExpressionSyntaxError with the offset of what does not fit.
    """
    from arazzo_runner.expressions.queries import query as queries

    return queries.compile_query(text, kind, version)


def select(query: Query, value: JsonValue | Missing, *, timeout: float = 1.0, now: float = 0.0) -> Selection:
    """Apply a query to a value; a problem is in the result (`reason`), never raised.

    `timeout` in seconds bounds the work; `now` is the time for current-dateTime(), in seconds since
    the epoch. Null and MISSING select nothing (Arazzo 1.1 §Condition Evaluation: such a context fails).
    """
    from arazzo_runner.expressions.queries import select as query_select

    return query_select.select(query, value, timeout=timeout, now=now)


def passes(selection: Selection) -> bool:
    """Tell whether a selection, as a condition, passes (Arazzo 1.1 §Condition Evaluation)."""
    return selection.passed
