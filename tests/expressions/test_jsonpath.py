"""JSONPath: RFC 9535, Goessner's draft, and the comparisons that are tolerated."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.jsonpath import parse_with_library
from arazzo_runner.expressions.queries.jsonpath_plain import plain_path
from arazzo_runner.expressions.queries.query import GOESSNER
from arazzo_runner.expressions.selectors import compile_query, passes, select
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
        return any(slip.code == "jsonpath-comparison" for slip in query.slips)
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
    assert not passes(selection)
    assert selection.reason is not None
    assert "too much work" in selection.reason


def test_work_grows_with_the_time_limit():
    query = compile_query("$..c[*]", "jsonpath", None)
    assert select(query, WIDE, timeout=0.0001).reason is not None
    assert len(select(query, WIDE).values) == 900


def test_a_value_deeper_than_the_stack_is_searched():
    value = nested(5000)
    assert len(select(compile_query("$..*", "jsonpath", None), value).values) == 5000
    assert passes(select(compile_query("$[?@ == $[0]]", "jsonpath", None), value))


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
    assert not passes(select(query, {"texts": ["a" * 5000], "pattern": "(a|a)*c"}))


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
    canonical = query.slips[0].canonical
    assert canonical is not None
    advised = compile_query(canonical, "jsonpath", None)
    assert advised.slips == ()
    assert passes(select(advised, value)) == passes(select(query, value))


# ------------------------------------------------------------------ what is read without the library

PLAIN = ("$", "$.items[0].id", "$['a b'][\"c\"]", "$.*[*][-1]", "$[?(@.id == 1)]", "$.pets[?@.name]",
         "$[?@.a[0].b != 'x']", "$[?@ >= 10]", "$[?(@.ok==true)]", "$[?@['a'] < null]")  # fmt: skip
NOT_PLAIN = ("", "$.", "$..id", "$.a b", "$[01]", "$[-0]", "$[?@.* == 1]", "$[?(@.a]", "$[?@.a)]", "$[?@.a == 01]",
             "$['a\\'b']", "$['\u00e9']", "$[?@.a && @.b]", "$[?@.a == 1].b", "$[0, 1]", "$[1:2]", "$ .a", "@.a")  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_the_plain_form_is_read_as_the_library_reads_it(text):
    assert plain_path(text) == parse_with_library(text)


@pytest.mark.parametrize("text", NOT_PLAIN)
def test_complex_queries_are_left_to_the_library(text):
    assert plain_path(text) is None


pieces = st.lists(
    st.sampled_from(
        ("$", "@", ".a", ".b1", ".*", "[0]", "[-1]", "[*]", "['a']", '["b c"]', "[?", "]", "(", ")", " == ", "<", "!=",
         "1", "0", "-", "'x'", '"y"', "true", "null", " ", "..", ",", ":", "&&", "!", "é", "\\", "\n")
    ),
    max_size=9,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(st.one_of(pieces, pieces.map("${}".format), pieces.map("$[?@{}]".format), pieces.map("$[?(@.a{})]".format)))
def test_whatever_is_read_as_plain_means_the_same_to_the_library(text):
    plain = plain_path(text)
    if plain is not None:
        assert plain == parse_with_library(text)
