"""multipart bodies, read back by the standard library's parser."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import HTTP

import pytest

from arazzo_runner.sources.http_media.media import UnusableMedia, encode_body
from arazzo_runner.sources.operation import MediaType

FORM = "multipart/form-data"


def read_back(body, content_type):
    """Return [(name, file name, content type, content)] of a multipart body."""
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body, policy=HTTP)
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part.get("content-type"),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"a": "x"}, ("a", None, None, b"x"), id="a text has no type of its own"),
        pytest.param({"a": "ü"}, ("a", None, None, "ü".encode()), id="a text is UTF-8"),
        pytest.param({"a": 1.5}, ("a", None, None, b"1.5"), id="a number"),
        pytest.param({"a": None}, ("a", None, None, b""), id="null is empty"),
        pytest.param({"a": {"b": 1}}, ("a", None, "application/json", b'{"b":1}'), id="a mapping is JSON"),
        pytest.param({"a": {"content": "x"}}, ("a", None, "application/json", b'{"content":"x"}'), id="a mapping without filename is data"),
        pytest.param({"a": b"\x00\xff"}, ("a", "a", "application/octet-stream", b"\x00\xff"), id="bytes are a file"),
        pytest.param({"a": {"filename": "n.txt", "content": "x"}}, ("a", "n.txt", "text/plain", b"x"), id="a file by content"),
        pytest.param({"a": {"filename": "n.png", "base64": "AP8=", "contentType": "image/png"}}, ("a", "n.png", "image/png", b"\x00\xff"), id="a file by base64, with its type"),
        pytest.param({"a": {"filename": "n.txt", "path": "sub/file.txt"}}, ("a", "n.txt", "text/plain", b"file body"), id="a file by path"),
    ],
)  # fmt: skip
def test_part_follows_from_its_value(value, expected):
    body, content_type = encode_body(value, FORM, None, read_file={"sub/file.txt": b"file body"}.__getitem__)
    assert read_back(body, content_type) == [expected]


@pytest.mark.parametrize(
    ("encoding", "schema", "value", "expected"),
    [
        pytest.param({"contentType": "text/csv"}, {}, "1,2", [("a", None, "text/csv", b"1,2")], id="a stated type"),
        pytest.param({"contentType": "image/*, image/png"}, {}, "x", [("a", None, "image/png", b"x")], id="the first type that is not a range"),
        pytest.param({"contentType": "image/*"}, {}, b"x", [("a", "a", "application/octet-stream", b"x")], id="a range is not sent"),
        pytest.param({}, {"type": "array"}, [1, 2], [("a", None, None, b"1"), ("a", None, None, b"2")], id="a list is a part for each item"),
        pytest.param({"contentType": "application/json"}, {}, [1, 2], [("a", None, "application/json", b"[1,2]")], id="a list as JSON"),
        pytest.param({"contentType": "application/json"}, {}, "x", [("a", None, "application/json", b'"x"')], id="a text as JSON"),
        pytest.param({}, {"format": "binary"}, "x", [("a", "a", "application/octet-stream", b"x")], id="a text where a file is described"),
        pytest.param({}, {"items": {"format": "binary"}}, ["x"], [("a", "a", "application/octet-stream", b"x")], id="files in a list"),
        pytest.param({"style": "form", "explode": False}, {}, [1, "b c"], [("a", None, None, b"1,b c")], id="a style, not percent-encoded"),
        pytest.param({"style": "deepObject"}, {}, {"b": 1}, [("a[b]", None, None, b"1")], id="style deepObject"),
    ],
)  # fmt: skip
def test_part_follows_its_encoding_object_and_schema(encoding, schema, value, expected):
    media = MediaType(content_type=FORM, schema={"properties": {"a": schema}}, encoding={"a": encoding})
    assert read_back(*encode_body({"a": value}, FORM, media)) == expected


def test_headers_of_a_part_come_from_texts_and_fixed_schemas():
    headers = {"X-A": "1", "X-B": {"schema": {"const": 2}}, "X-C": {"example": 3}, "Content-Type": "no"}
    media = MediaType(content_type=FORM, encoding={"a": {"headers": headers}})
    body, _ = encode_body({"a": "x"}, FORM, media)
    assert b'name="a"\r\nX-A: 1\r\nX-B: 2\r\n\r\nx\r\n' in body


def test_boundary_follows_from_the_content():
    first, again, other = (encode_body({"a": text}, FORM, None) for text in ("x", "x", "y"))
    assert first == again
    assert first[1] != other[1]
    boundary = first[1].partition("boundary=")[2]
    inside, _ = encode_body({"a": f"--{boundary}"}, FORM, None)
    assert inside.count(f"--{boundary}".encode()) == 1


def test_given_boundary_is_used_unless_it_occurs_in_the_content():
    stated = "multipart/form-data; boundary=abc"
    assert encode_body({"a": "x"}, stated, None)[1] == stated
    assert encode_body({"a": "--abc"}, stated, None)[1] != stated
    assert encode_body({"a": "x"}, 'multipart/form-data; boundary="a b"', None)[1].startswith(
        "multipart/form-data; boundary=arazzo-"
    )


def test_names_cannot_break_out_of_their_quotes():
    body, _ = encode_body({'a"\r\nX: y': {"filename": 'q"\n.txt', "content": "x"}}, FORM, None)
    assert b'name="a%22%0D%0AX: y"; filename="q%22%0A.txt"\r\n' in body


@pytest.mark.parametrize(
    ("part", "headers"),
    [
        pytest.param({"filename": "f", "content": "", "contentType": "a/b\r\nX: y"}, {}, id="a line break in a type"),
        pytest.param({"filename": "f", "content": "", "contentType": "nonsense"}, {}, id="a type that is none"),
        pytest.param("x", {"X-A": "1\r\nX: y"}, id="a line break in a header"),
        pytest.param("x", {"X A": "1"}, id="a header name with a blank"),
        pytest.param("\ud800", {}, id="a lone surrogate"),
    ],
)
def test_part_that_cannot_be_written_is_refused(part, headers):
    media = MediaType(content_type=FORM, encoding={"a": {"headers": headers}})
    with pytest.raises(UnusableMedia):
        encode_body({"a": part}, FORM, media)


def test_other_multipart_types_take_a_list():
    value = ["x", {"a": 1}, {"filename": "f.txt", "content": "y"}]
    body, content_type = encode_body(value, "multipart/mixed", None)
    assert read_back(body, content_type) == [
        (None, None, None, b"x"),
        (None, None, "application/json", b'{"a":1}'),
        (None, "f.txt", "text/plain", b"y"),
    ]
