"""Loops of workflows, and what ends them: criteria of actions, in terms of the response that they depend on.

A loop that follows pages goes on while `$steps.readPage.outputs.next != null`, say: what the mock can do about it is
in the body that `readPage` gets, wherever the criterion is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import assert_never

from arazzo_runner.base.json_values import escaped
from arazzo_runner.base.records import MutableRecord, Record, field, replace
from arazzo_runner.expressions import nodes
from arazzo_runner.expressions.nodes import Condition, Expression, MessageReference, OutputReference, StepReference
from arazzo_runner.program.model import (
    CompiledAction,
    CompiledCriterion,
    CompiledStep,
    CompiledWorkflow,
    ContextCriterion,
    ExpressionValue,
    MessageCall,
    OperationCall,
    Program,
    QueryCriterion,
    SelectorValue,
    SimpleCriterion,
    Value,
    WorkflowKey,
)
from arazzo_runner.program.values import criterion_references
from arazzo_runner.runtime.mock.wants import query_path

Criteria = tuple[CompiledCriterion, ...]
StepPlace = tuple[WorkflowKey, int]
"""A step: its workflow, and its index there."""

_DEEPEST = 20  # workflows that call workflows


class Loops(MutableRecord):
    """What keeps one step in its loops (`returns`) and leads out of them (`leaves`), as criteria about its response."""

    returns: list[Criteria] = field(default_factory=list)
    leaves: list[Criteria] = field(default_factory=list)


def loops(program: Program) -> Mapping[StepPlace, Loops]:
    """Return the loops of each step that is in one."""
    found: dict[StepPlace, Loops] = {}
    for key, workflow in program.workflows.items():
        for loop in _loops(workflow):
            for place in _inside(program, key, loop):
                found.setdefault(place, Loops())
            _add(program, key, loop, found)
    return found


class _Loop(Record):
    """The steps from `first` to `last`, run again because of an action of the last one."""

    first: int
    last: int
    action: CompiledAction


def _loops(workflow: CompiledWorkflow) -> Iterator[_Loop]:
    for index, step in enumerate(workflow.steps):
        for action in (*step.on_success, *step.on_failure):
            first = index if action.type == "retry" else workflow.positions.get(action.step_id or "")
            if action.type != "retry" and action.workflow == workflow.key:
                first = 0
            if first is not None and first <= index:
                yield _Loop(first, index, action)


def _inside(program: Program, key: WorkflowKey, loop: _Loop) -> Iterator[StepPlace]:
    """Yield the steps that a loop runs again, those of called workflows included."""
    waiting = [(key, index) for index in range(loop.first, loop.last + 1)]
    seen = set(waiting)
    for place in waiting:  # grows while it is walked
        yield place
        called = _step(program, place).called_workflow
        workflow = None if called is None else program.workflows.get(called)
        if called is not None and workflow is not None:
            more = [(called, index) for index in range(len(workflow.steps))]
            waiting += [each for each in more if each not in seen]
            seen.update(more)


def _step(program: Program, place: StepPlace) -> CompiledStep:
    return program.workflows[place[0]].steps[place[1]]


def _add(program: Program, key: WorkflowKey, loop: _Loop, found: Mapping[StepPlace, Loops]) -> None:
    """Add the criteria of the action that closes a loop, and of those that lead out of it."""
    workflow = program.workflows[key]
    for place, criteria in _by_step(program, (key, loop.last), loop.action).items():
        if place in found:
            found[place].returns.append(criteria)
    for index, action in _actions(workflow, loop):
        if _leads_out(action, workflow, loop):
            for place, criteria in _by_step(program, (key, index), action).items():
                if place in found:
                    found[place].leaves.append(criteria)


def _actions(workflow: CompiledWorkflow, loop: _Loop) -> list[tuple[int, CompiledAction]]:
    """Return the actions of the steps in a loop with the indexes of these: a loop had better end by a success."""
    inside = range(loop.first, loop.last + 1)
    return [
        *((index, action) for index in inside for action in workflow.steps[index].on_success),
        *((index, action) for index in inside for action in workflow.steps[index].on_failure),
    ]


def _leads_out(action: CompiledAction, workflow: CompiledWorkflow, loop: _Loop) -> bool:
    if action.type == "retry":
        return False
    if action.step_id is not None:
        return workflow.positions[action.step_id] > loop.last
    return action.workflow != workflow.key


# ------------------------------------------------------------------ criteria in terms of responses


def _by_step(program: Program, place: StepPlace, action: CompiledAction) -> dict[StepPlace, Criteria]:
    """Return the criteria of an action of a step, by the step whose response they are about."""
    found: dict[StepPlace, list[CompiledCriterion]] = {}
    for criterion in action.criteria:
        read = {each: _origin(program, place, each) for each in criterion_references(criterion)}
        for step in dict.fromkeys(origin[0] for origin in read.values() if origin is not None):
            own = {each: origin[1] for each, origin in read.items() if origin is not None and origin[0] == step}
            found.setdefault(step, []).append(_rewritten(criterion, own))
    return {step: tuple(criteria) for step, criteria in found.items()}


def _origin(
    program: Program, place: StepPlace, expression: Expression, depth: int = 0
) -> tuple[StepPlace, Expression] | None:
    """Return the step whose response an expression of another step comes from, and what it reads of that response."""
    step = _step(program, place)
    if depth > _DEEPEST:
        return None
    match expression:
        case nodes.Keyword(name="statusCode") | MessageReference(message="response"):
            return (place, expression) if isinstance(step.call, OperationCall) else None
        case MessageReference(message="message"):
            return (place, expression) if isinstance(step.call, MessageCall) else None
        case OutputReference():
            return _of_workflow(program, step, expression.name, expression, depth)
        case StepReference(output=str() as output):
            index = program.workflows[place[0]].positions.get(expression.step_id)
            if index is None:
                return None
            source = (place[0], index)
            step = _step(program, source)
            made = _of_outputs(program, source, step.outputs, output, expression, depth)
            return made or _of_workflow(program, step, output, expression, depth)
        case _:
            return None


def _of_workflow(
    program: Program, step: CompiledStep, name: str, reference: OutputReference | StepReference, depth: int
) -> tuple[StepPlace, Expression] | None:
    """Return the same for an output of the workflow that a step calls."""
    workflow = None if step.called_workflow is None else program.workflows.get(step.called_workflow)
    if workflow is None or not workflow.steps:
        return None
    return _of_outputs(program, (workflow.key, 0), workflow.outputs, name, reference, depth)


def _of_outputs(
    program: Program,
    place: StepPlace,
    outputs: tuple[tuple[str, Value], ...],
    name: str,
    reference: OutputReference | StepReference,
    depth: int,
) -> tuple[StepPlace, Expression] | None:
    for each, value in outputs:
        rest = _rest(name, each)
        base = None if rest is None else _expression(value)
        found = None if base is None else _origin(program, place, base, depth + 1)
        if found is not None and rest is not None:
            return found[0], _further(found[1], rest, reference)
    return None


def _rest(name: str, output: str) -> tuple[str, ...] | None:
    """Return the members that a dotted name has after an output's name, None if it is not of that output."""
    if name == output:
        return ()
    return tuple(name.removeprefix(f"{output}.").split(".")) if name.startswith(f"{output}.") else None


