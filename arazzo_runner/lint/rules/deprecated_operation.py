"""An operation that its description calls deprecated."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import resolve_pointer
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import CompiledStep, OperationCall

CODE = "deprecated-operation"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Look at the `deprecated` field of every operation that is called (OpenAPI §Operation Object)."""
    for _, step in program.compiled_steps:
        if not isinstance(step.call, OperationCall):
            continue
        operation = step.call.operation
        raw = resolve_pointer(step.call.description.document.value, operation.pointer)
        if isinstance(raw, dict) and raw.get("deprecated") is True:
            message = f"{operation.method} {operation.path} is deprecated"
            at = step.at.child(_field(program, step))
            hint = "call the operation that takes its place; the description may name it"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _field(program: Inspection, step: CompiledStep) -> str:
    raw = resolve_pointer(program.description.raw, step.at.pointer)
    return "operationId" if isinstance(raw, dict) and "operationId" in raw else "operationPath"
