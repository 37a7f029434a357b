"""Bodies by content type, both ways."""

from __future__ import annotations

import pytest

from arazzo_runner.base.json_values import MISSING
from arazzo_runner.sources.http_media.media import (
    UnusableMedia,
    best_match,
    charset,
    covers,
    decode_body,
    encode_body,
    essence,
    is_form,
    is_json,
    is_xml,
)
from arazzo_runner.sources.http_media.media_types import parameter
from arazzo_runner.sources.operation import MediaType


@pytest.mark.parametrize(
    ("value", "content_type", "expected"),
    [
        pytest.param({"a": [1, None, True]}, "application/json", b'{"a":[1,null,true]}', id="JSON"),
        pytest.param("x", "application/vnd.api+json; charset=utf-8", b'"x"', id="+json with parameters"),
        pytest.param("ü", "application/json; charset=iso-8859-1", '"ü"'.encode("latin-1"), id="JSON in another charset"),
        pytest.param({"a": "x y", "b": [1, 2], "c": None}, "application/x-www-form-urlencoded", b"a=x+y&b=1&b=2&c=", id="form"),
        pytest.param("a=1&b=2", "application/x-www-form-urlencoded", b"a=1&b=2", id="a form given as text"),
        pytest.param("<a/>", "application/xml", b"<a/>", id="XML given as text"),
        pytest.param({"a": {"b": "<", "c": [1, 2]}}, "text/xml",
                     b'<?xml version="1.0" encoding="UTF-8"?>\n<a><b>&lt;</b><c>1</c><c>2</c></a>', id="XML from an object"),
        pytest.param("hi", "text/plain", b"hi", id="text"),
        pytest.param(b"\x00\xff", "application/octet-stream", b"\x00\xff", id="bytes"),
        pytest.param({"a": 1}, "application/unknown", b'{"a":1}', id="a structure of unknown type is JSON"),
        pytest.param({"content": "x"}, "application/unknown", b'{"content":"x"}', id="a member content makes no file"),
        pytest.param({"base64": "AP8="}, "image/png", b"\x00\xff", id="bytes as base64"),
        pytest.param(1.0, "text/plain", b"1", id="a number as text"),
        pytest.param("€", "application/json; charset=latin-1", b'"\\u20ac"', id="JSON escapes what its charset lacks"),
        pytest.param("\ud800", "application/json", b'"\\ud800"', id="JSON escapes a lone surrogate"),
        pytest.param([{"op": "remove", "path": "/a"}], "application/json-patch+json", b'[{"op":"remove","path":"/a"}]', id="JSON Patch"),
        pytest.param({"path": "/a"}, "application/json", b'{"path":"/a"}', id="a member path makes no file of JSON"),
    ],
)  # fmt: skip
def test_body_is_written_by_content_type(value, content_type, expected):
    assert encode_body(value, content_type, None) == (expected, content_type)


def test_form_follows_the_encoding_objects():
    media = MediaType(
        content_type="application/x-www-form-urlencoded",
        encoding={
            "ids": {"style": "form", "explode": False},
            "f": {"style": "deepObject", "explode": True},
            "j": {"contentType": "application/json"},
        },
    )
    body, _ = encode_body({"ids": [1, 2], "f": {"a": 1}, "j": [1]}, "application/x-www-form-urlencoded", media)
    assert body == b"ids=1,2&f%5Ba%5D=1&j=%5B1%5D"


@pytest.mark.parametrize(
    ("value", "content_type", "sent"),
    [
        pytest.param({"a": 1}, "*/*", "application/json", id="a structure"),
        pytest.param("x", "*/*", "text/plain; charset=utf-8", id="a text"),
        pytest.param(b"x", "*/*", "application/octet-stream", id="bytes"),
        pytest.param("x", "text/*", "text/plain", id="a text where any text is taken"),
        pytest.param("x", "image/*", "application/octet-stream", id="a text where an image is taken"),
        pytest.param({"a": 1}, "application/*+json", "application/json", id="any JSON"),
    ],
)
def test_range_is_never_sent_as_content_type(value, content_type, sent):
    assert encode_body(value, content_type, None)[1] == sent


@pytest.mark.parametrize(
    ("value", "content_type"),
    [
        pytest.param([1], "application/x-www-form-urlencoded", id="a form needs a mapping"),
        pytest.param(1, "multipart/form-data", id="multipart needs a mapping"),
        pytest.param({"a": 1, "b": 2}, "application/xml", id="XML needs one root element"),
        pytest.param("x", "text/plain; charset=nonsense", id="an unknown charset"),
        pytest.param({"path": "not-there"}, "application/octet-stream", id="a file that is not there"),
        pytest.param(
            {"path": "/etc/hostname"}, "application/octet-stream", id="a file outside of the working directory"
        ),
        pytest.param({"path": "../x"}, "application/octet-stream", id="a file above the working directory"),
        pytest.param({"path": ".git/config"}, "application/octet-stream", id="a hidden file"),
        pytest.param({"base64": "?"}, "application/octet-stream", id="base64 that is none"),
        pytest.param("€", "text/plain; charset=latin-1", id="a character that the charset lacks"),
        pytest.param("\ud800", "text/plain", id="a lone surrogate in a text"),
        pytest.param("x", "text/plain; charset=hex", id="a codec that is not a charset"),
    ],
)
def test_value_that_cannot_be_encoded_is_refused(value, content_type):
    with pytest.raises(UnusableMedia):
        encode_body(value, content_type, None)


