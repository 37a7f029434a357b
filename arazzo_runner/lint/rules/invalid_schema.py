"""A schema of inputs that is no JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import escaped
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.schema_keywords import keyword_problem
from arazzo_runner.lint.inspection import Inspection

CODE = "invalid-schema"
SEVERITY = Severity.ERROR
GROUP = "shape"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Every keyword of JSON Schema 2020-12 has a value of the kind it asks for; types and patterns are known ones."""
    for each in program.schemas:
        for keyword, value in each.schema.items():
            problem = keyword_problem(keyword, value)
            if problem is not None:
                at = program.at(f"{each.pointer}/{escaped(keyword)}")
                yield Diagnostic(code=CODE, severity=SEVERITY, message=problem[0], at=at, hint=problem[1])
