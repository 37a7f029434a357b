"""Fixes: the edits in every style of YAML and in JSON, and that nothing else changes."""

from __future__ import annotations

import json
import sys
import textwrap
from io import BytesIO, TextIOWrapper

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from arazzo_runner.cli.main import run
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.errors import Change, Diagnostic, Edit, Fix, Severity
from arazzo_runner.lint.edits import yaml_scalar
from arazzo_runner.lint.fixes import fix_document
from tests.lint.documents import CLEAN, PETS, project, with_criterion


def document(text):
    found = read(text.encode(), "w.yml", Problems())
    assert found is not None
    return found


def fixed_text(text, *edits, whole=True, is_safe=True, unsafe=False):
    """Make edits (pointer, offset, length, new text) in a text: all in one fix, or each in its own."""
    read_ = document(text)
    made = [_edit(read_, *edit) for edit in edits]
    fixes = [Fix(tuple(made), is_safe)] if whole else [Fix((each,), is_safe) for each in made]
    findings = [
        Diagnostic(code="a-code", severity=Severity.ERROR, message=str(number), at=fix.edits[0].at, fix=fix)
        for number, fix in enumerate(fixes)
    ]
    return fix_document(read_, findings, unsafe=unsafe)


def _edit(read_, pointer, offset, length=1, text=""):
    at = read_.at(pointer)
    if isinstance(offset, Change):
        return Edit(at, text, offset)
    if offset == "key":
        return Edit(at.at_key(), text)
    return Edit(at if offset is None else at.within(offset, length), text)


