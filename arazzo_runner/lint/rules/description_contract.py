"""The part of a description that a step calls, checked against the OpenAPI Specification by openapi-spec-validator."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import OperationCall

CODE = "description-contract"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = False


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Have every operation that is called checked once, with the schemas it uses; nothing else of its description."""
    calls = [step.call for _, step in program.compiled_steps if isinstance(step.call, OperationCall)]
    operations = {(call.operation.uri, call.operation.pointer): call.operation for call in calls}
    if not operations:
        return
    from arazzo_runner.sources.contract import check_description  # lazily: openapi-core is heavy

    for operation in operations.values():
        problems, unchecked = check_description(operation)
        called = f"{operation.method} {operation.path}"
        for problem in problems:
            message = f"{called} is not as OpenAPI wants it: {problem}"
            hint = "mend the description, or ask those who wrote it"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=operation.at, hint=hint)
        if unchecked is not None:
            message = f"{called} was not checked: {unchecked}"
            yield Diagnostic(code=CODE, severity=Severity.INFO, message=message, at=operation.at)
