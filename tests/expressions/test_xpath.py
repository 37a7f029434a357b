"""XPath 1.0 to 3.1: results, truth values, no access outside the document, limited time."""

from __future__ import annotations

import sys
import time

import pytest
from hypothesis import given, settings, strategies as st

from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.query import compile_query, select
from arazzo_runner.expressions.queries.xpath import is_plain
from arazzo_runner.expressions.queries.xpath1_parser import parse_xpath1
from arazzo_runner.expressions.queries.xpath_engine import parsed
from tests.expressions.query_cases import cases, check_query

XML = (
    '<root a="1" b="x"><id>4711</id><id>12</id><e/><pets><pet n="x"><id>1</id></pet>'
    '<pet n="y"><id>2</id>t</pet></pets><!--c--></root>'
)


@pytest.mark.parametrize("case", cases("xpath"))
def test_case(case):
    check_query(case)


@pytest.mark.parametrize(
    "expression",
    [
        "/root/id = 4711 ",
        " /root/id != 4711 ",
        " /root/id < 5 ",
        " 4711 = /root/id ",
        " /root/id = /root/pets/pet/id ",
        " /root/@a = 1\n    ",
        " count(//id) ",
        " sum(//id) ",
        " '4' = 4 ",
        " 'a' < 'b' ",
        " true() = 1 ",
        " /root/none = '' ",
        " not(/root/none) ",
        " boolean(/root/e)\n    ",
        " string(//id) ",
        " concat('a', //id, 1) ",
        " starts-with(//id, '47') ",
        " substring('12345', 1.5, 2.6) ",
        " number(//id)\n    ",
        " 1 div 0 ",
        " -1 div 0 ",
        " 0 div 0 ",
        " 5 mod -2 ",
        " floor(2.6) ",
        " round(2.5) ",
        " round(-2.5) ",
        " //pet[2]/@n ",
        " //pet[last()]/id\n    ",
        " //pet[@n='x' or @n='z'] ",
        " name(//pet) ",
        " //id[. = 12] ",
        " //pet[id=2]/text() ",
        " //comment() ",
        " //@*\n    ",
        " //pet/ancestor::root ",
        " //pet/following-sibling::pet/@n ",
        " //pet[1]/preceding::id ",
        " string(0.1) ",
        " string(1000000)\n    ",
        " (//id)[2] ",
        " //pet//text() ",
        " sum(//none) ",
        " //id + 1 ",
        " //pet[id + 1 = 3]/@n ",
        " -//id ",
        " /root/id = true()\n    ",
        " /root/none = false() ",
        " '1' = true() ",
        " '1' < '2' ",
        " number(true()) ",
        " count(//pet[id > 1]) ",
        " 1 to 3\n    ",
        " upper-case('a') ",
        " if (1) then 2 else 3",
    ],
    ids=str.strip,
)
def test_version_1_0_agrees_with_libxml2(expression):
    assert ours(expression.strip()) == libxml2(expression.strip())


def ours(expression):
    try:
        selection = select(compile_query(expression, "xpath", "xpath-10"), XML)
    except ExpressionSyntaxError:
        return "error"
    if selection.reason is not None:
        return "error"
    return list(selection.values) if selection.type == "nodes" else selection.value


def libxml2(expression):
    from lxml import etree

    try:
        found = etree.fromstring(XML).xpath(expression)
    except etree.XPathError:
        return "error"
    if isinstance(found, list):
        return [
            item if isinstance(item, str) else item.text if item.tag is etree.Comment else "".join(item.itertext())
            for item in found
        ]
    if isinstance(found, float) and found != found:
        return "NaN"
    return {float("inf"): "INF", float("-inf"): "-INF"}.get(found, found) if isinstance(found, float) else found


MANY = "<r>" + "<a><b>x</b></a>" * 3000 + "</r>"


