"""The order of steps: actions that are never taken, limits of retries, endless loops, steps never reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias, assert_never

from arazzo_runner.document.model import Criterion, FailureAction, ReusableObject, SuccessAction
from arazzo_runner.errors import Location, Severity
from arazzo_runner.expressions.nodes import StepReference
from arazzo_runner.lint.analysis.conditions import (
    Atom,
    atoms_of,
    contradiction,
    may_hold_without_response,
    possible_statuses,
    statuses_to_try,
    surely_holds,
)
from arazzo_runner.lint.analysis.flow import BrokenPlaces, Dominance, Flow, reached_from, reversed_edges
from arazzo_runner.lint.analysis.uses import sent
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.context import pinpoint
from arazzo_runner.program.model import (
    CompiledAction,
    CompiledCriterion,
    CompiledStep,
    MessageCall,
    OperationCall,
    Unlinked,
    WorkflowCall,
)

_TARGET_FIELDS: Final = frozenset({"stepId", "workflowId", "retryAfter", "retryLimit"})
"""Fields of an action that do not decide whether it is taken."""

Item: TypeAlias = SuccessAction | FailureAction | ReusableObject
Known: TypeAlias = Mapping[str, SuccessAction] | Mapping[str, FailureAction]


@rule(
    "action-never-taken", "flow", trigger=Trigger(words=("onSuccess", "onFailure", "successActions", "failureActions"))
)
def action_never_taken(inspection: Inspection) -> Iterator[Finding]:
    """Report actions behind one that always applies, and actions whose criteria never hold when they are tested."""
    components = inspection.description.components
    success, failure = components.success_actions, components.failure_actions
    for workflow in inspection.description.workflows:
        lists: list[tuple[Sequence[Item], Known]] = [
            (workflow.success_actions, success),
            (workflow.failure_actions, failure),
        ]
        for step in workflow.steps:
            lists += [(step.on_success, success), (step.on_failure, failure)]
        for items, known in lists:
            if len(items) > 1:
                yield from _hidden(items, known, inspection.broken)
    with_own = {step.at.pointer for _, step in inspection.steps if step.on_success or step.on_failure}
    for _, compiled in inspection.compiled_steps:
        if compiled.at.pointer in with_own:
            yield from _impossible(inspection, compiled)


def _hidden(items: Sequence[Item], known: Known, broken: BrokenPlaces) -> Iterator[Finding]:
    """Yield the actions of a list behind one with the same criteria, or without any."""
    earlier: dict[frozenset[str], SuccessAction | FailureAction] = {}
    for item in items:
        action = _followed(item, known)
        if action is None or broken.outside(item.at, _TARGET_FIELDS):
            continue
        criteria = frozenset(_text(criterion) for criterion in action.criteria)
        before = earlier.get(frozenset()) or earlier.get(criteria)
        if before is not None:
            why = "has the same criteria" if before.criteria else "has no criteria, so it always applies"
            message = f'action "{action.name}" is never taken: "{before.name}" before it {why}'
            hint = f'move it above "{before.name}", or tell them apart by criteria'
            yield Finding(message, item.at, hint, related=(before.at,))
        elif action.type != "retry":  # after its last retry the next action applies
            earlier[criteria] = action


def _followed(item: Item, known: Known) -> SuccessAction | FailureAction | None:
    return known.get(item.reference.rpartition(".")[2]) if isinstance(item, ReusableObject) else item


def _text(criterion: Criterion) -> str:
    kind = criterion.type.type if criterion.type is not None else "simple"
    return f"{kind}\0{criterion.context or ''}\0{criterion.condition}"


def _impossible(inspection: Inspection, step: CompiledStep) -> Iterator[Finding]:
    """Yield a step's own actions whose criteria never hold once the step has passed, or failed."""
    if inspection.broken.inside(step.at, "successCriteria"):
        return
    has_status = _has_status(step)
    for action in _own(step.on_success, step):
        if _never_after_success(step.criteria, action.criteria, has_status):
            hint = "the success criteria hold by then; an action for failures belongs in onFailure"
            yield _never(action, step, "passed", hint)
    for action in _own(step.on_failure, step):
        if _never_after_failure(step.criteria, action.criteria, has_status):
            hint = "a failed step has not met its success criteria; an action for success belongs in onSuccess"
            yield _never(action, step, "failed", hint)


