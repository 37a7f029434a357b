"""Requests as the mock's checks and scenarios see them: path, query and body read, or refused with what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.engine.effects import HttpRequest
from arazzo_runner.expressions.scope import Message
from arazzo_runner.runtime.mock.problem import Refused
from arazzo_runner.sources.http_media.media import decode_body, is_form, is_json

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
        from arazzo_runner.runtime.mock.forms import form_members  # lazily: few bodies are forms

        return form_members(raw, content_type)
    body, note = decode_body(raw, content_type)
    if note is not None and is_json(content_type):
        raise Refused(400, f"the request body is no JSON: {note}")
    return body
