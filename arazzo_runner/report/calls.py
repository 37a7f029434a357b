"""What a step calls, in words: an operation, a channel, a workflow."""

from __future__ import annotations

from typing import assert_never

from arazzo_runner.base.json_values import to_text
from arazzo_runner.base.patterns import pattern
from arazzo_runner.program.model import CompiledStep, Literal, MessageCall, OperationCall, Unlinked, WorkflowCall

_VARIABLE = pattern(r"\{([^{}]+)\}")


def call_text(step: CompiledStep) -> str:
    """Return `GET /pets`, `send orders/place`, `receive orders/eu/confirmed`, `workflow pay`, or nothing."""
    match step.call:
        case OperationCall(operation=operation):
            return f"{operation.method} {operation.path}"
        case MessageCall(action=action) as call:
            return f"{action} {address_text(step, call)}"
        case WorkflowCall(workflow=key):
            return f"workflow {key.workflow_id}"
        case Unlinked():
            return ""
        case _:
            assert_never(step.call)


def address_text(step: CompiledStep, call: MessageCall) -> str:
    """Return the address of a step's channel, its variables filled in where the document or description does so."""
    constants = {
        each.name: to_text(each.value.value)
        for each in step.parameters
        if each.location == "path" and isinstance(each.value, Literal)
    }
    given = {each.name for each in step.parameters if each.location == "path"}
    for name, declared in call.channel.parameters.items():
        if declared.default is not None and name not in given:
            constants[name] = declared.default
    filled = _VARIABLE.sub(lambda found: constants.get(found[1], found[0]), call.address)
    return filled or call.channel.key
