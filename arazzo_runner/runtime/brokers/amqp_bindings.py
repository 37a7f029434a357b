"""Where a channel is on an AMQP broker, and how a message is sent there, as the bindings of AsyncAPI say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.engine.messages import BindingsByPlace

_DEFAULT_EXCHANGE: Final = frozenset({"", "amq.default"})
_PERSISTENT: Final = 2


class Route(Record, kw_only=True):
    """Where messages of a channel go: to an exchange, "" for the default one, with a routing key.

    `queue` is the queue to receive from where it has a name; None where a queue of one's own is bound.
    """

    exchange: str
    key: str
    queue: str | None


class Sending(Record, kw_only=True):
    """What the bindings say about sending; times are in milliseconds."""

    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    delivery_mode: int = _PERSISTENT
    expiration: int | None = None
    priority: int | None = None
    user: str | None = None
    has_timestamp: bool = False
    type: str | None = None
    encoding: str | None = None


def route_of(address: str, bindings: BindingsByPlace) -> Route:
    """Return where an address is.

    The default exchange delivers to the queue that the routing key names, and no other queue can be bound to it: so
    that queue is the one to receive from.
    """
    channel = bindings.get("channel", {})
    queue = _text(_inner(channel, "queue"), "name")
    if channel.get("is") == "queue":
        named = queue or address
        return Route(exchange="", key=named, queue=named)
    exchange = _text(_inner(channel, "exchange"), "name") or ""
    if exchange in _DEFAULT_EXCHANGE:
        return Route(exchange="", key=address, queue=queue or address)
    return Route(exchange=exchange, key=address, queue=None)


def sending_of(bindings: BindingsByPlace) -> Sending:
    """Return how a message is sent: kept on disk by the broker unless the binding says otherwise."""
    operation, message = bindings.get("operation", {}), bindings.get("message", {})
    return Sending(
        cc=_texts(operation.get("cc")),
        bcc=_texts(operation.get("bcc")),
        delivery_mode=_number(operation.get("deliveryMode")) or _PERSISTENT,
        expiration=_number(operation.get("expiration")),
        priority=_number(operation.get("priority")),
        user=_text(operation, "userId"),
        has_timestamp=operation.get("timestamp") is True,
        type=_text(message, "messageType"),
        encoding=_text(message, "contentEncoding"),
    )


def _inner(binding: Mapping[str, JsonValue], name: str) -> Mapping[str, Any]:
    found = binding.get(name)
    return found if isinstance(found, dict) else {}


def _text(binding: Mapping[str, JsonValue], name: str) -> str | None:
    found = binding.get(name)
    return found if isinstance(found, str) and found else None


def _texts(value: JsonValue | None) -> tuple[str, ...]:
    """Return the routing keys of a list; older bindings have a single text."""
    if isinstance(value, str):
        return (value,)
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _number(value: JsonValue | None) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
