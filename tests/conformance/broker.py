"""Worlds for cases with messages: one whose time is virtual, and the real ones with a broker in the process.

A case scripts the messages that others send, each caused by an effect of the run:

    - {on: send orders/place, messages: [{address: orders/confirmed, payload: {order: 7}, headers: {requestId: a}}]}

`on` is `start`, `subscribe ADDRESS`, `send ADDRESS` or a request such as `GET /items`; `times` (1; 0 is no limit) says
how often; `after` (seconds) delays a message, `retained` says that it was there before. `fails` (a reason) with `sent`
is why the effect is not done. A payload is JSON, or a text that is sent as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from arazzo_runner.engine.effects import HttpResponse, SendRequest, Sleep
from arazzo_runner.engine.messages import (
    ChannelMessage,
    NoMessage,
    Publish,
    Published,
    Receive,
    Settle,
    Subscribe,
    Subscribed,
    Unsubscribe,
    is_message_effect,
)
from arazzo_runner.runtime.brokers.taps import Tap, TapLimits
from arazzo_runner.runtime.brokers.wildcards import matches, wildcards_of
from arazzo_runner.runtime.scripted import ScriptedWorld
from tests.brokers.memory import MemoryBroker, MemoryDriver


def message_of(entry: Mapping[str, Any]) -> ChannelMessage:
    """Return a message of a case."""
    payload = entry.get("payload")
    raw = (
        payload
        if isinstance(payload, bytes)
        else b""
        if payload is None
        else payload.encode()
        if isinstance(payload, str)
        else json.dumps(payload).encode()
    )
    return ChannelMessage(
        address=entry["address"],
        payload=raw,
        headers=tuple((name, str(value)) for name, value in entry.get("headers", {}).items()),
        content_type=entry.get("contentType"),
        native=entry.get("native", {}),
    )


def cause_of(effect: Any) -> str:
    """Return what a case calls an effect."""
    match effect:
        case Publish():
            return f"send {effect.message.address}"
        case Subscribe():
            return f"subscribe {effect.address}"
        case SendRequest():
            return f"{effect.request.method} {urlsplit(effect.request.url).path}"
        case _:
            return ""


class Script:
    """The entries of a case that are not used up."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self._left: list[Any] = [[entry, int(entry.get("times", 1)) or 1_000_000] for entry in entries]
        self._causes = {entry["on"] for entry in entries}

    def listeners(self, address: str) -> int:
        """Return how many others get what is sent to an address."""
        return int(f"send {address}" in self._causes)

    def caused_by(self, cause: str) -> dict[str, Any]:
        """Return the entry for a cause, and use it up; an empty one for none."""
        for each in self._left:
            if each[1] > 0 and each[0]["on"] == cause:
                each[1] -= 1
                entry: dict[str, Any] = each[0]
                return entry
        return {}


def failure_of(entry: Mapping[str, Any]) -> NoMessage | None:
    """Return the failure that an entry scripts."""
    if "fails" not in entry:
        return None
    return NoMessage(reason=entry["fails"], message=f"scripted: {entry['fails']}", sent=bool(entry.get("sent", False)))


