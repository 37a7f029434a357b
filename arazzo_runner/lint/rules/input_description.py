"""An input without description."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "input-description"
SEVERITY = Severity.WARNING
GROUP = "style"
DEFAULT = False


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Every property of `inputs` says what it is; what a `$ref` leads to is left alone."""
    for workflow in program.description.workflows:
        properties = workflow.inputs.get("properties") if isinstance(workflow.inputs, dict) else None
        for name, schema in properties.items() if isinstance(properties, dict) else ():
            if isinstance(schema, dict) and not schema.keys() & {"description", "title", "$ref"}:
                message, hint = f'input "{name}" has no description', "add description: and say what to give"
                at = workflow.at.child("inputs").child("properties").child(name).at_key()
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
