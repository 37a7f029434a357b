"""A criterion in XPath."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "xpath-criterion"
SEVERITY = Severity.WARNING
GROUP = "style"
DEFAULT = False


def check(program: Inspection) -> Iterator[Diagnostic]:
    """For documents that other tools run too."""
    for criteria in program.criteria_lists:
        for criterion in criteria:
            if criterion.type is not None and criterion.type.type == "xpath":
                message, hint = "not every tool knows XPath", "test the status, or a header, in a simple condition"
                at = criterion.type.at
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
