"""How a value is written into a text of JSON, XML, a form or a query: a table, and what is refused."""

from __future__ import annotations

import pytest

from arazzo_runner.expressions.evaluate import MissingValue
from arazzo_runner.expressions.nodes import Template
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.expressions.template import parse_template
from arazzo_runner.expressions.text_languages import render_as


def written(template, language, value):
    node = parse_template(template).node
    assert isinstance(node, Template)
    return render_as(node, Scope(inputs={"v": value}), language)


@pytest.mark.parametrize(
    ("language", "template", "value", "expected"),
    [
        pytest.param("text", "a {$inputs.v}", "<&'\">", "a <&'\">", id="plain text has no rules"),
        pytest.param("form", "a={$inputs.v}&b=1", "x&y=%+ é", "a=x%26y%3D%25%2B%20%C3%A9&b=1", id="a form value is percent-encoded"),
        pytest.param("form", "a={$inputs.v}&b=1", {"k": [1]}, "a=%7B%22k%22%3A%5B1%5D%7D&b=1", id="a structure is JSON, percent-encoded"),
        pytest.param("form", "{$inputs.v}", "a=1&b=2", "a=1&b=2", id="a form that is one expression is put in as it is"),
        pytest.param("form", " {$inputs.v}\n", "a=1&b=2", " a=1&b=2\n", id="also with blanks around it"),
        pytest.param("xml", "{$inputs.v}", "<a/>", "<a/>", id="XML that is one expression is put in as it is"),
        pytest.param("xml", "<a>{$inputs.v}</a>", "<b> & ]]>", "<a>&lt;b&gt; &amp; ]]&gt;</a>", id="character data"),
        pytest.param("xml", "<a b='{$inputs.v}'/>", "'\"\n<", "<a b='&apos;&quot;&#10;&lt;'/>", id="an attribute's value"),
        pytest.param("xml", "<a b={$inputs.v}/>", "x y", '<a b="x y"/>', id="an attribute's value without quotes gets them"),
        pytest.param("xml", "<{$inputs.v}>1</{$inputs.v}>", "pet", "<pet>1</pet>", id="the name of an element"),
        pytest.param("xml", "<![CDATA[{$inputs.v}]]>", "a & b", "<![CDATA[a & b]]>", id="plain text in CDATA"),
        pytest.param("xml", "<![CDATA[{$inputs.v}]]>", "a]]>b", "<![CDATA[]]>a]]&gt;b<![CDATA[]]>", id="what could end CDATA stands outside"),
        pytest.param("xml", "<!DOCTYPE a [<!ENTITY b '>'>]><a>{$inputs.v}</a>", "&", "<!DOCTYPE a [<!ENTITY b '>'>]><a>&amp;</a>", id="after a DOCTYPE"),
        pytest.param("xml", "<a b='>'>{$inputs.v}</a>", "'", "<a b='>'>'</a>", id="a > in quotes does not end a tag"),
        pytest.param("json", '{"a": "{$inputs.v}"}', '"\\\n', '{"a": "\\"\\\\\\n"}', id="a JSON string"),
        pytest.param("json", '{"a": {$inputs.v}}', "x", '{"a": "x"}', id="JSON outside quotes"),
        pytest.param("jsonpath", "$[?@.a == {$inputs.v}]", 5, "$[?@.a == 5]", id="a number in JSONPath"),
        pytest.param("jsonpath", "$[?@.a == {$inputs.v}]", True, "$[?@.a == true]", id="a boolean in JSONPath"),
        pytest.param("jsonpath", "$[?@.a == {$inputs.v}]", None, "$[?@.a == null]", id="null in JSONPath"),
        pytest.param("jsonpath", "$[?@.a == {$inputs.v}]", "it's", "$[?@.a == 'it\\'s']", id="a text in JSONPath"),
        pytest.param("jsonpath", "$[?@.a == {$inputs.v}]", "1.5", "$[?@.a == 1.5]", id="a text that is a number is one"),
        pytest.param("jsonpath", "$[?@.a == {$inputs.v}]", "true", "$[?@.a == 'true']", id="but a text true is a text"),
        pytest.param("jsonpath", "$.{$inputs.v}[0]", "pets", "$.pets[0]", id="the name of a member"),
        pytest.param("jsonpath", "$['{$inputs.v}']", "a'b\"", "$['a\\'b\"']", id="a name in quotes"),
        pytest.param("jsonpath", "$[{$inputs.v}]", 3, "$[3]", id="an index"),
        pytest.param("jsonpointer", "/a/{$inputs.v}", "b/c~", "/a/b~1c~0", id="one token of a JSON Pointer"),
        pytest.param("xpath", "//a[@b = {$inputs.v}]", "it's", "//a[@b = 'it''s']", id="a text in XPath"),
        pytest.param("xpath", "//a[@b = \"x{$inputs.v}\"]", '"', '//a[@b = "x"""]', id="a quote is doubled"),
        pytest.param("xpath", "//a[@b = {$inputs.v}]", True, "//a[@b = true()]", id="a boolean in XPath"),
        pytest.param("xpath", "//a[@b = {$inputs.v}]", None, "//a[@b = ()]", id="null in XPath"),
        pytest.param("xpath", "//a[b > {$inputs.v}]", "12", "//a[b > 12]", id="a text that is a number, in XPath"),
        pytest.param("xpath", "//a[b > 1{$inputs.v}]", -5, "//a[b > 1(-5)]", id="a negative number is not a subtraction"),
        pytest.param("xpath", "//{$inputs.v}/b", "a", "//a/b", id="the name of an element in XPath"),
        pytest.param("xpath", "//a = '{$inputs.v}", "' or 'b", "//a = ''' or ''b", id="a string of XPath without an end stays so"),
        pytest.param("xpath", "(: don't :) //a[@b = {$inputs.v}]", "c", "(: don't :) //a[@b = 'c']", id="after a comment"),
        pytest.param("xpath-10", "//a[@b = 'x{$inputs.v}']", "it's", "//a[@b = \"xit's\"]", id="XPath 1.0 takes the other quote"),
        pytest.param("xpath-10", "//a[@b = '{$inputs.v}']", "'\"", "//a[@b = concat(\"'\", '\"', \"\")]", id="XPath 1.0 with both quotes"),
        pytest.param("xpath-10", "//a[b > {$inputs.v}]", 1e22, "//a[b > 10000000000000000000000]", id="XPath 1.0 has no exponents"),
    ],
)  # fmt: skip
def test_a_value_is_written_as_its_place_asks(language, template, value, expected):
    assert written(template, language, value) == expected


