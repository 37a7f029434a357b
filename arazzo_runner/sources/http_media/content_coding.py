"""Decoding of Content-Encoding in bounded memory and time (RFC 9110 §8.4).

HTTP libraries decompress each chunk completely, once for each coding of the header: 64 KB of
`gzip, gzip` may be gigabytes. Here at most PIECE bytes are decompressed at a time, and no coding
gives more than the limit.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Final

PIECE: Final = 2**16
MAX_CODINGS: Final = 4
KNOWN: Final = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP: Final = 16 + zlib.MAX_WBITS


class TooLarge(Exception):
    """The body, or an intermediate result of decoding it, has more bytes than the limit."""


class Undecodable(Exception):
    """The body does not have the coding that its header names; the text is the reason."""


class DecodedBody:
    """A body decoded chunk by chunk: `take` each chunk, then ask for `data` and `is_whole`.

    `content_encoding` is the header's value; `limit` (bytes) applies to the body and to each
    intermediate result. An unsupported coding (`br`), and all codings applied before it, are not
    decoded.
    """

    def __init__(self, content_encoding: str, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._pieces: list[bytes] = []
        self._stages = [_Stage(coding) for coding in reversed(_codings(content_encoding))]

    def take(self, chunk: bytes) -> None:
        """Add a chunk; raises TooLarge or Undecodable."""
        self._pass_on(chunk, 0)

    @property
    def data(self) -> bytes:
        """The decoded body so far."""
        return b"".join(self._pieces)

    @property
    def is_whole(self) -> bool:
        """Whether each coding has reached its end; true of an empty body."""
        return all(stage.is_whole for stage in self._stages)

    def _pass_on(self, data: bytes, number: int) -> None:
        if number == len(self._stages):
            self._size += len(data)
            self._check(self._size)
            self._pieces.append(data)
            return
        stage = self._stages[number]
        while data:
            piece, data = stage.unpack(data)
            self._check(stage.given)
            if piece:
                self._pass_on(piece, number + 1)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise TooLarge


class _Stage:
    """One coding being decoded."""

    def __init__(self, coding: str) -> None:
        self._gzip = coding != "deflate"
        self._unpacker: Any = zlib.decompressobj(_GZIP if self._gzip else zlib.MAX_WBITS)
        self._begun = False
        self.given = 0

    @property
    def is_whole(self) -> bool:
        return not self._begun or bool(self._unpacker.eof)

    def unpack(self, data: bytes) -> tuple[bytes, bytes]:
        """Return at most PIECE decoded bytes and the rest of the data."""
        if self._unpacker.eof:
            if not self._gzip:
                return b"", b""  # data after the end of a deflate stream is ignored
            self._unpacker = zlib.decompressobj(_GZIP)  # a gzip file may have several members (RFC 1952 §2.2)
        piece = self._unpacked(data)
        self._begun = True
        self.given += len(piece)
        return piece, self._unpacker.unconsumed_tail or self._unpacker.unused_data

    def _unpacked(self, data: bytes) -> bytes:
        try:
            piece: bytes = self._unpacker.decompress(data, PIECE)
        except zlib.error as problem:
            if self._gzip or self._begun:
                raise Undecodable(str(problem)) from None
            # RFC 9110 §8.4.1.2: some servers send a deflate stream without its zlib header.
            self._unpacker, self._begun = zlib.decompressobj(-zlib.MAX_WBITS), True
            return self._unpacked(data)
        return piece


def _codings(content_encoding: str) -> Sequence[str]:
    """Return the codings to decode, in the order they were applied; raises Undecodable when there are too many."""
    named = [coding.strip().lower() for coding in content_encoding.split(",")]
    found = [coding for coding in named if coding and coding != "identity"]
    if len(found) > MAX_CODINGS:
        raise Undecodable(f"it has {len(found)} nested codings")
    unknown = max((place for place, coding in enumerate(found) if coding not in KNOWN), default=-1)
    return found[unknown + 1 :]
