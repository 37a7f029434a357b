"""The query languages at work: what selectors.py stands in front of, imported when first needed.

No query reads anything but the value it is given, and none outlives its limit: queries count
their work (budget.py), patterns run in linear time or under a clock (regex.py).
"""

from __future__ import annotations

import functools
from typing import Literal as OneOf
from typing import TypeAlias, cast

from arazzo_runner.expressions.budget import Budget, TooMuchWork
from arazzo_runner.expressions.goessner import parse_goessner
from arazzo_runner.expressions.jsonpath import parse_jsonpath, passes_anything, root_filter
from arazzo_runner.expressions.jsonpath_comparison import parse_comparison
from arazzo_runner.expressions.jsonpath_nodes import Path, Test
from arazzo_runner.expressions.jsonpath_walk import Walk
from arazzo_runner.expressions.nodes import ExpressionSyntaxError, Slip
from arazzo_runner.expressions.regex import Regex, compile_regex
from arazzo_runner.expressions.selectors import Query, Selection
from arazzo_runner.expressions.xml_text import NotXml, parse_xml
from arazzo_runner.expressions.xpath import VERSIONS as XPATH_VERSIONS
from arazzo_runner.expressions.xpath import XPath, XPathFailure, compile_xpath, evaluate_xpath, item_value
from arazzo_runner.records import record, replace
from arazzo_runner.values import MISSING, JsonValue, Missing, resolve_pointer, to_text, type_name

MAX_LENGTH = 65_536
GOESSNER = "draft-goessner-dispatch-jsonpath-00"
DEFAULT_VERSIONS = {"jsonpath": "rfc9535", "xpath": "xpath-31", "jsonpointer": "rfc6901", "regex": "ecma-262"}
KNOWN_VERSIONS = {
    "jsonpath": ("rfc9535", GOESSNER),
    "xpath": tuple(XPATH_VERSIONS),
    "jsonpointer": ("rfc6901",),
    "regex": ("ecma-262",),
}


@record(frozen=True, slots=True)
class Pointer:
    """A JSON Pointer (RFC 6901)."""

    pointer: str


Compiled: TypeAlias = Path | Test | XPath | Regex | Pointer


@functools.lru_cache(maxsize=1024)
def compile_query(text: str, kind: str, version: str | None = None) -> Query:
    """Compile a query of `kind` jsonpath, xpath, jsonpointer or regex.

    `version` is one of Arazzo 1.1 §Expression Type Object, None for the kind's default.
    Raises ExpressionSyntaxError with the offset of what does not fit.
    """
    if kind not in KNOWN_VERSIONS:
        raise ExpressionSyntaxError(f'"{kind}" is no query language', hint=f"use one of {', '.join(KNOWN_VERSIONS)}")
    version = DEFAULT_VERSIONS[kind] if version is None else version
    if version not in KNOWN_VERSIONS[kind]:
        hint = f"use one of {', '.join(KNOWN_VERSIONS[kind])}"
        raise ExpressionSyntaxError(f'"{version}" is no known version of {kind}', hint=hint)
    if len(text) > MAX_LENGTH:
        raise ExpressionSyntaxError(f"the query is longer than {MAX_LENGTH} characters")
    try:
        compiled, slips = _compile(text, kind, version)
    except RecursionError:
        raise ExpressionSyntaxError("the query is nested too deeply") from None
    return Query(text, kind, version, compiled, slips)


def select(query: Query, value: JsonValue | Missing, *, timeout: float = 1.0) -> Selection:
    """Apply a query to a value; a problem is in the result (`reason`), never raised.

    `timeout` in seconds bounds the work. Null and MISSING select nothing (Arazzo 1.1
    §Condition Evaluation: such a context fails).
    """
    kind: OneOf["nodes", "match"] = "match" if query.kind == "regex" else "nodes"
    if value is MISSING or value is None:
        return Selection(kind, reason=f"the context is {type_name(value)}")
    try:
        return _select(query, value, Budget(timeout))
    except (TooMuchWork, NotXml, XPathFailure) as problem:
        return Selection(kind, reason=str(problem))
    except RecursionError:
        return Selection(kind, reason="the value is nested too deeply for this query")


# ------------------------------------------------------------------ compiling


def _compile(text: str, kind: str, version: str) -> tuple[Compiled, tuple[Slip, ...]]:
    if kind == "xpath":
        return compile_xpath(text, XPATH_VERSIONS[version]), ()
    if kind == "regex":
        compiled = compile_regex(text)
        return compiled, compiled.slips
    return _pointer(text) if kind == "jsonpointer" else _jsonpath(text, version)


def _jsonpath(text: str, version: str) -> tuple[Path | Test, tuple[Slip, ...]]:
    parse_path = parse_goessner if version == GOESSNER else parse_jsonpath
    try:
        path = parse_path(text)
    except ExpressionSyntaxError as problem:
        compared = parse_comparison(text, parse_path)
        if compared is not None:
            test, found = compared
            # Its canonical form is RFC 9535's; under Goessner's draft there is none to be written.
            return test, (found if version != GOESSNER else replace(found, span=(0, 0)),)
        if version == GOESSNER and (standard := _standard(text)) is not None:
            return standard
        if text.startswith("#/"):
            name = text[2:].split(" ")[0].replace("/", ".")
            raise ExpressionSyntaxError(problem.message, 0, 2, f"write $[?$.{name} == …]") from None
        raise
    slip = None if version == GOESSNER else passes_anything(path)
    return path, () if slip is None else (slip,)


def _standard(text: str) -> tuple[Path | Test, tuple[Slip, ...]] | None:
    """Read as RFC 9535 what was announced as Goessner's draft and is none; None when it is neither.

    The example of a well-known tool is written so.
    """
    try:
        path, slips = _jsonpath(text, DEFAULT_VERSIONS["jsonpath"])
    except ExpressionSyntaxError:
        return None
    message = f"this is RFC 9535, and no JSONPath of {GOESSNER}"
    return path, (Slip("jsonpath-version", message, 0, len(text), "type: jsonpath"), *slips)


def _pointer(text: str) -> tuple[Pointer, tuple[Slip, ...]]:
    pointer = text
    slips: tuple[Slip, ...] = ()
    if text.startswith("#"):
        from urllib.parse import unquote

        pointer = unquote(text[1:])
        message = "a JSON Pointer has no # (that is its form in a URI)"
        slips = (Slip("pointer-fragment", message, 0, 1, pointer, (0, len(text))),)
    if pointer and not pointer.startswith("/"):
        raise ExpressionSyntaxError("a JSON Pointer begins with /", hint=f"write /{text}")
    place = pointer.find("~")
    while place >= 0:
        if pointer[place + 1 : place + 2] not in ("0", "1"):
            raise ExpressionSyntaxError('"~" stands for nothing here', place, 1, "write ~0 for ~, ~1 for /")
        place = pointer.find("~", place + 1)
    return Pointer(pointer), slips


# ------------------------------------------------------------------ selecting


def _select(query: Query, value: JsonValue, budget: Budget) -> Selection:
    compiled = query.compiled
    if isinstance(compiled, Regex):
        found = compiled.search(to_text(value), budget.seconds)
        return Selection("match", () if found is None else (found,), found is not None)
    if isinstance(compiled, XPath):
        result = evaluate_xpath(compiled, parse_xml(value), budget)
        values = tuple(map(item_value, result.items))
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
