"""A broker in the process that answers as its descriptions say: for the mock and for dry runs.

It takes the place of every broker of a program, with the wildcards of its protocol. What answers, the first that
there is:

- a rule of the scenario;
- the reply that the operation describes, when a message is sent;
- a message of the channel that a step waits for, made up when its turn comes and nothing is there or on its way.

It waits for nothing: its clock goes on when a step waits, by what it would have waited.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, TypeAlias, assert_never
from urllib.parse import quote

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, Record, field, replace
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
from arazzo_runner.expressions.scope import Message
from arazzo_runner.program.model import MessageCall, Program
from arazzo_runner.runtime.brokers.taps import Tap, TapLimits, step_of
from arazzo_runner.runtime.brokers.wildcards import matches, wildcards_of
from arazzo_runner.runtime.mock.channels import Channels
from arazzo_runner.runtime.mock.expected import expectations
from arazzo_runner.runtime.mock.message_answers import MessageAnswers, Sent, Waiting
from arazzo_runner.runtime.mock.scenario import ChannelAnswer, Scenario, ScenarioMessage
from arazzo_runner.runtime.mock.scenario_rules import check_channels
from arazzo_runner.sources.channel import Action
from arazzo_runner.sources.http_media.media import decode_body

Origin: TypeAlias = Literal["run", "scenario", "reply", "sample"]
"""Who sent a message: the run itself, a rule, the described reply, or nobody, so that it was made up."""

_CALLBACK: Final = "https://callback.invalid/"
"""Begins the URL of a webhook in a mock, at which nothing listens."""
_ONE_WAY: Final = frozenset({"ws", "wss", "http", "https", "sse"})
"""Protocols over which nobody gets back what he sends."""


class _Tap(MutableRecord, kw_only=True):
    """A subscription.

    `call` is that of the first step that waits there; `origins` says of each message that no step took, by its token,
    who sent it and for which step it was made up.
    """

    tap: Tap
    address: str
    protocol: str
    call: MessageCall | None
    origins: dict[str, tuple[Origin, str]] = field(default_factory=dict)

    def wants(self, address: str) -> bool:
        """Return whether messages of an address come here."""
        return matches(self.address, address, wildcards_of(self.protocol))


class _OnItsWay(Record, kw_only=True):
    """A message that comes when the clock is at `due`."""

    due: float
    message: ChannelMessage


def _callback_url(effect: Subscribe) -> str:
    """Return the URL of a webhook: the given one, else a placeholder."""
    given = effect.position.get("url") if isinstance(effect.position, dict) else None
    return given if isinstance(given, str) else _CALLBACK + quote(effect.address.lstrip("/"), safe="/")


class MockBroker:
    """Performs the effects about messages of one run; a mock server may give it messages from another thread."""

    def __init__(
        self,
        program: Program,
        scenario: Scenario | None = None,
        inputs: Mapping[str, JsonValue] | None = None,
        limits: TapLimits | None = None,
    ) -> None:
        self._channels = Channels(program)
        self._scenario = scenario
        if scenario is not None:
            check_channels(scenario.rules, self._channels, scenario.at)
        self._answers = MessageAnswers(self._channels, expectations(program, inputs))
        self._limits = limits or TapLimits()
        self._taps: dict[str, _Tap] = {}
        self._on_its_way: list[_OnItsWay] = []
        self._unheard: list[tuple[float, ScenarioMessage]] = []
        self._given = 0
        self._now = 0.0
        self._is_silent = False
        self._lock = threading.RLock()

    def perform(self, effect: MessageEffect) -> object:
        """Return the answer to an effect."""
        with self._lock:
            match effect:
                case Subscribe():
                    return self._subscribe(effect)
                case Publish():
                    return self._publish(effect)
                case Receive():
                    return self._receive(effect)
                case Settle():
                    self._settle(effect)
                case Unsubscribe():
                    for name in effect.taps:
                        self._taps.pop(name, None)
                case _:
                    assert_never(effect)
        return None

    def has_come(self, effect: Receive) -> bool:
        """Return whether the message that a step waits for is there."""
        with self._lock:
            waiting = self._taps.get(effect.tap)
            self._deliver()
            found = None if waiting is None else waiting.tap.look(effect).found()
            return waiting is None or found is not None

    def waited(self, seconds: float) -> None:
        """Let the clock go on."""
        with self._lock:
            self._now += seconds

    def send(self, messages: Iterable[ScenarioMessage]) -> None:
        """Send the messages of a rule about a request over HTTP."""
        with self._lock:
            self._send(messages, None)

    # ------------------------------------------------------------------ subscriptions

    def _subscribe(self, effect: Subscribe) -> Subscribed:
        known = self._taps.get(effect.tap)
        if known is None:
            address = f"{effect.address or 'inbox'}-{len(self._taps) + 1}" if effect.inbox else effect.address
            call, protocol = self._channels.call(effect.at), effect.broker.protocol
            known = _Tap(tap=Tap(self._limits), address=address, protocol=protocol, call=call)
            self._taps[effect.tap] = known
            self._hear()
        return Subscribed(address=_callback_url(effect) if effect.callback else known.address, lossy=False)

    def _settle(self, effect: Settle) -> None:
        found = self._taps.get(effect.tap)
        if found is not None:
            found.tap.settle(effect.token)
            found.origins.pop(effect.token, None)

    def _waiting(self) -> Iterator[Waiting]:
        return (Waiting(each.address, each.call) for each in self._taps.values())

    def _give(self, message: ChannelMessage, origin: Origin, made_for: str = "") -> None:
        """Give a message to everybody who subscribed to its address."""
        self._given += 1
        token = f"mock-{self._given}"
        for each in self._taps.values():
            if each.wants(message.address):
                each.tap.put(message, token)
                each.origins[token] = (origin, made_for)

    def _send(self, messages: Iterable[ScenarioMessage], sent: Sent | None) -> None:
        """Send the messages of a rule, at once or later."""
        for each in messages:
            message = self._answers.stated(each, sent, self._waiting())
            if sent is None and not self._is_wanted(message):
                self._unheard.append((self._now, each))
            elif each.after:
                self._on_its_way.append(_OnItsWay(due=self._now + each.after, message=message))
            else:
                self._give(message, "scenario")

    def _is_wanted(self, message: ChannelMessage) -> bool:
        return any(each.wants(message.address) for each in self._taps.values())

    def _hear(self) -> None:
        """Send what a rule about a request states and nobody was subscribed to, if somebody is now.

        The address of a subscription may be what the response says, so that it cannot be made before.
        """
        unheard, self._unheard = self._unheard, []
        for since, each in unheard:
            message = self._answers.stated(each, None, self._waiting())
            if self._is_wanted(message):
                self._on_its_way.append(_OnItsWay(due=since + each.after, message=message))
            else:
                self._unheard.append((since, each))

    def _rule(
        self, call: MessageCall | None, address: str, action: Action, seen: Message | None
    ) -> ChannelAnswer | None:
        """Return the answer of the rule that applies, None where none does."""
        names = {address} if call is None else {address, call.channel.key, call.channel.address or address}
        return None if self._scenario is None else self._scenario.channel_answer(names, action, seen)

    # ------------------------------------------------------------------ what the run sends

    def _publish(self, effect: Publish) -> Published | NoMessage:
        call, message = self._channels.call(effect.at), effect.message
        body, _ = decode_body(message.payload, message.content_type)
        rule = self._rule(call, message.address, "send", Message(headers=message.headers, body=body))
        delay = 0.0 if rule is None else rule.delay
        self._now += min(delay, effect.timeout)
        if delay > effect.timeout:
            late = f"the broker did not confirm the message within {effect.timeout:g} s"
            return NoMessage(reason="timeout", message=late, elapsed_ms=effect.timeout * 1000)
        if rule is not None and rule.drop:
            return NoMessage(reason="closed", message="the broker closed the connection", elapsed_ms=delay * 1000)
        if effect.broker.protocol not in _ONE_WAY:
            self._give(message, "run")
        self._answer(rule, None if call is None else Sent(call, message))
        return Published(elapsed_ms=delay * 1000)

    def _answer(self, rule: ChannelAnswer | None, sent: Sent | None) -> None:
        """Send what a rule says, else the reply that is described."""
        if rule is not None and rule.messages is not None:
            self._is_silent = not rule.messages
            self._send(rule.messages, sent)
            return
        self._is_silent = False
        reply = None if sent is None else self._answers.reply(sent, self._waiting())
        if reply is not None:
            self._give(reply, "reply")

    # ------------------------------------------------------------------ what the run waits for

    def _receive(self, effect: Receive) -> Received | NoMessage:
        waiting = self._taps.get(effect.tap)
        if waiting is None:
            return NoMessage(reason="closed", message=f"there is no subscription {effect.tap}")
        began, until = self._now, self._now + effect.timeout
        look, is_made = waiting.tap.look(effect), False
        answer: Received | NoMessage | None = None
        while answer is None:
            self._deliver()
            answer = look.found() or look.ended()
            if answer is None and not self._go_on(waiting, until):
                if is_made or not self._make(waiting, effect):
                    self._now = max(self._now, until)
                    answer = look.timed_out()
                is_made = True
        return replace(answer, elapsed_ms=(self._now - began) * 1000)

    def _deliver(self) -> None:
        """Give what is due by now, in the order of its times."""
        ready = sorted((each for each in self._on_its_way if each.due <= self._now), key=lambda each: each.due)
        self._on_its_way = [each for each in self._on_its_way if each.due > self._now]
        for each in ready:
            self._give(each.message, "scenario")

    def _go_on(self, waiting: _Tap, until: float) -> bool:
        """Let the clock go on to the next message for a tap; return whether one comes in time."""
        due = [each.due for each in self._on_its_way if waiting.wants(each.message.address)]
        if not due or min(due) > until:
            return False
        self._now = min(due)
        return True

    def _make(self, waiting: _Tap, effect: Receive) -> bool:
        """Send what a rule says to a step that waits, else a message made up for it; return whether there is one."""
        call = self._channels.call(effect.at) or waiting.call
        if call is None:
            return False
        rule = self._rule(call, waiting.address, "receive", None)
        if rule is not None and rule.messages is not None:
            self._send(rule.messages, Sent(call))
            return bool(rule.messages)
        step = step_of(effect)
        if self._is_silent or self._is_answered(waiting, step):
            return False
        self._give(self._answers.sample(call, effect, waiting.address), "sample", step)
        return True

    def _is_answered(self, waiting: _Tap, step: str) -> bool:
        """Return whether somebody answered already, be it wrongly: nothing is made up then, and the mistake shows."""
        coming = any(waiting.wants(each.message.address) for each in self._on_its_way)
        origins = waiting.origins.values()
        return coming or any(who in ("scenario", "reply") or made_for == step for who, made_for in origins)
