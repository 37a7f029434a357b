"""The body of a request: texts that are JSON parsed, XML as a template of XML, multipart in its parts."""

from __future__ import annotations

import json
from collections.abc import Iterator

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.engine.body import media_type_of
from arazzo_runner.export.folding import folded
from arazzo_runner.export.plan import Body, BodyKind, FileValue, Part
from arazzo_runner.expressions.nodes import Expression, Template
from arazzo_runner.expressions.text_writers import Json
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledBody,
    ExpressionValue,
    Literal,
    ObjectValue,
    SelectorValue,
    TemplateValue,
    Value,
)
from arazzo_runner.sources.http_media.files import described_by
from arazzo_runner.sources.http_media.media import encode_body, essence, is_form, is_json, is_xml
from arazzo_runner.sources.http_media.media_types import UnusableMedia
from arazzo_runner.sources.operation import MediaType, Operation


def planned_body(body: CompiledBody, operation: Operation) -> Body:
    """Return the body of a request."""
    media_type = media_type_of(operation, body.content_type)
    kind = _kind(body.content_type)
    payload = _parsed(body.payload) if kind == "json" else body.payload
    replaced = _replaced(payload, body, kind) if body.replacements else payload
    if kind == "xml" and isinstance(replaced, (ObjectValue, Literal)) and not body.replacements:
        replaced = _as_xml(replaced, body, media_type)
    payload = payload if replaced is None else replaced
    return Body(
        kind=kind,
        content_type=body.content_type,
        payload=payload,
        replacements=body.replacements if replaced is None else (),
        parts=tuple(_parts(payload, media_type)) if kind == "multipart" else (),
        media_type=media_type,
        at=body.at,
    )


def _kind(content_type: str) -> BodyKind:
    if is_json(content_type):
        return "json"
    if essence(content_type).startswith("multipart/"):
        return "multipart"
    if is_form(content_type):
        return "form"
    return "xml" if is_xml(content_type) else "text"


def as_value(value: JsonValue) -> Value:
    """Return a constant with its members as values."""
    if isinstance(value, dict):
        return ObjectValue(tuple((name, as_value(item)) for name, item in value.items()))
    return ArrayValue(tuple(map(as_value, value))) if isinstance(value, list) else Literal(value)


# ------------------------------------------------------------------ JSON


class _Marks(MutableRecord):
    """Stands for expressions by marks, texts that nothing else contains, while a text is parsed or encoded."""

    expressions: list[tuple[Expression, Value]] = field(default_factory=list)

    def mark(self, expression: Expression, value: Value) -> str:
        self.expressions.append((expression, value))
        return f"\ue000{len(self.expressions) - 1}\ue001"

    def split(self, text: str) -> tuple[str | Expression, ...]:
        parts: list[str | Expression] = []
        for index, piece in enumerate(text.split("\ue000")):
            number, closed, rest = piece.partition("\ue001")
            if index and closed:
                parts.append(self.expressions[int(number)][0])
                piece = rest
            if piece:
                parts.append(piece)
        return tuple(parts)


def _parsed(payload: Value | None) -> Value | None:
    """Return the value of a text that is JSON; a text that is none is a JSON string."""
    if isinstance(payload, Literal) and isinstance(payload.value, str):
        try:
            return Literal(json.loads(payload.value))
        except (ValueError, RecursionError):
            return payload
    if not isinstance(payload, TemplateValue) or payload.language != "json":
        return payload
    marks, reader, written = _Marks(), Json(), []
    whole: set[str] = set()
    for part in payload.template.parts:
        if isinstance(part, str):
            written.append(reader.text(part))
            continue
        mark = marks.mark(part, payload)
        text = reader.value(mark)
        if text.startswith('"'):
            whole.add(mark)
        written.append(text)
    try:
        return _unmarked(json.loads("".join(written) + reader.end()), marks, whole, payload)
    except (ValueError, RecursionError):
        return payload


