"""Where a step waits for its message: in its own place, or where its result is needed first (semantics §9).

A `dependsOn` on a step that receives is a join point for work that goes on meanwhile (Arazzo 1.1 §Step Object).
"""

from __future__ import annotations

from collections.abc import Sequence

from arazzo_runner.base.records import replace
from arazzo_runner.program.model import CompiledAction, CompiledStep, MessageCall
from arazzo_runner.program.order import is_action_of_workflow


def at_join_points(steps: Sequence[CompiledStep]) -> tuple[CompiledStep, ...]:
    """Return steps in order of execution with each that waits at a join point moved there.

    It has no actions of its own, no action leads to it, and a later step names it in `dependsOn`: it is just
    before the first step that depends on it or reads it, and its time runs from its own place (`waits_from`). Where
    an action leads past that place, to what needs it too, it stays where it was written.
    """
    targets = {action.step_id for step in steps for action in (*step.on_success, *step.on_failure)}
    moved = {}
    for index, step in enumerate(steps):
        if _can_wait(step, targets) and any(step.step_id in later.depends_on for later in steps[index + 1 :]):
            first = next(each for each in range(index + 1, len(steps)) if _needs(steps[each], step.step_id))
            if not _is_missed(steps, index, first):
                moved[step.step_id] = steps[first].step_id
    return _moved(steps, moved) if moved else tuple(steps)


def _can_wait(step: CompiledStep, targets: set[str | None]) -> bool:
    if not isinstance(step.call, MessageCall) or step.call.action != "receive" or step.step_id in targets:
        return False
    return not any(_is_own(action, step) for action in (*step.on_success, *step.on_failure))


def _is_own(action: CompiledAction, step: CompiledStep) -> bool:
    """Return whether an action is of the step itself, or leads elsewhere: its place would then have a meaning."""
    return action.type == "goto" or not is_action_of_workflow(action.at, step)


def _is_missed(steps: Sequence[CompiledStep], index: int, join: int) -> bool:
    """Return whether an action between a step and its join point leads beyond it, from where the step is needed."""
    needed = max(each for each in range(join, len(steps)) if _needs(steps[each], steps[index].step_id))
    places = {step.step_id: place for place, step in enumerate(steps)}
    between = [action for step in steps[index + 1 : join] for action in (*step.on_success, *step.on_failure)]
    targets = (places.get(action.step_id or "", -1) for action in between if action.type == "goto")
    return any(join < target <= needed for target in targets)


def _needs(step: CompiledStep, name: str) -> bool:
    return name in step.depends_on or name in step.reads


def _moved(steps: Sequence[CompiledStep], moved: dict[str, str]) -> tuple[CompiledStep, ...]:
    """Return the steps with those in `moved` before the steps that it names; several keep their order."""
    waiting: dict[str, list[CompiledStep]] = {}
    found: list[CompiledStep] = []
    for index, step in enumerate(steps):
        if step.step_id not in moved:
            for each in waiting.pop(step.step_id, ()):
                found += _with_waiting(each, waiting)
            found.append(step)
            continue
        start = next(each.step_id for each in steps[index + 1 :] if each.step_id not in moved)
        # A step directly before its reader waits in its own turn.
        waits_from = None if _last_before(moved, step.step_id) == start else start
        waiting.setdefault(moved[step.step_id], []).append(replace(step, waits_from=waits_from))
    return tuple(found)


def _with_waiting(step: CompiledStep, waiting: dict[str, list[CompiledStep]]) -> list[CompiledStep]:
    """Return a step after those that wait for it to come."""
    before = [each for own in waiting.pop(step.step_id, ()) for each in _with_waiting(own, waiting)]
    return [*before, step]


def _last_before(moved: dict[str, str], name: str) -> str:
    """Return the step that a moved step is finally placed before, which is not moved itself."""
    while name in moved:
        name = moved[name]
    return name
