"""Regular expressions: ECMA-262's dialect, and nothing that runs away."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings, strategies as st

from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries import regex
from arazzo_runner.expressions.queries.query import compile_query, select
from arazzo_runner.expressions.queries.regex import translate
from tests.expressions.query_cases import cases, check_query


@pytest.mark.parametrize("case", cases("regex"))
def test_case(case):
    check_query(case)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("(a+)+$", id="nested repeats"),
        pytest.param("(a|aa)+$", id="ambiguous alternatives"),
        pytest.param("(.*a){25}b", id="counted wildcards"),
        pytest.param("^(([a-z])+.)+[A-Z]([a-z])+$", id="Java's classic"),
        pytest.param("^(?=.)(a|a)*$", id="ambiguous alternatives with lookahead"),
        pytest.param("(a*)*\\1c", id="nested repeats with a back reference"),
        pytest.param("(a{1500})*c", id="a repeat above RE2's limit"),
    ],
)
def test_no_pattern_runs_away(pattern):
    started = time.process_time()
    selection = select(compile_query(pattern, "regex", None), "a" * 40 + "!" + "a" * 20_000 + "!", timeout=0.3)
    assert time.process_time() - started < 2
    assert not selection.passed


def test_an_exceeded_time_limit_is_reported():
    selection = select(compile_query("^(?=.)(a|aa)+$", "regex", None), "a" * 60 + "!", timeout=0.05)
    assert selection.reason is not None
    assert "backtracking" in selection.reason
    assert "criterion-timeout" in selection.reason


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        pytest.param("x$", ["x"], id="a text beside it"),
        pytest.param(".x", ["\ud800x"], id="as one character, shown as it is"),
        pytest.param("\\?", [], id="and as no question mark"),
        pytest.param("\\p{L}x", [], id="nor as a letter"),
    ],
)
def test_lone_surrogates_are_searched_too(pattern, found):
    assert list(select(compile_query(pattern, "regex", None), "\ud800x").values) == found


@pytest.mark.parametrize("opening", ["(?i:", "(?i-:", "(?-s:", "(?i-s:", "(?i)(?:"])
def test_modifiers_are_understood(opening):
    """Those of ECMA-262, which Node has since version 23, and those of the rest of a group."""
    wanted = "B" if "i" in opening else None
    assert regex.compile_regex(f"^{opening}b)$").search("B", 1.0) == wanted


@pytest.mark.parametrize(
    "pattern", ["(?>a)", "(?R)", "a++", "[z-a]", "x{2,1}", "\\u{110000}", "\\uD83D", "\\", "(?<1>a)", "\\k<x>"]
)
def test_syntax_outside_ecma_262_is_an_error(pattern):
    with pytest.raises(ExpressionSyntaxError):
        compile_query(pattern, "regex", None)


PIECES = [
    "a",
    "(",
    ")",
    "(?:",
    "(?=",
    "(?<!",
    "(?<n>",
    "[",
    "]",
    "^",
    "$",
    "*",
    "+?",
    "{2}",
    "{",
    "}",
    "|",
    ".",
    "\\",
    "\\d",
    "\\1",
]
PIECES += ["\\u00", "\\u0041", "\\p{L}", "\\k<n>", "-", "/", "&&", "é", "\ud800", "\0", "{1,3}", "\\c", "\\S", "[:"]


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(max_size=12)))
def test_any_text_compiles_or_is_a_syntax_error_within_it(text):
    try:
        query = compile_query(text, "regex", None)
    except ExpressionSyntaxError as problem:
        offset = problem.offset
    else:
        offset = 0
        select(query, "aaé-&&{2}/:", timeout=0.1)
    assert 0 <= offset <= len(text)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from([*PIECES, "[^a-c]", "(?i)", "(|a)*", "\\P{Lu}", "\\b"]), max_size=8).map("".join),
    st.text(alphabet="aab1 -é\n{", max_size=6),
)
def test_both_engines_find_the_same(pattern, text):
    try:
        translated = translate(pattern)
    except ExpressionSyntaxError:
        return
    if not translated.backtracking:
        linear = regex.linear_search(translated.for_re2)
        assert linear is not None, translated.for_re2
        assert linear(text, 1.0) == regex.backtracking_search(translated.for_regex)(text, 1.0)


def test_a_pattern_is_compiled_when_it_is_searched_for():
    search = regex.compile_regex("^[A-Z]+[0-9]$").search
    assert search("AB1", 1.0) == "AB1"
    assert search("AB1\n", 1.0) is None
