"""The security requirements of an operation, and which of them a step meets by its own parameters.

OpenAPI §Security Requirement Object: the items of `security` are alternatives, the names in one
item are needed together, and an empty item makes all of it optional.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.program.model import (
    CompiledParameter,
    CompiledStep,
    CompiledWorkflow,
    MessageCall,
    OperationCall,
    Program,
    WorkflowKey,
)
from arazzo_runner.sources.uris import without_userinfo

Slot = tuple[str, str]
"""Where a credential goes: its location (header, query, cookie) and name; header names are lower-case."""
Alternative = Mapping[str, tuple[str, ...]]

AUTHORIZATION: Slot = ("header", "authorization")
_OF_CONNECTIONS: Final = frozenset(
    {
        "mutualTLS",
        "X509",
        "userPassword",
        "plain",
        "scramSha256",
        "scramSha512",
        "gssapi",
        "symmetricEncryption",
        "asymmetricEncryption",
    }
)
"""Types of schemes that are not part of a request: certificates, and logins of brokers (AsyncAPI)."""


def slot_of(scheme: JsonValue) -> Slot | None:
    """Return the slot of a Security Scheme Object's credential; None for one that is in no header or query.

    An undescribed scheme (None) is assumed to use Authorization.
    """
    raw: Mapping[str, Any] = scheme if isinstance(scheme, Mapping) else {}
    if raw.get("type") in _OF_CONNECTIONS or raw.get("in") in ("user", "password"):
        return None
    if raw.get("type") not in ("apiKey", "httpApiKey"):
        return AUTHORIZATION
    place, name = str(raw.get("in", "header")), str(raw.get("name", ""))
    return (place, name.lower() if place == "header" else name)


def shared_slot(alternative: Alternative, schemes: Mapping[str, JsonValue], given: frozenset[Slot]) -> tuple[str, ...]:
    """Return the names of two schemes of one alternative that use the same slot; () when there are none.

    Slots in `given`, which the step fills itself, do not count.
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
    """Return the slots that a step's parameters fill; they override configured credentials (semantics §6)."""
    return frozenset(
        (each.location, each.name.lower() if each.location == "header" else each.name)
        for each in parameters
        if each.location is not None
    )


def is_given(security: Sequence[Alternative], schemes: Mapping[str, JsonValue], given: frozenset[Slot]) -> bool:
    """Return whether a request that fills these slots needs no configured credential."""
    return not any(security) or any(
        all(slot_of(schemes.get(name)) in given for name in alternative) for alternative in security if alternative
    )


class SecuredCall(Record, kw_only=True):
    """What a step asks of credentials, whether it calls an operation or sends and receives messages.

    `operation` names it to people; `security` has the alternatives, `schemes` the Security Scheme Objects by name.
    """

    workflow_id: str
    step: CompiledStep
    source: str
    server: str
    operation: str
    security: Sequence[Alternative]
    schemes: Mapping[str, JsonValue]

    @property
    def given(self) -> frozenset[Slot]:
        """The slots that the step's own parameters fill."""
        return given_by(self.step.parameters)

    @property
    def is_given(self) -> bool:
        """Whether the step needs no configured credential."""
        return is_given(self.security, self.schemes, self.given)


def secured_calls(program: Program) -> Iterator[SecuredCall]:
    """Yield the call of each reachable step whose operation, or broker, has security requirements."""
    for workflow in reached(program):
        for step in workflow.steps:
            call = step.call
            if isinstance(call, OperationCall) and call.operation.security:
                yield _of_operation(workflow.workflow_id, step, call)
            elif isinstance(call, MessageCall) and message_security(call):
                yield _of_message(workflow.workflow_id, step, call)


def secured_steps(program: Program) -> Iterator[SecuredCall]:
    """Yield the call of each reachable step that needs a configured credential."""
    return (call for call in secured_calls(program) if not call.is_given)


def _of_operation(workflow_id: str, step: CompiledStep, call: OperationCall) -> SecuredCall:
    operation = call.operation
    return SecuredCall(
        workflow_id=workflow_id,
        step=step,
        source=call.source,
        server=call.server,
        operation=f"{operation.method} {operation.path}",
        security=operation.security,
        schemes=operation.security_schemes,
    )


def _of_message(workflow_id: str, step: CompiledStep, call: MessageCall) -> SecuredCall:
    return SecuredCall(
        workflow_id=workflow_id,
        step=step,
        source=call.source,
        server=without_userinfo(call.url),
        operation=f"{call.action} {call.address}",
        security=message_security(call),
        schemes=call.description.security_schemes,
    )


def message_security(call: MessageCall) -> tuple[Alternative, ...]:
    """Return the alternatives of a channel's server and operation; where both have some, both must be met.

    AsyncAPI §Operation Object.
    """
    server = () if call.server is None else call.server.security
    operation = () if call.operation is None else call.operation.security
    if not server or not operation:
        return tuple(server or operation)
    return tuple(_both(one, other) for one in server for other in operation)


def _both(one: Alternative, other: Alternative) -> Alternative:
    """Return what meets two alternatives: a scheme of both has the scopes of both."""
    common = {name: tuple(dict.fromkeys((*one[name], *other[name]))) for name in one if name in other}
    return {**one, **other, **common}


def reached(program: Program) -> Iterable[CompiledWorkflow]:
    """Return the workflows that a run of the chosen one can reach; all of them when none was chosen."""
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
