"""Channels that a mock serves to other programs: WebSockets, streams of events and webhook URLs.

What answers a message is a rule of the scenario, else the described reply, else a message of the channel.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from arazzo_runner.base.json_values import MISSING, escaped
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.engine.effects import HttpRequest, HttpResponse
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.expressions.scope import Message
from arazzo_runner.runtime.brokers.correlation import Correlated
from arazzo_runner.runtime.mock.answers import Asked
from arazzo_runner.runtime.mock.channels import KnownChannel, variables_in
from arazzo_runner.runtime.mock.message_samples import Made, made_message, with_stated
from arazzo_runner.runtime.mock.scenario import Scenario, ScenarioMessage
from arazzo_runner.sources.asyncapi import AsyncApiDescription
from arazzo_runner.sources.channel import MessageOperation, MessageType
from arazzo_runner.sources.http_media.media import decode_body
from arazzo_runner.sources.protocols import rules_of

EVENT_STREAM: Final = "text/event-stream"
WEBSOCKETS: Final = frozenset({"ws", "wss"})
STREAMS: Final = frozenset({"http", "https", "sse"})


class Coming(Record):
    """A message that the mock sends, `after` seconds, to an address."""

    message: ChannelMessage
    after: float = 0.0


class ChannelMock(MutableRecord):
    """Answers messages on the channels of descriptions; `listeners` get what is sent to an address."""

    descriptions: Sequence[AsyncApiDescription]
    scenario: Scenario | None = None
    listeners: list[tuple[str, Callable[[Coming], None]]] = field(default_factory=list)

    def channel(self, path: str, protocols: frozenset[str]) -> KnownChannel | None:
        """Return the channel at a path, of those that have a server of one of these protocols."""
        for known in self._channels():
            served = {known.description.servers[name].protocol for name in known.channel.servers}
            if served & protocols and variables_in(_path(known.channel.address), _path(path)) is not None:
                return known
        return None

    def answers(self, known: KnownChannel, message: ChannelMessage) -> Iterator[Coming]:
        """Yield what is sent to who sent a message."""
        body, _ = decode_body(message.payload, message.content_type)
        names = {message.address, *known.names}
        rule = None
        if self.scenario is not None:
            seen = Message(headers=message.headers, body=body)
            rule = self.scenario.channel_answer(names, "send", seen)
        if rule is not None and rule.messages is not None:
            yield from (self._stated(each, known) for each in rule.messages)
            return
        types = _answer_types(known)
        if types:
            yield Coming(self._made(known, types, message).written(message.address))

    def greeting(self, known: KnownChannel) -> Iterator[Coming]:
        """Yield what is sent to who only listens: each message of the channel once."""
        if any(each.action == "receive" for each in _operations(known)):
            return
        for each in known.channel.messages:
            yield Coming(self._made(known, (each,), None).written(known.channel.address or ""))

    def send(self, messages: Iterable[ScenarioMessage]) -> None:
        """Send the messages of a rule about a request over HTTP to those who listen."""
        for each in messages:
            known = next((known for known in self._channels() if each.channel in known.names), None)
            coming = self._stated(each, known)
            for path, listener in list(self.listeners):
                address = _path(coming.message.address)
                if path == address or variables_in(address, path) is not None:
                    listener(coming)

    def http_answer(self, request: HttpRequest) -> HttpResponse | None:
        """Return the answer to a request for a stream of events or to a webhook; None for what is neither."""
        path = urlsplit(request.url).path
        known = self.channel(path, STREAMS)
        if known is None:
            return None
        if request.method == "GET":
            made = [self._made(known, (each,), None).written(path) for each in known.channel.messages]
            return HttpResponse(200, (("Content-Type", EVENT_STREAM),), b"".join(map(_event, made)))
        if request.method in ("POST", "PUT", "PATCH"):
            kind = request.header("content-type")
            sent = ChannelMessage(address=path, payload=request.body or b"", headers=request.headers, content_type=kind)
            for coming in self.answers(known, sent):
                self._tell(path, coming)
            return HttpResponse(202)
        return None

    def _tell(self, path: str, coming: Coming) -> None:
        for listening, listener in list(self.listeners):
            if listening == path:
                listener(coming)

    def _channels(self) -> Iterator[KnownChannel]:
        for description in self.descriptions:
            for key in description.channel_keys:
                channel = description.channel_at(f"/channels/{escaped(key)}")
                if channel is not None:
                    yield KnownChannel(description, channel)

    def _stated(self, stated: ScenarioMessage, known: KnownChannel | None) -> Coming:
        made = Made(None, {})
        address = stated.channel
        if known is not None:
            address = known.channel.address or stated.channel
            if stated.payload is MISSING:
                made = self._made(known, known.channel.messages, None)
        return Coming(with_stated(made, stated.payload, stated.headers).written(address), stated.after)

    def _made(self, known: KnownChannel, types: Sequence[MessageType], request: ChannelMessage | None) -> Made:
        value = None
        if request is not None:
            places = (each.correlation for each in known.channel.messages if each.correlation is not None)
            seen = Correlated(request)
            value = next((text for each in places if (text := seen.text_at(each)) is not None), None)
        return made_message(types, known.description, Asked(), value)


def broker_notes(descriptions: Iterable[tuple[str, AsyncApiDescription]]) -> Iterator[str]:
    """Yield a sentence for each description with channels that only a broker can serve."""
    for name, description in descriptions:
        protocols = {server.protocol for server in description.servers.values()} - WEBSOCKETS - STREAMS
        for protocol in sorted(protocols):
            title = rules_of(protocol).title
            start = _PROGRAMS.get(title)
            hint = "" if start is None else f", such as `{start}`"
            yield f"{name} has channels on {title}, which need a broker{hint}"


_PROGRAMS: Final = {
    "MQTT": "mosquitto -p 1883",
    "NATS": "nats-server",
    "Kafka": "docker run -p 9092:9092 apache/kafka",
    "AMQP": "docker run -p 5672:5672 rabbitmq",
    "Redis": "redis-server",
}


def _operations(known: KnownChannel) -> tuple[MessageOperation, ...]:
    return known.description.operations_on(known.channel)


def _answer_types(known: KnownChannel) -> tuple[MessageType, ...]:
    """Return what may answer a message on a channel: a reply on it, else what the described application sends."""
    for each in _operations(known):
        reply = each.reply
        if reply is not None and (reply.channel is None or reply.channel.pointer == known.channel.pointer):
            return reply.messages or known.channel.messages
    sent = [each.messages for each in _operations(known) if each.action == "send"]
    return sent[0] if sent else ()


def _path(address: str | None) -> str:
    return f"/{(address or '').lstrip('/')}".partition("?")[0]


def _event(message: ChannelMessage) -> bytes:
    body, _ = decode_body(message.payload, message.content_type)
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return "".join(f"data: {line}\n" for line in text.splitlines() or [""]).encode() + b"\n"
