"""Bodies by content type, both ways."""

from __future__ import annotations

import pytest

from arazzo_runner.sources.media import (
    UnusableMedia,
    charset,
    decode_body,
    encode_body,
    essence,
    is_form,
    is_json,
    is_xml,
)
from arazzo_runner.sources.operation import MediaType
from arazzo_runner.values import MISSING

XML_SCHEMA = {
    "xml": {"name": "order", "namespace": "urn:o", "prefix": "o"},
    "properties": {
        "id": {"xml": {"attribute": True}},
        "tags": {"xml": {"wrapped": True}, "items": {"xml": {"name": "tag"}}},
        "note": {},
    },
}


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


def test_xml_follows_the_hints_of_the_schema():
    media = MediaType(content_type="application/xml", schema=XML_SCHEMA)
    body, _ = encode_body({"id": 7, "tags": ["a", "b"], "note": 'x & "y"'}, "application/xml", media)
    assert body.decode().split("\n")[1] == (
        '<o:order xmlns:o="urn:o" id="7"><tags><tag>a</tag><tag>b</tag></tags><note>x &amp; "y"</note></o:order>'
    )


def test_multipart_has_parts_files_and_a_boundary_that_follows_from_the_content(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"file body")
    value = {
        "name": "x",
        "meta": {"a": 1},
        "up": {"filename": 'q"uote.txt', "path": str(file)},
        "inline": {"filename": "i.csv", "content": "1,2", "contentType": "text/csv"},
        "raw": b"\x00",
    }
    media = MediaType(
        content_type="multipart/form-data", encoding={"name": {"headers": {"X-Part": "1"}, "contentType": "text/plain"}}
    )
    body, content_type = encode_body(value, "multipart/form-data", media)
    again, _ = encode_body(value, "multipart/form-data", media)
    assert body == again
    boundary = content_type.partition("boundary=")[2]
    parts = body.decode("latin-1").split(f"--{boundary}")
    assert (
        parts[1]
        == '\r\nContent-Disposition: form-data; name="name"\r\nX-Part: 1\r\nContent-Type: text/plain\r\n\r\nx\r\n'
    )
    assert 'name="meta"\r\nContent-Type: application/json\r\n\r\n{"a":1}' in parts[2]
    assert 'filename="q%22uote.txt"\r\nContent-Type: application/octet-stream\r\n\r\nfile body' in parts[3]
    assert 'filename="i.csv"\r\nContent-Type: text/csv\r\n\r\n1,2' in parts[4]
    assert parts[-1] == "--\r\n"


@pytest.mark.parametrize(
    ("value", "content_type"),
    [
        pytest.param([1], "application/x-www-form-urlencoded", id="a form needs a mapping"),
        pytest.param(1, "multipart/form-data", id="multipart needs a mapping"),
        pytest.param({"a": 1, "b": 2}, "application/xml", id="XML needs one root element"),
        pytest.param("x", "text/plain; charset=nonsense", id="an unknown charset"),
        pytest.param({"path": "/does/not/exist"}, "application/octet-stream", id="a file that is not there"),
    ],
)
def test_value_that_does_not_fit_is_refused(value, content_type):
    with pytest.raises(UnusableMedia):
        encode_body(value, content_type, None)


def test_binary_body_is_read_from_a_file(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(b"\x01\x02")
    assert encode_body({"path": str(file)}, "application/octet-stream", None) == (
        b"\x01\x02",
        "application/octet-stream",
    )


@pytest.mark.parametrize(
    ("body", "content_type", "value", "note"),
    [
        pytest.param(b"", "application/json", MISSING, None, id="no body"),
        pytest.param(b'{"a": 1}', "application/json", {"a": 1}, None, id="JSON"),
        pytest.param(
            b'\xef\xbb\xbf{"a": 1}', "application/problem+json", {"a": 1}, None, id="JSON with a byte order mark"
        ),
        pytest.param(b"{oops", "application/json", "{oops", "no JSON", id="broken JSON stays text, with a note"),
        pytest.param(b"[1]", None, [1], None, id="without content type JSON is tried"),
        pytest.param(b"plain", None, "plain", None, id="else it is text"),
        pytest.param("é".encode("latin-1"), "text/plain; charset=latin-1", "é", None, id="another charset"),
        pytest.param(
            b"\xff\xfe", "text/plain", "\ufffd\ufffd", "not utf-8", id="invalid UTF-8 is shown as far as it goes"
        ),
        pytest.param(b"\xff\x00", "image/png", "/wA=", "binary", id="binary is base64"),
        pytest.param(b"x", "text/plain; charset=nonsense", "x", None, id="an unknown charset is read as UTF-8"),
    ],
)
def test_body_is_read_by_content_type(body, content_type, value, note):
    found, said = decode_body(body, content_type)
    assert found == value
    assert (said is None) if note is None else note in (said or "")


def test_content_types_are_told_apart():
    assert essence("Application/JSON; charset=utf-8") == "application/json"
    assert is_json("application/hal+json")
    assert not is_json("text/plain")
    assert is_xml("application/soap+xml; a=b")
    assert is_form("multipart/form-data; boundary=x")
    assert charset('text/plain; charset="UTF-16"') == "UTF-16"
