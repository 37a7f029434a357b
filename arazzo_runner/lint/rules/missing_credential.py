"""Credentials that an operation needs, by a scheme that its description does not describe, and no parameter gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import CompiledStep, OperationCall
from arazzo_runner.sources.operation import Operation

CODE = "missing-credential"
SEVERITY = Severity.INFO
GROUP = "openapi"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Name once for every source the security schemes that its operations need and nothing describes."""
    told: set[tuple[str, frozenset[str]]] = set()
    for _, step in program.compiled_steps:
        if not isinstance(step.call, OperationCall) or not step.call.operation.security:
            continue
        operation, source = step.call.operation, step.call.source
        unknown = [frozenset(each) - operation.security_schemes.keys() for each in operation.security]
        key = (source, frozenset[str]().union(*unknown))
        if not all(unknown) or key in told or _is_given(step, operation):
            continue
        told.add(key)
        names = ", ".join(sorted(key[1]))
        message = f'operations of source "{source}" need credentials for {names}, a scheme that is not described there'
        hint = "describe it in components/securitySchemes, or add a parameter such as Authorization"
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=step.at.child("stepId"), hint=hint)


def _is_given(step: CompiledStep, operation: Operation) -> bool:
    """Tell whether a parameter of the step is a credential: Authorization, or an API key of a scheme."""
    keys = {("authorization", "header")}
    for scheme in operation.security_schemes.values():
        if isinstance(scheme, Mapping) and scheme.get("type") == "apiKey":
            keys.add((str(scheme.get("name")).lower(), str(scheme.get("in"))))
    return any((each.name.lower(), each.location) in keys for each in step.parameters)
