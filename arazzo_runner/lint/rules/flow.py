"""The order of steps: loops without end, steps that are never reached or skipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from arazzo_runner.errors import Location, Severity
from arazzo_runner.expressions.nodes import StepReference
from arazzo_runner.lint.analysis.flow import Dominance, Flow, reached_from, reversed_edges
from arazzo_runner.lint.analysis.references import pinpoint
from arazzo_runner.lint.analysis.uses import sent
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.model import CompiledStep


@rule("endless-loop", "flow", severity=Severity.ERROR, trigger=Trigger(needs="certain-actions"))
def endless_loop(inspection: Inspection) -> Iterator[Finding]:
    """Report loops of steps that only a failure ends."""
    for flow in inspection.flows:
        for loop in _loops(flow):
            names = [flow.workflow.steps[index].step_id for index in loop]
            message = f"steps go round for ever ({' → '.join([*names, names[0]])}): only a failure ends this loop"
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
                message = f'step "{step.step_id}" is never reached: every way before it ends or leads elsewhere'
                hint = f"lead to it with a goto and stepId: {step.step_id}, or give the action before it criteria"
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
                message = f'{expression} has no value when a goto leads to step "{reader}" around step "{setter}"'
                hint = f'lead every way to "{reader}" through "{setter}", or write a step of its own for the other way'
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
