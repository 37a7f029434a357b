"""Parameter styles: the tables of OpenAPI 3.0.4 / 3.1.1 / 3.2.0 §Style Examples, and what must never be sent."""

from __future__ import annotations

import pytest

from arazzo_runner.sources.operation import MediaType, OperationParameter
from arazzo_runner.sources.styles import (
    UnusableValue,
    build_url,
    cookie_pairs,
    header_value,
    path_segment,
    query_pairs,
    querystring_text,
)

ARRAY = ["blue", "black", "brown"]
OBJECT = {"R": 100, "G": 200, "B": 150}


def declared(location, style, explode, **more):
    return OperationParameter(name="color", location=location, style=style, explode=explode, **more)


def query_text(value, style, explode, **more):
    return "&".join(
        f"{key}={text}" for key, text in query_pairs("color", value, declared("query", style, explode, **more))
    )


@pytest.mark.parametrize(
    ("style", "explode", "value", "expected"),
    [
        pytest.param("matrix", False, "blue", ";color=blue", id="matrix, primitive"),
        pytest.param("matrix", False, "", ";color", id="matrix, empty"),
        pytest.param("matrix", False, ARRAY, ";color=blue,black,brown", id="matrix, array"),
        pytest.param("matrix", False, OBJECT, ";color=R,100,G,200,B,150", id="matrix, object"),
        pytest.param("matrix", True, "blue", ";color=blue", id="matrix exploded, primitive"),
        pytest.param("matrix", True, ARRAY, ";color=blue;color=black;color=brown", id="matrix exploded, array"),
        pytest.param("matrix", True, OBJECT, ";R=100;G=200;B=150", id="matrix exploded, object"),
        pytest.param("label", False, "blue", ".blue", id="label, primitive"),
        pytest.param("label", False, ARRAY, ".blue,black,brown", id="label, array"),
        pytest.param("label", False, OBJECT, ".R,100,G,200,B,150", id="label, object"),
        pytest.param("label", True, ARRAY, ".blue.black.brown", id="label exploded, array"),
        pytest.param("label", True, OBJECT, ".R=100.G=200.B=150", id="label exploded, object"),
        pytest.param("simple", False, "blue", "blue", id="simple, primitive"),
        pytest.param("simple", False, ARRAY, "blue,black,brown", id="simple, array"),
        pytest.param("simple", False, OBJECT, "R,100,G,200,B,150", id="simple, object"),
        pytest.param("simple", True, ARRAY, "blue,black,brown", id="simple exploded, array"),
        pytest.param("simple", True, OBJECT, "R=100,G=200,B=150", id="simple exploded, object"),
        pytest.param("simple", False, "a/b?c#d%e f", "a%2Fb%3Fc%23d%25e%20f", id="a value never adds a segment"),
        pytest.param("simple", False, True, "true", id="a boolean is written as JSON writes it"),
        pytest.param("simple", False, 1.0, "1", id="a whole number has no fraction"),
        pytest.param("simple", False, "ü", "%C3%BC", id="UTF-8 is percent-encoded"),
    ],
)
def test_path_parameter_is_written_by_style(style, explode, value, expected):
    assert path_segment("color", value, declared("path", style, explode)) == expected


@pytest.mark.parametrize("value", ["", ".", "..", []])
def test_path_value_that_would_change_the_path_is_refused(value):
    with pytest.raises(UnusableValue):
        path_segment("color", value, None)


@pytest.mark.parametrize(
    ("style", "explode", "value", "expected"),
    [
        pytest.param("form", False, "blue", "color=blue", id="form, primitive"),
        pytest.param("form", False, "", "color=", id="form, empty"),
        pytest.param("form", False, ARRAY, "color=blue,black,brown", id="form, array"),
        pytest.param("form", False, OBJECT, "color=R,100,G,200,B,150", id="form, object"),
        pytest.param("form", True, ARRAY, "color=blue&color=black&color=brown", id="form exploded, array"),
        pytest.param("form", True, OBJECT, "R=100&G=200&B=150", id="form exploded, object"),
        pytest.param("spaceDelimited", False, ARRAY, "color=blue%20black%20brown", id="spaceDelimited, array"),
        pytest.param("spaceDelimited", False, OBJECT, "color=R%20100%20G%20200%20B%20150", id="spaceDelimited, object"),
        pytest.param("pipeDelimited", False, ARRAY, "color=blue%7Cblack%7Cbrown", id="pipeDelimited, array"),
        pytest.param("pipeDelimited", False, OBJECT, "color=R%7C100%7CG%7C200%7CB%7C150", id="pipeDelimited, object"),
        pytest.param("deepObject", True, OBJECT, "color[R]=100&color[G]=200&color[B]=150", id="deepObject"),
        pytest.param("deepObject", True, {"a": {"b": [1, 2]}}, "color[a][b]=1&color[a][b]=2", id="deepObject, nested"),
        pytest.param("deepObject", True, [1, 2], "color[0]=1&color[1]=2", id="deepObject, array"),
        pytest.param("form", True, [], "", id="an empty array is left out"),
        pytest.param("form", True, {}, "", id="an empty object is left out"),
        pytest.param("form", True, None, "color=", id="null is empty"),
        pytest.param("form", True, "a&b=c d+e", "color=a%26b%3Dc%20d%2Be", id="a value never adds a pair"),
    ],
)
def test_query_parameter_is_written_by_style(style, explode, value, expected):
    assert query_text(value, style, explode) == expected


