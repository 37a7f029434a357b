"""What a called workflow gets: parameters become inputs, checked against its schema."""

from __future__ import annotations

from collections.abc import Sequence

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.engine.request import CannotBuild
from arazzo_runner.engine.resolve import Unresolved, expression_text, may_be_left_out, resolve
from arazzo_runner.engine.schemas import prepare_inputs
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.program.model import CompiledParameter, CompiledWorkflow


def call_inputs(
    target: CompiledWorkflow, parameters: Sequence[CompiledParameter], scope: Scope, at: Location
) -> dict[str, JsonValue]:
    """Return the inputs of a workflow called with these parameters (Arazzo §Parameter Object).

    Raises CannotBuild when a value is missing or the inputs do not fit the target's schema.
    """
    given: dict[str, JsonValue] = {}
    for parameter in parameters:
        try:
            worth = resolve(parameter.value, scope)
        except Unresolved as missing:
            raise CannotBuild.missing_value(missing.expression, f'input "{parameter.name}"', parameter.at) from None
        if worth is not MISSING:
            given[parameter.name] = worth
        elif not may_be_left_out(parameter.value, scope):
            expression = expression_text(parameter.value)
            raise CannotBuild.missing_value(expression, f'input "{parameter.name}"', parameter.at)
    return checked_inputs(target, given, at)


def inherited_inputs(target: CompiledWorkflow, inputs: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return those of the caller's inputs that the target declares by name (semantics §5)."""
    schema = target.inputs if isinstance(target.inputs, dict) else {}
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {} if target.inputs is None else dict(inputs)
    return {name: value for name, value in inputs.items() if name in properties}


def checked_inputs(target: CompiledWorkflow, given: dict[str, JsonValue], at: Location) -> dict[str, JsonValue]:
    """Return `given` with the schema's defaults; raises CannotBuild naming the first misfit."""
    prepared = prepare_inputs(target.inputs, given, {}, root=target.document.raw)
    if prepared.errors:
        message = f'the inputs of workflow "{target.workflow_id}" do not fit: {prepared.errors[0].message}'
        raise CannotBuild(Diagnostic(code="invalid-input", severity=Severity.ERROR, message=message, at=at))
    return prepared.inputs