@pytest.mark.parametrize(
    ("language", "template", "value", "reason"),
    [
        pytest.param("xml", "<!-- {$inputs.v} --><a/>", "x", "a comment", id="in a comment"),
        pytest.param("xml", '<?xml version="{$inputs.v}"?><a/>', "1.0", "processing instruction", id="in a processing instruction"),
        pytest.param("xml", "<!DOCTYPE {$inputs.v}><a/>", "a", "a declaration", id="in a DOCTYPE"),
        pytest.param("xml", "<{$inputs.v}/>", "a b='1'", "not a name", id="no name of an element"),
        pytest.param("xml", "<a>{$inputs.v}</a>", "\x00", "cannot contain", id="a character that XML lacks"),
        pytest.param("jsonpath", "$.{$inputs.v}", "a.b", "not a name", id="no name of a member"),
        pytest.param("jsonpath", '$["\\{$inputs.v}"]', '"', "backslash", id="after a backslash in JSONPath"),
        pytest.param("json", '{"a": "\\{$inputs.v}"}', '"', "backslash", id="after a backslash in JSON"),
        pytest.param("xpath", "//{$inputs.v}", "a|b", "not a name", id="no name of an element in XPath"),
        pytest.param("xpath", "(: {$inputs.v} :) //a", "x", "comment", id="in a comment of XPath"),
        pytest.param("xpath", "//a[(:) {$inputs.v} :) 1]", ":) 1]|//b[1", "comment", id="in a comment that begins with a bracket"),
        pytest.param("xpath", "//a[@b = '{$inputs.v}']", "x" * 70_000, "65536", id="too long for a query"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_stand_there_is_refused(language, template, value, reason):
    with pytest.raises(MissingValue, match=reason):
        written(template, language, value)
