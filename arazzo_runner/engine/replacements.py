"""Payload replacements: values set at places of a payload (Arazzo 1.1 §Payload Replacement Object).

A target must exist: one that matches nothing fails the step before anything is sent
(semantics §6). A JSON Pointer may also name a new member of an object that exists, or `-` for
a new last item (RFC 6901 §4), as "a location to inject the value".
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Final, Literal as OneOf, TypeAlias

from arazzo_runner.base.json_values import MISSING, JsonValue, member, pointer_tokens, to_text
from arazzo_runner.base.records import Record
from arazzo_runner.expressions.queries.budget import Budget, QueryFailure
from arazzo_runner.expressions.queries.jsonpath_nodes import Path
from arazzo_runner.expressions.queries.jsonpath_walker import Walker
from arazzo_runner.expressions.queries.query import Pointer, Query
from arazzo_runner.expressions.queries.xml_tree import parse_xml, write_xml
from arazzo_runner.expressions.queries.xpath import XPath
from arazzo_runner.expressions.queries.xpath_evaluate import xpath_targets

MediaKind: TypeAlias = OneOf["json", "form", "xml"]


class Replaced(Record):
    """The changed copy of a payload; or `unmatched`, the index of the replacement that failed, and why."""

    payload: JsonValue
    unmatched: int | None = None
    reason: str | None = None


NOTHING_SELECTED: Final = "the target selects nothing in the payload"


class _Unmatched(Exception):
    """A target selects nothing; the message says why."""


def apply_replacements(
    payload: JsonValue,
    replacements: Sequence[tuple[Query, JsonValue]],
    kind: MediaKind,
    *,
    timeout: float = 1.0,
    now: float = 0.0,
) -> Replaced:
    """Set each value at the places that its target selects, in order; each sees the changes of those before it.

    `kind` is the payload's media kind; XML is a text and stays one. `payload` is copied, never
    changed. `timeout` bounds the work of each target, `now` is the time for XPath's current-dateTime().
    """
    changed = payload if isinstance(payload, (str, bytes)) else copy.deepcopy(payload)
    for index, (target, value) in enumerate(replacements):
        try:
            changed = _replace(changed, target, value, kind, Budget(timeout), now)
        except (_Unmatched, QueryFailure) as problem:
            return Replaced(payload, index, str(problem).replace("the context", "the payload"))
    return Replaced(changed)


def _replace(
    payload: JsonValue, target: Query, value: JsonValue, kind: MediaKind, budget: Budget, now: float
) -> JsonValue:
    compiled = target.compiled
    if isinstance(compiled, XPath):
        return _replace_xml(payload, compiled, value, budget, now)
    if kind == "xml":
        raise _Unmatched(f"a {target.kind} target does not reach into XML; use an XPath")
    if isinstance(compiled, Pointer):
        return _replace_pointer(payload, compiled.pointer, copy.deepcopy(value))
    if isinstance(compiled, Path):
        return _replace_jsonpath(payload, compiled, value, budget)
    raise _Unmatched(f'"{target.text}" is a condition, not a place in the payload')


def _replace_pointer(payload: JsonValue, pointer: str, value: JsonValue) -> JsonValue:
    if not pointer:
        return value
    *path, last = pointer_tokens(pointer)
    parent = payload
    for token in path:
        parent = member(parent, token)
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list) and last in ("-", str(len(parent))):
        parent.append(value)
    elif isinstance(parent, list) and member(parent, last) is not MISSING:
        parent[int(last)] = value
    else:
        raise _Unmatched(f"there is no object or list for {pointer} in the payload")
    return payload


def _replace_jsonpath(payload: JsonValue, path: Path, value: JsonValue, budget: Budget) -> JsonValue:
    nodes = Walker(payload, budget).nodes(path)
    if not nodes:
        raise _Unmatched(NOTHING_SELECTED)
    for _, parent, place in nodes:
        if parent is None:
            payload = copy.deepcopy(value)
        else:  # `place` is a name of a dict or an index of a list, as the walk found it
            parent[place] = copy.deepcopy(value)  # type: ignore[index]
    return payload


def _replace_xml(payload: JsonValue, query: XPath, value: JsonValue, budget: Budget, now: float) -> str:
    if not isinstance(payload, str):
        raise QueryFailure("an XPath target needs a payload that is XML text")
    root = parse_xml(payload)
    targets = xpath_targets(query, root, budget, now)
    if not targets:
        raise _Unmatched(NOTHING_SELECTED)
    for target in targets:
        try:
            target.set(to_text(value))
        except ValueError as problem:
            raise _Unmatched(f"the value cannot be written in XML: {problem}") from None
    return write_xml(root, payload)
