"""Workflows that call each other, or themselves, without a condition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.lint.analysis.broken import BrokenPlaces
from arazzo_runner.lint.analysis.flow import is_unconditional
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import CompiledWorkflow, WorkflowCall, WorkflowKey

CODE = "endless-recursion"
SEVERITY = Severity.ERROR
GROUP = "flow"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Yield the circles of workflows that a run cannot leave but by failing."""
    calls = {key: tuple(_certain_calls(each, program.broken)) for key, each in program.workflows.items()}
    for circle, at in _circles(calls):
        if at.uri != program.description.at.uri:
            continue
        ways = " → ".join(key.workflow_id for key in (*circle, circle[0]))
        message = f"workflows call each other for ever ({ways}): only a failure ends it"
        hint = "let the call depend on something: put an action with criteria and type: end above it"
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _certain_calls(workflow: CompiledWorkflow, broken: BrokenPlaces) -> Iterator[tuple[WorkflowKey, Location]]:
    """Yield the workflows that are called whenever no step fails: those on the part of the way without a fork."""
    index, seen = 0, set[int]()
    while index < len(workflow.steps) and index not in seen:
        seen.add(index)
        step = workflow.steps[index]
        if isinstance(step.call, WorkflowCall):
            yield step.call.workflow, step.at.child("workflowId")
        if broken.inside(step.at, "onSuccess") or broken.inside(workflow.at, "successActions"):
            return
        action = next(iter(step.on_success), None)
        if action is None:
            index += 1
        elif not is_unconditional(action, broken) or action.type == "end":
            return
        elif action.workflow is not None:
            yield action.workflow, action.at.child("workflowId")
            return
        else:
            index = workflow.positions[action.step_id or ""]


def _circles(
    calls: Mapping[WorkflowKey, tuple[tuple[WorkflowKey, Location], ...]],
) -> Iterator[tuple[tuple[WorkflowKey, ...], Location]]:
    """Yield (workflows in a circle, place of the call that closes it), by a depth-first walk."""
    finished: set[WorkflowKey] = set()
    for start in calls:
        path: dict[WorkflowKey, Iterator[tuple[WorkflowKey, Location]]] = {}
        if start not in finished:
            path[start] = iter(calls[start])
        while path:
            key, following = next(reversed(path.items()))
            called = next(following, None)
            if called is None:
                finished.add(key)
                del path[key]
            elif called[0] in path:
                names = list(path)
                yield tuple(names[names.index(called[0]) :]), called[1]
            elif called[0] not in finished and called[0] in calls:
                path[called[0]] = iter(calls[called[0]])
