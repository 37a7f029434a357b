"""JSONPath, XPath, JSON Pointer and regular expressions behind one `compile_query` and one `select`.

Criteria (Arazzo 1.1 §Condition Evaluation), Selector Objects and payload replacements use both.
Each language is imported when its first query is compiled or evaluated: most documents have none.
No query reads anything but the value it is given, and each is bounded: queries count their work
(budget.py), patterns run in linear time or with a time limit (regex.py).
"""

from __future__ import annotations

import functools
from typing import Literal as OneOf, cast

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing, resolve_pointer, to_text, type_name
from arazzo_runner.base.records import PartlyComparedRecord, Record, replace
from arazzo_runner.expressions.nodes import ExpressionSyntaxError, ToleratedSyntax
from arazzo_runner.expressions.queries.budget import Budget, QueryFailure, TooMuchWork

MAX_LENGTH = 65_536
GOESSNER = "draft-goessner-dispatch-jsonpath-00"
VERSIONS = {
    "jsonpath": ("rfc9535", GOESSNER),
    "xpath": ("xpath-31", "xpath-30", "xpath-20", "xpath-10"),
    "jsonpointer": ("rfc6901",),
    "regex": ("ecma-262",),
}
"""The versions of each language, its default first (Arazzo 1.1 §Expression Type Object)."""


class Pointer(Record):
    """A JSON Pointer (RFC 6901)."""

    pointer: str


class Query(PartlyComparedRecord):
    """A compiled query: its text as written, its language and version, and what was tolerated in it."""

    _hidden_in_repr = ("compiled",)
    _ignored_in_eq = ("compiled",)

    text: str
    kind: str
    version: str
    compiled: object
    tolerated: tuple[ToleratedSyntax, ...] = ()

    def __str__(self) -> str:
        return self.text


class Selection(Record):
    """The values a query selects, in order, and their `type`.

    `passed` is the verdict as a condition, by the rules of the query's language and version;
    `reason` says why nothing could be evaluated, `stopped` whether a limit of work did that; `warning`
    says how an ambiguous filter was interpreted (semantics §4), to be shown beside the verdict.
    """

    type: OneOf["nodes", "boolean", "number", "string", "match"]
    values: tuple[JsonValue, ...] = ()
    passed: bool = False
    reason: str | None = None
    warning: str | None = None
    stopped: bool = False

    @property
    def value(self) -> JsonValue | Missing:
        """The selection as one value: MISSING for none, the value for one, a list for several."""
        if not self.values:
            return MISSING
        return self.values[0] if len(self.values) == 1 else list(self.values)


@functools.lru_cache(maxsize=1024)
def compile_query(text: str, kind: str, version: str | None = None) -> Query:
    """Compile a query of `kind` jsonpath, xpath, jsonpointer or regex; repeated texts are compiled once.

    `version` is one of Arazzo 1.1 §Expression Type Object, None for the kind's default.
    Raises ExpressionSyntaxError with the offset of what does not fit.
    """
    if kind not in VERSIONS:
        raise ExpressionSyntaxError(f'"{kind}" is not a query language', hint=f"use one of {', '.join(VERSIONS)}")
    version = VERSIONS[kind][0] if version is None else version
    if version not in VERSIONS[kind]:
        hint = f"use one of {', '.join(VERSIONS[kind])}"
        raise ExpressionSyntaxError(f'"{version}" is not a known version of {kind}', hint=hint)
    if len(text) > MAX_LENGTH:
        raise ExpressionSyntaxError(f"the query is longer than {MAX_LENGTH} characters")
    try:
        compiled, tolerated = _compile(text, kind, version)
    except RecursionError:
        raise ExpressionSyntaxError("the query is nested too deeply") from None
    return Query(text, kind, version, compiled, tolerated)


def select(query: Query, value: JsonValue | Missing, *, timeout: float = 1.0, now: float = 0.0) -> Selection:
    """Apply a query to a value; a problem is in the result (`reason`), never raised.

    `timeout` in seconds bounds the work; `now` is the time of current-dateTime(), in seconds since
    the epoch. Null and MISSING select nothing (Arazzo 1.1 §Condition Evaluation: such a context fails).
    """
    kind: OneOf["nodes", "match"] = "match" if query.kind == "regex" else "nodes"
    if value is MISSING or value is None:
        return Selection(kind, reason=f"the context is {type_name(value)}")
    try:
        return _select(query, value, Budget(timeout), now)
    except QueryFailure as problem:
        return Selection(kind, reason=str(problem), stopped=isinstance(problem, TooMuchWork))
    except RecursionError:
        return Selection(kind, reason="the value is nested too deeply for this query")


# ------------------------------------------------------------------ compiling


def _compile(text: str, kind: str, version: str) -> tuple[object, tuple[ToleratedSyntax, ...]]:
    if kind == "xpath":
        from arazzo_runner.expressions.queries.xpath import VERSION_NUMBERS, compile_xpath

        return compile_xpath(text, VERSION_NUMBERS[version]), ()
    if kind == "regex":
        from arazzo_runner.expressions.queries.regex import compile_regex

        compiled = compile_regex(text)
        return compiled, compiled.tolerated
    return _pointer(text) if kind == "jsonpointer" else _jsonpath(text, version)


