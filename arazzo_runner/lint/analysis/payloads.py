"""Payloads of requests and messages checked against the descriptions, once for all rules about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from arazzo_runner.base.json_values import MISSING, JsonValue, escaped, member, pointer_tokens, resolve_pointer
from arazzo_runner.base.records import Record, replace
from arazzo_runner.errors import Location, did_you_mean
from arazzo_runner.lint.analysis.message_types import payload_types
from arazzo_runner.lint.analysis.partial import Computed, json_text, mismatches
from arazzo_runner.lint.analysis.response_types import ResponseTypes
from arazzo_runner.lint.analysis.schema_types import Found, Lost, SchemaType, SchemaTypes, expanded, lookup
from arazzo_runner.program.message_links import filled_by_inbox
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledBody,
    CompiledStep,
    CompiledWorkflow,
    Literal,
    MessageCall,
    ObjectValue,
    OperationCall,
    TemplateValue,
    Value,
)
from arazzo_runner.sources.http_media.files import described_by, is_file, without_files
from arazzo_runner.sources.http_media.media_types import MULTIPART, best_match, essence, is_form, is_json
from arazzo_runner.sources.operation import MediaType
from arazzo_runner.sources.schema.context import Direction
from arazzo_runner.sources.schema.mismatch import SchemaError

NEAR: Final = 0.75
MAX_DEPTH: Final = 40


class PayloadMismatch(Record):
    """One mismatch of a payload: `keyword` is that of a SchemaError, or `near` for a misspelt member.

    `of` is what the payload is of, in words: the request body, or the message.
    """

    step: CompiledStep
    keyword: str
    message: str
    at: Location
    name: str = ""
    hint: str | None = None
    of: str = "request body"


def payload_mismatches(
    workflow: CompiledWorkflow, step: CompiledStep, call: OperationCall | MessageCall, response_types: ResponseTypes
) -> Iterator[PayloadMismatch]:
    """Yield how the body of a step does not fit the schema of its media type, or those of its messages.

    Of several messages it needs to fit one; else it is compared with the one that it fits best.
    """
    sent = _sent(workflow, step, call, response_types)
    if sent is None or step.body is None:
        return
    value, alternatives, is_text = sent
    direction: Direction | None = "request" if isinstance(call, OperationCall) else None
    compared = [(_mismatches(value, each, direction), each) for each in alternatives]
    errors, schema_type = min(compared, key=lambda each: (len(each[0]), sum(map(_is_of_names, each[0]))))
    if len(alternatives) > 1 and not errors:
        return
    for each in _reported(step, step.body, value, schema_type, errors, is_text=is_text):
        yield each if isinstance(call, OperationCall) else replace(each, of="message")


def _reported(
    step: CompiledStep,
    body: CompiledBody,
    value: JsonValue,
    schema_type: SchemaType,
    errors: Iterable[SchemaError],
    *,
    is_text: bool,
) -> Iterator[PayloadMismatch]:
    at = body.at.child("payload")
    for error in errors:
        name, hint, place = "", None, at if is_text else _inside(at, error.pointer)
        if error.asks_for_text and is_file(resolve_pointer(value, error.pointer), is_expected=True):
            hint = "a file is described by format: binary or contentMediaType; else give it a filename too"
        if error.keyword == "required":
            name = error.message.partition(' lacks "')[2].partition('"')[0]
        if error.keyword == "additionalProperties":
            name = _refused_name(error)
            found = lookup((schema_type,), (*pointer_tokens(error.pointer), name))
            hint = did_you_mean(name, found.names) if isinstance(found, Lost) else None
            place = place if is_text else place.child(name).at_key()
        message = error.message.replace("the value ", "the payload ", 1) if not error.pointer else error.message
        yield PayloadMismatch(step, error.keyword, message, place, name, hint)
    for pointer, name, near in _near_names(value, schema_type):
        message, hint = f'"{name}" is not a member that the schema names', f'did you mean "{near}"?'
        place = at if is_text else _inside(at, f"{pointer}/{escaped(name)}").at_key()
        yield PayloadMismatch(step, "near", message, place, name, hint)


def _mismatches(value: JsonValue, schema_type: SchemaType, direction: Direction | None) -> list[SchemaError]:
    found = mismatches(value, schema_type, direction=direction)
    return [each for each in found if not _is_composition_noise(each, value, schema_type)]


def _is_of_names(error: SchemaError) -> bool:
    """Return whether the members are others than the schema's: another message is likely to be meant."""
    return error.keyword in ("required", "additionalProperties")


def _described(step: CompiledStep, call: OperationCall | MessageCall) -> tuple[SchemaTypes, MediaType | None]:
    """Return the schemas of which the body has to fit one, and its media type if it is that of a request."""
    if isinstance(call, MessageCall):
        return (payload_types(call) or () if call.action == "send" else ()), None
    described, body = call.operation.request_body, step.body
    media = None if described is None or body is None else best_match(described.content, body.content_type)
    if media is None or media.schema is None:
        return (), None
    return (SchemaType(media.schema, media.base, call.operation.schemas),), media


def _sent(
    workflow: CompiledWorkflow, step: CompiledStep, call: OperationCall | MessageCall, response_types: ResponseTypes
) -> tuple[JsonValue, SchemaTypes, bool] | None:
    """Return (value, its schemas, whether the payload is JSON text), None when there is nothing to check."""
    body = step.body
    alternatives, media = _described(step, call)
    if body is None or body.payload is None or not alternatives:
        return None
    is_text = is_json(body.content_type) and _is_text(body.payload)
    if is_text:
        value = json_text(body.payload)
    elif is_json(body.content_type):
        value = response_types.partial(body.payload, workflow, step)
    elif is_form(body.content_type):
        value = _form_value(body.payload)
    else:
        return None
    value = _with_inbox(_with_replacements(value, body), workflow, call)
    in_parts = essence(body.content_type) == MULTIPART
    value, _ = without_files(value, described_by(media), Computed(""), in_parts=in_parts)
    return None if value is MISSING or isinstance(value, Computed) else (value, alternatives, is_text)


