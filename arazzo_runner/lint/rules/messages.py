"""Steps that send or receive messages: their order, how they identify messages, what is not checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from arazzo_runner.base.records import replace
from arazzo_runner.errors import Severity, did_you_mean
from arazzo_runner.expressions.nodes import MessageReference
from arazzo_runner.expressions.parser import parse_expression
from arazzo_runner.lint.analysis.message_types import is_opaque, required_headers
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.members import lost_member
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.context import pinpoint
from arazzo_runner.program.message_links import asks_with_id, filled_by_inbox, senders_of
from arazzo_runner.program.model import (
    CompiledStep,
    MessageCall,
    OperationCall,
    Unlinked,
    WorkflowCall,
)
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.protocols import has_headers, rules_of


@rule("message-source-kind", "asyncapi", severity=Severity.ERROR, trigger=Trigger(words=("action",)))
def message_source_kind(inspection: Inspection) -> Iterator[Finding]:
    """Report an action on an OpenAPI description; event streams and webhooks may be received from, with a warning."""
    for _, step, received in inspection.message_steps():
        if isinstance(inspection.sources.get(received.source), OpenApiDescription):
            what = "event stream" if _streams(received) else "webhook"
            message = f"action applies to AsyncAPI; this {what} is described with OpenAPI"
            hint = f"describe the {what} with AsyncAPI: other tools may refuse this"
            yield Finding(message, step.at.child("action"), hint, Severity.WARNING)
    for _, step, call in inspection.operation_steps():
        written = inspection.step_at(step.at.pointer)
        if written is None or written.action is None:
            continue
        operation = f"{call.operation.method} {call.operation.path}"
        message = f"the step cannot {written.action} messages: {operation} is an operation over HTTP"
        hint = "remove action, or name an operation or channel of an AsyncAPI description"
        yield Finding(message, step.at.child("action"), hint)


def _streams(call: MessageCall) -> bool:
    binding = None if call.operation is None else call.operation.bindings.get("http")
    return isinstance(binding, dict) and binding.get("method") == "GET"


@rule("message-part", "language", trigger=Trigger(parts=("$message.",)))
def message_part(inspection: Inspection) -> Iterator[Finding]:
    """Report `$message.body`, which is called payload, and `$message.query` and `$message.path`, which do not exist."""
    for use in inspection.uses:
        expression = use.expression
        if not isinstance(expression, MessageReference) or expression.message != "message":
            continue
        at = pinpoint(expression, use.at, inspection.description.raw)
        if expression.part == "body":
            hint = f"write {replace(expression, part='payload')}"
            yield Finding("what a message carries is its payload; other tools may not know $message.body", at, hint)
        elif expression.part in ("query", "path"):
            hint = "read $message.payload or $message.header.<name>"
            yield Finding(f"{expression} has no value: messages have no {expression.part} parameters", at, hint)


# ------------------------------------------------------------------ which message


@rule("no-correlation-place", "asyncapi", trigger=Trigger(words=("correlationId",), needs="messages"))
def no_correlation_place(inspection: Inspection) -> Iterator[Finding]:
    """Report a correlationId where no message says where its correlation id is, or has a member there."""
    for workflow, step, call in inspection.message_steps():
        for place in call.places if call.correlation is not None else ():
            if place.part != "payload":
                continue
            lost = lost_member(parse_expression(place.text)[0], inspection.response_types, workflow, step)
            if lost is not None:
                at, hint = step.at.child("correlationId"), f"correct its location in the description: {lost.hint}"
                yield Finding(f"the correlation id is described at {lost.message}", at, hint)
        if call.correlation is not None and not call.places:
            names = ", ".join(f'"{each.name}"' for each in call.messages)
            which = (
                f"no message of the channel ({names}) says" if names else "the channel describes no message that says"
            )
            message = f"{which} where its correlation id is; a header correlationId is looked at, or the broker's own"
            has_none = not _carries_ids(call)
            if has_none:
                message = (
                    f"{which} where its correlation id is, and those of {call.protocol} have no other place for it"
                )
            hint = "describe it: correlationId: {location: '$message.header#/correlationId'} in the message"
            yield Finding(message, step.at.child("correlationId"), hint, Severity.ERROR if has_none else None)


def _carries_ids(call: MessageCall) -> bool:
    """Return whether messages may have a correlation id that nothing describes: in a header, or of the protocol."""
    version = None if call.server is None else call.server.protocol_version
    return not rules_of(call.protocol).is_served or has_headers(call.protocol, version, call.channel.bindings)


@rule("missing-correlation-id", "asyncapi", trigger=Trigger(words=("correlationId",), needs="messages"))
def missing_correlation_id(inspection: Inspection) -> Iterator[Finding]:
    """Report messages that are sent without the correlation id by which a step waits for what they cause."""
    for workflow in inspection.compiled:
        waiting = {
            call.source: step
            for step, call in workflow.message_steps()
            if call.action == "receive" and call.correlation is not None
        }
        for step, call in workflow.message_steps() if waiting else ():
            receiver = waiting.get(call.source)
            names = _id_headers(call)
            if (
                call.action != "send"
                or receiver is None
                or not names
                or filled_by_inbox(workflow.arms, workflow.steps, call)
            ):
                continue
            given = [each.name for each in step.parameters if each.location == "header"]
            if not names.isdisjoint(given) or inspection.broken.inside(step.at, "parameters"):
                continue
            name = min(names)
            near = next((each for each in given if each.lower() == name.lower() or did_you_mean(each, [name])), None)
            message = f'the message is sent without its correlation id, the header "{name}"'
            hint = f"add a parameter with name: {name}, in: header"
            hint = hint if near is None else f'write name: {name} instead of "{near}"'
            yield Finding(message, step.at.child("stepId"), hint, related=(receiver.at.child("correlationId"),))


def _id_headers(call: MessageCall) -> frozenset[str]:
    """Return the headers that are described as correlation ids of all messages of a call, and are not required.

    One that is required is reported by missing-message-header, a member of the payload by missing-payload-member.
    """
    places = [each.correlation for each in call.messages]
    if not places or any(each is None or each.part != "header" for each in places):
        return frozenset()
    required = {name.lower() for each in call.messages for name in required_headers(each, call)}
    names = frozenset(each.pointer[0] for each in places if each is not None and each.pointer)
    return frozenset() if any(name.lower() in required for name in names) else names


@rule("criteria-for-messages", "asyncapi", trigger=Trigger(needs="messages"))
def criteria_for_messages(inspection: Inspection) -> Iterator[Finding]:
    """Report steps without successCriteria that may receive messages of several types: any of them is a success."""
    for _, step, call in inspection.message_steps():
        if call.action != "receive" or len(call.messages) < 2 or step.criteria:
            continue
        if not inspection.broken.inside(step.at, "successCriteria"):
            names = ", ".join(f'"{each.name}"' for each in call.messages[:6])
            message = f"{len(call.messages)} messages may come ({names}), and each is a success: there are no criteria"
            hint = "add successCriteria on $message.payload, or name an operation with one message"
            yield Finding(message, step.at.child("stepId"), hint)


@rule("missing-message-header", "asyncapi", trigger=Trigger(needs="messages"))
def missing_message_header(inspection: Inspection) -> Iterator[Finding]:
    """Report required headers of a message that a step does not give; of several messages, of the one it fits best."""
    for workflow, step, call in inspection.message_steps():
        if call.action != "send" or not call.messages:
            continue
        if any(inspection.broken.inside(each.at, "parameters") for each in (workflow, step)):
            continue
        given = [each.name for each in step.parameters if each.location == "header"]
        lower = {"content-type", *(name.lower() for name in given)}
        filled = filled_by_inbox(workflow.arms, workflow.steps, call)
        lower |= {name.lower() for name in filled.pointer} if filled is not None and filled.part == "header" else set()
        lacking = [
            sorted(name for name in required_headers(each, call) if name.lower() not in lower) for each in call.messages
        ]
        for name in min(lacking, key=len):
            message = f'the message requires the header "{name}"'
            near = did_you_mean(name, given)
            hint = f"add a parameter with name: {name}, in: header"
            if near is not None:
                hint = f"write name: {name} instead of {near.removeprefix('did you mean ').rstrip('?')}"
            yield Finding(message, step.at.child("stepId"), hint)


@rule("payload-not-checked", "asyncapi", severity=Severity.INFO, trigger=Trigger(needs="messages"))
def payload_not_checked(inspection: Inspection) -> Iterator[Finding]:
    """Report, once for each message, payloads that are described by another language than JSON Schema."""
    seen = set[tuple[str, str]]()
    for _, step, call in inspection.message_steps():
        for each in call.messages:
            if not is_opaque(each) or (each.base, each.pointer) in seen:
                continue
            seen.add((each.base, each.pointer))
            message = f'the payload of "{each.name}" is described as {each.schema_format}, which is not checked'
            hint = "describe it with JSON Schema to have it checked; what is not JSON or text is read as base64"
            yield Finding(message, step.at.child("stepId"), hint)


# ------------------------------------------------------------------ order


@rule("no-depends-on-receive", "asyncapi", trigger=Trigger(needs="messages"))
def no_depends_on_receive(inspection: Inspection) -> Iterator[Finding]:
    """Report steps that read the outputs of a step that receives, and do not name it in dependsOn."""
    for workflow in inspection.compiled:
        steps = {each.step_id: each for each in workflow.steps}
        receiving = {step.step_id for step, call in workflow.message_steps() if call.action == "receive"}
        for step in workflow.steps if receiving else ():
            if inspection.broken.inside(step.at, "dependsOn"):
                continue
            for name in sorted((step.reads & receiving) - _depends_on(step, steps)):
                message = f'step "{step.step_id}" needs the message that step "{name}" receives, but not by dependsOn'
                hint = f"add dependsOn: [{name}]"
                yield Finding(message, step.at.child("stepId"), hint, related=(steps[name].at.child("stepId"),))


def _depends_on(step: CompiledStep, steps: Mapping[str, CompiledStep]) -> set[str]:
    found, waiting = set[str](), [step]
    while waiting:
        for name in waiting.pop().depends_on:
            if name not in found:
                found.add(name)
                waiting += [steps[name]] if name in steps else []
    return found


@rule("receive-before-trigger", "asyncapi", trigger=Trigger(needs="messages"))
def receive_before_trigger(inspection: Inspection) -> Iterator[Finding]:
    """Report steps that wait for a message which only a later step can cause: they end with their timeout."""
    for workflow in inspection.compiled:
        for index, step in enumerate(workflow.steps):
            call = step.call
            if not isinstance(call, MessageCall) or call.action != "receive" or step.on_failure:
                continue
            if any(_may_cause(each) for each in workflow.steps[:index]):
                continue
            for trigger, why in senders_of(step, workflow.steps[index + 1 :])[:1]:
                if why == "correlation" and not asks_with_id(trigger, step):
                    continue  # others may send that id first, as of an order that is known
                message = f'step "{step.step_id}" waits for a message before step "{trigger.step_id}", which causes it'
                hint = (
                    f'put it after "{trigger.step_id}"; what comes earlier is kept from the beginning of the workflow'
                )
                yield Finding(message, step.at.child("stepId"), hint, related=(trigger.at.child("stepId"),))


_READING: Final = ("GET", "HEAD", "OPTIONS")


def _may_cause(step: CompiledStep) -> bool:
    """Return whether a step may cause a message, or go to another step than the next one."""
    if any(each.type == "goto" for each in (*step.on_success, *step.on_failure)):
        return True
    match step.call:
        case MessageCall(action=action):
            return action == "send"
        case OperationCall(operation=operation):
            return operation.method not in _READING
        case WorkflowCall() | Unlinked():
            return True
