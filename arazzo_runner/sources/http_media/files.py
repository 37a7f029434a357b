"""Files in values: what a document writes for one, where descriptions ask for one, and how text holds one.

A file is bytes, or a mapping with `path`, `base64` or `content` (text or bytes), and perhaps
`filename` and `contentType`:

    payload:
      photo: {filename: cat.png, path: pictures/cat.png, contentType: image/png}
      notes: {filename: notes.txt, content: "$inputs.notes"}

Where the description asks for a file, `path` or `base64` alone will do. It asks for one by `format:
binary` or `byte` (OpenAPI 3.0), by `contentMediaType` or `contentEncoding` (3.1), and in multipart
by a schema without a type (3.1 §Encoding Object: its parts are application/octet-stream).
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from arazzo_runner.base.files import File
from arazzo_runner.base.json_values import JsonValue, escaped
from arazzo_runner.base.records import Record
from arazzo_runner.sources.http_media.media_types import FileReader, UnusableMedia
from arazzo_runner.sources.operation import MediaType
from arazzo_runner.sources.schema.context import Resolve

_SOURCES: Final = ("content", "base64", "path")
_SOURCE_NAMES: Final = frozenset(_SOURCES)
_MOST_FIELDS: Final = 3
"""The fields of one file: where its content is, its name, its type."""
_FIELDS: Final = frozenset({*_SOURCES, "filename", "contentType"})
_MOST_PARTS: Final = 100


# ------------------------------------------------------------------ schemas


class Described(Record):
    """What a description says of a value: its schema, the base URI of that, and the resolver of its references."""

    _hidden_in_repr = ("resolve",)

    raw: JsonValue
    base: str = ""
    resolve: Resolve | None = None

    @property
    def asks_for_file(self) -> bool:
        """Whether a file is described: no other value fits."""
        return any(_is_file(part) for part, _ in self._parts())

    @property
    def is_binary(self) -> bool:
        """Whether a text is the content of a file too: `format: binary` (OpenAPI 3.0)."""
        return any(part.get("format") == "binary" or part.get("type") == "file" for part, _ in self._parts())

    @property
    def is_open(self) -> bool:
        """Whether there is a schema and it has no type, so that a part of multipart is a file (OpenAPI 3.1)."""
        typed = ("type", "$ref", "properties", "items", "enum", "const", "allOf", "anyOf", "oneOf")
        return isinstance(self.raw, dict) and not any(name in self.raw for name in typed)

    @property
    def content_encoding(self) -> str | None:
        """The encoding in which text holds the bytes: `contentEncoding`, base64 for `format: byte`, None for none."""
        stated = self._first("contentEncoding")
        if stated is not None:
            return stated.lower()
        return "base64" if any(part.get("format") == "byte" for part, _ in self._parts()) else None

    @property
    def transfer_encoding(self) -> str | None:
        """The Content-Transfer-Encoding of a part: `contentEncoding` is one (OpenAPI 3.1), `format: byte` is not."""
        return self._first("contentEncoding")

    @property
    def media_type(self) -> str | None:
        """Its `contentMediaType`."""
        return self._first("contentMediaType")

    def member(self, name: str) -> Described:
        """Return the schema of a member."""
        for part, base in self._parts():
            properties = part.get("properties")
            if isinstance(properties, dict) and name in properties:
                return Described(properties[name], base, self.resolve)
            extra = part.get("additionalProperties")
            if isinstance(extra, dict):
                return Described(extra, base, self.resolve)
        return Described(None)

    def items(self) -> Described | None:
        """Return the schema of the items of a list, None where no list is described."""
        found = ((part["items"], base) for part, base in self._parts() if isinstance(part.get("items"), dict))
        return next((Described(raw, base, self.resolve) for raw, base in found), None)

    def _first(self, keyword: str) -> str | None:
        found = (part[keyword] for part, _ in self._parts() if isinstance(part.get(keyword), str))
        return next(found, None)

    def _parts(self) -> Iterator[tuple[Mapping[str, Any], str]]:
        """Yield the schema and those applied in place, each once, with the base URI of each."""
        waiting, seen = [(self.raw, self.base)], set[int]()
        while waiting and len(seen) < _MOST_PARTS:
            raw, base = waiting.pop(0)
            if not isinstance(raw, dict) or id(raw) in seen:
                continue
            seen.add(id(raw))
            yield raw, base
            if isinstance(raw.get("$ref"), str) and self.resolve is not None:
                waiting.append(self.resolve(raw, base))
            for keyword in ("allOf", "anyOf", "oneOf"):
                forms = raw.get(keyword)
                waiting += [(form, base) for form in forms] if isinstance(forms, list) else []


def described_by(media_type: MediaType | None) -> Described:
    """Return what a media type says of a whole body."""
    return Described(None) if media_type is None else Described(media_type.schema, media_type.base, media_type.resolve)


def _is_file(schema: Mapping[str, Any]) -> bool:
    is_marked = "contentEncoding" in schema or "contentMediaType" in schema
    return is_marked or schema.get("format") in ("binary", "byte") or schema.get("type") == "file"


# ------------------------------------------------------------------ values


def is_file(value: JsonValue, *, is_expected: bool) -> bool:
    """Return whether a value means a file; `is_expected`: only a file can be meant here."""
    if isinstance(value, bytes):
        return True
    if not isinstance(value, dict) or not set(value) <= _FIELDS:
        return False
    sources = [name for name in _SOURCES if name in value]
    return len(sources) == 1 and ("filename" in value or (is_expected and sources[0] != "content"))


def may_have_files(value: JsonValue) -> bool:
    """Return False only if nothing in a value means a file, whatever is described: most values are large data."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if len(each) <= _MOST_FIELDS and not _SOURCE_NAMES.isdisjoint(each):
                return True
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, bytes):
            return True
    return False


