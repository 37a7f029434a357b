"""What a condition, or a query, asks of a response body, as values at paths: read from the compiled criteria.

`wants(criterion, scope)` says what would make it hold, as far as that is known; whether it does
then hold is for engine/criteria.py to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, assert_never

from arazzo_runner.base.json_values import MISSING, JsonValue, equal, is_number, pointer_tokens
from arazzo_runner.base.records import Record
from arazzo_runner.expressions import nodes
from arazzo_runner.expressions.evaluate import evaluate
from arazzo_runner.expressions.queries import jsonpath_nodes as jsonpath
from arazzo_runner.expressions.queries.query import Pointer, Query
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.program.model import CompiledCriterion, ContextCriterion, QueryCriterion, SimpleCriterion

Tokens = tuple[str, ...]

_OPPOSITE: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED: Final = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_FALSY: Final = (MISSING, None, False, "", 0)
_MOST_ITEMS: Final = 100


class Want(Record):
    """What is wanted at a path of the body: one of `values`, the first that is allowed (MISSING: no such member).

    With no values anything but nothing will do; `other_than` are values that will not.
    """

    path: Tokens
    values: tuple[JsonValue, ...] = ()
    other_than: tuple[JsonValue, ...] = ()


def wants(criterion: CompiledCriterion, scope: Scope, *, hold: bool = True) -> tuple[Want, ...]:
    """Return what would make a criterion hold, or not hold."""
    match criterion:
        case SimpleCriterion():
            return tuple(_condition(criterion.condition, hold, scope))
        case ContextCriterion():
            path = body_path(criterion.context)
            return () if path is None else tuple(_compared(path, "==" if hold else "!=", criterion.expected))
        case QueryCriterion():
            path = body_path(criterion.context)
            return () if path is None else tuple(_query(path, criterion.query, hold))
        case _:
            assert_never(criterion)


def body_path(expression: nodes.Expression) -> Tokens | None:
    """Return the path of an expression that reads the response's body, None for every other.

    A message of a channel is a mapping of `payload` and `header`, so that a path begins with one of these.
    """
    if not isinstance(expression, nodes.MessageReference):
        return None
    below = (*pointer_tokens(expression.pointer or ""), *map(str, expression.path))
    if expression.message == "message":
        return (expression.part, *((expression.name,) if expression.name else ()), *below)
    return below if expression.message == "response" and expression.part == "body" else None


def query_path(query: Query | nodes.Template) -> Tokens:
    """Return the path of the first value that a query selects, as far as the query alone determines it."""
    if not isinstance(query, Query):
        return ()
    if isinstance(query.compiled, Pointer):
        return pointer_tokens(query.compiled.pointer)
    return _path_tokens(query.compiled) if isinstance(query.compiled, jsonpath.Path) else ()


# ------------------------------------------------------------------ simple conditions


def _condition(node: nodes.Condition, hold: bool, scope: Scope) -> Iterator[Want]:
    match node:
        case nodes.Not():
            yield from _condition(node.operand, not hold, scope)
        case nodes.And() | nodes.Or():
            # Where one is enough, the first that can be granted makes the condition hold, and the others are not asked.
            for operand in node.operands:
                yield from _condition(operand, hold, scope)
        case nodes.Comparison():
            yield from _comparison(node, hold, scope)
        case nodes.Reference() | nodes.Access():
            path = _operand_path(node)
            if path is not None:
                yield Want(path, (), (False, 0)) if hold else Want(path, _FALSY)
        case nodes.Constant():
            return
        case _:
            assert_never(node)


def _comparison(node: nodes.Comparison, hold: bool, scope: Scope) -> Iterator[Want]:
    operator = node.operator if hold else _OPPOSITE[node.operator]
    for one, other, way in ((node.left, node.right, operator), (node.right, node.left, _MIRRORED[operator])):
        path = _operand_path(one)
        if path is not None and _operand_path(other) is None:
            yield from _compared(path, way, _value(other, scope))
            return


def _operand_path(node: nodes.Condition) -> Tokens | None:
    if isinstance(node, nodes.Reference):
        return body_path(node.expression)
    if isinstance(node, nodes.Access):
        below = _operand_path(node.operand)
        return None if below is None else (*below, str(node.step))
    return None


def _value(node: nodes.Condition, scope: Scope) -> JsonValue:
    if isinstance(node, nodes.Constant):
        return node.value
    return evaluate(node.expression, scope) if isinstance(node, nodes.Reference) else MISSING


def _compared(path: Tokens, operator: str, value: JsonValue) -> Iterator[Want]:
    """Yield what makes a comparison hold; equal values of other types (`5` and `"5"`) are tried too."""
    if value is MISSING:
        return
    if path and path[-1].endswith("length") and is_number(value):
        yield from _of_length(_measured(path), operator, int(value))
    elif operator == "==":
        yield Want(path, (None, MISSING) if value is None else _alike(value))
    elif operator == "!=":
        yield Want(path, (), (value,))
        if not any(equal(value, nothing) for nothing in _FALSY):
            yield Want(path, (False, 0, "", None, MISSING))  # where there is nothing else: `more != true`
    elif is_number(value):
        step = {"<": -1, "<=": 0, ">": 1, ">=": 0}[operator]
        yield Want(path, _alike(value + step))
    else:
        yield Want(path, (value,))


def _measured(path: Tokens) -> Tokens:
    """Return the path of what a path ending in `length` or `.length` measures."""
    rest = path[-1].removesuffix("length").removesuffix(".")
    return (*path[:-1], rest) if rest else path[:-1]


def _alike(value: JsonValue) -> tuple[JsonValue, ...]:
    if is_number(value):
        return value, str(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return value, int(value)
    return (value,)


def _of_length(path: Tokens, operator: str, number: int) -> Iterator[Want]:
    """Yield what gives a list the length that a comparison asks for: a last item, or that it is empty."""
    least = {">": number + 1, ">=": number, "==": number, "!=": 1 if number == 0 else 0}.get(operator, 0)
    if 0 < least <= _MOST_ITEMS:
        yield Want((*path, str(least - 1)))
    elif least == 0:
        yield Want(path, ([],))


# ------------------------------------------------------------------ queries


def _query(context: Tokens, query: Query | nodes.Template, hold: bool) -> Iterator[Want]:
    if not isinstance(query, Query):
        return
    if query.kind == "regex":
        yield Want(context, (), (MISSING,))
    elif query.kind == "jsonpath":
        compiled = query.compiled
        found = _selects(compiled) if isinstance(compiled, jsonpath.Path) else _test(compiled, True, ())
        for want in found if hold else _not(compiled):
            yield Want((*context, *want.path), want.values, want.other_than)


def _not(compiled: object) -> Iterator[Want]:
    if isinstance(compiled, jsonpath.Path):
        yield Want(_path_tokens(compiled), (MISSING, []))
    else:
        yield from _test(compiled, False, ())


def _selects(path: jsonpath.Path) -> Iterator[Want]:
    """Yield what makes a path select something: that its value is there, and that its filters hold for it."""
    yield Want(_path_tokens(path), (), (MISSING,))
    before: Tokens = ()
    for segment in path.segments:
        selector = segment.selectors[0]
        token = _token(selector)
        if segment.descendant or token is None:
            return
        if isinstance(selector, jsonpath.Filter):
            yield from _test(selector.test, True, (*before, token))
            if not before:
                yield from _test(selector.test, True, ())
        before = (*before, token)


def _path_tokens(path: jsonpath.Path) -> Tokens:
    """Return the tokens of a path as far as it is plain; a filter or a wildcard is taken for the first item."""
    found: list[str] = []
    for segment in path.segments:
        token = _token(segment.selectors[0])
        if segment.descendant or token is None:
            break
        found.append(token)
    return tuple(found)


def _token(selector: jsonpath.Selector) -> str | None:
    match selector:
        case jsonpath.Name():
            return selector.name
        case jsonpath.Index():
            return str(max(selector.index, 0))
        case jsonpath.Wildcard() | jsonpath.Filter():
            return "0"
        case jsonpath.Slice():
            return None
        case _:
            assert_never(selector)


def _test(test: object, hold: bool, current: Tokens) -> Iterator[Want]:
    """Yield what makes a test hold, or not, whose `@` is at the path `current`."""
    match test:
        case jsonpath.Not():
            yield from _test(test.test, not hold, current)
        case jsonpath.AllOf() | jsonpath.AnyOf():
            for part in test.tests:
                yield from _test(part, hold, current)
        case jsonpath.Exists():
            yield Want(_under(test.path, current), () if hold else (MISSING,))
        case jsonpath.Truthy():
            path = jsonpath.operand_path(test.operand)
            if path is not None:
                yield Want(_under(path, current), () if hold else _FALSY, (False, 0) if hold else ())
        case jsonpath.Matches():
            path = jsonpath.operand_path(test.text)
            if path is not None:
                yield Want(_under(path, current), (), (MISSING,))
        case jsonpath.Compare():
            yield from _compare(test, hold, current)


def _compare(test: jsonpath.Compare, hold: bool, current: Tokens) -> Iterator[Want]:
    operator = test.operator if hold else _OPPOSITE[test.operator]
    for one, other, way in ((test.left, test.right, operator), (test.right, test.left, _MIRRORED[operator])):
        path = jsonpath.operand_path(one)
        if path is None or not isinstance(other, jsonpath.Constant):
            continue
        tokens = _under(path, current)
        if not isinstance(one, jsonpath.ValueOf) and is_number(other.value):
            counted = tokens[:-1] if isinstance(one, jsonpath.Count) and tokens[-1:] == ("0",) else tokens
            yield from _of_length(counted, way, int(other.value))
        else:
            yield from _compared(tokens, way, other.value)
        return


def _under(path: jsonpath.Path, current: Tokens) -> Tokens:
    return _path_tokens(path) if path.absolute else (*current, *_path_tokens(path))
