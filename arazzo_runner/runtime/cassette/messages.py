"""Messages in recorded runs: those that a step sent or took, and how a replay answers the effects about them.

Messages that came and were not taken are other people's, and are not recorded.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, assert_never

from arazzo_runner.base.records import Record, replace
from arazzo_runner.engine.messages import (
    ChannelMessage,
    MessageEffect,
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

MessageAction: TypeAlias = Literal["publish", "receive", "subscribe"]


class MessageInteraction(Record, kw_only=True):
    """One message that was sent or taken, or why not; or a subscription that failed or got an address of its own.

    - `key`: `<stepId>#<attempt>`; `started`: seconds since the epoch; `server`: the URL of the broker.
    - `address`: of the channel; `correlation`: the value that the message had to have.
    - `message`: None when nothing was taken, and then `failure` says why.
    """

    key: str
    action: MessageAction
    started: float = 0.0
    source: str = ""
    protocol: str = ""
    server: str = ""
    address: str = ""
    correlation: str | None = None
    message: ChannelMessage | None = None
    failure: NoMessage | None = None
    receivers: int | None = None
    passed_over: int = 0
    elapsed_ms: float = 0.0


def interaction_key(effect: MessageEffect) -> str:
    """Return the key of the interaction that an effect belongs to: all that a step looks at is one."""
    return effect.key.rpartition("/m")[0] if isinstance(effect, Receive) else effect.key


class MessageRecorder:
    """Collects the interactions about messages of one run; a message is kept once a step has taken it."""

    def __init__(self) -> None:
        self._taps: dict[str, Subscribe] = {}
        self._seen: dict[tuple[str, str], MessageInteraction] = {}
        self._passed_over: dict[str, int] = {}

    def record(self, effect: MessageEffect, answer: Any, started: float) -> MessageInteraction | None:
        """Return the interaction that an effect and its answer complete, None while there is none."""
        match effect:
            case Publish():
                return _published(effect, answer, started)
            case Subscribe():
                self._taps[effect.tap] = effect
                return _subscribed(effect, answer)
            case Receive():
                return self._received(effect, answer, started)
            case Settle():
                return self._seen.pop((effect.tap, effect.token), None)
            case Unsubscribe():
                self._seen = {key: each for key, each in self._seen.items() if key[0] not in effect.taps}
                return None
            case _:
                assert_never(effect)

    def _received(self, effect: Receive, answer: Received | NoMessage, started: float) -> MessageInteraction | None:
        key, tap = interaction_key(effect), self._taps.get(effect.tap)
        passed_over = self._passed_over.get(key, 0) + answer.passed_over
        found = MessageInteraction(
            key=key,
            action="receive",
            started=started,
            source="" if tap is None else tap.broker.source,
            protocol="" if tap is None else tap.broker.protocol,
            server="" if tap is None else tap.broker.url,
            address="" if tap is None else tap.address,
            correlation=None if effect.correlation is None else effect.correlation.value,
            passed_over=passed_over,
            elapsed_ms=answer.elapsed_ms,
        )
        if isinstance(answer, NoMessage):
            return replace(found, failure=answer)
        self._seen[effect.tap, answer.token] = replace(found, message=answer.message)
        self._passed_over[key] = passed_over + 1  # unless the step takes it, then this is not read any more
        return None


def _published(effect: Publish, answer: Published | NoMessage, started: float) -> MessageInteraction:
    found = MessageInteraction(
        key=effect.key,
        action="publish",
        started=started,
        source=effect.broker.source,
        protocol=effect.broker.protocol,
        server=effect.broker.url,
        address=effect.message.address,
        message=effect.message,
        elapsed_ms=answer.elapsed_ms,
    )
    if isinstance(answer, NoMessage):
        return replace(found, failure=answer)
    return replace(found, receivers=answer.receivers)


def _subscribed(effect: Subscribe, answer: Subscribed | NoMessage) -> MessageInteraction | None:
    found = MessageInteraction(
        key=effect.key,
        action="subscribe",
        source=effect.broker.source,
        protocol=effect.broker.protocol,
        server=effect.broker.url,
        address=effect.address,
    )
    if isinstance(answer, NoMessage):
        return replace(found, failure=answer)
    return replace(found, address=answer.address) if effect.inbox or effect.callback else None


NOT_RECORDED = NoMessage(reason="forbidden", message="the cassette has no such message", sent=False)


def played(recorded: MessageInteraction | None, effect: MessageEffect) -> object:
    """Return the answer to an effect; `recorded` is its interaction, None when the cassette has none."""
    match effect:
        case Publish():
            return NOT_RECORDED if recorded is None else _published_again(recorded)
        case Subscribe():
            if recorded is not None and recorded.failure is not None:
                return recorded.failure
            return Subscribed(address=effect.address if recorded is None else recorded.address)
        case Receive():
            return NOT_RECORDED if recorded is None else _received_again(recorded)
        case Settle() | Unsubscribe():
            return None
        case _:
            assert_never(effect)


def _published_again(recorded: MessageInteraction) -> Published | NoMessage:
    return recorded.failure or Published(elapsed_ms=recorded.elapsed_ms, receivers=recorded.receivers)


def _received_again(recorded: MessageInteraction) -> Received | NoMessage:
    if recorded.message is None:
        return recorded.failure or NOT_RECORDED
    return Received(
        message=recorded.message,
        token=recorded.key,
        passed_over=recorded.passed_over,
        elapsed_ms=recorded.elapsed_ms,
    )