REMOVE, QUOTE, NEST = Change.REMOVE, Change.QUOTE, Change.NEST


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        pytest.param("a: old # why\n", ("/a", None, 0, "new"), "a: new # why\n", id="plain"),
        pytest.param("a: old # why\n", ("/a", None, 0, "{$x}"), "a: '{$x}' # why\n", id="plain that needs quotes"),
        pytest.param("a: old\n", ("/a", None, 0, "1.0"), "a: '1.0'\n", id="plain that would be a number"),
        pytest.param("a: old\n", ("/a", None, 0, "tab\there"), "a: 'tab\there'\n", id="plain with a tab"),
        pytest.param("a: old\n", ("/a", None, 0, "two\nlines"), 'a: "two\\nlines"\n', id="plain that gets a line break"),
        pytest.param("a: Bearer $x.y, all\n", ("/a", 7, 4, "{$x.y}"), "a: Bearer {$x.y}, all\n", id="a part of plain"),
        pytest.param("{a: Bearer x}\n", ("/a", 7, 1, "{x}"), "{a: 'Bearer {x}'}\n", id="a part of plain in flow style"),
        pytest.param("a: !!str old\n", ("/a", None, 0, "new"), "a: !!str new\n", id="behind a tag"),
        pytest.param("a: 'it''s old'\n", ("/a", 5, 3, "'new'"), "a: 'it''s ''new'''\n", id="single quotes stay and are doubled"),
        pytest.param('a: "x \\"old\\" \\u0041"\n', ("/a", 2, 5, "'n'"), "a: \"x 'n' \\u0041\"\n", id="double quotes, other escapes as they were"),
        pytest.param('a: "old"\n', ("/a", None, 0, 'say "\\"'), 'a: "say \\"\\\\\\""\n', id="double quotes are escaped"),
        pytest.param("a: |\n  one\n  two old\n  three\n", ("/a", 8, 3, "new"), "a: |\n  one\n  two new\n  three\n", id="a literal block"),
        pytest.param("a: >-\n  one\n  old two\n", ("/a", 4, 3, "new"), "a: >-\n  one\n  new two\n", id="a folded block"),
        pytest.param("a: |\n  old\nb: 1\n", ("/a", None, 0, "new"), "a: new\nb: 1\n", id="a whole block becomes plain"),
        pytest.param('{"a": "x \\"old\\"", "b": 1.10}', ("/a", 3, 3, "new"), '{"a": "x \\"new\\"", "b": 1.10}', id="JSON"),
        pytest.param('{"a": 1.0}', ("/a", None, 0, "1.0.0"), '{"a": "1.0.0"}', id="a number of JSON"),
        pytest.param("a: 1.0 # v\n", ("/a", None, 0, "1.0.0"), "a: 1.0.0 # v\n", id="a number of YAML"),
        pytest.param("a: 1.10\n", ("/a", QUOTE), 'a: "1.10"\n', id="a number keeps its digits in quotes"),
        pytest.param('{"a": 1.10}', ("/a", QUOTE), '{"a": "1.10"}', id="a number of JSON keeps its digits in quotes"),
        pytest.param("t: xpath # why\nb: 1\n", ("/t", NEST, 0, '{"type": "xpath", "version": "1.0"}'), "t: {type: xpath, version: '1.0'} # why\nb: 1\n", id="a mapping in place of a text"),
        pytest.param("[{t: 'x'}]\n", ("/0/t", NEST, 0, '{"a": "b, c"}'), "[{t: {a: 'b, c'}}]\n", id="a mapping in flow style"),
        pytest.param('{"t": "x"}', ("/t", NEST, 0, '{"a": "b"}'), '{"t": {"a": "b"}}', id="a mapping in JSON"),
        pytest.param("stepID: x\nb: 1\n", ("/stepID", "key", 0, "stepId"), "stepId: x\nb: 1\n", id="a key"),
        pytest.param('{"stepID" : 1}', ("/stepID", "key", 0, "stepId"), '{"stepId" : 1}', id="a key of JSON"),
        pytest.param("a: 1\nb: 2 # of b\nc: 3\n", ("/b", REMOVE), "a: 1\nc: 3\n", id="a member goes with its line and comment"),
        pytest.param("- in: header\n  name: x\n", ("/0/in", REMOVE), "- name: x\n", id="the first member of an item"),
        pytest.param("- name: x\n  in: header\n- b\n", ("/0/in", REMOVE), "- name: x\n- b\n", id="the last member of an item"),
        pytest.param("- {in: query, name: x}\n", ("/0/in", REMOVE), "- {name: x}\n", id="the first member in flow style"),
        pytest.param("- {name: x, in: query }\n", ("/0/in", REMOVE), "- {name: x }\n", id="the last member in flow style"),
        pytest.param('{\n  "a": 1,\n  "b": 2\n}', ("/b", REMOVE), '{\n  "a": 1\n}', id="the last member of JSON"),
        pytest.param('{\n  "a": 1,\n  "b": 2\n}', ("/a", REMOVE), '{\n  "b": 2\n}', id="the first member of JSON"),
        pytest.param("a: |\n  x\n  y\n\nb: 1\n", ("/a", REMOVE), "\nb: 1\n", id="a block goes, the empty line stays"),
        pytest.param("- a\n- b # two\n- c\n", ("/1", REMOVE), "- a\n- c\n", id="an item"),
        pytest.param("[a, b, c]\n", ("/1", REMOVE), "[a, c]\n", id="an item in flow style"),
        pytest.param("a: old\r\nb: 1\r\n", ("/a", None, 0, "new"), "a: new\r\nb: 1\r\n", id="line breaks of Windows"),
        pytest.param("ä: 'ü old' # é\n", ("/ä", 2, 3, "new"), "ä: 'ü new' # é\n", id="other letters before it"),
    ],
)  # fmt: skip
def test_an_edit_changes_these_characters_only(before, edit, after):
    fixed = fixed_text(before, edit)
    assert fixed.text == after
    assert len(fixed.fixed) == 1


