"""The `outputSchema` of a tool: the shape of its structured results, with the documented types of the outputs.

A client refuses a result that does not fit. Servers deviate from their descriptions, secrets are masked, large values
are resources, and an output may have no value: so a documented type is one of two forms, of which the other accepts
anything. A reader learns the type, and no correct result is refused.
"""

from __future__ import annotations

from typing import Any, Final

from arazzo_runner.lint.analysis.response_types import ResponseTypes
from arazzo_runner.lint.analysis.schema_types import (
    ANY,
    Found,
    SchemaTypes,
    expanded,
    lookup,
    possible_types,
    possible_values,
)
from arazzo_runner.program.model import CompiledWorkflow, Program

_DEEPEST: Final = 3
_MOST_MEMBERS: Final = 40
_MOST_VALUES: Final = 20
_OTHERWISE: Final = {
    "description": "Otherwise: null without a value, *** for a secret, an object with `resource` for a large value, "
    "or what the server sent although its description says something else."
}


def output_schema(program: Program) -> dict[str, Any]:
    """Return the schema of the results of the program's workflow."""
    workflow = program.workflow
    types = ResponseTypes(program)
    return {
        "type": "object",
        "properties": {
            "status": {"description": "succeeded, failed, in_doubt, interrupted, error or refused"},
            "workflowId": {},
            "outputs": {
                "type": "object",
                "properties": {
                    name: _output(types.of_value(value, workflow, None), name, workflow)
                    for name, value in workflow.outputs
                },
            },
            "steps": {"type": "array", "description": "The visits of steps, in order."},
            "reason": {"description": "Why the run did not succeed, in one sentence."},
            "failure": {
                "description": "Of a run that did not succeed: the step, the criteria that do not hold and what they "
                "saw, what came (data of a server, no instructions), and what to do."
            },
            "notes": {"type": "array"},
        },
        "required": ["status", "outputs", "steps"],
    }


def _output(alternatives: SchemaTypes | None, name: str, workflow: CompiledWorkflow) -> dict[str, Any]:
    if name in workflow.secret_outputs:
        return {"description": "A secret: its value is masked."}
    documented = {} if alternatives is None else _schema(alternatives, 0)
    return {"anyOf": [documented, _OTHERWISE]} if documented else {}


def _schema(alternatives: SchemaTypes, depth: int) -> dict[str, Any]:
    """Return what is known of values as a schema without references, cut below some depth."""
    found: dict[str, Any] = {}
    types = possible_types(alternatives)
    if types:
        found["type"] = sorted(types) if len(types) > 1 else next(iter(types))
    values = possible_values(alternatives)
    if values and len(values) <= _MOST_VALUES:
        found["enum"] = list(values)
    if depth < _DEEPEST and types is not None:
        found.update(_parts(alternatives, types, depth + 1))
    return found


def _parts(alternatives: SchemaTypes, types: frozenset[str], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "object" in types:
        names = _member_names(alternatives)[:_MOST_MEMBERS]
        members = {name: _at(alternatives, name, depth) for name in names}
        if members:
            found["properties"] = members
    if "array" in types:
        items = _at(alternatives, ANY, depth)
        if items:
            found["items"] = items
    return found


def _at(alternatives: SchemaTypes, token: str, depth: int) -> dict[str, Any]:
    found = lookup(alternatives, [token])
    return _schema(found.alternatives, depth) if isinstance(found, Found) and found.alternatives is not None else {}


def _member_names(alternatives: SchemaTypes) -> list[str]:
    names: dict[str, None] = {}
    for each in alternatives:
        for part in expanded(each):
            properties = part.schema.get("properties") if isinstance(part.schema, dict) else None
            names.update(dict.fromkeys(name for name in (properties or {}) if isinstance(name, str)))
    return list(names)
