"""A constant under a name that holds secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.diagnostics import Diagnostic, Severity
from arazzo_runner.document.model import Parameter
from arazzo_runner.secrets import SECRET_HEADERS, is_secret_name
from arazzo_runner.validation.inspection import Inspection
from arazzo_runner.validation.secret_forms import is_placeholder
from arazzo_runner.values import JsonValue, escaped

CODE = "hard-coded-password"
SEVERITY = Severity.WARNING
GROUP = "safety"
DEFAULT = True

MINIMUM: Final = 5


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Parameters, payload members and defaults of inputs whose name says that they are secret."""
    for name, value, pointer in (*_sent(program), *_defaults(program)):
        if not isinstance(value, str) or "$" in value or "{" in value or is_placeholder(value):
            continue
        if len(value.split(" ")[-1]) < MINIMUM:  # `Basic Og==` is an empty user name and password
            continue
        if is_secret_name(name) or name.lower() in SECRET_HEADERS:
            message = f'"{name}" is written into the document'
            hint = "make it an input with format: password, and read it with $inputs.<name>"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=program.at(pointer), hint=hint)


def _sent(program: Inspection) -> Iterator[tuple[str, JsonValue, str]]:
    listed = [item for items in program.reusable_lists for item in items]
    for item in (*listed, *program.description.components.parameters.values()):
        if isinstance(item, Parameter):
            yield item.name, item.value, f"{item.at.pointer}/value"
    for _, step in program.steps:
        if step.request_body is not None:
            yield from _members(step.request_body.payload, f"{step.request_body.at.pointer}/payload")
            for replacement in step.request_body.replacements:
                name = replacement.target.replace(".", "/").rpartition("/")[2]
                yield name, replacement.value, f"{replacement.at.pointer}/value"


def _members(payload: JsonValue, pointer: str) -> Iterator[tuple[str, JsonValue, str]]:
    waiting = [(payload, pointer)]
    while waiting:
        value, place = waiting.pop()
        if isinstance(value, dict):
            parts = [(name, part, f"{place}/{escaped(name)}") for name, part in value.items()]
            yield from parts
            waiting += [(part, inner) for _, part, inner in reversed(parts)]
        elif isinstance(value, list):
            waiting += [(part, f"{place}/{index}") for index, part in enumerate(value)]


def _defaults(program: Inspection) -> Iterator[tuple[str, JsonValue, str]]:
    for each in program.schemas:
        parent, _, name = each.pointer.rpartition("/")
        if parent.endswith("/properties") and "default" in each.schema:
            yield name, each.schema["default"], f"{each.pointer}/default"
