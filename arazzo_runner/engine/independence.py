"""Which steps and workflows may run at the same time, so that the results are those of the sequential run."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.expressions.nodes import Expression, WorkflowReference
from arazzo_runner.program.model import CompiledStep, CompiledWorkflow, MessageCall, Program, Value, WorkflowKey
from arazzo_runner.program.values import action_references, criterion_references, steps_read, value_references


def diverts(step: CompiledStep) -> bool:
    """Return whether a step may be followed by another than the next, or runs other steps before a retry.

    What comes after it may never be reached, or may see what it changes.
    """
    return bool(step.on_success) or repairs(step)


def repairs(step: CompiledStep) -> bool:
    """Return whether a step runs another step, or a workflow, before a retry."""
    return any(
        action.type == "retry" and (action.step_id is not None or action.workflow is not None)
        for action in step.on_failure
    )


def needs(step: CompiledStep) -> frozenset[str]:
    """Return the steps that a step waits for or reads, its actions included."""
    return steps_read(_references(step)).union(step.depends_on)


def follows_message(workflow: CompiledWorkflow, index: int) -> int | None:
    """Return the step before one that sends to the same source, or receives from the same subscription.

    Messages keep their order: what is sent must not overtake what is sent before it, and of two steps that
    receive the first gets the first message. It need not have passed, only ended.
    """
    own = workflow.steps[index]
    if not isinstance(own.call, MessageCall):
        return None
    for before in range(index - 1, -1, -1):
        other = workflow.steps[before]
        if isinstance(other.call, MessageCall) and _share_messages(workflow, own, own.call, other, other.call):
            return before
    return None


def _share_messages(
    workflow: CompiledWorkflow, own: CompiledStep, call: MessageCall, other: CompiledStep, before: MessageCall
) -> bool:
    if call.action != before.action:
        return False
    if call.action == "send":
        return (call.source, call.url) == (before.source, before.url)
    return any({own.step_id, other.step_id} <= {*arm.step_ids} for arm in workflow.arms)


def may_run_ahead(program: Program, step: CompiledStep) -> bool:
    """Return whether a step may run before the steps before it that it does not need.

    It may not when it changes steps before it, or when it or a workflow that it calls reads the
    results of workflows or runs some only once: these depend on what has run before.
    """
    return not repairs(step) and not _reads_workflows(program, step, set())


def sees_workflows(program: Program, key: WorkflowKey) -> bool:
    """Return whether a workflow, or one that it calls, reads the results of others that ran in this run."""
    return _sees(program, program.workflows[key], set())


def _sees(program: Program, workflow: CompiledWorkflow, seen: set[WorkflowKey]) -> bool:
    seen.add(workflow.key)
    outputs = (reference for _, value in workflow.outputs for reference in value_references(value))
    return any(_is_of_workflow(each) for each in outputs) or any(
        _reads_workflows(program, step, seen) for step in workflow.steps
    )


def _reads_workflows(program: Program, step: CompiledStep, seen: set[WorkflowKey]) -> bool:
    if step.foreign_steps or any(map(_is_of_workflow, _references(step))):
        return True
    return any(
        bool(program.workflows[key].depends_on) or _sees(program, program.workflows[key], seen)
        for key in _called(step)
        if key not in seen
    )


def _called(step: CompiledStep) -> Iterator[WorkflowKey]:
    """Yield the workflows that a step or one of its actions calls."""
    actions = (*step.on_success, *step.on_failure)
    for key in (step.called_workflow, *(action.workflow for action in actions)):
        if key is not None:
            yield key


def needed_by_calls(program: Program, key: WorkflowKey) -> frozenset[WorkflowKey]:
    """Return the workflows that the steps of one may run, because a workflow that they call depends on them."""
    found: set[WorkflowKey] = set()
    seen = {key}
    waiting = [key]
    while waiting:
        workflow = program.workflows[waiting.pop()]
        needed = () if workflow.key == key else workflow.depends_on
        found.update(needed)
        called = [each for step in workflow.steps for each in _called(step)]
        new = dict.fromkeys(each for each in (*needed, *called) if each not in seen)
        seen.update(new)
        waiting += new
    return frozenset(found)


def _is_of_workflow(reference: Expression) -> bool:
    return isinstance(reference, WorkflowReference)


def _references(step: CompiledStep) -> Iterator[Expression]:
    """Yield every expression of a step."""
    values: list[Value] = [value for _, value in step.outputs]
    values += [each.value for each in step.parameters]
    if step.body is not None:
        values += [] if step.body.payload is None else [step.body.payload]
        values += [each.value for each in step.body.replacements]
        values += [] if step.body.key is None else [step.body.key]
    if isinstance(step.call, MessageCall) and step.call.correlation is not None:
        values.append(step.call.correlation)
    for value in values:
        yield from value_references(value)
    for criterion in step.criteria:
        yield from criterion_references(criterion)
    for action in (*step.on_success, *step.on_failure):
        yield from action_references(action)


def depended_on(program: Program, key: WorkflowKey) -> dict[WorkflowKey, WorkflowKey]:
    """Return the workflows that one depends on, also indirectly, each after those it depends on itself.

    With each comes the one that runs it in a sequential run.
    """
    found: dict[WorkflowKey, WorkflowKey] = {}
    waiting = [(each, key) for each in reversed(program.workflows[key].depends_on)]
    while waiting:
        own, above = waiting[-1]
        needed = [each for each in program.workflows[own].depends_on if each not in found]
        if needed:
            waiting += [(each, own) for each in reversed(needed)]
        else:
            found.setdefault(own, above)
            waiting.pop()
    return found
