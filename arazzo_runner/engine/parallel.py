"""Which steps, and which workflows, may run at the same time without changing any result."""

from __future__ import annotations

from collections.abc import Container, Sequence

from arazzo_runner.expressions.nodes import WorkflowReference
from arazzo_runner.program.model import CompiledStep, CompiledWorkflow, Program, WorkflowCall, WorkflowKey
from arazzo_runner.program.references import value_references


def parallel_group(workflow: CompiledWorkflow, index: int, limit: int, taken: Container[int]) -> list[int]:
    """Return the indexes of steps to run now, `index` first, at most `limit`, in document order.

    A later step joins when it needs none of the steps before it that have not run yet. The
    search ends at a step whose success action leads elsewhere or whose retry runs something
    else: what comes after it may never be reached, or may see what it changes.
    """
    steps = workflow.steps
    group = [index]
    pending = {steps[index].step_id}
    for later in range(index + 1, len(steps)):
        if len(group) >= limit or diverts(steps[later - 1]):
            break
        step = steps[later]
        free = pending.isdisjoint(step.depends_on) and pending.isdisjoint(step.reads)
        if free and later not in taken and not step.foreign_steps and not _reads_workflows(step):
            group.append(later)
        pending.add(step.step_id)
    return group


def diverts(step: CompiledStep) -> bool:
    """Tell whether a step that passes may lead elsewhere, or runs other steps before a retry."""
    if step.on_success:
        return True
    return any(
        action.type == "retry" and (action.step_id is not None or action.workflow is not None)
        for action in step.on_failure
    )


def _reads_workflows(step: CompiledStep) -> bool:
    if isinstance(step.call, WorkflowCall):
        return False
    values = [parameter.value for parameter in step.parameters]
    if step.body is not None and step.body.payload is not None:
        values.append(step.body.payload)
    return any(isinstance(each, WorkflowReference) for value in values for each in value_references(value))


def depended_on(program: Program, key: WorkflowKey) -> list[WorkflowKey]:
    """Return all workflows that one depends on, also through others, each after those it depends on itself."""
    found: dict[WorkflowKey, None] = {}
    waiting = [*reversed(program.workflows[key].depends_on)]
    while waiting:
        needed = [each for each in program.workflows[waiting[-1]].depends_on if each not in found]
        if needed:
            waiting += reversed(needed)
        else:
            found[waiting.pop()] = None
    return list(found)


def ready_workflows(
    program: Program, order: Sequence[WorkflowKey], finished: Container[WorkflowKey], limit: int
) -> list[WorkflowKey]:
    """Return those of `order` that can run now: not finished, all that they depend on is."""
    ready = [
        key
        for key in order
        if key not in finished and all(each in finished for each in program.workflows[key].depends_on)
    ]
    return ready[:limit]
