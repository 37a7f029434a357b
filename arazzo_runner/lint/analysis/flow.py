"""The control flow graph of a workflow's steps.

Steps are in the order of execution (semantics §5), with an edge to every step that may come next.
The graph may have more paths than a run can take, never fewer: what is unreachable in it is unreachable.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from itertools import takewhile

from arazzo_runner.base.records import Record
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.program.model import CompiledAction, CompiledStep, CompiledWorkflow


class BrokenPlaces:
    """The places of errors that were found before: what is there was not compiled, and is not judged again."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self._pointers: dict[str, list[str]] = {}
        for found in diagnostics:
            if found.severity is Severity.ERROR:
                self._pointers.setdefault(found.at.uri, []).append(found.at.pointer + "/")
        for pointers in self._pointers.values():
            pointers.sort()

    def inside(self, at: Location, field: str = "") -> bool:
        """Return whether there is an error at a location, or at a field of it, or below."""
        pointers = self._pointers.get(at.uri)
        if pointers is None:
            return False
        prefix = f"{at.pointer}/{field}/" if field else f"{at.pointer}/"
        index = bisect_left(pointers, prefix)
        return index < len(pointers) and pointers[index].startswith(prefix)

    def outside(self, at: Location, fields: Collection[str]) -> bool:
        """Return whether there is an error at a location or below, other than in these fields of it."""
        pointers, prefix = self._pointers.get(at.uri, []), f"{at.pointer}/"
        found = pointers[bisect_left(pointers, prefix) :]
        inside = takewhile(lambda pointer: pointer.startswith(prefix), found)
        return any(pointer[len(prefix) :].partition("/")[0] not in fields for pointer in inside)


class Flow(Record):
    """The graph of one workflow's steps, by their index in its order.

    `after[i]` are the steps that may come after step i, `repairs[i]` those that a retry runs
    before it tries step i again. `leaves[i]`: the workflow may end there by an `end`, a goto to a
    workflow, or because the last step passed, but not by an unhandled failure. `reached` are the
    steps that may be visited.
    """

    workflow: CompiledWorkflow
    after: tuple[tuple[int, ...], ...]
    repairs: tuple[tuple[int, ...], ...]
    leaves: tuple[bool, ...]
    reached: frozenset[int]


def flow_of(workflow: CompiledWorkflow, broken: BrokenPlaces) -> Flow:
    """Return the graph of a workflow; an action with errors may lead anywhere."""
    open_ended = [_lost_actions(workflow, step, broken) for step in workflow.steps]
    successors = [_successors(workflow, index, broken) for index in range(len(workflow.steps))]
    after = tuple(targets for targets, _ in successors)
    repairs = tuple(_repairs(workflow, step) for step in workflow.steps)
    leaves = tuple(leaves or lost for (_, leaves), lost in zip(successors, open_ended, strict=True))
    every = [(*onward, *aside) for onward, aside in zip(after, repairs, strict=True)]
    reached = range(len(after)) if any(open_ended) else reached_from(every, (0,) if after else ())
    return Flow(workflow, after, repairs, leaves, frozenset(reached))


def reached_from(after: Sequence[Iterable[int]], start: Iterable[int]) -> frozenset[int]:
    """Return every node that can be reached over edges, including the first ones."""
    waiting = list(start)
    seen = set(waiting)
    while waiting:
        for target in after[waiting.pop()]:
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return frozenset(seen)


def reversed_edges(after: Sequence[Iterable[int]]) -> list[list[int]]:
    """Return the nodes from which an edge leads to each node."""
    before: list[list[int]] = [[] for _ in after]
    for index, targets in enumerate(after):
        for target in targets:
            before[target].append(index)
    return before


def is_unconditional(action: CompiledAction, broken: BrokenPlaces) -> bool:
    """Return whether an action is taken whenever it is tested, so that none after it is."""
    return not action.criteria and action.type != "retry" and not broken.inside(action.at)


