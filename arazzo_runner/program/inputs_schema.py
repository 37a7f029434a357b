"""The JSON Schema of a workflow's inputs on its own, without references into its document."""

from __future__ import annotations

from itertools import count
from typing import Any, Final

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.kinds import type_of
from arazzo_runner.program.model import Program
from arazzo_runner.program.schemas import follow_in_document

_MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_DATA: Final = frozenset({"const", "enum", "default", "example", "examples", "required", "type"})


def inputs_schema(program: Program) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the inputs of the program's workflow, as a value of its own.

    What it refers to in the document is below `$defs`, once each, so that recursive schemas stay finite: tools of
    agents and forms can use it as it is. Without a schema, any object is allowed. Raises UnknownWorkflow for a
    program of several workflows.

    >>> from arazzo_runner import load
    >>> inputs_schema(load("specs/arazzo/prismatic-rotate-refresh-token-workflow.yml"))["required"]
    ['refreshToken']
    """
    given: object = program
    if not isinstance(given, Program):
        raise TypeError(f"inputs_schema takes a Program, which load returns, not {type_of(given)}")
    workflow = program.workflow
    if not isinstance(workflow.inputs, dict):
        return {"type": "object"} if workflow.inputs is None else {"type": "object", "allOf": [workflow.inputs]}
    copying = _Copying(workflow.document.raw)
    schema = copying.outermost(workflow.inputs)
    if copying.definitions:
        schema["$defs"] = {**schema.get("$defs", {}), **copying.definitions}
    return schema


class _Copying:
    """Copies schemas; `definitions` are those that they refer to, by the name that they got."""

    def __init__(self, root: JsonValue) -> None:
        self.definitions: dict[str, Any] = {}
        self._root = root
        self._names: dict[str, str] = {}
        self._taken: frozenset[str] = frozenset()

    def outermost(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Copy the schema itself: where it is only a reference, what that leads to."""
        seen: set[str] = set()
        while isinstance(reference := schema.get("$ref"), str) and reference not in seen:
            target = follow_in_document(reference, self._root)
            if not isinstance(target, dict):
                break
            seen.add(reference)
            schema = {**target, **{name: value for name, value in schema.items() if name != "$ref"}}
        self._taken = frozenset(schema.get("$defs") or ())
        copied: dict[str, Any] = self._schema(schema)
        return copied

    def _schema(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return [self._schema(each) for each in schema] if isinstance(schema, list) else schema
        return {name: self._member(name, value) for name, value in schema.items()}

    def _member(self, name: str, value: Any) -> Any:
        if name == "$ref" and isinstance(value, str):
            return self._reference(value)
        if name in _MAPS and isinstance(value, dict):
            return {each: self._schema(schema) for each, schema in value.items()}
        return _plain(value) if name in _DATA else self._schema(value)

    def _reference(self, reference: str) -> str:
        target = follow_in_document(reference, self._root)
        if target is MISSING:
            return reference
        if reference not in self._names:
            name = self._names[reference] = self._free_name(reference.rpartition("/")[2].strip("#") or "inputs")
            self.definitions[name] = None  # the name is taken: the schema may refer to itself
            self.definitions[name] = self._schema(target)
        return f"#/$defs/{self._names[reference]}"

    def _free_name(self, wanted: str) -> str:
        """Return a name for `$defs` that is not taken; it needs no escaping in a pointer."""
        plain = "".join(each if each.isalnum() or each in "_-." else "-" for each in wanted)
        taken = self._taken | self.definitions.keys()
        return next(name for number in count(1) if (name := plain if number == 1 else f"{plain}-{number}") not in taken)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
