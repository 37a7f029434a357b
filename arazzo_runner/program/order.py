"""The stable topological order of steps (semantics §5): the document's order wherever it is free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def stable_order(names: Sequence[str], needs: Mapping[str, Iterable[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (order, cycle): every name after all it needs; `cycle` names those that cannot be ordered.

    Always takes the first name of the document that is free, so a document already in order
    stays as it is. Unknown needs are ignored. Linear in names and needs for ordered documents.
    """
    known = set(names)
    waiting = {name: {need for need in needs.get(name, ()) if need in known and need != name} for name in names}
    order: list[str] = []
    done: set[str] = set()
    left = list(names)
    while left:
        free = next((name for name in left if waiting[name] <= done), None)
        if free is None:
            return (*order, *left), tuple(_cycle(left, waiting, done))
        order.append(free)
        done.add(free)
        left.remove(free)
    return tuple(order), ()


def _cycle(left: Sequence[str], waiting: Mapping[str, set[str]], done: set[str]) -> list[str]:
    """Follow needs from the first stuck name until one repeats."""
    path: list[str] = []
    name = left[0]
    while name not in path:
        path.append(name)
        name = next(need for need in waiting[name] if need not in done)
    return [*path[path.index(name) :], name]
