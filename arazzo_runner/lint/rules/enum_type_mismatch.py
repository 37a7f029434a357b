"""A value of an enum (or a const) that its own type does not allow."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import JsonValue, preview, type_name
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.schemas import is_of_type, types_of
from arazzo_runner.lint.inspection import Inspection

CODE = "enum-type-mismatch"
SEVERITY = Severity.WARNING
GROUP = "shape"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Such a value can never be given."""
    for each in program.schemas:
        types = types_of(each.schema)
        listed = each.schema.get("enum")
        values = [(f"enum/{index}", value) for index, value in enumerate(listed if isinstance(listed, list) else ())]
        if "const" in each.schema:
            values.append(("const", each.schema["const"]))
        for place, value in values if types else ():
            if not any(is_of_type(value, name) for name in types):
                message = f"{preview(value, 40)} is {type_name(value)}, but the type is {' or '.join(types)}"
                at = program.at(f"{each.pointer}/{place}")
                hint = _hint(value, types)
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _hint(value: JsonValue, types: tuple[str, ...]) -> str:
    if value is None:
        return f"write type: [{', '.join(types)}, 'null'], or remove it"
    if "string" in types:
        return "put it in quotes, or correct the type"
    return "correct the value or the type"
