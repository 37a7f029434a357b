"""JSONPath: RFC 9535, Goessner's draft, and the comparisons that are tolerated."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import assume, given, settings, strategies as st

from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.jsonpath_parser import parse_jsonpath
from arazzo_runner.expressions.queries.query import GOESSNER, compile_query, select
from tests.expressions.jsonpath_grammar import (
    DIFFERENT,
    documents,
    library_accepts,
    library_values,
    mutated,
    queries,
)
from tests.expressions.query_cases import cases, check_query

ROOT = Path(__file__).parents[2]
SUITES = (
    os.environ.get("JSONPATH_COMPLIANCE_SUITE", ""),
    # npm's jsonpath-rfc9535 is the one package of the registries that ships the official suite.
    "node_modules/jsonpath-rfc9535/src/__tests__/jsonpath-compliance-test-suite/cts.json",
)


@pytest.mark.parametrize("case", cases("jsonpath"))
def test_case(case):
    check_query(case)


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("$[?(@.a == 1 and @.b)]", "write &&"),
        ("$[?@.a == 1 or @.b]", "write ||"),
        ("$[?(@.a = 1)]", "write =="),
        ("$[?@.a =~ /x/]", "write search(@.name, 'pattern')"),
        ("$[?(@.a in [1, 2])]", None),
    ],
)
def test_an_operator_of_another_language_is_refused_with_a_hint(query, hint):
    with pytest.raises(ExpressionSyntaxError) as caught:
        parse_jsonpath(query)
    assert (query[caught.value.offset - 1], caught.value.hint) == (" ", hint)


def test_official_compliance_suite():
    """Every case of the official suite, through the function that criteria use."""
    found = next((ROOT / name for name in SUITES if name and (ROOT / name).is_file()), None)
    if found is None:
        pytest.skip("no cts.json: npm install --no-save jsonpath-rfc9535, or set JSONPATH_COMPLIANCE_SUITE")
    failed = [case["name"] for case in json.loads(found.read_text("utf-8"))["tests"] if not complies(case)]
    assert failed == []


def complies(case) -> bool:
    try:
        query = compile_query(case["selector"], "jsonpath", None)
    except ExpressionSyntaxError:
        return "invalid_selector" in case
    if case.get("invalid_selector"):  # tolerated with a warning, or wrongly accepted
        return any(slip.code == "jsonpath-comparison" for slip in query.tolerated)
    values = list(select(query, case["document"]).values)
    return values in case.get("results", [case.get("result")])


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


def branching(depth: int) -> object:
    """A list of two lists of two lists …, one object shared at every level: 2 ** depth paths."""
    value: object = 1
    for _ in range(depth):
        value = [value, value]
    return value


BRANCHING = branching(12)
WIDE = {"rows": [{"a": [1, 2, 3], "b": {"c": [4, 5, 6]}} for _ in range(300)]}


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("$" + "..*" * 5, id="descendants of descendants"),
        pytest.param(f"$[?count(@{'[*, *]' * 10}) > 0]", id="unions that multiply, inside a filter"),
        pytest.param("$" + "[0,0,1,1]" * 12, id="unions that multiply"),
        pytest.param("$..[?@..[?@..[?@[0][0][0] == 5]]]", id="filters in filters"),
        pytest.param("$..[?@..[?@..[?@[0] == @[1]]]]", id="deep comparisons"),
    ],
)
def test_a_query_with_multiplying_results_ends_with_a_reason(query):
    selection = select(compile_query(query, "jsonpath", None), BRANCHING)
    assert not selection.passed
    assert selection.reason is not None
    assert "too much work" in selection.reason


def test_work_grows_with_the_time_limit():
    query = compile_query("$..c[*]", "jsonpath", None)
    assert select(query, WIDE, timeout=0.0001).reason is not None
    assert len(select(query, WIDE).values) == 900


def test_a_value_deeper_than_the_stack_is_searched():
    value = nested(5000)
    assert len(select(compile_query("$..*", "jsonpath", None), value).values) == 5000
    assert select(compile_query("$[?@ == $[0]]", "jsonpath", None), value).passed


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("$[?" + "(" * 5000 + "@.a" + ")" * 5000 + "]", id="parentheses"),
        pytest.param("$[?" + "!" * 5000 + "@.a]", id="negations"),
        pytest.param("$" + "[?@" * 5000, id="filters"),
        pytest.param("$.a" * 30000, id="more than 64 KB"),
        pytest.param("$[" + "9" * 5000 + "]", id="digits"),
        pytest.param("$[?@.a == 1e999]", id="infinity"),
        pytest.param("$.a == 1e999", id="infinity in a comparison"),
        pytest.param("(" * 5000 + "$.a == 1" + ")" * 5000, id="parentheses in a comparison"),
    ],
)
def test_a_hostile_text_is_a_syntax_error(query):
    with pytest.raises(ExpressionSyntaxError):
        compile_query(query, "jsonpath", None)


def test_large_integers_keep_their_digits():
    query = compile_query("$[?@ == 9007199254740993]", "jsonpath", None)
    assert select(query, [9007199254740992, 9007199254740993]).values == (9007199254740993,)


def test_a_pattern_that_would_backtrack_does_not():
    query = compile_query("$.texts[?match(@, '(a+)+b') || search(@, $.pattern)]", "jsonpath", None)
    assert not select(query, {"texts": ["a" * 5000], "pattern": "(a|a)*c"}).passed


FRAGMENTS = st.lists(
    st.sampled_from(
        ["$", "@", ".", "..", "*", "[", "]", "(", ")", "?", "!", "==", "<", "&&", "||", ",", ":", "-", "1", "0", "e5"]
        + [
            "a",
            "length",
            "count(",
            "match(",
            "value(",
            "'x'",
            '"y"',
            "'",
            "null",
            "true",
            " ",
            "\\",
            "\\u00",
            "é",
            "\ud800",
        ]
    ),
    max_size=14,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(
    text=st.one_of(FRAGMENTS, FRAGMENTS.map("$".__add__), st.text(max_size=20)),
    version=st.sampled_from([None, GOESSNER]),
)
def test_any_text_compiles_or_is_a_syntax_error_within_it(text, version):
    try:
        query = compile_query(text, "jsonpath", version)
    except ExpressionSyntaxError as problem:
        offset = problem.offset
    else:
        offset = 0
        select(query, {"a": [1, {"length": "x"}], "é": None})
    assert 0 <= offset <= len(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("$.a.length > 1", {"a": [1, 2]}, id="length"),
        pytest.param("$.a != null", {"a": 1}, id="not null"),
        pytest.param("$.a != null", {"b": 1}, id="not null, but missing"),
        pytest.param("$.a == null", {"b": 1}, id="null by being missing"),
        pytest.param("$.a == null && $.b >= 1", {"b": 1}, id="null and more"),
        pytest.param("!($.a == 'it\\'s' || $.b[0] < 2)", {"a": "it's", "b": [3]}, id="negated group"),
        pytest.param('$[\'a b\'] == "say \\"x\\""', {"a b": 'say "x"'}, id="quotes"),
        pytest.param("$.a && $.b == false", {"a": 0, "b": False}, id="existence"),
    ],
)
def test_the_suggested_spelling_has_the_same_meaning(text, value):
    """The canonical spelling is RFC 9535 and gives the verdict of the tolerated one."""
    query = compile_query(text, "jsonpath", None)
    canonical = query.tolerated[0].canonical
    assert canonical is not None
    advised = compile_query(canonical, "jsonpath", None)
    assert advised.tolerated == ()
    assert select(advised, value).passed == select(query, value).passed


# ------------------------------------------------------------------ compared with another implementation


@settings(deadline=None, max_examples=400, derandomize=True)
@given(queries, documents)
def test_a_query_selects_what_the_library_selects(text, document):
    compiled = compile_query(text, "jsonpath", None)
    assert list(map(repr, select(compiled, {"root": document}).values)) == list(
        map(repr, library_values(text, {"root": document}))
    )


@settings(deadline=None, max_examples=800, derandomize=True)
@given(mutated())
def test_a_text_is_a_query_when_the_library_says_so(text):
    assume(not DIFFERENT.search(text))
    try:
        parse_jsonpath(text)
        accepted = True
    except ExpressionSyntaxError:
        accepted = False
    assert accepted == library_accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("$[?!!@.a]", id="a negation is not negated"),
        pytest.param("$[1:2 3]", id="a slice has one stop"),
        pytest.param("$[9007199254740992]", id="an integer beyond JSON's exact ones"),
        pytest.param("$[01]", id="leading zeros"),
        pytest.param("$[-0]", id="a sign before 0"),
        pytest.param("$['\\ud800']", id="half a surrogate pair"),
        pytest.param("$ .a ", id="a blank at the end"),
        pytest.param("$[?count(@.a, @.b) == 1]", id="too many arguments"),
        pytest.param("$[?match(@.a, 'a') == true]", id="a test is not compared"),
        pytest.param("$[?length(@.*) == 1]", id="several values where one belongs"),
        pytest.param("$[?@.a === 1]", id="an operator of scripts"),
    ],
)
def test_what_rfc_9535_excludes_is_a_syntax_error(text):
    with pytest.raises(ExpressionSyntaxError, match="not an RFC 9535 JSONPath"):
        compile_query(text, "jsonpath", None)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        pytest.param("$[?@[?@.a, ?@.b]]", [[{"a": 1}], [{"b": 2}]], id="several filters inside of a filter"),
        pytest.param("$[?@[?$[2] == false]]", [[{"a": 1}], [{"b": 2}]], id="the root inside of two filters"),
        pytest.param("$[?@]", [[{"a": 1}], [{"b": 2}], False], id="the current value exists though it is false"),
    ],
)
def test_where_the_library_is_wrong(text, values):
    document = [[{"a": 1}], [{"b": 2}], False]
    assert list(select(compile_query(text, "jsonpath", None), document).values) == values
