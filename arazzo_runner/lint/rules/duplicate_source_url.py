"""Two source descriptions of one document."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.document.model import SourceDescription
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "duplicate-source-url"
SEVERITY = Severity.WARNING
GROUP = "names"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """The same URL under two names makes every operationId of it ambiguous."""
    seen: dict[str, SourceDescription] = {}
    for source in program.description.source_descriptions:
        first = seen.setdefault(source.url, source)
        if first is not source and source.url:
            message = f'sources "{first.name}" and "{source.name}" are the same document'
            at, related = source.at.child("url"), (first.at.child("url"),)
            hint = f'use "{first.name}" for both'
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint, related=related)
