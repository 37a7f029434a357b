"""An expression that reads a field that a source description does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.nodes import SourceReference
from arazzo_runner.lint.inspection import Inspection

CODE = "unknown-source-field"
SEVERITY = Severity.WARNING
GROUP = "references"
DEFAULT = True

_FIELDS: Final = ("name", "url", "type")


def check(program: Inspection) -> Iterator[Diagnostic]:
    """A value may read `name`, `url` and `type` of a source; operations and workflows are no values."""
    for use in program.uses:
        expression = use.expression
        if isinstance(expression, SourceReference) and expression.reference not in _FIELDS:
            message = f'a source description has no value "{expression.reference}"'
            hint = _hint(expression)
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=use.at, hint=hint)


def _hint(expression: SourceReference) -> str:
    if ".outputs." in expression.reference:
        return "call the workflow in a step, and read $steps.<stepId>.outputs.<name>"
    return f"write $sourceDescriptions.{expression.source}.url; operations are called with operationId"
