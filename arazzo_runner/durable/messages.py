"""Messages in durable runs: their answers as JSON, and the subscriptions that a resumed run makes again.

A message is on disk before the broker hears that it was taken (`Settle`). After a crash in between the broker gives it
again; its token is in the journal, so it is settled then and no step gets it twice.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, TypeAlias, assert_never

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, field, replace
from arazzo_runner.engine.effects import World
from arazzo_runner.engine.messages import (
    ChannelMessage,
    NoMessage,
    Publish,
    Published,
    Receive,
    Received,
    Settle,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from arazzo_runner.engine.results import RunResult
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.sources.protocols import has_headers, rules_of

Waited: TypeAlias = Subscribe | Publish | Receive
"""The effects about messages whose answers are in the journal."""

NOT_TAKEN = "a person decided that the message was not taken"

MessageAnswer: TypeAlias = Subscribed | Published | Received | NoMessage


class CannotSubscribe(KeyboardInterrupt):
    """A subscription of a resumed run could not be made again; the run can be resumed later.

    Ends the interpreter like an interruption, so that no further effect happens.
    """

    def __init__(self, address: str, answer: NoMessage) -> None:
        self.reason = f"cannot subscribe to {address} again: {answer.message}; resume the run when the broker is there"
        super().__init__(self.reason)


# ------------------------------------------------------------------ answers as JSON


def message_answer_to_json(answer: MessageAnswer, *, unknown: bool = False) -> dict[str, JsonValue]:
    """Return an answer as a JSON value; `unknown` marks a message of which nobody knows whether it was taken."""
    match answer:
        case NoMessage():
            found: dict[str, JsonValue] = {
                "none": answer.reason,
                "message": answer.message,
                "sent": answer.sent,
                "passedOver": answer.passed_over,
                "retained": answer.retained,
                "code": answer.code,
                "hint": answer.hint,
                "ms": answer.elapsed_ms,
            }
        case Subscribed():
            found = {"subscribed": answer.address, "position": answer.position, "lossy": answer.lossy}
        case Published():
            found = {"published": answer.receivers, "position": answer.position, "ms": answer.elapsed_ms}
        case Received():
            found = {
                "received": _message_to_json(answer.message),
                "token": answer.token,
                "index": answer.index,
                "passedOver": answer.passed_over,
                "ms": answer.elapsed_ms,
            }
        case _:
            assert_never(answer)
    return {**found, "unknown": True} if unknown else found


def message_answer_from_json(value: Any) -> MessageAnswer:
    """Return the answer of a JSON value."""
    if "none" in value:
        return NoMessage(
            reason=value["none"],
            message=value["message"],
            sent=value["sent"],
            passed_over=value["passedOver"],
            retained=value["retained"],
            code=value["code"],
            hint=value["hint"],
            elapsed_ms=value["ms"],
        )
    if "subscribed" in value:
        return Subscribed(address=value["subscribed"], position=value["position"], lossy=value["lossy"])
    if "published" in value:
        return Published(receivers=value["published"], position=value["position"], elapsed_ms=value["ms"])
    return Received(
        message=_message_from_json(value["received"]),
        token=value["token"],
        index=value["index"],
        passed_over=value["passedOver"],
        elapsed_ms=value["ms"],
    )


def _message_to_json(message: ChannelMessage) -> dict[str, JsonValue]:
    headers: list[JsonValue] = [[name, value] for name, value in message.headers]
    return {
        "address": message.address,
        "payload": _bytes_to_text(message.payload),
        "headers": headers,
        "contentType": message.content_type,
        "key": None if message.key is None else _bytes_to_text(message.key),
        "native": dict(message.native),
    }


def _message_from_json(value: Any) -> ChannelMessage:
    return ChannelMessage(
        address=value["address"],
        payload=base64.b64decode(value["payload"]),
        headers=tuple((name, text) for name, text in value["headers"]),
        content_type=value["contentType"],
        key=None if value["key"] is None else base64.b64decode(value["key"]),
        native=value["native"],
    )


def _bytes_to_text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def refused_as_lossy(effect: Subscribe) -> NoMessage:
    """Return the answer to a subscription that loses messages, where nothing may be lost."""
    return NoMessage(
        reason="forbidden",
        message=lossy_text(effect.address, effect.broker.protocol),
        sent=False,
        code="messages-may-be-lost",
        hint="use a protocol that keeps messages, or do not ask for a strict run",
    )


def lossy_text(address: str, protocol: str) -> str:
    """Return the sentence about an address whose messages are lost while the run is not there."""
    return f"{rules_of(protocol).title} keeps no messages of {address} for a run that was interrupted and is resumed"


def with_lossy(result: RunResult, lossy: Mapping[str, str]) -> RunResult:
    """Return the result with a warning for each address whose messages are lost while the run is not there."""
    found = tuple(
        Diagnostic(
            code="messages-may-be-lost",
            severity=Severity.WARNING,
            message=lossy_text(address, protocol),
            at=Location(""),
            hint="use a protocol that keeps messages; a strict run refuses others",
        )
        for address, protocol in lossy.items()
    )
    return replace(result, diagnostics=(*result.diagnostics, *found)) if found else result


def with_identity(effect: Publish, name: str) -> Publish:
    """Return a message with an identity by which its receivers, or the broker, drop a second copy.

    AMQP's message id, the Nats-Msg-Id by which JetStream drops it itself, elsewhere a header Idempotency-Key; a
    protocol without headers has no place for it.
    """
    message, protocol = effect.message, effect.broker.protocol
    title = rules_of(protocol).title
    if title == "AMQP":
        named = message.native if "message_id" in message.native else {**message.native, "message_id": name}
        return replace(effect, message=replace(message, native=named))
    header = "Nats-Msg-Id" if title == "NATS" else "Idempotency-Key"
    bindings = {protocol: {**effect.bindings.get("channel", {})}}
    has_place = has_headers(protocol, effect.broker.protocol_version, bindings)
    if not has_place or any(each.lower() == header.lower() for each, _ in message.headers):
        return effect
    return replace(effect, message=replace(message, headers=(*message.headers, (header, name))))


# ------------------------------------------------------------------ subscriptions of a resumed run


class _Open(MutableRecord):
    """A subscription that the journal has and the broker may not have any more, and what was taken from it."""

    effect: Subscribe
    answer: Subscribed
    settled: list[Settle] = field(default_factory=list)


class Subscriptions:
    """Those of a run: `lossy` are the addresses whose messages are lost while the run is not there."""

    def __init__(self) -> None:
        self.lossy: dict[str, str] = {}
        self._replayed: dict[str, _Open] = {}

    def made(self, effect: Subscribe, answer: object) -> None:
        """Take note of a subscription that was made now."""
        if isinstance(answer, Subscribed) and answer.lossy:
            self.lossy[answer.address] = effect.broker.protocol

    def replayed(self, effect: Subscribe, answer: object) -> None:
        """Take note of a subscription that an earlier execution made."""
        if isinstance(answer, Subscribed):
            self._replayed[effect.tap] = _Open(effect, answer)

    def is_replayed(self, tap: str) -> bool:
        """Return whether a subscription was made by an earlier execution and not again yet."""
        return tap in self._replayed

    def settle(self, effect: Settle) -> None:
        """Take note of a message that an earlier execution took."""
        self._replayed[effect.tap].settled.append(effect)

    def ended(self, effect: Unsubscribe) -> None:
        """Forget the subscriptions that an earlier execution made and ended."""
        for tap in effect.taps:
            self._replayed.pop(tap, None)

    async def make_again(self, world: World) -> None:
        """Subscribe where the earlier execution had, from the position it had; raises CannotSubscribe.

        What was taken then is settled: the broker may give it again.
        """
        for tap, subscription in [*self._replayed.items()]:
            again = replace(subscription.effect, position=subscription.answer.position, inbox=False)
            answer = await world.perform(replace(again, address=subscription.answer.address))
            if isinstance(answer, NoMessage):
                raise CannotSubscribe(subscription.answer.address, answer)
            self.made(subscription.effect, answer)
            del self._replayed[tap]
            for settle in subscription.settled:
                await world.perform(settle)
