"""Members of responses: paths and comparisons that contradict the documented schemas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeGuard

from arazzo_runner.base.json_values import JsonValue, equal, pointer_tokens, preview, to_number, type_name
from arazzo_runner.errors import Location, did_you_mean
from arazzo_runner.expressions.nodes import (
    And,
    Comparison,
    Condition,
    Constant,
    Expression,
    Keyword,
    MessageReference,
    Not,
    Or,
    StepReference,
)
from arazzo_runner.lint.analysis.query_paths import query_paths
from arazzo_runner.lint.analysis.references import (
    criterion_expressions,
    operand_expression,
    pinpoint,
    reads_only_status,
)
from arazzo_runner.lint.analysis.response_types import ResponseTypes
from arazzo_runner.lint.analysis.schema_types import ANY, Found, Lost, lookup, possible_types, possible_values
from arazzo_runner.lint.analysis.uses import BEFORE
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, rule
from arazzo_runner.program.model import (
    CompiledCriterion,
    CompiledStep,
    CompiledWorkflow,
    QueryCriterion,
    SelectorValue,
    SimpleCriterion,
    Value,
)

_NUMBERS: Final = frozenset({"integer", "number"})


@rule("impossible-comparison", "openapi")
def impossible_comparison(inspection: Inspection) -> Iterator[Finding]:
    """Report comparisons that no value of the documented type can satisfy."""
    for workflow, step in inspection.compiled_steps:
        actions = (*step.on_success, *step.on_failure)
        for criterion in (*step.criteria, *(each for action in actions for each in action.criteria)):
            if not isinstance(criterion, SimpleCriterion) or reads_only_status(criterion):
                continue
            for comparison in _comparisons(criterion.condition):
                why = _why_never(comparison, inspection, workflow, step)
                if why is not None:
                    message, hint = f"{comparison} never holds: {why}", _comparison_hint(comparison)
                    yield Finding(message, criterion.at, hint)


def _comparisons(condition: Condition) -> Iterator[Comparison]:
    waiting = [condition]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Comparison):
            yield part
        elif isinstance(part, (And, Or)):
            waiting += reversed(part.operands)
        elif isinstance(part, Not):
            waiting.append(part.operand)


def _why_never(
    comparison: Comparison, inspection: Inspection, workflow: CompiledWorkflow, step: CompiledStep
) -> str | None:
    for one, other in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
        reading = operand_expression(one)
        if reading is None or isinstance(reading, Keyword) or not isinstance(other, Constant):
            continue
        alternatives = inspection.response_types.in_any_answer(reading, workflow, step)
        types = possible_types(alternatives)
        if types and not _may_compare(types, comparison.operator, other.value):
            shown = " or ".join(sorted(types - {"integer"} if "number" in types else types))
            return f"it is {shown}, compared with {type_name(other.value)} {preview(other.value, 40)}"
        values = possible_values(alternatives)
        if comparison.operator == "==" and values and not any(equal(value, other.value) for value in values):
            return f"it is one of {', '.join(preview(value, 30) for value in values[:8])}"
    return None


def _may_compare(types: frozenset[str], operator: str, value: JsonValue) -> bool:
    """Return whether a comparison with a value of these types may hold (semantics §4)."""
    if operator == "!=" or value is None:
        return True  # a missing value counts as null
    if isinstance(value, bool):
        return operator == "==" and "boolean" in types
    if to_number(value) is not None:
        return bool(types & {*_NUMBERS, "string"})
    return isinstance(value, str) and "string" in types


def _comparison_hint(comparison: Comparison) -> str:
    for side in (comparison.left, comparison.right):
        if isinstance(side, Constant) and isinstance(side.value, str) and side.value.lower() in ("true", "false"):
            return f"write {side.value.lower()} without quotes"
    return "compare with a value that the description allows"


_CRITERIA: Final = ("criterion", "action-criterion")


@rule("unknown-response-member", "openapi")
def unknown_response_member(inspection: Inspection) -> Iterator[Finding]:
    """Report pointers and paths to members that no documented schema of the response has."""
    response_types, raw = inspection.response_types, inspection.description.raw
    for use in inspection.uses:
        if not _goes_on(use.expression) or use.role in _CRITERIA:
            continue
        if use.role in BEFORE and isinstance(use.expression, MessageReference):
            continue  # reported by response-too-early
        lost = _lost(use.expression, response_types, use.workflow, use.step)
        if lost is not None:
            yield _lost_member(use.expression, lost, pinpoint(use.expression, use.at, raw))
    for workflow, step in inspection.compiled_steps:
        criteria = [each for action in (*step.on_success, *step.on_failure) for each in action.criteria]
        for criterion in (*step.criteria, *criteria):
            if reads_only_status(criterion):
                continue
            for expression in criterion_expressions(criterion):
                lost = _lost(expression, response_types, workflow, step)
                if lost is not None:
                    yield _lost_member(expression, lost, pinpoint(expression, criterion.at, raw))
        for context, tokens, at in _queries(step):
            yield from _lost_in_query(context, tokens, at, response_types, workflow, step)


def _goes_on(expression: Expression) -> TypeGuard[MessageReference | StepReference]:
    """Return whether an expression reads a part of a message or of a step's output."""
    return isinstance(expression, (MessageReference, StepReference)) and bool(expression.pointer or expression.path)


def _lost(
    expression: Expression, response_types: ResponseTypes, workflow: CompiledWorkflow, step: CompiledStep | None
) -> tuple[tuple[str, ...], Lost] | None:
    if not _goes_on(expression):
        return None
    found = response_types.of(expression, workflow, step)
    tokens = (*pointer_tokens(expression.pointer or ""), *map(str, expression.path))
    return (tokens, found) if isinstance(found, Lost) and not _is_length(tokens, found) else None


def _is_length(tokens: Sequence[str], lost: Lost) -> bool:
    """Return whether the missing member is `.length` of a list or text (semantics §4)."""
    return tokens[lost.index] == "length" and lost.types is not None and bool(lost.types & {"array", "string"})


def _lost_member(expression: Expression, lost: tuple[Sequence[str], Lost], at: Location) -> Finding:
    tokens, found = lost
    name = tokens[found.index]
    above = "/".join(token if token != ANY else "*" for token in tokens[: found.index])
    where = f'"{above}" of the documented response' if above else "the documented response"
    if found.kind == "no-members":
        kinds = " or ".join(sorted(found.types or ())) or "no object"
        message = f'{expression}: {where} is of type {kinds}, it has no member "{name}"'
    else:
        message = f'{expression}: {where} has no member "{name}"'
    return Finding(message, at, _member_hint(name, found))


def _member_hint(name: str, lost: Lost) -> str:
    if lost.kind == "no-members" and "array" in (lost.types or ()):
        return f"name an item first, such as 0/{name}"
    near = did_you_mean(name, lost.names)
    if near is not None:
        return near
    shown = ", ".join(lost.names[:8]) + (" …" if len(lost.names) > 8 else "")
    return f"there are: {shown}" if shown else "look the response up in the description"


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
    response_types: ResponseTypes,
    workflow: CompiledWorkflow,
    step: CompiledStep,
) -> Iterator[Finding]:
    if not tokens or not isinstance(context, (MessageReference, StepReference)):
        return
    found = response_types.of(context, workflow, step)
    lost = lookup(found.alternatives, tokens) if isinstance(found, Found) and found.alternatives is not None else None
    if isinstance(lost, Lost) and not _is_length(tokens, lost):
        yield _lost_member(context, (tokens, lost), at)
