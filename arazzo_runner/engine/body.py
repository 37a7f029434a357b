"""The body of a request: payload and replacements → value and bytes (Arazzo §Request Body Object).

Files that a body sends are named by the document or the run's inputs, never by an answer: a value
that came in a response may look like a file (`{filename: …, path: …}`), and were it read, the
server could choose which of the user's files it is sent.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Literal as OneOf

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.engine.effects import NoFile
from arazzo_runner.engine.resolve import Unresolved, expression_text, resolve
from arazzo_runner.engine.state import Run
from arazzo_runner.errors import Location
from arazzo_runner.expressions.evaluate import evaluate
from arazzo_runner.expressions.nodes import InputReference
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.program.model import ArrayValue, CompiledBody, Literal, ObjectValue, TemplateValue, Value
from arazzo_runner.sources.http_media.media import UnusableMedia, encode_body, is_form, is_json, is_xml
from arazzo_runner.sources.operation import MediaType, Operation


class UnusableBody(Exception):
    """The payload cannot be sent as its content type; `at` is where to fix it, `hint` says how."""

    def __init__(self, message: str, at: Location, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.hint = hint


async def build_body(
    body: CompiledBody, operation: Operation, scope: Scope, key: str, read: ReadNamed
) -> tuple[JsonValue, bytes | None, str | None]:
    """Return (value as `$request.body` sees it, bytes, Content-Type); `read` reads the files given by path.

    `key` is the effect key of the request. Raises Unresolved for a missing value, UnusableBody
    when the value does not fit the type.
    """
    value = _payload(body, scope)
    if body.replacements:
        value = _replaced(body, value, scope)
    if value is MISSING:
        return MISSING, None, None
    try:
        raw, content_type = await _encoded(body, value, _media_type(operation, body.content_type), key, read)
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
    from arazzo_runner.engine.replacements import apply_replacements  # lazily: it loads the query languages

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
        if outcome.reason:
            message += f": {outcome.reason}"
        raise UnusableBody(message, replacement.at.child("target"))
    return outcome.payload


def _media_type(operation: Operation, content_type: str) -> MediaType | None:
    if operation.request_body is None:
        return None
    content = operation.request_body.content
    plain = content_type.partition(";")[0].strip().lower()
    found = content.get(content_type)
    return found or next(
        (media for name, media in content.items() if name.partition(";")[0].strip().lower() == plain), None
    )


ReadNamed = Callable[[str, str], Awaitable[bytes]]
"""Returns the content of a file by effect key and path; raises UnusableMedia."""


def named_files(run: Run, body: CompiledBody, scope: Scope) -> ReadNamed:
    """Return a function that reads the files of this body; it refuses a path that only a response named."""

    async def read(key: str, path: str) -> bytes:
        if path not in _named(run, body, scope):
            message = f'the file "{path}" is named by a response, not by the document or an input: it is not sent'
            raise UnusableMedia(message)
        answer = await run.read_file(key, path)
        if isinstance(answer, NoFile):
            raise UnusableMedia(answer.message)
        return answer

    return read


def _named(run: Run, body: CompiledBody, scope: Scope) -> set[str]:
    """Return every text of the documents and of the run's inputs, and the templates of the body filled with these."""
    names = set(_texts(run.inputs))
    for raw in {id(each.document.raw): each.document.raw for each in run.program.workflows.values()}.values():
        names.update(_texts(raw))
    values = [body.payload, *(each.value for each in body.replacements)]
    templates = [found for value in values if value is not None for found in _templates(value)]
    names.update(str(resolve(each, scope)) for each in templates if _only_of(each, names, scope))
    return names


def _only_of(value: TemplateValue, names: set[str], scope: Scope) -> bool:
    """Return whether a template holds inputs only, all of them in `names` (a sub-workflow's may come from answers)."""
    expressions = [part for part in value.template.parts if not isinstance(part, str)]
    return all(isinstance(each, InputReference) and evaluate(each, scope) in names for each in expressions)


def _templates(value: Value) -> Iterator[TemplateValue]:
    if isinstance(value, TemplateValue):
        yield value
    for item in _parts(value):
        yield from _templates(item)


def _parts(value: Value) -> Iterable[Value]:
    if isinstance(value, ObjectValue):
        return [item for _, item in value.members]
    return value.items if isinstance(value, ArrayValue) else ()


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