def _has_status(step: CompiledStep) -> bool:
    """Return whether a step has an HTTP response, so that it passes or fails by its status."""
    match step.call:
        case OperationCall():
            return True
        case MessageCall() | WorkflowCall() | Unlinked():
            return False
        case _:
            assert_never(step.call)


def _never_after_success(
    needed: Sequence[CompiledCriterion], wanted: Sequence[CompiledCriterion], has_status: bool
) -> bool:
    before, atoms = atoms_of(needed), atoms_of(wanted)
    if not atoms or contradiction(before) is not None or contradiction(atoms) is not None:
        return False  # reported by contradicting-criteria
    return contradiction([*before, *atoms]) is not None or (has_status and not _can_pass_with(before, atoms))


def _never_after_failure(
    needed: Sequence[CompiledCriterion], wanted: Sequence[CompiledCriterion], has_status: bool
) -> bool:
    before, atoms = atoms_of(needed), atoms_of(wanted)
    if not atoms or contradiction(before) is not None or contradiction(atoms) is not None:
        return False
    return has_status and not _can_fail_with(before, atoms)


def _never(action: CompiledAction, step: CompiledStep, outcome: str, hint: str) -> Finding:
    message = f'action "{action.name}" is never taken: its criteria never hold when step "{step.step_id}" {outcome}'
    return Finding(message, action.at, hint)


def _own(actions: Iterable[CompiledAction], step: CompiledStep) -> list[CompiledAction]:
    uri, inside = step.at.uri, f"{step.at.pointer}/"
    return [each for each in actions if each.at.pointer.startswith(inside) and each.at.uri == uri]


def _can_pass_with(needed: Sequence[Atom], atoms: Sequence[Atom]) -> bool:
    """Return whether the step passes and the action applies with some status; without criteria 2xx passes."""
    return any(needed or _is_success(status) for status in possible_statuses([*needed, *atoms]))


def _can_fail_with(needed: Sequence[Atom], atoms: Sequence[Atom]) -> bool:
    """Return whether the step fails and the action applies with some status, or without a response."""
    if may_hold_without_response(atoms):
        return True
    possible = possible_statuses(atoms, statuses_to_try(needed) if needed else ())
    return any(not (surely_holds(needed, status) if needed else _is_success(status)) for status in possible)


def _is_success(status: int) -> bool:
    return 200 <= status < 300 or status == 304


@rule(
    "retry-limits",
    "flow",
    trigger=Trigger(words=("retry",)),
    options={"most-retries": 1000, "longest-wait": 24 * 3600},
)
def retry_limits(inspection: Inspection) -> Iterator[Finding]:
    """Report retry actions that never retry, or whose number of retries or waiting time exceeds the options."""
    most = retry_limits.option(inspection, "most-retries")
    longest = retry_limits.option(inspection, "longest-wait")
    for action in inspection.actions:
        if isinstance(action, FailureAction) and action.type == "retry":
            for message, at, hint in _problems(action, most, longest):
                yield Finding(message, at, hint)


def _problems(action: FailureAction, most: int, longest: int) -> Iterator[tuple[str, Location, str]]:
    limit = 1 if action.retry_limit is None else action.retry_limit
    wait = action.retry_after or 0.0
    at_limit = action.at.child("retryLimit")
    if limit == 0:
        yield f'action "{action.name}" never retries: its retryLimit is 0', at_limit, "write 1 or more"
    elif limit > most:
        hint = f"a limit above {most} is rarely intended; write a smaller one"
        yield f'action "{action.name}" retries {limit} times', at_limit, hint
    elif wait > longest:
        message = f'action "{action.name}" waits {wait:g} seconds before a retry'
        yield message, action.at.child("retryAfter"), "retryAfter counts seconds, not milliseconds"
    elif wait * limit > longest:
        message = f'action "{action.name}" may wait {wait * limit:g} seconds in all ({limit} times {wait:g})'
        yield message, at_limit, "write a smaller limit or wait"