class Log:
    """A World around another that notes what is asked."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self.asked: list[str] = []
        self.sent: list[ChannelMessage] = []
        self.effects: list[Any] = []
        self.races = getattr(world, "races", False)
        self.message_races = getattr(world, "message_races", False)

    async def perform(self, effect: Any, /) -> Any:
        """Perform an effect."""
        self.effects.append(effect)
        if isinstance(effect, Publish):
            self.sent.append(effect.message)
        if isinstance(effect, Unsubscribe):
            self.asked.append("unsubscribe")
        elif cause_of(effect):
            self.asked.append(cause_of(effect))
        return await self._world.perform(effect)


class VirtualBroker:
    """A broker in the time of a ScriptedWorld: messages come when their moment is there, and nobody waits."""

    def __init__(self, inner: ScriptedWorld, entries: list[dict[str, Any]]) -> None:
        self._inner = inner
        self._script = Script(entries)
        self._taps: dict[str, tuple[str, Tap, str]] = {}  # by name: the address, and the protocol
        self._coming: list[tuple[float, int, ChannelMessage]] = []
        self._sent = 0
        self._retained = [each for each in entries if each["on"] == "start"]
        self._caused("start")

    async def perform(self, effect: Any, /) -> Any:
        """Perform an effect."""
        if is_message_effect(effect):
            return self._perform(effect)
        answer = await self._inner.perform(effect)
        if isinstance(effect, SendRequest) and isinstance(answer, HttpResponse):
            self._caused(cause_of(effect))
        if isinstance(effect, (SendRequest, Sleep)):
            self._deliver(self._inner.now)
        return answer

    def _perform(self, effect: Any) -> Any:
        match effect:
            case Subscribe():
                return self._subscribe(effect)
            case Publish():
                return self._publish(effect)
            case Receive():
                return self._receive(effect)
            case Settle():
                self._taps[effect.tap][1].settle(effect.token)
            case Unsubscribe():
                for name in effect.taps:
                    del self._taps[name]
        return None

    def _subscribe(self, effect: Subscribe) -> Subscribed | NoMessage:
        assert effect.tap not in self._taps, f"{effect.tap} is there already"
        entry = self._script.caused_by(cause_of(effect))
        failure = failure_of(entry)
        if failure is not None:
            return failure
        address = f"{effect.address}-inbox" if effect.inbox else effect.address
        tap = Tap(TapLimits(), counts_retained=effect.retained)
        self._taps[effect.tap] = address, tap, effect.broker.protocol
        for each in self._retained:
            for message in each.get("messages", ()):
                if message.get("retained") and address == message["address"]:
                    tap.put(message_of(message), retained=True)
        self._schedule(entry)
        return Subscribed(address=address)

    def _publish(self, effect: Publish) -> Published | NoMessage:
        entry = self._script.caused_by(cause_of(effect))
        failure = failure_of(entry)
        if failure is not None:
            return failure
        receivers = self._put(effect.message) + self._script.listeners(effect.message.address)
        self._schedule(entry)
        return Published(receivers=receivers)

    def _receive(self, effect: Receive) -> Any:
        tap, began = self._taps[effect.tap][1], self._inner.now
        look = tap.look(effect)
        end = began + effect.timeout
        while (found := look.found()) is None:
            coming = min((moment for moment, _, _ in self._coming), default=end + 1)
            if coming > end:
                self._inner.now = end
                return _elapsed(look.timed_out(), end - began)
            self._inner.now = max(self._inner.now, coming)
            self._deliver(coming)
        return _elapsed(found, self._inner.now - began)

    # ------------------------------------------------------------------ messages of others

    def _caused(self, cause: str) -> None:
        self._schedule(self._script.caused_by(cause))

    def _schedule(self, entry: Mapping[str, Any]) -> None:
        for message in entry.get("messages", ()):
            if not message.get("retained"):
                self._sent += 1
                self._coming.append((self._inner.now + message.get("after", 0), self._sent, message_of(message)))
        self._deliver(self._inner.now)

    def _deliver(self, now: float) -> None:
        self._coming.sort(key=lambda each: each[:2])
        while self._coming and self._coming[0][0] <= now:
            self._put(self._coming.pop(0)[2])

    def _put(self, message: ChannelMessage) -> int:
        found = [
            tap
            for address, tap, protocol in self._taps.values()
            if matches(address, message.address, wildcards_of(protocol))
        ]
        for tap in found:
            tap.put(message)
        return len(found)


def _elapsed(answer: Any, seconds: float) -> Any:
    from arazzo_runner.base.records import replace

    return replace(answer, elapsed_ms=seconds * 1000)


class ScriptedMemory(MemoryBroker):
    """The broker in the process, with others that send what a case scripts, in real time."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        super().__init__()
        self._script = Script(entries)
        self.on_publish(lambda message: self.caused(f"send {message.address}"))
        self.caused("start")

    def driver(self, *_: object) -> Any:
        """Return what makes a driver whose subscriptions cause messages."""
        return lambda: _TellingDriver(self)

    def publish(self, message: ChannelMessage, *, retain: bool = False, after: float = 0.0) -> int:
        """Send a message; others listen where the case has an answer of theirs."""
        return super().publish(message, retain=retain, after=after) + self._script.listeners(message.address)

    def caused(self, cause: str) -> None:
        """Send what an effect causes."""
        for message in self._script.caused_by(cause).get("messages", ()):
            self.publish(message_of(message), retain=message.get("retained", False), after=message.get("after", 0.0))


class _TellingDriver(MemoryDriver):
    def __init__(self, broker: ScriptedMemory) -> None:
        super().__init__(broker)
        self._scripted = broker

    async def arm(self, address: str, *rest: Any, **more: Any) -> Any:
        armed = await super().arm(address, *rest, **more)
        self._scripted.caused(f"subscribe {address}")
        return armed


class CausingWorld:
    """A World around a ScriptedWorld whose requests cause messages."""

    def __init__(self, inner: ScriptedWorld, broker: ScriptedMemory, *, waits: bool) -> None:
        self._inner = inner
        self._broker = broker
        self.waits = waits

    async def perform(self, effect: Any, /) -> Any:
        """Perform an effect."""
        answer = await self._inner.perform(effect)
        if isinstance(effect, SendRequest) and isinstance(answer, HttpResponse):
            self._broker.caused(cause_of(effect))
        return answer
