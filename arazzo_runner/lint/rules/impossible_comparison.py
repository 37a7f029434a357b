"""A comparison that no value of the described type can meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import JsonValue, equal, preview, to_number, type_name
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.nodes import And, Comparison, Condition, Constant, Keyword, Not, Or
from arazzo_runner.lint.analysis.references import operand_reading, reads_only_status
from arazzo_runner.lint.analysis.schema_types import possible_types, possible_values
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import CompiledStep, CompiledWorkflow, SimpleCriterion

CODE = "impossible-comparison"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True

_NUMBERS: Final = frozenset({"integer", "number"})


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Compare the constants in conditions with what the descriptions say of the other side."""
    for workflow, step in program.compiled_steps:
        actions = (*step.on_success, *step.on_failure)
        for criterion in (*step.criteria, *(each for action in actions for each in action.criteria)):
            if not isinstance(criterion, SimpleCriterion) or reads_only_status(criterion):
                continue
            for comparison in _comparisons(criterion.condition):
                why = _why_never(comparison, program, workflow, step)
                if why is not None:
                    message, hint = f"{comparison} never holds: {why}", _hint(comparison)
                    yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=criterion.at, hint=hint)


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
    comparison: Comparison, program: Inspection, workflow: CompiledWorkflow, step: CompiledStep
) -> str | None:
    for one, other in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
        reading = operand_reading(one)
        if reading is None or isinstance(reading, Keyword) or not isinstance(other, Constant):
            continue
        shapes = program.forecast.in_any_answer(reading, workflow, step)
        types = possible_types(shapes)
        if types and not _may_compare(types, comparison.operator, other.value):
            shown = " or ".join(sorted(types - {"integer"} if "number" in types else types))
            return f"it is {shown}, compared with {type_name(other.value)} {preview(other.value, 40)}"
        values = possible_values(shapes)
        if comparison.operator == "==" and values and not any(equal(value, other.value) for value in values):
            return f"it is one of {', '.join(preview(value, 30) for value in values[:8])}"
    return None


def _may_compare(types: frozenset[str], operator: str, value: JsonValue) -> bool:
    """Tell whether a comparison with a value of these types may hold (semantics §4)."""
    if operator == "!=" or value is None:
        return True  # what is missing counts as null
    if isinstance(value, bool):
        return operator == "==" and "boolean" in types
    if to_number(value) is not None:
        return bool(types & {*_NUMBERS, "string"})
    return isinstance(value, str) and "string" in types


def _hint(comparison: Comparison) -> str:
    for side in (comparison.left, comparison.right):
        if isinstance(side, Constant) and isinstance(side.value, str) and side.value.lower() in ("true", "false"):
            return f"write {side.value.lower()} without quotes"
    return "compare with a value that the description allows"
