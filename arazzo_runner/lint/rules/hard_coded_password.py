"""A constant under a name that holds secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeGuard

from arazzo_runner.base.json_values import JsonValue, escaped
from arazzo_runner.base.secrets import SECRET_HEADERS, is_secret_name
from arazzo_runner.document.model import Parameter
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.secret_forms import is_placeholder
from arazzo_runner.lint.inspection import Inspection

CODE = "hard-coded-password"
SEVERITY = Severity.WARNING
GROUP = "safety"
DEFAULT = True

MINIMUM: Final = 5


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Parameters, payload members and defaults of inputs whose name says that they are secret."""
    for name, value, pointer in (*_sent(program), *_defaults(program)):
        if len(value.split(" ")[-1]) < MINIMUM or is_placeholder(value):
            continue  # `Basic Og==` is an empty user name and password
        if is_secret_name(name) or name.lower() in SECRET_HEADERS:
            message = f'"{name}" is written into the document'
            hint = "make it an input with format: password, and read it with $inputs.<name>"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=program.at(pointer), hint=hint)


def _is_literal(value: JsonValue) -> TypeGuard[str]:
    return isinstance(value, str) and "$" not in value and "{" not in value


def _sent(program: Inspection) -> Iterator[tuple[str, str, str]]:
    for items in (*program.reusable_lists, program.description.components.parameters.values()):
        for item in items:
            if isinstance(item, Parameter) and _is_literal(item.value):
                yield item.name, item.value, f"{item.at.pointer}/value"
    for _, step in program.steps:
        if step.request_body is not None:
            yield from _members(step.request_body.payload, f"{step.request_body.at.pointer}/payload")
            for replacement in step.request_body.replacements:
                name = replacement.target.replace(".", "/").rpartition("/")[2]
                if _is_literal(replacement.value):
                    yield name, replacement.value, f"{replacement.at.pointer}/value"


def _members(payload: JsonValue, pointer: str) -> Iterator[tuple[str, str, str]]:
    waiting = [(payload, pointer)]
    while waiting:
        value, place = waiting.pop()
        if isinstance(value, dict):
            for name, part in value.items():
                if _is_literal(part):
                    yield name, part, f"{place}/{escaped(name)}"
            nested = [(name, part) for name, part in value.items() if isinstance(part, (dict, list))]
            waiting += [(part, f"{place}/{escaped(name)}") for name, part in reversed(nested)]
        elif isinstance(value, list):
            waiting += [(part, f"{place}/{index}") for index, part in enumerate(value)]


def _defaults(program: Inspection) -> Iterator[tuple[str, str, str]]:
    for each in program.schemas:
        default = each.schema.get("default")
        parent, _, name = each.pointer.rpartition("/") if _is_literal(default) else ("", "", "")
        if parent.endswith("/properties") and _is_literal(default):
            yield name, default, f"{each.pointer}/default"
