"""The types of expressions, inferred from the descriptions before anything is sent."""

from __future__ import annotations

from typing import Final, assert_never

from arazzo_runner.base.json_values import JsonValue, pointer_tokens
from arazzo_runner.expressions.nodes import (
    Expression,
    InputReference,
    Keyword,
    MessageReference,
    Path as Steps,
    StepReference,
    WorkflowReference,
)
from arazzo_runner.lint.analysis.partial import partial_value
from arazzo_runner.lint.analysis.query_paths import query_tokens
from arazzo_runner.lint.analysis.responses import Answers, answers_of
from arazzo_runner.lint.analysis.schema_types import Found, Lost, SchemaType, SchemaTypes, lookup
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
    Unlinked,
    Value,
    WorkflowCall,
    WorkflowKey,
)
from arazzo_runner.sources.schema.check import resolve_within
from arazzo_runner.sources.schema.context import SchemaContext

PLAIN: Final = SchemaContext()
UNKNOWN: Final = Found(None)
TEXT: Final = (SchemaType({"type": "string"}, "", PLAIN),)
MAX_DEPTH: Final = 40
STATUS: Final = (SchemaType({"type": "integer"}, "", PLAIN),)


class ResponseTypes:
    """Infers types from the schemas of inputs and responses; those of outputs are cached."""

    def __init__(self, program: Program) -> None:
        self._workflows = program.workflows
        self._answers: dict[tuple[WorkflowKey, str], Answers | None] = {}
        self._outputs: dict[tuple[WorkflowKey, str | None, str], SchemaTypes | None] = {}
        self._inputs: dict[WorkflowKey, SchemaType | None] = {}
        self._bodies: dict[tuple[int, frozenset[str], tuple[str, ...]], Found | Lost] = {}
        self._depth = 0
        for workflow in program.workflows.values():  # in the order of steps, so that no chain of outputs is long
            for step in workflow.steps:
                for name, value in step.outputs:
                    if not (isinstance(value, ExpressionValue) and isinstance(value.expression, MessageReference)):
                        self._step_output(workflow, step.step_id, name)

    def answers(self, workflow: CompiledWorkflow, step: CompiledStep) -> Answers | None:
        """Return the documented responses of a step, None if it calls no known operation."""
        key = (workflow.key, step.step_id)
        if key not in self._answers:
            self._answers[key] = _answers_of(step)
        return self._answers[key]

    def inputs(self, workflow: CompiledWorkflow) -> SchemaType | None:
        """Return the schema of a workflow's inputs, None if it has none."""
        if workflow.key not in self._inputs:
            context = SchemaContext("2020-12", resolve_within(workflow.document.raw))
            found = SchemaType(workflow.inputs, "", context) if isinstance(workflow.inputs, dict) else None
            self._inputs[workflow.key] = found
        return self._inputs[workflow.key]

    def of_value(self, value: Value, workflow: CompiledWorkflow, step: CompiledStep | None) -> SchemaTypes | None:
        """Return the types of a compiled value, None if unknown."""
        match value:
            case Literal():
                return (SchemaType({"const": value.value}, "", PLAIN),)
            case TemplateValue():
                return TEXT
            case ObjectValue():
                return (SchemaType({"type": "object"}, "", PLAIN),)
            case ArrayValue():
                return (SchemaType({"type": "array"}, "", PLAIN),)
            case ExpressionValue():
                found = self.of(value.expression, workflow, step)
            case SelectorValue():
                found = self._selected(value, workflow, step)
            case _:
                assert_never(value)
        return found.alternatives if isinstance(found, Found) else None

    def of(self, expression: Expression, workflow: CompiledWorkflow, step: CompiledStep | None) -> Found | Lost:
        """Return the types of an expression, Lost if no description declares its pointer.

        `step` is the one whose request and response it sees, None in a workflow's outputs.
        """
        if isinstance(expression, Keyword):
            return Found(STATUS if expression.name == "statusCode" else TEXT)
        if isinstance(expression, MessageReference):
            return self._message(expression, workflow, step)
        if isinstance(expression, InputReference) and expression.name is not None:
            schema_type = self.inputs(workflow)
            return UNKNOWN if schema_type is None else _found_or_unknown(_named(schema_type, expression))
        if isinstance(expression, StepReference) and expression.output is not None:
            alternatives = self._step_output(workflow, expression.step_id, expression.output)
            return (
                UNKNOWN if alternatives is None else lookup(alternatives, _tokens(expression.pointer, expression.path))
            )
        if isinstance(expression, WorkflowReference) and expression.field == "outputs":
            key = WorkflowKey(workflow.key.document, expression.workflow_id)
            alternatives = self._workflow_output(key, expression.name)
            return (
                UNKNOWN if alternatives is None else lookup(alternatives, _tokens(expression.pointer, expression.path))
            )
        return UNKNOWN

    def in_any_answer(
        self, expression: Expression, workflow: CompiledWorkflow, step: CompiledStep
    ) -> SchemaTypes | None:
        """Return the types of an expression in any response, also one with which the step fails."""
        if isinstance(expression, MessageReference) and (expression.message, expression.part) == ("response", "body"):
            answers = self.answers(workflow, step)
            if answers is None or answers.any_body is None:
                return None
            found = lookup(answers.any_body, _tokens(expression.pointer, expression.path))
        else:
            found = self.of(expression, workflow, step)
        return found.alternatives if isinstance(found, Found) else None

    def partial(self, value: Value, workflow: CompiledWorkflow, step: CompiledStep) -> JsonValue:
        """Return a value as JSON, with a Computed for each computed part."""
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
        if tokens is None or isinstance(found, Lost) or found.alternatives is None:
            return UNKNOWN
        return lookup(found.alternatives, tokens)

    # ------------------------------------------------------------------ outputs

    def _step_output(self, workflow: CompiledWorkflow, step_id: str, name: str) -> SchemaTypes | None:
        index = workflow.positions.get(step_id)
        if index is None:
            return None
        step = workflow.steps[index]
        value = next((value for own, value in step.outputs if own == name), None)
        if value is None and step.called_workflow is not None:
            return self._workflow_output(step.called_workflow, name)
        return None if value is None else self._once((workflow.key, step_id, name), value, workflow, step)

    def _workflow_output(self, key: WorkflowKey, name: str) -> SchemaTypes | None:
        workflow = self._workflows.get(key)
        value = next((value for own, value in workflow.outputs if own == name), None) if workflow is not None else None
        return None if workflow is None or value is None else self._once((key, None, name), value, workflow, None)

    def _once(
        self,
        place: tuple[WorkflowKey, str | None, str],
        value: Value,
        workflow: CompiledWorkflow,
        step: CompiledStep | None,
    ) -> SchemaTypes | None:
        if place not in self._outputs and self._depth < MAX_DEPTH:
            self._outputs[place] = None  # an output that depends on itself is unknown
            self._depth += 1
            self._outputs[place] = self.of_value(value, workflow, step)
            self._depth -= 1
        return self._outputs.get(place)


def _answers_of(step: CompiledStep) -> Answers | None:
    match step.call:
        case OperationCall() as call:
            return answers_of(step, call)
        case WorkflowCall() | Unlinked():
            return None
        case _:
            assert_never(step.call)


def _in_bodies(answers: Answers, tokens: tuple[str, ...]) -> Found | Lost:
    """Look up a path in the bodies of a step's responses; Lost if none of them declares it."""
    likely, everything = answers.passed_body, answers.any_body
    if likely is None:
        return UNKNOWN  # no body of a passed step is documented
    if everything is not None and isinstance(lost := lookup(everything, tokens), Lost):
        return lost
    return _found_or_unknown(lookup(likely, tokens))


def _found_or_unknown(found: Found | Lost) -> Found:
    """Return what was found; Lost, if reported by other rules or only likely, becomes unknown."""
    return found if isinstance(found, Found) else UNKNOWN


def _named(schema_type: SchemaType, expression: InputReference) -> Found | Lost:
    name = expression.name or ""
    return lookup((schema_type,), [name, *_tokens(expression.pointer, expression.path)])


def _tokens(pointer: str | None, path: Steps) -> tuple[str, ...]:
    return (*pointer_tokens(pointer or ""), *map(str, path))