def _successors(workflow: CompiledWorkflow, index: int, broken: BrokenPlaces) -> tuple[tuple[int, ...], bool]:
    step = workflow.steps[index]
    targets, leaves = _taken(workflow, step.on_success, broken)
    if not any(is_unconditional(action, broken) for action in step.on_success):
        following = index + 1
        targets += [following] if following < len(workflow.steps) else []
        leaves = leaves or following == len(workflow.steps)
    failing, leaves_failing = _taken(workflow, step.on_failure, broken)
    return tuple(dict.fromkeys((*targets, *failing))), leaves or leaves_failing


def _taken(
    workflow: CompiledWorkflow, actions: Iterable[CompiledAction], broken: BrokenPlaces
) -> tuple[list[int], bool]:
    """Return the steps that a list of actions leads to, and whether one of them leaves the workflow."""
    targets: list[int] = []
    leaves = False
    for action in actions:
        if action.type == "retry":
            continue
        if action.step_id is not None and action.step_id in workflow.positions:
            targets.append(workflow.entrance(action.step_id))
        else:
            leaves = True
        if is_unconditional(action, broken):
            break
    return targets, leaves


def _repairs(workflow: CompiledWorkflow, step: CompiledStep) -> tuple[int, ...]:
    named = (action.step_id or "" for action in step.on_failure if action.type == "retry")
    return tuple(workflow.positions[name] for name in named if name in workflow.positions)


def _lost_actions(workflow: CompiledWorkflow, step: CompiledStep, broken: BrokenPlaces) -> bool:
    """Return whether an action of a step has errors, so that its target is unknown."""
    own = broken.inside(step.at, "onSuccess") or broken.inside(step.at, "onFailure")
    return own or broken.inside(workflow.at, "successActions") or broken.inside(workflow.at, "failureActions")


class Dominance:
    """Which steps lie on every path to a step (Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm")."""

    def __init__(self, after: Sequence[Sequence[int]]) -> None:
        self._nearest = _nearest(after)
        self._entered, self._left = _numbered(self._nearest)

    def is_walked(self, step: int) -> bool:
        """Return whether a step can be reached from the first one."""
        return self._nearest[step] >= 0

    def passes(self, step: int, other: int) -> bool:
        """Return whether every path to `step` passes `other`."""
        return self._entered[other] <= self._entered[step] and self._left[step] <= self._left[other]


def _nearest(after: Sequence[Sequence[int]]) -> list[int]:
    """Return the immediate dominator of each node; the first has itself, unreachable ones -1."""
    order = _reverse_postorder(after)
    rank = {node: number for number, node in enumerate(order)}
    before = reversed_edges(after)
    nearest = [-1] * len(after)
    if order:
        nearest[0] = 0
    changed = True
    while changed:
        changed = False
        for node in order[1:]:
            found = -1
            for each in before[node]:
                if nearest[each] >= 0:
                    found = each if found < 0 else _common(each, found, nearest, rank)
            changed = changed or nearest[node] != found
            nearest[node] = found
    return nearest


def _common(one: int, other: int, nearest: Sequence[int], rank: dict[int, int]) -> int:
    while one != other:
        while rank[one] > rank[other]:
            one = nearest[one]
        while rank[other] > rank[one]:
            other = nearest[other]
    return one


def _numbered(nearest: Sequence[int]) -> tuple[list[int], list[int]]:
    """Number the dominator tree: a node is below another if its interval is inside the other's."""
    below: list[list[int]] = [[] for _ in nearest]
    for node, parent in enumerate(nearest):
        if parent >= 0 and node:
            below[parent].append(node)
    entered, left = [-1] * len(nearest), [-1] * len(nearest)
    clock = 0
    waiting = [(0, False)] if nearest else []
    while waiting:
        node, is_done = waiting.pop()
        clock += 1
        if is_done:
            left[node] = clock
        else:
            entered[node] = clock
            waiting.append((node, True))
            waiting += [(each, False) for each in below[node]]
    return entered, left


def _reverse_postorder(after: Sequence[Sequence[int]]) -> list[int]:
    order: list[int] = []
    seen = {0}
    waiting = [(0, iter(after[0]))] if after else []
    while waiting:
        node, targets = waiting[-1]
        following = next((target for target in targets if target not in seen), None)
        if following is None:
            order.append(node)
            waiting.pop()
        else:
            seen.add(following)
            waiting.append((following, iter(after[following])))
    return order[::-1]
