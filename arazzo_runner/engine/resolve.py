"""Compiled values → JSON: the values of parameters, payloads and outputs in a Scope."""

from __future__ import annotations

from typing import assert_never

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing, to_text
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.expressions.evaluate import MissingValue, evaluate, render
from arazzo_runner.expressions.nodes import (
    Expression,
    ExpressionSyntaxError,
    InputReference,
    StepReference,
    Template,
    TextLanguage,
)
from arazzo_runner.expressions.queries.query import Query, compile_query, select
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.program.model import (
    ArrayValue,
    ExpressionValue,
    Literal,
    ObjectValue,
    SelectorValue,
    TemplateValue,
    Value,
)


class Unresolved(Exception):
    """A value is needed that an expression does not have; `value` is where the expression is used."""

    def __init__(self, expression: str, value: Value, reason: str | None = None) -> None:
        super().__init__(expression)
        self.expression = expression
        self.value = value
        self.reason = reason


class CannotBuild(Exception):
    """A request or the inputs of a workflow cannot be built: the step fails before anything is sent."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic

    @classmethod
    def because(cls, code: str, message: str, at: Location, hint: str | None = None) -> CannotBuild:
        """Return one with a Diagnostic of these parts."""
        return cls(Diagnostic(code=code, severity=Severity.ERROR, message=message, at=at, hint=hint))


def resolve(value: Value, scope: Scope) -> JsonValue | Missing:
    """Return the JSON value of `value`; MISSING when it is a single expression without a value.

    Inside structures (semantics §3) a member that may be left out is left out; anything else
    without a value raises Unresolved.
    """
    match value:
        case Literal():
            return value.value
        case ExpressionValue():
            return evaluate(value.expression, scope)
        case TemplateValue():
            return _rendered(value.template, scope, value, value.language)
        case SelectorValue():
            return _selected(value, scope)
        case ObjectValue():
            return _object(value, scope)
        case ArrayValue():
            return [_needed(item, scope) for item in value.items]
        case _:
            assert_never(value)


def resolve_output(value: Value, scope: Scope) -> JsonValue | Missing:
    """Return the JSON value of an output, MISSING when any part of it has no value."""
    try:
        return resolve(value, scope)
    except Unresolved:
        return MISSING


def may_be_left_out(value: Value, scope: Scope) -> bool:
    """Return whether `value`, an expression without a value, may be left out where it is optional (semantics §3, §5).

    It may when it refers to an input that was not given, or to a step that a loop reaches later:
    the cursor of the next page is missing when the first page is requested.
    """
    if not isinstance(value, ExpressionValue):
        return False
    expression = value.expression
    return isinstance(expression, InputReference) or (
        isinstance(expression, StepReference) and expression.step_id in scope.not_yet
    )


def expression_text(value: Value) -> str:
    """Return the expression of a value as text, for messages."""
    if isinstance(value, ExpressionValue):
        return str(value.expression)
    if isinstance(value, SelectorValue):
        return f"{value.query} of {value.context}"
    return str(value.template) if isinstance(value, TemplateValue) else "value"


def compiled_query(query: Query | Template, kind: str, version: str | None, scope: Scope) -> Query:
    """Return the query of a selector or criterion, with its embedded expressions as literals of its language.

    Raises MissingValue when one of them has no value or cannot stand where it is, ExpressionSyntaxError
    when the resulting text is not a query.
    """
    if isinstance(query, Template):
        from arazzo_runner.expressions.text_languages import query_language  # lazily: few queries have expressions

        return compile_query(_render(query, scope, query_language(kind, version)), kind, version)
    return query


def _rendered(template: Template, scope: Scope, value: Value, language: TextLanguage = "text") -> str:
    try:
        return _render(template, scope, language)
    except MissingValue as missing:
        raise Unresolved(str(missing.expression), value, missing.reason) from None


def _render(template: Template, scope: Scope, language: TextLanguage) -> str:
    if language == "text":
        return render(template, scope)
    from arazzo_runner.expressions.text_languages import render_as  # lazily: most texts have no language

    return render_as(template, scope, language)


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
    selection = select(query, context, timeout=scope.query_timeout, now=scope.now)
    if selection.stopped:
        raise Unresolved(str(query), value, selection.reason)
    return selection.value


def _object(value: ObjectValue, scope: Scope) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for name, item in value.members:
        resolved = resolve(item, scope)
        key = name if isinstance(name, str) else _key(name, scope, item)
        if resolved is not MISSING:
            found[key] = resolved
        elif not may_be_left_out(item, scope) or key in value.required:
            raise Unresolved(expression_text(item), item)
    return found


def _key(name: Expression | Template, scope: Scope, item: Value) -> str:
    resolved = _rendered(name, scope, item) if isinstance(name, Template) else evaluate(name, scope)
    if resolved is MISSING:
        raise Unresolved(str(name), item)
    return to_text(resolved)


def _needed(item: Value, scope: Scope) -> JsonValue:
    resolved = resolve(item, scope)
    if resolved is MISSING:
        raise Unresolved(expression_text(item), item)
    return resolved
