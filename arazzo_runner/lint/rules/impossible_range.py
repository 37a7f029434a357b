"""A schema whose limits leave nothing between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import preview
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "impossible-range"
SEVERITY = Severity.WARNING
GROUP = "shape"
DEFAULT = True

_PAIRS: Final = (
    ("minimum", "maximum"),
    ("exclusiveMinimum", "maximum"),
    ("minimum", "exclusiveMaximum"),
    ("exclusiveMinimum", "exclusiveMaximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minContains", "maxContains"),
)


def check(program: Inspection) -> Iterator[Diagnostic]:
    """minimum above maximum, minLength above maxLength and their kin."""
    for each in program.schemas:
        for low, high in _PAIRS:
            smallest, largest = each.schema.get(low), each.schema.get(high)
            if not isinstance(smallest, (int, float)) or not isinstance(largest, (int, float)):
                continue
            is_open = "exclusive" in low or "exclusive" in high
            if smallest > largest or (is_open and smallest == largest):
                message = f"{low} {preview(smallest)} and {high} {preview(largest)} allow nothing"
                at, related = program.at(f"{each.pointer}/{low}"), (program.at(f"{each.pointer}/{high}"),)
                hint = "exchange them, or correct one"
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint, related=related)
