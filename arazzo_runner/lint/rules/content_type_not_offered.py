"""A content type that the operation is not described to take."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import MISSING, resolve_pointer
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import OperationCall
from arazzo_runner.sources.http_media.media_types import best_match

CODE = "content-type-not-offered"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Compare the content type of every step's body with the media types of its operation."""
    for _, step in program.compiled_steps:
        body = step.body
        if body is None or not isinstance(step.call, OperationCall) or step.call.operation.request_body is None:
            continue
        offered = step.call.operation.request_body.content
        if not offered or best_match(offered, body.content_type) is not None or "$" in body.content_type:
            continue
        stated = resolve_pointer(program.description.raw, f"{body.at.pointer}/contentType") is not MISSING
        message = f"the request body is {body.content_type}, which the operation is not described to take"
        if not stated:
            message = f"no contentType is given, so {body.content_type} is sent, which the operation does not offer"
        hint = f"write contentType: {' or '.join(list(offered)[:4])}"
        at = body.at.child("contentType") if stated else body.at.at_key()
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
