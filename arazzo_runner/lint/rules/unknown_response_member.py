"""A member of a response that no documented schema of it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeGuard

from arazzo_runner.base.json_values import pointer_tokens
from arazzo_runner.errors import Diagnostic, Location, Severity, did_you_mean
from arazzo_runner.expressions.nodes import Expression, MessageReference, StepReference
from arazzo_runner.lint.analysis.query_paths import query_paths
from arazzo_runner.lint.analysis.references import criterion_readings, pinpoint, reads_only_status
from arazzo_runner.lint.analysis.response_types import Forecast
from arazzo_runner.lint.analysis.schema_types import ANY, Found, Lost, lookup
from arazzo_runner.lint.analysis.uses import BEFORE
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import (
    CompiledCriterion,
    CompiledStep,
    CompiledWorkflow,
    QueryCriterion,
    SelectorValue,
    Value,
)

CODE = "unknown-response-member"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True

_CRITERIA: Final = ("criterion", "action-criterion")


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Look every pointer and path into a response up in the schemas of the operation's responses."""
    forecast, raw = program.forecast, program.description.raw
    if program.needs.isdisjoint(("operations", "calls")) and not forecast.knows_outputs:
        return
    for use in program.uses:
        if not _goes_on(use.expression) or use.role in _CRITERIA:
            continue
        if use.role in BEFORE and isinstance(use.expression, MessageReference):
            continue  # another rule's
        lost = _lost(use.expression, forecast, use.workflow, use.step)
        if lost is not None:
            yield _finding(use.expression, lost, pinpoint(use.expression, use.at, raw))
    for workflow, step in program.compiled_steps:
        criteria = [each for action in (*step.on_success, *step.on_failure) for each in action.criteria]
        for criterion in (*step.criteria, *criteria):
            if reads_only_status(criterion):
                continue
            for expression in criterion_readings(criterion):
                lost = _lost(expression, forecast, workflow, step)
                if lost is not None:
                    yield _finding(expression, lost, pinpoint(expression, criterion.at, raw))
        for context, tokens, at in _queries(step):
            yield from _lost_in_query(context, tokens, at, forecast, workflow, step)


def _goes_on(expression: Expression) -> TypeGuard[MessageReference | StepReference]:
    """Tell whether an expression reads a part of a response, or of what a step gave."""
    return isinstance(expression, (MessageReference, StepReference)) and bool(expression.pointer or expression.path)


def _lost(
    expression: Expression, forecast: Forecast, workflow: CompiledWorkflow, step: CompiledStep | None
) -> tuple[tuple[str, ...], Lost] | None:
    if not _goes_on(expression):
        return None
    found = forecast.of(expression, workflow, step)
    tokens = (*pointer_tokens(expression.pointer or ""), *map(str, expression.path))
    return (tokens, found) if isinstance(found, Lost) and not _is_length(tokens, found) else None


def _is_length(tokens: Sequence[str], lost: Lost) -> bool:
    """Tell whether only `.length` is not there, which lists and texts have (semantics §4)."""
    return tokens[lost.index] == "length" and lost.types is not None and bool(lost.types & {"array", "string"})


def _finding(expression: Expression, lost: tuple[Sequence[str], Lost], at: Location) -> Diagnostic:
    tokens, found = lost
    name = tokens[found.index]
    above = "/".join(token if token != ANY else "*" for token in tokens[: found.index])
    where = f'"{above}" of the documented response' if above else "the documented response"
    if found.kind == "no-members":
        kinds = " or ".join(sorted(found.types or ())) or "no object"
        message = f'{expression}: {where} is of type {kinds}, it has no member "{name}"'
    else:
        message = f'{expression}: {where} has no member "{name}"'
    return Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=_hint(name, found))


def _hint(name: str, lost: Lost) -> str:
    if lost.kind == "no-members" and "array" in (lost.types or ()):
        return f"name an item first, such as 0/{name}"
    near = did_you_mean(name, lost.names)
    if near is not None:
        return near
    shown = ", ".join(lost.names[:8]) + (" …" if len(lost.names) > 8 else "")
    return f"there are: {shown}" if shown else "look the response up in the description"


# ------------------------------------------------------------------ queries


def _queries(step: CompiledStep) -> Iterator[tuple[Expression, tuple[str, ...], Location]]:
    """Yield (context, members that the query reads, place) of each query on a response."""
    criteria: tuple[CompiledCriterion, ...] = step.criteria
    for action in (*step.on_success, *step.on_failure):
        criteria += action.criteria
    for criterion in criteria:
        if isinstance(criterion, QueryCriterion):
            yield from ((criterion.context, tokens, criterion.at) for tokens, _ in query_paths(criterion.query))
    for _, value in step.outputs:
        yield from _selector_queries(value)


def _selector_queries(value: Value) -> Iterator[tuple[Expression, tuple[str, ...], Location]]:
    if isinstance(value, SelectorValue):
        at = value.at.child("selector")
        yield from ((value.context, tokens, at) for tokens, _ in query_paths(value.query))


def _lost_in_query(
    context: Expression,
    tokens: tuple[str, ...],
    at: Location,
    forecast: Forecast,
    workflow: CompiledWorkflow,
    step: CompiledStep,
) -> Iterator[Diagnostic]:
    if not tokens or not isinstance(context, (MessageReference, StepReference)):
        return
    found = forecast.of(context, workflow, step)
    lost = lookup(found.shapes, tokens) if isinstance(found, Found) and found.shapes is not None else None
    if isinstance(lost, Lost) and not _is_length(tokens, lost):
        yield _finding(context, (tokens, lost), at)
