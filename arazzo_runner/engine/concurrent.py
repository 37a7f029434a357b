"""Independent steps and workflows at the same time, without tasks.

Each branch is a coroutine driven by hand until it asks for an effect; the effects of all branches
make a Batch, in the order of the branches; each Batch waits for its slowest effect. Equal answers
give equal runs, so parallel runs replay like sequential ones (a free `gather` would not).
"""

from __future__ import annotations

from collections.abc import Container, Coroutine, Generator, Sequence
from typing import Any, Generic, TypeVar, assert_never, cast

from arazzo_runner.engine.effects import (
    Answer,
    Batch,
    Effect,
    NoFile,
    NoResponse,
    Now,
    ReadFile,
    SendRequest,
    Sleep,
    World,
    known,
)
from arazzo_runner.expressions.nodes import WorkflowReference
from arazzo_runner.program.model import (
    CompiledStep,
    CompiledWorkflow,
    OperationCall,
    Program,
    Unlinked,
    WorkflowCall,
    WorkflowKey,
)
from arazzo_runner.program.values import value_references

Result = TypeVar("Result")


class _Ask(Generic[Answer]):
    """Suspends a branch with an effect and resumes it with the answer."""

    __slots__ = ("effect",)

    def __init__(self, effect: Effect[Answer]) -> None:
        self.effect = effect

    def __await__(self) -> Generator[Effect[Answer], Answer, Answer]:
        answer: Answer = yield self.effect
        return answer


class BranchWorld:
    """The World inside a branch: it performs nothing, `run_branches` does."""

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Suspend the branch until the Batch with this effect is answered."""
        answer: Answer = await _Ask(effect)
        return answer


async def run_branches(world: World, key: str, branches: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Run all branches, whose World is a BranchWorld, and return their results in order."""
    results: dict[int, Result] = {}
    answers: dict[int, object] = dict.fromkeys(range(len(branches)))
    number = 0
    while answers:
        asked: dict[int, Effect[object]] = {}
        for index, answer in answers.items():
            try:
                asked[index] = cast("Effect[object]", branches[index].send(answer))
            except StopIteration as done:
                results[index] = done.value
        if not asked:
            break
        number += 1
        effects = tuple(asked.values())
        batch = Batch(key=f"{key}~{number}", safe=all(effect.safe for effect in effects), effects=effects)
        answered: tuple[object, ...] = await world.perform(batch)
        answers = dict(zip(asked, answered, strict=True))
    return [results[index] for index in range(len(branches))]


def interrupted_answers(batch: Batch, now: float) -> tuple[object, ...]:
    """Return an answer for each effect of a Batch during which the run was interrupted."""
    return tuple(_interrupted_answer(effect, now) for effect in batch.effects)


def _interrupted_answer(effect: Effect[Any], now: float) -> object:
    match found := known(effect):
        case SendRequest():
            return NoResponse("interrupted", "interrupted while the request was under way", sent=True)
        case ReadFile():
            return NoFile("interrupted before the file was read")
        case Now():
            return now
        case Sleep():
            return None
        case Batch():
            return interrupted_answers(found, now)
        case _:
            assert_never(found)


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
    """Return whether a step may be followed by another than the next, or runs other steps before a retry."""
    if step.on_success:
        return True
    return any(
        action.type == "retry" and (action.step_id is not None or action.workflow is not None)
        for action in step.on_failure
    )


def _reads_workflows(step: CompiledStep) -> bool:
    match step.call:
        case WorkflowCall():
            return False
        case OperationCall() | Unlinked():
            values = [parameter.value for parameter in step.parameters]
            if step.body is not None and step.body.payload is not None:
                values.append(step.body.payload)
            return any(isinstance(each, WorkflowReference) for value in values for each in value_references(value))
        case _:
            assert_never(step.call)


def depended_on(program: Program, key: WorkflowKey) -> list[WorkflowKey]:
    """Return the workflows that one depends on, also indirectly, each after those it depends on itself."""
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
    """Return at most `limit` of `order` that can run now: not finished themselves, their dependencies are."""
    ready = [
        key
        for key in order
        if key not in finished and all(each in finished for each in program.workflows[key].depends_on)
    ]
    return ready[:limit]
