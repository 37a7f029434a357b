"""Messages against their description: those that are sent and those that come, payload and headers (semantics §9).

A channel may have several types of messages: one of them must fit, and where none does the closest is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.engine.checks import once
from arazzo_runner.engine.inputs import coerce_text
from arazzo_runner.engine.mismatches import UNKNOWN_FORMAT, WRONG_FORMAT, grouped, summarised
from arazzo_runner.engine.options import CheckOptions, Level
from arazzo_runner.engine.request_checks import place_of
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.expressions.scope import Message
from arazzo_runner.program.model import CompiledStep, MessageCall
from arazzo_runner.sources.channel import MessageType
from arazzo_runner.sources.http_media.media import essence, is_json
from arazzo_runner.sources.references import ReferenceFailure
from arazzo_runner.sources.schema.check import SchemaCheck, checked, unknown_formats
from arazzo_runner.sources.schema.context import SchemaContext

_SEVERITIES: Final[Mapping[Level, Severity]] = {"warn": Severity.WARNING, "error": Severity.ERROR}
_PAYLOAD: Final = "message-schema"
_HEADER: Final = "message-header"
_TYPE: Final = "undocumented-content-type"
_MEMBER: Final = "undocumented-member"
_STREAM: Final = "text/event-stream"
"""Says of a channel that it is a stream of events; it is not the type of their data."""


class _Finding(Record):
    """A mismatch: its code, a sentence, and the JSON Pointer in the payload that it is about, None for no part."""

    code: str
    message: str
    pointer: str | None = None
    is_note: bool = False


def check_sent(
    step: CompiledStep, call: MessageCall, message: Message, content_type: str | None, options: CheckOptions,
    reported: set[str],
) -> tuple[Diagnostic, ...]:  # fmt: skip
    """Return what is wrong with a message to be sent; with an error among it, it must not be sent.

    `reported` are the formats that the run has called unknown; new ones are added.
    """
    levels = {WRONG_FORMAT: options.formats, _MEMBER: "off"}
    found = _findings(call, message, content_type, options) if options.requests != "off" else []
    diagnostics = _diagnostics(found, levels, options.requests, lambda each: _place(step, each))
    return tuple(sorted(once(diagnostics, reported), key=lambda each: each.severity is not Severity.ERROR))


def check_received(
    step: CompiledStep, call: MessageCall, message: Message, content_type: str | None, options: CheckOptions,
    reported: set[str],
) -> tuple[Diagnostic, ...]:  # fmt: skip
    """Return what is wrong with a message that came; `reported` as in check_sent."""
    levels = {
        _PAYLOAD: options.schema, _HEADER: options.headers, _TYPE: options.content_type,
        WRONG_FORMAT: options.formats, _MEMBER: options.undocumented,
    }  # fmt: skip
    if all(level == "off" for level in levels.values()):
        return ()
    found = _findings(call, message, content_type, options)
    return tuple(once(_diagnostics(found, levels, "off", lambda each: step.at), reported))


def _place(step: CompiledStep, finding: _Finding) -> Location:
    return step.at if finding.pointer is None else place_of(step, finding.pointer)


def _diagnostics(
    found: list[_Finding], levels: Mapping[str, Level], otherwise: Level, place: Any
) -> Iterator[Diagnostic]:
    for each in found:
        level = levels.get(each.code, otherwise)
        if each.is_note:
            yield Diagnostic(code=each.code, severity=Severity.INFO, message=each.message, at=place(each))
        elif level != "off":
            severity = _SEVERITIES[level]
            yield Diagnostic(code=each.code, severity=severity, message=each.message, at=place(each))


# ------------------------------------------------------------------ types of messages


def _findings(call: MessageCall, message: Message, content_type: str | None, options: CheckOptions) -> list[_Finding]:
    """Return the mismatches with the type that fits best."""
    closest: list[_Finding] | None = None
    name = ""
    for kind in call.messages:
        found = list(_of_type(kind, call, message, content_type, options))
        wrong = [each for each in found if not each.is_note]
        if not wrong:
            return found
        if closest is None or len(wrong) < len([each for each in closest if not each.is_note]):
            closest, name = found, kind.name
    if closest is None or len(call.messages) == 1:
        return closest or []
    which = f" (none of {len(call.messages)} types of messages fits; {name} is the closest)"
    return [_Finding(each.code, f"{each.message}{which}", each.pointer, each.is_note) for each in closest]


def _of_type(
    kind: MessageType, call: MessageCall, message: Message, content_type: str | None, options: CheckOptions
) -> Iterator[_Finding]:
    context = call.description.schemas
    formats = options.formats != "off"
    documented = None if kind.content_type is None else essence(kind.content_type)
    if documented not in (None, _STREAM) and content_type and essence(content_type) != documented:
        text = f"the message is {essence(content_type)}, documented is {documented}"
        yield _Finding(_TYPE, text)
    elif kind.schema_format is None and kind.payload is not None and not _is_text(message.body, content_type):
        yield from _payload(kind, context, message.body, formats=formats, undocumented=options.undocumented != "off")
    if kind.headers is not None:
        check = checked(_headers(kind, context, message), kind.headers, context, base=kind.base, formats=formats)
        yield from _mismatches(_HEADER, "the headers of the message", check)


def _is_text(body: JsonValue, content_type: str | None) -> bool:
    """Return whether a payload is the text of another type than JSON, such as XML, which no schema is about."""
    return isinstance(body, str) and content_type is not None and not is_json(content_type)


def _payload(
    kind: MessageType, context: SchemaContext, body: JsonValue, *, formats: bool, undocumented: bool
) -> Iterator[_Finding]:
    if body is MISSING:
        if kind.payload not in (True, {}):
            yield _Finding(_PAYLOAD, "the message has no payload, and one is described")
        return
    check = checked(body, kind.payload, context, base=kind.base, formats=formats)
    yield from _mismatches(_PAYLOAD, "the payload", check, has_place=True)
    if undocumented and not check.errors:
        from arazzo_runner.sources.schema.check import undocumented_members  # lazily: only asked for

        for sentence in summarised(undocumented_members(body, kind.payload, context, kind.base)):
            yield _Finding(_MEMBER, f"the payload has more: {sentence}")


def _mismatches(code: str, what: str, check: SchemaCheck, *, has_place: bool = False) -> Iterator[_Finding]:
    if check.is_about_schema:
        yield _Finding(code, f"{what} was not checked: {check.errors[0].message}", is_note=True)
        return
    for each, errors in ((code, check.errors), (WRONG_FORMAT, check.formats)):
        for sentence, error in grouped(errors):
            yield _Finding(each, f"{what} does not fit: {sentence}", error.pointer if has_place else None)
    for sentence in unknown_formats(check):
        yield _Finding(UNKNOWN_FORMAT, sentence, is_note=True)


def _headers(kind: MessageType, context: SchemaContext, message: Message) -> dict[str, JsonValue]:
    """Return the headers as the schema sees them: with its names and types, since messages carry text.

    Brokers add headers of their own, so those that a closed schema does not name are left out.
    """
    schema: Any = kind.headers
    base = kind.base
    try:
        while isinstance(schema, dict) and "$ref" in schema and context.resolve is not None:
            schema, base = context.resolve(schema, base)
    except ReferenceFailure:
        schema = None
    properties = schema.get("properties") if isinstance(schema, dict) else None
    is_closed = isinstance(schema, dict) and schema.get("additionalProperties") is False
    named = properties if isinstance(properties, dict) else {}
    found: dict[str, JsonValue] = {}
    for name in dict.fromkeys(name for name, _ in message.headers):
        known = next((each for each in named if each.lower() == name.lower()), None)
        text = message.header(name)
        if known is not None and isinstance(text, str):
            found[known] = coerce_text(text, _resolved(named[known], base, context))
        elif not is_closed:
            found[name] = text
    return found


def _resolved(schema: JsonValue, base: str, context: SchemaContext) -> JsonValue:
    if isinstance(schema, dict) and "$ref" in schema and context.resolve is not None:
        try:
            return context.resolve(schema, base)[0]
        except ReferenceFailure:
            return None
    return schema
