"""Trace the values of a step back to inputs, responses and constants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from arazzo_runner.base.json_values import JsonValue, escaped, preview
from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import MASK, is_secret_name
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
from arazzo_runner.program.message_links import senders_of
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledStep,
    CompiledWorkflow,
    ExpressionValue,
    Literal,
    MessageCall,
    ObjectValue,
    OperationCall,
    Program,
    SelectorValue,
    TemplateValue,
    Unlinked,
    Value,
    WorkflowCall,
)
from arazzo_runner.program.values import criterion_references, value_references
from arazzo_runner.report.calls import call_text


class Origin(Record):
    """A source of a value: `text` is the expression, `says` what it names, `origins` its own sources."""

    text: str
    says: str
    origins: tuple[Origin, ...] = ()


class Slot(Record):
    """A value of a step: `place` is "header Authorization", "body /query", "passes if" …; `text` is its source text."""

    place: str
    text: str
    origins: tuple[Origin, ...] = ()


class Tracer:
    """Traces the values of one workflow; a step that reads its own outputs (in a loop) is followed once.

    `inputs` describes each input: "string, required".
    """

    def __init__(self, program: Program, workflow: CompiledWorkflow, inputs: Mapping[str, str]) -> None:
        self._program = program
        self._inputs = inputs
        self._steps = {step.step_id: step for step in workflow.steps}

    def step(self, step: CompiledStep) -> Iterator[Slot]:
        """Yield the values that a step sends, checks and outputs, in that order."""
        for parameter in step.parameters:
            yield self._slot(f"{parameter.location or 'input'} {parameter.name}", parameter.value, step)
        call = step.call
        body = "payload" if isinstance(call, MessageCall) else "body"
        if step.body is not None:
            if step.body.payload is not None:
                for pointer, value in _leaves("", step.body.payload):
                    yield self._slot(f"{body} {pointer}".rstrip(), value, step)
            for replacement in step.body.replacements:
                yield self._slot(f"{body}, in place of {replacement.target}", replacement.value, step)
        if isinstance(call, MessageCall) and call.action == "receive":
            yield from self._awaited(step, call)
        for criterion in step.criteria:
            text = " ".join(criterion.text.split())
            yield Slot("passes if", text, self._origins(criterion_references(criterion), step, ()))
        for name, value in step.outputs:
            yield self._slot(f"gives {name}", value, step)

    def _awaited(self, step: CompiledStep, call: MessageCall) -> Iterator[Slot]:
        """Yield what the awaited message must have, and the steps that cause it as far as it is described."""
        if call.correlation is not None:
            place = " or ".join(each.text for each in call.places) or "correlationId"
            yield self._slot(place, call.correlation, step)
        for sender, why in senders_of(step, tuple(self._steps.values())):
            says = {
                "reply": "which it is the reply to",
                "channel": "which sends to the channel",
                "correlation": "which sends the same correlation id",
            }[why]
            yield Slot("comes after", sender.step_id, (Origin(sender.step_id, f"{call_text(sender)}, {says}"),))

    def _slot(self, place: str, value: Value, step: CompiledStep) -> Slot:
        # Mask constants under secret names even though the document shows them.
        constant = isinstance(value, Literal) and value.value != "" and is_secret_name(re.split("[ /]", place)[-1])
        return Slot(place, MASK if constant else value_text(value), self._origins(value_references(value), step, ()))

    def _origins(
        self, expressions: Iterable[Expression], step: CompiledStep, seen: tuple[tuple[str, str], ...]
    ) -> tuple[Origin, ...]:
        return tuple(self._origin(each, step, seen) for each in dict.fromkeys(expressions))

    def _origin(self, expression: Expression, step: CompiledStep, seen: tuple[tuple[str, str], ...]) -> Origin:
        text = str(expression)
        match expression:
            case InputReference():
                return Origin(text, self._input(expression.name))
            case StepReference():
                return self._output(text, expression, seen)
            case OutputReference():
                return self._of_workflow(text, step, expression.name)
            case WorkflowReference():
                return Origin(text, f"{expression.field[:-1]} of workflow {expression.workflow_id}")
            case MessageReference() | Keyword():
                return Origin(text, _exchange(expression, step))
            case SourceReference() | ComponentReference():
                return Origin(text, "of the document")
            case _:
                assert_never(expression)

    def _input(self, name: str | None) -> str:
        if name is None:
            return "all inputs"
        facts = self._inputs.get(name)
        return f"input ({facts})" if facts else "input"

    def _output(self, text: str, expression: StepReference, seen: tuple[tuple[str, str], ...]) -> Origin:
        source = self._steps.get(expression.step_id)
        if source is None or expression.output is None:
            return Origin(text, f"outputs of step {expression.step_id}")
        key = (expression.step_id, expression.output)
        value = dict(source.outputs).get(expression.output)
        if value is None:
            return self._of_workflow(text, source, expression.output)
        secret = ", secret" if expression.output in source.secret_outputs else ""
        says = f"step {source.step_id}: {value_text(value)}{secret}"
        if key in seen:
            return Origin(text, f"{says} (of the previous visit)")
        return Origin(text, says, self._origins(value_references(value), source, (*seen, key)))

    def _of_workflow(self, text: str, source: CompiledStep, output: str) -> Origin:
        """Follow an output of a step that calls a workflow into that workflow."""
        key = source.called_workflow
        called = None if key is None else self._program.workflows.get(key)
        value = dict(called.outputs).get(output) if called is not None else None
        if called is None or value is None:
            return Origin(text, f"an output of step {source.step_id}")
        inner = Tracer(self._program, called, {})
        says = f"step {source.step_id}: workflow {called.workflow_id}, {value_text(value)}"
        first = called.steps[0] if called.steps else source
        return Origin(text, says, inner._origins(value_references(value), first, ()))


def _exchange(expression: MessageReference | Keyword, step: CompiledStep) -> str:
    """Return the exchange that a reference to a request or a response belongs to."""
    match step.call:
        case OperationCall() | MessageCall():
            called = call_text(step)
        case WorkflowCall() | Unlinked():
            called = step.step_id
        case _:
            assert_never(step.call)
    if isinstance(expression, MessageReference) and expression.message == "message":
        return f"the message of {called}"
    part = "request" if isinstance(expression, MessageReference) and expression.message == "request" else "response"
    if isinstance(expression, Keyword) and expression.name != "statusCode":
        part = "document" if expression.name == "self" else "request"
    return "of the document" if part == "document" else f"the {part} of {called}"


def value_text(value: Value) -> str:
    """Return the source text of a value."""
    match value:
        case Literal():
            return preview(value.value)
        case ExpressionValue():
            return str(value.expression)
        case TemplateValue():
            return preview(str(value.template))
        case SelectorValue():
            return f"{value.context} ▸ {value.query}"
        case ObjectValue():
            return "{…}"
        case ArrayValue():
            return "[…]"
        case _:
            assert_never(value)


def _leaves(pointer: str, value: Value) -> Iterator[tuple[str, Value]]:
    """Yield the leaves of a payload with their JSON Pointers."""
    if isinstance(value, ObjectValue):
        for name, item in value.members:
            token = escaped(str(name))
            yield from _leaves(f"{pointer}/{token}", item)
    elif isinstance(value, ArrayValue):
        for index, item in enumerate(value.items):
            yield from _leaves(f"{pointer}/{index}", item)
    elif isinstance(value, Literal) and isinstance(value.value, Mapping) and value.value:
        constants: Mapping[str, JsonValue] = value.value
        for name, constant in constants.items():
            token = escaped(str(name))
            yield from _leaves(f"{pointer}/{token}", Literal(constant))
    else:
        yield pointer, value