def _jsonpath(text: str, version: str) -> tuple[object, tuple[ToleratedSyntax, ...]]:
    from arazzo_runner.expressions.queries.jsonpath_comparison import length_members, parse_comparison, passes_anything
    from arazzo_runner.expressions.queries.jsonpath_parser import parse_jsonpath

    goessner = version == GOESSNER
    try:
        path = parse_jsonpath(text, goessner=goessner)
    except ExpressionSyntaxError as problem:
        compared = parse_comparison(text, goessner=goessner)
        if compared is not None:
            test, found = compared
            # Its canonical form is RFC 9535's; under Goessner's draft there is none to be written.
            return test, (found if not goessner else replace(found, span=(0, 0)),)
        if goessner and (standard := _standard(text)) is not None:
            return standard
        if text.startswith("#/"):
            name = text[2:].split(" ")[0].replace("/", ".")
            raise ExpressionSyntaxError(problem.message, 0, 2, f"write $[?$.{name} == …]") from None
        raise
    if goessner:
        return path, ()
    warning = passes_anything(path)
    return path, (*(() if warning is None else (warning,)), *length_members(text))


def _standard(text: str) -> tuple[object, tuple[ToleratedSyntax, ...]] | None:
    """Compile as RFC 9535 what is declared as Goessner's draft and is not; None when it is neither.

    The example of a well-known tool is written so.
    """
    try:
        path, tolerated = _jsonpath(text, VERSIONS["jsonpath"][0])
    except ExpressionSyntaxError:
        return None
    message = f"this is RFC 9535, not a JSONPath of {GOESSNER}"
    return path, (ToleratedSyntax("jsonpath-version", message, 0, len(text), "type: jsonpath"), *tolerated)


def _pointer(text: str) -> tuple[Pointer, tuple[ToleratedSyntax, ...]]:
    pointer = text
    tolerated: tuple[ToleratedSyntax, ...] = ()
    if text.startswith("#"):
        from urllib.parse import unquote

        pointer = unquote(text[1:])
        message = "a JSON Pointer has no # (that is its form in a URI)"
        tolerated = (ToleratedSyntax("pointer-fragment", message, 0, 1, pointer, (0, len(text))),)
    if pointer and not pointer.startswith("/"):
        raise ExpressionSyntaxError("a JSON Pointer begins with /", hint=f"write /{_as_pointer(text)}")
    place = pointer.find("~")
    while place >= 0:
        if pointer[place + 1 : place + 2] not in ("0", "1"):
            raise ExpressionSyntaxError('"~" must be followed by 0 or 1', place, 1, "write ~0 for ~, ~1 for /")
        place = pointer.find("~", place + 1)
    return Pointer(pointer), tolerated


def _as_pointer(text: str) -> str:
    """Return `metadata/source` for `metadata.source`, `items/0` for `items[0]`; other texts as they are."""
    steps = text.replace("[", ".").replace("]", "")
    return steps.replace(".", "/") if all(step.replace("_", "a").isalnum() for step in steps.split(".")) else text


# ------------------------------------------------------------------ selecting


def _select(query: Query, value: JsonValue, budget: Budget, now: float) -> Selection:
    if query.kind == "regex":
        return _select_match(query, value, budget)
    if query.kind == "xpath":
        return _select_xpath(query, value, budget, now)
    if isinstance(value, bytes):
        return Selection("nodes", reason="the context is bytes, not JSON")
    if isinstance(query.compiled, Pointer):
        target = resolve_pointer(value, query.compiled.pointer)
        return Selection("nodes", () if target is MISSING else (target,), target is not MISSING)
    return _select_jsonpath(query, value, budget)


def _select_match(query: Query, value: JsonValue, budget: Budget) -> Selection:
    from arazzo_runner.expressions.queries.regex import Regex

    found = cast(Regex, query.compiled).search(to_text(value), budget.seconds)
    return Selection("match", () if found is None else (found,), found is not None)


def _select_xpath(query: Query, value: JsonValue, budget: Budget, now: float) -> Selection:
    from arazzo_runner.expressions.queries.xml_tree import parse_xml
    from arazzo_runner.expressions.queries.xpath import XPath
    from arazzo_runner.expressions.queries.xpath_evaluate import evaluate_xpath, item_value

    result = evaluate_xpath(cast(XPath, query.compiled), parse_xml(value), budget, now)
    values = tuple(item_value(item, budget) for item in result.items)
    return Selection(result.type, values, result.passed, result.problem)


def _select_jsonpath(query: Query, value: JsonValue, budget: Budget) -> Selection:
    from arazzo_runner.expressions.queries.jsonpath_nodes import Path, Test, root_filter
    from arazzo_runner.expressions.queries.jsonpath_walker import Walker

    path = query.compiled
    if not isinstance(path, Path):
        passed = Walker(value, budget).holds(cast(Test, path), value)
        return Selection("boolean", (passed,), passed)
    values = tuple(node[0] for node in Walker(value, budget).nodes(path))
    if values:
        return Selection("nodes", values, passed=True)
    test = root_filter(path)
    if test is None or not isinstance(value, dict):
        is_text = isinstance(value, str) and path.segments
        return Selection("nodes", reason="the context is a text, not a JSON structure" if is_text else None)
    # `$[?count(@.pets) > 0]`, the Specification's own example, means the object; RFC 9535 filters
    # its members. It passes if the object does, but as a query it still selects nothing (semantics §4).
    if not Walker(value, budget, count_is_length=True).holds(test, value):
        return Selection("nodes")
    warning = "the filter selects none of the object's members; it was read as a test of the object itself"
    return Selection("nodes", passed=True, warning=warning)
