"""Inputs that are no object with properties."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.schema_keywords import KEYWORDS, OPENAPI
from arazzo_runner.lint.analysis.schemas import types_of
from arazzo_runner.lint.inspection import Inspection

CODE = "inputs-not-object"
SEVERITY = Severity.WARNING
GROUP = "shape"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Inputs are given by name, so their schema is one of an object."""
    for workflow in program.description.workflows:
        schema = workflow.inputs
        if not isinstance(schema, dict):
            continue
        if schema.get("type") == "object" and "properties" in schema:
            continue  # as it should be
        at = workflow.at.child("inputs")
        names = [name for name, part in schema.items() if _is_misplaced(name, part)]
        if types_of(schema) and "object" not in types_of(schema):
            message = f"inputs are of type {' or '.join(types_of(schema))}, but every input has a name"
            hint = "write type: object, and the inputs under properties:"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at.child("type"), hint=hint)
        elif names and "properties" not in schema:
            message = f'"{names[0]}" stands where a keyword of JSON Schema should; it declares no input'
            hint = "write it under properties:"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at.child(names[0]).at_key(), hint=hint)


def _is_misplaced(name: str, part: JsonValue) -> bool:
    is_schema = isinstance(part, dict) and ("type" in part or "description" in part)
    return is_schema and name not in KEYWORDS and name not in OPENAPI and not name.startswith("x-")
