"""Names and entries of lists: duplicates, similar spellings, styles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Final

from arazzo_runner.base.json_values import JsonValue, escaped, preview
from arazzo_runner.base.patterns import pattern
from arazzo_runner.document.model import (
    Components,
    Criterion,
    FailureAction,
    Parameter,
    PayloadReplacement,
    ReusableObject,
    SourceDescription,
    SuccessAction,
    Workflow,
)
from arazzo_runner.document.yaml_positions import YamlPositions
from arazzo_runner.document.yaml_reader import NotJson, plain_value
from arazzo_runner.errors import Location, Severity, removing
from arazzo_runner.lint.inspection import Inspection, Item
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule


@rule("duplicate-criterion", "names", severity=Severity.ERROR, tolerated=True)
def duplicate_criterion(inspection: Inspection) -> Iterator[Finding]:
    """Report criteria that occur twice in a list, with the same context, condition and type."""
    for criteria in inspection.criteria_lists:
        if len(criteria) < 2:
            continue
        seen: dict[tuple[str | None, str, str], Criterion] = {}
        for each in criteria:
            kind = "simple" if each.type is None else f"{each.type.type} {each.type.version}"
            first = seen.setdefault((each.context, " ".join(each.condition.split()), kind), each)
            if first is not each:
                hint = "remove one, or correct what it tests"
                message = f"this criterion is in the list already: {preview(each.condition, 60)}"
                is_same = (each.condition, each.extensions) == (first.condition, first.extensions)
                severity = Severity.ERROR if is_same else Severity.WARNING  # lists hold unique items (JSON Schema)
                fix = removing(each.at, is_safe=False)
                yield Finding(message, each.at, hint, severity, related=(first.at,), fix=fix)


@rule("duplicate-reference", "names", severity=Severity.ERROR, trigger=Trigger(words=("reference",)))
def duplicate_reference(inspection: Inspection) -> Iterator[Finding]:
    """Report references that repeat an entry of their list: Arazzo says these lists "MUST NOT include duplicates"."""
    components = inspection.description.components
    for items in inspection.reusable_lists:
        if len(items) < 2 or ReusableObject not in map(type, items):
            continue
        seen: dict[object, Location] = {}
        for item in items:
            name = _identity(item, components)
            if name in seen and name is not None:
                if isinstance(item, ReusableObject) or _is_reference(items, seen[name]):
                    yield _finding(item, seen[name])
            else:
                seen[name] = item.at


def _identity(item: Item, components: Components) -> tuple[str, ...] | None:
    """Return what makes an item unique: name and `in` of a parameter, name of an action."""
    found: object = item
    if isinstance(item, ReusableObject):
        kind, _, name = item.reference.removeprefix("$components.").partition(".")
        by_kind: dict[str, Mapping[str, object]] = {
            "parameters": components.parameters,
            "successActions": components.success_actions,
            "failureActions": components.failure_actions,
        }
        found = by_kind.get(kind, {}).get(name)
    if isinstance(found, Parameter):
        return ("parameter", found.name, found.in_ or "")
    return ("action", found.name) if isinstance(found, (SuccessAction, FailureAction)) else None


def _is_reference(items: Iterable[Item], at: Location) -> bool:
    return any(isinstance(item, ReusableObject) and item.at == at for item in items)


def _finding(item: Item, first: Location) -> Finding:
    what = item.reference if isinstance(item, ReusableObject) else item.name
    message = f'"{what}" repeats an entry of this list'
    hint = "keep one of them"
    return Finding(message, item.at, hint, related=(first,))


@rule("duplicate-replacement", "names", tolerated=True, trigger=Trigger(words=("replacements",)))
def duplicate_replacement(inspection: Inspection) -> Iterator[Finding]:
    """Report payload replacements with the same target: they are applied in order, so the last one wins."""
    for _, step in inspection.steps:
        seen: dict[tuple[str, str | None], PayloadReplacement] = {}
        for each in step.request_body.replacements if step.request_body is not None else ():
            kind = None if each.target_selector_type is None else each.target_selector_type.type
            first = seen.setdefault((each.target, kind), each)
            if first is not each:
                message = f"target {preview(each.target, 60)} is replaced twice; the last value counts"
                at, related = each.at.child("target"), (first.at.child("target"),)
                hint = "remove one of them"
                is_same = each.value == first.value
                severity = Severity.ERROR if is_same else Severity.WARNING  # lists hold unique items (JSON Schema)
                yield Finding(message, at, hint, severity, related=related)


@rule("non-string-key", "shape", severity=Severity.ERROR, tolerated=True)
def non_string_key(inspection: Inspection) -> Iterator[Finding]:
    """Report keys that YAML 1.2 reads as a number, a boolean or null, and that are read as text all the same."""
    positions = inspection.description.at.positions
    unquoted = [key for key in inspection.texts.keys if not _is_plain_text(key)]
    if not unquoted or not isinstance(positions, YamlPositions):
        return  # in JSON every key is in quotes
    for pointer, key in _places_of_keys(inspection.description.raw, frozenset(unquoted)):
        span = positions.key(pointer)
        if span is not None and positions.line_text(span.line)[span.column - 1 : span.column] not in ("'", '"'):
            message = f"the key {key} is not a text for YAML; it is read as one"
            yield Finding(message, inspection.at(pointer).at_key(), f'put it in quotes: "{key}"')


def _is_plain_text(key: str) -> bool:
    """Return whether an unquoted key is a text in YAML's core schema."""
    try:
        return isinstance(plain_value(key), str) if key else True
    except NotJson:  # .inf and .nan
        return False


