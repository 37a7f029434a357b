"""Criteria: conditions that are constant, impossible or contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import JsonValue, preview, to_number
from arazzo_runner.errors import Severity
from arazzo_runner.expressions.nodes import Access, And, Comparison, Condition, Constant, Keyword, Not, Or, Reference
from arazzo_runner.lint.analysis.conditions import Atom, never_all_hold
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, rule
from arazzo_runner.program.model import CompiledCriterion, ContextCriterion, SimpleCriterion


@rule("constant-condition", "language")
def constant_condition(inspection: Inspection) -> Iterator[Finding]:
    """Report conditions, and parts of them, with a constant value: `200 == 200`, `$statusCode == 200 || 201`."""
    for criteria in inspection.compiled_criteria:
        for criterion in criteria:
            if isinstance(criterion, SimpleCriterion):
                part = _constant_part(criterion.condition)
                if part is not None:
                    message = f"{part} is the same for every response"
                    hint = _hint(criterion.condition, part)
                    yield Finding(message, criterion.at, hint)


def _constant_part(condition: Condition) -> Condition | None:
    """Return the first part with a constant value."""
    waiting = [condition]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Constant):
            return part
        if isinstance(part, Comparison) and (
            part.left == part.right or _is_constant(part.left) is _is_constant(part.right) is True
        ):
            return part
        if isinstance(part, (And, Or)):
            waiting += reversed(part.operands)
        elif isinstance(part, Not):
            waiting.append(part.operand)
    return None


def _is_constant(condition: Condition) -> bool:
    return isinstance(condition, Constant) or (isinstance(condition, Access) and _is_constant(condition.operand))


def _hint(whole: Condition, part: Condition) -> str:
    if isinstance(whole, Or) and isinstance(part, Constant):
        first = next((each for each in whole.operands if isinstance(each, Comparison)), None)
        if first is not None:
            return f"write {first.left} {first.operator} {part}"
    return "compare something of the response, as in $statusCode == 200"


@rule("contradicting-criteria", "language", severity=Severity.ERROR)
def contradicting_criteria(inspection: Inspection) -> Iterator[Finding]:
    """Report criteria that no value satisfies: such a step always fails, such an action is never taken (a warning)."""
    own = {id(step.criteria) for _, step in inspection.compiled_steps}
    for criteria in inspection.compiled_criteria:
        culprits = never_all_hold(criteria)
        if culprits is not None and not _is_reported_otherwise(culprits):
            severity = Severity.ERROR if id(criteria) in own else Severity.WARNING
            yield _finding(culprits, severity)


def _is_reported_otherwise(culprits: tuple[Atom, ...]) -> bool:
    """Return whether another rule reports it: a constant condition, or an equality with an impossible status."""
    return len(culprits) == 1 and (not culprits[0].subjects or "==" in culprits[0].text)


def _finding(culprits: tuple[Atom, ...], severity: Severity) -> Finding:
    last = culprits[-1]
    if len(culprits) == 1:
        message, hint = f"{last.text} never holds", "compare with a value that it can have"
    else:
        texts = " and ".join(each.text for each in culprits[:4])
        message = f"{texts} never hold together, and all criteria must hold"
        hint = f"join them, if either will do: {' || '.join(each.text for each in culprits[:4])}"
    related = tuple(dict.fromkeys(each.at for each in culprits[:-1] if each.at != last.at))
    return Finding(message, last.at, hint, severity=severity, related=related)


_STATUS: Final = Keyword("statusCode")


@rule("impossible-status", "language")
def impossible_status(inspection: Inspection) -> Iterator[Finding]:
    """Report comparisons of `$statusCode` with something that is not a status from 100 to 599 (RFC 9110 §15)."""
    for criteria in inspection.compiled_criteria:
        for criterion in criteria:
            for value in _compared(criterion):
                if not _is_status(value):
                    message = f"$statusCode is never {preview(value)}: a status is a number from 100 to 599"
                    hint = "write a status such as 200, or a range: $statusCode >= 200 && $statusCode < 300"
                    yield Finding(message, criterion.at, hint)


def _is_status(value: JsonValue) -> bool:
    number = to_number(value)
    return number is not None and 100 <= number <= 599 and number == int(number)


def _compared(criterion: CompiledCriterion) -> Iterator[JsonValue]:
    """Yield the constants that $statusCode is compared with for equality."""
    if isinstance(criterion, ContextCriterion) and criterion.context == _STATUS:
        yield criterion.expected
    waiting = [criterion.condition] if isinstance(criterion, SimpleCriterion) else []
    while waiting:
        part = waiting.pop()
        if isinstance(part, (And, Or)):
            waiting += part.operands
        elif isinstance(part, Not):
            waiting.append(part.operand)
        elif isinstance(part, Comparison) and part.operator in ("==", "!="):
            for one, other in ((part.left, part.right), (part.right, part.left)):
                if isinstance(one, Reference) and one.expression == _STATUS and isinstance(other, Constant):
                    yield other.value
