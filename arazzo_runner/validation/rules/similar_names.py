"""Two names that differ only in case, hyphens or underscores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from arazzo_runner.diagnostics import Diagnostic, Location, Severity
from arazzo_runner.validation.inspection import Inspection

CODE = "similar-names"
SEVERITY = Severity.WARNING
GROUP = "names"
DEFAULT = True

_SEPARATORS: Final = str.maketrans("", "", "-_. ")


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Names of one kind in one place: workflows, sources, steps, inputs and outputs."""
    description = program.description
    yield from _similar("source", [(each.name, each.at.child("name")) for each in description.source_descriptions])
    yield from _similar("workflow", [(each.workflow_id, each.at.child("workflowId")) for each in description.workflows])
    for workflow in description.workflows:
        yield from _similar("step", [(each.step_id, each.at.child("stepId")) for each in workflow.steps])
        yield from _similar("output", _keys(workflow.outputs, workflow.at.child("outputs")))
        if isinstance(workflow.inputs, dict) and isinstance(workflow.inputs.get("properties"), dict):
            at = workflow.at.child("inputs").child("properties")
            yield from _similar("input", _keys(workflow.inputs["properties"], at))
    for _, step in program.steps:
        yield from _similar("output", _keys(step.outputs, step.at.child("outputs")))


def _keys(named: Iterable[str], at: Location) -> list[tuple[str, Location]]:
    return [(name, at.child(name).at_key()) for name in named]


def _similar(kind: str, names: Iterable[tuple[str, Location]]) -> Iterator[Diagnostic]:
    seen: dict[str, tuple[str, Location]] = {}
    for name, at in names:
        other, place = seen.setdefault(name.casefold().translate(_SEPARATORS), (name, at))
        if other != name and name:
            message = f'{kind} "{name}" differs from "{other}" only in case or separators'
            hint = "give them names that cannot be mistaken for each other"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint, related=(place,))
