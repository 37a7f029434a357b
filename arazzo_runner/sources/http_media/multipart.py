"""Multipart bodies: one part for each member, several for a list (RFC 7578, RFC 2046 §5.1).

OpenAPI §Encoding Object: contentType, headers, style and explode of a part. What a file is: files.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from arazzo_runner.base.files import File
from arazzo_runner.base.json_values import JsonValue, to_json, to_text, type_name
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.sources.http_media.file_types import guessed_type
from arazzo_runner.sources.http_media.files import Described, described_by, encoded, file_of, is_file, with_texts
from arazzo_runner.sources.http_media.media_types import (
    MULTIPART,
    FileReader,
    UnusableMedia,
    covers,
    essence,
    is_json,
    parameter,
)
from arazzo_runner.sources.http_media.styles import query_pairs
from arazzo_runner.sources.operation import MediaType, OperationParameter

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
            yield _part(None, item, {}, Described(None), read)
        return
    if isinstance(value, str):
        text = f"{essence(content_type)}; boundary=…"
        raise UnusableMedia(f"a multipart body that is a ready text needs its boundary: contentType: {text}")
    if not isinstance(value, dict):
        hint = "write its parts as members, name: value"
        raise UnusableMedia(f"a multipart body is a mapping of parts, found {type_name(value)}", hint)
    described = described_by(media_type)
    for name, item in value.items():
        encoding = media_type.encoding.get(name, {}) if media_type is not None else {}
        yield from _parts_of(name, item, encoding, described.member(name), read)


def _parts_of(
    name: str, item: JsonValue, encoding: Mapping[str, Any], described: Described, read: FileReader | None
) -> Iterator[_Part]:
    """Yield the parts of one member: one for each item of a list, unless it is sent as JSON."""
    items = (described.items() or described) if isinstance(item, list) else described
    files = [each for each in (item if isinstance(item, list) else [item]) if _is_file(each, items)]
    if isinstance(item, (list, dict)) and ("style" in encoding or "explode" in encoding) and not files:
        style = str(encoding.get("style", "form"))
        explode = encoding.get("explode", style == "form") is True
        declared = OperationParameter(name=name, location="query", style=style, explode=explode)
        for key, text in query_pairs(name, item, declared):
            yield _Part(unquote(key), _text(unquote(text)))  # parts are not percent-encoded
        return
    if isinstance(item, list) and (files or not is_json(_first(_stated_types(encoding)))):
        for each in item:
            yield _part(name, each, encoding, items, read)
        return
    yield _part(name, item, encoding, described, read)


def _part(
    name: str | None, item: JsonValue, encoding: Mapping[str, Any], described: Described, read: FileReader | None
) -> _Part:
    """Return one part; its type is the stated one, else that of value and schema (§Encoding Object)."""
    stated, headers = _stated_types(encoding), tuple(_headers(encoding.get("headers")))
    transfer = _header(headers, "Content-Transfer-Encoding") or described.transfer_encoding
    if transfer is not None and _header(headers, "Content-Transfer-Encoding") is None:
        headers = (*headers, ("Content-Transfer-Encoding", transfer))
    if _is_file(item, described):
        file = file_of(item, read, is_expected=True)
        if file is not None:
            content = encoded(file, transfer or described.content_encoding)
            kind = _type_of_file(file, stated, described)
            return _Part(name, content, kind, file.filename or name or "file", headers)
    concrete = _first(stated) or described.media_type
    if isinstance(item, (dict, list)) or is_json(_first(stated)):
        text = to_json(with_texts(item, described, read))
        return _Part(name, _text(text), _first(stated) or "application/json", None, headers)
    content = b"" if item is None else _text(to_text(item))
    if isinstance(item, str) and described.is_binary:
        return _Part(name, content, concrete or _BINARY, name, headers)
    return _Part(name, content, concrete, None, headers)


def _is_file(item: JsonValue, described: Described) -> bool:
    return is_file(item, is_expected=described.asks_for_file or described.is_open)


def _type_of_file(file: File, stated: list[str], described: Described) -> str:
    """Return the type of a part with a file: its own, else the stated one that its name fits, else by its name.

    A type that the description does not take is sent as it is: no other would be true.
    """
    if file.content_type is not None:
        return file.content_type
    if len(stated) == 1 and "*" not in stated[0]:
        return stated[0]
    guessed = guessed_type(file.filename)
    fits = guessed is not None and any(covers(each, guessed) for each in stated)
    if guessed is not None and (fits or _first(stated) is not None):
        return guessed
    return _first(stated) or described.media_type or guessed or _BINARY


def _text(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise UnusableMedia("a part has a lone surrogate, which UTF-8 cannot write") from None


def _stated_types(encoding: Mapping[str, Any]) -> list[str]:
    """Return the content types of an encoding, ranges such as `image/*` among them."""
    stated = encoding.get("contentType")
    return [each.strip() for each in stated.split(",") if each.strip()] if isinstance(stated, str) else []


def _first(types: list[str]) -> str | None:
    """Return the first content type that is not a range."""
    return next((each for each in types if "*" not in each), None)


def _headers(headers: JsonValue) -> Iterator[tuple[str, str]]:
    """Yield the headers with a fixed value: a text, or a Header Object with const, default or one in its enum."""
    for name, header in headers.items() if isinstance(headers, dict) else ():
        schema = header.get("schema") if isinstance(header, dict) else None
        fixed = header if isinstance(header, str) else None
        if isinstance(schema, dict):
            fixed = schema.get("const", schema.get("default"))
            enum = schema.get("enum")
            if fixed is None and isinstance(enum, list) and len(enum) == 1:
                fixed = enum[0]
        if fixed is not None and name.lower() not in ("content-type", "content-disposition"):
            yield name, to_text(fixed)


def _header(headers: tuple[tuple[str, str], ...], name: str) -> str | None:
    return next((text for own, text in headers if own.lower() == name.lower()), None)


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
