"""Selectors: one value of a selection, and the one interface to all languages."""

from __future__ import annotations

import subprocess
import sys

import pytest

from arazzo_runner.base.json_values import MISSING
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.query import compile_query, select
from tests.expressions.query_cases import cases, check_query


@pytest.mark.parametrize("case", cases("selectors"))
def test_case(case):
    check_query(case)


@pytest.mark.parametrize(("text", "kind"), [("$", "jsonpath"), ("", "jsonpointer"), ("/a", "xpath"), (".", "regex")])
def test_a_missing_context_selects_nothing_in_every_language(text, kind):
    selection = select(compile_query(text, kind, None), MISSING)
    assert (selection.value, selection.passed) == (MISSING, False)
    assert selection.reason == "the context is missing"


@pytest.mark.parametrize("kind", ["jsonpath", "jsonpointer"])
def test_bytes_are_no_json(kind):
    text = {"jsonpath": "$.a", "jsonpointer": "/a"}[kind]
    assert select(compile_query(text, kind, None), b"{}").reason == "the context is bytes, not JSON"


def test_an_unknown_language_is_named():
    with pytest.raises(ExpressionSyntaxError, match='"jmespath" is not a query language'):
        compile_query("a", "jmespath", None)


def test_a_query_prints_as_it_was_written():
    assert str(compile_query("$.a ['b']", "jsonpath", None)) == "$.a ['b']"


def test_compiling_twice_gives_the_same_query():
    assert compile_query("$.a", "jsonpath", None) is compile_query("$.a", "jsonpath", None)


def test_nothing_heavy_is_imported_before_a_query_needs_it():
    heavy = ("elementpath", "lxml", "jsonpath_rfc9535", "regex", "re2", "iregexp_check")
    code = f"import sys, arazzo_runner.expressions.queries.query; print([m for m in {heavy!r} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
