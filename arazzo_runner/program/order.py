"""The order of execution (semantics §5): dependencies first, the document's order wherever it is free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import accumulate

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import Location
from arazzo_runner.expressions.nodes import StepReference
from arazzo_runner.program.context import pinpoint
from arazzo_runner.program.model import CompiledStep, CompiledWorkflow, WorkflowKey
from arazzo_runner.program.values import placed_references


def ordered_steps(
    steps: Mapping[str, CompiledStep], problems: Problems, root: JsonValue = None
) -> tuple[CompiledStep, ...]:
    """Return the steps in order of execution: each after the steps it depends on or reads.

    `root` is the document's value, in which the places of expressions are looked up.
    """
    if _is_straight(steps):
        return tuple(steps.values())
    names = list(steps)
    positions = {name: index for index, name in enumerate(names)}
    loops = _loops(steps, positions)
    own = {name: _without_inherited(step, positions) for name, step in steps.items()}
    needs = {name: _needs(step, positions, loops) for name, step in own.items()}
    order, cycle = stable_order(names, needs)
    if cycle:
        at = steps[cycle[0]].at
        message = f"steps wait for each other: {' → '.join(cycle)}"
        problems.error("dependency-cycle", message, at, hint="remove one dependsOn or output reference of the cycle")
    for name, step in own.items():
        for later in sorted(needs[name] & step.reads, key=lambda read: positions.get(read, -1)):
            is_in_circle = name in cycle and later in cycle  # is reported
            if positions.get(later, -1) > positions[name] and not is_in_circle and not _is_ordered(name, later, own):
                _report_later_step(step, later, problems, root)
    return tuple(_with_later(own[name], positions, loops) for name in order)


def _is_straight(steps: Mapping[str, CompiledStep]) -> bool:
    """Return whether the document's order holds: steps read earlier ones only, without dependsOn, goto or retry."""
    earlier = set[str]()
    for name, step in steps.items():
        if step.depends_on or not step.reads <= earlier:
            return False
        for action in (*step.on_success, *step.on_failure):
            if action.step_id is not None:
                return False
        earlier.add(name)
    return True


def _with_later(step: CompiledStep, positions: Mapping[str, int], loops: _Loops) -> CompiledStep:
    """Set `later`: the outputs that a loop provides only after the step's first visit."""
    own = positions[step.step_id]
    after = (name for name in {*step.reads, step.step_id} if positions.get(name, -1) >= own)
    later = frozenset(name for name in after if loops.revisit(own, positions[name]))
    return replace(step, later=later) if later else step


def _without_inherited(step: CompiledStep, positions: Mapping[str, int]) -> CompiledStep:
    """Leave out what only an action of the workflow reads: it is not a dependency of every step above the one read."""
    own = positions[step.step_id]
    later = frozenset(name for name in step.reads if positions.get(name, -1) > own)
    if not later:
        return step
    read = {each.step_id for each, at in _step_references(step) if not is_action_of_workflow(at, step)}
    return step if later <= read else replace(step, reads=step.reads - (later - read))


def is_action_of_workflow(at: Location, step: CompiledStep) -> bool:
    """Return whether a place is in the actions that a step inherits from its workflow."""
    workflow = step.at.pointer.rpartition("/steps/")[0]
    return at.pointer.startswith((f"{workflow}/successActions/", f"{workflow}/failureActions/"))


def _is_ordered(name: str, later: str, steps: Mapping[str, CompiledStep]) -> bool:
    """Return whether `dependsOn` puts the later step before the step `name`, directly or through others."""
    waiting, seen = [*steps[name].depends_on], set[str]()
    while waiting:
        need = waiting.pop()
        if need == later:
            return True
        if need in steps and need not in seen:
            seen.add(need)
            waiting += steps[need].depends_on
            waiting += steps[need].reads
    return False


def _report_later_step(step: CompiledStep, later: str, problems: Problems, root: JsonValue) -> None:
    """Report what reads an output of a later step (Arazzo 1.1 §Validation Recommendations), at its characters."""
    for expression, at in _step_references(step):
        if expression.step_id == later and not is_action_of_workflow(at, step):
            message = f'step "{step.step_id}" reads an output of the later step "{later}"'
            hint = f'write step "{later}" above "{step.step_id}"'
            problems.error("later-step", message, pinpoint(expression, at, root), hint=hint)


