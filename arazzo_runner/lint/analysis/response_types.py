"""What expressions will give, as far as the descriptions tell before anything is sent."""

from __future__ import annotations

from typing import Final

from arazzo_runner.base.json_values import JsonValue, pointer_tokens
from arazzo_runner.expressions.nodes import (
    Expression,
    InputReference,
    Keyword,
    MessageReference,
    StepReference,
    WorkflowReference,
)
from arazzo_runner.expressions.nodes import Path as Steps
from arazzo_runner.lint.analysis.partial import partial_value
from arazzo_runner.lint.analysis.query_paths import query_tokens
from arazzo_runner.lint.analysis.responses import Answers, answers_of
from arazzo_runner.lint.analysis.schema_types import Found, Lost, Shape, Shapes, lookup
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
    WorkflowCall,
    WorkflowKey,
)
from arazzo_runner.sources.schema.check import resolve_within
from arazzo_runner.sources.schema.context import SchemaContext

PLAIN: Final = SchemaContext()
UNKNOWN: Final = Found(None)
TEXT: Final = (Shape({"type": "string"}, "", PLAIN),)
MAX_DEPTH: Final = 40
STATUS: Final = (Shape({"type": "integer"}, "", PLAIN),)


class Forecast:
    """Looks expressions up in the schemas of inputs and responses; each output is looked up once."""

    def __init__(self, program: Program) -> None:
        self._workflows = program.workflows
        self._answers: dict[tuple[WorkflowKey, str], Answers | None] = {}
        self._outputs: dict[tuple[WorkflowKey, str | None, str], Shapes | None] = {}
        self._inputs: dict[WorkflowKey, Shape | None] = {}
        self._bodies: dict[tuple[int, frozenset[str], tuple[str, ...]], Found | Lost] = {}
        self._depth = 0
        for workflow in program.workflows.values():  # in the order of steps, so that no output leads far back
            for step in workflow.steps:
                for name, value in step.outputs:
                    if not (isinstance(value, ExpressionValue) and isinstance(value.expression, MessageReference)):
                        self._step_output(workflow, step.step_id, name)

    @property
    def knows_outputs(self) -> bool:
        """Whether anything is known of any output of a step, beyond what the answers of operations tell."""
        return any(self._outputs.values())

    def answers(self, workflow: CompiledWorkflow, step: CompiledStep) -> Answers | None:
        """Return the documented answers of a step, None when it calls no known operation."""
        key = (workflow.key, step.step_id)
        if key not in self._answers:
            call = step.call
            self._answers[key] = answers_of(step, call) if isinstance(call, OperationCall) else None
        return self._answers[key]

    def inputs(self, workflow: CompiledWorkflow) -> Shape | None:
        """Return the schema of a workflow's inputs, None when it has none."""
        if workflow.key not in self._inputs:
            context = SchemaContext("2020-12", resolve_within(workflow.document.raw))
            found = Shape(workflow.inputs, "", context) if isinstance(workflow.inputs, dict) else None
            self._inputs[workflow.key] = found
        return self._inputs[workflow.key]

    def of_value(self, value: Value, workflow: CompiledWorkflow, step: CompiledStep | None) -> Shapes | None:
        """Return what a compiled value will be, None when it is not known."""
        if isinstance(value, Literal):
            return (Shape({"const": value.value}, "", PLAIN),)
        if isinstance(value, TemplateValue):
            return TEXT
        if isinstance(value, ObjectValue):
            return (Shape({"type": "object"}, "", PLAIN),)
        if isinstance(value, ArrayValue):
            return (Shape({"type": "array"}, "", PLAIN),)
        if isinstance(value, ExpressionValue):
            found = self.of(value.expression, workflow, step)
        else:
            found = self._selected(value, workflow, step)
        return found.shapes if isinstance(found, Found) else None

    def of(self, expression: Expression, workflow: CompiledWorkflow, step: CompiledStep | None) -> Found | Lost:
        """Return what an expression gives, Lost when the descriptions know nothing at its pointer.

        `step` is the one whose request and response it sees, None in a workflow's outputs.
        """
        if isinstance(expression, Keyword):
            return Found(STATUS if expression.name == "statusCode" else TEXT)
        if isinstance(expression, MessageReference):
            return self._message(expression, workflow, step)
        if isinstance(expression, InputReference) and expression.name is not None:
            shape = self.inputs(workflow)
            return UNKNOWN if shape is None else _quiet(_named(shape, expression))
        if isinstance(expression, StepReference) and expression.output is not None:
            shapes = self._step_output(workflow, expression.step_id, expression.output)
            return UNKNOWN if shapes is None else lookup(shapes, _tokens(expression.pointer, expression.path))
        if isinstance(expression, WorkflowReference) and expression.field == "outputs":
            key = WorkflowKey(workflow.key.document, expression.workflow_id)
            shapes = self._workflow_output(key, expression.name)
            return UNKNOWN if shapes is None else lookup(shapes, _tokens(expression.pointer, expression.path))
        return UNKNOWN

    def in_any_answer(self, expression: Expression, workflow: CompiledWorkflow, step: CompiledStep) -> Shapes | None:
        """Return what an expression gives in any answer, also one with which the step fails."""
        if isinstance(expression, MessageReference) and (expression.message, expression.part) == ("response", "body"):
            answers = self.answers(workflow, step)
            if answers is None or answers.any_body is None:
                return None
            found = lookup(answers.any_body, _tokens(expression.pointer, expression.path))
        else:
            found = self.of(expression, workflow, step)
        return found.shapes if isinstance(found, Found) else None

    def partial(self, value: Value, workflow: CompiledWorkflow, step: CompiledStep) -> JsonValue:
        """Return a value as JSON, a Computed for each part that is not known yet."""
        return partial_value(value, lambda part: self.of_value(part, workflow, step))

    # ------------------------------------------------------------------ messages

    def _message(
        self, expression: MessageReference, workflow: CompiledWorkflow, step: CompiledStep | None
    ) -> Found | Lost:
        answers = self.answers(workflow, step) if step is not None else None
        if answers is None or expression.message != "response" or expression.part != "body":
            return UNKNOWN
        tokens = _tokens(expression.pointer, expression.path)
        key = (id(answers.operation), answers.passed_keys, tokens)
        if key not in self._bodies:
            self._bodies[key] = _in_bodies(answers, tokens)
        return self._bodies[key]

    def _selected(self, value: SelectorValue, workflow: CompiledWorkflow, step: CompiledStep | None) -> Found | Lost:
        tokens = query_tokens(value.query)
        found = self.of(value.context, workflow, step)
        if tokens is None or isinstance(found, Lost) or found.shapes is None:
            return UNKNOWN
        return lookup(found.shapes, tokens)

    # ------------------------------------------------------------------ outputs

    def _step_output(self, workflow: CompiledWorkflow, step_id: str, name: str) -> Shapes | None:
        index = workflow.positions.get(step_id)
        if index is None:
            return None
        step = workflow.steps[index]
        value = next((value for own, value in step.outputs if own == name), None)
        if value is None and isinstance(step.call, WorkflowCall):
            return self._workflow_output(step.call.workflow, name)
        return None if value is None else self._once((workflow.key, step_id, name), value, workflow, step)

    def _workflow_output(self, key: WorkflowKey, name: str) -> Shapes | None:
        workflow = self._workflows.get(key)
        value = next((value for own, value in workflow.outputs if own == name), None) if workflow is not None else None
        return None if workflow is None or value is None else self._once((key, None, name), value, workflow, None)

    def _once(
        self,
        place: tuple[WorkflowKey, str | None, str],
        value: Value,
        workflow: CompiledWorkflow,
        step: CompiledStep | None,
    ) -> Shapes | None:
        if place not in self._outputs and self._depth < MAX_DEPTH:
            self._outputs[place] = None  # an output that leads back to itself is not known
            self._depth += 1
            self._outputs[place] = self.of_value(value, workflow, step)
            self._depth -= 1
        return self._outputs.get(place)


def _in_bodies(answers: Answers, tokens: tuple[str, ...]) -> Found | Lost:
    """Look a path up in the bodies of a step's answers; Lost when none of all of them has it."""
    likely, everything = answers.passed_body, answers.any_body
    if likely is None:
        return UNKNOWN  # where no body is described, those of failures tell nothing
    if everything is not None and isinstance(lost := lookup(everything, tokens), Lost):
        return lost
    return _quiet(lookup(likely, tokens))


def _quiet(found: Found | Lost) -> Found:
    """Return what was found; a loss that is told elsewhere, or only likely, counts as not known."""
    return found if isinstance(found, Found) else UNKNOWN


def _named(shape: Shape, expression: InputReference) -> Found | Lost:
    name = expression.name or ""
    return lookup((shape,), [name, *_tokens(expression.pointer, expression.path)])


def _tokens(pointer: str | None, path: Steps) -> tuple[str, ...]:
    return (*pointer_tokens(pointer or ""), *map(str, path))
