"""A source description that nothing calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.library import LoadedDocument
from arazzo_runner.program.model import CompiledStep, OperationCall, Unlinked

CODE = "unused-source"
SEVERITY = Severity.WARNING
GROUP = "names"
DEFAULT = True

_NAMED: Final = pattern(r"\$sourceDescriptions\.([^#{}\s]+)")


def check(program: Inspection) -> Iterator[Diagnostic]:
    """A source is used when a step leads to it or a text names it; a broken bare operationId leaves all open."""
    sources = program.description.source_descriptions
    if len(sources) < 2 or any(_may_mean_any(program, step) for _, step in program.compiled_steps):
        return
    called = {step.call.source for _, step in program.compiled_steps if isinstance(step.call, OperationCall)}
    named = set(_NAMED.findall(program.texts.joined))
    for source in sources:
        prefixes = {source.name, *(each for each in named if each.startswith(f"{source.name}."))}
        if source.name in called or prefixes & named or _is_identity(program, source.name):
            continue
        message = f'source "{source.name}" is used by no step'
        hint = "remove it, or call something of it"
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=source.at.child("name"), hint=hint)


def _may_mean_any(program: Inspection, step: CompiledStep) -> bool:
    """Tell whether a step's operation was not found and may be in any source."""
    written = program.step_at(step.at.pointer)
    if not isinstance(step.call, Unlinked) or written is None:
        return False
    target = written.operation_id or written.operation_path or written.channel_path
    return target is not None and "$sourceDescriptions." not in target


def _is_identity(program: Inspection, name: str) -> bool:
    """Tell whether the workflows of another document are reached without its name (by `$self`)."""
    opened = program.sources.get(name)
    return isinstance(opened, LoadedDocument) and any(key.document == opened.base for key in program.workflows)
