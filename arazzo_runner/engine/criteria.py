"""Criterion + Scope → Verdict: whether it holds, the values that it read, and why it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from arazzo_runner.base.json_values import MISSING, equal, preview, type_name
from arazzo_runner.base.records import replace
from arazzo_runner.base.settings import FOLLOW_REDIRECTS
from arazzo_runner.engine.absent import absence_of
from arazzo_runner.engine.effects import HttpResponse
from arazzo_runner.engine.resolve import compiled_query
from arazzo_runner.engine.results import Seen, Verdict
from arazzo_runner.errors import Location
from arazzo_runner.expressions.evaluate import MissingValue, evaluate, holds
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.budget import RAISED_BY, Budget, TooMuchWork
from arazzo_runner.expressions.queries.query import select
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.program.model import CompiledCriterion, ContextCriterion, QueryCriterion, SimpleCriterion
from arazzo_runner.program.values import criterion_references
from arazzo_runner.sources.operation import Operation


def judge(criterion: CompiledCriterion, scope: Scope, timeout: float) -> Verdict:
    """Return the verdict of one criterion; one that cannot be evaluated fails with a reason.

    `timeout` (seconds) bounds the work. Arazzo 1.1 §Evaluation Errors.
    """
    match criterion:
        case SimpleCriterion():
            return _simple(criterion, scope, timeout)
        case ContextCriterion():
            return _compare(criterion, scope, timeout)
        case QueryCriterion():
            return _query(criterion, scope, timeout)
        case _:
            assert_never(criterion)


def judge_all(criteria: Sequence[CompiledCriterion], scope: Scope, timeout: float) -> tuple[Verdict, ...]:
    """Return the verdicts of all criteria, also of those after one that failed: they say why values are missing."""
    return tuple(_explained(judge(criterion, scope, timeout), criterion, scope) for criterion in criteria)


def _explained(verdict: Verdict, criterion: CompiledCriterion, scope: Scope) -> Verdict:
    if verdict.passed or verdict.reason is None:
        return verdict
    missing = (each for each in criterion_references(criterion) if evaluate(each, scope) is MISSING)
    first = next(missing, None)
    if first is None or str(first) not in verdict.reason:
        return verdict
    why = absence_of(first, scope)
    return replace(verdict, reason=f"{verdict.reason} ({why.reason})", hint=why.hint)


def default_verdict(response: HttpResponse, operation: Operation, at: Location) -> Verdict:
    """Return the verdict of a step without successCriteria: it passes with 2xx (or 304 where documented)."""
    status = response.status
    passed = 200 <= status < 300 or (status == 304 and "304" in operation.responses)
    reason = None
    if not passed:
        reason = f"the status is {status}; without successCriteria a step expects 2xx"
        if 300 <= status < 400:
            reason += f" ({response.refused or f'redirects are not followed: see {FOLLOW_REDIRECTS.key}'})"
    seen = (Seen(expression="$statusCode", value=status),)
    return Verdict(
        condition="$statusCode is 2xx", type="simple", passed=passed, seen=seen, reason=reason, default=True, at=at
    )


def _simple(criterion: SimpleCriterion, scope: Scope, timeout: float) -> Verdict:
    judgement = holds(criterion.condition, scope, timeout)
    return Verdict(
        condition=criterion.text,
        type="simple",
        passed=judgement.passed,
        seen=tuple(Seen(expression=text, value=value) for text, value in judgement.seen),
        reason=judgement.reason,
        at=criterion.at,
    )


def _compare(criterion: ContextCriterion, scope: Scope, timeout: float) -> Verdict:
    value = evaluate(criterion.context, scope)
    try:
        passed = equal(value, criterion.expected, Budget(timeout).spend)
    except TooMuchWork:
        stopped = f"the comparison takes too much work for its time limit ({RAISED_BY})"
        return _verdict(criterion, "simple", value, False, stopped)
    reason = None if passed else f"{criterion.context} is {preview(value)}, expected {preview(criterion.expected)}"
    return _verdict(criterion, "simple", value, passed, reason)


def _query(criterion: QueryCriterion, scope: Scope, timeout: float) -> Verdict:
    value = evaluate(criterion.context, scope)
    if value is MISSING or value is None:
        return _verdict(criterion, criterion.kind, value, False, f"{criterion.context} is {type_name(value)}")
    try:
        query = compiled_query(criterion.query, criterion.kind, criterion.version, scope)
    except MissingValue as missing:
        return _verdict(criterion, criterion.kind, value, False, str(missing))
    except ExpressionSyntaxError as problem:
        return _verdict(criterion, criterion.kind, value, False, problem.message)
    selection = select(query, value, timeout=timeout, now=scope.now)
    passed = selection.passed
    reason = selection.reason
    if not passed and reason is None:
        what = "does not match" if criterion.kind == "regex" else "selects nothing in"
        if criterion.kind == "xpath" and selection.type != "nodes":
            what = f"is {preview(selection.value)} for"
        # An XPath is shown as it is written: a quote of a secret is doubled in its literal, and not masked then.
        text = criterion.text if criterion.kind == "xpath" else query.text
        reason = f"{criterion.kind} {text} {what} {criterion.context}"
    return _verdict(criterion, criterion.kind, value, passed, reason, selection.warning)


def _verdict(
    criterion: QueryCriterion | ContextCriterion,
    kind: str,
    value: object,
    passed: bool,
    reason: str | None,
    warning: str | None = None,
) -> Verdict:
    return Verdict(
        condition=criterion.text,
        type=kind,
        passed=passed,
        seen=(Seen(expression=str(criterion.context), value=value),),
        reason=reason,
        warning=warning,
        at=criterion.at,
    )
