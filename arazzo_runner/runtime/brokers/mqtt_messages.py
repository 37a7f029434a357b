"""Messages as MQTT has them: properties of version 5, of which 3.1.1 has none, and what the bindings say.

The module of `aiomqtt` and `paho` for messages; it is imported when the first one is sent or comes.
"""

from __future__ import annotations

from typing import Any, Final

from aiomqtt import Message
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from arazzo_runner.base.json_values import JsonValue, to_text
from arazzo_runner.engine.messages import BindingsByPlace, ChannelMessage
from arazzo_runner.runtime.brokers.driver import BrokerFailure

ASSURED: Final = 1
"""The quality of service where the binding says none: at least once, acknowledged."""


def quality(bindings: BindingsByPlace) -> int:
    """Return the quality of service that the operation's binding says, else one that is acknowledged."""
    said = bindings.get("operation", {}).get("qos", ASSURED)
    return said if said in (0, 1, 2) else ASSURED


def is_retained(bindings: BindingsByPlace) -> bool:
    """Return whether the operation's binding says that the broker keeps the message for those who come later."""
    return bindings.get("operation", {}).get("retain") is True


def new_properties(packet: int) -> Any:
    """Return the properties of a packet of version 5, without any yet; its attributes set them."""
    return Properties(packet)  # type: ignore[no-untyped-call]


def properties_of(message: ChannelMessage, bindings: BindingsByPlace) -> Any:
    """Return the properties of a message in version 5."""
    binding = bindings.get("message", {})
    found = new_properties(PacketTypes.PUBLISH)
    if message.headers:
        found.UserProperty = list(message.headers)
    content_type = message.content_type or binding.get("contentType")
    if isinstance(content_type, str):
        found.ContentType = content_type
    correlation = message.native.get("correlation_id")
    if correlation is not None:
        found.CorrelationData = to_text(correlation).encode()
    reply_to = message.native.get("reply_to") or binding.get("responseTopic")
    if isinstance(reply_to, str):
        found.ResponseTopic = reply_to
    expiry = bindings.get("operation", {}).get("messageExpiryInterval")
    if isinstance(expiry, int) and not isinstance(expiry, bool):
        found.MessageExpiryInterval = expiry
    return found


def check_without_properties(message: ChannelMessage) -> None:
    """Raise BrokerFailure for a message whose headers version 3.1.1 cannot send."""
    if message.headers:
        names = ", ".join(name for name, _ in message.headers)
        text = f"MQTT 3.1.1 has no headers: {names} cannot be sent"
        raise BrokerFailure(
            "rejected", text, hint="MQTT 5 has them: protocolVersion of the server, or the protocol mqtt5"
        )


def received(message: Message) -> ChannelMessage:
    """Return a message that came."""
    properties = message.properties
    native: dict[str, JsonValue] = {"qos": message.qos, "retain": bool(message.retain)}
    correlation = getattr(properties, "CorrelationData", None)
    if correlation is not None:
        native["correlation_id"] = bytes(correlation).decode("utf-8", "backslashreplace")
    reply_to = getattr(properties, "ResponseTopic", None)
    if reply_to is not None:
        native["reply_to"] = reply_to
    payload = message.payload
    return ChannelMessage(
        address=message.topic.value,
        payload=bytes(payload) if isinstance(payload, (bytes, bytearray)) else b"",
        headers=tuple((name, value) for name, value in getattr(properties, "UserProperty", ())),
        content_type=getattr(properties, "ContentType", None),
        native=native,
    )
