"""Payload replacements: places of a payload set to values, the payload itself never touched."""

from __future__ import annotations

import pytest

from arazzo_runner.engine.replacements import apply_replacements
from arazzo_runner.expressions.queries.query import compile_query
from tests.expressions.query_cases import cases, check_replacement


@pytest.mark.parametrize("case", cases("replacements"))
def test_case(case):
    check_replacement(case)


def replace(payload, kind, target, language, value, **options):
    return apply_replacements(payload, [(compile_query(target, language, None), value)], kind, **options)


def test_values_are_not_shared_between_places():
    outcome = replace({"a": [{}, {}]}, "json", "$.a[*]", "jsonpath", {"x": []})
    outcome.payload["a"][0]["x"].append(1)
    assert outcome.payload["a"][1] == {"x": []}


def test_the_value_given_is_not_shared_either():
    value: dict[str, object] = {}
    outcome = replace({"a": 1}, "json", "/a", "jsonpointer", value)
    outcome.payload["a"]["x"] = 1
    assert value == {}


def test_a_failure_returns_the_payload_unchanged():
    targets = [(compile_query("/a", "jsonpointer", None), 2), (compile_query("$.b", "jsonpath", None), 3)]
    outcome = apply_replacements({"a": 1}, targets, "json")
    assert (outcome.payload, outcome.unmatched) == ({"a": 1}, 1)


@pytest.mark.parametrize(
    ("payload", "kind", "target", "language", "reason"),
    [
        pytest.param({"a": 1}, "json", "/a/b", "jsonpointer", "no object or list", id="into a number"),
        pytest.param("text", "json", "/a", "jsonpointer", "no object or list", id="into a text"),
        pytest.param([1], "json", "/00", "jsonpointer", "no object or list", id="an index with a leading zero"),
        pytest.param({"a": 1}, "json", "$.a == 1", "jsonpath", "condition", id="a comparison is not a place"),
        pytest.param("<a/>", "xml", "/a", "jsonpointer", "XPath", id="a pointer into XML"),
        pytest.param({"a": 1}, "xml", "/a", "xpath", "XML text", id="XML that is not text"),
        pytest.param("<!DOCTYPE a><a/>", "xml", "/a", "xpath", "payload has a document type", id="a DOCTYPE"),
        pytest.param("<a/>", "xml", "//b:c", "xpath", "XPST0081", id="an unknown prefix"),
        pytest.param("<a><!-- c --></a>", "xml", "//comment()", "xpath", "selects nothing", id="a comment"),
    ],
)
def test_a_target_that_matches_nothing_has_a_reason(payload, kind, target, language, reason):
    outcome = replace(payload, kind, target, language, 1)
    assert outcome.unmatched == 0
    assert outcome.reason is not None
    assert reason in outcome.reason


def test_a_value_that_xml_cannot_hold_is_refused():
    assert replace("<a/>", "xml", "/a", "xpath", "\x00").unmatched == 0


@pytest.mark.parametrize(
    ("payload", "target", "expected"),
    [
        (
            '<?xml version="1.0" encoding="latin1"?><a>x</a><!-- end -->\n',
            "/a",
            '<?xml version="1.0" encoding="latin1"?><a>é</a><!-- end -->\n',
        ),
        ('<a xmlns:p="u" p:x="1"/>', "/a/@p:x", '<a xmlns:p="u" p:x="é"/>'),
        ("<a>1<b>2</b>3</a>", "/a/text()[1]", "<a>é<b>2</b>3</a>"),
        ("<a><b/><b/></a>", "//b", "<a><b>é</b><b>é</b></a>"),
        ("<a><b/></a>", "/", "<a>é</a>"),
    ],
)
def test_xml_is_written_back_as_it_stood(payload, target, expected):
    assert replace(payload, "xml", target, "xpath", "é").payload == expected


def test_a_target_that_multiplies_ends():
    payload = {"a": [[1] * 30] * 100}
    outcome = replace(payload, "json", "$" + "..*" * 9 + "[?@..*..*]", "jsonpath", 1, timeout=0.01)
    assert outcome.reason is not None
    assert "too much work" in outcome.reason
