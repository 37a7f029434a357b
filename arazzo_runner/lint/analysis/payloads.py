"""The bodies that steps send, checked against the descriptions: done once, told by several rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from arazzo_runner.base.json_values import MISSING, JsonValue, escaped, member, pointer_tokens
from arazzo_runner.base.records import Record
from arazzo_runner.errors import Location, did_you_mean
from arazzo_runner.lint.analysis.composition_noise import is_doubtful, refused_name
from arazzo_runner.lint.analysis.partial import Computed, json_text, misfits
from arazzo_runner.lint.analysis.response_types import Forecast
from arazzo_runner.lint.analysis.schema_types import Lost, Shape, lookup
from arazzo_runner.program.model import (
    CompiledBody,
    CompiledStep,
    CompiledWorkflow,
    Literal,
    ObjectValue,
    OperationCall,
    TemplateValue,
    Value,
)
from arazzo_runner.sources.http_media.media_types import best_match, is_form, is_json

NEAR: Final = 0.75
MAX_DEPTH: Final = 40


class PayloadMisfit(Record):
    """One misfit of a payload: `keyword` as of a SchemaError, or `near` for a name that is nearly a declared one."""

    step: CompiledStep
    keyword: str
    message: str
    at: Location
    name: str = ""
    hint: str | None = None


def payload_misfits(workflow: CompiledWorkflow, step: CompiledStep, forecast: Forecast) -> Iterator[PayloadMisfit]:
    """Yield how the body of a step does not fit the schema of its media type."""
    sent = _sent(workflow, step, forecast)
    if sent is None or step.body is None:
        return
    value, shape, is_text = sent
    at = step.body.at.child("payload")
    for error in misfits(value, shape, direction="request"):
        if is_doubtful(error, value, shape):
            continue
        name, hint, place = "", None, at if is_text else _inside(at, error.pointer)
        if error.keyword == "required":
            name = error.message.partition(' lacks "')[2].partition('"')[0]
        if error.keyword == "additionalProperties":
            name = refused_name(error)
            found = lookup((shape,), (*pointer_tokens(error.pointer), name))
            hint = did_you_mean(name, found.names) if isinstance(found, Lost) else None
            place = place if is_text else place.child(name).at_key()
        message = error.message.replace("the value ", "the payload ", 1) if not error.pointer else error.message
        yield PayloadMisfit(step, error.keyword, message, place, name, hint)
    for pointer, name, near in _near_names(value, shape):
        message, hint = f'"{name}" is not a member that the schema names', f'did you mean "{near}"?'
        place = at if is_text else _inside(at, f"{pointer}/{escaped(name)}").at_key()
        yield PayloadMisfit(step, "near", message, place, name, hint)


def _sent(workflow: CompiledWorkflow, step: CompiledStep, forecast: Forecast) -> tuple[JsonValue, Shape, bool] | None:
    """Return (value, its schema, whether the payload is JSON text), None when there is nothing to check."""
    body, call = step.body, step.call
    if not isinstance(call, OperationCall) or call.operation.request_body is None:
        return None
    if body is None or body.payload is None:
        return None
    media = best_match(call.operation.request_body.content, body.content_type)
    if media is None or media.schema is None:
        return None
    shape = Shape(media.schema, media.base, call.operation.schemas)
    is_text = is_json(body.content_type) and _is_text(body.payload)
    if is_text:
        value = json_text(body.payload)
    elif is_json(body.content_type):
        value = forecast.partial(body.payload, workflow, step)
    elif is_form(body.content_type):
        value = _form_value(body.payload)  # all its members are sent as text: their types are not judged
    else:
        return None
    value = _with_replacements(value, body)
    return None if value is MISSING or isinstance(value, Computed) else (value, shape, is_text)


def _is_text(payload: Value) -> bool:
    return isinstance(payload, TemplateValue) or (isinstance(payload, Literal) and isinstance(payload.value, str))


def _form_value(payload: Value) -> JsonValue:
    if isinstance(payload, Literal) and isinstance(payload.value, dict):
        return {name: Computed("") for name in payload.value}
    if isinstance(payload, ObjectValue) and all(isinstance(name, str) for name, _ in payload.members):
        return {str(name): Computed("") for name, _ in payload.members}
    return Computed("")


def _with_replacements(value: JsonValue, body: CompiledBody) -> JsonValue:
    """Return the value with what is replaced as Computed; MISSING when the targets are no plain pointers."""
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


# ------------------------------------------------------------------ names


def _near_names(value: JsonValue, shape: Shape) -> Iterator[tuple[str, str, str]]:
    """Yield (pointer, name, declared name) of members that more or less misspell one which is not given."""
    waiting: list[tuple[JsonValue, tuple[Shape, ...], str]] = [(value, (shape,), "")]
    while waiting:
        part, shapes, pointer = waiting.pop()
        items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        for key, item in items:
            found = lookup(shapes, (str(key),))
            if isinstance(found, Lost):
                left = [name for name in found.names if name not in part]
                near = _near(str(key), left) if found.kind == "undeclared" else []
                yield from ((pointer, str(key), name) for name in near)
            elif found.shapes is not None and pointer.count("/") < MAX_DEPTH:
                waiting.append((item, found.shapes, f"{pointer}/{escaped(str(key))}"))


def _near(name: str, known: Iterable[str]) -> list[str]:
    from difflib import get_close_matches  # lazily: only doubtful payloads need it

    return get_close_matches(name, list(known), n=1, cutoff=NEAR)
