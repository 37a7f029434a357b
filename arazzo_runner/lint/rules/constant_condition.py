"""A condition, or a part of one, that does not depend on anything."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.condition import parse_condition
from arazzo_runner.expressions.nodes import Access, And, Comparison, Condition, Constant, Not, Or
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import SimpleCriterion

CODE = "constant-condition"
SEVERITY = Severity.WARNING
GROUP = "language"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """`200 == 200`, `$statusCode == 200 || 201`, `$statusCode == $statusCode`."""
    if all(texts is not None and all(map(_varies, texts)) for texts in program.conditions):
        return
    for criteria in program.compiled_criteria:
        for criterion in criteria:
            if isinstance(criterion, SimpleCriterion):
                part = _constant_part(criterion.condition)
                if part is not None:
                    message = f"{part} is the same for every response"
                    hint = _hint(criterion.condition, part)
                    yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=criterion.at, hint=hint)


@lru_cache(maxsize=1024)
def _varies(text: str) -> bool:
    """Tell it of a condition that many steps have once."""
    return _constant_part(parse_condition(text).node) is None


def _constant_part(condition: Condition) -> Condition | None:
    """Return the first part whose outcome is known beforehand."""
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