def _unmarked(value: JsonValue, marks: _Marks, whole: set[str], origin: TemplateValue) -> Value:
    if isinstance(value, dict):
        return ObjectValue(tuple((name, _unmarked(item, marks, whole, origin)) for name, item in value.items()))
    if isinstance(value, list):
        return ArrayValue(tuple(_unmarked(item, marks, whole, origin) for item in value))
    if not isinstance(value, str) or "\ue000" not in value:
        return Literal(value)
    parts = marks.split(value)
    if value in whole and not isinstance(parts[0], str):
        return ExpressionValue(parts[0], origin.at)
    return TemplateValue(Template(parts), origin.at)


# ------------------------------------------------------------------ replacements


def _replaced(payload: Value | None, body: CompiledBody, kind: BodyKind) -> Value | None:
    """Return a payload with its replacements in place; None where that depends on values of the run."""
    if kind not in ("json", "form"):
        return None
    return folded(payload, body.replacements, "form" if kind == "form" else "json")


# ------------------------------------------------------------------ XML


def _as_xml(payload: Value, body: CompiledBody, media_type: MediaType | None) -> Value:
    """Return a mapping as a template of XML, as it is written by the description; itself where that is impossible."""
    marks = _Marks()
    try:
        written, _ = encode_body(_marked(payload, marks), body.content_type, media_type)
    except (UnusableMedia, _NoConstant):
        return payload
    text = written.decode("utf-8", "replace")
    parts = marks.split(text)
    if all(isinstance(part, str) for part in parts):
        return Literal(text)
    return TemplateValue(Template(parts), body.at.child("payload"), "xml")


class _NoConstant(Exception):
    """A value whose form is not known before the run."""


def _marked(value: Value, marks: _Marks) -> JsonValue:
    match value:
        case Literal():
            return value.value
        case ExpressionValue():
            return marks.mark(value.expression, value)
        case TemplateValue():
            parts = value.template.parts
            return "".join(each if isinstance(each, str) else marks.mark(each, value) for each in parts)
        case ArrayValue():
            return [_marked(item, marks) for item in value.items]
        case ObjectValue():
            if not all(isinstance(name, str) for name, _ in value.members):
                raise _NoConstant
            return {str(name): _marked(item, marks) for name, item in value.members}
        case SelectorValue():
            raise _NoConstant


# ------------------------------------------------------------------ multipart


def _parts(payload: Value | None, media_type: MediaType | None) -> Iterator[Part]:
    """Yield the parts of a multipart body whose members are known."""
    members = as_value(payload.value) if isinstance(payload, Literal) else payload
    if not isinstance(members, ObjectValue):
        return
    described = described_by(media_type)
    for name, value in members.members:
        encoding = media_type.encoding.get(str(name), {}) if media_type is not None else {}
        stated = encoding.get("contentType")
        kind = stated if isinstance(stated, str) and "," not in stated and "*" not in stated else None
        file = _file(
            value, kind, is_expected=described.member(str(name)).asks_for_file or described.member(str(name)).is_open
        )
        is_mapping = isinstance(value, ObjectValue) or (isinstance(value, Literal) and isinstance(value.value, dict))
        if file is None and kind is None and is_mapping:
            kind = "application/json"
        yield Part(name=str(name), value=file or value, content_type=kind)


def _file(value: Value, kind: str | None, *, is_expected: bool) -> FileValue | None:
    """Return the file of a type that a mapping means, None for another value (sources/http_media/files.py)."""
    members = as_value(value.value) if isinstance(value, Literal) and isinstance(value.value, dict) else value
    if not isinstance(members, ObjectValue):
        return None
    found = {str(name): item for name, item in members.members}
    if not set(found) <= {"path", "base64", "content", "filename", "contentType"}:
        return None
    if not ("filename" in found or is_expected):
        return None
    for source in ("path", "base64", "content"):
        if source in found:
            return FileValue(
                source=source,
                value=found[source],
                filename=found.get("filename"),
                content_type=found.get("contentType") or (None if kind is None else Literal(kind)),
            )
    return None
