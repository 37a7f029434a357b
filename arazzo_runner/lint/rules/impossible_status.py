"""A comparison of $statusCode that no HTTP status can meet."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from arazzo_runner.base.json_values import JsonValue, preview, to_number
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.nodes import And, Comparison, Constant, Keyword, Not, Or, Reference
from arazzo_runner.lint.analysis.conditions import criteria_of
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import CompiledCriterion, ContextCriterion, SimpleCriterion

CODE = "impossible-status"
SEVERITY = Severity.WARNING
GROUP = "language"
DEFAULT = True

_STATUS: Final = Keyword("statusCode")


def check(program: Inspection) -> Iterator[Diagnostic]:
    """A status is a number from 100 to 599 (RFC 9110 §15)."""
    if all(texts is not None and all(map(_is_possible, texts)) for texts in program.conditions):
        return
    for criteria in program.compiled_criteria:
        for criterion in criteria:
            for value in _compared(criterion):
                if not _is_status(value):
                    message = f"$statusCode is never {preview(value)}: a status is a number from 100 to 599"
                    hint = "write a status such as 200, or a range: $statusCode >= 200 && $statusCode < 300"
                    yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=criterion.at, hint=hint)


@lru_cache(maxsize=1024)
def _is_possible(text: str) -> bool:
    """Tell it of a condition that many steps have once."""
    return all(_is_status(value) for criterion in criteria_of((text,)) for value in _compared(criterion))


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
