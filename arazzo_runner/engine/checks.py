"""Requests and responses against their OpenAPI description: findings as Diagnostics (semantics §6)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from arazzo_runner.base.json_values import MISSING, JsonValue, resolve_pointer, to_text
from arazzo_runner.base.records import Record, replace
from arazzo_runner.engine.effects import HttpResponse
from arazzo_runner.engine.inputs import coerce_text
from arazzo_runner.engine.options import CheckOptions, Level
from arazzo_runner.engine.request import BuiltRequest
from arazzo_runner.engine.results import Verdict
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.program.model import CompiledStep, OperationCall
from arazzo_runner.sources.http_media.media import best_match, essence, is_form, is_json, is_xml
from arazzo_runner.sources.operation import MediaType, Operation, OperationParameter, OperationResponse
from arazzo_runner.sources.schema.check import SchemaCheck, SchemaError, checked, unknown_formats

WRONG_FORMAT: Final = "value-format"
UNKNOWN_FORMAT: Final = "unknown-format"
_NOTHING: Final = SchemaCheck(())
_SEVERITIES = {"warn": Severity.WARNING, "error": Severity.ERROR}


def check_request(
    step: CompiledStep, call: OperationCall, built: BuiltRequest, options: CheckOptions, told: set[str]
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a request; with an error among it, the request must not be sent.

    `told` are the formats that the run has called unknown; new ones are added.
    """
    found: list[Diagnostic] = []
    if options.requests != "off":
        for each in request_findings(step, call.operation, built, formats=options.formats != "off"):
            level = options.formats if each.code == WRONG_FORMAT else options.requests
            is_note = each.severity is Severity.INFO
            found.append(each if is_note else replace(each, severity=_SEVERITIES[level]))
    if options.deep != "off":
        from arazzo_runner.sources.contract import check_request as check  # lazily: openapi-core is heavy

        sent = built.request
        found += _deep(check(call.operation, sent.url, sent.headers, sent.body), "request-contract", step, options)
    return tuple(sorted(_once(found, told), key=lambda each: each.severity is not Severity.ERROR))


