"""An expression that reads an HTTP exchange where there is none."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.nodes import Keyword, MessageReference
from arazzo_runner.lint.analysis.uses import BEFORE, Use, output_uses
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import OperationCall, WorkflowCall

CODE = "no-response-here"
SEVERITY = Severity.WARNING
GROUP = "language"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """A step that calls a workflow has no exchange of its own, and neither has a workflow's list of outputs."""
    may_be_inside = "calls" in program.needs or program.texts.holding("$message")
    outputs = (use for workflow in program.compiled for use in output_uses(workflow))
    for use in program.uses if may_be_inside else outputs:
        if not isinstance(use.expression, (Keyword, MessageReference)) or use.role in BEFORE:
            continue
        if isinstance(use.expression, Keyword) and use.expression.name == "self":
            continue
        where, hint = _nothing_there(use)
        if where:
            message = f"{use.expression} has no value here: {where}"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=use.at, hint=hint)


def _nothing_there(use: Use) -> tuple[str, str]:
    if use.step is None:
        return "the outputs of a workflow belong to no request", "read $steps.<stepId>.outputs.<name>"
    if isinstance(use.step.call, WorkflowCall):
        hint = f"read $steps.{use.step.step_id}.outputs.<name>, or leave it to the steps of the workflow"
        return "the step calls a workflow, and has no response of its own", hint
    is_message = isinstance(use.expression, MessageReference) and use.expression.message == "message"
    if is_message and isinstance(use.step.call, OperationCall):
        return "only a step that receives has a message", "write $response for the answer of an operation"
    return "", ""
