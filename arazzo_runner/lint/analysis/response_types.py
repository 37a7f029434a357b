"""The types of expressions, inferred from the documented responses and messages before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from arazzo_runner.base.json_values import JsonValue, pointer_tokens
from arazzo_runner.base.records import Record
from arazzo_runner.expressions.nodes import (
    Expression,
    InputReference,
    Keyword,
    MessageReference,
    Path as Steps,
    StepReference,
    Template,
    WorkflowReference,
)
from arazzo_runner.expressions.queries.query import Query
from arazzo_runner.lint.analysis.conditions import atoms_of, possible_statuses
from arazzo_runner.lint.analysis.message_types import header_types, payload_types
from arazzo_runner.lint.analysis.partial import partial_value
from arazzo_runner.lint.analysis.schema_types import (
    ANY,
    Found,
    Lost,
    SchemaType,
    SchemaTypes,
    lookup,
    possible_types,
)
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
    WorkflowKey,
)
from arazzo_runner.sources.http_media.media_types import is_form, is_json
from arazzo_runner.sources.operation import Operation, OperationResponse
from arazzo_runner.sources.schema.check import resolve_within
from arazzo_runner.sources.schema.context import SchemaContext


def query_tokens(query: Query | Template) -> tuple[str, ...] | None:
    """Return the tokens of a query that selects one value by its path, None for any other query."""
    paths = query_paths(query)
    if isinstance(query, Template) or len(paths) != 1 or not paths[0][1]:
        return None
    return paths[0][0]


def query_paths(query: Query | Template) -> list[tuple[tuple[str, ...], bool]]:
    """Return (tokens, whether they are the whole path and select one value) of each path at the root of a query."""
    from arazzo_runner.expressions.queries.jsonpath_nodes import Path, operand_path, operands  # lazily: as queries are
    from arazzo_runner.expressions.queries.query import Pointer

    if isinstance(query, Template):
        return []
    compiled = query.compiled
    if isinstance(compiled, Pointer):
        return [(pointer_tokens(compiled.pointer), True)]
    if query.kind != "jsonpath":
        return []
    if isinstance(compiled, Path):
        return [_path_tokens(compiled)]
    paths = [operand_path(operand) for operand in operands(compiled)]  # type: ignore[arg-type]
    return [_path_tokens(path) for path in paths if path is not None and path.absolute]


def _path_tokens(path: object) -> tuple[tuple[str, ...], bool]:
    from arazzo_runner.expressions.queries.jsonpath_nodes import Index, Name, Path

    assert isinstance(path, Path)
    tokens: list[str] = []
    for segment in path.segments:
        if segment.descendant or len(segment.selectors) != 1:
            return tuple(tokens), False
        selector = segment.selectors[0]
        tokens.append(selector.name if isinstance(selector, Name) else ANY)
        if not isinstance(selector, (Name, Index)) and len(tokens) == 1:
            return (), False  # a filter on the root: of a list, or of an object as its only item (semantics §4)
    return tuple(tokens), path.singular


class Answers(Record):
    """The documented responses of a step.

    `passed_keys` are the keys of the responses with which the step may pass; `can_pass`: it may
    pass with some status, documented or not. `passed_body` are the types of the body of a passed
    step, `any_body` those of any response; None: not documented.
    """

    operation: Operation
    can_pass: bool
    passed_keys: frozenset[str]
    passed_body: SchemaTypes | None
    any_body: SchemaTypes | None

    @property
    def has_no_body(self) -> bool:
        """Whether the response of a passed step has no body (RFC 9110 §15.3.5, §15.3.6, §15.4.5)."""
        return bool(self.passed_keys) and self.passed_keys <= {"204", "205", "304"}


def answers_of(step: CompiledStep, call: OperationCall) -> Answers:
    """Return the documented responses of a step that calls an operation."""
    operation = call.operation
    atoms = atoms_of(step.criteria)
    possible = possible_statuses(atoms, documented_statuses(operation))
    keys: set[str] = set()
    can_pass = False
    for status in possible:
        if atoms or 200 <= status < 300:
            can_pass = True
            keys.add(response_key(operation, status) or "")
            if len(keys) > len(operation.responses):
                break  # all of them, and a status that is not documented
    keys.discard("")
    likely = keys - {"default"} or keys
    passed = [response for key, response in operation.responses.items() if key in likely]
    bodies = body_types(operation, passed), body_types(operation, operation.responses.values())
    return Answers(operation, can_pass, frozenset(likely), *bodies)


def documented_statuses(operation: Operation) -> Iterator[int]:
    """Yield the statuses that are documented by number."""
    return (int(key) for key in operation.responses if len(key) == 3 and key.isascii() and key.isdigit())


def response_key(operation: Operation, status: int) -> str | None:
    """Return the key of the response for a status (OpenAPI §Responses Object), None if there is none."""
    for key in (str(status), f"{status // 100}XX", "default"):
        if key in operation.responses:
            return key
    return None


def body_types(operation: Operation, responses: Iterable[OperationResponse]) -> SchemaTypes | None:
    """Return the types of JSON bodies; None if one of the bodies has no schema, or is not JSON."""
    alternatives: list[SchemaType] = []
    for response in responses:
        if not response.content:
            continue  # no body
        media = [each for name, each in response.content.items() if is_json(name) or is_form(name) or "*" in name]
        if not media or any(each.schema is None for each in media):
            return None
        alternatives += [SchemaType(each.schema, each.base, operation.schemas) for each in media]
    return tuple(alternatives) if alternatives else None


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
        if expression.message == "message":
            return _of_message(expression, step)
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
        case MessageCall() | WorkflowCall() | Unlinked():
            return None
        case _:
            assert_never(step.call)


def _of_message(expression: MessageReference, step: CompiledStep | None) -> Found | Lost:
    """Look up a part of the message that a step sends or receives; Lost if none of its messages declares it."""
    call = None if step is None else step.call
    if not isinstance(call, MessageCall):
        return UNKNOWN
    if expression.part == "header":
        return Found(_as_text(header_types(call, expression.name or "")))
    alternatives = payload_types(call) if expression.part in ("payload", "body") else None
    return UNKNOWN if alternatives is None else lookup(alternatives, _tokens(expression.pointer, expression.path))


def _as_text(alternatives: SchemaTypes | None) -> SchemaTypes | None:
    """Return the types of a header whose value is a text; that of another one depends on the protocol: None."""
    return alternatives if possible_types(alternatives) == frozenset({"string"}) else None


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
