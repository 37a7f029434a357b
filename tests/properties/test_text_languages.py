"""Properties of text languages: a value written into a template is read back as that value, and changes nothing else."""

from __future__ import annotations

import contextlib
import json
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings, strategies as st

from arazzo_runner.expressions.evaluate import MissingValue
from arazzo_runner.expressions.nodes import ExpressionSyntaxError, Template
from arazzo_runner.expressions.queries.query import compile_query, select
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.expressions.template import parse_template
from arazzo_runner.expressions.text_languages import render_as

QUICK = settings(max_examples=200, deadline=None)

texts = st.text(st.characters(codec="utf-8")) | st.text("'\"\\&<>]%+=; aé-/.~|@()[]\n\r\t", max_size=12)
xml_texts = texts.filter(lambda text: all(ord(c) >= 32 or c in "\t\n\r" for c in text) and "\ufffe" not in text and "\uffff" not in text)  # fmt: skip
words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Z")), max_size=12)
scalars = st.booleans() | st.none() | st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6).map(lambda n: round(n, 3))


def written(template, language, **inputs):
    """Return a template filled in."""
    node = parse_template(template).node
    assert isinstance(node, Template)
    return render_as(node, Scope(inputs=inputs), language)


@QUICK
@given(texts, texts)
def test_a_form_is_read_back(one, other):
    text = written("a={$inputs.one}&b=x{$inputs.other}y&c=1", "form", one=one, other=other)
    assert parse_qsl(text, keep_blank_values=True) == [("a", one), ("b", f"x{other}y"), ("c", "1")]


@QUICK
@given(texts, texts)
def test_json_is_read_back(one, other):
    text = written('{"a": "{$inputs.one}", "b": ["x{$inputs.other}y"], "c": 1}', "json", one=one, other=other)
    assert json.loads(text) == {"a": one, "b": [f"x{other}y"], "c": 1}


@QUICK
@given(xml_texts)
def test_xml_is_read_back(value):
    template = (
        '<?xml version="1.0"?><!-- <a b="> --><r a="x{$inputs.v}y" b=\'{$inputs.v}\' c={$inputs.v}>{$inputs.v}'
        "<c><![CDATA[]{$inputs.v}>]]></c><d>x{$inputs.v}y</d></r>"
    )
    root = ElementTree.fromstring(written(template, "xml", v=value))
    assert (root.get("a"), root.get("b"), root.get("c"), root.text) == (f"x{value}y", value, value, value or None)
    assert [(child.tag, child.text) for child in root] == [("c", f"]{value}>"), ("d", f"x{value}y")]


@QUICK
@given(words)
def test_jsonpath_quotes_a_text(value):
    document = [{"k": value, "n": 1}, {"k": value + "!", "n": 2}]
    for template in ('$[?@.k == "{$inputs.v}"].n', "$[?@.k == '{$inputs.v}'].n"):
        query = compile_query(written(template, "jsonpath", v=value), "jsonpath")
        assert select(query, document).values == (1,)
    query = compile_query(written("$['{$inputs.v}']", "jsonpath", v=value), "jsonpath")
    assert select(query, {value: 1, "": 1}).values == (1,)


@QUICK
@given(scalars | texts.filter(lambda text: text.strip("0123456789.-+eE") != ""))
def test_jsonpath_takes_a_value_as_a_literal(value):
    query = compile_query(written("$[?@.k == {$inputs.v}].n", "jsonpath", v=value), "jsonpath")
    other = "other" if value != "other" else "another"
    assert select(query, [{"k": value, "n": 1}, {"k": other, "n": 2}]).values == (1,)


@QUICK
@pytest.mark.parametrize("version", ["xpath-10", "xpath-20", "xpath-31"])
@given(value=words)
def test_xpath_quotes_a_text(version, value):
    language = "xpath-10" if version == "xpath-10" else "xpath"
    for template in ("concat('<', '{$inputs.v}', '>')", 'concat("<", "{$inputs.v}", ">")'):
        query = compile_query(written(template, language, v=value), "xpath", version)
        assert select(query, "<a/>").values == (f"<{value}>",)


@QUICK
@pytest.mark.parametrize("version", ["xpath-10", "xpath-31"])
@given(value=st.integers(-(10**9), 10**9) | words.filter(lambda text: text.strip("0123456789.-+eE") != ""))
def test_xpath_takes_a_value_as_a_literal(version, value):
    language = "xpath-10" if version == "xpath-10" else "xpath"
    query = compile_query(written("string({$inputs.v})", language, v=value), "xpath", version)
    assert select(query, "<a/>").values == (str(value),)


@QUICK
@pytest.mark.parametrize("language", ["jsonpath", "xpath-10", "xpath"])
@given(value=texts | scalars, template=st.sampled_from(["'", '"', "", "[", "=", "/", "@", ".", "1", "(:", "\\"]))
def test_a_query_is_written_or_refused_with_our_own_errors(language, value, template):
    kind = language.partition("-")[0]
    node = parse_template(f"$[?@.a == {template}{{$inputs.v}}{template}]").node
    assert isinstance(node, Template)
    with contextlib.suppress(MissingValue, ExpressionSyntaxError):
        text = render_as(node, Scope(inputs={"v": value}), language)
        compile_query(text, kind, language if language == "xpath-10" else None)


INJECTIONS = ['zzz" || @.id == 1 || @.s == "', "zzz' || @.id == 1 || @.s == '", "\\", '\\" || true || "', "']|//*['"]


@pytest.mark.parametrize("value", INJECTIONS)
@pytest.mark.parametrize(
    "template", ['$.pets[?@.s == "{$inputs.v}"]', "$.pets[?@.s == '{$inputs.v}']", "$.pets[?@.s == {$inputs.v}]"]
)
def test_a_value_never_makes_a_jsonpath_pass(template, value):
    query = compile_query(written(template, "jsonpath", v=value), "jsonpath")
    assert not select(query, {"pets": [{"id": 1, "s": "ab"}]}).passed


@pytest.mark.parametrize("value", [*INJECTIONS, "' or '1'='1", '" or "1"="1', "1 or true()", "x'] | //*['"])
@pytest.mark.parametrize("version", ["xpath-10", "xpath-31"])
@pytest.mark.parametrize(
    "template", ['//pet[@s = "{$inputs.v}"]', "//pet[@s = '{$inputs.v}']", "//pet[@s = {$inputs.v}]"]
)
def test_a_value_never_makes_an_xpath_pass(template, version, value):
    language = "xpath-10" if version == "xpath-10" else "xpath"
    query = compile_query(written(template, language, v=value), "xpath", version)
    assert not select(query, '<pets><pet id="1" s="ab"/></pets>').passed
