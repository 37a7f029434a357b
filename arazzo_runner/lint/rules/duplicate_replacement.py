"""Two payload replacements with the same target."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import preview
from arazzo_runner.document.model import PayloadReplacement
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "duplicate-replacement"
SEVERITY = Severity.WARNING
GROUP = "names"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Replacements are done in order, so the last one for a target wins."""
    for _, step in program.steps:
        seen: dict[tuple[str, str | None], PayloadReplacement] = {}
        for each in step.request_body.replacements if step.request_body is not None else ():
            kind = None if each.target_selector_type is None else each.target_selector_type.type
            first = seen.setdefault((each.target, kind), each)
            if first is not each:
                message = f"target {preview(each.target, 60)} is replaced twice; the last value counts"
                at, related = each.at.child("target"), (first.at.child("target"),)
                hint = "remove one of them"
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint, related=related)
