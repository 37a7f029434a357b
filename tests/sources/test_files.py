"""Files in bodies: where a description asks for one, and how it is written; multipart is read by the standard library."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from arazzo_runner.base.files import File
from arazzo_runner.sources.http_media.media import UnusableMedia, encode_body
from arazzo_runner.sources.http_media.parts import read_parts
from arazzo_runner.sources.operation import MediaType
from tests.sources.test_multipart import read_back

FORM = "multipart/form-data"
PNG = b"\x89PNG\r\n\x1a\n\r\r\n\x00--\xff"
CAT = File(PNG, "cat.png")
SCHEMAS = {"Photo": {"type": "string", "contentMediaType": "image/png"}}


def resolve(schema: Any, base: str) -> tuple[Any, str]:
    """Follow a `$ref` into SCHEMAS."""
    return SCHEMAS[schema["$ref"].rpartition("/")[2]], base


def media(schema: Any, encoding: Any = None, content_type: str = FORM) -> MediaType:
    return MediaType(content_type=content_type, schema=schema, encoding=encoding or {}, resolve=resolve)


def sent(value: Any, schema: Any, encoding: Any = None) -> list[tuple[Any, ...]]:
    """Return the parts of a body with one member `a`, as another parser reads them."""
    described = media({"properties": {"a": schema}}, {"a": encoding} if encoding else None)
    found: list[tuple[Any, ...]] = read_back(
        *encode_body({"a": value}, FORM, described, read_file=lambda path: path.encode())
    )
    return found


BY_PATH = {"path": "pictures/cat.png"}
FROM_PATH = ("a", "cat.png", "image/png", b"pictures/cat.png")


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "string", "format": "binary"}, id="3.0 format binary"),
        pytest.param({"type": "string", "contentMediaType": "image/png"}, id="3.1 contentMediaType"),
        pytest.param({"contentMediaType": "image/png"}, id="3.1 contentMediaType alone"),
        pytest.param({}, id="3.1 a schema without a type"),
        pytest.param({"description": "a photo"}, id="3.1 a schema with a description only"),
        pytest.param({"$ref": "#/components/schemas/Photo"}, id="behind a $ref"),
        pytest.param({"allOf": [{"$ref": "#/components/schemas/Photo"}]}, id="in an allOf"),
        pytest.param({"oneOf": [{"type": "null"}, {"type": "string", "format": "binary"}]}, id="in a oneOf"),
    ],
)
def test_a_path_alone_is_a_file_where_one_is_described(schema: Any) -> None:
    assert sent(BY_PATH, schema) == [FROM_PATH]


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "string"}, id="a string"),
        pytest.param({"type": "object"}, id="an object"),
        pytest.param({"properties": {"path": {"type": "string"}}}, id="an object by its members"),
    ],
)
def test_a_path_alone_is_data_elsewhere(schema: Any) -> None:
    assert sent(BY_PATH, schema) == [("a", None, "application/json", b'{"path":"pictures/cat.png"}')]


@pytest.mark.parametrize(
    ("schema", "transfer", "content"),
    [
        pytest.param({"type": "string", "format": "byte"}, None, base64.b64encode(PNG), id="3.0 format byte"),
        pytest.param({"contentEncoding": "base64"}, "base64", base64.b64encode(PNG), id="3.1 base64"),
        pytest.param({"contentEncoding": "quoted-printable"}, "quoted-printable", None, id="3.1 quoted-printable"),
        pytest.param({"contentEncoding": "binary"}, "binary", PNG, id="3.1 binary"),
        pytest.param({"contentEncoding": "base16"}, "base16", PNG.hex().upper().encode(), id="3.1 base16"),
    ],
)
def test_a_part_has_the_encoding_that_is_described(schema: Any, transfer: str | None, content: bytes | None) -> None:
    described = media({"properties": {"a": schema}})
    body, kind = encode_body({"a": CAT}, FORM, described)
    [part] = read_parts(body, kind) or []
    assert dict(part.headers).get("Content-Transfer-Encoding") == transfer
    ((_, filename, content_type, decoded),) = read_back(body, kind)
    assert (filename, content_type) == ("cat.png", "image/png")
    assert content is None or content in body
    expected = PNG if transfer in ("base64", "quoted-printable", "binary") else content
    assert decoded == part.content == expected


@pytest.mark.parametrize(
    ("encoding", "file", "expected"),
    [
        pytest.param("image/png, image/jpeg", File(b"x", "dog.jpg"), "image/jpeg", id="that of the list that the name fits"),
        pytest.param("image/png, image/jpeg", File(b"x", "dog"), "image/png", id="the first of a list for an unknown name"),
        pytest.param("image/png, image/jpeg", File(b"x", "a.gif"), "image/gif", id="the true one although the list lacks it"),
        pytest.param("image/*", File(b"x", "dog.webp"), "image/webp", id="within a range"),
        pytest.param("image/*", File(b"x", "dog"), "application/octet-stream", id="bytes for a range and an unknown name"),
        pytest.param("application/x-photo", File(b"x", "dog.jpg"), "application/x-photo", id="the only one, whatever the name"),
        pytest.param("image/png", File(b"x", "dog.jpg", "image/heic"), "image/heic", id="the file's own before all"),
        pytest.param(None, File(b"x", "dog.jpg"), "image/jpeg", id="by the name without an encoding"),
        pytest.param(None, File(b"x", "dog"), "application/octet-stream", id="bytes without anything"),
        pytest.param(None, b"x", "application/octet-stream", id="bytes without a name"),
    ],
)  # fmt: skip
def test_type_of_a_part_with_a_file(encoding: str | None, file: bytes, expected: str) -> None:
    stated = None if encoding is None else {"contentType": encoding}
    assert [each[2] for each in sent(file, {"type": "string", "format": "binary"}, stated)] == [expected]


def test_content_media_type_is_the_type_of_a_part_unless_the_encoding_says_another() -> None:
    schema = {"type": "string", "contentMediaType": "text/csv"}
    assert [each[2] for each in sent("1,2", schema)] == ["text/csv"]
    assert [each[2] for each in sent(File(b"1,2", "data"), schema)] == ["text/csv"]
    assert [each[2] for each in sent("1,2", schema, {"contentType": "text/plain"})] == ["text/plain"]


def test_an_array_of_files_is_one_part_for_each_with_its_own_name() -> None:
    schema = {"type": "array", "items": {"type": "string", "format": "binary"}}
    files = [CAT, {"path": "dog.jpg"}, {"filename": "c.txt", "content": "c"}, b"d"]
    expected = [
        ("a", "cat.png", "image/png", PNG),
        ("a", "dog.jpg", "image/jpeg", b"dog.jpg"),
        ("a", "c.txt", "text/plain", b"c"),
        ("a", "a", "application/octet-stream", b"d"),
    ]
    assert sent(files, schema) == expected
    assert sent(files, schema, {"style": "form", "explode": False}) == expected


def test_headers_of_the_encoding_are_sent_with_each_file() -> None:
    headers = {
        "X-Album": {"schema": {"enum": ["summer"]}},
        "Content-Transfer-Encoding": {"schema": {"const": "base64"}},
    }
    described = media({"properties": {"a": {"items": {"format": "binary"}}}}, {"a": {"headers": headers}})
    body, kind = encode_body({"a": [CAT, b"x"]}, FORM, described)
    assert body.count(b"X-Album: summer\r\n") == 2
    assert body.count(b"Content-Transfer-Encoding: base64\r\n") == 2
    assert [each[3] for each in read_back(body, kind)] == [PNG, b"x"]


@pytest.mark.parametrize(
    ("content_type", "schema", "value", "expected"),
    [
        pytest.param("application/octet-stream", None, {"path": "a.bin"}, (b"a.bin", "application/octet-stream"), id="3.1 without a schema"),
        pytest.param("application/octet-stream", {}, CAT, (PNG, "application/octet-stream"), id="3.1 with an empty schema"),
        pytest.param("image/*", None, {"path": "cat.png"}, (b"cat.png", "image/png"), id="a range takes the type of the name"),
        pytest.param("image/*", None, File(b"x", None, "image/heic"), (b"x", "image/heic"), id="a range takes the file's own type"),
        pytest.param("image/png", {"type": "string", "contentEncoding": "base64"}, CAT, (base64.b64encode(PNG), "image/png"), id="a whole body in base64"),
        pytest.param("text/csv", {"type": "string"}, {"path": "a.csv"}, (b"a.csv", "text/csv"), id="a text from a file"),
        pytest.param("*/*", {"type": "string", "format": "binary"}, {"path": "cat.png"}, (b"cat.png", "image/png"), id="any type"),
        pytest.param("application/json", {}, {"path": "a.json"}, (b'{"path":"a.json"}', "application/json"), id="an object of JSON is data"),
    ],
)  # fmt: skip
def test_a_whole_body_is_a_file(content_type: str, schema: Any, value: Any, expected: tuple[bytes, str]) -> None:
    described = media(schema, content_type=content_type)
    assert encode_body(value, content_type, described, read_file=lambda path: path.encode()) == expected


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        pytest.param({"contentEncoding": "base64"}, base64.b64encode(PNG).decode(), id="base64"),
        pytest.param({"format": "byte"}, base64.b64encode(PNG).decode(), id="3.0 byte"),
        pytest.param({"contentEncoding": "base64url"}, base64.urlsafe_b64encode(PNG).decode().rstrip("="), id="base64url"),
        pytest.param({"contentEncoding": "base32"}, base64.b32encode(PNG).decode(), id="base32"),
        pytest.param({"contentEncoding": "BASE16"}, base64.b16encode(PNG).decode(), id="base16, whatever its case"),
    ],
)  # fmt: skip
def test_json_and_forms_hold_files_in_the_encoding_that_is_described(schema: Any, text: str) -> None:
    for value in (CAT, {"filename": "cat.png", "base64": base64.b64encode(PNG).decode()}):
        described = media({"properties": {"a": {"type": "array", "items": schema}}})
        body, _ = encode_body({"a": [value]}, "application/json", described)
        assert body.decode() == f'{{"a":["{text}"]}}'
        form, _ = encode_body({"a": value}, "application/x-www-form-urlencoded", media({"properties": {"a": schema}}))
        assert form.decode().partition("=")[2].replace("%2B", "+").replace("%2F", "/").replace("%3D", "=") == text


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "application/xml"])
def test_bytes_that_are_no_text_are_refused_where_nothing_says_how_text_holds_them(content_type: str) -> None:
    described = media({"properties": {"a": {"type": "string"}}, "xml": {"name": "r"}}, content_type=content_type)
    with pytest.raises(UnusableMedia, match=r'the file "cat.png" is not text') as problem:
        encode_body({"a": CAT}, content_type, described)
    assert "contentEncoding: base64" in (problem.value.hint or "")
    assert b"hello" in encode_body({"a": File(b"hello", "a.txt")}, content_type, described)[0]


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(UnusableMedia, match='contentEncoding "rot13" is not known'):
        sent(CAT, {"contentEncoding": "rot13"})


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n", "multipart/form-data; boundary=x", id="plain"),
        pytest.param(b"ignored\r\n--x \t\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\nignored", 'multipart/form-data; boundary="x"', id="with text around"),
        pytest.param(b"--x\nContent-Disposition: form-data; name=a\n\n1\n--x--\n", "multipart/form-data; boundary=x", id="lines that end in LF"),
        pytest.param(b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1", "multipart/form-data; boundary=x", id="without an end"),
        pytest.param(b"--x\r\ncontent-disposition: form-data;\r\n name=a\r\n\r\n1\r\n--x--", "multipart/form-data; boundary=x", id="a folded header"),
    ],
)  # fmt: skip
def test_parts_are_read_as_other_clients_write_them(body: bytes, content_type: str) -> None:
    assert [(part.name, part.content) for part in read_parts(body, content_type) or ()] == [("a", b"1")]


def test_what_has_no_parts_is_not_read() -> None:
    assert read_parts(b"--x--\r\n", "multipart/form-data; boundary=x") == []
    assert read_parts(b"nothing", "multipart/form-data; boundary=x") is None
    assert read_parts(b"--x\r\n\r\n1\r\n--x--", "multipart/form-data") is None


def test_a_file_name_of_any_language_is_read() -> None:
    head = b"Content-Disposition: form-data; name=a; filename=\"x\"; filename*=UTF-8''%C3%BC.png"
    [part] = read_parts(b"--x\r\n" + head + b"\r\n\r\n1\r\n--x--", "multipart/form-data; boundary=x") or []
    assert part.filename == "ü.png"


def test_schemas_that_refer_to_themselves_end() -> None:
    again = {"$ref": "#/components/schemas/Loop"}
    loop = {"anyOf": [again] * 50, "allOf": [{"oneOf": [again, {"anyOf": [again]}]}], "properties": {"a": again}}

    def follow(schema: Any, base: str) -> tuple[Any, str]:
        return loop, base

    described = MediaType(content_type=FORM, schema=loop, resolve=follow)
    body, kind = encode_body({"a": {"a": {"path": "x"}}}, FORM, described)
    assert read_back(body, kind) == [("a", None, "application/json", b'{"a":{"path":"x"}}')]
