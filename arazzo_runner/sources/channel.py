"""Channel, MessageOperation and what they are made of, independent of AsyncAPI versions.

Like sources/operation.py does for OpenAPI: schemas are raw JSON with unresolved `$ref`s, `base` beside
them is the base URI of their references. Specifications: AsyncAPI 2.0-2.6 and 3.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.records import PartlyComparedRecord, Record, field
from arazzo_runner.sources.operation import ServerVariable

Action: TypeAlias = Literal["send", "receive"]
"""What the run does, or in a description what the described application does."""

Bindings: TypeAlias = Mapping[str, JsonValue]
"""Binding objects by protocol, as AsyncAPI has them: `{"kafka": {"key": …}, "mqtt": {"qos": 1}}`."""


class Place(Record):
    """A place in a message: `text` such as `$message.header#/id`, `pointer` the tokens of its JSON Pointer."""

    part: Literal["header", "payload"]
    pointer: tuple[str, ...]
    text: str


class MessageExample(Record, kw_only=True):
    """AsyncAPI §Message Example Object; `payload` and `headers` are MISSING when it has none."""

    name: str | None = None
    payload: JsonValue = MISSING
    headers: JsonValue = MISSING


class MessageType(PartlyComparedRecord, kw_only=True):
    """AsyncAPI §Message Object, its traits merged.

    - `name`: its key in the channel (3.0), else its `name` or `messageId`, the last part of its `$ref`, or the
      operationId.
    - `content_type`: its own, else the description's defaultContentType, None for neither.
    - `headers`, `payload`: their schemas, None for none; `base` is the base URI of the references in them.
    - `schema_format`: of the payload, None when it is a JSON Schema or AsyncAPI Schema Object.
    - `correlation`: where its correlation id is.
    - `pointer`: where it is described.
    """

    _hidden_in_repr = ("headers", "payload")
    _ignored_in_eq = ("headers", "payload", "examples")

    name: str
    pointer: str
    base: str
    content_type: str | None = None
    headers: JsonValue | None = None
    payload: JsonValue | None = None
    schema_format: str | None = None
    correlation: Place | None = None
    examples: tuple[MessageExample, ...] = ()
    bindings: Bindings = field(default_factory=dict)


class ChannelParameter(Record, kw_only=True):
    """A variable of a channel's address; `location` is where in a message its value is."""

    default: str | None = None
    enum: tuple[str, ...] = ()
    location: Place | None = None


class Channel(Record, kw_only=True):
    """AsyncAPI §Channel Object (2.x: §Channel Item Object).

    - `key`: its name in the description; in 2.x that is its address.
    - `address`: with `{variables}`, None when the description leaves it open.
    - `servers`: the names of those it is on, all of the description's when it names none.
    """

    key: str
    pointer: str
    address: str | None
    parameters: Mapping[str, ChannelParameter] = field(default_factory=dict)
    messages: tuple[MessageType, ...] = ()
    servers: tuple[str, ...] = ()
    bindings: Bindings = field(default_factory=dict)


class Reply(Record, kw_only=True):
    """AsyncAPI 3.0 §Operation Reply Object; `address` is where in a request the reply address is written."""

    channel: Channel | None
    messages: tuple[MessageType, ...] = ()
    address: Place | None = None


class MessageOperation(Record, kw_only=True):
    """AsyncAPI §Operation Object; `action` is the described application's, not the run's (semantics §2).

    2.x: `publish` describes an application that receives, `subscribe` one that sends.
    `messages` are those of the channel that the operation names, all of them when it names none.
    `security` has the alternatives, each a mapping of scheme names to scopes.
    """

    id: str
    pointer: str
    action: Action
    channel: Channel
    messages: tuple[MessageType, ...]
    reply: Reply | None = None
    bindings: Bindings = field(default_factory=dict)
    security: tuple[Mapping[str, tuple[str, ...]], ...] = ()


class BrokerServer(Record, kw_only=True):
    """AsyncAPI §Server Object: `url` is `protocol://host/pathname` with `{variables}`.

    `protocol` is in lower case: mqtt, kafka, amqp, …; `protocol_version` as described, None for none.
    """

    name: str
    pointer: str
    protocol: str
    url: str
    protocol_version: str | None = None
    variables: Mapping[str, ServerVariable] = field(default_factory=dict)
    security: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    bindings: Bindings = field(default_factory=dict)
