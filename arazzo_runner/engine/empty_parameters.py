"""Parameters that would be sent empty because an expression in them has no value: `Authorization: Bearer `."""

from __future__ import annotations

from arazzo_runner.base.json_values import JsonValue, to_json, to_text
from arazzo_runner.base.secrets import SECRET_HEADERS, is_secret_name
from arazzo_runner.engine.resolve import CannotBuild
from arazzo_runner.expressions.evaluate import evaluate
from arazzo_runner.expressions.nodes import Expression, InputReference, StepReference
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.program.model import CompiledParameter, ExpressionValue
from arazzo_runner.program.values import value_references


def refuse_empty(parameter: CompiledParameter, value: JsonValue, scope: Scope) -> None:
    """Raise CannotBuild for a header, cookie or credential that would be empty because of an expression in it.

    One that is written as empty text is sent, and so is an input that the caller gave as empty, except as a
    credential. In a query an empty value means something (`?q=`), in a path it is refused anyway.
    """
    is_credential = parameter.location in ("header", "query") and _is_credential(parameter.name)
    if parameter.location not in ("header", "cookie") and not is_credential:
        return
    empty = [each for each in value_references(parameter.value) if _is_nothing(evaluate(each, scope))]
    if not empty or not (_is_blank(value) or (is_credential and _has_only(empty, parameter))):
        return
    if not is_credential and value == "" and _is_input(parameter):
        return
    step = next((each.step_id for each in empty if isinstance(each, StepReference)), None)
    origin = "" if step is None else f', as step "{step}" gave it'
    raise CannotBuild.because("missing-value", _message(parameter, empty[0], value, scope, origin), parameter.at)


def _is_credential(name: str) -> bool:
    return name.lower() in SECRET_HEADERS or is_secret_name(name)


def _is_nothing(value: JsonValue) -> bool:
    return value is None or value == ""


def _is_blank(value: JsonValue) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _has_only(empty: list[Expression], parameter: CompiledParameter) -> bool:
    """Return whether no expression of a parameter has a value: only what is written around them would be sent."""
    return len(empty) == len(list(value_references(parameter.value)))


def _is_input(parameter: CompiledParameter) -> bool:
    value = parameter.value
    return isinstance(value, ExpressionValue) and isinstance(value.expression, InputReference)


def _message(parameter: CompiledParameter, empty: Expression, value: JsonValue, scope: Scope, origin: str) -> str:
    kind = "query parameter" if parameter.location == "query" else parameter.location
    would = "empty" if _is_blank(value) else f"`{to_text(value)}`"
    found = to_json(evaluate(empty, scope))
    return f"`{empty}` has no value (it is {found}{origin}), so the {kind} `{parameter.name}` would be {would}"