@pytest.mark.parametrize(
    ("text", "edits"),
    [
        pytest.param("a: &x old\nb: *x\n", [("/a", None, 0, "new")], id="what an alias repeats"),
        pytest.param("a: &x {c: old}\nb: *x\n", [("/b/c", None, 0, "new")], id="inside what an alias repeats"),
        pytest.param("a: one\n  old\nb: 1\n", [("/a", 4, 3, "new")], id="plain text of several lines"),
        pytest.param("a: {b: 1}\n", [("/a", None, 0, "new")], id="a mapping"),
        pytest.param("a: {b: 1}\n", [("/a/b", REMOVE)], id="the only member"),
        pytest.param("a: old\n", [("/a", 2, 9, "new")], id="beyond the end"),
        pytest.param("a: |\n  old\n", [("/a", 0, 3, "two\nlines")], id="a line break into a block"),
        pytest.param("stepID: 1\nstepId: 2\n", [("/stepID", "key", 0, "stepId")], id="a key that is there already"),
        pytest.param("a: old\n", [("/a", None, 0, "old")], id="nothing new"),
        pytest.param("a: &x old\nb: *x\n", [("/a", NEST, 0, '{"c": "d"}')], id="a mapping in place of what an alias repeats"),
        pytest.param("a: old\nb: {c: 1}\n", [("/a", None, 0, "new"), ("/b/c", REMOVE)], id="one edit of two cannot be made"),
    ],
)  # fmt: skip
def test_ambiguous_edits_are_not_made(text, edits):
    fixed = fixed_text(text, *edits)
    assert (fixed.text, fixed.fixed) == (text, ())


def test_fixes_that_touch_wait_for_each_other():
    text = "a: 'x old y'\n"
    fixed = fixed_text(text, ("/a", 2, 3, "one"), ("/a", 3, 4, "two"), ("/a", 6, 1, "z"), whole=False)
    assert fixed.text == "a: 'x one z'\n"
    assert [each.message for each in fixed.fixed] == ["0", "2"]
    same = fixed_text(text, ("/a", 2, 3, "new"), ("/a", 2, 3, "new"), whole=False)
    assert (same.text, len(same.fixed)) == ("a: 'x new y'\n", 2)


def test_unsafe_fixes_are_applied_only_on_request():
    assert fixed_text("a: old\n", ("/a", None, 0, "new"), is_safe=False).fixed == ()
    assert fixed_text("a: old\n", ("/a", None, 0, "new"), is_safe=False, unsafe=True).text == "a: new\n"


# ------------------------------------------------------------------ properties

TEXTS = st.text(st.sampled_from("ab $.'\"{}[],:#&*!|>-?%@`\\\n\té\u2028😀1e"), max_size=12)


WRITERS = {
    "double": lambda text: json.dumps(text, ensure_ascii=False).replace("\u2028", "\\u2028"),
    "single": lambda text: yaml_scalar(text) if set(text) & {"\n", "\u2028"} else "'" + text.replace("'", "''") + "'",
    "best": yaml_scalar,
}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(TEXTS, st.sampled_from(sorted(WRITERS))), min_size=1, max_size=4), st.data())
def test_edits_have_the_intended_effect_or_none(items, data):
    text = "# top\n" + "".join(f"k{n}:   {WRITERS[style](value)}  # c{n}\n" for n, (value, style) in enumerate(items))
    before = document(text).value
    assert before == {f"k{n}": value for n, (value, _) in enumerate(items)}
    edits = []
    for number, (value, _) in enumerate(items):
        for _ in range(data.draw(st.integers(0, 2))):
            start = data.draw(st.integers(0, max(0, len(value) - 1)))
            length = data.draw(st.integers(1, max(1, len(value) - start)))
            edits.append((f"/k{number}", start if value else None, length, data.draw(TEXTS)))
    if not edits:
        return
    fixed = fixed_text(text, *edits, whole=False)
    after = document(fixed.text).value
    chosen = [edits[int(each.message)] for each in fixed.fixed]
    expected = dict(before)
    for pointer, start, length, new in sorted(set(chosen), key=lambda edit: edit[1] or 0, reverse=True):
        value = expected[pointer[1:]]
        expected[pointer[1:]] = new if start is None else value[:start] + new + value[start + length :]
    assert after == expected
    comments = [line.rpartition("#")[2] for line in text.splitlines() if "#" in line]
    assert all(f"# c{n}" in fixed.text for n in range(len(items))), comments
    if not chosen:
        assert fixed.text == text


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=30).filter(lambda text: "\x85" not in text), st.booleans())
def test_a_text_that_is_yaml_scalar_is_read_as_itself(text, in_flow):
    if any(0xD800 <= ord(character) < 0xE000 for character in text):
        return
    written = f"- [{yaml_scalar(text, in_flow=True)}, x]\n" if in_flow else f"- {yaml_scalar(text)}\n"
    value = document(written).value[0]
    assert (value[0] if in_flow else value) == text


