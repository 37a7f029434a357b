"""Compare two Programs by what they do: two texts of one document mean the same if nothing differs here.

Not compared are the locations, and texts that are only shown. Spellings with one meaning are equal: `$response.body.id`
and `$response.body#/id`, a query and its spelling in the Specification's syntax, `context: $statusCode` with
`condition: 200` and `condition: $statusCode == 200`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from arazzo_runner.base.json_values import JsonValue, to_json
from arazzo_runner.base.records import Record, field_names
from arazzo_runner.document.model import Parameter, Step
from arazzo_runner.errors import Location
from arazzo_runner.expressions.nodes import (
    Comparison,
    ComponentReference,
    Constant,
    ExpressionSyntaxError,
    Reference,
    SourceReference,
    ToleratedSyntax,
)
from arazzo_runner.expressions.queries.query import VERSIONS, Query, compile_query
from arazzo_runner.program.model import (
    CompiledStep,
    CompiledWorkflow,
    ContextCriterion,
    DocumentScope,
    Literal,
    MessageCall,
    OperationCall,
    Program,
    QueryCriterion,
    SelectorValue,
    SimpleCriterion,
    Unlinked,
)
from arazzo_runner.sources.operation import OperationParameter

_SHOWN: Final = frozenset({"at", "text", "positions", "references"})
"""The fields that say where something is, or how it is written, or that follow from others."""
_MOST_ROUNDS: Final = 8


class Difference(Record):
    """What differs first: a part (a field) of a step or, without one, of a workflow."""

    workflow_id: str
    step_id: str | None
    part: str

    def __str__(self) -> str:
        step = "" if self.step_id is None else f', step "{self.step_id}"'
        return f'workflow "{self.workflow_id}"{step}: {self.part}'


def difference(one: Program, other: Program) -> Difference | None:
    """Return the first difference in what two Programs do, in the order of the first; None if there is none."""
    targets = _Targets(one), _Targets(other)
    for key, workflow in one.workflows.items():
        if key not in other.workflows:
            return Difference(key.workflow_id, None, "is missing")
        found = _of_workflows(workflow, other.workflows[key], *targets)
        if found is not None:
            return Difference(key.workflow_id, *found)
    added = next((key for key in other.workflows if key not in one.workflows), None)
    return None if added is None else Difference(added.workflow_id, None, "is new")


def unlinked_steps(program: Program) -> Iterator[tuple[CompiledWorkflow, CompiledStep]]:
    """Yield the steps whose targets were not found or not read, so that only their text can be compared."""
    for workflow in program.workflows.values():
        yield from ((workflow, step) for step in workflow.steps if isinstance(step.call, Unlinked))


def _of_workflows(
    one: CompiledWorkflow, other: CompiledWorkflow, targets: _Targets, new_targets: _Targets
) -> tuple[str | None, str] | None:
    """Return the step that differs, None for the workflow itself, and what differs in it."""
    steps = {step.step_id: step for step in other.steps}
    for step in one.steps:
        if step.step_id not in steps:
            return step.step_id, "is missing"
        name = _differing(step, steps[step.step_id])
        if name is None and isinstance(step.call, Unlinked):
            at = one.workflow_id, step.step_id
            name = None if targets.target(*at) == new_targets.target(*at) else "call"
        if name is not None:
            return step.step_id, name
    if [step.step_id for step in one.steps] != [step.step_id for step in other.steps]:
        return None, "the order of its steps"
    name = _differing(one, other, leave_out=frozenset({"steps", "document"}))
    if name is not None:
        return None, name
    return None if _same_scope(one, other) else (None, "what its expressions read of the document")


def _differing(one: Record, other: Record, leave_out: frozenset[str] = frozenset()) -> str | None:
    """Return the first field in which two records of a class differ."""
    for name in field_names(one):
        values = getattr(one, name), getattr(other, name)
        if name == "depends_on":  # naming a step twice changes nothing
            values = tuple(dict.fromkeys(values[0])), tuple(dict.fromkeys(values[1]))
        if name not in _SHOWN and name not in leave_out and not same(*values):
            return name
    return None


def same(one: object, other: object) -> bool:
    """Return whether two parts of Programs do the same."""
    if one is other:
        return True
    one, other = _normal(one), _normal(other)
    if type(one) is not type(other):
        return False
    if isinstance(one, Record) and isinstance(other, Record):
        return _differing(one, other) is None
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return one == other


# ------------------------------------------------------------------ normal forms


def _normal(value: object) -> object:
    """Return one form for all spellings of a part, with the fields that decide what it does."""
    match value:
        case Location():
            return None
        case Literal():
            return "literal", to_json(value.value)
        case ContextCriterion():
            return "condition", Comparison(Reference(value.context), "==", Constant(value.expected))
        case SimpleCriterion():
            return "condition", value.condition
        case QueryCriterion() | SelectorValue():
            kind = value.kind, value.version or VERSIONS[value.kind][0]
            return type(value).__name__, kind, value.context, value.query
        case Query():
            return "query", value.kind, value.version, _canonical(value)
        case Constant():
            return "constant", to_json(value.value)
        case OperationCall():
            return "operation", value.source, value.server, value.operation.uri, value.operation.pointer
        case MessageCall():
            return _message_call(value)
        case OperationParameter():
            return "parameter", value.location, value.name  # of the operation, which is compared
        case Record() if "path" in field_names(value) and "pointer" in field_names(value):
            return _reference(value)
        case bool() | int() | float() | list() | dict():
            return _json(value)
    return value


def _json(value: JsonValue) -> tuple[str, str]:
    """Return a text in which true is not 1, and the order of members counts: a body is written in it."""
    return "json", to_json(value)


def _reference(node: Record) -> tuple[object, ...]:
    """Return a reference with its JSON Pointer and its property steps as one list of names."""
    fields = {name: getattr(node, name) for name in field_names(node)}
    pointer, path = fields.pop("pointer") or "", fields.pop("path")
    tokens = [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]
    tokens += ["\0length" if step == "length" else str(step) for step in path]  # of a list too, unlike a pointer
    return (type(node).__name__, *fields.values(), tuple(tokens))


def _canonical(query: Query) -> str:
    """Return the text of a query with what is tolerated in it spelt as the Specification does."""
    text, tolerated = query.text, query.tolerated
    for _ in range(_MOST_ROUNDS):
        first = next(filter(None, (_spelt(text, each) for each in tolerated)), None)
        if first is None:
            break
        try:
            tolerated = compile_query(first, query.kind, query.version).tolerated
        except ExpressionSyntaxError:
            break
        text = first
    return text


def _spelt(text: str, tolerated: ToleratedSyntax) -> str | None:
    offset, length = tolerated.span or (tolerated.offset, tolerated.length)
    if tolerated.canonical is None or not length or tolerated.code == "jsonpath-version":
        return None
    return text[:offset] + tolerated.canonical + text[offset + length :]


def _message_call(call: MessageCall) -> tuple[object, ...]:
    operation = None if call.operation is None else call.operation.pointer
    server = None if call.server is None else call.server.pointer
    messages = tuple(each.pointer for each in call.messages)
    told = call.source, call.action, call.channel.pointer, operation, server, messages
    return "message", *told, call.address, call.protocol, call.url, call.correlation, call.places, call.inbox


# ------------------------------------------------------------------ what the document gives


def _same_scope(one: CompiledWorkflow, other: CompiledWorkflow) -> bool:
    """Return whether what the expressions of a workflow read of its document is the same."""
    before, after = one.document, other.document
    if (before.uri, before.self_uri, before.is_remote) != (after.uri, after.self_uri, after.is_remote):
        return False
    return all(same(_read(before, each), _read(after, each)) for each in _document_references(one))


def _document_references(value: object) -> Iterator[SourceReference | ComponentReference]:
    """Yield the expressions inside a part that read a source description or a component."""
    if isinstance(value, (SourceReference, ComponentReference)):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _document_references(item)
    elif isinstance(value, Record) and not isinstance(value, (DocumentScope, Location, OperationCall, Query)):
        for name in field_names(value):
            if name not in _SHOWN:
                yield from _document_references(getattr(value, name))


def _read(scope: DocumentScope, reference: SourceReference | ComponentReference) -> JsonValue:
    if isinstance(reference, SourceReference):
        return scope.sources.get(reference.source, {}).get(reference.reference)
    return scope.components.get(reference.type, {}).get(reference.name)


class _Targets:
    """What the steps of the entry document call, as written: of steps that are not linked."""

    def __init__(self, program: Program) -> None:
        workflows = program.description.workflows
        self._steps = {(each.workflow_id, step.step_id): step for each in workflows for step in each.steps}

    def target(self, workflow_id: str, step_id: str) -> tuple[object, ...] | None:
        step = self._steps.get((workflow_id, step_id))
        return None if step is None else _target(step)


def _target(step: Step) -> tuple[object, ...]:
    """Return the target of a step without what distinguishes its spellings, and where it sends its parameters."""
    texts = step.operation_id, step.operation_path, step.channel_path, step.workflow_id
    # Without a description, parameters are compiled without their places; inputs of a workflow have none.
    own = (each for each in step.parameters if isinstance(each, Parameter) and step.workflow_id is None)
    return *(_plain(text or "") for text in texts), tuple((each.name, each.in_) for each in own)


def _plain(text: str) -> str:
    bare = text.replace("{$sourceDescriptions.", "$sourceDescriptions.", 1).replace(".url}#", "#").replace(".url#", "#")
    return bare.removeprefix("$sourceDescriptions.").replace("~1", "/")
