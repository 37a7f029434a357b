"""Documents upgraded to Arazzo 1.1: what changes in the text, what stays, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from arazzo_runner.lint import upgrade as module
from arazzo_runner.lint.pipeline import Linter, LintOptions
from arazzo_runner.lint.upgrade import upgrade
from arazzo_runner.program.equivalence import Difference
from arazzo_runner.program.library import LoadOptions
from tests.lint.documents import CLEAN, project, with_criterion


def linter(path, text=None):
    contents = {} if text is None else {path: text.encode()}
    return Linter([path], LintOptions(reading=LoadOptions(any_server=True, unchecked=True), contents=contents))


def upgraded(folder, text):
    path = str(project(folder) / "w.yml")
    return upgrade(linter(path, text), path)


def only(folder, text):
    """Return the new text of a document that is upgraded, and upgraded no further."""
    found = upgraded(folder, text)
    assert not found.refused, found.refused
    again = upgraded(folder, found.after)
    assert (again.refused, again.is_changed) == ((), False)
    return found.after


CRITERION = "$statusCode == 200\n          - {} # note"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("arazzo: 1.0.1\n", "arazzo: 1.1.0\n", id="plain"),
        pytest.param("arazzo: 1.0.0 # why\n", "arazzo: 1.1.0 # why\n", id="a comment behind it"),
        pytest.param("arazzo: '1.0.1'\n", "arazzo: '1.1.0'\n", id="single quotes"),
        pytest.param('"arazzo": "1.0.0"\n', '"arazzo": "1.1.0"\n', id="double quotes"),
        pytest.param("arazzo: 1.0\n", "arazzo: 1.1.0\n", id="a number"),
        pytest.param('arazzo: "1.0"\n', 'arazzo: "1.1.0"\n', id="without a patch number"),
        pytest.param("arazzo: 1.0.2-rc1\n", "arazzo: 1.1.0\n", id="a candidate"),
        pytest.param("arazzo: &version 1.0.1\n", "arazzo: &version 1.1.0\n", id="an anchor that nothing repeats"),
        pytest.param("arazzo: !!str 1.0.1\n", "arazzo: !!str 1.1.0\n", id="a tag"),
        pytest.param("arazzo: >-\n  1.0.1\n", "arazzo: 1.1.0\n", id="a block"),
        pytest.param("# first\narazzo:    1.0.1\n\n# then\n", "# first\narazzo:    1.1.0\n\n# then\n", id="blanks and comments around it"),
        pytest.param(
            "$schema: https://spec.openapis.org/arazzo/1.0/schema/2024-08-01\narazzo: 1.0.1\n",
            "$schema: https://spec.openapis.org/arazzo/1.1/schema/2026-04-15\narazzo: 1.1.0\n",
            id="the JSON Schema that the document names",
        ),
        pytest.param(
            "# yaml-language-server: $schema=https://spec.openapis.org/arazzo/1.0/schema/2025-10-15\narazzo: 1.0.1\n",
            "# yaml-language-server: $schema=https://spec.openapis.org/arazzo/1.1/schema/2026-04-15\narazzo: 1.1.0\n",
            id="the JSON Schema for editors",
        ),
        pytest.param(
            "arazzo: 1.0.1\nx-note: |\n  # yaml-language-server: $schema=https://spec.openapis.org/arazzo/1.0/schema/2025-10-15\n",
            "arazzo: 1.1.0\nx-note: |\n  # yaml-language-server: $schema=https://spec.openapis.org/arazzo/1.0/schema/2025-10-15\n",
            id="a text that looks like a comment stays",
        ),
        pytest.param("$schema: ./mine.json\narazzo: 1.0.1\n", "$schema: ./mine.json\narazzo: 1.1.0\n", id="a schema of one's own stays"),
    ],
)  # fmt: skip
def test_the_version_is_rewritten_in_its_style(tmp_path, before, after):
    text = CLEAN.replace("arazzo: 1.0.1\n", before)
    assert only(tmp_path, text) == text.replace(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param('$statusCode == "200"', "$statusCode == '200'", id="double quotes"),
        pytest.param(
            CRITERION.format("{context: $response.body, type: xpath, version: xpath-10, condition: //a}"),
            CRITERION.format("{context: $response.body, type: {type: xpath, version: xpath-10}, condition: //a}"),
            id="a version beside the type of a criterion",
        ),
        pytest.param(
            "$statusCode == 200\n          - context: $response.body\n            type: xpath # of old\n"
            "            version: xpath-20\n            condition: //a",
            "$statusCode == 200\n          - context: $response.body\n"
            "            type: {type: xpath, version: xpath-20} # of old\n            condition: //a",
            id="a version on its own line",
        ),
        pytest.param(
            "$statusCode == 200\n        timeout: 500 # arazzo-ignore: newer-field -- soon 1.1",
            "$statusCode == 200\n        timeout: 500",
            id="a comment that allowed a newer field",
        ),
        pytest.param(
            '$statusCode == "200" # arazzo-ignore: double-quotes -- the other tool needs it',
            '$statusCode == "200" # arazzo-ignore: double-quotes -- the other tool needs it',
            id="what a comment suppresses stays",
        ),
        pytest.param("$response.body.pets.length > 1", "$response.body.pets.length > 1", id="a length stays"),
    ],
)  # fmt: skip
def test_slips_are_fixed(tmp_path, before, after):
    expected = with_criterion(after).replace("arazzo: 1.0.1", "arazzo: 1.1.0")
    assert only(tmp_path, with_criterion(before)) == expected


def test_json_keeps_its_layout(tmp_path):
    value = {
        "arazzo": "1.0.1",
        "info": {"title": "Pets", "version": "1"},
        "sourceDescriptions": [{"name": "pets", "url": "./pets.yml"}],
        "workflows": [
            {
                "workflowId": "look",
                "steps": [
                    {
                        "stepId": "find",
                        "operationId": "getPet",
                        "parameters": [{"name": "petId", "in": "path", "value": 1}],
                        "outputs": {"name": "$response.body.name", "é": "$response.body#/é"},
                    }
                ],
            }
        ],
    }
    for layout in ({"indent": 3}, {"indent": "\t", "ensure_ascii": False}, {"separators": (",", ":")}, {}):
        text = json.dumps(value, **layout)
        expected = text.replace('"1.0.1"', '"1.1.0"').replace("$response.body.name", "$response.body#/name")
        assert only(tmp_path, text) == expected


def test_a_document_of_the_newest_version_is_not_touched(tmp_path):
    text = with_criterion('$statusCode == "200"').replace("arazzo: 1.0.1", "arazzo: 1.1.0")
    found = upgraded(tmp_path, text)
    assert (found.is_changed, found.refused, found.version) == (False, (), "1.1.0")


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        pytest.param("arazzo: [", "yaml-syntax", "", id="no YAML"),
        pytest.param("- 1\n", "not-arazzo", "", id="a list"),
        pytest.param("openapi: 3.1.0\ninfo: {}\n", "not-arazzo", "", id="another description"),
        pytest.param(CLEAN.replace("arazzo: 1.0.1\n", ""), "missing-field", "arazzo is missing", id="no version"),
        pytest.param(CLEAN.replace("1.0.1", "2.0.0"), "unknown-version", '"2.0.0"', id="another major version"),
        pytest.param(CLEAN.replace("1.0.1", "[1]"), "wrong-type", "", id="a version of a wrong type"),
        pytest.param(CLEAN.replace("1.0.1", "1.7.0"), "not-upgraded", "Arazzo 1.7.0 is newer than 1.1.0", id="a newer version"),
        pytest.param(CLEAN.replace("1.0.1", "1.10.0"), "not-upgraded", "Arazzo 1.10.0 is newer", id="a version with more digits"),
        pytest.param(CLEAN.replace("getPet", "getDog"), "unknown-operation", "getDog", id="an operation that there is not"),
        pytest.param(with_criterion("$statusCode = 200"), "condition-syntax", "", id="a condition that is none"),
        pytest.param(
            CLEAN.replace("arazzo: 1.0.1", "arazzo: &v 1.0.1").replace("version: 1.0.0", "version: *v"),
            "not-upgraded", "the version cannot be changed in its place", id="a version that an alias repeats",
        ),
        pytest.param(
            "x-v: &v 1.0.1\n" + CLEAN.replace("1.0.1", "*v"),
            "not-upgraded", "the version cannot be changed in its place", id="a version that is an alias",
        ),
    ],
)  # fmt: skip
def test_what_is_refused_stays_as_it_is_and_says_why(tmp_path, text, code, message):
    found = upgraded(tmp_path, text)
    assert not found.is_changed
    assert code in [each.code for each in found.refused]
    assert message in found.refused[0].message
    assert found.refused[0].at.line is not None


def test_errors_that_are_not_reported_are_named(tmp_path):
    (tmp_path / "arazzo.toml").write_text('[validate.rules]\ncondition-syntax = "off"\n', encoding="utf-8")
    found = upgraded(tmp_path, with_criterion("$statusCode = 200"))
    assert [each.message for each in found.refused] == [
        "the document has errors that are not reported: condition-syntax"
    ]


def test_a_text_that_would_do_something_else_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "difference", lambda one, other: Difference("look", "find", "criteria"))
    path = str(project(tmp_path) / "w.yml")
    known = linter(path, CLEAN)
    found = upgrade(known, path)
    assert [each.message for each in found.refused] == [
        'the upgraded document would do something else: workflow "look", step "find": criteria'
    ]
    assert not found.is_changed
    assert known.lint(path).document.text == CLEAN, "the linter has the old text again"


def test_steps_of_descriptions_that_cannot_be_read_are_compared_as_written(tmp_path):
    found = upgraded(tmp_path, CLEAN.replace("./pets.yml", "./gone.yml"))
    assert (found.refused, found.unread) == ((), 1)
    remote = upgraded(tmp_path, CLEAN.replace("./pets.yml", "https://pets.example/api.yml"))
    assert (remote.refused, remote.unread) == ((), 1)
    (tmp_path / "broken.yml").write_text("openapi: [", encoding="utf-8")
    broken = upgraded(tmp_path, CLEAN.replace("./pets.yml", "./broken.yml"))
    assert (broken.refused, broken.unread) == ((), 1)
    assert upgraded(tmp_path, CLEAN).unread == 0


def test_no_finding_quotes_a_credential_of_a_refused_document(tmp_path):
    secret = "sk_live_4242424242424242424242"
    text = CLEAN.replace("value: 1}", f"value: 1}}, {{name: Authorization, in: header, value: 'Bearer {secret}'}}")
    found = upgraded(tmp_path, text.replace("getPet", f"getDog{secret}"))
    assert [each.code for each in found.refused] == ["unknown-operation"]
    assert secret not in "".join(f"{each}{each.at.source_line}" for each in found.refused)


WORDS = st.sampled_from(["$response.body.a.b", "'$response.body[0]'", "$response.body#/c", "Bearer $inputs.x", "text"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    version=st.sampled_from(["1.0.1", "'1.0.0'", '"1.0.3"', "1.0", "1.0.0-rc", "1.1.0", "1.1.4"]),
    outputs=st.lists(WORDS, min_size=1, max_size=4),
    ending=st.sampled_from(["\n", "\r\n"]),
    comment=st.sampled_from(["", " # why", " # arazzo-ignore: property-step -- old"]),
)
def test_upgrading_twice_is_upgrading_once(tmp_path, version, outputs, ending, comment):
    lines = "".join(f"          o{n}: {value}{comment}\n" for n, value in enumerate(outputs))
    inputs = "    inputs: {type: object, properties: {x: {}}}\n"
    text = CLEAN.replace("1.0.1", version, 1).replace("    steps:", f"{inputs}    steps:")
    text = (text + "        outputs:\n" + lines).replace("\n", ending)
    once = upgraded(tmp_path, text)
    assert not once.refused
    assert once.after.count(ending) == text.count(ending)
    if "ignore" not in comment:  # a comment that ignores nothing is removed
        assert once.after.count("#") == text.count("#") + once.after.count("#/") - text.count("#/")
    twice = upgraded(tmp_path, once.after)
    assert (twice.after, twice.refused, twice.is_changed) == (once.after, (), False)
