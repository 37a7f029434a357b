"""A required property that the schema does not define."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.schemas import SchemaAt
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.context import names_hint

CODE = "undefined-required"
SEVERITY = Severity.WARNING
GROUP = "shape"
DEFAULT = True

_COMBINING: Final = ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "patternProperties")
_COMBINED: Final = pattern(r"/(?:allOf|anyOf|oneOf)/\d+$|/(?:not|if|then|else)$|/dependentSchemas/[^/]+$")


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Parts of a combination are left alone: the property may be defined in another part."""
    for each in program.schemas:
        required, properties = each.schema.get("required"), each.schema.get("properties", {})
        if not isinstance(required, list) or not isinstance(properties, dict) or _is_open(each):
            continue
        for index, name in enumerate(required):
            if isinstance(name, str) and name not in properties:
                message = f'"{name}" is required, but is no property of this schema'
                at = program.at(f"{each.pointer}/required/{index}")
                hint = names_hint(name, properties) or "define it under properties:"
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _is_open(each: SchemaAt) -> bool:
    is_part = _COMBINED.search(each.pointer) is not None
    return is_part or any(keyword in each.schema for keyword in _COMBINING)
