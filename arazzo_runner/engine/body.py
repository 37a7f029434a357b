"""The body of a request: payload and replacements → value and bytes (Arazzo §Request Body Object)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Literal as OneOf

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.engine.files import ReadNamed, UnusableFile, place_in, pointer_of
from arazzo_runner.engine.resolve import Unresolved, expression_text, resolve
from arazzo_runner.errors import Location
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.program.model import CompiledBody, Literal, TemplateValue
from arazzo_runner.sources.http_media.media import UnusableMedia, encode_body, is_form, is_json, is_xml
from arazzo_runner.sources.operation import MediaType, Operation


class UnusableBody(Exception):
    """The payload cannot be sent as its content type; `at` is where to fix it, `hint` says how."""

    def __init__(self, message: str, at: Location, hint: str | None = None, *, code: str = "unusable-body") -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.hint = hint
        self.code = code


async def build_body(
    body: CompiledBody,
    operation: Operation | None,
    scope: Scope,
    key: str,
    read: ReadNamed,
    *,
    written: CompiledBody | None = None,
    amended: Callable[[JsonValue], JsonValue] | None = None,
) -> tuple[JsonValue, bytes | None, str | None]:
    """Return (value as `$request.body` sees it, bytes, Content-Type); `read` reads the files given by path.

    `operation` is None for a message, `key` the effect key of the request. Raises Unresolved for a missing value,
    UnusableBody when the value does not fit the type. `written` is the body as the document has it, if `body` is
    made of it. `amended` returns the value to be sent where something is added to it.
    """
    value = _payload(body, scope)
    if body.replacements:
        value = _replaced(body, value, scope)
    if amended is not None:
        value = amended(value)
    if value is MISSING:
        return MISSING, None, None
    try:
        raw, content_type = await _encoded(body, value, media_type_of(operation, body.content_type), key, read)
    except UnusableFile as problem:
        at, name = place_in(written or body, pointer_of(value, problem.path), problem.path)
        message = str(problem) if name is None else f'input "{name}": {problem}'
        raise UnusableBody(message, at, problem.hint, code="unusable-file") from None
    except UnusableMedia as problem:
        raise UnusableBody(str(problem), body.at.child("payload"), problem.hint) from None
    return value, raw, content_type


async def _encoded(
    body: CompiledBody, value: JsonValue, media_type: MediaType | None, key: str, read: ReadNamed
) -> tuple[bytes, str]:
    # Which mappings are files depends on how the body is written, so it is written once to collect their paths.
    files: dict[str, bytes] = {}
    written = encode_body(value, body.content_type, media_type, read_file=lambda path: files.setdefault(path, b""))
    if not files:
        return written
    for number, path in enumerate(files, 1):
        files[path] = await read(f"{key}/file{number}", path)
    return encode_body(value, body.content_type, media_type, read_file=files.__getitem__)


def _payload(body: CompiledBody, scope: Scope) -> JsonValue:
    payload = body.payload
    if payload is None:
        return MISSING
    value = resolve(payload, scope)
    if value is MISSING:
        raise Unresolved(expression_text(payload), payload)
    if isinstance(value, str) and isinstance(payload, (TemplateValue, Literal)):
        return _parsed_text(value, body)
    return value


def _parsed_text(text: str, body: CompiledBody) -> JsonValue:
    """Return the value of a text payload: of a JSON content type it is parsed, or else is a JSON string."""
    if not is_json(body.content_type):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if text.lstrip()[:1] in ("{", "["):
        message = f"the payload is meant as {body.content_type}, but its text is not JSON"
        raise UnusableBody(message, body.at.child("payload"))
    return text


def _replaced(body: CompiledBody, value: JsonValue, scope: Scope) -> JsonValue:
    """Return the payload with its replacements set, after its expressions were evaluated (semantics §6)."""
    # Lazily: it loads the query languages.
    from arazzo_runner.engine.replacements import NOTHING_SELECTED, apply_replacements

    start = {} if value is MISSING else value
    changes = []
    for replacement in body.replacements:
        resolved = resolve(replacement.value, scope)
        if resolved is MISSING:
            raise Unresolved(expression_text(replacement.value), replacement.value)
        changes.append((replacement.target, resolved))
    kind: OneOf["xml", "form", "json"] = "json"
    if is_xml(body.content_type) or is_form(body.content_type):
        kind = "xml" if is_xml(body.content_type) else "form"
    outcome = apply_replacements(start, changes, kind, timeout=scope.query_timeout, now=scope.now)
    if outcome.unmatched is not None:
        replacement = body.replacements[outcome.unmatched]
        message = f'target "{replacement.target.text}" matches nothing in the payload'
        if outcome.reason != NOTHING_SELECTED:
            raise UnusableBody(f"{message}: {outcome.reason}", replacement.at.child("target"))
        other = ": add it to the payload" if kind == "xml" else "; a JSON Pointer such as /name adds a member"
        hint = f"a query only changes what is there{other}"
        raise UnusableBody(message, replacement.at.child("target"), hint)
    return outcome.payload


def media_type_of(operation: Operation | None, content_type: str) -> MediaType | None:
    """Return what an operation says of a content type, None where it says nothing."""
    if operation is None or operation.request_body is None:
        return None
    content = operation.request_body.content
    plain = content_type.partition(";")[0].strip().lower()
    found = content.get(content_type)
    return found or next(
        (media for name, media in content.items() if name.partition(";")[0].strip().lower() == plain), None
    )
