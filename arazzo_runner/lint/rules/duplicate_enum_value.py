"""A value that stands in an enum twice."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import is_number, preview, to_json
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "duplicate-enum-value"
SEVERITY = Severity.WARNING
GROUP = "shape"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """JSON Schema: the elements of an enum SHOULD be unique."""
    for each in program.schemas:
        values = each.schema.get("enum")
        seen: dict[tuple[bool, str], int] = {}
        for index, value in enumerate(values if isinstance(values, list) else ()):
            key = (isinstance(value, bool), to_json(float(value) if is_number(value) else value))
            first = seen.setdefault(key, index)
            if first != index:
                at = program.at(f"{each.pointer}/enum/{index}")
                related = (program.at(f"{each.pointer}/enum/{first}"),)
                message, hint = f"{preview(value, 40)} is in the enum already", "remove one of them"
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint, related=related)
