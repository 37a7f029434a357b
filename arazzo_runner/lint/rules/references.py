"""Expressions that refer to an input, request part or source field that does not exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import pointer_tokens
from arazzo_runner.expressions.nodes import InputReference, MessageReference, SourceReference, WorkflowReference
from arazzo_runner.lint.analysis.schemas import follow, property_of
from arazzo_runner.lint.analysis.uses import BEFORE, Use
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.context import declares, names_hint
from arazzo_runner.program.model import CompiledStep, OperationCall
from arazzo_runner.program.schemas import input_names


@rule("unknown-input-property", "references", trigger=Trigger(parts=("$inputs",)))
def unknown_input_property(inspection: Inspection) -> Iterator[Finding]:
    """Report expressions that read a property which the schema of the input does not have."""
    for use in inspection.uses:
        expression = use.expression
        if not isinstance(expression, InputReference) or expression.name is None:
            continue
        steps = [*pointer_tokens(expression.pointer or ""), *map(str, expression.path)]
        if steps:
            yield from _follow(use, expression, expression.name, steps)


def _follow(use: Use, expression: InputReference, name: str, steps: list[str]) -> Iterator[Finding]:
    root = use.workflow.document.raw
    schema = property_of(use.workflow.inputs, name, root)
    for number, step in enumerate(steps):
        if schema is True or schema is None:
            return
        found = property_of(schema, step, root)
        if found is None:
            way = "/".join([name, *steps[:number]])
            message = f'{expression} reads "{step}", which the schema of {way} does not have'
            known = follow(schema, root)
            hint = names_hint(step, known.get("properties", ())) or "declare it in the inputs"
            yield Finding(message, use.at, hint)
            return
        schema = found


_AUTOMATIC: Final = frozenset(
    ("authorization", "accept", "accept-encoding", "content-type", "content-length", "user-agent", "host", "cookie",
     "connection", "transfer-encoding")
)  # fmt: skip


@rule("unknown-request-part", "references", trigger=Trigger(parts=("$request",), needs="operations"))
def unknown_request_part(inspection: Inspection) -> Iterator[Finding]:
    """Report `$request.…` of parameters and bodies that the step does not send."""
    for use, step, call in inspection.operation_uses():
        expression = use.expression
        if not isinstance(expression, MessageReference) or expression.message != "request" or use.role in BEFORE:
            continue
        if not _is_sent(expression, step, call):
            message = f'step "{step.step_id}" sends no {_what(expression)}, so {expression} has no value'
            hint = names_hint(expression.name or "", _sent(step, expression.part)) or "read what the step sends"
            yield Finding(message, use.at, hint)


def _is_sent(expression: MessageReference, step: CompiledStep, call: OperationCall) -> bool:
    name = expression.name or ""
    if expression.part in ("body", "payload"):
        return step.body is not None
    if expression.part == "header":
        own = {each.lower() for each in _sent(step, "header")}
        keys = (scheme.get("name") for scheme in call.operation.security_schemes.values() if isinstance(scheme, dict))
        return name.lower() in own | _AUTOMATIC | {str(key).lower() for key in keys}
    sent = _sent(step, expression.part)
    return name in sent or any(parameter.location == "querystring" for parameter in step.parameters)


def _sent(step: CompiledStep, part: str) -> list[str]:
    return [parameter.name for parameter in step.parameters if parameter.location == part]


def _what(expression: MessageReference) -> str:
    return "body" if expression.part in ("body", "payload") else f'{expression.part} parameter "{expression.name}"'


_FIELDS: Final = ("name", "url", "type")


@rule("unknown-source-field", "references", trigger=Trigger(parts=("$sourceDescriptions",)))
def unknown_source_field(inspection: Inspection) -> Iterator[Finding]:
    """Report expressions that read a field of a source description other than `name`, `url` and `type`."""
    for use in inspection.uses:
        expression = use.expression
        if isinstance(expression, SourceReference) and expression.reference not in _FIELDS:
            message = f'a source description has no value "{expression.reference}"'
            hint = _hint(expression)
            yield Finding(message, use.at, hint)


def _hint(expression: SourceReference) -> str:
    if ".outputs." in expression.reference:
        return "call the workflow in a step, and read $steps.<stepId>.outputs.<name>"
    return f"write $sourceDescriptions.{expression.source}.url; operations are called with operationId"


@rule("unknown-workflow-input", "references", trigger=Trigger(parts=("$workflows",)))
def unknown_workflow_input(inspection: Inspection) -> Iterator[Finding]:
    """Report `$workflows.<id>.inputs.<name>` of inputs that the workflow does not declare."""
    declared = {
        workflow.workflow_id: input_names(workflow.inputs, inspection.description.raw)
        for workflow in inspection.description.workflows
    }
    for use in inspection.uses:
        expression = use.expression
        if not isinstance(expression, WorkflowReference) or expression.field != "inputs":
            continue
        names = declared.get(expression.workflow_id)
        if names is not None and not declares(names, expression.name):
            message = f'workflow "{expression.workflow_id}" declares no input "{expression.name}"'
            hint = names_hint(expression.name, names) or "declare it in the inputs of that workflow"
            yield Finding(message, use.at, hint)