def _step_references(step: CompiledStep) -> list[tuple[StepReference, Location]]:
    return [(each, at) for each, at in placed_references(step) if isinstance(each, StepReference)]


def _needs(step: CompiledStep, positions: Mapping[str, int], loops: _Loops) -> set[str]:
    """Return the steps that must run before a step: not those that a loop revisits later (pagination)."""
    needs = set(step.depends_on)
    own = positions[step.step_id]
    for name in step.reads:
        other = positions.get(name, -1)
        if not (other > own and loops.revisit(own, other)):
            needs.add(name)
    return needs


class _Loops(Record):
    """The loops of a workflow: `furthest[i]` is the last step from which a goto leads to step i or before it.

    `repairs` are pairs (step, the step that its retry runs first).
    """

    furthest: tuple[int, ...]
    repairs: frozenset[tuple[int, int]]

    def revisit(self, reader: int, later: int) -> bool:
        """Return whether a goto from `later` or after it, or a retry of the reader, leads back to the reader."""
        return self.furthest[reader] >= max(reader, later) or (reader, later) in self.repairs


def _loops(steps: Mapping[str, CompiledStep], positions: Mapping[str, int]) -> _Loops:
    furthest = [-1] * len(positions)
    repairs: set[tuple[int, int]] = set()
    for name, step in steps.items():
        for action in (*step.on_success, *step.on_failure):
            target = positions.get(action.step_id or "")
            if target is not None and action.type == "goto":
                furthest[target] = max(furthest[target], positions[name])
            elif target is not None and action.type == "retry":
                repairs.add((positions[name], target))
    return _Loops(tuple(accumulate(furthest, max)), frozenset(repairs))


def check_cycles(workflows: Mapping[WorkflowKey, CompiledWorkflow], problems: Problems) -> None:
    """Report a circle of workflows in `dependsOn` (semantics §5)."""
    if not any(workflow.depends_on for workflow in workflows.values()):
        return
    names = {key: f"{key.workflow_id}\0{key.document}" for key in workflows}
    needs = {
        names[key]: [names[need] for need in workflow.depends_on if need in names]
        for key, workflow in workflows.items()
    }
    itself = [key for key, workflow in workflows.items() if key in workflow.depends_on]
    _, cycle = stable_order(list(needs), needs)
    stuck = [name.partition("\0")[0] for name in cycle] or [key.workflow_id for key in itself for _ in range(2)][:2]
    if not stuck:
        return
    at: Location = next(workflow.at for key, workflow in workflows.items() if key.workflow_id == stuck[0])
    message, hint = f"workflows wait for each other: {' → '.join(stuck)}", "remove one dependsOn of the cycle"
    problems.error("dependency-cycle", message, at.child("dependsOn"), hint=hint)


# ------------------------------------------------------------------ sorting


def stable_order(names: Sequence[str], needs: Mapping[str, Iterable[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (order, cycle): each name after all that it needs, and the names of one cycle (empty if there is none).

    A topological sort that always takes the first free name of the document, so a document already
    in order keeps it. Unknown needs are ignored. O(n log n) in names and needs.
    """
    known = set(names)
    waiting = {name: {need for need in needs.get(name, ()) if need in known and need != name} for name in names}
    needed_by: dict[str, list[str]] = {name: [] for name in names}
    for name, own in waiting.items():
        for need in own:
            needed_by[need].append(name)
    positions = {name: index for index, name in enumerate(names)}
    missing = {name: len(own) for name, own in waiting.items()}
    free = [index for index, name in enumerate(names) if not missing[name]]  # sorted, so a heap already
    order: list[str] = []
    while free:
        name = names[heappop(free)]
        order.append(name)
        for other in needed_by[name]:
            missing[other] -= 1
            if not missing[other]:
                heappush(free, positions[other])
    done = set(order)
    left = [name for name in names if name not in done]
    return (*order, *left), tuple(_cycle(left, waiting, done)) if left else ()


def _cycle(left: Sequence[str], waiting: Mapping[str, set[str]], done: set[str]) -> list[str]:
    """Follow needs from the first stuck name until one repeats."""
    path: dict[str, None] = {}
    name = left[0]
    while name not in path:
        path[name] = None
        name = min(need for need in waiting[name] if need not in done)
    names = list(path)
    return [*names[names.index(name) :], name]
