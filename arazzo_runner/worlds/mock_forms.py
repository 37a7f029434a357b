"""Forms as the mock sees them: urlencoded and multipart bodies become mappings of their members.

A file is {filename, contentType, size, content}; its content only when it is text. A part of JSON
type is parsed, a member that came several times is a list.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

from arazzo_runner.sources.media import decode_body
from arazzo_runner.sources.media_types import FORM, MULTIPART, essence
from arazzo_runner.values import MISSING, JsonValue

MAX_MEMBERS: Final = 1000


def form_members(body: bytes, content_type: str | None) -> dict[str, JsonValue] | None:
    """Return the members of a form body by name; None when it is none, or cannot be read."""
    kind = essence(content_type)
    if kind == FORM:
        return _urlencoded(body)
    if kind == MULTIPART:
        return _multipart(body, content_type or "")
    return None


def _urlencoded(body: bytes) -> dict[str, JsonValue] | None:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_MEMBERS)
    except ValueError:
        return None
    return _by_name([(name, text) for name, text in pairs])


def _multipart(body: bytes, content_type: str) -> dict[str, JsonValue] | None:
    from email.parser import BytesParser  # lazily: heavy, and few bodies are multipart

    head = f"Content-Type: {content_type}\r\n\r\n".encode("utf-8", "replace")
    try:
        parts = BytesParser().parsebytes(head + body).get_payload()
    except RecursionError:  # multipart inside multipart inside …
        return None
    if not isinstance(parts, list) or len(parts) > MAX_MEMBERS:
        return None
    return _by_name([(name, _worth(part)) for part in parts if (name := _name(part))])


# A part is an email.message.Message, whose module is too heavy to import for a type.
def _name(part: Any) -> str:
    name = part.get_param("name", "", header="content-disposition")
    return name if isinstance(name, str) else ""


def _worth(part: Any) -> JsonValue:
    raw = part.get_payload(decode=True)
    content = raw if isinstance(raw, bytes) else b""
    filename = part.get_filename()
    if filename is None:
        worth, _ = decode_body(content, part.get("content-type", "text/plain"))
        return "" if worth is MISSING else worth
    file: dict[str, JsonValue] = {"filename": filename, "contentType": part.get_content_type(), "size": len(content)}
    try:
        return {**file, "content": content.decode("utf-8")}
    except UnicodeDecodeError:
        return file


def _by_name(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    values: dict[str, list[JsonValue]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else list(found) for name, found in values.items()}
