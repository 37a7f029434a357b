"""Where every value of a step comes from: from its parameters back to inputs, responses and constants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from arazzo_runner.base.json_values import JsonValue, preview
from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import MASK, is_secret_name
from arazzo_runner.expressions.nodes import (
    Expression,
    InputReference,
    Keyword,
    MessageReference,
    OutputReference,
    StepReference,
    WorkflowReference,
)
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledStep,
    CompiledWorkflow,
    ExpressionValue,
    Literal,
    ObjectValue,
    OperationCall,
    Program,
    SelectorValue,
    TemplateValue,
    Value,
    WorkflowKey,
)
from arazzo_runner.program.references import criterion_references, value_references


class Origin(Record):
    """One link of a value's way: `text` is the expression, `says` what it names, `origins` where that comes from."""

    text: str
    says: str
    origins: tuple[Origin, ...] = ()


class Slot(Record):
    """One value of a step: `place` is "header Authorization", "body /query", "criterion" …; `text` as it is written."""

    place: str
    text: str
    origins: tuple[Origin, ...] = ()


class Tracer:
    """Follows the values of one workflow of a program; a step that reads itself (in a loop) is followed once.

    `inputs` says of each input what there is to say: "string, required".
    """

    def __init__(self, program: Program, workflow: CompiledWorkflow, inputs: Mapping[str, str]) -> None:
        self._program = program
        self._inputs = inputs
        self._steps = {step.step_id: step for step in workflow.steps}

    def step(self, step: CompiledStep) -> Iterator[Slot]:
        """Yield every value a step sends, checks and gives, in that order."""
        for parameter in step.parameters:
            yield self._slot(f"{parameter.location or 'input'} {parameter.name}", parameter.value, step)
        if step.body is not None:
            if step.body.payload is not None:
                for pointer, value in _leaves("", step.body.payload):
                    yield self._slot(f"body {pointer}".rstrip(), value, step)
            for replacement in step.body.replacements:
                yield self._slot(f"body, in place of {replacement.target}", replacement.value, step)
        for criterion in step.criteria:
            text = " ".join(criterion.text.split())
            yield Slot("passes if", text, self._origins(criterion_references(criterion), step, ()))
        for name, value in step.outputs:
            yield self._slot(f"gives {name}", value, step)

    def _slot(self, place: str, value: Value, step: CompiledStep) -> Slot:
        # A constant under a secret name is shown to nobody, though the document has it.
        constant = isinstance(value, Literal) and is_secret_name(re.split("[ /]", place)[-1])
        return Slot(place, MASK if constant else value_text(value), self._origins(value_references(value), step, ()))

    def _origins(
        self, expressions: Iterable[Expression], step: CompiledStep, seen: tuple[tuple[str, str], ...]
    ) -> tuple[Origin, ...]:
        return tuple(self._origin(each, step, seen) for each in dict.fromkeys(expressions))

    def _origin(self, expression: Expression, step: CompiledStep, seen: tuple[tuple[str, str], ...]) -> Origin:
        text = str(expression)
        if isinstance(expression, InputReference):
            return Origin(text, self._input(expression.name))
        if isinstance(expression, StepReference):
            return self._output(text, expression, seen)
        if isinstance(expression, OutputReference):
            return self._of_workflow(text, step, expression.name)
        if isinstance(expression, WorkflowReference):
            return Origin(text, f"{expression.field[:-1]} of workflow {expression.workflow_id}")
        if isinstance(expression, (MessageReference, Keyword)):
            return Origin(text, _exchange(expression, step))
        return Origin(text, "of the document")

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
            return Origin(text, f"{says} (of the round before)")
        return Origin(text, says, self._origins(value_references(value), source, (*seen, key)))

    def _of_workflow(self, text: str, source: CompiledStep, output: str) -> Origin:
        """Follow an output of a sub-workflow into it."""
        key = getattr(source.call, "workflow", None)
        called = self._program.workflows.get(key) if isinstance(key, WorkflowKey) else None
        value = dict(called.outputs).get(output) if called is not None else None
        if called is None or value is None:
            return Origin(text, f"an output of step {source.step_id}")
        inner = Tracer(self._program, called, {})
        says = f"step {source.step_id}: workflow {called.workflow_id}, {value_text(value)}"
        first = called.steps[0] if called.steps else source
        return Origin(text, says, inner._origins(value_references(value), first, ()))


def _exchange(expression: MessageReference | Keyword, step: CompiledStep) -> str:
    """Say of which exchange a reference to a request or a response is."""
    called = step.step_id
    if isinstance(step.call, OperationCall):
        called = f"{step.call.operation.method} {step.call.operation.path}"
    part = "request" if isinstance(expression, MessageReference) and expression.message == "request" else "response"
    if isinstance(expression, Keyword) and expression.name != "statusCode":
        part = "document" if expression.name == "self" else "request"
    return "of the document" if part == "document" else f"the {part} of {called}"


def value_text(value: Value) -> str:
    """Return a value as it is written, computed parts as expressions."""
    if isinstance(value, Literal):
        return preview(value.value)
    if isinstance(value, ExpressionValue):
        return str(value.expression)
    if isinstance(value, TemplateValue):
        return preview(str(value.template))
    if isinstance(value, SelectorValue):
        return f"{value.context} ▸ {value.query}"
    return "{…}" if isinstance(value, ObjectValue) else "[…]"


def _leaves(pointer: str, value: Value) -> Iterator[tuple[str, Value]]:
    """Yield every computed or constant member of a payload with its JSON Pointer."""
    if isinstance(value, ObjectValue):
        for name, item in value.members:
            token = str(name).replace("~", "~0").replace("/", "~1")
            yield from _leaves(f"{pointer}/{token}", item)
    elif isinstance(value, ArrayValue):
        for index, item in enumerate(value.items):
            yield from _leaves(f"{pointer}/{index}", item)
    elif isinstance(value, Literal) and isinstance(value.value, Mapping) and value.value:
        constants: Mapping[str, JsonValue] = value.value
        for name, constant in constants.items():
            token = str(name).replace("~", "~0").replace("/", "~1")
            yield from _leaves(f"{pointer}/{token}", Literal(constant))
    else:
        yield pointer, value
