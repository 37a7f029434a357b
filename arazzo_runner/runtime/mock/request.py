"""A request as the mock reads it, how it is checked against its operation, and how it is refused.

Forms, urlencoded and multipart, become mappings of their members. A file is {filename, contentType, size,
content}, its content only when it is text. A part of JSON type is parsed, a member that came several
times is a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_to_bytes

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.engine.effects import Headers, HttpRequest, HttpResponse
from arazzo_runner.expressions.scope import Message
from arazzo_runner.sources.http_media.files import Described, described_by
from arazzo_runner.sources.http_media.media import decode_body, is_form, is_json
from arazzo_runner.sources.http_media.media_types import FORM, MULTIPART, covers, essence
from arazzo_runner.sources.http_media.parts import Part, read_parts
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import MediaType, Operation
from arazzo_runner.sources.references import ReferenceFailure
from arazzo_runner.sources.schema.check import schema_errors

MAX_FIELDS: Final = 1000
"""Of a query or a form."""
_BROKEN: Final = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_ENCODED: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


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
    """Return a text percent-decoded; raises Refused for malformed percent forms and for what is not UTF-8."""
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
            raise Refused(400, f"the {what} has {found[0][:60]!r}, which is not UTF-8") from None


def _body(request: HttpRequest) -> JsonValue:
    """Return a body as conditions see it: JSON parsed, a form by its members, else text."""
    raw, content_type = request.body or b"", request.header("content-type")
    if raw and is_form(content_type):
        return form_members(raw, content_type)
    body, note = decode_body(raw, content_type)
    if note is not None and is_json(content_type):
        raise Refused(400, f"the request body is not JSON: {note}")
    return body


# ------------------------------------------------------------------ forms


def form_members(body: bytes, content_type: str | None) -> dict[str, JsonValue]:
    """Return the members of a form body by name; raises Refused when it cannot be read."""
    return _urlencoded(body) if essence(content_type) == FORM else _multipart(body, content_type or "")


def _urlencoded(body: bytes) -> dict[str, JsonValue]:
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise Refused(400, "the request body is not a form: it has bytes that must be percent-encoded") from None
    return read_fields(text, "form")


def _multipart(body: bytes, content_type: str) -> dict[str, JsonValue]:
    parts = read_parts(body, content_type, most=MAX_FIELDS)
    if parts is None:
        raise Refused(400, "the request body is not a form: it has no parts between the boundary of its Content-Type")
    if len(parts) > MAX_FIELDS:
        raise Refused(400, f"the form has more than {MAX_FIELDS:,} parts")
    return by_name([(part.name, _part_value(part)) for part in parts if part.name])


def _part_value(part: Part) -> JsonValue:
    if part.filename is None:
        value, _ = decode_body(part.content, part.content_type or "text/plain")
        return "" if value is MISSING else value
    kind = essence(part.content_type) or "text/plain"
    file: dict[str, JsonValue] = {"filename": part.filename, "contentType": kind, "size": len(part.content)}
    try:
        return {**file, "content": part.content.decode("utf-8")}
    except UnicodeDecodeError:
        return file


# ------------------------------------------------------------------ checks


def unauthorised(operation: Operation, message: Message) -> HttpResponse | None:
    """Return a 401 when no security alternative of the operation is met (OpenAPI §Security Requirement)."""
    if not operation.security or any(
        all(_has_credential(operation.security_schemes.get(name), message) for name in alternative)
        for alternative in operation.security
    ):
        return None
    names = " or ".join(" and ".join(alternative) for alternative in operation.security)
    return problem(401, f"credentials are missing: {names}", (("WWW-Authenticate", "Bearer"),))


def _has_credential(scheme: JsonValue, message: Message) -> bool:
    if not isinstance(scheme, dict) or scheme.get("type") == "mutualTLS":
        return True
    authorization = str(message.header("authorization") or "")
    if scheme.get("type") == "apiKey":
        name = str(scheme.get("name", ""))
        if scheme.get("in") == "query":
            return name in message.query
        if scheme.get("in") == "cookie":
            cookies = str(message.header("cookie") or "")
            return any(pair.strip().partition("=")[0] == name for pair in cookies.split(";"))
        return message.header(name) is not MISSING
    if scheme.get("type") == "http" and str(scheme.get("scheme", "")).lower() != "bearer":
        return authorization.lower().startswith(str(scheme.get("scheme", "")).lower() + " ")
    return authorization.lower().startswith("bearer ") and len(authorization) > 7


def mismatch(
    operation: Operation, description: OpenApiDescription, request: HttpRequest, message: Message
) -> HttpResponse | None:
    """Return a 4xx when the request does not match the operation, None when it does."""
    for parameter in operation.parameters:
        if not parameter.required:
            continue
        absent = parameter.location == "query" and parameter.name not in message.query
        if absent and parameter.style != "deepObject" and _schema_type(description, parameter.schema) != "object":
            return problem(400, f'query parameter "{parameter.name}" is missing')
        if parameter.location == "header" and message.header(parameter.name) is MISSING:
            return problem(400, f'header "{parameter.name}" is missing')
    body = operation.request_body
    if body is None:
        return None
    if not request.body:
        return problem(400, "the request body is missing") if body.required else None
    content_type = essence(request.header("content-type"))
    media_type = next((media for name, media in body.content.items() if _covers(name, content_type)), None)
    if media_type is None and body.content:
        return problem(415, f"the body is {content_type or 'of no type'}, expected {', '.join(body.content)}")
    if media_type is not None and is_form(content_type):
        return _form_mismatch(media_type, request.header("content-type"), description, request)
    if media_type is None or not is_json(content_type):
        return None
    return _body_mismatch(media_type, description, message)


def _form_mismatch(
    media_type: MediaType, content_type: str | None, description: OpenApiDescription, request: HttpRequest
) -> HttpResponse | None:
    """Return a 422 when a form lacks a required member or has one that does not fit, 415 for a part of another type.

    A member that came as text fits as the text that it is or as the JSON value that it spells.
    """
    found = resolved(description, media_type.schema)
    required = found.get("required") if isinstance(found, dict) else None
    members = form_members(request.body or b"", content_type)
    given = {*members, *(name.partition("[")[0] for name in members)}  # of a deepObject: address[city]
    lacking = [name for name in required if name not in given] if isinstance(required, list) else []
    if lacking:
        return problem(422, f'the form lacks "{lacking[0]}"')
    if essence(content_type) != MULTIPART:
        return None
    described = described_by(media_type)
    for part in read_parts(request.body or b"", content_type) or ():
        wrong = _part_mismatch(part, media_type.encoding.get(part.name, {}), described.member(part.name), description)
        if wrong is not None:
            return wrong
    return None


def _part_mismatch(
    part: Part, encoding: Mapping[str, Any], described: Described, description: OpenApiDescription
) -> HttpResponse | None:
    taken = encoding.get("contentType")
    types = [each.strip() for each in taken.split(",")] if isinstance(taken, str) else []
    if part.content_type is not None and types and not any(covers(each, part.content_type) for each in types):
        return problem(415, f'the part "{part.name}" is {essence(part.content_type)}, expected {", ".join(types)}')
    items = described.items()
    if items is None and isinstance(described.raw, dict) and "array" in str(described.raw.get("type")):
        return None  # a part is an item, and nothing is said of items
    described = items or described
    if part.filename is not None or described.asks_for_file or described.raw is None:
        return None
    value = _part_value(part)
    forms = [value] if is_json(part.content_type) or not isinstance(value, str) else [value, _as_json(value)]
    checks = [schema_errors(form, described.raw, description.schemas, base=described.base) for form in forms]
    errors = [[error for error in check if error.keyword != "readOnly"] for check in checks]
    if all(errors) and not errors[0][0].is_about_schema:
        return problem(422, f'the part "{part.name}" does not fit: {errors[0][0].message}')
    return None


def _as_json(text: str) -> JsonValue:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _body_mismatch(media_type: MediaType, description: OpenApiDescription, message: Message) -> HttpResponse | None:
    errors = schema_errors(
        message.body, media_type.schema, description.schemas, base=media_type.base, direction="request"
    )
    # A readOnly member should not be sent (OpenAPI §Schema Object); a server ignores it.
    real = [error for error in errors if not error.is_about_schema and error.keyword != "readOnly"]
    return problem(422, f"the request body does not fit: {real[0].message}") if real else None


def _schema_type(description: OpenApiDescription, schema: JsonValue) -> str | None:
    found = resolved(description, schema)
    kind = found.get("type") if isinstance(found, dict) else None
    return kind if isinstance(kind, str) else None


def _covers(pattern: str, content_type: str) -> bool:
    plain = essence(pattern)
    if plain in ("*/*", content_type):
        return True
    return plain.endswith("/*") and content_type.startswith(plain[:-1])


def resolved(description: OpenApiDescription, schema: JsonValue) -> JsonValue:
    """Return a schema with its `$ref` resolved; {} if it cannot be resolved."""
    try:
        return description.resolve(schema)[0]
    except ReferenceFailure:
        return {}
