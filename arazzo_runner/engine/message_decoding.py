"""The payload of a message that came, as expressions read it (semantics §9)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Final

from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.expressions.scope import Message
from arazzo_runner.sources.channel import MessageType
from arazzo_runner.sources.http_media.media import decode_body, essence, is_json

_ENCODINGS: Final = ("avro", "protobuf")


def type_of_content(message: ChannelMessage, described: Sequence[MessageType]) -> str | None:
    """Return the content type of a message: its own, else the one of the description, None for neither."""
    own = message.content_type or next((text for name, text in message.headers if name.lower() == "content-type"), None)
    return own or next((each.content_type for each in described if each.content_type is not None), None)


def decoded(
    message: ChannelMessage, described: Sequence[MessageType], at: Location
) -> tuple[Message, tuple[Diagnostic, ...]]:
    """Return a message as expressions read it, and a warning where its payload could not be read as it should.

    Without a content type it is JSON when it parses, else text.
    """
    content_type = type_of_content(message, described)
    encoding = _encoding(content_type, described)
    if encoding is not None:
        body, note = b64encode(message.payload).decode("ascii"), f"the payload is {encoding}, which is kept as base64"
        hint = "reading it needs the schema it was written with"
        warning = Diagnostic(code="unreadable-body", severity=Severity.WARNING, message=note, at=at, hint=hint)
        return Message(headers=message.headers, body=body), (warning,)
    value, unread = decode_body(message.payload, content_type)
    seen = Message(headers=message.headers, body=value)
    if unread is None:
        return seen, ()
    note = unread.replace("the body", "the payload", 1)
    return seen, (Diagnostic(code="unreadable-body", severity=Severity.WARNING, message=note, at=at),)


def _encoding(content_type: str | None, described: Sequence[MessageType]) -> str | None:
    """Return the encoding of a payload that only its schema can read, None for one that can be read without."""
    if content_type is not None:
        kind = essence(content_type)
        return None if is_json(content_type) else next((each for each in _ENCODINGS if each in kind), None)
    formats = [(each.schema_format or "").lower() for each in described]
    return next((each for each in _ENCODINGS if formats and all(each in text for text in formats)), None)
