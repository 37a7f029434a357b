"""A payload member in braces that sends a number or boolean as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Diagnostic, Severity, replacing
from arazzo_runner.lint.analysis.schemas import follow, property_of, types_of
from arazzo_runner.lint.analysis.text_index import is_value_place
from arazzo_runner.lint.inspection import Inspection

CODE = "braces-make-text"
SEVERITY = Severity.WARNING
GROUP = "language"
DEFAULT = True

_LONE: Final = pattern(r"\{\$inputs\.([\w.\-]+)\}")


def check(program: Inspection) -> Iterator[Diagnostic]:
    """`"{$inputs.count}"` alone is a text; `$inputs.count` keeps the type that the inputs schema declares."""
    lone = [text for text in program.texts.distinct if text.startswith("{$inputs.") and _LONE.fullmatch(text)]
    for text, pointer, _ in program.texts.placed(lone):
        if "/requestBody/" not in pointer or not is_value_place(pointer):
            continue
        found = _LONE.fullmatch(text)
        workflow = program.workflow_at(pointer)
        if found is None or workflow is None:
            continue
        schema = property_of(workflow.inputs, found.group(1), program.description.raw)
        followed = follow(schema, program.description.raw)
        types = types_of(followed) if isinstance(followed, dict) else ()
        if types and "string" not in types:
            message = f'{text} gives a text, but input "{found.group(1)}" is of type {" or ".join(types)}'
            at, hint = program.at(pointer), f"write $inputs.{found.group(1)} without braces"
            fix = replacing(at, text[1:-1], is_safe=False)
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint, fix=fix)
