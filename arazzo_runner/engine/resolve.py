"""Compiled values → JSON: what a parameter, payload or output is worth in a Scope."""

from __future__ import annotations

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing, to_text
from arazzo_runner.expressions.evaluate import MissingValue, evaluate, render
from arazzo_runner.expressions.nodes import Expression, ExpressionSyntaxError, InputReference, StepReference, Template
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.expressions.selectors import Query, compile_query, select
from arazzo_runner.program.model import (
    ExpressionValue,
    Literal,
    ObjectValue,
    SelectorValue,
    TemplateValue,
    Value,
)


class Unresolved(Exception):
    """A request needs a value that is not there; `expression` names it, `value` its place."""

    def __init__(self, expression: str, value: Value, reason: str | None = None) -> None:
        super().__init__(expression)
        self.expression = expression
        self.value = value
        self.reason = reason


def resolve(value: Value, scope: Scope) -> JsonValue | Missing:
    """Return what `value` is worth; MISSING when its whole expression has no value.

    Inside structures (semantics §3): a member that may be left out is; anything else missing
    raises Unresolved.
    """
    if isinstance(value, Literal):
        return value.value
    if isinstance(value, ExpressionValue):
        return evaluate(value.expression, scope)
    if isinstance(value, TemplateValue):
        return _rendered(value.template, scope, value)
    if isinstance(value, SelectorValue):
        return _selected(value, scope)
    if isinstance(value, ObjectValue):
        return _object(value, scope)
    return [_needed(item, scope) for item in value.items]


def resolve_output(value: Value, scope: Scope) -> JsonValue | Missing:
    """Return what an output is worth; whatever cannot be had makes it MISSING, never an error."""
    try:
        return resolve(value, scope)
    except Unresolved:
        return MISSING


def may_be_left_out(value: Value, scope: Scope) -> bool:
    """Tell whether an optional place may go without `value`, a whole expression that has none (semantics §3, §5).

    That is an input that was not given, or what a loop will give only after its first round:
    the cursor of the next page, when the first one is asked for.
    """
    if not isinstance(value, ExpressionValue):
        return False
    expression = value.expression
    return isinstance(expression, InputReference) or (
        isinstance(expression, StepReference) and expression.step_id in scope.not_yet
    )


def expression_text(value: Value) -> str:
    """Return the expression a value stands for, for messages."""
    if isinstance(value, ExpressionValue):
        return str(value.expression)
    if isinstance(value, SelectorValue):
        return f"{value.query} of {value.context}"
    return str(value.template) if isinstance(value, TemplateValue) else "value"


def compiled_query(query: Query | Template, kind: str, version: str | None, scope: Scope) -> Query:
    """Return the query of a selector or criterion, embedded expressions evaluated first.

    Raises MissingValue when one of them has no value, ExpressionSyntaxError when the text
    they make is no query.
    """
    if isinstance(query, Template):
        return compile_query(render(query, scope), kind, version)
    return query


def _rendered(template: Template, scope: Scope, value: Value) -> str:
    try:
        return render(template, scope)
    except MissingValue as missing:
        raise Unresolved(str(missing.expression), value, missing.reason) from None


def _selected(value: SelectorValue, scope: Scope) -> JsonValue | Missing:
    context = evaluate(value.context, scope)
    if context is MISSING:
        return MISSING
    try:
        query = compiled_query(value.query, value.kind, value.version, scope)
    except MissingValue as missing:
        raise Unresolved(str(missing.expression), value, missing.reason) from None
    except ExpressionSyntaxError as problem:
        raise Unresolved(str(value.query), value, problem.message) from None
    return select(query, context, timeout=scope.query_timeout, now=scope.now).value


def _object(value: ObjectValue, scope: Scope) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for name, item in value.members:
        worth = resolve(item, scope)
        key = name if isinstance(name, str) else _key(name, scope, item)
        if worth is not MISSING:
            found[key] = worth
        elif not may_be_left_out(item, scope) or key in value.required:
            raise Unresolved(expression_text(item), item)
    return found


def _key(name: Expression | Template, scope: Scope, item: Value) -> str:
    worth = _rendered(name, scope, item) if isinstance(name, Template) else evaluate(name, scope)
    if worth is MISSING:
        raise Unresolved(str(name), item)
    return to_text(worth)


def _needed(item: Value, scope: Scope) -> JsonValue:
    worth = resolve(item, scope)
    if worth is MISSING:
        raise Unresolved(expression_text(item), item)
    return worth
