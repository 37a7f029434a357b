"""A contentType that is no media type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import preview
from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "invalid-content-type"
SEVERITY = Severity.WARNING
GROUP = "shape"
DEFAULT = True

_MEDIA_TYPE: Final = pattern(r"[\w!#$&^.+\-]+/[\w!#$&^.+*\-]+\s*(?:;.*)?", re.DOTALL)
_MEANT: Final = {
    "json": "write application/json",
    "xml": "write application/xml",
    "form": "write application/x-www-form-urlencoded",
    "multipart": "write multipart/form-data",
    "text": "write text/plain",
}


def check(program: Inspection) -> Iterator[Diagnostic]:
    """type/subtype, with parameters behind a semicolon (RFC 9110 §8.3.1)."""
    for _, step in program.steps:
        written = step.request_body.content_type if step.request_body is not None else None
        if written is None or "$" in written or _MEDIA_TYPE.fullmatch(written.strip()):
            continue
        message = f"contentType {preview(written, 60)} is no media type"
        hint = _MEANT.get(written.strip().lower()) or "write type/subtype, such as application/json"
        at = program.at(f"{step.at.pointer}/requestBody/contentType")
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
