"""Which workflows of a program a run of one of them can reach."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from arazzo_runner.program.model import CompiledStep, CompiledWorkflow, Program, WorkflowKey


def called_by(workflow: CompiledWorkflow, steps: Iterable[CompiledStep] | None = None) -> Iterator[WorkflowKey]:
    """Yield the workflows that a workflow depends on, and that its steps (all by default) can lead to."""
    yield from workflow.depends_on
    for step in workflow.steps if steps is None else steps:
        if step.called_workflow is not None:
            yield step.called_workflow
        for action in (*step.on_success, *step.on_failure):
            if action.workflow is not None:
                yield action.workflow
        for key, _ in step.foreign_steps:
            yield key


def reachable_workflows(
    program: Program, entry: CompiledWorkflow, chosen: Collection[int]
) -> Iterator[CompiledWorkflow]:
    """Yield a workflow, of which the steps of some indexes run, and those that it can reach, each once."""
    yield entry
    seen = {entry.key}
    waiting = list(called_by(entry, (entry.steps[index] for index in sorted(chosen))))
    while waiting:
        key = waiting.pop(0)
        workflow = program.workflows.get(key)
        if key in seen or workflow is None:
            continue
        seen.add(key)
        yield workflow
        waiting += called_by(workflow)
