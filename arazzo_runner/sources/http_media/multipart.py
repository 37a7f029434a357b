"""Multipart bodies: one part for each member; the files in bodies (RFC 7578, RFC 2046 §5.1).

OpenAPI §Encoding Object: contentType, headers, style and explode of a part.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from arazzo_runner.base.json_values import JsonValue, to_json, to_text, type_name
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.sources.http_media.media_types import (
    MULTIPART,
    FileReader,
    UnusableMedia,
    essence,
    is_json,
    parameter,
)
from arazzo_runner.sources.http_media.styles import query_pairs
from arazzo_runner.sources.operation import MediaType, OperationParameter

# ---- Files in bodies: what a document writes for one.
#
# A file is a mapping with `filename`, with one of `content` (text or bytes), `base64` or `path`,
# and perhaps `contentType`:
#
#     payload:
#       photo: {filename: cat.png, path: pictures/cat.png, contentType: image/png}
#       notes: {filename: notes.txt, content: "$inputs.notes"}
#
# Where only a file can be meant (a binary body, a part of `format: binary`), `path` or `base64`
# alone will do.

_SOURCES: Final = ("content", "base64", "path")
_FIELDS: Final = frozenset({*_SOURCES, "filename", "contentType"})


class Upload(Record):
    """A file to send."""

    content: bytes
    filename: str | None
    content_type: str | None


def file_of(value: JsonValue, read: FileReader | None, *, is_expected: bool = False) -> Upload | None:
    """Return the file that a mapping describes; None when it is other data. Raises UnusableMedia.

    `read` returns the content of a file by its path. `is_expected`: only a file can be meant here.
    """
    if not isinstance(value, dict) or not set(value) <= _FIELDS:
        return None
    sources = [name for name in _SOURCES if isinstance(value.get(name), (str, bytes))]
    if len(sources) != 1 or not ("filename" in value or (is_expected and sources[0] != "content")):
        return None
    given = value[sources[0]]
    filename, content_type = value.get("filename"), value.get("contentType")
    if filename is None and sources[0] == "path":
        filename = str(given).replace("\\", "/").rpartition("/")[2]
    return Upload(
        _content(sources[0], given, read),
        None if filename is None else str(filename),
        None if content_type is None else str(content_type),
    )


def _content(source: str, given: str | bytes, read: FileReader | None) -> bytes:
    if isinstance(given, bytes):
        return given
    if source == "path":
        if read is None:
            raise UnusableMedia(f'the file "{given}" is not read here')
        return read(given)
    if source == "content":
        return given.encode("utf-8", "surrogateescape")
    try:
        return binascii.a2b_base64(given, strict_mode=True)
    except (binascii.Error, ValueError):
        raise UnusableMedia("the base64 of a file is not valid") from None


# ---- Multipart bodies.

_BINARY: Final = "application/octet-stream"
_BOUNDARY: Final = pattern(r"[0-9A-Za-z'()+_,./:=?\-]{1,70}")
_CONTENT_TYPE: Final = pattern(r"[\w!#$&^.+\-]+/[\w!#$&^.+\-]+(;[^\x00-\x1f\x7f]*)?", re.ASCII)
_HEADER: Final = pattern(r"[\w!#$%&'*+.^`|~\-]+", re.ASCII)


class _Part(Record):
    """One part: its name (None in multipart/mixed), content, type, file name and further headers."""

    name: str | None
    content: bytes
    content_type: str | None = None
    filename: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


def multipart_body(
    value: JsonValue, content_type: str, media_type: MediaType | None, read: FileReader | None
) -> tuple[bytes, str]:
    """Return (bytes, Content-Type with its boundary). Raises UnusableMedia.

    The boundary depends on the content only, since equal runs must send equal bytes; one given by
    the content type is used if possible.
    """
    parts = [_bytes(part, content_type) for part in _parts(value, content_type, media_type, read)]
    boundary = _boundary(parts, parameter(content_type, "boundary"))
    parts = parts or [b"\r\n"]  # RFC 2046 §5.1.1: there is a part at least; this one has no header and no content
    written = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
    plain = content_type.partition(";")[0].strip()
    return written + f"--{boundary}--\r\n".encode(), f"{plain}; boundary={_parameter_text(boundary)}"


def _parts(
    value: JsonValue, content_type: str, media_type: MediaType | None, read: FileReader | None
) -> Iterator[_Part]:
    if isinstance(value, list) and essence(content_type) != MULTIPART:
        for item in value:
            yield _part(None, item, {}, {}, read)
        return
    if isinstance(value, str):
        text = f"{essence(content_type)}; boundary=…"
        raise UnusableMedia(f"a multipart body that is a ready text needs its boundary: contentType: {text}")
    if not isinstance(value, dict):
        hint = "write its parts as members, name: value"
        raise UnusableMedia(f"a multipart body is a mapping of parts, found {type_name(value)}", hint)
    properties = _properties(media_type)
    for name, item in value.items():
        encoding = media_type.encoding.get(name, {}) if media_type is not None else {}
        schema = properties.get(name)
        yield from _parts_of(name, item, encoding, schema if isinstance(schema, dict) else {}, read)


def _parts_of(
    name: str, item: JsonValue, encoding: Mapping[str, Any], schema: Mapping[str, Any], read: FileReader | None
) -> Iterator[_Part]:
    """Yield the parts of one member: one for each item of a list, unless it is sent as JSON."""
    if isinstance(item, (list, dict)) and ("style" in encoding or "explode" in encoding):
        style = str(encoding.get("style", "form"))
        explode = encoding.get("explode", style == "form") is True
        declared = OperationParameter(name=name, location="query", style=style, explode=explode)
        for key, text in query_pairs(name, item, declared):
            yield _Part(unquote(key), _text(unquote(text)))  # parts are not percent-encoded
        return
    if isinstance(item, list) and not is_json(_stated_type(encoding)):
        items = schema.get("items")
        for each in item:
            yield _part(name, each, encoding, items if isinstance(items, dict) else {}, read)
        return
    yield _part(name, item, encoding, schema, read)


def _part(
    name: str | None, item: JsonValue, encoding: Mapping[str, Any], schema: Mapping[str, Any], read: FileReader | None
) -> _Part:
    """Return one part; its type is the stated one, else that of value and schema (§Encoding Object)."""
    stated, headers = _stated_type(encoding), tuple(_headers(encoding.get("headers")))
    is_binary = schema.get("format") == "binary"
    upload = file_of(item, read, is_expected=is_binary)
    if upload is not None:
        content_type = upload.content_type or stated or _BINARY
        return _Part(name, upload.content, content_type, upload.filename or name or "file", headers)
    if isinstance(item, bytes):
        return _Part(name, item, stated or _BINARY, name, headers)
    if isinstance(item, (dict, list)) or is_json(stated):
        return _Part(name, _text(to_json(item)), stated or "application/json", None, headers)
    content = b"" if item is None else _text(to_text(item))
    if isinstance(item, str) and is_binary:
        return _Part(name, content, stated or _BINARY, name, headers)
    return _Part(name, content, stated, None, headers)


def _text(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise UnusableMedia("a part has a lone surrogate, which UTF-8 cannot write") from None


def _stated_type(encoding: Mapping[str, Any]) -> str | None:
    """Return the first content type of an encoding that is not a range such as `image/*`."""
    stated = encoding.get("contentType")
    types = [each.strip() for each in stated.split(",")] if isinstance(stated, str) else []
    return next((each for each in types if each and "*" not in each), None)


def _headers(headers: JsonValue) -> Iterator[tuple[str, str]]:
    """Yield the headers with a fixed value: a text, or a Header Object with const or default."""
    for name, header in headers.items() if isinstance(headers, dict) else ():
        schema = header.get("schema") if isinstance(header, dict) else None
        fixed = header if isinstance(header, str) else None
        if isinstance(schema, dict):
            fixed = schema.get("const", schema.get("default"))
        if fixed is not None and name.lower() != "content-type":
            yield name, to_text(fixed)


def _properties(media_type: MediaType | None) -> Mapping[str, Any]:
    """Return the properties of the body's schema."""
    schema = media_type.schema if media_type is not None else None
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