@rule("endless-loop", "flow", severity=Severity.ERROR, trigger=Trigger(needs="certain-actions"))
def endless_loop(inspection: Inspection) -> Iterator[Finding]:
    """Report loops of steps that only a failure ends."""
    for flow in inspection.flows:
        for loop in _loops(flow):
            names = [flow.workflow.steps[index].step_id for index in loop]
            message = f"steps repeat endlessly ({' → '.join([*names, names[0]])}): only a failure ends this loop"
            hint = "give the goto criteria, or put an action that ends the loop above it"
            yield Finding(message, _closing(flow, loop), hint)


def _loops(flow: Flow) -> Iterator[list[int]]:
    """Yield one loop of every group of reached steps without an exit."""
    ends = [index for index, leaves in enumerate(flow.leaves) if leaves]
    can_leave = reached_from(reversed_edges(flow.after), ends)
    seen: set[int] = set()
    walked = reached_from(flow.after, (0,)) if flow.after else frozenset()
    for start in sorted(walked - can_leave):
        path: list[int] = []
        index = start
        while index not in seen:
            seen.add(index)
            path.append(index)
            index = flow.after[index][0]
        if index in path:
            yield path[path.index(index) :]


def _closing(flow: Flow, loop: list[int]) -> Location:
    """Return the location of the goto that closes a loop."""
    last = flow.workflow.steps[loop[-1]]
    target = flow.workflow.steps[loop[0]].step_id
    actions = (*last.on_success, *last.on_failure)
    return next((action.at for action in actions if action.step_id == target), last.at)


@rule("step-never-reached", "flow", trigger=Trigger(needs="certain-actions"))
def step_never_reached(inspection: Inspection) -> Iterator[Finding]:
    """Report steps that no way through their workflow reaches."""
    for flow in inspection.flows:
        for index, step in enumerate(flow.workflow.steps):
            if index not in flow.reached:
                message = f'step "{step.step_id}" is never reached: every path before it ends or goes elsewhere'
                hint = f"reach it with a goto and stepId: {step.step_id}, or give criteria to the action before it"
                at = step.at.child("stepId")
                yield Finding(message, at, hint)


@rule("skipped-step-output", "flow", severity=Severity.INFO, trigger=Trigger(words=("goto",), needs="actions"))
def skipped_step_output(inspection: Inspection) -> Iterator[Finding]:
    """Report outputs that are sent by a step although a goto may have skipped the step that sets them."""
    flows = {flow.workflow.key: flow for flow in inspection.flows if _has_goto(flow)}
    dominance = {key: Dominance(flow.after) for key, flow in flows.items()}
    for workflow, step in inspection.compiled_steps:
        for expression, at, _ in sent(step) if workflow.key in dominance else ():
            if not isinstance(expression, StepReference):
                continue
            setter, reader = expression.step_id, step.step_id
            if _may_be_skipped(setter, step, dominance[workflow.key], workflow.positions):
                message = f'{expression} has no value when a goto skips step "{setter}" on the way to step "{reader}"'
                hint = f'make every path to "{reader}" go through "{setter}", or read another value there'
                at = pinpoint(expression, at, inspection.description.raw)
                yield Finding(message, at, hint)


def _has_goto(flow: Flow) -> bool:
    steps = flow.workflow.steps
    return any(action.type == "goto" for step in steps for action in (*step.on_success, *step.on_failure))


def _may_be_skipped(name: str, reader: CompiledStep, dominance: Dominance, positions: Mapping[str, int]) -> bool:
    index, setter = positions[reader.step_id], positions.get(name)
    if setter is None or setter == index or name in reader.later or not dominance.is_walked(index):
        return False
    return not dominance.passes(index, setter)
