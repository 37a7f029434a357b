"""A schema of inputs that is read from another server."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import preview
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "remote-reference"
SEVERITY = Severity.WARNING
GROUP = "safety"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """`$ref` in the inputs' schemas to another document is not followed; one to a server never should be."""
    for each in program.schemas:
        reference = each.schema.get("$ref")
        if isinstance(reference, str) and "://" in reference[:12]:
            message = f"the schema is on another server: {preview(reference, 80)}"
            at = program.at(f"{each.pointer}/$ref")
            hint = "copy it into components/inputs, and refer to it with #/components/inputs/<name>"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