# ------------------------------------------------------------------ the command

SLIPS = """\
    # every slip below has one meaning
    arazzo: 1.0 # a number
    info: {title: Pets, version: 1.10}
    sourceDescriptions:
      - {name: pets, url: ./pets.yml, type: openapi}
      - {name: others, url: ./others.yml, type: openapi}
    workflows:
      - workflowId: look
        inputs: {type: object, properties: {token: {type: string}}}
        steps:
          - stepId: find   # first
            operationId: getPet
            parameters:
              - {name: petId, in: path, value: 1}
              - {name: Authorization, in: header, value: Bearer $inputs.token}
            successCriteria:
              - condition: '$statusCode == "200"'
              - condition: "{$statusCode} == 200"
            outputs:
              name: $response.body.name
              kind: "$response.headers.Content-Type"
          - stepId: again
            operationPath: pets#/paths/~1pets~1{petId}/get
            dependsOn:
              - $steps.find
            parameters:
              - name: petId
                in: path
                value: $steps.find.outputs.name[0]
"""
MENDED = """\
    # every slip below has one meaning
    arazzo: 1.0.0 # a number
    info: {title: Pets, version: "1.10"}
    sourceDescriptions:
      - {name: pets, url: ./pets.yml, type: openapi}
      - {name: others, url: ./others.yml, type: openapi}
    workflows:
      - workflowId: look
        inputs: {type: object, properties: {token: {type: string}}}
        steps:
          - stepId: find   # first
            operationId: $sourceDescriptions.pets.getPet
            parameters:
              - {name: petId, in: path, value: 1}
              - {name: Authorization, in: header, value: 'Bearer {$inputs.token}'}
            successCriteria:
              - condition: '$statusCode == ''200'''
              - condition: "$statusCode == 200"
            outputs:
              name: $response.body#/name
              kind: "$response.header.Content-Type"
          - stepId: again
            operationPath: '{$sourceDescriptions.pets.url}#/paths/~1pets~1{petId}/get'
            dependsOn:
              - find
            parameters:
              - name: petId
                in: path
                value: $steps.find.outputs.name#/0
"""
CODES = "version-number,unqualified-operation,bare-expression,double-quotes,braced-expression,property-step,headers-plural,operation-path-form,depends-on-form"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    project(tmp_path, w__yml=SLIPS, others__yml=PETS.replace("getPet", "getOther"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_unambiguous_mistake_is_fixed(folder, capsys):
    assert run(["validate", "w.yml", "--select", CODES, "--fix"]) == 0
    assert (folder / "w.yml").read_text(encoding="utf-8") == textwrap.dedent(MENDED)
    assert capsys.readouterr().out == "it is valid: no problems (11 fixed)\n"
    assert run(["validate", "w.yml", "--select", CODES, "--fix"]) == 0
    assert capsys.readouterr().out == "it is valid: no problems\n"


def test_without_fix_the_summary_counts_fixable_findings(folder, capsys):
    run(["validate", "w.yml", "--select", CODES])
    assert capsys.readouterr().out.endswith("7 errors, 4 warnings (11 fixable with --fix)\n")


LEFT = {
    "an error of syntax": ("$statusCode = 200", "condition-syntax"),
    "a reference to nothing": ("$steps.nowhere.outputs.a == 1", "unknown-step"),
}


@pytest.mark.parametrize(("condition", "code"), LEFT.values(), ids=LEFT)
@pytest.mark.parametrize("how", ["--fix", "--fix --format json", "--diff"])
def test_what_is_left_after_a_fix_is_reported_and_decides_the_exit_code(
    folder, capsys, monkeypatch, condition, code, how
):
    text = textwrap.dedent(SLIPS).replace("{$statusCode} == 200", condition)
    (folder / "w.yml").write_text(text, encoding="utf-8")
    assert run(["validate", "w.yml", "--select", f"{CODES},{code}", *how.split()]) == 1
    printed = capsys.readouterr()
    assert code in printed.err if how == "--diff" else code in printed.out
    assert "it is valid" not in printed.out + printed.err


def test_a_finding_in_a_shared_file_stays_when_the_document_that_showed_it_no_longer_refers_to_it(tmp_path, capsys):
    """Both documents have the same finding about the description; a fix of the first does not hide it."""
    broken = PETS.replace("paths:", "paths:\n  /broken: {$ref: '#/nowhere'}", 1)
    project(tmp_path, a__yml=SLIPS, b__yml=SLIPS, pets__yml=broken, others__yml=PETS.replace("getPet", "getOther"))
    names = [str(tmp_path / "a.yml"), str(tmp_path / "b.yml")]
    run(["validate", *names, "--fix"])
    fixed = capsys.readouterr().out
    run(["validate", *names])
    assert fixed.replace(" (22 fixed)", "") == capsys.readouterr().out


def test_a_diff_shows_changes_and_writes_nothing(folder, capsys):
    before = (folder / "w.yml").read_bytes()
    assert run(["validate", "w.yml", "--select", CODES, "--diff"]) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith("--- w.yml\n+++ w.yml\n@@ -1,6 +1,6 @@\n")
    assert "-arazzo: 1.0 # a number\n" in captured.out
    assert (folder / "w.yml").read_bytes() == before
    (folder / "clean.yml").write_text(CLEAN, encoding="utf-8")
    assert run(["validate", "clean.yml", "--diff"]) == 0
    assert capsys.readouterr().out == ""


def test_standard_input_is_fixed_to_standard_output(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(textwrap.dedent(SLIPS).encode())))
    assert run(["validate", "-", "--select", CODES, "--fix"]) == 0
    captured = capsys.readouterr()
    assert captured.out == textwrap.dedent(MENDED)
    assert captured.err == "it is valid: no problems (11 fixed)\n"


def test_byte_order_mark_mode_and_links_stay(folder):
    path = folder / "w.yml"
    path.write_bytes(b"\xef\xbb\xbf" + with_criterion('$statusCode == "200"').replace("\n", "\r\n").encode())
    path.chmod(0o640)
    (folder / "link.yml").symlink_to(path)
    run(["validate", "link.yml", "--fix"])
    expected = with_criterion("$statusCode == '200'").replace("\n", "\r\n").encode()
    assert path.read_bytes() == b"\xef\xbb\xbf" + expected
    assert path.stat().st_mode & 0o777 == 0o640
    assert (folder / "link.yml").is_symlink()
    assert sorted(each.name for each in folder.iterdir()) == ["link.yml", "others.yml", "pets.yml", "w.yml"]


def test_fixes_that_need_a_review_need_unsafe(folder, capsys):
    path = folder / "w.yml"
    text = with_criterion("$statusCode = 200 and $statusCode === 200").replace("stepId", "stepID")
    path.write_text(text, encoding="utf-8")
    assert run(["validate", "w.yml", "--fix"]) == 1
    assert path.read_text(encoding="utf-8") == text
    assert run(["validate", "w.yml", "--fix", "--unsafe"]) == 0
    expected = with_criterion("$statusCode == 200 && $statusCode == 200")
    assert path.read_text(encoding="utf-8") == expected
    capsys.readouterr()


def test_suppressed_findings_are_not_fixed_and_unused_suppressions_go(folder):
    path = folder / "w.yml"
    text = "# arazzo-ignore-file: later-step -- gone\n" + with_criterion(
        '$statusCode == "200" # arazzo-ignore: double-quotes -- the other tool asks for it'
    )
    path.write_text(text, encoding="utf-8")
    run(["validate", "w.yml", "--fix"])
    assert path.read_text(encoding="utf-8") == text.partition("\n")[2]
