"""Steps that lead to each other for ever: no action among them ends the workflow or leads out."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.lint.analysis.flow import Flow, reached_from, reversed_edges
from arazzo_runner.lint.inspection import Inspection

CODE = "endless-loop"
SEVERITY = Severity.ERROR
GROUP = "flow"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Yield the loops of every workflow that only a failure can end."""
    for flow in program.flows:
        for loop in _loops(flow):
            names = [flow.workflow.steps[index].step_id for index in loop]
            message = f"steps go round for ever ({' → '.join([*names, names[0]])}): only a failure ends this loop"
            hint = "give the goto criteria, or put an action that ends the loop above it"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=_closing(flow, loop), hint=hint)


def _loops(flow: Flow) -> Iterator[list[int]]:
    """Yield one loop of every group of reached steps from which no way leads out."""
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
    """Return the place of the goto that closes a loop."""
    last = flow.workflow.steps[loop[-1]]
    target = flow.workflow.steps[loop[0]].step_id
    actions = (*last.on_success, *last.on_failure)
    return next((action.at for action in actions if action.step_id == target), last.at)
