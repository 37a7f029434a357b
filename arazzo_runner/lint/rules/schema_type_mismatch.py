"""A schema with a keyword that does not belong to its type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.schemas import types_of
from arazzo_runner.lint.inspection import Inspection

CODE = "schema-type-mismatch"
SEVERITY = Severity.WARNING
GROUP = "shape"
DEFAULT = True

_OBJECT, _ARRAY, _TEXT, _NUMBER = ("object",), ("array",), ("string",), ("number", "integer")
_BELONGS: Final = {
    **dict.fromkeys(("properties", "required", "additionalProperties", "patternProperties", "minProperties",
                     "maxProperties", "propertyNames", "dependentRequired"), _OBJECT),
    **dict.fromkeys(("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"), _ARRAY),
    **dict.fromkeys(("minLength", "maxLength", "pattern"), _TEXT),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), _NUMBER),
}  # fmt: skip


def check(program: Inspection) -> Iterator[Diagnostic]:
    """`items` of an object, `properties` of an array, `minLength` of a number: the keyword is without effect."""
    for each in program.schemas:
        types = types_of(each.schema)
        if not types:
            continue
        for keyword in each.schema:
            wanted = _BELONGS.get(keyword)
            if wanted is not None and not any(name in wanted for name in types):
                message = f"{keyword} says nothing about type {' or '.join(types)}"
                at = program.at(f"{each.pointer}/{keyword}").at_key()
                hint = f"write type: {wanted[0]}, or remove {keyword}"
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
