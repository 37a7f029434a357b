"""Messages of AMQP as ChannelMessage and back."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.amqp_bindings import Sending
from arazzo_runner.runtime.brokers.message_parts import joined

_NATIVE: Final = ("correlation_id", "reply_to", "message_id", "type", "app_id", "user_id", "content_encoding")


def read_message(incoming: Any) -> ChannelMessage:
    """Return a message of the library; numbers and truth values of headers become the text of their JSON."""
    native: dict[str, JsonValue] = {
        name: str(found) for name in _NATIVE if (found := getattr(incoming, name)) is not None
    }
    if incoming.timestamp is not None:
        native["timestamp"] = incoming.timestamp.isoformat()
    if incoming.priority:
        native["priority"] = incoming.priority
    native["exchange"] = incoming.exchange or ""
    return ChannelMessage(
        address=incoming.routing_key or "",
        payload=bytes(incoming.body),
        headers=tuple((name, _text(value)) for name, value in (incoming.headers or {}).items()),
        content_type=incoming.content_type,
        native=native,
    )


def message_to_send(message: ChannelMessage, sending: Sending) -> Any:
    """Return a message as the library sends it."""
    from aio_pika import Message

    native = message.native
    expiration = None if sending.expiration is None else sending.expiration / 1000
    return Message(
        message.payload,
        headers=_headers(message, sending),
        content_type=message.content_type,
        content_encoding=_native(native, "content_encoding") or sending.encoding,
        delivery_mode=sending.delivery_mode,
        priority=sending.priority,
        correlation_id=_native(native, "correlation_id"),
        reply_to=_native(native, "reply_to"),
        expiration=expiration,
        message_id=_native(native, "message_id"),
        timestamp=datetime.datetime.now(datetime.UTC) if sending.has_timestamp else None,
        type=_native(native, "type") or sending.type,
        user_id=sending.user,
        app_id=_native(native, "app_id"),
    )


def _headers(message: ChannelMessage, sending: Sending) -> dict[str, Any]:
    headers: dict[str, Any] = {**joined(message.headers)}
    for name, keys in (("CC", sending.cc), ("BCC", sending.bcc)):  # read by RabbitMQ, besides the routing key
        if keys:
            headers[name] = list(keys)
    return headers


def _native(native: Mapping[str, JsonValue], name: str) -> str | None:
    found = native.get(name)
    return None if found is None else str(found)


def _text(value: Any) -> str:
    """Return the text of a header: itself, or JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False, default=_text)