@pytest.mark.parametrize(
    "expression",
    [
        "//*[//*[//*[//*[. = //*]]]]",
        "count(for $x in 1 to 10000, $y in 1 to 10000 return $x)",
        "//a = //*/string()",
        "distinct-values(for $x in 1 to 10000, $y in 1 to 100 return $x * 100 + $y)",
        "let $f := function($f, $n) { $f($f, $n + 1) } return $f($f, 1)",
        "let $a := string-join((1 to 9999) ! 'aaaaaaaaaaaaaaaa') return string-length(string-join((1 to 9999) ! $a))",
        "let $m := map{'a': string-join((1 to 9999) ! 'aaaaaaaaaa')} return string-join((1 to 10000) ! $m?a)",
        "//a[matches(., '(x+x+)+y')]/ancestor::*[count(//b[preceding::a]) > 1]",
        "replace(string-join(//b), 'x', string-join(//b))",
        "count((1 to 10000)[. = (1 to 10000)])",
    ],
)
def test_an_expression_with_multiplying_results_ends_with_a_reason(expression):
    started = time.process_time()
    selection = select(compile_query(expression, "xpath", None), MANY)
    assert time.process_time() - started < 4
    assert not selection.passed
    assert selection.reason is not None


@pytest.mark.parametrize(
    "expression",
    [
        "count(1 to 1000000000)",
        "(1 to 10000) = (20000 to 29999)",
        "(" * 5000,
        "-" * 30000 + "1",
        "'" + "a" * 60000,
        "9" * 6000,
        "a" * 70000,
        "x:" * 20000,
        "matches('a', '[')",
        "fn:doc('/etc/hostname')",
        "doc#1('/etc/hostname')",
        "json-doc('/etc/hostname')",
        "collection('/etc')",
        "uri-collection('/etc')",
        "unparsed-text-lines('/etc/hostname')",
        "available-environment-variables()",
        "parse-xml('<a/>')",
        "load-xquery-module('x')",
        "Q{http://www.w3.org/2005/xpath-functions}doc('/etc/hostname')",
    ],
    ids=lambda text: text[:40],
)
def test_hostile_or_external_functions_are_syntax_errors(expression):
    started = time.process_time()
    with pytest.raises(ExpressionSyntaxError):
        compile_query(expression, "xpath", None)
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param("<!-- x -->\n<!DOCTYPE a><a/>", id="after a comment"),
        pytest.param('<?xml version="1.0"?><!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>', id="external"),
        pytest.param("<!DOCTYPE a><a/>".encode("utf-16"), id="in UTF-16"),
        pytest.param(b"\xef\xbb\xbf<!DOCTYPE a><a/>", id="after a byte order mark"),
    ],
)
def test_a_document_type_declaration_is_refused(xml):
    reason = select(compile_query("1", "xpath", None), xml).reason
    assert reason is not None
    assert "DOCTYPE" in reason


def test_elements_nested_too_deeply_are_refused():
    reason = select(compile_query("1", "xpath", None), "<a>" * 5000 + "</a>" * 5000).reason
    assert reason is not None
    assert "not XML" in reason


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        pytest.param('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>', "é", id="a text is decoded already"),
        pytest.param('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1"), "é", id="bytes are not"),
        pytest.param("\ufeff\n<a>x</a>", "x", id="a byte order mark and a line break before"),
    ],
)
def test_xml_is_read_in_its_encoding(xml, text):
    assert select(compile_query("string(/a)", "xpath", None), xml).value == text


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("matches('abc', '^A', 'i')", True),
        ("matches('a.c', 'a.c', 'q')", True),
        ("replace('banana', 'a(n)', '[$1$0\\$]')", "b[nan$][nan$]a"),
        ("replace('a.b', '.', '-', 'q')", "a-b"),
        ("string-join(tokenize('a, b,c', ',\\s*'), '|')", "a|b|c"),
        ("string-join(tokenize(' a  b '), '|')", "a|b"),
        ("'abc' ! matches(., 'b')", True),
        ("filter(('a', 'b'), matches(?, 'b'))", "b"),
    ],
)
def test_functions_with_patterns(expression, value):
    assert select(compile_query(expression, "xpath", None), "<a/>").value == value


@pytest.mark.parametrize(
    "expression", ["replace('a', 'a*', 'x')", "replace('a', 'a', '$')", "tokenize('a', '')", "matches('a', 'a', 'z')"]
)
def test_wrong_patterns_are_errors(expression):
    with pytest.raises(ExpressionSyntaxError):
        compile_query(expression, "xpath", None)


