"""A body that the operation is not described to take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import OperationCall

CODE = "unexpected-body"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True

# Descriptions of these often leave the body out, so it is only a note.
USUAL: Final = ("POST", "PUT", "PATCH")


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Look at every step with a requestBody whose operation declares none."""
    for _, step in program.compiled_steps:
        if isinstance(step.call, OperationCall) and step.body is not None and step.call.operation.request_body is None:
            operation = step.call.operation
            message = f"{operation.method} {operation.path} is described without a request body; the step sends one"
            hint = "remove it, pass the values as parameters, or call another operation"
            severity = Severity.INFO if operation.method in USUAL else SEVERITY
            yield Diagnostic(code=CODE, severity=severity, message=message, at=step.body.at.at_key(), hint=hint)
