"""Which outputs are secret, decided at compile time (semantics §7): by name, or because they read a secret."""

from __future__ import annotations

from collections.abc import Mapping

from arazzo_runner.expressions.nodes import (
    Expression,
    InputReference,
    MessageReference,
    OutputReference,
    StepReference,
    WorkflowReference,
)
from arazzo_runner.program.model import Value
from arazzo_runner.program.references import value_references
from arazzo_runner.secrets import SECRET_HEADERS, is_secret_name
from arazzo_runner.values import pointer_tokens


def is_secret_output(
    name: str, value: Value, secret_inputs: frozenset[str], secret_outputs: Mapping[str, frozenset[str]]
) -> bool:
    """Tell whether an output is secret; `secret_outputs` holds those of each step so far."""
    if is_secret_name(name):
        return True
    return any(_reads_secret(expression, secret_inputs, secret_outputs) for expression in value_references(value))


def _reads_secret(
    expression: Expression, secret_inputs: frozenset[str], secret_outputs: Mapping[str, frozenset[str]]
) -> bool:
    if isinstance(expression, InputReference):
        return expression.name in secret_inputs or _ends_secret(expression.pointer)
    if isinstance(expression, StepReference):
        return expression.output in secret_outputs.get(expression.step_id, frozenset()) or _ends_secret(
            expression.pointer
        )
    if isinstance(expression, MessageReference):
        if expression.part == "header":
            return (expression.name or "").lower() in SECRET_HEADERS
        return _ends_secret(expression.pointer) or any(
            isinstance(step, str) and is_secret_name(step) for step in expression.path[-1:]
        )
    if isinstance(expression, (OutputReference, WorkflowReference)):
        return is_secret_name(expression.name) or _ends_secret(expression.pointer)
    return False


def _ends_secret(pointer: str | None) -> bool:
    if not pointer:
        return False
    names = [token for token in pointer_tokens(pointer) if not token.isdigit()]
    return bool(names) and is_secret_name(names[-1])
