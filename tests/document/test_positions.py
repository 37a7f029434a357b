"""Positions inside texts: a caret under the right character, in every style a scalar can be written in."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import assume, given, settings, strategies as st

from arazzo_runner.document.json_reader import JsonEntries, json_index
from arazzo_runner.document.positions import TextPositions
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.reading import Limits, Reading
from arazzo_runner.document.source_map import read
from arazzo_runner.document.yaml_positions import YamlPositions
from arazzo_runner.document.yaml_reader import event_parser, read_events
from arazzo_runner.errors import Severity

STYLES = """\
plain: one $two three
single: 'it''s $two'
double: "a\\tb \\u00e9\\x41 $two \\
  $three"
folded plain: one
  $two

  $three
literal: |
  one
    $two

  $three
folded: >-  # a comment
  one
  $two

    $three
  four
indented: |2
    $two
anchored: &a !!str "$two"
flow: [x, {y: 'a $two'}]
empty:
wide: "😀 $two"
"""


def lines_of(text):
    return text.split("\n")


@pytest.mark.parametrize("word", ["$two", "$three"])
def test_an_offset_points_at_the_same_character_in_the_text(word):
    document = read(STYLES.encode(), "doc.yml", Problems())
    seen = 0
    for pointer, value in [*((f"/{key}", value) for key, value in document.value.items()), ("/flow/1/y", "a $two")]:
        if not isinstance(value, str) or word not in value:
            continue
        at = document.at(pointer).within(value.index(word), len(word))
        assert at.source_line[at.column - 1 : at.end_column - 1] == word, (pointer, at.line, at.column)
        seen += 1
    assert seen == {"$two": 10, "$three": 4}[word]


texts = st.text(st.sampled_from("ab$'\"\\ \n\té😀#:{}-|>"), max_size=40)


@settings(max_examples=150, deadline=None)
@given(texts, st.sampled_from([None, "'", '"', "|", ">"]), st.sampled_from([8, 1000]))
def test_every_visible_character_of_a_yaml_text_is_found(text, style, width):
    source = yaml.safe_dump({"k": [text]}, default_style=style, width=width, allow_unicode=True)
    # The dumper folds a text that begins with a blank so that no reader gives it back.
    assume(yaml.load(source, yaml.BaseLoader) == {"k": [text]})
    document = read(source.encode(), "doc.yml", Problems())
    assert document is not None
    assert document.value == {"k": [text]}
    for offset, character in enumerate(text):
        at = document.at("/k/0").within(offset)
        if character not in " \n\t":
            assert at.source_line[at.column - 1] in (character, "\\")
        assert at.line is not None


@settings(max_examples=100, deadline=None)
@given(texts, st.booleans(), st.sampled_from([None, 2]))
def test_every_visible_character_of_a_json_text_is_found(text, ascii_only, indent):
    source = json.dumps({"k": [text]}, ensure_ascii=ascii_only, indent=indent)
    document = read(source.encode(), "doc.json", Problems())
    assert document is not None
    for offset, character in enumerate(text):
        at = document.at("/k/0").within(offset)
        if character not in " \n\t":
            assert at.source_line[at.column - 1] in (character, "\\")


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_do(line_break):
    text = line_break.join(["a:", "  b: 1", "  b: 2", ""])
    problems = Problems()
    document = read(text.encode(), "doc.yml", problems)
    assert [found.at.line for found in problems] == [3]
    assert document.at("/a/b").source_line == "  b: 2"


def test_repeated_keys_of_json_are_each_at_their_place():
    problems = Problems()
    read(b'{"a": {"x": 1, "x": 2},\n "b": {"x": 1,\n  "x": 2}}', "doc.json", problems)
    places = [(found.at.pointer, found.at.line, found.related[0].line) for found in problems]
    assert places == [("/a/x", 1, 1), ("/b/x", 3, 2)]


def test_a_million_repeated_keys_are_no_million_findings():
    problems = Problems()
    read(b"a: 1\n" * 5_000, "doc.yml", problems, duplicates=Severity.WARNING)
    assert len(problems.diagnostics) == 100
    assert "not listed" in problems.diagnostics[-1].message


def test_depth_includes_the_content_of_aliases():
    text = "a: &a " + "[" * 60 + "]" * 60 + "\nb: " + "[" * 60 + "*a" + "]" * 60
    problems = Problems()
    assert read(text.encode(), "doc.yml", problems) is None
    assert [(found.code, found.at.line) for found in problems] == [("document-too-deep", 2)]
    assert read(text.encode(), "doc.yml", Problems(), limits=Limits(max_depth=125)) is not None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": [NaN]}', (1, 8)),
        ('{"a":\n  1e999}', (2, 3)),
        ('{"a": ' + "9" * 5000 + "}", (1, 7)),
        ('{"a":\n' + "[" * 101 + "]" * 101 + "}", (2, 100)),
    ],
    ids=["NaN", "a number too large", "too many digits", "too deep"],
)
def test_invalid_json_is_reported_at_its_position(text, place):
    problems = Problems()
    assert read(text.encode(), "doc.json", problems) is None
    assert [(found.at.line, found.at.column) for found in problems] == [place]


def test_half_a_surrogate_pair_is_refused_and_a_whole_one_read():
    problems = Problems()
    assert read(b'{"a": "\\ud83d"}', "doc.json", problems) is None
    assert [found.code for found in problems] == ["not-json"]
    assert read(b'{"a": "\\ud83d\\ude00"}', "doc.json", Problems()).value == {"a": "😀"}


@pytest.mark.parametrize(
    "text",
    [STYLES, "a: &x {b: [1, 0o7, ~]}\nc: *x\n", "200: on\n'<<': x\n", "- ? a\n  : b\n- !!str 1\n"],
    ids=["styles", "aliases", "keys", "tags"],
)
def test_the_parser_in_python_gives_the_same_value(text):
    values = []
    for pure in (False, True):
        positions = YamlPositions(text)
        reading = Reading(text, "doc.yml", Problems(), Limits(), Severity.ERROR, positions)
        values.append(read_events(reading, event_parser(text, pure=pure)))
    assert values[0] == values[1]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab"\\/~é\n😀 :{', max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab"/~: é', max_size=4), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(value=JSON_VALUES, indent=st.sampled_from([None, 0, 1, 3]), spaced=st.booleans(), chance=st.randoms())
def test_json_places_asked_for_one_by_one_are_those_of_the_whole_text(value, indent, spaced, chance):
    text = json.dumps(value, indent=indent, ensure_ascii=False, separators=(" , ", " : ") if spaced else None)
    whole = json_index(text).index
    one_by_one = JsonEntries(text, TextPositions(text).line_starts())
    pointers = [*whole, "/nowhere", "/a/b/nowhere", "/0/9"]
    chance.shuffle(pointers)
    assert {pointer: one_by_one.entry(pointer) for pointer in pointers} == {
        **dict.fromkeys(pointers),
        **{pointer: whole[pointer] for pointer in whole},
    }


@pytest.mark.parametrize(
    "text", ['{"a": 1, "b": 2}', '{"a":1,"a" :2}', '{"a": {"c": "\\": x", "c": 1}}', '[{"a": 1}, {"a": 1}]']
)
def test_a_repeated_key_is_noticed_however_it_is_written_and_only_then(text):
    repeated = []
    json.loads(text, object_pairs_hook=lambda pairs: repeated.append(len(dict(pairs)) != len(pairs)))
    problems = Problems()
    document = read(text.encode(), "doc.json", problems)
    assert [found.code for found in problems] == ["duplicate-key"] * any(repeated)
    if any(repeated):
        last = text.rindex(":") + 1
        pointer = "/a/c" if "c" in text else "/a"
        assert document.at(pointer).column == last + 1 + (text[last] == " ")
