"""What addresses mean in each messaging protocol: wildcards, characters with a meaning, headers, ports.

Linking, the interpreter, rules and drivers read this one table. Protocols are named as AsyncAPI names them
(3.0.0 §Server Object `protocol`); what is not in the table is a protocol of a driver that a plugin brings.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import quote

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record


class ProtocolRules(Record, kw_only=True):
    """What is fixed for one protocol.

    - `title`: for messages; `names`: as AsyncAPI and URLs name it, in lower case; `secure`: those of them with TLS.
    - `port`, `secure_port`: where a URL names none.
    - `wildcard`: takes the place of a variable of an address that has no value, on receive; None where there is none.
    - `forbidden`: the characters that a value in an address must not contain, as the inside of a character class,
      "" for none; `meaning`: the same for people.
    - `longest`: how many bytes an address may have, None for no limit of the protocol's own.
    - `has_headers`: whether messages have headers.
    - `is_path`: an address is the path of a URL, in which values are percent-encoded.
    - `is_served`: whether this package has a driver for it.
    """

    title: str
    names: tuple[str, ...]
    secure: frozenset[str] = frozenset()
    port: int | None = None
    secure_port: int | None = None
    wildcard: str | None = None
    forbidden: str = ""
    longest: int | None = None
    meaning: str = ""
    has_headers: bool = True
    is_path: bool = False
    is_served: bool = True

    def port_of(self, protocol: str) -> int | None:
        """Return the port of a URL that names none."""
        return self.secure_port if protocol.lower() in self.secure else self.port


_MQTT: Final = ProtocolRules(
    title="MQTT", names=("mqtt", "mqtt5", "mqtts", "secure-mqtt"), secure=frozenset({"mqtts", "secure-mqtt"}),
    port=1883, secure_port=8883, wildcard="+", longest=65_535, forbidden="/+#\x00", meaning="/, + or #",
)  # fmt: skip
_REDIS: Final = ProtocolRules(
    title="Redis", names=("redis", "rediss"), secure=frozenset({"rediss"}), port=6379, secure_port=6379,
    wildcard="*", forbidden="*", meaning="*", has_headers=False,
)  # fmt: skip
_TABLE: Final = (
    _MQTT,
    ProtocolRules(
        title="NATS", names=("nats", "nats-secure", "nats+tls", "tls+nats", "tls"),
        secure=frozenset({"nats-secure", "nats+tls", "tls+nats", "tls"}),
        port=4222, secure_port=4222, wildcard="*", forbidden=r".*>\s\x00", meaning="., *, > or blanks",
    ),
    ProtocolRules(
        title="Kafka", names=("kafka", "kafka-secure"), secure=frozenset({"kafka-secure"}),
        port=9092, secure_port=9093, longest=249, forbidden="^A-Za-z0-9._-",
        meaning="anything but letters, digits, ., _ and -",
    ),
    ProtocolRules(
        title="AMQP", names=("amqp", "amqps"), secure=frozenset({"amqps"}),
        port=5672, secure_port=5671, wildcard="*", longest=255, forbidden=".*#", meaning="., * or #",
    ),
    _REDIS,
    ProtocolRules(
        title="WebSocket", names=("ws", "wss"), secure=frozenset({"wss"}), port=80, secure_port=443,
        has_headers=False, is_path=True,
    ),
    ProtocolRules(
        title="HTTP", names=("http", "https", "sse"), secure=frozenset({"https"}), port=80, secure_port=443,
        is_path=True,
    ),
    ProtocolRules(
        title="AMQP 1.0", names=("amqp1", "amqps1"), secure=frozenset({"amqps1"}), port=5672, secure_port=5671,
        is_served=False,
    ),
    ProtocolRules(title="JMS", names=("jms",), is_served=False),
    ProtocolRules(title="SNS", names=("sns",), is_served=False),
    ProtocolRules(title="SQS", names=("sqs",), is_served=False),
    ProtocolRules(title="STOMP", names=("stomp", "stomps"), secure=frozenset({"stomps"}), is_served=False),
    ProtocolRules(title="Pulsar", names=("pulsar",), is_served=False),
    ProtocolRules(title="Solace", names=("solace",), is_served=False),
    ProtocolRules(title="IBM MQ", names=("ibmmq",), is_served=False),
    ProtocolRules(title="Anypoint MQ", names=("anypointmq",), is_served=False),
    ProtocolRules(title="Google Pub/Sub", names=("googlepubsub",), is_served=False),
    ProtocolRules(title="Mercure", names=("mercure",), is_served=False),
)  # fmt: skip
_CONTROL: Final = pattern(r"[\x00-\x1f\x7f-\x9f]")
_HALF: Final = pattern(r"[\ud800-\udfff]")
_WILDCARDS: Final = MappingProxyType({"MQTT": "+#", "NATS": "*> "})
"""What an address that is sent to cannot have; with AMQP and Redis nothing reads wildcards there."""
_BY_NAME: Final = {name: each for each in _TABLE for name in each.names}


def rules_of(protocol: str) -> ProtocolRules:
    """Return the rules of a protocol; one that is not in the table has no wildcards and forbids nothing.

    >>> rules_of("MQTT").wildcard, rules_of("kafka").wildcard, rules_of("jms").is_served
    ('+', None, False)
    """
    return _BY_NAME.get(protocol.lower()) or ProtocolRules(title=protocol, names=(protocol,), is_served=False)


def served_protocols() -> tuple[str, ...]:
    """Return the names of the protocols that this package has a driver for.

    >>> "amqps" in served_protocols(), "jms" in served_protocols()
    (True, False)
    """
    return tuple(name for each in _TABLE if each.is_served for name in each.names)


def has_headers(
    protocol: str, version: str | None = None, bindings: Mapping[str, JsonValue] = MappingProxyType({})
) -> bool:
    """Return whether messages of a channel have headers: those of MQTT since version 5, the default.

    `bindings` are the channel's, by protocol: entries of a stream of Redis have headers, its pub/sub has none.

    >>> has_headers("mqtt"), has_headers("mqtt", "3.1.1"), has_headers("redis")
    (True, False, False)
    >>> has_headers("rediss", bindings={"redis": {"type": "stream"}})
    True
    """
    rules = rules_of(protocol)
    if rules is _REDIS:
        return any(is_stream(bindings.get(name)) for name in rules.names)
    return rules.has_headers and not (rules is _MQTT and version is not None and not version.startswith("5"))


def is_stream(binding: JsonValue) -> bool:
    """Return whether the redis binding of a channel makes it a stream; AsyncAPI defines no fields of it.

    >>> is_stream({"type": "stream"}), is_stream({"x-redis-stream": True}), is_stream(None)
    (True, True, False)
    """
    return isinstance(binding, Mapping) and (binding.get("type") == "stream" or binding.get("x-redis-stream") is True)


def wrong_in_address(protocol: str, value: str) -> str | None:
    """Return why a value is invalid in an address, as the end of a sentence; None if it is valid.

    >>> wrong_in_address("mqtt", "eu/west")
    'contains "/"; in an address of MQTT a value must not contain /, + or #'
    >>> wrong_in_address("nats", "eu"), wrong_in_address("kafka", "")
    (None, 'is empty')
    """
    if not value:
        return "is empty"
    if _HALF.search(value):
        return "contains half of a character"
    rules = rules_of(protocol)
    if rules.is_path and value in (".", ".."):
        return f'is "{value}", which a URL reads as another path'
    if not rules.forbidden:
        return None
    found = pattern(f"[{rules.forbidden}]").search(value)
    if found is None:
        return None
    return f'contains "{found[0]}"; in an address of {rules.title} a value must not contain {rules.meaning}'


def wrong_address(protocol: str, address: str, action: Literal["send", "receive"]) -> str | None:
    """Return why messages cannot go to or come from an address, as the end of a sentence; None if they can.

    >>> wrong_address("mqtt", "orders/#", "receive"), wrong_address("redis", "", "send")
    (None, 'is empty')
    >>> wrong_address("mqtt", "orders/#", "send")
    'contains "#"; nothing can be sent to such an address of MQTT'
    """
    rules = rules_of(protocol)
    if not address and not rules.is_path and rules.is_served:
        return "is empty"
    if _CONTROL.search(address):
        return "contains a control character"
    if _HALF.search(address):
        return "contains half of a character"
    if rules.longest is not None and len(address.encode("utf-8", "replace")) > rules.longest:
        return f"is longer than {rules.longest:,} bytes, the most that {rules.title} allows"
    if rules.title == "Kafka":
        return wrong_in_address(protocol, address)
    marks = _WILDCARDS.get(rules.title, "") if action == "send" else ""
    found = next((mark for mark in marks if mark in address), None)
    return None if found is None else f'contains "{found}"; nothing can be sent to such an address of {rules.title}'


def in_address(protocol: str, value: str) -> str:
    """Return a value as it is written into an address: percent-encoded where an address is a path of a URL.

    >>> in_address("wss", "a b/c"), in_address("redis", "a b/c")
    ('a%20b%2Fc', 'a b/c')
    """
    return quote(value, safe="-._~") if rules_of(protocol).is_path else value
