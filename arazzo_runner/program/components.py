"""Reusable Objects: `$components.<kind>.<name>` → the component itself."""

from __future__ import annotations

from collections.abc import Iterable

from arazzo_runner.base.json_values import MISSING
from arazzo_runner.base.records import replace
from arazzo_runner.document.model import Parameter, ReusableObject
from arazzo_runner.errors import Location, replacing
from arazzo_runner.program.context import Context, component_names, names_hint


def reused_parameter(item: ReusableObject, context: Context) -> Parameter | None:
    """Return the parameter of the components that an item means, with the value that the item gives it."""
    found = component(item, "parameters", context)
    if not isinstance(found, Parameter):
        return None
    return found if item.value is MISSING else replace(found, value=item.value, at=_overridden(item, found))


def component(item: ReusableObject, kind: str, context: Context) -> object | None:
    """Follow `$components.<kind>.<name>` (Arazzo §Reusable Object); what leads nowhere is reported and None."""
    prefix = f"$components.{kind}."
    known = component_names(context.document, kind)
    name = item.reference.removeprefix(prefix)
    if name in known and name is not item.reference:
        return known[name]
    at = item.at.child("reference")
    if not item.reference.startswith(prefix):
        message = f'"{item.reference}" is no reference to a component of the right kind'
        meant = _meant_component(item.reference, known)
        fix = None if meant is None else replacing(at, prefix + meant, is_safe=False)
        hint = f"write {prefix}{meant or '<name>'}"
        context.problems.error("unknown-component", message, at, hint=hint, fix=fix)
        return None
    message = f'there is no component "{name}" in components/{kind}'
    hint = names_hint(name, known) or f"add it to components, under {kind}:"
    context.problems.error("unknown-component", message, at, hint=hint)
    return None


def _meant_component(reference: str, known: Iterable[str]) -> str | None:
    """Return the component that a reference in another form means: `#/components/parameters/page`, `page`."""
    names = [name for name in known if reference.endswith((f"/{name}", f".{name}")) or reference == name]
    return max(names, key=len, default=None)


def _overridden(item: ReusableObject, found: Parameter) -> Location:
    return item.at if item.at.positions is not None else found.at