def check_response(
    step: CompiledStep,
    call: OperationCall,
    built: BuiltRequest,
    response: HttpResponse,
    body: JsonValue,
    options: CheckOptions,
    told: set[str],
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a response; `body` is the decoded body or MISSING; `told` as in check_request."""
    found = []
    for each in response_findings(call.operation, response, body, options):
        level: Level = getattr(options, each.check.replace("-", "_"))
        if each.is_note:
            found.append(Diagnostic(code=each.code, severity=Severity.INFO, message=each.message, at=step.at))
        elif level != "off":
            found.append(_diagnostic(each.code, each.message, step.at, level))
    if options.deep != "off":
        from arazzo_runner.sources.contract import check_response as check  # lazily: openapi-core is heavy

        sent = built.request
        contract = check(
            call.operation, sent.url, sent.headers, sent.body, response.status, response.headers, response.body
        )
        found += _deep(contract, "response-contract", step, options)
    return tuple(_once(found, told))


def _once(found: Iterable[Diagnostic], told: set[str]) -> Iterator[Diagnostic]:
    """Yield the findings, but each unknown format only if the run has not told of it."""
    for each in found:
        if each.code == UNKNOWN_FORMAT:
            if each.message in told:
                continue
            told.add(each.message)
        yield each


def _deep(
    contract: tuple[tuple[str, ...], str | None], code: str, step: CompiledStep, options: CheckOptions
) -> list[Diagnostic]:
    problems, unchecked = contract
    if unchecked is not None:
        return [Diagnostic(code=code, severity=Severity.INFO, message=f"not checked: {unchecked}", at=step.at)]
    return [_diagnostic(code, problem, step.at, options.deep) for problem in problems]


def failed_checks(findings: Iterable[Diagnostic], at: Location) -> tuple[Verdict, ...]:
    """Return a failed Verdict for each finding of level "error": it fails the step as a criterion would."""
    return tuple(
        Verdict(condition=f"check {each.code}", type="check", passed=False, reason=each.message, at=at)
        for each in findings
        if each.severity is Severity.ERROR
    )


def _diagnostic(code: str, message: str, at: Location, level: Level) -> Diagnostic:
    return Diagnostic(code=code, severity=_SEVERITIES[level], message=message, at=at)


def errors_in(findings: Sequence[Diagnostic]) -> bool:
    """Return whether one of the findings is an error."""
    return any(each.severity is Severity.ERROR for each in findings)


_BODYLESS = (204, 205, 304)


class Finding(Record):
    """A finding of one check: its name among NAMED_CHECKS, a Diagnostic code, a sentence.

    A note says that something was not checked.
    """

    check: str
    code: str
    message: str
    is_note: bool = False


def response_findings(
    operation: Operation, response: HttpResponse, body: JsonValue, options: CheckOptions
) -> Iterator[Finding]:
    """Yield the findings of the checks that are on; `body` is the decoded body, MISSING when there is none."""
    documented = operation.documented(response.status)
    if documented is None:
        if options.status != "off" and operation.responses:
            known = ", ".join(operation.responses)
            message = f"{operation.method} {operation.path} documents {known}, not status {response.status}"
            yield Finding("status", "undocumented-status", message)
        return
    if options.headers != "off":
        yield from _headers(operation, documented, response, formats=options.formats != "off")
    if not documented.content or response.status in _BODYLESS or operation.method == "HEAD":
        return
    if not response.body:
        if options.schema != "off":
            message = f"the response has no body, expected {', '.join(documented.content)}"
            yield Finding("schema", "response-schema", message)
        return
    content_type = response.header("content-type")
    media_type = best_match(documented.content, content_type)
    if media_type is not None:
        yield from _response_body(operation, media_type, content_type, body, options)
    elif options.content_type != "off":
        known = ", ".join(documented.content)
        message = f"the response is {essence(content_type) or 'without content type'}, documented is {known}"
        yield Finding("content-type", "undocumented-content-type", message)


# ------------------------------------------------------------------ body


def _response_body(
    operation: Operation, media_type: MediaType, content_type: str | None, body: JsonValue, options: CheckOptions
) -> Iterator[Finding]:
    """Yield the mismatches of a JSON body; bodies of other types are not checked against schemas."""
    if not is_json(content_type):
        return
    check = _NOTHING
    if options.schema != "off":
        check = checked(
            body, media_type.schema, operation.schemas,
            base=media_type.base, direction="response", formats=options.formats != "off",
        )  # fmt: skip
    if check.is_about_schema:
        message = f"the response body was not checked: {check.errors[0].message}"
        yield Finding("schema", "response-schema", message, is_note=True)
        return
    for sentence in summarised(check.errors):
        yield Finding("schema", "response-schema", f"the response body does not fit: {sentence}")
    yield from _formats("the response body", check)
    if options.undocumented != "off":
        from arazzo_runner.sources.schema.check import undocumented_members  # lazily: only asked for

        members = undocumented_members(body, media_type.schema, operation.schemas, media_type.base)
        for sentence in summarised(members):
            yield Finding("undocumented", "undocumented-member", f"the response body has more: {sentence}")


def _formats(what: str, check: SchemaCheck) -> Iterator[Finding]:
    for sentence in summarised(check.formats):
        yield Finding("formats", WRONG_FORMAT, f"{what} does not fit: {sentence}")
    for sentence in unknown_formats(check):
        yield Finding("formats", UNKNOWN_FORMAT, sentence, is_note=True)


# ------------------------------------------------------------------ headers


def _headers(
    operation: Operation, documented: OperationResponse, response: HttpResponse, *, formats: bool
) -> Iterator[Finding]:
    for name, raw in documented.headers.items():
        if name.lower() in ("content-type", "set-cookie") or not isinstance(raw, Mapping):
            continue
        value = response.header(name)
        if value is None:
            if raw.get("required") is True:
                yield Finding(
                    "headers", "response-header", f'the response lacks the header "{name}", which is required'
                )
            continue
        schema = raw.get("schema")
        check = _NOTHING if schema is None else _header_check(value, schema, operation, documented.base, formats)
        for error in check.errors[:1]:
            why = error.message.replace("the value", "it", 1)
            yield Finding("headers", "response-header", f'the response header "{name}" does not fit: {why}')
        yield from _formats(f'the response header "{name}"', check)


def _header_check(text: str, schema: JsonValue, operation: Operation, base: str, formats: bool) -> SchemaCheck:
    """Return the check of a header as text, as a value of its type, or as a list (style simple): the one that fits."""
    target: Any = schema
    if isinstance(schema, dict) and "$ref" in schema and operation.schemas.resolve is not None:
        target = operation.schemas.resolve(schema, base)[0]
    kinds = target.get("type") if isinstance(target, dict) else None
    if kinds == "object":
        return _NOTHING
    items = target.get("items") if isinstance(target, dict) else None
    parts = [coerce_text(part.strip(), items) for part in text.split(",")] if kinds == "array" else None
    candidates = (text, coerce_text(text, target), MISSING if parts is None else parts)
    return _fitting(
        [each for each in candidates if each is not MISSING],
        lambda each: checked(each, schema, operation.schemas, base=base, formats=formats),
    )


def _fitting(candidates: Iterable[JsonValue], check: Callable[[JsonValue], SchemaCheck]) -> SchemaCheck:
    """Return the check of the first candidate that fits, else of the first; nothing when the schema is unusable."""
    first: SchemaCheck | None = None
    for each in candidates:
        found = check(each)
        if not found.errors or found.is_about_schema:
            return _NOTHING if found.errors else found
        first = first or found
    return first or _NOTHING


# ---- A request before it is sent: required parameters, their values, the body, against the OpenAPI description.

MAX_SENTENCES: Final = 8


def summarised(errors: Iterable[SchemaError]) -> list[str]:
    """Return one sentence per kind of mismatch, with its count; at most 8, then how many more there are.

    >>> summarised([SchemaError(f"/{n}/id", f'"{n}.id" must be integer, found null', "type") for n in range(3)])
    ['"0.id" must be integer, found null (and 2 more like it)']
    """
    kinds: dict[tuple[str, str, str], list[str]] = {}
    for error in errors:
        kinds.setdefault((_without_indexes(error.pointer), error.keyword, _expected(error)), []).append(error.message)
    sentences = [
        messages[0] if len(messages) == 1 else f"{messages[0]} (and {len(messages) - 1} more like it)"
        for messages in kinds.values()
    ]
    rest = len(sentences) - MAX_SENTENCES
    return sentences if rest <= 0 else [*sentences[:MAX_SENTENCES], f"{rest} more kinds of mismatches"]


def _without_indexes(pointer: str) -> str:
    """Return a pointer with `*` for the indexes of items."""
    return "/".join("*" if token.isdigit() else token for token in pointer.split("/"))


def _expected(error: SchemaError) -> str:
    # Mismatches about different members are of different kinds; those with different values found are not.
    return error.message.partition('"')[2] if error.keyword in ("required", "additionalProperties") else ""


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
            return _NOTHING
        schema, base = declared.content.schema, declared.content.base

    def check(each: JsonValue) -> SchemaCheck:
        return checked(each, schema, operation.schemas, base=base, direction="request", formats=formats)

    return _fitting((made(value) for made in (_as_it_is, _as_text, _as_json)), check)


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
    yield from _mismatches("the request body", check, at.child("payload"))


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
        return _NOTHING
    check = checked(
        value, media_type.schema, operation.schemas, base=media_type.base, direction="request", formats=formats
    )
    if check.is_about_schema:
        return _NOTHING
    if not is_textual:
        return check
    errors = tuple(error for error in check.errors if not _is_text_or_file(error, value))
    return replace(check, errors=errors)


def _is_text_or_file(error: SchemaError, body: JsonValue) -> bool:
    value: Any = resolve_pointer(body, error.pointer)
    return error.pointer != "" and error.keyword in ("type", "anyOf", "oneOf", "enum") and not isinstance(value, list)
