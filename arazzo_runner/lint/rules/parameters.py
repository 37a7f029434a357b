"""Parameters of operations: required ones, and values that do not fit their schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from arazzo_runner.base.json_values import JsonValue, to_number, to_text
from arazzo_runner.errors import Severity
from arazzo_runner.lint.analysis.partial import Computed, computed_mismatch, has_computed, mismatches
from arazzo_runner.lint.analysis.schema_types import SchemaType, possible_types
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.model import CompiledStep, CompiledWorkflow
from arazzo_runner.sources.operation import Operation, OperationParameter
from arazzo_runner.sources.schema.mismatch import SchemaError


@rule("missing-parameter", "openapi", trigger=Trigger(needs="operations"))
def missing_parameter(inspection: Inspection) -> Iterator[Finding]:
    """Report required query and header parameters that a step does not give; responses may set cookies."""
    for workflow, step, call in inspection.operation_steps():
        if _has_broken_parameters(inspection, workflow, step):
            continue
        operation = call.operation
        given = {(each.name.lower(), each.location) for each in step.parameters}
        for declared in operation.parameters:
            if not declared.required or declared.location not in ("query", "header", "querystring"):
                continue
            if (declared.name.lower(), declared.location) in given or _is_credential(declared, operation):
                continue
            message = (
                f'{operation.method} {operation.path} requires the {declared.location} parameter "{declared.name}"'
            )
            hint = f"add a parameter with name: {declared.name}, in: {declared.location}"
            at = step.at.child("stepId")
            yield Finding(message, at, hint)


def _has_broken_parameters(inspection: Inspection, workflow: CompiledWorkflow, step: CompiledStep) -> bool:
    return any(inspection.broken.inside(each.at, "parameters") for each in (workflow, step))


def _is_credential(declared: OperationParameter, operation: Operation) -> bool:
    """Return whether a parameter is an API key of a security scheme: credentials are not part of documents."""
    schemes = (scheme for scheme in operation.security_schemes.values() if isinstance(scheme, Mapping))
    return any(
        scheme.get("type") == "apiKey"
        and scheme.get("in") == declared.location
        and str(scheme.get("name")).lower() == declared.name.lower()
        for scheme in schemes
    )


@rule("mixed-querystring", "shape", severity=Severity.ERROR, trigger=Trigger(words=("querystring",)))
def mixed_querystring(inspection: Inspection) -> Iterator[Finding]:
    """Report `querystring` parameters beside others in the query, or twice (OpenAPI 3.2 §Parameter Locations)."""
    for _, step in inspection.compiled_steps:
        whole = [each for each in step.parameters if each.location == "querystring"]
        single = [each for each in step.parameters if each.location == "query"]
        others = single if single else whole[1:]
        if whole and others:
            message = f'"{whole[0].name}" is the whole query string; "{others[0].name}" cannot stand beside it'
            hint = "give every parameter by itself, or all of them in the query string"
            related = (whole[0].at,)
            yield Finding(message, others[0].at, hint, related=related)


_SCALARS: Final = frozenset({"string", "integer", "number", "boolean", "null"})


@rule("parameter-mismatch", "openapi", trigger=Trigger(needs="operations"))
def parameter_mismatch(inspection: Inspection) -> Iterator[Finding]:
    """Report parameter values that do not fit their schema as the text they are sent as."""
    for workflow, step, call in inspection.operation_steps():
        for parameter in step.parameters:
            declared = parameter.declared
            if declared is None or declared.schema is None:
                continue
            schema_type = SchemaType(declared.schema, declared.base, call.operation.schemas)
            value = inspection.response_types.partial(parameter.value, workflow, step)
            found = _mismatch(value, schema_type)
            if found is not None:
                message = f'{parameter.location} parameter "{parameter.name}": {found}'
                hint = "look the parameter up in the description"
                at = parameter.at.child("value")
                yield Finding(message, at, hint)


def _mismatch(value: JsonValue, schema_type: SchemaType) -> str | None:
    """Return why a value fits in none of the forms that a server may read it as, None when it does."""
    if isinstance(value, Computed):
        return _computed_mismatch(value, schema_type)
    if has_computed(value):
        return None
    types = possible_types((schema_type,))
    if isinstance(value, str) and (types is None or types & {"array", "object"}):
        return None  # it may be a serialized list or object
    first: Sequence[SchemaError] = ()
    for form in _forms(value, types):
        found = mismatches(form, schema_type)
        if not found:
            return None
        first = first or found
    return first[0].message if first else None


def _forms(value: JsonValue, types: frozenset[str] | None) -> Iterable[JsonValue]:
    """Return the values that a server may read: `10` and `"10"` are sent as the same text."""
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


def _computed_mismatch(value: Computed, schema_type: SchemaType) -> str | None:
    """Return why a computed value never fits: an object or array for a scalar, or no value of an enum."""
    types, wanted = possible_types(value.alternatives), possible_types((schema_type,))
    structures = types is not None and bool(types) and types <= {"array", "object"}
    if structures and wanted is not None and wanted <= _SCALARS and types is not None:
        needed = " or ".join(sorted(wanted - {"integer"} if "number" in wanted else wanted))
        return f"it must be {needed}, but {value.text} is {' or '.join(sorted(types))}"
    found = computed_mismatch(value, schema_type)
    return found.message if found is not None and found.keyword == "enum" else None
