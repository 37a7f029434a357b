"""Why an expression has no value: what is not there, and what is there instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, assert_never

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing, member, pointer_tokens, type_name
from arazzo_runner.base.records import Record
from arazzo_runner.engine.resolve import CannotBuild, Unresolved, resolve
from arazzo_runner.errors import Location, did_you_mean
from arazzo_runner.expressions.evaluate import evaluate
from arazzo_runner.expressions.nodes import (
    ComponentReference,
    Expression,
    InputReference,
    Keyword,
    MessageReference,
    OutputReference,
    SourceReference,
    StepReference,
    WorkflowReference,
)
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.program.model import SelectorValue, Value
from arazzo_runner.program.values import value_references

_MOST_NAMES: Final = 8


class Absence(Record):
    """Why there is no value, in one sentence, and a name that may be meant."""

    reason: str
    hint: str | None = None


def missing_value(expression: str, value: Value, scope: Scope, needed_for: str, at: Location) -> CannotBuild:
    """Return the error of a value that is needed and has none: `expression` is the part of it that lacks one."""
    why = absence(value, scope)
    message = f"{expression} has no value; {needed_for} needs it ({why.reason})"
    return CannotBuild.because("missing-value", message, at, why.hint)


def absence(value: Value, scope: Scope) -> Absence:
    """Return why a value, of which `resolve` returns nothing, has none."""
    for expression in value_references(value):
        if evaluate(expression, scope) is MISSING:
            return absence_of(expression, scope)
    try:
        resolve(value, scope)
    except Unresolved as missing:
        if missing.reason is not None:
            return Absence(f"{missing.expression}: {missing.reason}")
    if isinstance(value, SelectorValue):
        return Absence(f"{value.query} selects nothing in {value.context}")
    return Absence("it has no value")


def absence_of(expression: Expression, scope: Scope) -> Absence:
    """Return why an expression has no value."""
    match expression:
        case MessageReference():
            return _of_message(expression, scope)
        case StepReference():
            outputs = scope.steps.get(expression.step_id)
            if outputs is None:
                return Absence(f'step "{expression.step_id}" has not run')
            where = f'the outputs of step "{expression.step_id}"'
            return _named(outputs, where, expression.output, expression.pointer, expression.path)
        case InputReference():
            return _named(scope.inputs, "the inputs", expression.name, expression.pointer, expression.path)
        case WorkflowReference():
            workflow = scope.workflows.get(expression.workflow_id)
            if workflow is None:
                return Absence(f'workflow "{expression.workflow_id}" has not run')
            values = workflow.inputs if expression.field == "inputs" else workflow.outputs
            where = f'the {expression.field} of workflow "{expression.workflow_id}"'
            return _named(values, where, expression.name, expression.pointer, expression.path)
        case OutputReference():
            return _named(scope.outputs, "the outputs", expression.name, expression.pointer, expression.path)
        case Keyword() | SourceReference() | ComponentReference():
            return Absence(f"{expression} has no value here")
        case _:
            assert_never(expression)


def _of_message(expression: MessageReference, scope: Scope) -> Absence:
    messages = {"response": scope.response, "request": scope.request, "message": scope.message}
    message, what = messages[expression.message], f"the {expression.message}"
    if message is None:
        return Absence(f"there is no {expression.message} here")
    if expression.part in ("body", "payload"):
        carried = "payload" if expression.message == "message" else "body"
        if message.body is MISSING:
            return Absence(f"{what} has no {carried}")
        return _walked(message.body, f"the {carried} of {what}", _tokens(expression.pointer, expression.path))
    if expression.part == "header":
        names = dict.fromkeys(name for name, _ in message.headers)
        return _lacking(expression.name or "", f"the headers of {what}", names)
    values = message.query if expression.part == "query" else message.path
    return _lacking(expression.name or "", f"the {expression.part} parameters of {what}", values)


def _named(
    values: Mapping[str, JsonValue], where: str, name: str | None, pointer: str | None, path: tuple[str | int, ...]
) -> Absence:
    if name is None:
        return _walked(dict(values), where, _tokens(pointer, path))
    if name in values:
        return _walked(values[name], f'"{name}" of {where}', _tokens(pointer, path))
    head = next((each for each in values if name.startswith(f"{each}.")), None)
    if head is not None:
        rest = name.removeprefix(f"{head}.").split(".")
        return _walked(values[head], f'"{head}" of {where}', (*rest, *_tokens(pointer, path)))
    return _lacking(name, where, values)


def _tokens(pointer: str | None, path: tuple[str | int, ...]) -> tuple[str, ...]:
    return (*pointer_tokens(pointer or ""), *map(str, path))


def _walked(value: JsonValue | Missing, where: str, tokens: Iterable[str]) -> Absence:
    """Return what is missing first on the way along a path."""
    passed = ""
    for token in tokens:
        inner = member(value, token)
        if inner is MISSING:
            return _lacking_in(value, token, f"{passed} in {where}" if passed else where)
        value, passed = inner, f"{passed}/{token}"
    return Absence(f"{where} has no value")


def _lacking_in(value: JsonValue, token: str, where: str) -> Absence:
    if isinstance(value, dict):
        return _lacking(token, where, value)
    if isinstance(value, list):
        return Absence(f'{where} has no item "{token}": it is an array of {len(value)}')
    return Absence(f'{where} has no "{token}": it is {_kind(value)}')


def _lacking(name: str, where: str, known: Iterable[str]) -> Absence:
    names = [str(each) for each in known]
    if not names:
        return Absence(f'there is no "{name}" in {where} (empty)')
    more = ", …" if len(names) > _MOST_NAMES else ""
    listed = ", ".join(f'"{each}"' for each in names[:_MOST_NAMES])
    return Absence(f'there is no "{name}" in {where}, only {listed}{more}', did_you_mean(name, names))


def _kind(value: JsonValue) -> str:
    name = type_name(value)
    return name if value is None else f"{'an' if name[0] in 'aio' else 'a'} {name}"
