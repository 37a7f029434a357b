"""Request bodies: whether there is one, of which media type, and whether its payload fits its schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import MISSING, preview, resolve_pointer
from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Location, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.sources.http_media.media_types import best_match


@rule("missing-body", "openapi", trigger=Trigger(needs="operations"))
def missing_body(inspection: Inspection) -> Iterator[Finding]:
    """Report steps without a body whose operation requires one (`requestBody.required`)."""
    for _, step, call in inspection.operation_steps():
        if inspection.broken.inside(step.at, "requestBody"):
            continue
        operation = call.operation
        body = operation.request_body
        if body is not None and body.required and step.body is None:
            message = f"{operation.method} {operation.path} demands a request body; the step sends none"
            offered = next(iter(body.content), "application/json")
            hint = f"add requestBody with contentType: {offered} and a payload"
            at = step.at.child("stepId")
            yield Finding(message, at, hint)


# Descriptions often leave out the body of these, so the level is only info.
_USUAL_METHODS: Final = ("POST", "PUT", "PATCH")


@rule("unexpected-body", "openapi", trigger=Trigger(needs="operations"))
def unexpected_body(inspection: Inspection) -> Iterator[Finding]:
    """Report steps with a body whose operation has no `requestBody`."""
    for _, step, call in inspection.operation_steps():
        operation = call.operation
        if step.body is not None and operation.request_body is None:
            message = f"{operation.method} {operation.path} is described without a request body; the step sends one"
            hint = "remove it, pass the values as parameters, or call another operation"
            severity = Severity.INFO if operation.method in _USUAL_METHODS else Severity.WARNING
            yield Finding(message, step.body.at.at_key(), hint, severity=severity)


@rule("content-type-not-offered", "openapi", trigger=Trigger(needs="operations"))
def content_type_not_offered(inspection: Inspection) -> Iterator[Finding]:
    """Report bodies with a media type that the operation does not accept."""
    for _, step, call in inspection.operation_steps():
        body = step.body
        if body is None or call.operation.request_body is None:
            continue
        offered = call.operation.request_body.content
        if not offered or best_match(offered, body.content_type) is not None or "$" in body.content_type:
            continue
        stated = resolve_pointer(inspection.description.raw, f"{body.at.pointer}/contentType") is not MISSING
        message = f"the request body is {body.content_type}, which the operation is not described to take"
        if not stated:
            message = f"no contentType is given, so {body.content_type} is sent, which the operation does not offer"
        hint = f"write contentType: {' or '.join(list(offered)[:4])}"
        at = body.at.child("contentType") if stated else body.at.at_key()
        yield Finding(message, at, hint)


_MEDIA_TYPE: Final = pattern(r"[\w!#$&^.+\-]+/[\w!#$&^.+*\-]+\s*(?:;.*)?", re.DOTALL)
_SUGGESTIONS: Final = {
    "json": "write application/json",
    "xml": "write application/xml",
    "form": "write application/x-www-form-urlencoded",
    "multipart": "write multipart/form-data",
    "text": "write text/plain",
}


@rule("invalid-content-type", "shape", trigger=Trigger(words=("contentType",)))
def invalid_content_type(inspection: Inspection) -> Iterator[Finding]:
    """Report content types that are not `type/subtype` with optional parameters (RFC 9110 §8.3.1)."""
    for _, step in inspection.steps:
        written = step.request_body.content_type if step.request_body is not None else None
        if written is None or "$" in written or _MEDIA_TYPE.fullmatch(written.strip()):
            continue
        message = f"contentType {preview(written, 60)} is no media type"
        hint = _SUGGESTIONS.get(written.strip().lower()) or "write type/subtype, such as application/json"
        at = inspection.at(f"{step.at.pointer}/requestBody/contentType")
        yield Finding(message, at, hint)


@rule("payload-mismatch", "openapi", trigger=Trigger(needs="operations"))
def payload_mismatch(inspection: Inspection) -> Iterator[Finding]:
    """Report payloads that do not fit the schema of the request body in type, enum, limits or pattern."""
    for each in inspection.payload_mismatches:
        if each.keyword not in ("required", "additionalProperties", "readOnly", "near"):
            message = f'step "{each.step.step_id}": {each.message}'
            hint = _hint(each.message, each.keyword)
            yield Finding(message, each.at, hint)


def _hint(message: str, keyword: str) -> str:
    braced = re.search(r" but \{(\$[^{}]+)\} is string$", message)
    if braced is not None:
        return f"write {braced[1]} without braces, which make it a text"
    if keyword == "type" and " but $inputs." in message:
        return "declare the input with that type, or pass another value"
    return "look the request body up in the description"


@rule("missing-payload-member", "openapi", trigger=Trigger(needs="operations"))
def missing_payload_member(inspection: Inspection) -> Iterator[Finding]:
    """Report required members that neither the payload nor a replacement has; one finding for each object."""
    lacking: dict[tuple[str, Location, str], list[str]] = {}
    for each in inspection.payload_mismatches:
        if each.keyword == "required":
            what = each.message.partition(" lacks ")[0]
            lacking.setdefault((each.step.step_id, each.at, what), []).append(each.name)
    for (step_id, at, what), names in lacking.items():
        listed = ", ".join(f'"{name}"' for name in names)
        message = f'step "{step_id}": {what} lacks {listed}, which the request body requires'
        hint = f"add {'it' if len(names) == 1 else 'them'} to the payload"
        yield Finding(message, at, hint)


@rule("unknown-payload-member", "openapi", trigger=Trigger(needs="operations"))
def unknown_payload_member(inspection: Inspection) -> Iterator[Finding]:
    """Report members that a closed schema does not allow, and misspelt members of an open one."""
    for each in inspection.payload_mismatches:
        if each.keyword in ("additionalProperties", "near"):
            message = f'step "{each.step.step_id}": {each.message}'
            hint = each.hint or "remove it; the schema allows no other members"
            yield Finding(message, each.at, hint)


@rule("read-only-member", "openapi", trigger=Trigger(needs="operations"))
def read_only_member(inspection: Inspection) -> Iterator[Finding]:
    """Report members that the description marks as readOnly (OpenAPI §Schema Object: they SHOULD NOT be sent)."""
    for each in inspection.payload_mismatches:
        if each.keyword == "readOnly":
            message = f'step "{each.step.step_id}": {each.message}'
            hint = "leave it out; a server may refuse it, or ignore it"
            yield Finding(message, each.at, hint)
