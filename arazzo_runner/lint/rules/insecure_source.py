"""A description that is read over plain http."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "insecure-source"
SEVERITY = Severity.WARNING
GROUP = "safety"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Whoever can change the answer on its way decides which requests the run sends."""
    for source in program.description.source_descriptions:
        host = source.url[7:].partition("/")[0].partition(":")[0]
        if source.url.lower().startswith("http://") and host not in ("localhost", "127.0.0.1"):
            message = f'source "{source.name}" is read from {source.url} without encryption'
            hint = f"write https://{source.url[7:]}, or a file"
            at = source.at.child("url")
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
