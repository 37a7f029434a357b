"""A request as the mock reads it: path, query, headers, cookies and body as values; and how it refuses one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_to_bytes

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.engine.effects import Headers, HttpRequest, HttpResponse
from arazzo_runner.expressions.scope import Message
from arazzo_runner.sources.http_media.media import decode_body, is_form, is_json
from arazzo_runner.sources.http_media.media_types import FORM, essence


class Refused(Exception):
    """A request that is answered with an error: `status` and `detail` are those of its problem document."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def problem(status: int, detail: str, headers: Headers = ()) -> HttpResponse:
    """Return an error answer as application/problem+json."""
    body = json.dumps({"title": "arazzo mock", "status": status, "detail": detail}).encode()
    return HttpResponse(status, (("Content-Type", "application/problem+json"), *headers), body)


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


MAX_FIELDS: Final = 1000
"""Of a query or a form."""
_BROKEN: Final = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_ENCODED: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def split_target(url: str) -> tuple[str, str]:
    """Return path and query of a request target; `//a/b` is a path, not a host."""
    path, _, query = url.partition("#")[0].partition("?")
    return path, query


def read_message(request: HttpRequest, query: str, path: Mapping[str, str]) -> Message:
    """Return a request as expressions see it; raises Refused for what cannot be read."""
    values: Mapping[str, JsonValue] = {name: percent_decoded(text, "path") for name, text in path.items()}
    return Message(headers=request.headers, query=read_fields(query, "query"), path=values, body=_body(request))


def read_fields(text: str, what: str) -> dict[str, JsonValue]:
    """Return the fields of a query or an urlencoded form, a list for a name that came several times."""
    _check_percent_forms(text, what)
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Refused(400, f"the {what} has more than {MAX_FIELDS:,} fields") from None
    return by_name([(name, value) for name, value in pairs])


def percent_decoded(text: str, what: str) -> str:
    """Return a text with its percent forms decoded; raises Refused for those that are none or no UTF-8."""
    _check_percent_forms(text, what)
    return unquote_to_bytes(text).decode("utf-8")


def by_name(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """Return members by name, a list for a name that came several times."""
    values: dict[str, list[JsonValue]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else list(found) for name, found in values.items()}


def _check_percent_forms(text: str, what: str) -> None:
    broken = _BROKEN.search(text)
    if broken is not None:
        raise Refused(400, f"the {what} has {broken[0]!r}: a percent sign and two hexadecimal digits are one byte")
    for found in _ENCODED.finditer(text):
        try:
            unquote_to_bytes(found[0]).decode("utf-8")
        except UnicodeDecodeError:
            raise Refused(400, f"the {what} has {found[0][:60]!r}, which is no UTF-8") from None


def _body(request: HttpRequest) -> JsonValue:
    """Return a body as conditions see it: JSON parsed, a form by its members, else text."""
    raw, content_type = request.body or b"", request.header("content-type")
    if raw and is_form(content_type):
        return form_members(raw, content_type)
    body, note = decode_body(raw, content_type)
    if note is not None and is_json(content_type):
        raise Refused(400, f"the request body is no JSON: {note}")
    return body
