"""A response against what its operation documents: status, media type, headers, body (OpenAPI §Responses Object)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.engine.check_options import CheckOptions
from arazzo_runner.engine.effects import HttpResponse
from arazzo_runner.engine.findings import summed_up
from arazzo_runner.sources.http_media.media import best_match, essence, is_json
from arazzo_runner.sources.operation import MediaType, Operation, OperationResponse
from arazzo_runner.sources.schema.check import SchemaError, schema_errors

_BODYLESS = (204, 205, 304)


class Finding(Record):
    """What one check found: its name among RESPONSE_CHECKS, a Diagnostic code, a sentence; a note is no misfit."""

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
        yield from _headers(operation, documented, response)
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
        yield from _body(operation, media_type, content_type, body, options)
    elif options.content_type != "off":
        known = ", ".join(documented.content)
        message = f"the response is {essence(content_type) or 'without content type'}, documented is {known}"
        yield Finding("content-type", "undocumented-content-type", message)


# ------------------------------------------------------------------ body


def _body(
    operation: Operation, media_type: MediaType, content_type: str | None, body: JsonValue, options: CheckOptions
) -> Iterator[Finding]:
    """Only JSON is held to its schema: of other bodies a schema says little."""
    if not is_json(content_type):
        return
    errors: Sequence[SchemaError] = ()
    if options.schema != "off":
        errors = schema_errors(body, media_type.schema, operation.schemas, base=media_type.base, direction="response")
    if errors and errors[0].is_about_schema:
        message = f"the response body was not checked: {errors[0].message}"
        yield Finding("schema", "response-schema", message, is_note=True)
        return
    for sentence in summed_up(errors):
        yield Finding("schema", "response-schema", f"the response body does not fit: {sentence}")
    if options.undocumented != "off":
        from arazzo_runner.sources.schema.undocumented import undocumented_members  # lazily: only asked for

        members = undocumented_members(body, media_type.schema, operation.schemas, media_type.base)
        for sentence in summed_up(members):
            yield Finding("undocumented", "undocumented-member", f"the response body has more: {sentence}")


# ------------------------------------------------------------------ headers


def _headers(operation: Operation, documented: OperationResponse, response: HttpResponse) -> Iterator[Finding]:
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
        if schema is not None and not _fits(value, schema, operation, documented.base):
            wanted = next(iter(schema_errors(value, schema, operation.schemas, base=documented.base)), None)
            why = "" if wanted is None else f": {wanted.message.replace('the value', 'it', 1)}"
            yield Finding("headers", "response-header", f'the response header "{name}" does not fit{why}')


def _fits(text: str, schema: JsonValue, operation: Operation, base: str) -> bool:
    """Tell whether a header's text fits as text, as what it means, or as a list (style simple)."""
    from arazzo_runner.engine.schemas import coerce_text

    target: Any = schema
    if isinstance(schema, dict) and "$ref" in schema and operation.schemas.resolve is not None:
        target = operation.schemas.resolve(schema, base)[0]
    kinds = target.get("type") if isinstance(target, dict) else None
    if kinds == "object":
        return True
    items = target.get("items") if isinstance(target, dict) else None
    meant = [coerce_text(part.strip(), items) for part in text.split(",")] if kinds == "array" else None
    candidates = (text, coerce_text(text, target), MISSING if meant is None else meant)
    errors = (schema_errors(each, schema, operation.schemas, base=base) for each in candidates if each is not MISSING)
    return any(not found or found[0].is_about_schema for found in errors)
