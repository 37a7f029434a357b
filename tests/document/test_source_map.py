"""Reading YAML and JSON: typing, limits, places, and every kind of broken text as one clear Diagnostic."""

from __future__ import annotations

import inspect
import json
import sys

import pytest
from hypothesis import given, settings, strategies as st

import arazzo_runner
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Limits, from_value, read
from arazzo_runner.errors import Severity


def value_of(text, **options):
    problems = Problems()
    document = read(text.encode() if isinstance(text, str) else text, "doc.yml", problems, **options)
    assert not problems.has_errors, problems.diagnostics
    assert document is not None
    return document.value


def findings(text, **options):
    problems = Problems()
    read(text.encode() if isinstance(text, str) else text, "doc.yml", problems, **options)
    return problems.diagnostics


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("yes", "yes", id="yes is a text"),
        pytest.param("on", "on", id="on is a text"),
        pytest.param("12:30", "12:30", id="a time is a text"),
        pytest.param("2024-01-01", "2024-01-01", id="a date is a text"),
        pytest.param("017", 17, id="017 is seventeen"),
        pytest.param("0o17", 15, id="0o is octal"),
        pytest.param("0xFF", 255, id="0x is hexadecimal"),
        pytest.param("1_000", "1_000", id="digits with underscores are a text"),
        pytest.param("~", None, id="a tilde is null"),
        pytest.param("", None, id="nothing is null"),
        pytest.param("Null", None, id="Null is null"),
        pytest.param("True", True, id="True is true"),
        pytest.param("-1", -1, id="a negative integer"),
        pytest.param("+7", 7, id="a plus sign"),
        pytest.param("1e3", 1000.0, id="an exponent"),
        pytest.param(".5", 0.5, id="a float without a leading digit"),
        pytest.param("1.0.1", "1.0.1", id="a version is a text"),
        pytest.param("-", ["-"], id="a lone dash begins a list"),
        pytest.param("'1'", "1", id="a quoted number is a text"),
        pytest.param("!!str 1", "1", id="an explicit text"),
        pytest.param("!!int '7'", 7, id="an explicit integer"),
        pytest.param("!!float 7", 7.0, id="an explicit float"),
        pytest.param("1234567890123456789012345", 1234567890123456789012345, id="big integers are kept"),
    ],
)
def test_yaml_scalar_means_what_yaml_1_2_says(text, expected):
    if text == "-":
        assert value_of("- '-'") == expected
    else:
        assert value_of(f"a: {text}") == {"a": expected}


def test_keys_are_strings():
    assert value_of("200: a\ntrue: b\n~: c\n1.5: d") == {"200": "a", "true": "b", "~": "c", "1.5": "d"}


def test_anchors_and_aliases_are_expanded():
    assert value_of("a: &x {b: 1}\nc: *x\nd: [*x]") == {"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}]}
    assert value_of("a: &k key\n*k : 1") == {"a": "key", "key": 1}


def test_a_byte_order_mark_and_crlf_are_accepted():
    assert value_of(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n") == {"a": 1, "b": 2}


def test_json_is_read_as_json():
    assert value_of('{"a": [1, 2.5, "\\ud83d\\ude00"]}') == {"a": [1, 2.5, "😀"]}
    assert value_of("{a: 1}") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        pytest.param("", "empty-document", None, id="an empty file"),
        pytest.param("# only a comment\n", "empty-document", None, id="only a comment"),
        pytest.param(b"\xff\xfea\x00", "not-utf8", None, id="UTF-16"),
        pytest.param(b"a: \xff", "not-utf8", None, id="invalid UTF-8"),
        pytest.param(b"\x7fELF\x00\x01", "not-text", None, id="a binary file"),
        pytest.param("a: [1\nb: 2", "yaml-syntax", 2, id="a bracket that is never closed"),
        pytest.param("a:\n\t- b", "yaml-syntax", 2, id="a tab"),
        pytest.param("a: b: c", "yaml-syntax", 1, id="a colon inside a plain text"),
        pytest.param("a: @b", "yaml-syntax", 1, id="a reserved character"),
        pytest.param("a: *b", "yaml-syntax", 1, id="an alias without anchor"),
        pytest.param("a: &a [*a]", "alias-expansion", 1, id="an alias inside its own anchor"),
        pytest.param("a: 1\nb: 2\na: 3", "duplicate-key", 3, id="a repeated key"),
        pytest.param('{"a": 1,\n "a": 2}', "duplicate-key", 2, id="a repeated key in JSON"),
        pytest.param("a: !!binary aGk=", "unsupported-tag", 1, id="a tag that JSON lacks"),
        pytest.param("a: !custom {}", "unsupported-tag", 1, id="a tag of somebody's own"),
        pytest.param("a: !!int x", "unsupported-tag", 1, id="a tag that does not fit"),
        pytest.param("a: .nan", "not-json", 1, id="not a number"),
        pytest.param("a: -.inf", "not-json", 1, id="infinity"),
        pytest.param("a: 1e999", "not-json", 1, id="a number too large"),
        pytest.param(f"a: {'9' * 5000}", "not-json", 1, id="too many digits"),
        pytest.param("? [a]\n: 1", "unusable-key", 1, id="a list as a key"),
        pytest.param("a: &a [1]\n? *a\n: 1", "unusable-key", 2, id="an alias of a list as a key"),
        pytest.param("[" * 30_000, "document-too-deep", None, id="thirty thousand brackets"),
        pytest.param("a: " + "[" * 30_000, "document-too-deep", 1, id="thirty thousand brackets in YAML"),
        pytest.param('{"a": NaN}', "not-json", None, id="NaN in JSON"),
        pytest.param('{"a": tru', "json-syntax", None, id="JSON cut short"),
    ],
)  # fmt: skip
def test_broken_text_is_one_clear_diagnostic(text, code, line):
    found = [each for each in findings(text) if each.severity is Severity.ERROR]
    assert [each.code for each in found] == [code], found
    if line is not None:
        assert found[0].at.line == line


