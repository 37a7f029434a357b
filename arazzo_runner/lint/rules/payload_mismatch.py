"""A part of a payload that does not fit the schema of the request body."""

from __future__ import annotations

import re
from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "payload-mismatch"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Yield misfits of type, listed values, limits and patterns; names of members are the business of others."""
    for each in program.payload_misfits:
        if each.keyword not in ("required", "additionalProperties", "readOnly", "near"):
            message = f'step "{each.step.step_id}": {each.message}'
            hint = _hint(each.message, each.keyword)
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=each.at, hint=hint)


def _hint(message: str, keyword: str) -> str:
    braced = re.search(r" but \{(\$[^{}]+)\} is string$", message)
    if braced is not None:
        return f"write {braced[1]} without braces, which make it a text"
    if keyword == "type" and " but $inputs." in message:
        return "declare the input with that type, or pass another value"
    return "look the request body up in the description"