def _places_of_keys(value: JsonValue, wanted: Collection[str], pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield (JSON Pointer, key) of each mapping key that is wanted."""
    if isinstance(value, dict):
        for key, item in value.items():
            below = f"{pointer}/{escaped(key)}"
            if key in wanted:
                yield below, key
            yield from _places_of_keys(item, wanted, below)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places_of_keys(item, wanted, f"{pointer}/{index}")


@rule("duplicate-source-url", "names")
def duplicate_source_url(inspection: Inspection) -> Iterator[Finding]:
    """Report source descriptions with the same URL: every operationId in them is ambiguous."""
    seen: dict[str, SourceDescription] = {}
    for source in inspection.description.source_descriptions:
        first = seen.setdefault(source.url, source)
        if first is not source and source.url:
            message = f'sources "{first.name}" and "{source.name}" are the same document'
            at, related = source.at.child("url"), (first.at.child("url"),)
            hint = f'use "{first.name}" for both'
            yield Finding(message, at, hint, related=related)


@rule("similar-names", "names")
def similar_names(inspection: Inspection) -> Iterator[Finding]:
    """Report names of one kind in one place that differ only in case, hyphens, underscores, dots or spaces."""
    description = inspection.description
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
    for _, step in inspection.steps:
        yield from _similar_keys("output", step.outputs, step.at, "outputs")


def _plain(name: str) -> str:
    """Return a name without case and separators."""
    return name.casefold().replace("-", "").replace("_", "").replace(".", "").replace(" ", "")


def _similar_steps(workflow: Workflow) -> Iterator[Finding]:
    ids = [each.step_id for each in workflow.steps]
    return _similar("step", ids, lambda index: workflow.steps[index].at.child("stepId"))


def _similar_keys(kind: str, named: Iterable[str], at: Location, *fields: str) -> Iterator[Finding]:
    names = list(named)
    return _similar(kind, names, lambda index: reduce(Location.child, (*fields, names[index]), at).at_key())


def _similar(kind: str, names: Sequence[str], at: Callable[[int], Location]) -> Iterator[Finding]:
    """Yield the names that differ from an earlier one only in spelling; `at` returns the location of one by index."""
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
            yield Finding(message, at(index), hint, related=related)


_STYLES: Final = (
    ("camelCase", pattern(r"[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)+")),
    ("PascalCase", pattern(r"(?:[A-Z][a-z0-9]+){2,}")),
    ("kebab-case", pattern(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+")),
    ("snake_case", pattern(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")),
)


@rule("naming-style", "style", default=False)
def naming_style(inspection: Inspection) -> Iterator[Finding]:
    """Report ids that are written in another style than most others, if at least three have a known style."""
    workflows = [(each.workflow_id, each.at.child("workflowId")) for each in inspection.description.workflows]
    steps = [(step.step_id, step.at.child("stepId")) for _, step in inspection.steps]
    for kind, named in (("workflowId", workflows), ("stepId", steps)):
        styles = Counter(style for name, _ in named if (style := _style(name)))
        if sum(styles.values()) < 3:
            continue
        most, number = styles.most_common(1)[0]
        for name, at in named if number * 2 > sum(styles.values()) else ():
            if _style(name) not in (None, most):
                message = f'{kind} "{name}" is written in {_style(name)}, most others in {most}'
                hint = f"write it in {most}"
                yield Finding(message, at, hint)


def _style(name: str) -> str | None:
    """Return the style of a name of several words, None for single words and mixtures."""
    return next((style for style, form in _STYLES if form.fullmatch(name)), None)
