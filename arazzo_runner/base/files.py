"""File: the content of a file that a request sends, with its name and media type; how it is shown and stored."""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any, Final, Self

from arazzo_runner.base.kinds import type_of
from arazzo_runner.base.patterns import pattern

_SIZE: Final = pattern(r"<[0-9]{1,3}(,[0-9]{3})* bytes?>")
TAG: Final = "arazzo-file"
"""The key under which JSON holds a file."""


class File(bytes):
    """The content of a file to send: bytes, with the file name and the media type they are sent with, if given.

    >>> photo = File(b"...", "cat.png", "image/png")
    >>> photo, len(photo), photo.filename
    (File(<3 bytes>, 'cat.png', 'image/png'), 3, 'cat.png')
    """

    filename: str | None
    content_type: str | None

    def __new__(cls, content: bytes, filename: str | None = None, content_type: str | None = None) -> Self:
        """Return a file; what `content` lacks in name and type is taken from it if it is a file itself.

        Raises TypeError for a content that is not bytes.
        """
        given: Any = content
        if not isinstance(given, (bytes, bytearray, memoryview)):  # bytes(3) would be three zeros
            hint = "encode it: text.encode()" if isinstance(given, str) else "read it, or give a pathlib.Path instead"
            raise TypeError(f"the content of a File is bytes, not {type_of(given)}: {hint}")
        self = super().__new__(cls, content)
        self.filename = filename or getattr(content, "filename", None)
        self.content_type = content_type or getattr(content, "content_type", None)
        return self

    def __repr__(self) -> str:
        about = [size_of(self), *(repr(each) for each in (self.filename, self.content_type) if each is not None)]
        return f"File({', '.join(about)})"

    __str__ = __repr__


def size_of(content: bytes) -> str:
    """Return how bytes are shown, which are never printed.

    >>> size_of(b"x"), size_of(bytes(1234))
    ('<1 byte>', '<1,234 bytes>')
    """
    return f"<{len(content):,} byte{'' if len(content) == 1 else 's'}>"


def is_size(text: str) -> bool:
    """Return whether a text is what `size_of` returns."""
    return _SIZE.fullmatch(text) is not None


def as_json(value: Any) -> Any:
    """Return a value with its bytes as JSON, to be read by `from_json`."""
    if isinstance(value, bytes):
        about = {"filename": getattr(value, "filename", None), "contentType": getattr(value, "content_type", None)}
        text = binascii.b2a_base64(value, newline=False).decode("ascii")
        return {TAG: {**{name: each for name, each in about.items() if each is not None}, "base64": text}}
    if isinstance(value, Mapping):
        return {name: as_json(item) for name, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, (list, tuple)) else value


def from_json(value: Any) -> Any:
    """Return a value with its files as bytes; raises ValueError for base64 that is not valid."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    file = value.get(TAG) if len(value) == 1 else None
    if isinstance(file, Mapping) and isinstance(file.get("base64"), str):
        content = binascii.a2b_base64(file["base64"], strict_mode=True)
        return File(content, file.get("filename"), file.get("contentType"))
    return {name: from_json(item) for name, item in value.items()}
