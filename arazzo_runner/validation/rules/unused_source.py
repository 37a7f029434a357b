"""A source description that nothing calls."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.diagnostics import Diagnostic, Severity
from arazzo_runner.program.library import LoadedDocument
from arazzo_runner.program.model import OperationCall, Unlinked
from arazzo_runner.validation.inspection import Inspection

CODE = "unused-source"
SEVERITY = Severity.WARNING
GROUP = "names"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """A source is used when a step leads to it or a text names it; unread sources and broken steps leave it open."""
    sources = program.description.source_descriptions
    called = {step.call.source for _, step in program.compiled_steps if isinstance(step.call, OperationCall)}
    if len(sources) < 2 or any(isinstance(step.call, Unlinked) for _, step in program.compiled_steps):
        return
    named = "\n".join(each.text for each in program.texts if "." in each.text or "#" in each.text)
    for source in sources:
        is_named = any(
            f"{before}{source.name}{after}" in named for before in ("$sourceDescriptions.",) for after in (".", "#")
        )
        if source.name in called or is_named or _is_identity(program, source.name):
            continue
        message = f'source "{source.name}" is used by no step'
        hint = "remove it, or call something of it"
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=source.at.child("name"), hint=hint)


def _is_identity(program: Inspection, name: str) -> bool:
    """Tell whether the workflows of another document are reached without its name (by `$self`)."""
    opened = program.sources.get(name)
    return isinstance(opened, LoadedDocument) and any(key.document == opened.base for key in program.workflows)