# ------------------------------------------------------------------ bytes


def _bytes(part: _Part, content_type: str) -> bytes:
    lines = []
    if part.name is not None and essence(content_type) == MULTIPART:
        filename = "" if part.filename is None else f'; filename="{_quoted(part.filename)}"'
        lines.append(f'Content-Disposition: form-data; name="{_quoted(part.name)}"{filename}')
    elif part.filename is not None:
        lines.append(f'Content-Disposition: attachment; filename="{_quoted(part.filename)}"')
    for name, text in part.headers:
        if not _HEADER.fullmatch(name) or any(ord(character) < 32 or ord(character) == 127 for character in text):
            raise UnusableMedia("a header of a part has control characters, or no usable name")
        lines.append(f"{name}: {text}")
    if part.content_type is not None:
        if not _CONTENT_TYPE.fullmatch(part.content_type):
            raise UnusableMedia("the content type of a part is not type/subtype")
        lines.append(f"Content-Type: {part.content_type}")
    return _text("".join(f"{line}\r\n" for line in lines)) + b"\r\n" + part.content


def _quoted(text: str) -> str:
    # WHATWG form-data escapes only these three in a quoted name.
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _boundary(parts: list[bytes], stated: str | None) -> str:
    if stated is not None and _BOUNDARY.fullmatch(stated) and not _occurs(stated, parts):
        return stated
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()
    while _occurs(f"arazzo-{digest[:32]}", parts):
        digest = hashlib.sha256(digest.encode()).hexdigest()
    return f"arazzo-{digest[:32]}"


def _occurs(boundary: str, parts: list[bytes]) -> bool:
    return any(f"--{boundary}".encode() in part for part in parts)


def _parameter_text(boundary: str) -> str:
    return boundary if _HEADER.fullmatch(boundary) else f'"{boundary}"'
