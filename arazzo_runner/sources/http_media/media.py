"""Bodies: encoding of values by content type, and decoding (semantics §6)."""

from __future__ import annotations

import binascii
import codecs
import json
import math
import re
from typing import Final, NoReturn

from arazzo_runner.base.beginnings import ended
from arazzo_runner.base.files import File
from arazzo_runner.base.json_values import MISSING, JsonValue, Missing, to_json, to_text, type_name
from arazzo_runner.sources.http_media.files import Described, described_by, encoded, file_of, with_texts
from arazzo_runner.sources.http_media.media_types import (
    FORM,
    FileReader,
    UnusableMedia,
    best_match,
    charset,
    covers,
    essence,
    is_form,
    is_json,
    is_xml,
    parameter,
    text_codec,
)
from arazzo_runner.sources.http_media.styles import form_pairs
from arazzo_runner.sources.operation import MediaType

__all__ = [
    "UnusableMedia",
    "best_match",
    "body_codec",
    "charset",
    "covers",
    "decode_beginning",
    "decode_body",
    "encode_body",
    "essence",
    "is_form",
    "is_json",
    "is_xml",
]


# ------------------------------------------------------------------ writing


def encode_body(
    value: JsonValue, content_type: str, media_type: MediaType | None, *, read_file: FileReader | None = None
) -> tuple[bytes, str]:
    """Return (bytes, Content-Type) of a body; raises UnusableMedia.

    A text is the body itself, except for JSON and for a multipart type without a boundary. Files are
    bytes or mappings (see files.py): parts of a multipart body, a whole body, or texts where the body is
    text; `read_file` returns the content of those given by path (None: there are none).
    """
    described = described_by(media_type)
    file = _whole_file(value, content_type, described, read_file)
    content_type = _concrete(content_type, value if file is None else file)
    plain = essence(content_type)
    if file is not None:
        return encoded(file, described.content_encoding), content_type
    if is_json(content_type):
        return _json_bytes(with_texts(value, described, read_file), content_type), content_type
    if plain.startswith("multipart/") and not (isinstance(value, str) and parameter(content_type, "boundary")):
        from arazzo_runner.sources.http_media.multipart import multipart_body  # lazily: few bodies are multipart

        return multipart_body(value, content_type, media_type, read_file)
    if isinstance(value, str):
        return _text_bytes(value, content_type), content_type
    if plain == FORM:
        return _form(with_texts(value, described, read_file), media_type), content_type
    if is_xml(content_type):
        from arazzo_runner.sources.http_media.xml import xml_document  # lazily: few bodies are XML

        text = with_texts(value, described, read_file)
        return xml_document(text, media_type, _codec(content_type)), content_type
    return _text_bytes(to_text(with_texts(value, described, read_file)), content_type), content_type


def _whole_file(value: JsonValue, content_type: str, described: Described, read: FileReader | None) -> File | None:
    """Return the file that a body is, None when it is something else.

    A mapping may be the data of a JSON document, a form or XML: then it is a file only where one is described.
    """
    if isinstance(value, bytes):
        return File(value)
    is_data = is_json(content_type) or is_form(content_type) or essence(content_type).startswith("multipart/")
    if not isinstance(value, dict) or is_data:
        return None
    if (is_xml(content_type) or essence(content_type) == "*/*") and not described.asks_for_file:
        return None
    return file_of(value, read, is_expected=True)


def _concrete(content_type: str, value: JsonValue) -> str:
    """Return a content type to send, for a range such as `*/*` one that fits the value."""
    plain = essence(content_type)
    if "*" not in plain:
        return content_type
    if isinstance(value, File):
        from arazzo_runner.sources.http_media.file_types import guessed_type  # lazily: few bodies are files

        own = value.content_type or guessed_type(value.filename)
        if own is not None and covers(content_type, own):
            return own
    if plain.startswith("text/"):
        return "text/plain"
    if plain.endswith("+json"):
        return "application/json"
    if isinstance(value, bytes) or (isinstance(value, str) and plain != "*/*"):
        return "application/octet-stream"
    return "text/plain; charset=utf-8" if isinstance(value, str) else "application/json"


def _codec(content_type: str) -> str:
    name = charset(content_type)
    if text_codec(name) is None:
        raise UnusableMedia(f'the charset "{name}" is not known')
    return name


