"""Requests and responses against their OpenAPI description: findings as Diagnostics (semantics §6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.engine.effects import HttpResponse
from arazzo_runner.engine.inputs import coerce_text
from arazzo_runner.engine.mismatches import NOTHING, UNKNOWN_FORMAT, WRONG_FORMAT, fitting, summarised
from arazzo_runner.engine.options import CheckOptions, Level
from arazzo_runner.engine.request import BuiltRequest
from arazzo_runner.engine.request_checks import request_findings
from arazzo_runner.engine.results import Verdict
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.program.model import CompiledStep, OperationCall
from arazzo_runner.sources.http_media.media import best_match, essence, is_json
from arazzo_runner.sources.operation import MediaType, Operation, OperationResponse
from arazzo_runner.sources.schema.check import SchemaCheck, checked, unknown_formats

_SEVERITIES = {"warn": Severity.WARNING, "error": Severity.ERROR}


def check_request(
    step: CompiledStep, call: OperationCall, built: BuiltRequest, options: CheckOptions, reported: set[str]
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a request; with an error among it, the request must not be sent.

    `reported` are the formats that the run has called unknown; new ones are added.
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
    return tuple(sorted(once(found, reported), key=lambda each: each.severity is not Severity.ERROR))


def check_response(
    step: CompiledStep,
    call: OperationCall,
    built: BuiltRequest,
    response: HttpResponse,
    body: JsonValue,
    options: CheckOptions,
    reported: set[str],
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a response; `body` is the decoded body or MISSING; `reported` as in check_request."""
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
    return tuple(once(found, reported))


def once(found: Iterable[Diagnostic], reported: set[str]) -> Iterator[Diagnostic]:
    """Yield the findings, but each unknown format only if the run has not reported it."""
    for each in found:
        if each.code == UNKNOWN_FORMAT:
            if each.message in reported:
                continue
            reported.add(each.message)
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
    check = NOTHING
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
        check = NOTHING if schema is None else _header_check(value, schema, operation, documented.base, formats)
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
        return NOTHING
    items = target.get("items") if isinstance(target, dict) else None
    parts = [coerce_text(part.strip(), items) for part in text.split(",")] if kinds == "array" else None
    candidates = (text, coerce_text(text, target), MISSING if parts is None else parts)
    return fitting(
        [each for each in candidates if each is not MISSING],
        lambda each: checked(each, schema, operation.schemas, base=base, formats=formats),
    )
