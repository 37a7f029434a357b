"""Files in bodies: what a document writes for one.

A file is a mapping with `filename`, with one of `content` (text or bytes), `base64` or `path`,
and perhaps `contentType`:

    payload:
      photo: {filename: cat.png, path: pictures/cat.png, contentType: image/png}
      notes: {filename: notes.txt, content: "$inputs.notes"}

Where only a file can be meant (a binary body, a part of `format: binary`), `path` or `base64`
alone will do.
"""

from __future__ import annotations

import binascii
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.sources.http_media.media_types import FileReader, UnusableMedia

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
