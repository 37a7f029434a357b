"""Messages made up for a channel: its examples, else samples of its schemas, as the step that waits expects them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing, member, to_text
from arazzo_runner.base.records import Record, replace
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.mock.answers import Asked, Draft, expected_body, message_of, nearness
from arazzo_runner.runtime.mock.bodies import Shape, granted, value_at
from arazzo_runner.runtime.mock.sampler import fits, holds_something, sample
from arazzo_runner.runtime.mock.wants import Tokens, Want
from arazzo_runner.sources.asyncapi import AsyncApiDescription
from arazzo_runner.sources.channel import MessageType, Place
from arazzo_runner.sources.http_media.media import UnusableMedia, encode_body
from arazzo_runner.sources.operation import MediaType
from arazzo_runner.sources.schema.check import SchemaContext

_JSON: Final = "application/json"
_ANYTHING: Final = Shape(MediaType(content_type=_JSON), SchemaContext())


class Made(Record):
    """A message before it is written: its type, and the mapping of its `payload` and `header`."""

    type: MessageType | None
    body: JsonValue
    native: str | None = None

    def written(self, address: str) -> ChannelMessage:
        """Return the message as it comes."""
        seen = message_of(self.body)
        payload, content_type = encoded(seen.body, None if self.type is None else self.type.content_type)
        native = {} if self.native is None else {"correlation_id": self.native}
        return ChannelMessage(
            address=address, payload=payload, headers=seen.headers, content_type=content_type, native=native
        )


def made_message(
    types: Iterable[MessageType], description: AsyncApiDescription, asked: Asked, correlation: str | None = None
) -> Made:
    """Return the message of these types that comes nearest to what is expected, with a correlation id put in."""
    context = description.schemas
    known = tuple(types)
    described = tuple(each for each in known if each.correlation is not None)
    best: tuple[tuple[int, ...], Made] | None = None
    for each in described if correlation is not None and described else known:
        for draft in _drafts(each, context, asked):
            score = nearness(draft, asked)
            if best is None or score > best[0]:
                best = score, Made(each, draft.body)
    made = Made(None, {}) if best is None else best[1]
    return made if correlation is None else correlated(made, correlation, context)


def correlated(made: Made, value: str, context: SchemaContext) -> Made:
    """Return a message with a correlation id where its type says so, else as that of the protocol."""
    place = None if made.type is None else made.type.correlation
    if made.type is None or place is None:
        return replace(made, native=value)
    path = path_of(place)
    want = Want(path, (value, int(value)) if value.isdecimal() and len(value) < 16 else (value,))
    body = granted(made.body, want, _shape(made.type, context))
    if to_text(value_at(body, path)) != value:  # the schema does not allow it; the checks of the run say so
        body = granted(made.body, want, _ANYTHING)
    return replace(made, body=body)


def path_of(place: Place) -> Tokens:
    """Return the path of a place in a mapping of `payload` and `header`; structures in headers are texts."""
    return (place.part, *(place.pointer[:1] if place.part == "header" else place.pointer))


def with_stated(made: Made, payload: JsonValue | Missing, headers: Iterable[tuple[str, str]]) -> Made:
    """Return a message with a payload that is stated, and with further headers."""
    body: dict[str, Any] = dict(made.body) if isinstance(made.body, dict) else {}
    if payload is not MISSING:
        body["payload"] = payload
    before = body.get("header")
    body["header"] = {**(before if isinstance(before, dict) else {}), **dict(headers)}
    return replace(made, body=body)


def encoded(payload: JsonValue | Missing, content_type: str | None) -> tuple[bytes, str | None]:
    """Return the bytes and the content type of a payload; what has no such form is JSON."""
    if payload is MISSING:
        return b"", content_type
    kind = content_type or ("text/plain" if isinstance(payload, str) else _JSON)
    if kind.startswith("text/") and not isinstance(payload, str):
        kind = _JSON  # text/event-stream is the type of the stream, not of what an event says
    try:
        return encode_body(payload, kind, None)
    except UnusableMedia:
        return encode_body(payload, _JSON, None)


# ------------------------------------------------------------------ drafts


def _drafts(kind: MessageType, context: SchemaContext, asked: Asked) -> Iterator[Draft]:
    """Yield each example of a message, and a sample of its schemas, changed to what is expected."""
    shape = _shape(kind, context)
    schema, base = shape.media_type.schema, kind.base
    made = sample(schema, context, base)
    if kind.payload is None and isinstance(made, dict):
        made = {name: value for name, value in made.items() if name != "payload"}
    examples = [_completed(each.payload, each.headers, made) for each in kind.examples]
    fitting = [each for each in examples if fits(each, schema, context, base) and holds_something(each)]
    for body in (*fitting, made):
        draft = Draft(200, None, _JSON, shape.media_type, body, context, is_message=True)
        yield expected_body(draft, shape, asked)


def _completed(payload: JsonValue | Missing, headers: JsonValue | Missing, made: JsonValue) -> JsonValue:
    """Return an example, what it lacks taken from a sample."""
    parts = {"payload": payload, "header": headers}
    found = {name: member(made, name) if value is MISSING else value for name, value in parts.items()}
    return {name: value for name, value in found.items() if value is not MISSING}


def _shape(kind: MessageType, context: SchemaContext) -> Shape:
    """Return what a mapping of `payload` and `header` may be."""
    payload = kind.payload if kind.schema_format is None and kind.payload is not None else {}
    properties = {"payload": payload, "header": kind.headers if kind.headers is not None else {"type": "object"}}
    schema = {"type": "object", "properties": properties}
    return Shape(MediaType(content_type=_JSON, schema=schema, base=kind.base), context)
