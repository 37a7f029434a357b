"""A step without a body whose operation demands one."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import OperationCall

CODE = "missing-body"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Look at every step that calls an operation with `requestBody.required`."""
    for _, step in program.compiled_steps:
        if not isinstance(step.call, OperationCall) or program.broken.inside(step.at, "requestBody"):
            continue
        body = step.call.operation.request_body
        if body is not None and body.required and step.body is None:
            operation = step.call.operation
            message = f"{operation.method} {operation.path} demands a request body; the step sends none"
            offered = next(iter(body.content), "application/json")
            hint = f"add requestBody with contentType: {offered} and a payload"
            at = step.at.child("stepId")
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