def _json_bytes(value: JsonValue, content_type: str) -> bytes:
    text, codec = to_json(value), _codec(content_type)
    try:
        return text.encode(codec)
    except UnicodeEncodeError:  # a lone surrogate, or a character that the charset lacks: JSON can escape both
        return json.dumps(json.loads(text), separators=(",", ":")).encode(codec)


def _text_bytes(text: str, content_type: str) -> bytes:
    codec = _codec(content_type)
    try:
        return text.encode(codec, "surrogateescape")
    except UnicodeEncodeError as problem:
        found = f"U+{ord(text[problem.start]):04X}"
        raise UnusableMedia(f"the text has the character {found}, which {codec} cannot write") from None


def _form(value: JsonValue, media_type: MediaType | None) -> bytes:
    """Encode as application/x-www-form-urlencoded, blanks as `+` (WHATWG URL §5.2)."""
    if not isinstance(value, dict):
        hint = "write its fields as members, name: value, or the payload as a text, 'name=value&…'"
        raise UnusableMedia(f"a form is a mapping or a text, found {type_name(value)}", hint)
    return "&".join(f"{key}={text}" for key, text in form_pairs(value, media_type)).replace("%20", "+").encode()


# ------------------------------------------------------------------ reading


def decode_body(body: bytes, content_type: str | None) -> tuple[JsonValue | Missing, str | None]:
    """Return (value, note) of a body: JSON parsed, other text as text, binary data as base64.

    The value is MISSING when there is no body. Without a content type JSON is tried. `note`
    mentions invalid JSON, which stays text, and base64.
    """
    if not body:
        return MISSING, None
    text, note = _as_text(body, content_type)
    if note is not None or not _may_be_json(content_type):
        return text, note
    try:
        return _JSON.decode(text.strip(" \t\r\n")), None
    except (ValueError, RecursionError) as problem:
        reason = "it is nested too deeply" if isinstance(problem, RecursionError) else str(problem)
        return text, f"the body is not JSON ({reason})" if is_json(content_type) else None


def decode_beginning(body: bytes, content_type: str | None, size: int) -> tuple[JsonValue, bool]:
    """Return what `size` characters of a longer body hold, and whether its last part is a text that was cut.

    That is the first members of JSON, or the beginning of a text.
    """
    text, note = _as_text(body[: 4 * size], content_type, is_whole=False)
    text = text[:size]
    if note is None and _may_be_json(content_type):
        start, is_cut = ended(text)
        try:
            return _JSON.decode(start.strip(" \t\r\n")), is_cut
        except (ValueError, RecursionError):
            pass
    return text, True


def _may_be_json(content_type: str | None) -> bool:
    return is_json(content_type) or not (content_type or "").strip()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is beyond the range of numbers")
    return value


BINARY: Final = "the body is binary; it is shown as base64"
_JSON: Final = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
_XML_ENCODING: Final = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._\-]+)["']""")


def _as_text(body: bytes, content_type: str | None, *, is_whole: bool = True) -> tuple[str, str | None]:
    codec = body_codec(body, content_type)
    try:
        return _decoded(body, codec, is_whole), None
    except UnicodeDecodeError:
        if essence(content_type).startswith("text/") or is_json(content_type) or is_xml(content_type):
            return body.decode("utf-8", "replace"), f"the body is not {codec}"
        return binascii.b2a_base64(body, newline=False).decode("ascii"), BINARY


def _decoded(body: bytes, codec: str, is_whole: bool) -> str:
    name = text_codec(codec) or "utf-8"  # a server may name any charset
    # The last character may be cut.
    text = body.decode(name) if is_whole else codecs.getincrementaldecoder(name)().decode(body)
    return text.removeprefix("\ufeff")


def body_codec(body: bytes, content_type: str | None) -> str:
    """Return the charset: as stated, else detected from the format (RFC 8259 §8.1, XML §4.3.3), else UTF-8."""
    if parameter(content_type, "charset"):
        return charset(content_type)
    if is_json(content_type):
        return json.detect_encoding(body).removesuffix("-sig")
    if is_xml(content_type):
        declared = _XML_ENCODING.match(body[:200].removeprefix(b"\xef\xbb\xbf"))
        return declared[1].decode("ascii").lower() if declared is not None else "utf-8"
    return "utf-8"
