"""Payload replacements carried out at export: the payload as it is sent, its expressions still in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.engine.replacements import MediaKind, apply_replacements
from arazzo_runner.expressions.queries.jsonpath_nodes import Filter, Name, Path, operand_path, operands
from arazzo_runner.expressions.queries.query import Pointer, Query
from arazzo_runner.program.model import ArrayValue, CompiledReplacement, Literal, ObjectValue, Value

_MARK: Final = "\ue002"


def folded(payload: Value | None, replacements: Sequence[CompiledReplacement], kind: MediaKind) -> Value | None:
    """Return a payload with its replacements in place; None where that depends on values of the run.

    Computed values are marks meanwhile; no filter may read one.
    """
    computed: list[Value] = []
    start = {} if payload is None else _marked(payload, computed)
    for each in replacements:
        if not _is_known(each.target, start):
            return None
        done = apply_replacements(start, [(each.target, _marked(each.value, computed))], kind)
        if done.unmatched is not None:
            return None
        start = done.payload
    return _unmarked(start, computed)


def _is_known(target: Query, payload: JsonValue) -> bool:
    """Return whether the places of a target are the same whatever the values of marks are."""
    if not isinstance(target.compiled, Path):
        return isinstance(target.compiled, Pointer)
    read: set[str] = set()
    for segment in target.compiled.segments:
        for selector in segment.selectors:
            if isinstance(selector, Filter):
                paths = [path for each in operands(selector.test) if (path := operand_path(each)) is not None]
                names = [_names(path) for path in paths]
                if not all(names):
                    return not any(_places(payload))
                read.update(name for each in names for name in each)
    return not any(read & set(place) for place in _places(payload))


def _names(path: Path) -> tuple[str, ...]:
    """Return the names of a path that has nothing else, else ()."""
    selectors = [each.selectors[0] for each in path.segments if len(each.selectors) == 1 and not each.descendant]
    names = tuple(each.name for each in selectors if isinstance(each, Name))
    return names if len(names) == len(path.segments) else ()


def _places(payload: JsonValue, place: tuple[str, ...] = ("$",)) -> Iterator[tuple[str, ...]]:
    """Yield where the marks of a payload are."""
    if isinstance(payload, dict):
        for name, item in payload.items():
            yield from _places(item, (*place, name))
    elif isinstance(payload, list):
        for item in payload:
            yield from _places(item, place)
    elif isinstance(payload, str) and payload.startswith(_MARK):
        yield place


def _marked(value: Value, computed: list[Value]) -> JsonValue:
    match value:
        case Literal():
            return value.value
        case ObjectValue() if all(isinstance(name, str) for name, _ in value.members):
            return {str(name): _marked(item, computed) for name, item in value.members}
        case ArrayValue():
            return [_marked(item, computed) for item in value.items]
        case _:
            computed.append(value)
            return f"{_MARK}{len(computed) - 1}"


def _unmarked(value: JsonValue, computed: list[Value]) -> Value:
    if isinstance(value, str) and value.startswith(_MARK):
        return computed[int(value[1:])]
    if isinstance(value, dict):
        return ObjectValue(tuple((name, _unmarked(item, computed)) for name, item in value.items()))
    if isinstance(value, list):
        return ArrayValue(tuple(_unmarked(item, computed) for item in value))
    return Literal(value)
