"""CompiledStep + Scope → ChannelMessage: address, headers, key, payload (semantics §9)."""

from __future__ import annotations

from collections.abc import Mapping

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing, to_text
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.engine.absent import missing_value
from arazzo_runner.engine.body import UnusableBody, build_body
from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.files import named_files
from arazzo_runner.engine.message_address import address_of, header_pairs, values_of
from arazzo_runner.engine.message_places import with_member
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.engine.resolve import CannotBuild, Unresolved, expression_text, resolve
from arazzo_runner.engine.state import Run
from arazzo_runner.errors import Diagnostic
from arazzo_runner.expressions.scope import Message, Scope
from arazzo_runner.program.model import CompiledStep, MessageCall
from arazzo_runner.sources.channel import Place
from arazzo_runner.sources.protocols import has_headers, rules_of


class BuiltMessage(Record):
    """A message, and what expressions refer to as `$message`; `notes` say what was left out."""

    message: ChannelMessage
    seen: Message
    notes: tuple[Diagnostic, ...] = ()


class _Parts(MutableRecord):
    """What a message is made of: its headers, what is added to its payload, and what its protocol has besides."""

    headers: dict[str, JsonValue]
    added: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    native: dict[str, JsonValue] = field(default_factory=dict)

    def put(self, place: Place, text: str) -> None:
        """Write a text to a place, unless the step does."""
        if place.part == "payload":
            self.added.append((place.pointer, text))
        elif len(place.pointer) == 1 and not self.has_header(place.pointer[0]):
            self.headers[place.pointer[0]] = text

    def has_header(self, name: str) -> bool:
        """Return whether the step gives a header."""
        return name.lower() in (each.lower() for each in self.headers)

    def amended(self, payload: JsonValue) -> JsonValue:
        """Return the payload with what is added to it."""
        for pointer, text in self.added:
            payload = with_member(payload, pointer, text)
        return payload


async def build_message(
    step: CompiledStep, call: MessageCall, scope: Scope, run: Run, key: str, replies_to: str | Missing
) -> BuiltMessage:
    """Return the message that a step sends; raises CannotBuild when a value is missing or cannot be sent.

    Files that the payload names are read through the run's World; `key` is the effect key of the message.
    `replies_to` is the address made for replies, MISSING for none.
    """
    refused = values_of(step, scope, "cookie", own_only=True)
    if refused:
        text = f'a message has no cookies, and the step has "{next(iter(refused))}"'
        raise CannotBuild.because("unusable-value", text, step.at, "write in: header")
    notes: list[Diagnostic] = []
    parts = _Parts(values_of(step, scope, "header", notes, own_only=not _has_headers(call)))
    if call.reply is not None and call.reply.address is not None and not isinstance(replies_to, Missing):
        parts.put(call.reply.address, replies_to)
        parts.native["reply_to"] = replies_to
    headers, typed = _headers(parts.headers, step, call)
    if typed:
        parts.native["headers"] = typed
    body, payload, content_type = await _payload(step, scope, run, key, parts)
    seen = Message(headers=headers, body=body)
    message = ChannelMessage(
        address=address_of(step, call, scope, seen),
        payload=payload or b"",
        headers=headers,
        content_type=content_type,
        key=_key(step, call, scope),
        native=parts.native,
    )
    return BuiltMessage(message, seen, tuple(notes))


def _headers(
    values: Mapping[str, JsonValue], step: CompiledStep, call: MessageCall
) -> tuple[Headers, dict[str, JsonValue]]:
    """Return the headers as text, and for AMQP those that are no text; raises CannotBuild for what cannot be sent."""
    if values and not _has_headers(call):
        title = rules_of(call.protocol).title
        message = f'messages of {title} have no headers, and the step has "{next(iter(values))}"'
        raise CannotBuild.because("unusable-value", message, step.at, "write it into the payload")
    pairs = header_pairs(values, step)
    is_amqp = call.protocol in ("amqp", "amqps")
    return pairs, {name: value for name, value in values.items() if is_amqp and isinstance(value, (bool, int, float))}


def _has_headers(call: MessageCall) -> bool:
    version = None if call.server is None else call.server.protocol_version
    return has_headers(call.protocol, version, call.channel.bindings)


async def _payload(
    step: CompiledStep, scope: Scope, run: Run, key: str, parts: _Parts
) -> tuple[JsonValue, bytes | None, str | None]:
    if step.body is None:
        return MISSING, None, None
    try:
        files = named_files(run, step.body, scope)
        amended = parts.amended if parts.added else None
        return await build_body(step.body, None, scope, key, files, amended=amended)
    except UnusableBody as problem:
        raise CannotBuild.because(problem.code, problem.message, problem.at, problem.hint) from None
    except Unresolved as missing:
        raise missing_value(missing.expression, missing.value, scope, "the payload", step.body.at) from None


def _key(step: CompiledStep, call: MessageCall, scope: Scope) -> bytes | None:
    """Return the key of a message of Kafka: of the step, else the one that the description fixes."""
    if step.body is None or step.body.key is None:
        return _described_key(call)
    try:
        value = resolve(step.body.key, scope)
    except Unresolved as missing:
        raise missing_value(missing.expression, missing.value, scope, "x-kafka-key", step.body.at) from None
    if value is MISSING:
        raise missing_value(expression_text(step.body.key), step.body.key, scope, "x-kafka-key", step.body.at)
    try:
        return None if value is None else to_text(value).encode()
    except UnicodeEncodeError:
        raise CannotBuild.because("unusable-value", "x-kafka-key is no text of Unicode", step.at) from None


def _described_key(call: MessageCall) -> bytes | None:
    if rules_of(call.protocol).title != "Kafka":
        return None
    for message in call.messages:
        binding = message.bindings.get("kafka")
        key = binding.get("key") if isinstance(binding, dict) else None
        for name in ("const", "default"):
            if isinstance(key, dict) and key.get(name) is not None:
                return to_text(key[name]).encode("utf-8", "replace")
    return None
