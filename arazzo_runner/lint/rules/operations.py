"""The operations that steps call: deprecated ones, their credentials, their description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from arazzo_runner.base.json_values import resolve_pointer
from arazzo_runner.errors import Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.model import CompiledStep
from arazzo_runner.sources.operation import Operation


@rule("deprecated-operation", "openapi", trigger=Trigger(needs="operations"))
def deprecated_operation(inspection: Inspection) -> Iterator[Finding]:
    """Report calls of operations that are marked as deprecated (OpenAPI §Operation Object)."""
    for _, step, call in inspection.operation_steps():
        operation = call.operation
        raw = resolve_pointer(call.description.document.value, operation.pointer)
        if isinstance(raw, dict) and raw.get("deprecated") is True:
            message = f"{operation.method} {operation.path} is deprecated"
            at = step.at.child(_field(inspection, step))
            hint = "call the operation that takes its place; the description may name it"
            yield Finding(message, at, hint)


def _field(inspection: Inspection, step: CompiledStep) -> str:
    raw = resolve_pointer(inspection.description.raw, step.at.pointer)
    return "operationId" if isinstance(raw, dict) and "operationId" in raw else "operationPath"


@rule("description-contract", "openapi", default=False, trigger=Trigger(needs="operations"))
def description_contract(inspection: Inspection) -> Iterator[Finding]:
    """Report what openapi-spec-validator finds in the operations that steps call, and in the schemas they use."""
    called = (call.operation for _, _, call in inspection.operation_steps())
    operations = {(operation.uri, operation.pointer): operation for operation in called}
    if not operations:
        return
    from arazzo_runner.sources.contract import check_description  # lazily: openapi-core is heavy

    for operation in operations.values():
        problems, unchecked = check_description(operation)
        name = f"{operation.method} {operation.path}"
        for problem in problems:
            message = f"{name} is not as OpenAPI wants it: {problem}"
            hint = "correct the description, or ask its authors"
            yield Finding(message, operation.at, hint)
        if unchecked is not None:
            message = f"{name} was not checked: {unchecked}"
            yield Finding(message, operation.at, severity=Severity.INFO)


@rule("missing-credential", "openapi", severity=Severity.INFO, trigger=Trigger(needs="operations"))
def missing_credential(inspection: Inspection) -> Iterator[Finding]:
    """Report, once for each source, security schemes that its operations require and nothing describes or provides."""
    reported: set[tuple[str, frozenset[str]]] = set()
    for _, step, call in inspection.operation_steps():
        operation, source = call.operation, call.source
        if not operation.security:
            continue
        unknown = [frozenset(each) - operation.security_schemes.keys() for each in operation.security]
        key = (source, frozenset[str]().union(*unknown))
        if not all(unknown) or key in reported or _is_given(step, operation):
            continue
        reported.add(key)
        names = ", ".join(sorted(key[1]))
        message = f'operations of source "{source}" need credentials for {names}, a scheme that is not described there'
        hint = "describe it in components/securitySchemes, or add a parameter such as Authorization"
        yield Finding(message, step.at.child("stepId"), hint)


def _is_given(step: CompiledStep, operation: Operation) -> bool:
    """Return whether a parameter of the step is a credential: Authorization, or an API key of a scheme."""
    keys = {("authorization", "header")}
    for scheme in operation.security_schemes.values():
        if isinstance(scheme, Mapping) and scheme.get("type") == "apiKey":
            keys.add((str(scheme.get("name")).lower(), str(scheme.get("in"))))
    return any((each.name.lower(), each.location) in keys for each in step.parameters)


@rule("prefer-operation-id", "style", default=False, trigger=Trigger(words=("operationPath",), needs="operations"))
def prefer_operation_id(inspection: Inspection) -> Iterator[Finding]:
    """Report steps that name by path an operation that has an operationId."""
    for _, step, call in inspection.operation_steps():
        if call.operation.operation_id is None:
            continue
        written = inspection.step_at(step.at.pointer)
        if written is not None and written.operation_path is not None:
            message = f'step "{step.step_id}" names its operation by path'
            several = len(inspection.description.source_descriptions) > 1
            name = (
                f"$sourceDescriptions.{call.source}.{call.operation.operation_id}"
                if several
                else call.operation.operation_id
            )
            at, hint = step.at.child("operationPath"), f"write operationId: {name}"
            yield Finding(message, at, hint)
