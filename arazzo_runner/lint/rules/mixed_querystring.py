"""A query string as a whole beside single query parameters, or twice."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "mixed-querystring"
SEVERITY = Severity.ERROR
GROUP = "shape"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """OpenAPI 3.2 §Parameter Locations: `querystring` stands alone, and once."""
    for _, step in program.compiled_steps:
        whole = [each for each in step.parameters if each.location == "querystring"]
        single = [each for each in step.parameters if each.location == "query"]
        others = single if single else whole[1:]
        if whole and others:
            message = f'"{whole[0].name}" is the whole query string; "{others[0].name}" cannot stand beside it'
            hint = "give every parameter by itself, or all of them in the query string"
            related = (whole[0].at,)
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=others[0].at, hint=hint, related=related)
