"""The stable topological order of steps (semantics §5): the document's order wherever it is free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush


def stable_order(names: Sequence[str], needs: Mapping[str, Iterable[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (order, cycle): every name after all it needs; `cycle` names those that cannot be ordered.

    Always takes the first name of the document that is free, so a document already in order
    stays as it is. Unknown needs are ignored. O(n log n) in names and needs.
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
