"""An input that holds a secret and does not say so."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.secrets import is_secret_name
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "undeclared-secret"
SEVERITY = Severity.WARNING
GROUP = "style"
DEFAULT = False


def check(program: Inspection) -> Iterator[Diagnostic]:
    """`format: password` or `x-sensitive: true` on inputs named password, token, apiKey …"""
    for workflow in program.description.workflows:
        properties = workflow.inputs.get("properties") if isinstance(workflow.inputs, dict) else None
        for name, schema in properties.items() if isinstance(properties, dict) else ():
            if (
                not isinstance(schema, dict)
                or not is_secret_name(name)
                or schema.keys() & {"format", "x-sensitive", "$ref"}
            ):
                continue
            message, hint = f'input "{name}" does not say that it is secret', "add format: password"
            at = workflow.at.child("inputs").child("properties").child(name).at_key()
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
