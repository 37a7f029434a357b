"""A step that names its operation by path."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import OperationCall

CODE = "prefer-operation-id"
SEVERITY = Severity.WARNING
GROUP = "style"
DEFAULT = False


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Only where the operation has an id to name."""
    for _, step in program.compiled_steps:
        call = step.call
        if not isinstance(call, OperationCall) or call.operation.operation_id is None:
            continue
        written = program.step_at(step.at.pointer)
        if written is not None and written.operation_path is not None:
            message = f'step "{step.step_id}" names its operation by path'
            several = len(program.description.source_descriptions) > 1
            name = (
                f"$sourceDescriptions.{call.source}.{call.operation.operation_id}"
                if several
                else call.operation.operation_id
            )
            at, hint = step.at.child("operationPath"), f"write operationId: {name}"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
