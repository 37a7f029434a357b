"""The x-security extension of Redocly, not as its own rules ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import JsonValue, preview
from arazzo_runner.document.model import Extensions
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "x-security-form"
SEVERITY = Severity.WARNING
GROUP = "shape"
DEFAULT = True

_VALUES: Final = {
    "apiKey": ("apiKey",),
    "basic": ("username", "password"),
    "digest": ("username", "password"),
    "bearer": ("token",),
    "oauth2": ("accessToken",),
    "openIdConnect": ("accessToken",),
    "mutualTLS": (),
}


def check(program: Inspection) -> Iterator[Diagnostic]:
    """One of scheme and schemeName; the values a scheme needs; a source where there are several."""
    for workflow in program.description.workflows:
        yield from _entries(program, workflow.extensions, workflow.at, is_workflow=True)
    for _, step in program.steps:
        yield from _entries(program, step.extensions, step.at, is_workflow=False)


def _entries(program: Inspection, extensions: Extensions, at: Location, *, is_workflow: bool) -> Iterator[Diagnostic]:
    listed = extensions.get("x-security")
    for index, entry in enumerate(listed if isinstance(listed, list) else ()):
        problem = _problem(program, entry, extensions, is_workflow) if isinstance(entry, dict) else None
        if problem is not None:
            place = at.child("x-security").child(index)
            yield Diagnostic(code=CODE, severity=SEVERITY, message=problem[0], at=place, hint=problem[1])


def _problem(
    program: Inspection, entry: dict[str, JsonValue], extensions: Extensions, is_workflow: bool
) -> tuple[str, str] | None:
    name, scheme = entry.get("schemeName"), entry.get("scheme")
    if name is not None and scheme is not None:
        return "x-security has both scheme and schemeName", "keep one of them"
    if name is not None and "x-operation" in extensions:
        return "schemeName needs an operation of a description; x-operation is none", "write the scheme itself"
    is_bare = not (isinstance(name, str) and name.startswith("$sourceDescriptions."))
    if name is not None and is_workflow and is_bare and len(program.description.source_descriptions) > 1:
        return "schemeName does not say which source it is of", "write $sourceDescriptions.<name>.<schemeName>"
    return _values_problem(scheme, entry.get("values")) if isinstance(scheme, dict) else None


def _values_problem(scheme: dict[str, JsonValue], values: JsonValue) -> tuple[str, str] | None:
    kind = str(scheme.get("scheme")).lower() if scheme.get("type") == "http" else str(scheme.get("type"))
    needed = _VALUES.get(kind)
    if needed is None:
        return f"the scheme {preview(kind, 40)} is not known", f"known are {', '.join(_VALUES)}"
    missing = [name for name in needed if not (isinstance(values, dict) and name in values)]
    return (f"values of {kind} lack {' and '.join(missing)}", f"add {missing[0]} to values:") if missing else None