def file_of(value: JsonValue, read: FileReader | None, *, is_expected: bool = False) -> File | None:
    """Return the file that a value means; None when it is other data. Raises UnusableMedia.

    `read` returns the content of a file by its path. `is_expected`: only a file can be meant here.
    """
    if not is_file(value, is_expected=is_expected):
        return None
    if isinstance(value, bytes):
        return File(value)
    source = next(name for name in _SOURCES if name in value)
    given, filename, content_type = value[source], value.get("filename"), value.get("contentType")
    if not isinstance(given, (str, bytes)):
        return None
    if filename is None and source == "path":
        filename = str(given).replace("\\", "/").rpartition("/")[2]
    return File(
        _content(source, given, read),
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


def without_files(
    value: JsonValue, described: Described, instead: JsonValue = "", *, in_parts: bool = False
) -> tuple[JsonValue, frozenset[str]]:
    """Return a value with `instead` in place of its files, and the JSON Pointers of these.

    `in_parts`: the members are parts of multipart, where a mapping with `filename` is a file whatever is described.
    """
    found: set[str] = set()
    if not may_have_files(value):
        return value, frozenset()
    return _replaced(value, described, instead, "", found, in_parts=in_parts), frozenset(found)


def _replaced(
    value: JsonValue, described: Described, instead: JsonValue, pointer: str, found: set[str], *, in_parts: bool
) -> JsonValue:
    if not isinstance(value, (dict, list, bytes)):
        return value
    is_expected = described.asks_for_file or (in_parts and described.is_open)
    if is_file(value, is_expected=is_expected) and (is_expected or in_parts or isinstance(value, bytes)):
        found.add(pointer)
        return instead
    if isinstance(value, bytes):
        return value
    if isinstance(value, list):
        items = described.items() or described
        return [
            _replaced(item, items, instead, f"{pointer}/{index}", found, in_parts=in_parts)
            for index, item in enumerate(value)
        ]
    return {
        name: _replaced(item, described.member(str(name)), instead, f"{pointer}/{escaped(str(name))}", found,
                        in_parts=in_parts) if isinstance(item, (dict, list, bytes)) else item
        for name, item in value.items()
    }  # fmt: skip


# ------------------------------------------------------------------ text


def _base64(content: bytes) -> bytes:
    return binascii.b2a_base64(content, newline=False)


def _base64url(content: bytes) -> bytes:
    return _base64(content).translate(bytes.maketrans(b"+/", b"-_")).rstrip(b"=")  # RFC 7515 §2


def _base32(content: bytes) -> bytes:
    from base64 import b32encode  # lazily: rarely needed

    return b32encode(content)


def _base16(content: bytes) -> bytes:
    return binascii.hexlify(content).upper()


def _quoted_printable(content: bytes) -> bytes:
    lines = binascii.b2a_qp(content, istext=False)
    return lines.replace(b"=\n", b"=\r\n")  # RFC 2045 §6.7: the soft line breaks are CRLF


_ENCODERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "base64": _base64,
    "base64url": _base64url,
    "base32": _base32,
    "base16": _base16,
    "quoted-printable": _quoted_printable,
}
_IDENTITIES: Final[Collection[str]] = ("binary", "7bit", "8bit", "identity")


def encoded(content: bytes, encoding: str | None) -> bytes:
    """Return bytes in an encoding of RFC 4648 or RFC 2045 §6; raises UnusableMedia for an unknown one.

    >>> encoded(b"cat", "base64"), encoded(b"cat", "base16"), encoded(b"cat", None)
    (b'Y2F0', b'636174', b'cat')
    """
    name = (encoding or "binary").lower()
    if name in _IDENTITIES:
        return bytes(content)
    if name not in _ENCODERS:
        raise UnusableMedia(f'the contentEncoding "{name[:40]}" is not known; known are {", ".join(_ENCODERS)}')
    return _ENCODERS[name](content)


def with_texts(value: JsonValue, described: Described, read: FileReader | None) -> JsonValue:
    """Return a value with its files as text: encoded as described, else as UTF-8. Raises UnusableMedia."""
    return _with_texts(value, described, read) if may_have_files(value) else value


def _with_texts(value: JsonValue, described: Described, read: FileReader | None) -> JsonValue:
    if not isinstance(value, (dict, list, bytes)):
        return value
    file = file_of(value, read, is_expected=True) if isinstance(value, bytes) or described.asks_for_file else None
    if file is not None:
        return _as_text(file, described)
    if isinstance(value, bytes):
        return value
    if isinstance(value, list):
        items = described.items() or described
        return [_with_texts(item, items, read) for item in value]
    return {
        name: _with_texts(item, described.member(str(name)), read) if isinstance(item, (dict, list, bytes)) else item
        for name, item in value.items()
    }


def _as_text(file: File, described: Described) -> str:
    try:
        return encoded(file, described.content_encoding).decode("utf-8")
    except UnicodeDecodeError:
        name = f'the file "{file.filename}"' if file.filename else "a file"
        what = f"{name} is not text, and the description does not say how text holds it"
        hint = "describe it with contentEncoding: base64 (OpenAPI 3.0: format: byte), or send it as multipart/form-data"
        raise UnusableMedia(what, hint=hint) from None
