"""The messages that a mock sends: the reply to one of the run, what a rule of a scenario states, one for who waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from arazzo_runner.base.json_values import MISSING, JsonValue, to_text
from arazzo_runner.base.records import Record, replace
from arazzo_runner.engine.messages import ChannelMessage, Receive
from arazzo_runner.expressions import nodes
from arazzo_runner.expressions.nodes import Condition, Expression
from arazzo_runner.program.model import CompiledCriterion, ExpressionValue, MessageCall, SimpleCriterion
from arazzo_runner.runtime.brokers.correlation import Correlated
from arazzo_runner.runtime.mock.answers import Asked
from arazzo_runner.runtime.mock.bodies import value_at
from arazzo_runner.runtime.mock.channels import Channels, KnownChannel, filled, variables_in, without_wildcards
from arazzo_runner.runtime.mock.expected import Expectations, Expected, step_label
from arazzo_runner.runtime.mock.loops import rewritten
from arazzo_runner.runtime.mock.message_samples import Made, correlated, made_message, path_of, with_stated
from arazzo_runner.runtime.mock.scenario import ScenarioMessage
from arazzo_runner.sources.channel import Channel, MessageType


class Sent(Record):
    """What a run sent, by which call; what a step waits for where `message` is None."""

    call: MessageCall
    message: ChannelMessage | None = None

    @property
    def correlation(self) -> str | None:
        """Its correlation id, None when it has none."""
        if self.message is None:
            return None
        types = (*self.call.messages, *self.call.channel.messages)
        seen = Correlated(self.message)
        texts = (seen.text_at(each.correlation) for each in types if each.correlation is not None)
        native = self.message.native.get("correlation_id")
        return next((text for text in texts if text is not None), None if native is None else to_text(native))


class Waiting(Record):
    """A subscription: its address, and the call of the first step that waits there."""

    address: str
    call: MessageCall | None


class MessageAnswers:
    """Makes the messages of one run; what descriptions leave open is made up, the same in every run."""

    def __init__(self, channels: Channels, expectations: Expectations) -> None:
        self._channels = channels
        self._expectations = expectations
        self._made: Counter[str] = Counter()

    def reply(self, sent: Sent, subscriptions: Iterable[Waiting]) -> ChannelMessage | None:
        """Return the reply that the operation of a call describes, None for none.

        One that would have a correlation id which the request lacks is left to the step that waits, which knows it.
        """
        call, request = sent.call, sent.message
        reply = None if call.operation is None else call.operation.reply
        if request is None or reply is None or reply.channel is None:
            return None
        types = _types(call, reply.channel)
        if sent.correlation is None and any(each.correlation is not None for each in types):
            return None
        waiting = list(subscriptions)
        asked = self._asked_of(reply.channel, waiting)
        made = made_message(types, call.description, asked, sent.correlation)
        asked_for = None if reply.address is None else Correlated(request).text_at(reply.address)
        return made.written(asked_for or _address(reply.channel, sent, waiting))

    def stated(self, stated: ScenarioMessage, sent: Sent | None, subscriptions: Iterable[Waiting]) -> ChannelMessage:
        """Return a message of a rule about what was sent; None is a request over HTTP.

        A payload that it does not state is made up, and a correlation id is that of what was sent.
        """
        known = self._channel_of(stated, sent)
        if known is None:
            return with_stated(Made(None, {}), stated.payload, stated.headers).written(stated.channel)
        waiting = list(subscriptions)
        types = _types(None if sent is None else sent.call, known.channel)
        if stated.payload is MISSING:
            made = made_message(types, known.description, self._asked_of(known.channel, waiting))
        else:
            made = Made(next(iter(types), None), {})
        if sent is not None and sent.correlation is not None:
            stated = _with_id(stated, made.type, sent.correlation, known)
            made = _with_id_of(sent, made, stated, known)
        is_name = not stated.channel or stated.channel in known.names
        address = _address(known.channel, sent, waiting) if is_name else stated.channel
        return with_stated(made, stated.payload, stated.headers).written(address)

    def sample(self, call: MessageCall, effect: Receive, address: str) -> ChannelMessage:
        """Return the message that a step waits for; `address` is what it is subscribed to."""
        label = step_label(effect.at)
        value = None if effect.correlation is None else effect.correlation.value
        expected = self._expectations.by_step.get(label, Expected())
        if value is not None and isinstance(call.correlation, ExpressionValue):
            criteria = tuple(_with_value(each, call.correlation.expression, value) for each in expected.criteria)
            expected = replace(expected, criteria=criteria)
        asked = Asked(expected=expected, before=self._made[label])
        self._made[label] += 1
        made = made_message(call.messages or call.channel.messages, call.description, asked, value)
        own = variables_in(call.channel.address, address)
        return made.written(without_wildcards(address) if own is None else filled(call.channel, own))

    def _channel_of(self, stated: ScenarioMessage, sent: Sent | None) -> KnownChannel | None:
        """Return the channel of a message of a rule; one that names none goes to who waits for an answer."""
        if stated.channel:
            return self._channels.named(stated.channel)
        return None if sent is None else KnownChannel(sent.call.description, answering(sent.call))

    def _asked_of(self, channel: Channel, waiting: Iterable[Waiting]) -> Asked:
        """Return what the first step expects that waits for messages of a channel."""
        call = next((each.call for each in waiting if _is_on(each, channel)), None)
        label = "" if call is None else self._channels.label(call)
        return Asked(expected=self._expectations.by_step.get(label, Expected()))


def _with_value(criterion: CompiledCriterion, expression: Expression, value: str) -> CompiledCriterion:
    """Return a criterion that compares with the correlation id as one with its value, which the mock knows."""
    if not isinstance(criterion, SimpleCriterion) or expression not in criterion.references:
        return criterion

    def read(each: Expression) -> Condition:
        return nodes.Constant(value) if each == expression else nodes.Reference(each)

    references = tuple(each for each in criterion.references if each != expression)
    return replace(criterion, condition=rewritten(criterion.condition, read), references=references)


def answering(call: MessageCall) -> Channel:
    """Return the channel on which a call is answered: that of its reply, else its own."""
    reply = None if call.action == "receive" or call.operation is None else call.operation.reply
    return call.channel if reply is None or reply.channel is None else reply.channel


def _with_id(stated: ScenarioMessage, kind: MessageType | None, value: str, known: KnownChannel) -> ScenarioMessage:
    """Return a message of a rule with the correlation id that its payload lacks."""
    place, payload = None if kind is None else kind.correlation, stated.payload
    if place is None or place.part != "payload" or not isinstance(payload, dict):
        return stated
    body: JsonValue = {"payload": payload}
    if value_at(body, path_of(place)) is not MISSING:
        return stated
    made = correlated(Made(kind, body), value, known.description.schemas)
    return replace(stated, payload=made.body["payload"]) if isinstance(made.body, dict) else stated


def _with_id_of(sent: Sent, made: Made, stated: ScenarioMessage, known: KnownChannel) -> Made:
    """Return a message with the correlation id of what was sent, unless the rule states what is there."""
    value = sent.correlation
    place = None if made.type is None else made.type.correlation
    is_stated = (
        any(name.lower() == place.pointer[0].lower() for name, _ in stated.headers)
        if place is not None and place.part == "header"
        else stated.payload is not MISSING
    )
    return made if value is None or is_stated else correlated(made, value, known.description.schemas)


def _types(call: MessageCall | None, channel: Channel) -> tuple[MessageType, ...]:
    """Return the messages that may come on a channel: those that a call, or its reply, names there."""
    reply = None if call is None or call.operation is None else call.operation.reply
    if reply is not None and reply.channel is not None and reply.channel.key == channel.key and reply.messages:
        return reply.messages
    if call is not None and call.action == "receive" and call.channel.key == channel.key and call.messages:
        return call.messages
    return channel.messages


def _is_on(waiting: Waiting, channel: Channel) -> bool:
    return waiting.call is not None and waiting.call.channel.pointer == channel.pointer


def _address(channel: Channel, sent: Sent | None, waiting: Iterable[Waiting]) -> str:
    """Return where messages of a channel go: its variables are those of what was sent, else of who waits for them."""
    addresses = [each.address for each in waiting if _is_on(each, channel)]
    known = [variables_in(channel.address, each) for each in addresses]
    if sent is not None and sent.message is not None:
        known.insert(0, variables_in(sent.call.channel.address, sent.message.address))
    return filled(channel, *known) or next(iter(addresses), "")
