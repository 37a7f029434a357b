"""A schema that states a limit twice, with and without exclusive."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import is_number
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "mixed-range"
SEVERITY = Severity.WARNING
GROUP = "shape"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """The looser one of the two never counts."""
    for each in program.schemas:
        for plain, exclusive in (("maximum", "exclusiveMaximum"), ("minimum", "exclusiveMinimum")):
            if is_number(each.schema.get(plain)) and is_number(each.schema.get(exclusive)):
                message = f"{plain} and {exclusive} are both given; only the stricter one counts"
                at, related = program.at(f"{each.pointer}/{exclusive}"), (program.at(f"{each.pointer}/{plain}"),)
                hint = "keep one of them"
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint, related=related)
