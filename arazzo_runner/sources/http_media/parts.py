"""Multipart bodies read: their parts, with names, file names, types and content (RFC 2046 §5.1, RFC 7578)."""

from __future__ import annotations

import binascii
import re
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.sources.http_media.media_types import parameter

MOST_PARTS: Final = 1000
_HEAD_END: Final = rb"\A\r?\n|\r?\n\r?\n"
_FOLDED: Final = pattern(r"\r?\n[ \t]+")


class Part(Record):
    """A part; `name` is "" without one, `filename` None for what is not a file. `content` is decoded."""

    name: str
    content: bytes
    content_type: str | None = None
    filename: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


def read_parts(body: bytes, content_type: str | None, *, most: int = MOST_PARTS) -> list[Part] | None:
    """Return the parts of a body, one more than `most` at most; None if the body has no such parts.

    A body of the closing boundary alone has none, and an empty list is returned.
    """
    boundary = parameter(content_type, "boundary")
    if not boundary:
        return None
    mark = re.escape(boundary.encode("utf-8", "surrogateescape"))
    edges = re.compile(rb"(?:\A|\r?\n)--" + mark + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    found: list[Part] = []
    start: int | None = None
    for edge in edges.finditer(body):
        if start is not None:
            found.append(_part(body[start : edge.start()]))
        if edge[1] or len(found) > most:
            return found
        start = edge.end()
    if start is None:
        return None
    return [*found, _part(body[start:])]  # the closing boundary is missing


def _part(raw: bytes) -> Part:
    raw = raw.removeprefix(b"\r\n") if raw.startswith(b"\r\n") else raw.removeprefix(b"\n")
    end = re.search(_HEAD_END, raw)
    head, content = (raw, b"") if end is None else (raw[: end.start()], raw[end.end() :])
    lines = _FOLDED.sub(" ", head.decode("utf-8", "replace")).splitlines()
    headers = tuple((name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines) if name)
    by_name = {name.lower(): value for name, value in headers}
    place = by_name.get("content-disposition", "")
    return Part(
        parameter(place, "name") or "",
        _decoded(content, by_name.get("content-transfer-encoding", "")),
        by_name.get("content-type"),
        _filename(place),
        headers,
    )


def _filename(disposition: str) -> str | None:
    extended = parameter(disposition, "filename*")  # RFC 5987: charset'language'percent-encoded
    if extended is not None and extended.count("'") >= 2:
        from urllib.parse import unquote  # lazily: clients rarely write it

        charset, _, text = extended.split("'", 2)
        try:
            return unquote(text, encoding=charset or "utf-8")
        except LookupError:
            pass
    return parameter(disposition, "filename")


def _decoded(content: bytes, encoding: str) -> bytes:
    """Return content without its transfer encoding; what is not of that encoding stays as it is."""
    name = encoding.strip().lower()
    try:
        if name == "base64":
            return binascii.a2b_base64(content)
    except binascii.Error:
        return content
    return binascii.a2b_qp(content) if name == "quoted-printable" else content