def test_binary_body_is_read_from_a_file():
    with pytest.raises(UnusableMedia, match="not read here"):
        encode_body({"path": "a.bin"}, "application/octet-stream", None)
    assert encode_body({"path": "x"}, "image/png", None, read_file=str.encode) == (b"x", "image/png")


@pytest.mark.parametrize(
    ("body", "content_type", "value", "note"),
    [
        pytest.param(b"", "application/json", MISSING, None, id="no body"),
        pytest.param(b'{"a": 1}', "application/json", {"a": 1}, None, id="JSON"),
        pytest.param(
            b'\xef\xbb\xbf{"a": 1}', "application/problem+json", {"a": 1}, None, id="JSON with a byte order mark"
        ),
        pytest.param(b"{oops", "application/json", "{oops", "not JSON", id="broken JSON stays text, with a note"),
        pytest.param(b"[1]", None, [1], None, id="without content type JSON is tried"),
        pytest.param(b"plain", None, "plain", None, id="else it is text"),
        pytest.param("é".encode("latin-1"), "text/plain; charset=latin-1", "é", None, id="another charset"),
        pytest.param(
            b"\xff\xfe", "text/plain", "\ufffd\ufffd", "not utf-8", id="invalid UTF-8 is shown as far as it goes"
        ),
        pytest.param(b"\xff\x00", "image/png", "/wA=", "binary", id="binary is base64"),
        pytest.param(b"x", "text/plain; charset=nonsense", "x", None, id="an unknown charset is read as UTF-8"),
        pytest.param(b"x", "text/plain; charset=hex", "x", None, id="a codec that is not a charset is read as UTF-8"),
        pytest.param(
            '{"a": "ü"}'.encode("utf-16"), "application/json", {"a": "ü"}, None, id="JSON in UTF-16 without charset"
        ),
        pytest.param(
            "é".encode("latin-1"), "application/json; charset=latin-1", "é", "not JSON", id="the charset of JSON counts"
        ),
        pytest.param(b'{"a": NaN}', "application/json", '{"a": NaN}', "NaN is not a JSON number", id="NaN is not JSON"),
        pytest.param(b"[" * 5000, "application/json", "[" * 5000, "not JSON", id="nesting without end stays text"),
        pytest.param(b"1" * 5000, "application/json", "1" * 5000, "not JSON", id="a number without end stays text"),
        pytest.param(b" \n", "application/json", " \n", "not JSON", id="white space is not JSON"),
        pytest.param(b'"a"\n', None, "a", None, id="without content type a JSON string is one"),
        pytest.param(
            '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1"),
            "application/xml",
            '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>',
            None,
            id="XML says its charset itself",
        ),
        pytest.param(b"\xff\x00", None, "/wA=", "binary", id="bytes without content type"),
    ],
)
def test_body_is_read_by_content_type(body, content_type, value, note):
    found, said = decode_body(body, content_type)
    assert found == value
    assert (said is None) if note is None else note in (said or "")


@pytest.mark.parametrize(
    ("content_type", "key"),
    [
        pytest.param("text/plain; charset=utf-8", "text/plain", id="the essence before the range"),
        pytest.param("text/csv", "text/*", id="the range before anything"),
        pytest.param("image/png", "*/*", id="anything"),
        pytest.param("application/json; v=2", "application/json; v=2", id="with its parameter"),
        pytest.param("application/json; v=3", "application/json", id="without one that differs"),
        pytest.param("APPLICATION/JSON", "application/json", id="in any case"),
        pytest.param(None, "*/*", id="no content type"),
    ],
)
def test_most_specific_media_type_is_found(content_type, key):
    content = ["*/*", "text/*", "text/plain", "application/json; v=2", "application/json"]
    assert best_match({name: name for name in content}, content_type) == key


def test_media_type_that_is_not_there_is_not_found():
    assert best_match({"application/json": 1}, "text/plain") is None
    assert not covers("application/json; v=1", "application/json")


def test_content_types_are_recognized():
    assert essence("Application/JSON; charset=utf-8") == "application/json"
    assert is_json("application/hal+json")
    assert not is_json("text/plain")
    assert is_xml("application/soap+xml; a=b")
    assert is_form("multipart/form-data; boundary=x")
    assert charset('text/plain; charset="UTF-16"') == "UTF-16"
    assert charset("text/plain; a=b") == "utf-8"
    assert parameter('a/b; x="1;\\"2"; y=3', "Y") == "3"
    assert parameter('a/b; x="1;\\"2', "x") == '1;"2'
