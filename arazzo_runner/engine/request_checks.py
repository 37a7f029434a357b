"""A request before it is sent: required parameters, their values, the body, against the OpenAPI description."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from arazzo_runner.base.json_values import MISSING, JsonValue, resolve_pointer, to_text
from arazzo_runner.base.records import replace
from arazzo_runner.engine.mismatches import (
    NOTHING,
    UNKNOWN_FORMAT,
    WRONG_FORMAT,
    fitting,
    grouped,
    summarised,
    without_texts_of,
)
from arazzo_runner.engine.request import BuiltRequest
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.program.model import CompiledStep
from arazzo_runner.sources.http_media.files import described_by, is_file, without_files
from arazzo_runner.sources.http_media.media import best_match, essence, is_form, is_json, is_xml
from arazzo_runner.sources.http_media.media_types import MULTIPART, covers
from arazzo_runner.sources.operation import MediaType, Operation, OperationParameter
from arazzo_runner.sources.schema.check import SchemaCheck, SchemaError, checked, unknown_formats


def request_findings(
    step: CompiledStep, operation: Operation, built: BuiltRequest, *, formats: bool = True
) -> Iterator[Diagnostic]:
    """Yield the mismatches as warnings; the values are checked as they were before they became text."""
    yield from _missing(step, operation, built)
    for parameter, value in built.parameters:
        if parameter.declared is not None:
            check = parameter_check(value, parameter.declared, operation, formats=formats)
            yield from _mismatches(f'{parameter.location} parameter "{parameter.name}"', check, parameter.at)
    yield from _request_body(step, operation, built, formats=formats)


def _mismatches(what: str, check: SchemaCheck, at: Location) -> Iterator[Diagnostic]:
    for sentence in summarised(check.errors):
        yield _finding("request-schema", f"{what} does not fit: {sentence}", at)
    for sentence in summarised(check.formats):
        yield _finding(WRONG_FORMAT, f"{what} does not fit: {sentence}", at)
    yield from _unknown(check, at)


def _unknown(check: SchemaCheck, at: Location) -> Iterator[Diagnostic]:
    for sentence in unknown_formats(check):
        yield replace(_finding(UNKNOWN_FORMAT, sentence, at), severity=Severity.INFO)


def _finding(code: str, message: str, at: Location, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.WARNING, message=message, at=at, hint=hint)


# ------------------------------------------------------------------ parameters


def _missing(step: CompiledStep, operation: Operation, built: BuiltRequest) -> Iterator[Diagnostic]:
    """Yield a warning per required parameter that neither the request nor a credential has."""
    given = {(parameter.location, parameter.name.lower()) for parameter, _ in built.parameters}
    for declared in operation.parameters:
        if not declared.required or (declared.location, declared.name.lower()) in given:
            continue
        if not _is_there(declared, built) and not operation.is_credential(declared):
            message = (
                f'{operation.method} {operation.path} requires the {declared.location} parameter "{declared.name}"'
            )
            hint = f"add it to parameters: - name: {declared.name}, in: {declared.location}, value: …"
            yield _finding("missing-parameter", message, step.at, hint)


def _is_there(declared: OperationParameter, built: BuiltRequest) -> bool:
    """Return whether a parameter is in the request though the step does not set it.

    It may be a header of the engine, a cookie of the run, or part of a whole query string.
    """
    if declared.location == "header":
        return built.request.header(declared.name) is not None
    if declared.location == "cookie":
        cookies = built.request.header("Cookie") or ""
        return any(pair.partition("=")[0] == declared.name for pair in cookies.split("; "))
    query = urlsplit(built.request.url).query
    if declared.location == "querystring":
        return bool(query)
    if declared.location == "path":
        return True  # without it there would be no URL
    names = [name for name, _ in parse_qsl(query, True)]
    return declared.name in names or (declared.explodes_members and bool(names) and _is_mapping(declared))


def _is_mapping(declared: OperationParameter) -> bool:
    # An empty mapping, or one whose members have other names, looks like no parameter.
    schema = declared.schema
    return isinstance(schema, dict) and ("$ref" in schema or schema.get("type") == "object" or "properties" in schema)


def parameter_check(
    value: JsonValue, declared: OperationParameter, operation: Operation, *, formats: bool = True
) -> SchemaCheck:
    """Return what is wrong with a parameter's value.

    A parameter is sent as text: `5` and `"5"` are the same to the server. So a value fits when it
    does with its scalars as they are, as texts, or as the JSON values of their texts.
    """
    schema, base = declared.schema, declared.base
    if declared.content is not None:
        if not is_json(declared.content.content_type) or isinstance(value, str):
            return NOTHING
        schema, base = declared.content.schema, declared.content.base

    def check(each: JsonValue) -> SchemaCheck:
        return checked(each, schema, operation.schemas, base=base, direction="request", formats=formats)

    return fitting((made(value) for made in (_as_it_is, _as_text, _as_json)), check)


def _as_it_is(value: JsonValue) -> JsonValue:
    return value


def _as_text(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _as_text(item) for name, item in value.items()}
    return [_as_text(item) for item in value] if isinstance(value, list) else to_text(value)


def _as_json(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _as_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if not isinstance(value, str) or len(value) > 40:
        return value
    try:
        parsed = json.loads(value)
    except ValueError:
        return value
    return value if isinstance(parsed, (dict, list)) else parsed


# ------------------------------------------------------------------ body


def _request_body(
    step: CompiledStep, operation: Operation, built: BuiltRequest, *, formats: bool
) -> Iterator[Diagnostic]:
    body = operation.request_body
    at = step.at if step.body is None else step.body.at
    called = f"{operation.method} {operation.path}"
    if built.request.body is None:
        if body is not None and body.required:
            yield _finding("missing-body", f"{called} requires a request body", at, "add a requestBody to the step")
        return
    if body is None or not body.content:
        return
    content_type = built.request.header("Content-Type")
    media_type = best_match(body.content, content_type)
    if media_type is None:
        message = f"{called} takes {_listed(body.content)}, not {essence(content_type) or 'a body without type'}"
        yield _finding("request-content-type", message, at, "set the contentType of the requestBody")
        return
    check = body_check(built.message.body, content_type, media_type, operation, formats=formats)
    yield from _body_mismatches(step, check, built.message.body)
    yield from _part_types(built, content_type, media_type, at)


def _body_mismatches(step: CompiledStep, check: SchemaCheck, body: JsonValue) -> Iterator[Diagnostic]:
    """Yield the mismatches of a body, each at the member of the payload, or the replacement, that it is about."""
    for code, errors in (("request-schema", check.errors), (WRONG_FORMAT, check.formats)):
        for sentence, error in grouped(errors):
            hint = None
            if error.asks_for_text and is_file(resolve_pointer(body, error.pointer), is_expected=True):
                hint = "a file is described by format: binary or contentMediaType; else give it a filename too"
            yield _finding(code, f"the request body does not fit: {sentence}", place_of(step, error.pointer), hint)
    yield from _unknown(check, place_of(step, ""))


def place_of(step: CompiledStep, pointer: str) -> Location:
    """Return where a step writes what is at a JSON Pointer in its body, or what is around it."""
    if step.body is None:
        return step.at
    for replacement in reversed(step.body.replacements):
        target = replacement.target
        if target.kind == "jsonpointer" and f"{pointer}/".startswith(f"{target.text}/"):
            return replacement.at.child("value")
    at = step.body.at.child("payload")
    return Location(at.uri, f"{at.pointer}{pointer}", at.positions)


def _part_types(
    built: BuiltRequest, content_type: str | None, media_type: MediaType, at: Location
) -> Iterator[Diagnostic]:
    """Yield a warning per part whose content type is none of those of its Encoding Object."""
    if essence(content_type) != MULTIPART or not any("contentType" in each for each in media_type.encoding.values()):
        return
    from arazzo_runner.sources.http_media.parts import read_parts  # lazily: few bodies are multipart

    for part in read_parts(built.request.body or b"", content_type) or ():
        taken = media_type.encoding.get(part.name, {}).get("contentType")
        types = [each.strip() for each in taken.split(",")] if isinstance(taken, str) else []
        if part.content_type and types and not any(covers(each, part.content_type) for each in types):
            message = f'the part "{part.name}" is {part.content_type}, the description takes {", ".join(types)}'
            hint = "send a file of that type, or give its contentType"
            yield _finding("request-content-type", message, at.child("payload").child(part.name), hint)


def _listed(content: Mapping[str, MediaType]) -> str:
    names = list(content)
    return names[0] if len(names) == 1 else f"{', '.join(names[:6])}"


def body_check(
    value: JsonValue,
    content_type: str | None,
    media_type: MediaType,
    operation: Operation,
    *,
    formats: bool = True,
) -> SchemaCheck:
    """Return what is wrong with a body's value; in a form or XML, whose members are text, types are not checked."""
    is_textual = is_form(content_type) or is_xml(content_type)
    if value is MISSING or not (is_json(content_type) or (is_textual and isinstance(value, dict))):
        return NOTHING
    plain, files = without_files(value, described_by(media_type), in_parts=essence(content_type) == MULTIPART)
    check = checked(
        plain, media_type.schema, operation.schemas, base=media_type.base, direction="request", formats=formats
    )
    if check.is_about_schema:
        return NOTHING
    check = without_texts_of(files, check)
    if not is_textual:
        return check
    objects = is_form(content_type)  # an element of XML may be an object where a number is described: its attributes
    errors = tuple(error for error in check.errors if not _is_text(error, plain, objects=objects))
    return replace(check, errors=errors)


def _is_text(error: SchemaError, body: JsonValue, *, objects: bool) -> bool:
    """Return whether a mismatch is none, because the value is sent as text; `objects`: an object is not."""
    value: Any = resolve_pointer(body, error.pointer)
    if objects and error.keyword == "type" and isinstance(value, dict):
        return False
    return error.pointer != "" and error.keyword in ("type", "anyOf", "oneOf", "enum") and not isinstance(value, list)
