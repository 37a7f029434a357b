"""Payload replacements carried out at export: the payload as it is sent, its expressions still in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal as OneOf

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.engine.replacements import apply_replacements
from arazzo_runner.export.plan import Body
from arazzo_runner.export.unsayable import Unsayable
from arazzo_runner.program.model import ArrayValue, Literal, ObjectValue, Value

_Mark = Callable[[int], JsonValue]
_REFUSED = "replacements that depend on values of the run are not carried out"


def folded(body: Body) -> Value | None:
    """Return the payload of a body with its replacements set; raises Unsayable when only a run can do that."""
    if not body.replacements:
        return body.payload
    if body.kind not in ("json", "form"):
        raise Unsayable(f"replacements in a body of kind {body.kind} are not carried out")
    kind: OneOf["json", "form"] = "json" if body.kind == "json" else "form"
    texts = _replaced(body, kind, lambda number: f"\ue000{number}\ue001")
    numbers = _replaced(body, kind, lambda number: 7.25e200 + number * 1e190)
    if texts != numbers:  # a filter looked at what is known in the run only
        raise Unsayable(_REFUSED)
    return texts


def _replaced(body: Body, kind: OneOf["json", "form"], mark: _Mark) -> Value:
    """Return the folded payload, where `mark` gives what stands for each computed value meanwhile."""
    computed: list[tuple[JsonValue, Value]] = []
    start = {} if body.payload is None else _marked(body.payload, computed, mark)
    changes = [(each.target, _marked(each.value, computed, mark)) for each in body.replacements]
    done = apply_replacements(start, changes, kind)
    if done.unmatched is not None:
        raise Unsayable(f'the target "{body.replacements[done.unmatched].target.text}" matches nothing in the payload')
    return _unmarked(done.payload, computed)


def _marked(value: Value, computed: list[tuple[JsonValue, Value]], mark: _Mark) -> JsonValue:
    match value:
        case Literal():
            return value.value
        case ObjectValue() if all(isinstance(name, str) for name, _ in value.members):
            return {str(name): _marked(item, computed, mark) for name, item in value.members}
        case ArrayValue():
            return [_marked(item, computed, mark) for item in value.items]
        case _:
            computed.append((mark(len(computed)), value))
            return computed[-1][0]


def _unmarked(value: JsonValue, computed: list[tuple[JsonValue, Value]]) -> Value:
    if isinstance(value, dict):
        return ObjectValue(tuple((name, _unmarked(item, computed)) for name, item in value.items()))
    if isinstance(value, list):
        return ArrayValue(tuple(_unmarked(item, computed) for item in value))
    for found, origin in computed:
        if type(found) is type(value) and found == value:
            return origin
    return Literal(value)