def _with_inbox(value: JsonValue, workflow: CompiledWorkflow, call: OperationCall | MessageCall) -> JsonValue:
    """Return a payload with the address for replies that a run adds to it."""
    place = filled_by_inbox(workflow.arms, workflow.steps, call) if isinstance(call, MessageCall) else None
    if place is None or place.part != "payload":
        return value
    from arazzo_runner.engine.message_places import with_member  # lazily: few documents have messages

    return with_member(value, place.pointer, Computed(""))


def _is_text(payload: Value) -> bool:
    return isinstance(payload, TemplateValue) or (isinstance(payload, Literal) and isinstance(payload.value, str))


def _form_value(payload: Value, *, is_member: bool = False) -> JsonValue:
    """Return the structure of a form; its texts and numbers are computed: they are sent as text."""
    if isinstance(payload, Literal):
        return _structure(payload.value, is_member=is_member)
    if isinstance(payload, ObjectValue) and all(isinstance(name, str) for name, _ in payload.members):
        return {str(name): _form_value(item, is_member=True) for name, item in payload.members}
    if isinstance(payload, ArrayValue) and is_member:
        return [_form_value(item, is_member=True) for item in payload.items]
    return Computed("")


def _structure(value: JsonValue, *, is_member: bool) -> JsonValue:
    if isinstance(value, dict):
        return {name: _structure(item, is_member=True) for name, item in value.items()}
    if isinstance(value, list) and is_member:
        return [_structure(item, is_member=True) for item in value]
    return Computed("")


def _with_replacements(value: JsonValue, body: CompiledBody) -> JsonValue:
    """Return the value with a Computed at each replacement; MISSING if a target is not a JSON Pointer."""
    for replacement in body.replacements:
        if replacement.target.kind != "jsonpointer":
            return MISSING
        value = _replaced(value, list(pointer_tokens(replacement.target.text)))
    return value


def _replaced(value: JsonValue, tokens: list[str]) -> JsonValue:
    if not tokens or isinstance(value, Computed):
        return Computed("")
    first, rest = tokens[0], tokens[1:]
    if isinstance(value, dict):
        return {**value, first: _replaced(value.get(first, Computed("")), rest)}
    if isinstance(value, list) and member(value, first) is not MISSING:
        return [_replaced(item, rest) if index == int(first) else item for index, item in enumerate(value)]
    return value


def _inside(at: Location, pointer: str) -> Location:
    for token in pointer_tokens(pointer):
        at = at.child(token)
    return at


# ------------------------------------------------------------------ composition noise


def _is_composition_noise(error: SchemaError, value: JsonValue, schema_type: SchemaType) -> bool:
    """Return whether a mismatch is caused by how the description is composed.

    A part of an allOf that forbids, or restricts, all other members means its own members; and
    readOnly is ignored in a schema in which every member is readOnly.
    """
    tokens = pointer_tokens(error.pointer)
    if error.keyword == "additionalProperties":
        return isinstance(lookup((schema_type,), (*tokens, _refused_name(error))), Found)
    found = lookup((schema_type,), tokens)
    if not tokens or isinstance(found, Lost) or found.alternatives is None:
        return False
    if error.keyword == "readOnly":
        above = lookup((schema_type,), tokens[:-1])
        return isinstance(above, Found) and _is_all_read_only(above.alternatives or ())
    part = resolve_pointer(value, error.pointer)
    return any(not mismatches(part, each, direction="request") for each in found.alternatives)


def _refused_name(error: SchemaError) -> str:
    """Return the member that `additionalProperties: false` does not allow."""
    return error.message.rpartition(' must not have "')[2][:-1]


def _is_all_read_only(alternatives: Iterable[SchemaType]) -> bool:
    parts = [
        part.schema for schema_type in alternatives for part in expanded(schema_type) if isinstance(part.schema, dict)
    ]
    members = [each for schema in parts for each in _properties(schema)]
    return bool(members) and all(isinstance(each, dict) and each.get("readOnly") is True for each in members)


def _properties(schema: dict[str, JsonValue]) -> Iterable[JsonValue]:
    properties = schema.get("properties")
    return properties.values() if isinstance(properties, dict) else ()


# ------------------------------------------------------------------ names


def _near_names(value: JsonValue, schema_type: SchemaType) -> Iterator[tuple[str, str, str]]:
    """Yield (pointer, name, declared name) of misspelt members, if the declared one is not given."""
    waiting: list[tuple[JsonValue, tuple[SchemaType, ...], str]] = [(value, (schema_type,), "")]
    while waiting:
        part, alternatives, pointer = waiting.pop()
        items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        for key, item in items:
            found = lookup(alternatives, (str(key),))
            if isinstance(found, Lost):
                left = [name for name in found.names if name not in part]
                near = _near(str(key), left) if found.kind == "undeclared" else []
                yield from ((pointer, str(key), name) for name in near)
            elif found.alternatives is not None and pointer.count("/") < MAX_DEPTH:
                waiting.append((item, found.alternatives, f"{pointer}/{escaped(str(key))}"))


def _near(name: str, known: Iterable[str]) -> list[str]:
    from difflib import get_close_matches  # lazily: only undeclared members need it

    return get_close_matches(name, list(known), n=1, cutoff=NEAR)
