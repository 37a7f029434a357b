"""Bodies of messages as people read them: JSON parsed, multipart by its parts, bytes as their number."""

from __future__ import annotations

from arazzo_runner.base.files import size_of
from arazzo_runner.base.json_values import MISSING, JsonValue, Missing
from arazzo_runner.sources.http_media.media import BINARY, decode_body, essence
from arazzo_runner.sources.http_media.parts import Part, read_parts


def readable(body: bytes, content_type: str | None) -> JsonValue | Missing:
    """Return a body for people, MISSING when it is empty.

    The parts of a form are a mapping by name, of which each file is {filename, contentType, content}.
    """
    parts = body_parts(body, content_type)
    if parts is not None:
        return _by_name(parts)
    value, note = decode_body(body, content_type)
    return size_of(body) if note == BINARY else value


def body_parts(body: bytes | None, content_type: str | None) -> list[Part] | None:
    """Return the parts of a multipart body; None for another, or one that cannot be read."""
    if not body or not essence(content_type).startswith("multipart/"):
        return None
    return read_parts(body, content_type)


def part_value(part: Part) -> JsonValue:
    """Return a part for people: a text, the parsed JSON of a JSON part, or what is known of a file."""
    if part.filename is not None:
        kind = {} if part.content_type is None else {"contentType": part.content_type}
        return {"filename": part.filename, **kind, "content": size_of(part.content)}
    value = readable(part.content, part.content_type or "text/plain")
    return "" if value is MISSING else value


def _by_name(parts: list[Part]) -> JsonValue:
    if not all(part.name for part in parts):
        return [part_value(part) for part in parts]
    found: dict[str, list[JsonValue]] = {}
    for part in parts:
        found.setdefault(part.name, []).append(part_value(part))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}