def test_allow_reserved_keeps_reserved_characters_but_not_those_that_end_a_pair():
    assert query_text("a/b?c:d&e#f", "form", True, allow_reserved=True) == "color=a/b?c:d%26e%23f"


def test_parameter_with_content_is_json():
    media = MediaType(content_type="application/json")
    assert query_text({"a": 1}, "form", True, content=media) == "color=%7B%22a%22%3A1%7D"
    assert path_segment("color", {"a": 1}, declared("path", "simple", False, content=media)) == "%7B%22a%22%3A1%7D"
    assert header_value("color", {"a": 1}, declared("header", "simple", False, content=media)) == '{"a":1}'


def test_undeclared_parameters_use_the_default_styles():
    assert query_pairs("x", [1, 2], None) == [("x", "1"), ("x", "2")]
    assert path_segment("x", [1, 2], None) == "1,2"
    assert query_pairs("filter[name]", "v", None) == [("filter[name]", "v")]


@pytest.mark.parametrize(
    ("value", "explode", "expected"),
    [
        pytest.param("blue", False, "blue", id="primitive"),
        pytest.param(ARRAY, False, "blue,black,brown", id="array"),
        pytest.param(OBJECT, False, "R,100,G,200,B,150", id="object"),
        pytest.param(OBJECT, True, "R=100,G=200,B=150", id="object, exploded"),
        pytest.param("a%20b", False, "a%20b", id="nothing is percent-encoded"),
        pytest.param(" a ", False, "a", id="white space around is no part of it"),
    ],
)
def test_header_is_written_by_style_simple(value, explode, expected):
    assert header_value("color", value, declared("header", "simple", explode)) == expected


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\0b", "\x7f"])
def test_header_with_control_characters_is_refused(value):
    with pytest.raises(UnusableValue, match="control characters"):
        header_value("X-Color", value, None)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ü"])
def test_header_name_that_is_no_token_is_refused(name):
    with pytest.raises(UnusableValue, match="its name"):
        header_value(name, "x", None)


@pytest.mark.parametrize(
    ("value", "explode", "expected"),
    [
        pytest.param("blue", True, [("color", "blue")], id="primitive"),
        pytest.param("a;b c,d", True, [("color", "a%3Bb%20c%2Cd")], id="what would end the cookie is encoded"),
        pytest.param([1, 2], True, [("color", "1"), ("color", "2")], id="array, exploded"),
        pytest.param([1, 2], False, [("color", "1,2")], id="array"),
        pytest.param({"a": 1}, True, [("a", "1")], id="object, exploded"),
        pytest.param({"a": 1}, False, [("color", "a,1")], id="object"),
    ],
)
def test_cookie_is_written_by_style_form(value, explode, expected):
    assert cookie_pairs("color", value, declared("cookie", "form", explode)) == expected


def test_unusable_cookies_are_refused():
    with pytest.raises(UnusableValue):
        cookie_pairs("a b", "x", None)
    with pytest.raises(UnusableValue):
        cookie_pairs("a", "x\ny", None)


@pytest.mark.parametrize(
    ("value", "content_type", "expected"),
    [
        pytest.param("a=1&b=x y", None, "a=1&b=x%20y", id="a text is taken as it is, encoded where it must be"),
        pytest.param("?a=1", None, "a=1", id="a leading question mark is dropped"),
        pytest.param("a=%20", None, "a=%20", id="nothing is encoded twice"),
        pytest.param({"a": 1, "b": [2, 3]}, None, "a=1&b=2&b=3", id="a mapping is a form"),
        pytest.param('{"a":1}', "application/json", "%7B%22a%22%3A1%7D", id="JSON text is percent-encoded"),
        pytest.param({"a": 1}, "application/json", "%7B%22a%22%3A1%7D", id="a mapping as JSON"),
        pytest.param("a=1#b", None, "a=1%23b", id="a fragment cannot begin"),
    ],
)
def test_querystring_is_one_value(value, content_type, expected):
    content = MediaType(content_type=content_type) if content_type else None
    assert querystring_text(value, declared("querystring", "form", True, content=content)) == expected


def test_querystring_with_controls_is_refused():
    with pytest.raises(UnusableValue):
        querystring_text("a\nb", None)


@pytest.mark.parametrize(
    ("template", "path", "query", "querystring", "expected"),
    [
        pytest.param("/a/{id}/b", {"id": "7"}, [], None, "http://h/v1/a/7/b", id="variables are filled"),
        pytest.param("/a", {}, [("x", "1"), ("y", "2")], None, "http://h/v1/a?x=1&y=2", id="pairs make the query"),
        pytest.param("/a", {}, [], "q=1", "http://h/v1/a?q=1", id="or one text"),
        pytest.param(
            "/a?fixed=1&x={x}", {}, [("x", "2")], None, "http://h/v1/a?fixed=1&x=2", id="a template with a query"
        ),
        pytest.param("/ä b", {}, [], None, "http://h/v1/%C3%A4%20b", id="a template that is not encoded"),
    ],
)
def test_url_is_put_together(template, path, query, querystring, expected):
    assert build_url("http://h/v1", template, path, query, querystring) == expected


def test_url_with_a_variable_left_is_refused():
    with pytest.raises(UnusableValue, match='"id" has no value'):
        build_url("http://h", "/a/{id}", {}, [])
