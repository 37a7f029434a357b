"""A default that its own schema refuses."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.schemas import own_errors
from arazzo_runner.lint.inspection import Inspection

CODE = "invalid-default"
SEVERITY = Severity.WARNING
GROUP = "shape"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """The default is what an input is when nobody gives it."""
    for each in program.schemas:
        if "default" in each.schema:
            at = program.at(f"{each.pointer}/default")
            for error in own_errors(each.schema["default"], each.schema, program.schema_context):
                message = f"the default does not fit its schema: {error}"
                hint = "correct the default or the schema"
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
