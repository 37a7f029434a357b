"""An expression that reads a part of an input that its schema does not have."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import pointer_tokens
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.nodes import InputReference
from arazzo_runner.lint.analysis.schemas import follow, property_of
from arazzo_runner.lint.analysis.uses import Use
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.context import names_hint

CODE = "unknown-input-property"
SEVERITY = Severity.WARNING
GROUP = "references"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """`$inputs.pet#/owner/name` is followed through the schema of the workflow's inputs, `$ref`s included."""
    for use in program.uses:
        expression = use.expression
        if not isinstance(expression, InputReference) or expression.name is None:
            continue
        steps = [*pointer_tokens(expression.pointer or ""), *map(str, expression.path)]
        if steps:
            yield from _follow(use, expression, expression.name, steps)


def _follow(use: Use, expression: InputReference, name: str, steps: list[str]) -> Iterator[Diagnostic]:
    root = use.workflow.document.raw
    schema = property_of(use.workflow.inputs, name, root)
    for number, step in enumerate(steps):
        if schema is True or schema is None:
            return
        found = property_of(schema, step, root)
        if found is None:
            way = "/".join([name, *steps[:number]])
            message = f'{expression} reads "{step}", which the schema of {way} does not have'
            known = follow(schema, root)
            hint = names_hint(step, known.get("properties", ())) or "declare it in the inputs"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=use.at, hint=hint)
            return
        schema = found
