"""Forms as the mock sees them: urlencoded and multipart bodies become mappings of their members.

A file is {filename, contentType, size, content}; its content only when it is text. A part of JSON
type is parsed, a member that came several times is a list.
"""

from __future__ import annotations

from typing import Any

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.runtime.mock.problem import Refused
from arazzo_runner.runtime.mock.request import MAX_FIELDS, by_name, read_fields
from arazzo_runner.sources.http_media.media import decode_body
from arazzo_runner.sources.http_media.media_types import FORM, essence


def form_members(body: bytes, content_type: str | None) -> dict[str, JsonValue]:
    """Return the members of a form body by name; raises Refused when it cannot be read."""
    return _urlencoded(body) if essence(content_type) == FORM else _multipart(body, content_type or "")


def _urlencoded(body: bytes) -> dict[str, JsonValue]:
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise Refused(400, "the request body is no form: it has bytes that must be percent-encoded") from None
    return read_fields(text, "form")


def _multipart(body: bytes, content_type: str) -> dict[str, JsonValue]:
    from email.parser import BytesParser  # lazily: heavy, and few bodies are multipart

    head = f"Content-Type: {content_type}\r\n\r\n".encode("utf-8", "replace")
    try:
        parts = BytesParser().parsebytes(head + body).get_payload()
    except RecursionError:
        raise Refused(400, "the request body is no form: multipart is nested too deeply in it") from None
    if not isinstance(parts, list):
        raise Refused(400, "the request body is no form: it has no parts between the boundary of its Content-Type")
    if len(parts) > MAX_FIELDS:
        raise Refused(400, f"the form has more than {MAX_FIELDS:,} parts")
    return by_name([(name, _worth(part)) for part in parts if (name := _name(part))])


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
