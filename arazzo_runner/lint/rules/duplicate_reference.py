"""A component that is referred to twice in one list, or repeats a parameter of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from arazzo_runner.document.model import Components, FailureAction, Parameter, ReusableObject, SuccessAction
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.lint.inspection import Inspection, Item

CODE = "duplicate-reference"
SEVERITY = Severity.ERROR
GROUP = "names"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Arazzo: these lists "MUST NOT include duplicates"; what a reference leads to counts as written there."""
    components = program.description.components
    for items in program.reusable_lists:
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
    """Return what makes an item unique: name and place of a parameter, name of an action."""
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


def _finding(item: Item, first: Location) -> Diagnostic:
    what = item.reference if isinstance(item, ReusableObject) else item.name
    message = f'"{what}" repeats an entry of this list'
    hint = "keep one of them"
    return Diagnostic(code=CODE, severity=SEVERITY, message=message, at=item.at, hint=hint, related=(first,))
