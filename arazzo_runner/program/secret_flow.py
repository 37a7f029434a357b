"""Secret outputs, found at compile time (semantics §7): by their name, or because they read a secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias, assert_never

from arazzo_runner.base.json_values import pointer_tokens
from arazzo_runner.base.records import replace
from arazzo_runner.base.secrets import SECRET_HEADERS, is_secret_name
from arazzo_runner.expressions.nodes import (
    ComponentReference,
    Expression,
    InputReference,
    Keyword,
    MessageReference,
    OutputReference,
    SourceReference,
    StepReference,
    WorkflowReference,
)
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledStep,
    CompiledWorkflow,
    MessageCall,
    ObjectValue,
    Value,
    WorkflowKey,
)
from arazzo_runner.program.schemas import secret_input_names
from arazzo_runner.program.values import value_references

Place: TypeAlias = tuple[str, tuple[str, ...]]
"""A part of a message: of its headers or its payload, by name or by the tokens of a JSON Pointer."""
_NOWHERE: Final[frozenset[Place]] = frozenset()


def with_secrets(workflows: Mapping[WorkflowKey, CompiledWorkflow]) -> dict[WorkflowKey, CompiledWorkflow]:
    """Return the workflows with secret inputs and outputs marked.

    Secrets pass from called workflows to callers, and through channels from who sends to who receives, so marking is
    repeated until nothing changes.
    """
    marked = {key: _with_secret_inputs(workflow) for key, workflow in workflows.items()}
    sends = any(True for workflow in marked.values() for _ in workflow.message_steps())
    known: object = None
    for _ in range(1 + sum(len(each.steps) if sends else 1 for each in marked.values())):
        before = {key: workflow.secret_outputs for key, workflow in marked.items()}
        sent = _sent(marked.values()) if sends else {}
        if known == (before, sent):
            break
        known = before, sent
        for key, workflow in marked.items():
            marked[key] = _mark(workflow, before, sent)
    return marked


def _sent(workflows: Iterable[CompiledWorkflow]) -> dict[str, frozenset[Place]]:
    """Return, by channel, the parts of messages in which steps send secrets."""
    found: dict[str, set[Place]] = {}
    for workflow in workflows:
        outputs = {step.step_id: step.secret_outputs for step in workflow.steps}
        for step, call in workflow.message_steps():
            if call.action == "send":
                places = found.setdefault(_channel(call), set())
                places.update(_secret_places(step, workflow.secret_inputs, outputs))
    return {channel: frozenset(places) for channel, places in found.items()}


def _channel(call: MessageCall) -> str:
    return f"{call.description.uri}#{call.channel.pointer}"


def _secret_places(
    step: CompiledStep, secret_inputs: frozenset[str], outputs: Mapping[str, frozenset[str]]
) -> Iterator[Place]:
    def is_secret(value: Value) -> bool:
        return any(_reads_secret(each, secret_inputs, outputs) for each in value_references(value))

    for parameter in step.parameters:
        if parameter.location == "header" and is_secret(parameter.value):
            yield "header", (parameter.name.lower(),)
    if step.body is None:
        return
    if any(is_secret(each.value) for each in step.body.replacements):
        yield "payload", ()
    waiting: list[tuple[tuple[str, ...], Value | None]] = [((), step.body.payload)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, ArrayValue):
            waiting += [((*path, str(index)), item) for index, item in enumerate(value.items)]
        elif isinstance(value, ObjectValue) and all(isinstance(name, str) for name, _ in value.members):
            waiting += [((*path, str(name)), item) for name, item in value.members]
        elif value is not None and is_secret(value):
            yield "payload", path


def _with_secret_inputs(workflow: CompiledWorkflow) -> CompiledWorkflow:
    secret = secret_input_names(workflow.inputs, workflow.document.raw)
    return replace(workflow, secret_inputs=secret) if secret else workflow


def _mark(
    workflow: CompiledWorkflow,
    others: Mapping[WorkflowKey, frozenset[str]],
    sent: Mapping[str, frozenset[Place]],
) -> CompiledWorkflow:
    secret: dict[str, frozenset[str]] = {}
    steps = []
    for step in workflow.steps:
        places = sent.get(_channel(step.call), _NOWHERE) if isinstance(step.call, MessageCall) else _NOWHERE
        names = {
            name for name, value in step.outputs if _is_secret(name, value, workflow.secret_inputs, secret, places)
        }
        if step.called_workflow is not None:
            names |= others.get(step.called_workflow, frozenset())
        secret[step.step_id] = frozenset(names)
        changed = secret[step.step_id] != step.secret_outputs
        steps.append(replace(step, secret_outputs=secret[step.step_id]) if changed else step)
    outputs = frozenset(
        name for name, value in workflow.outputs if _is_secret(name, value, workflow.secret_inputs, secret)
    )
    return replace(workflow, steps=tuple(steps), secret_outputs=outputs)


def _is_secret(
    name: str,
    value: Value,
    secret_inputs: frozenset[str],
    secret_outputs: Mapping[str, frozenset[str]],
    places: frozenset[Place] = _NOWHERE,
) -> bool:
    """Return whether an output is secret; `secret_outputs` are the secret outputs of the steps before.

    `places` are the parts of the step's messages in which secrets are sent.
    """
    if is_secret_name(name):
        return True
    return any(
        _reads_secret(expression, secret_inputs, secret_outputs, places) for expression in value_references(value)
    )


def _reads_secret(
    expression: Expression,
    secret_inputs: frozenset[str],
    secret_outputs: Mapping[str, frozenset[str]],
    places: frozenset[Place] = _NOWHERE,
) -> bool:
    match expression:
        case InputReference():
            return expression.name in secret_inputs or _ends_secret(expression.pointer)
        case StepReference():
            of_step = secret_outputs.get(expression.step_id, frozenset())
            return expression.output in of_step or _ends_secret(expression.pointer)
        case MessageReference() if places and _overlaps(expression, places):
            return True
        case MessageReference(part="header"):
            name = expression.name or ""
            # The headers of messages have the names of an application, as members have.
            return name.lower() in SECRET_HEADERS or (expression.message == "message" and is_secret_name(name))
        case MessageReference():
            last = expression.path[-1:]
            return _ends_secret(expression.pointer) or any(isinstance(x, str) and is_secret_name(x) for x in last)
        case OutputReference() | WorkflowReference():
            return is_secret_name(expression.name) or _ends_secret(expression.pointer)
        case Keyword() | ComponentReference() | SourceReference():
            return False
        case _:
            assert_never(expression)


def _overlaps(expression: MessageReference, places: frozenset[Place]) -> bool:
    """Return whether a reference reads a part of a message, or what contains it or is in it."""
    if expression.part == "header":
        return ("header", ((expression.name or "").lower(),)) in places
    read = pointer_tokens(expression.pointer) if expression.pointer else tuple(map(str, expression.path))
    return any(part == "payload" and path[: len(read)] == read[: len(path)] for part, path in places)


def _ends_secret(pointer: str | None) -> bool:
    if not pointer:
        return False
    names = [token for token in pointer_tokens(pointer) if not token.isdigit()]
    return bool(names) and is_secret_name(names[-1])
