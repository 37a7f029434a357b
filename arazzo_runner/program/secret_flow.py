"""Secret outputs, found at compile time (semantics §7): by their name, or because they read a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

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
from arazzo_runner.program.model import CompiledWorkflow, Value, WorkflowKey
from arazzo_runner.program.schemas import secret_input_names
from arazzo_runner.program.values import value_references


def with_secrets(workflows: Mapping[WorkflowKey, CompiledWorkflow]) -> dict[WorkflowKey, CompiledWorkflow]:
    """Return the workflows with secret inputs and outputs marked.

    Secrets pass from called workflows to callers, so marking is repeated until nothing changes.
    """
    marked = {key: _with_secret_inputs(workflow) for key, workflow in workflows.items()}
    for _ in range(len(marked) + 1):
        before = {key: workflow.secret_outputs for key, workflow in marked.items()}
        for key, workflow in marked.items():
            marked[key] = _mark(workflow, before)
        if {key: workflow.secret_outputs for key, workflow in marked.items()} == before:
            break
    return marked


def _with_secret_inputs(workflow: CompiledWorkflow) -> CompiledWorkflow:
    secret = secret_input_names(workflow.inputs, workflow.document.raw)
    return replace(workflow, secret_inputs=secret) if secret else workflow


def _mark(workflow: CompiledWorkflow, others: Mapping[WorkflowKey, frozenset[str]]) -> CompiledWorkflow:
    secret: dict[str, frozenset[str]] = {}
    steps = []
    for step in workflow.steps:
        names = {name for name, value in step.outputs if _is_secret(name, value, workflow.secret_inputs, secret)}
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
    name: str, value: Value, secret_inputs: frozenset[str], secret_outputs: Mapping[str, frozenset[str]]
) -> bool:
    """Return whether an output is secret; `secret_outputs` are the secret outputs of the steps before."""
    if is_secret_name(name):
        return True
    return any(_reads_secret(expression, secret_inputs, secret_outputs) for expression in value_references(value))


def _reads_secret(
    expression: Expression, secret_inputs: frozenset[str], secret_outputs: Mapping[str, frozenset[str]]
) -> bool:
    match expression:
        case InputReference():
            return expression.name in secret_inputs or _ends_secret(expression.pointer)
        case StepReference():
            of_step = secret_outputs.get(expression.step_id, frozenset())
            return expression.output in of_step or _ends_secret(expression.pointer)
        case MessageReference(part="header"):
            return (expression.name or "").lower() in SECRET_HEADERS
        case MessageReference():
            last = expression.path[-1:]
            return _ends_secret(expression.pointer) or any(isinstance(x, str) and is_secret_name(x) for x in last)
        case OutputReference() | WorkflowReference():
            return is_secret_name(expression.name) or _ends_secret(expression.pointer)
        case Keyword() | ComponentReference() | SourceReference():
            return False
        case _:
            assert_never(expression)


def _ends_secret(pointer: str | None) -> bool:
    if not pointer:
        return False
    names = [token for token in pointer_tokens(pointer) if not token.isdigit()]
    return bool(names) and is_secret_name(names[-1])
