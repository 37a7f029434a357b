"""What the security of an operation asks for, and which of it a step gives by its own parameters.

OpenAPI §Security Requirement Object: the items of `security` are alternatives, the names in one
item are needed together, and an empty item makes all of it optional.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.program.model import (
    CompiledParameter,
    CompiledStep,
    CompiledWorkflow,
    OperationCall,
    Program,
    WorkflowKey,
)

Slot = tuple[str, str]
"""Where a credential goes: its place (header, query, cookie) and name; header names are lower-case."""
Alternative = Mapping[str, tuple[str, ...]]

AUTHORIZATION: Slot = ("header", "authorization")


def slot_of(scheme: JsonValue) -> Slot | None:
    """Return where the credential of a Security Scheme Object goes; None for a client certificate.

    One that is not described (None) most likely goes into Authorization.
    """
    raw: Mapping[str, Any] = scheme if isinstance(scheme, Mapping) else {}
    if raw.get("type") == "mutualTLS":
        return None
    if raw.get("type") != "apiKey":
        return AUTHORIZATION
    place, name = str(raw.get("in", "header")), str(raw.get("name", ""))
    return (place, name.lower() if place == "header" else name)


def shared_slot(alternative: Alternative, schemes: Mapping[str, JsonValue], given: frozenset[Slot]) -> tuple[str, ...]:
    """Return the names of two schemes needed together whose credentials go into the same slot, () when there are none.

    A slot that the step itself fills is no longer anybody's.
    """
    seen: dict[Slot, str] = {}
    for name in alternative:
        slot = slot_of(schemes.get(name))
        if slot is None or slot in given:
            continue
        if slot in seen:
            return (seen[slot], name)
        seen[slot] = name
    return ()


def given_by(parameters: Iterable[CompiledParameter]) -> frozenset[Slot]:
    """Return the slots that the parameters of a step fill: they win over configured credentials (semantics §6)."""
    return frozenset(
        (each.location, each.name.lower() if each.location == "header" else each.name)
        for each in parameters
        if each.location is not None
    )


def is_given(security: Sequence[Alternative], schemes: Mapping[str, JsonValue], given: frozenset[Slot]) -> bool:
    """Tell whether a request that fills these slots needs no configured credential any more."""
    return not any(security) or any(
        all(slot_of(schemes.get(name)) in given for name in alternative) for alternative in security if alternative
    )


def secured_steps(program: Program) -> Iterator[tuple[CompiledStep, OperationCall]]:
    """Yield every step of a run whose operation asks for a credential that the step does not give by itself."""
    for workflow in reached(program):
        for step, call in workflow.operation_steps():
            operation, given = call.operation, given_by(step.parameters)
            if operation.security and not is_given(operation.security, operation.security_schemes, given):
                yield step, call


def reached(program: Program) -> Iterable[CompiledWorkflow]:
    """The workflows that a run of the chosen one can come to; all of them when none was chosen."""
    if program.entry is None:
        return program.workflows.values()
    found: dict[WorkflowKey, CompiledWorkflow] = {}
    waiting = [program.entry]
    while waiting:
        key = waiting.pop()
        if key not in found and key in program.workflows:
            found[key] = program.workflows[key]
            waiting += _next(found[key])
    return found.values()


def _next(workflow: CompiledWorkflow) -> Iterator[WorkflowKey]:
    yield from workflow.depends_on
    for step in workflow.steps:
        if step.called_workflow is not None:
            yield step.called_workflow
        yield from (action.workflow for action in (*step.on_success, *step.on_failure) if action.workflow is not None)
