"""Parameter styles: the cases of fixtures/cases/styles, and URLs that values must not change."""

from __future__ import annotations

from pathlib import Path

import pytest

from arazzo_runner.sources.http_media.styles import (
    UnusableValue,
    build_url,
    cookie_pairs,
    header_value,
    path_segment,
    query_pairs,
    querystring_text,
)
from arazzo_runner.sources.operation import MediaType, OperationParameter
from tests.yaml_files import read_yaml

CASES = Path(__file__).parents[2] / "fixtures" / "cases" / "styles"
DEFAULTS = {"path": "simple", "query": "form", "header": "simple", "cookie": "form", "querystring": "form"}


def cases():
    for file in sorted(CASES.glob("*.yaml")):
        for case in read_yaml(file):
            yield pytest.param(case, id=f"{case['in']}: {case['id']}")


def declared(case):
    if case.get("declared") is False:
        return None
    style = case.get("style", DEFAULTS[case["in"]])
    content = MediaType(content_type=case["content"]) if "content" in case else None
    return OperationParameter(
        name=case.get("name", "color"),
        location=case["in"],
        style=style,
        explode=case.get("explode", style == "form"),
        allow_reserved=case.get("allowReserved", False),
        content=content,
    )


def written(case):
    """Return the part of the request that a case is about."""
    name, value, parameter = case.get("name", "color"), case["value"], declared(case)
    if case["in"] == "path":
        return path_segment(name, value, parameter)
    if case["in"] == "query":
        return "&".join("=".join(pair) for pair in query_pairs(name, value, parameter))
    if case["in"] == "header":
        return header_value(name, value, parameter)
    if case["in"] == "cookie":
        return "; ".join("=".join(pair) for pair in cookie_pairs(name, value, parameter))
    return querystring_text(value, parameter)


@pytest.mark.parametrize("case", list(cases()))
def test_parameter_is_written_by_its_style(case):
    if "error" in case:
        with pytest.raises(UnusableValue, match=case["error"]):
            written(case)
    else:
        assert written(case) == case["expect"]


def test_case_ids_are_unique_and_complete():
    found = [(case.values[0]["in"], case.values[0]["id"]) for case in cases()]
    assert len(found) == len(set(found)) > 140
    assert all({"id", "kind", "spec", "in", "value"} <= set(case.values[0]) for case in cases())


# ------------------------------------------------------------------ URLs


@pytest.mark.parametrize(
    ("template", "path", "query", "querystring", "expected"),
    [
        pytest.param("/a/{id}/b", {"id": "7"}, [], None, "http://h/v1/a/7/b", id="variables are filled"),
        pytest.param("/a/{x}-{y}.json", {"x": "1", "y": "2"}, [], None, "http://h/v1/a/1-2.json", id="several in one segment"),
        pytest.param("/a{id}", {"id": "."}, [], None, "http://h/v1/a.", id="an empty label inside a segment"),
        pytest.param("/a", {}, [("x", "1"), ("y", "2")], None, "http://h/v1/a?x=1&y=2", id="pairs make the query"),
        pytest.param("/a", {}, [], "q=1", "http://h/v1/a?q=1", id="or one text"),
        pytest.param("/a?fixed=1&x={x}", {}, [("x", "2")], None, "http://h/v1/a?fixed=1&x=2", id="a template with a query"),
        pytest.param("/a?x={x}&y={y}", {"x": "a&b=%20+"}, [], None, "http://h/v1/a?x=a%26b%3D%20%2B", id="a path parameter in the query of a template"),
        pytest.param("/ä b#c", {}, [], None, "http://h/v1/%C3%A4%20b%23c", id="a template that is not encoded"),
        pytest.param("/a%20b", {}, [], None, "http://h/v1/a%20b", id="a template that is encoded"),
        pytest.param("/", {}, [], None, "http://h/v1/", id="the root"),
    ],
)  # fmt: skip
def test_url_is_built(template, path, query, querystring, expected):
    assert build_url("http://h/v1", template, path, query, querystring) == expected


def test_query_of_the_server_stays_a_query():
    assert build_url("http://h/v1?key=1", "/a", {}, [("x", "2")]) == "http://h/v1/a?key=1&x=2"


@pytest.mark.parametrize(
    ("template", "values", "message"),
    [
        pytest.param("/a/{id}", {}, '"id" has no value', id="a variable without value"),
        pytest.param("/a/{id", {"id": "1"}, "has no value", id="a brace that does not close"),
        pytest.param("/a/{id}", {"id": "."}, r'segment "\."', id="an empty label as a segment of its own"),
        pytest.param("/a/{x}{y}", {"x": ".", "y": "."}, r'segment "\.\."', id="two values that make dots"),
        pytest.param("/a/.{x}", {"x": "%2e"}, "would change the path", id="encoded dots"),
        pytest.param("/a/{x}/b", {"x": ""}, 'segment ""', id="an empty segment"),
    ],
)
def test_url_that_values_would_change_is_refused(template, values, message):
    with pytest.raises(UnusableValue, match=message):
        build_url("http://h", template, values, [])
