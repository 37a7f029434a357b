"""Two names that differ only in case, hyphens or underscores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce

from arazzo_runner.document.model import ArazzoDescription, Workflow
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "similar-names"
SEVERITY = Severity.WARNING
GROUP = "names"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Names of one kind in one place: workflows, sources, steps, inputs and outputs."""
    description = program.description
    if not _may_have_similar(description):
        return
    sources = description.source_descriptions
    yield from _similar("source", [each.name for each in sources], lambda index: sources[index].at.child("name"))
    workflows = description.workflows
    ids = [each.workflow_id for each in workflows]
    yield from _similar("workflow", ids, lambda index: workflows[index].at.child("workflowId"))
    for workflow in workflows:
        yield from _similar_steps(workflow)
        yield from _similar_keys("output", workflow.outputs, workflow.at, "outputs")
        if isinstance(workflow.inputs, dict) and isinstance(workflow.inputs.get("properties"), dict):
            yield from _similar_keys("input", workflow.inputs["properties"], workflow.at, "inputs", "properties")
    for _, step in program.steps:
        yield from _similar_keys("output", step.outputs, step.at, "outputs")


def _may_have_similar(description: ArazzoDescription) -> bool:
    """Tell whether any two names of a document, of whatever kind, differ only in spelling."""
    names = {source.name for source in description.source_descriptions}
    for workflow in description.workflows:
        names.add(workflow.workflow_id)
        names.update(workflow.outputs, *[step.outputs for step in workflow.steps])
        names.update([step.step_id for step in workflow.steps])
        if isinstance(workflow.inputs, dict) and isinstance(workflow.inputs.get("properties"), dict):
            names.update(workflow.inputs["properties"])
    plain = _plain("\n".join(names)).split("\n")
    return not len(set(plain)) == len(plain) == len(names)


def _plain(name: str) -> str:
    """Return a name, or many with line breaks between them, without what may be spelt otherwise."""
    return name.casefold().replace("-", "").replace("_", "").replace(".", "").replace(" ", "")


def _similar_steps(workflow: Workflow) -> Iterator[Diagnostic]:
    ids = [each.step_id for each in workflow.steps]
    return _similar("step", ids, lambda index: workflow.steps[index].at.child("stepId"))


def _similar_keys(kind: str, named: Iterable[str], at: Location, *fields: str) -> Iterator[Diagnostic]:
    names = list(named)
    return _similar(kind, names, lambda index: reduce(Location.child, (*fields, names[index]), at).at_key())


def _similar(kind: str, names: Sequence[str], at: Callable[[int], Location]) -> Iterator[Diagnostic]:
    """Yield the names that differ from an earlier one only in spelling; `at` tells the place of one by its index."""
    if len(names) < 2:
        return
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        first = seen.setdefault(_plain(name), index)
        other = names[first]
        if other != name and name:
            message = f'{kind} "{name}" differs from "{other}" only in case or separators'
            hint = "give them names that cannot be mistaken for each other"
            related = (at(first),)
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at(index), hint=hint, related=related)