def test_wherever_the_work_runs_out_it_ends_and_nothing_is_printed(capfd):
    # A generator that is closed just then must not be where the exception is lost (Python prints and ignores it).
    query = compile_query("(1 to 50) ! replace('abcabc', '(b)', '$1$1')", "xpath", None)
    reasons = {select(query, "<a/>", timeout=units / 1_000_000).reason for units in range(500, 1500)}
    assert reasons == {"the query takes too much work for its time limit (criterion-timeout)"}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "expression",
    [
        "fold-left(1 to 60, [1], function($x, $y) {[$x, $x]})",
        "fold-left(1 to 60, map{'a': 1}, function($x, $y) {map{'a': $x, 'b': $x}})",
        "fold-left(1 to 40, [1, 2], function($x, $y) {array:join(($x, $x))})",
        "fold-left(1 to 40, '/', function($x, $y) {encode-for-uri($x || $x)})",
        "fold-left(1 to 5000, [1], function($x, $y) {[$x]})",
    ],
)
def test_exponential_growth_ends_with_a_reason(expression):
    selection = select(compile_query(expression, "xpath", None), "<a/>")
    assert selection.reason is not None
    assert selection.values == ()


def test_a_profiler_that_runs_is_left_alone():
    calls = []
    sys.setprofile(lambda frame, event, argument: calls.append(event))
    try:
        selection = select(compile_query("//id", "xpath", None), XML)
        assert sys.getprofile() is not None
    finally:
        sys.setprofile(None)
    assert selection.passed
    assert calls


PIECES = [
    "/",
    "//",
    "a",
    "*",
    "@",
    "[",
    "]",
    "(",
    ")",
    "1",
    "'x'",
    "=",
    "<",
    "and",
    "or",
    "to",
    "count(",
    "position()",
    ",",
    "|",
]
PIECES += [
    "$x",
    "for $x in",
    "return",
    "if (",
    "then",
    "else",
    "map{",
    "}",
    ":",
    "::",
    "child::",
    "..",
    ".",
    " ",
    "!",
    "?",
    "=>",
    "-",
    "é",
    "eq",
]


@settings(max_examples=300, deadline=None)
@given(
    text=st.one_of(st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join), st.text(max_size=10)),
    version=st.sampled_from(["xpath-10", "xpath-20", "xpath-30", "xpath-31"]),
)
def test_any_text_compiles_or_is_a_syntax_error_within_it(text, version):
    try:
        query = compile_query(text, "xpath", version)
    except ExpressionSyntaxError as problem:
        offset = problem.offset
    else:
        offset = 0
        select(query, XML, timeout=0.2)
    assert 0 <= offset <= len(text)


# Words of the grammar too: as names of elements they are names (XPath 3.1 §A.3).
NAMES = st.sampled_from(
    ["a", "pet-id", "x.y", "_", "div", "and", "or", "mod", "if", "for", "in", "to", "is", "eq", "not", "count", "self"]
)
TESTS = st.one_of(NAMES, NAMES.map("@{}".format), st.sampled_from(["*", "@*", "text()"]))
PREDICATES = st.sampled_from(["", "", "[1]", "[id]", "[@div]", "[for = 'x']", '[@n!="é"]', "[to=1.5]"])
STEPS = st.tuples(TESTS, PREDICATES).map(lambda parts: parts[0] if parts[0] == "text()" else "".join(parts))
PATHS = st.tuples(st.sampled_from(["", "/", "//"]), st.lists(STEPS, min_size=1, max_size=3).map("/".join)).map("".join)


@settings(max_examples=300, deadline=None)
@given(
    path=PATHS,
    form=st.sampled_from(["{}", "count({})", "not({})"]),
    comparison=st.sampled_from(["", " = 1", "!='a b'", " >= 2.5"]),
    version=st.sampled_from(["1.0", "2.0", "3.0", "3.1"]),
)
def test_expressions_accepted_by_the_quick_check_are_accepted_by_the_parser(path, form, comparison, version):
    text = form.format(path) + comparison
    assert is_plain(text)
    parse_xpath1(text) if version == "1.0" else parsed(text, version, ())
