"""A source description without type."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "source-without-type"
SEVERITY = Severity.WARNING
GROUP = "style"
DEFAULT = False


def check(program: Inspection) -> Iterator[Diagnostic]:
    """type is openapi, asyncapi or arazzo."""
    for source in program.description.source_descriptions:
        if source.type is None:
            message, hint = f'source "{source.name}" has no type', "add type: openapi (or arazzo, asyncapi)"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=source.at, hint=hint)
