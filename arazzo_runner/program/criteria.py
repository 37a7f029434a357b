"""Criterion objects → compiled criteria: conditions and queries parsed once."""

from __future__ import annotations

import json

from arazzo_runner.document.model import Criterion
from arazzo_runner.errors import Change, Edit, Fix, removing
from arazzo_runner.expressions.condition import parse_condition
from arazzo_runner.expressions.nodes import Constant, ExpressionSyntaxError, Reference
from arazzo_runner.program.context import Context
from arazzo_runner.program.model import CompiledCriterion, ContextCriterion, QueryCriterion, SimpleCriterion
from arazzo_runner.program.values import compile_expression, compile_query_text


def compile_criteria(criteria: tuple[Criterion, ...], context: Context) -> tuple[CompiledCriterion, ...]:
    """Compile a list of criteria; broken ones are reported and left out."""
    compiled = [_criterion(criterion, context) for criterion in criteria]
    return tuple([criterion for criterion in compiled if criterion is not None])


def _criterion(criterion: Criterion, context: Context) -> CompiledCriterion | None:
    kind = "simple" if criterion.type is None else criterion.type.type
    if kind == "simple":
        return _simple(criterion, context)
    if criterion.context is None or kind not in ("regex", "jsonpath", "xpath"):
        return None  # the loader has reported it
    version = criterion.type.version if criterion.type is not None else None
    expression = compile_expression(criterion.context, criterion.at.child("context"), context)
    at = criterion.at.child("condition")
    query = compile_query_text(criterion.condition, kind, version, at, context)
    if expression is None or query is None:
        return None
    return QueryCriterion(criterion.condition, kind, version, expression, query, at)


def _simple(criterion: Criterion, context: Context) -> CompiledCriterion | None:
    at = criterion.at.child("condition")
    if criterion.context is not None:
        compared = _context_comparison(criterion, context)
        if compared is not None:
            return compared
        hint = "say what the condition is with type: regex, jsonpath or xpath, or remove context"
        message = "a simple condition has no context; this one is ignored"
        place = criterion.at.child("context")
        context.problems.warn("ignored-field", message, place, hint=hint, fix=removing(place, is_safe=False))
    try:
        parsed = parse_condition(criterion.condition, context.declared)
    except ExpressionSyntaxError as problem:
        context.syntax_error(problem, at, "condition-syntax")
        return None
    if parsed.tolerated:
        context.report_tolerated(parsed.tolerated, at)
    for expression in parsed.references:
        context.check(expression, at)
    return SimpleCriterion(criterion.condition, parsed.node, at, parsed.references)


def _context_comparison(criterion: Criterion, context: Context) -> ContextCriterion | None:
    """`context` plus a condition that is only a JSON value: compared with the context (semantics §4)."""
    text = criterion.condition.strip()
    try:
        expected = json.loads(text)
    except (ValueError, RecursionError):
        return None
    assert criterion.context is not None
    expression = compile_expression(criterion.context, criterion.at.child("context"), context)
    if expression is None:
        return None
    at = criterion.at.child("condition")
    if not isinstance(expected, (dict, list)):
        text = str(Constant(expected))
    written = f"{Reference(expression)} == {text}"
    fix = None  # there is no way to write an object or a list in a simple condition
    if not isinstance(expected, (dict, list)):
        remove = Edit(criterion.at.child("context"), change=Change.REMOVE)
        fix = Fix((Edit(at, written), remove))
    hint = f"write condition: {written}, without context"
    context.problems.warn("context-comparison", "a simple condition has no context", at, hint=hint, fix=fix)
    return ContextCriterion(criterion.condition, expression, expected, at)