def test_limits_are_enforced():
    assert [each.code for each in findings("a" * 100, limits=Limits(max_bytes=50))] == ["document-too-large"]
    bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{n}: &{n} [{','.join([f'*{p}'] * 9)}]\n" for p, n in zip("abcdef", "bcdefg", strict=True)
    )
    assert [each.code for each in findings(bomb, limits=Limits(max_nodes=10_000))] == ["alias-expansion"]
    assert [each.code for each in findings("- 1\n" * 200, limits=Limits(max_nodes=100))] == ["document-too-large"]


def test_repeated_keys_may_be_a_warning():
    found = findings("a: 1\na: 2", duplicates=Severity.WARNING)
    assert [(each.code, each.severity) for each in found] == [("duplicate-key", Severity.WARNING)]
    assert "lines 1 and 2" in found[0].message
    assert found[0].related[0].line == 1


def test_further_documents_and_merge_keys_are_warned_of():
    assert [each.code for each in findings("a: 1\n---\nb: 2")] == ["second-document"]
    assert [each.code for each in findings("a: &a {b: 1}\nc:\n  <<: *a")] == ["merge-key"]


YAML = """\
a:
  - b: "x y"
    'c d': |
      first
      second
  - [1, {e: 2}]
f/g~h: 'it''s'
"""


@pytest.mark.parametrize(
    ("pointer", "place", "key"),
    [
        ("", (1, 1), None),
        ("/a", (2, 3), (1, 1)),
        ("/a/0/b", (2, 8), (2, 5)),
        ("/a/0/c d", (3, 12), (3, 5)),
        ("/a/1/1/e", (6, 13), (6, 10)),
        ("/f~1g~0h", (7, 8), (7, 1)),
        ("/a/9/z", (2, 3), None),
    ],
)
def test_every_pointer_has_its_place_in_yaml(pointer, place, key):
    document = read(YAML.encode(), "doc.yml", Problems())
    at = document.at(pointer)
    assert (at.line, at.column) == place
    if key is not None:
        assert (at.at_key().line, at.at_key().column) == key


def test_every_pointer_has_its_place_in_json():
    text = '{\n  "a": [1,\n    {"b": "x\\u0041y"}],\n  "c": {}\n}'
    document = read(text.encode(), "doc.json", Problems())
    assert (document.at("/a").line, document.at("/a").column) == (2, 8)
    assert (document.at("/a/1/b").line, document.at("/a/1/b").column) == (3, 11)
    assert (document.at("/a/1/b").at_key().column, document.at("/c").line) == (6, 4)
    assert document.at("/a/1/b").within(2).column == 19


def test_an_offset_inside_a_scalar_moves_the_column():
    document = read(YAML.encode(), "doc.yml", Problems())
    assert document.at("/a/0/b").within(2, 1).column == 11
    assert (document.at("/a/0/c d").within(7).line, document.at("/a/0/c d").within(7).column) == (5, 8)
    assert document.at("/f~1g~0h").within(3).column == 13
    assert document.at("/a/0/b").within(2, 1).end_column == 12
    assert document.at("/a").end_column is not None
    assert document.at("/a/0/b").source_line == '  - b: "x y"'


def test_data_without_text_has_pointers_but_no_lines():
    document = from_value({"a": 1}, "mapping")
    assert document.at("/a").line is None
    assert str(document.at("/a").child("b").pointer) == "/a/b"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(json_values)
def test_json_that_was_written_is_read_back(value):
    assert value_of(json.dumps({"a": value})) == {"a": value}


@settings(max_examples=200, deadline=None)
@given(st.text() | st.binary())
def test_no_text_raises_anything(text):
    problems = Problems()
    document = read(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text, "x", problems)
    assert document is not None or problems.has_errors
    for found in problems:
        assert str(found)


def nested(depth):
    value: dict[str, object] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def circular():
    value: dict[str, object] = {}
    value["itself"] = value
    return value


@pytest.mark.parametrize(
    ("value", "code", "part"),
    [
        pytest.param(nested(101), "document-too-deep", "nested deeper than 100", id="just too deep"),
        pytest.param(nested(50_000), "document-too-deep", "nested deeper than 100", id="deeper than Python's stack"),
        pytest.param({"a": {1, 2}}, "not-json", "type set", id="a set"),
        pytest.param({"a": float("nan")}, "not-json", "out of range float", id="NaN"),
        pytest.param(circular(), "not-json", "circular", id="a circle"),
    ],
)
def test_a_mapping_that_no_document_could_hold_is_one_clear_error(value, code, part):
    found = arazzo_runner.validate(value)
    assert [each.code for each in found] == [code]
    assert part in found[0].message
    with pytest.raises(arazzo_runner.InvalidDescription):
        arazzo_runner.load(value)


def test_a_mapping_may_be_as_deep_as_a_file():
    assert "document-too-deep" not in {each.code for each in arazzo_runner.validate(nested(100))}


@pytest.mark.parametrize("text", ["\n".join("  " * level + "a:" for level in range(99)), "a: " + "[" * 98 + "]" * 98])
def test_a_reader_that_is_called_deep_itself_reports_what_it_cannot_read(text):
    def called(depth):
        if depth:
            return called(depth - 1)
        problems = Problems()
        document = read(text.encode(), "doc.yml", problems)
        return document is not None, [each.code for each in problems]

    free = sys.getrecursionlimit() - len(inspect.stack())
    assert called(free - 400) == (True, [])
    assert called(free - 150) == (False, ["document-too-deep"])
