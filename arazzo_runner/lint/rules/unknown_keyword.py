"""A keyword of an inputs schema that is nearly one of JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import escaped
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.schema_keywords import KEYWORDS, OPENAPI
from arazzo_runner.lint.inspection import Inspection

CODE = "unknown-keyword"
SEVERITY = Severity.WARNING
GROUP = "shape"
DEFAULT = True

MOST: Final = 200
"""So many unknown keywords are compared with the known ones: a hostile document must not buy more."""


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Unknown keywords are ignored by JSON Schema, so a misspelt one checks nothing."""
    left = MOST
    for each in program.schemas:
        for keyword in each.schema:
            if keyword in KEYWORDS or keyword in OPENAPI or keyword.startswith("x-") or left == 0:
                continue
            from difflib import get_close_matches  # lazily: most keywords are known

            left -= 1
            near = get_close_matches(keyword, KEYWORDS, n=1, cutoff=0.8)
            if near:
                at = program.at(f"{each.pointer}/{escaped(keyword)}").at_key()
                message = f'"{keyword}" is no keyword of JSON Schema and is ignored'
                hint = f'did you mean "{near[0]}"?'
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
