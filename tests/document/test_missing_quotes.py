"""A YAML text that needs quotes is shown with them, wherever it is."""

from __future__ import annotations

import pytest

from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.errors import Severity

UNREADABLE = {
    "an expression in braces with text behind it": ("{$inputs.x}/foo", '"{$inputs.x}/foo"'),
    "two expressions in braces": ("{$inputs.x}-{$inputs.y}", '"{$inputs.x}-{$inputs.y}"'),
    "a condition with braces": ("{$statusCode} == 200", '"{$statusCode} == 200"'),
    "an expression in braces and a query": ("{$inputs.x}?a=b", '"{$inputs.x}?a=b"'),
    "a comment behind the text": ("{$inputs.x}/foo # why", '"{$inputs.x}/foo"'),
    "an asterisk": ("*/*", '"*/*"'),
    "a lone asterisk": ("*", '"*"'),
    "an asterisk before a name": ("*foo", '"*foo"'),
    "an ampersand": ("& more", '"& more"'),
    "an anchor without a value": ("&more", '"&more"'),
    "an at sign": ("@home", '"@home"'),
    "a percent sign": ("%20", '"%20"'),
    "a backtick": ("`date`", '"`date`"'),
    "a comma": (", a", '", a"'),
    "a closing bracket": ("]", '"]"'),
    "a bar": ("|x", '"|x"'),
    "brackets with text behind them": ("[a] b", '"[a] b"'),
    "quotes with text behind them": ('"a" b', "'\"a\" b'"),
    "single quotes with text behind them": ("'a' b", "\"'a' b\""),
}
PLACES = {"a member": "value: {}\n", "a list item": "- {}\n", "a member of a list item": "- value: {}\n  other: 1\n"}


def findings(text, **options):
    problems = Problems()
    read(text.encode(), "w.yml", problems, **options)
    return problems.diagnostics


@pytest.mark.parametrize("case", UNREADABLE)
@pytest.mark.parametrize("place", PLACES)
def test_a_text_that_needs_quotes_is_shown_with_them(case, place):
    text, quoted = UNREADABLE[case]
    line = PLACES[place].replace("{}", text)
    (found,) = findings(line)
    assert quoted in (found.hint or "")
    assert (found.code, found.at.line, found.at.column) == ("yaml-syntax", 1, line.index(text) + 1)
    corrected = line.replace(text.partition(" #")[0], quoted)
    assert findings(corrected) == ()


@pytest.mark.parametrize(
    ("line", "quoted"),
    [
        ("a: ? b", '"? b"'),
        ("a: $inputs.x: y", '"$inputs.x: y"'),
        ("- a: $inputs.x: y", '"$inputs.x: y"'),
        ("a: {in: query, value: {$inputs.x}/foo}", '"{$inputs.x}/foo"'),
        ("a: {in: query, value: $inputs.x: y}", '"$inputs.x: y"'),
        ("a: [b, {$inputs.x}-1]", '"{$inputs.x}-1"'),
    ],
)
def test_a_text_that_needs_quotes_in_its_place_is_shown_with_them(line, quoted):
    (found,) = findings(line)
    assert found.hint == f"put quotes around it: {quoted}"
    assert findings(line.replace(quoted.strip('"'), quoted)) == ()


@pytest.mark.parametrize("text", ["a:\n  b: 1\n   c: 2\n", "a: [1, 2\nb: 3\n", "a:\n\tb: 1\n", "a: 'b\n"])
def test_another_mistake_is_not_taken_for_missing_quotes(text):
    (found,) = findings(text)
    assert "put quotes around it" not in (found.hint or "")


@pytest.mark.parametrize(
    "line", ["a: {$inputs.x}", "- {$inputs.x}", "a: [{$inputs.x}]", "a: {b: {$inputs.x}}", "a: { $inputs.x }"]
)
def test_an_expression_in_braces_without_quotes_is_an_error_and_read_as_the_text(line):
    problems = Problems()
    document = read(line.encode(), "w.yml", problems)
    (found,) = problems.diagnostics
    assert (found.code, found.severity) == ("unquoted-braces", Severity.ERROR)
    assert found.hint == 'put quotes around it: "{$inputs.x}"; or write $inputs.x, which keeps the type of the value'
    assert "'{$inputs.x}'" in str(document.value)


@pytest.mark.parametrize("line", ["a: {$inputs.x: 1}", "a: {b}", "a:\n  $inputs.x:\n", '{"a": {"$inputs.x": null}}'])
def test_a_mapping_that_is_one_is_none(line):
    assert findings(line) == ()


def test_a_description_keeps_its_mappings_and_anchors():
    assert findings("a: {$ref}\nb: &c\n", duplicates=Severity.WARNING) == ()