def _expression(value: Value) -> Expression | None:
    if isinstance(value, ExpressionValue):
        return value.expression
    if isinstance(value, SelectorValue) and isinstance(value.context, MessageReference):
        tokens = query_path(value.query)
        return _deeper(value.context, tokens) if tokens else None
    return None


def _further(base: Expression, rest: tuple[str, ...], reference: OutputReference | StepReference) -> Expression:
    """Return an expression that reads, of what another reads, what a reference to it reads."""
    if not isinstance(base, MessageReference) or base.part not in ("body", "payload"):
        return base
    pointed = _deeper(base, rest, reference.pointer or "")
    return replace(pointed, path=(*pointed.path, *reference.path))


def _deeper(base: MessageReference, tokens: tuple[str, ...], pointer: str = "") -> MessageReference:
    if not tokens and not pointer:
        return base
    walked = (*map(str, base.path), *tokens)
    below = "".join(f"/{escaped(each)}" for each in walked)
    return replace(base, pointer=f"{base.pointer or ''}{below}{pointer}", path=())


def _rewritten(criterion: CompiledCriterion, others: Mapping[Expression, Expression]) -> CompiledCriterion:
    """Return a criterion that reads other expressions in place of some."""

    def read(each: Expression) -> Expression:
        return others.get(each, each)

    match criterion:
        case SimpleCriterion():
            references = tuple(map(read, criterion.references))
            condition = rewritten(criterion.condition, lambda each: nodes.Reference(read(each)))
            return replace(criterion, condition=condition, references=references)
        case ContextCriterion() | QueryCriterion():
            return replace(criterion, context=read(criterion.context))
        case _:
            assert_never(criterion)


def rewritten(node: Condition, read: Callable[[Expression], Condition]) -> Condition:
    """Return a condition with what `read` returns in place of each expression."""
    match node:
        case nodes.Constant():
            return node
        case nodes.Reference():
            return read(node.expression)
        case nodes.Access() | nodes.Not():
            return replace(node, operand=rewritten(node.operand, read))
        case nodes.Comparison():
            return replace(node, left=rewritten(node.left, read), right=rewritten(node.right, read))
        case nodes.And() | nodes.Or():
            return replace(node, operands=tuple(rewritten(each, read) for each in node.operands))
        case _:
            assert_never(node)
