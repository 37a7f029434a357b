"""Dry runs visit each step once: where a loop or a retry would repeat it, the result says until when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.engine.state import Frame
from arazzo_runner.program.model import CompiledAction, CompiledCriterion, CompiledStep, SimpleCriterion


def way_on(frame: Frame) -> int:
    """Return the first step that was not visited and that a visited one may lead to; the end if there is none."""
    workflow = frame.workflow
    visited = [workflow.positions[each.step_id] for each in frame.results]
    for index in reversed(visited):
        step = workflow.steps[index]
        targets = [workflow.positions[name] for name in _targets(step)]
        free = [each for each in (*targets, index + 1) if each not in visited and each < len(workflow.steps)]
        if free:
            return free[0]
    return len(workflow.steps)


def _targets(step: CompiledStep) -> Iterator[str]:
    for action in (*step.on_success, *step.on_failure):
        if action.type == "goto" and action.step_id is not None:
            yield action.step_id


def repeats(frame: Frame, step: CompiledStep, action: CompiledAction) -> str:
    """Return how a step repeats by its retry, or by a goto back to a visited step, and what ends that."""
    if action.type == "retry":
        wanted = _all(step.criteria) or "it succeeds"
        return f"repeats until {wanted}, at most {action.retry_limit} times"
    start = "repeats" if action.step_id == step.step_id else f'repeats from "{action.step_id}"'
    condition = _all(action.criteria)
    if condition:
        return f"{start} while {condition}"
    ways_out = " or ".join(dict.fromkeys(_ways_out(frame, action))) or "a step fails"
    return f"{start} until {ways_out}"


def _ways_out(frame: Frame, closing: CompiledAction) -> Iterator[str]:
    """Yield the criteria of the actions that lead out of the loop that a goto closes."""
    names = [each.step_id for each in frame.results]
    first = len(names) - 1 - names[::-1].index(closing.step_id) if closing.step_id in names else 0
    inside = dict.fromkeys(names[first:])
    for name in inside:
        step = frame.workflow.steps[frame.workflow.positions[name]]
        for action in (*step.on_success, *step.on_failure):
            if action.type != "retry" and action.step_id not in inside and action.criteria:
                yield _all(action.criteria)


def _all(criteria: Iterable[CompiledCriterion]) -> str:
    return " && ".join(map(_text, criteria))


def _text(criterion: CompiledCriterion) -> str:
    text = " ".join(criterion.text.split())
    return text if isinstance(criterion, SimpleCriterion) else f"{criterion.context} has {text}"
