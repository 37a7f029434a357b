"""Effects about messages (AsyncAPI): what the interpreter asks of a broker, as frozen data; answers are data too.

`runtime/brokers/world.py` performs them and passes every other effect on. Flow rules: semantics §9.

- `Subscribe`: `Subscribed` once the broker has the subscription, or a `NoMessage`.
- `Publish`: `Published`, or a `NoMessage`.
- `Receive`: `Received`, or a `NoMessage` when none came in time.
- `Settle`, `Unsubscribe`: None.

In a `Race` they stand beside requests and waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.engine.effects import Effect, Headers
from arazzo_runner.errors import Location
from arazzo_runner.sources.channel import Place

BindingsByPlace: TypeAlias = Mapping[Literal["server", "channel", "operation", "message"], Mapping[str, JsonValue]]
"""The binding objects of one protocol that concern an effect, by what they are described at.

`message` also has `contentType`, that of the channel's messages, where the description has one: with http it
distinguishes event streams from webhooks.
"""


class ChannelMessage(Record, kw_only=True):
    """A message as it is sent or came.

    - `address`: of its channel, without variables: a topic, subject, routing key, stream or URL.
    - `payload`: its bytes.
    - `headers`: text values; protocols without headers have none.
    - `content_type`: as the protocol says it, None when it says none.
    - `key`: of Kafka, None elsewhere.
    - `native`: what else the protocol has: `correlation_id`, `reply_to`, `message_id`, `partition`, `offset`, `qos`, …
      `headers` are those that are no text (numbers and booleans of AMQP), by name.
    """

    address: str
    payload: bytes = b""
    headers: Headers = ()
    content_type: str | None = None
    key: bytes | None = None
    native: Mapping[str, JsonValue] = field(default_factory=dict)

    def __rich_repr__(self) -> list[tuple[str, object]]:
        names = [name for name, _ in self.headers]  # no value, which may be a secret
        return [("headers", names), ("bytes", len(self.payload))]


class Broker(Record, kw_only=True):
    """Where messages go to and come from, without credentials: those are added below journal and cassette.

    - `source`: the name of the source description; `server`: that of its Server Object, "" for a URL of the options.
    - `protocol`: in lower case, as AsyncAPI names it; `url`: `scheme://host:port/path`, variables filled in.
    - `security`: the alternatives of server and operation; `schemes`: the Security Scheme Objects by name.
    """

    _hidden_in_repr = ("url", "schemes")

    source: str
    server: str
    protocol: str
    url: str
    protocol_version: str | None = None
    security: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    schemes: Mapping[str, JsonValue] = field(default_factory=dict)


class Correlation(Record, kw_only=True):
    """What makes a message the one that is waited for: `value` is at one of `places`.

    `native`: it may also be the protocol's own correlation id, or a header `correlationId`.
    The comparison is of texts and exact. It is data, so that foreign messages are passed over unrecorded.
    """

    _hidden_in_repr = ("value",)

    places: tuple[Place, ...]
    value: str
    native: bool = False


class NoMessage(Record, kw_only=True):
    """The answer when a message could not be sent, or none came; a World returns this instead of raising.

    - `reason`: the kind of failure; `message`: one sentence for people; `hint`: what to do.
    - `sent`: of a Publish: False only when it is certain that the broker did not get it.
    - `passed_over`: how many messages came that did not correlate; `retained`: how many were there before the
      subscription and did not count.
    - `code`: of a Diagnostic to report besides, None for none.
    """

    reason: Literal[
        "timeout",
        "refused",
        "unknown-host",
        "tls",
        "credentials",
        "closed",
        "too-large",
        "rejected",
        "forbidden",
        "interrupted",
        "library",
    ]
    message: str
    sent: bool = True
    passed_over: int = 0
    retained: int = 0
    elapsed_ms: float = 0.0
    code: str | None = None
    hint: str | None = None


class Subscribed(Record, kw_only=True):
    """A subscription that the broker has.

    - `address`: what it listens to; for an inbox the address that was made, to be written into the request.
    - `position`: where it begins, as data that `Subscribe` takes again; None where the protocol has no positions.
    - `lossy`: whether messages are lost that come while the run is not there (a crash, before it is resumed).
    """

    address: str
    position: JsonValue | None = None
    lossy: bool = True


class Published(Record, kw_only=True):
    """A message that the broker took; `receivers` is how many got it, None when the protocol does not say."""

    elapsed_ms: float = 0.0
    receivers: int | None = None
    position: JsonValue | None = None


class Received(Record, kw_only=True):
    """A message that came.

    - `token`: its identity, the same when the broker gives it again after a crash; for `Settle`.
    - `index`: its number among those of the subscription; the next `Receive` of a step that does not take
      it says so.
    - `passed_over`: how many others were passed over before it.
    """

    message: ChannelMessage
    token: str
    index: int = 0
    passed_over: int = 0
    elapsed_ms: float = 0.0


class Subscribe(Effect[Subscribed | NoMessage], kw_only=True):
    """Begin to collect the messages of a channel, from now on. Answer when the broker has the subscription.

    - `tap`: its name within the run, for Receive, Settle and Unsubscribe.
    - `address`: with the protocol's wildcard where a variable is open.
    - `position`: of an earlier Subscribed of this tap, to go on from there; None to begin now.
    - `inbox`: make an address for replies to this run alone; `address` is a hint for its name.
    - `callback`: the address of the answer is what is given to others; with a `position` of `{"url": URL}` it is that.
    - `retained`: messages that were there before count too.
    - `headers`: of the request that opens it, over HTTP and WebSocket.
    """

    _hidden_in_repr = ("address", "headers", "position")

    broker: Broker
    address: str
    tap: str
    headers: Headers = ()
    bindings: BindingsByPlace = field(default_factory=dict)
    position: JsonValue | None = None
    timeout: float = 30.0
    retained: bool = False
    inbox: bool = False
    callback: bool = False
    operation: str = ""
    at: Location | None = None


class Publish(Effect[Published | NoMessage], kw_only=True):
    """Send one message. Answer when it is handed over with the protocol's ordinary assurance (semantics §9).

    `timeout` covers connecting too, in seconds.
    """

    broker: Broker
    message: ChannelMessage
    timeout: float
    bindings: BindingsByPlace = field(default_factory=dict)
    operation: str = ""
    at: Location | None = None


class Receive(Effect[Received | NoMessage], kw_only=True):
    """Wait for a message of a tap: the first in order of arrival that no step took and that correlates.

    - `after`: look only at messages with a greater `index`; those up to it are left to other steps.
    - `timeout`: in seconds; 0 looks at what is there already.

    A message that was answered is kept from other steps until this step settles it or asks for another.
    """

    tap: str
    timeout: float
    correlation: Correlation | None = None
    after: int = -1
    at: Location | None = None


class Settle(Effect[None], kw_only=True):
    """Acknowledge a message: no other step gets it, and the broker need not keep it."""

    tap: str
    token: str


class Unsubscribe(Effect[None], kw_only=True):
    """End subscriptions and forget their messages."""

    taps: tuple[str, ...]


TakesTime: TypeAlias = Subscribe | Publish | Receive
"""Those that a Race may have; the others are done at once."""

MessageEffect: TypeAlias = Subscribe | Publish | Receive | Settle | Unsubscribe
"""Every kind of effect about messages: a `match` over it ends in `assert_never`."""


def is_message_effect(effect: Effect[Any]) -> bool:
    """Return whether an effect is about messages."""
    return isinstance(effect, (Subscribe, Publish, Receive, Settle, Unsubscribe))
