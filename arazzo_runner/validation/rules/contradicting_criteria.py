"""Criteria that cannot all hold."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.diagnostics import Diagnostic, Location, Severity
from arazzo_runner.expressions.nodes import And, Comparison, Constant
from arazzo_runner.program.model import CompiledCriterion, ContextCriterion, SimpleCriterion
from arazzo_runner.validation.inspection import Inspection
from arazzo_runner.values import JsonValue, equal, preview

CODE = "contradicting-criteria"
SEVERITY = Severity.WARNING
GROUP = "language"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """All criteria of a list must hold: two that ask the same value to equal different constants never do."""
    for criteria in program.compiled_criteria:
        known: dict[str, tuple[JsonValue, Location]] = {}
        for criterion in criteria:
            for subject, value in _equalities(criterion):
                first, at = known.setdefault(subject, (value, criterion.at))
                if not equal(first, value):
                    message = f"{subject} cannot be {preview(first)} and {preview(value)}: all criteria must hold"
                    hint = f"join them: {subject} == {Constant(first)} || {subject} == {Constant(value)}"
                    yield Diagnostic(
                        code=CODE, severity=SEVERITY, message=message, at=criterion.at, hint=hint,
                        related=(at,) if at != criterion.at else (),
                    )  # fmt: skip


def _equalities(criterion: CompiledCriterion) -> Iterator[tuple[str, JsonValue]]:
    """Yield (operand, constant) of every comparison with == that must hold for the criterion to hold."""
    if isinstance(criterion, ContextCriterion):
        yield str(criterion.context), criterion.expected
    if not isinstance(criterion, SimpleCriterion):
        return
    condition = criterion.condition
    for part in condition.operands if isinstance(condition, And) else (condition,):
        if isinstance(part, Comparison) and part.operator == "==":
            for one, other in ((part.left, part.right), (part.right, part.left)):
                if isinstance(other, Constant) and not isinstance(one, Constant):
                    yield str(one), other.value
