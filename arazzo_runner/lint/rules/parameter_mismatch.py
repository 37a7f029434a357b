"""A parameter's value that does not fit its schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from arazzo_runner.base.json_values import JsonValue, to_number, to_text
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.partial import Computed, computed_misfit, has_computed, misfits
from arazzo_runner.lint.analysis.schema_types import Shape, possible_types
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import OperationCall
from arazzo_runner.sources.schema.mismatch import SchemaError

CODE = "parameter-mismatch"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True

SCALARS: Final = frozenset({"string", "integer", "number", "boolean", "null"})


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Check every value that is known, as the text it is sent as; of computed ones only what can never fit."""
    for workflow, step in program.compiled_steps:
        if not isinstance(step.call, OperationCall):
            continue
        for parameter in step.parameters:
            declared = parameter.declared
            if declared is None or declared.schema is None:
                continue
            shape = Shape(declared.schema, declared.base, step.call.operation.schemas)
            value = program.forecast.partial(parameter.value, workflow, step)
            found = _misfit(value, shape)
            if found is not None:
                message = f'{parameter.location} parameter "{parameter.name}": {found}'
                hint = "look the parameter up in the description"
                at = parameter.at.child("value")
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _misfit(value: JsonValue, shape: Shape) -> str | None:
    """Return why a value does not fit in any of the forms it may be read in, None when it does."""
    if isinstance(value, Computed):
        return _computed_misfit(value, shape)
    if has_computed(value):
        return None
    types = possible_types((shape,))
    if isinstance(value, str) and (types is None or types & {"array", "object"}):
        return None  # it may be the serialised form of a list or an object
    first: Sequence[SchemaError] = ()
    for form in _forms(value, types):
        found = misfits(form, shape)
        if not found:
            return None
        first = first or found
    return first[0].message if first else None


def _forms(value: JsonValue, types: frozenset[str] | None) -> Iterable[JsonValue]:
    """Return what a server may read: `10` and `"10"` are the same text."""
    yield value
    if isinstance(value, list):
        yield [to_text(item) for item in value]
        yield [_parsed(item) for item in value]
        yield from (value if len(value) == 1 else ())
    elif isinstance(value, str):
        yield _parsed(value)
    elif not isinstance(value, dict):
        yield to_text(value)
    if types is not None and "array" in types and not isinstance(value, (list, dict)):
        yield from ([value], [to_text(value)])


def _parsed(value: JsonValue) -> JsonValue:
    if not isinstance(value, str):
        return value
    number = to_number(value)
    return {"true": True, "false": False, "null": None}.get(value, value) if number is None else number


def _computed_misfit(value: Computed, shape: Shape) -> str | None:
    """Texts may be read as numbers, so only structures for scalars, and other listed values, can never fit."""
    types, wanted = possible_types(value.shapes), possible_types((shape,))
    structures = types is not None and bool(types) and types <= {"array", "object"}
    if structures and wanted is not None and wanted <= SCALARS and types is not None:
        needed = " or ".join(sorted(wanted - {"integer"} if "number" in wanted else wanted))
        return f"it must be {needed}, but {value.text} is {' or '.join(sorted(types))}"
    found = computed_misfit(value, shape)
    return found.message if found is not None and found.keyword == "enum" else None
