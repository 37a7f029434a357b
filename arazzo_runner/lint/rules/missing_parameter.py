"""A parameter that the operation requires and the step does not give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import CompiledStep, CompiledWorkflow, OperationCall
from arazzo_runner.sources.operation import Operation, OperationParameter

CODE = "missing-parameter"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Look for required parameters in query and header: cookies may come by themselves, the path is an error."""
    for workflow, step in program.compiled_steps:
        if not isinstance(step.call, OperationCall) or _has_broken_parameters(program, workflow, step):
            continue
        operation = step.call.operation
        given = {(each.name.lower(), each.location) for each in step.parameters}
        for declared in operation.parameters:
            if not declared.required or declared.location not in ("query", "header", "querystring"):
                continue
            if (declared.name.lower(), declared.location) in given or _is_credential(declared, operation):
                continue
            message = (
                f'{operation.method} {operation.path} requires the {declared.location} parameter "{declared.name}"'
            )
            hint = f"add a parameter with name: {declared.name}, in: {declared.location}"
            at = step.at.child("stepId")
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _has_broken_parameters(program: Inspection, workflow: CompiledWorkflow, step: CompiledStep) -> bool:
    return any(program.broken.inside(each.at, "parameters") for each in (workflow, step))


def _is_credential(declared: OperationParameter, operation: Operation) -> bool:
    """Tell whether a parameter is an API key of a security scheme: credentials do not stand in documents."""
    schemes = (scheme for scheme in operation.security_schemes.values() if isinstance(scheme, Mapping))
    return any(
        scheme.get("type") == "apiKey"
        and scheme.get("in") == declared.location
        and str(scheme.get("name")).lower() == declared.name.lower()
        for scheme in schemes
    )
