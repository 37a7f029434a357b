"""The `inputSchema` of a tool: the inputs of a workflow as one JSON Schema that refers to nothing outside of itself.

Hosts want an object with `properties` at its root, so what is composed there (`$ref`, `allOf`, `anyOf` …) is spread
out; what that loses (which of them go together), the run checks. Secret inputs are left out: nobody asks a model
for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.secrets import is_secret_name
from arazzo_runner.program.model import CompiledWorkflow
from arazzo_runner.program.schemas import accepts_any_name, follow_in_document

_ALTERNATIVES: Final = ("anyOf", "oneOf")
_CONDITIONS: Final = ("if", "then", "else")
_MARKS: Final = ("writeOnly", "x-sensitive", "x-secret")
_BY_NAME: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_DEEPEST: Final = 100


def secret_inputs(workflow: CompiledWorkflow) -> frozenset[str]:
    """Return the inputs that are secret, or that have a part that is: those are given as a whole."""
    root = workflow.document.raw
    nested = (name for name, schema, _ in _members(workflow.inputs, root) if _holds_secret(schema, root))
    return workflow.secret_inputs | frozenset(nested)


def takes_other_names(workflow: CompiledWorkflow) -> bool:
    """Return whether inputs may have other names than those that are declared."""
    return accepts_any_name(workflow.inputs, workflow.document.raw)


def input_schema(workflow: CompiledWorkflow, hidden: Collection[str], given: Collection[str]) -> dict[str, Any]:
    """Return the schema of the inputs that a client gives.

    `hidden` are the inputs that it may not give, `given` those that have a value without it.
    """
    root = workflow.document.raw
    inliner = _Inliner(root)
    members: dict[str, list[tuple[dict[str, Any] | bool, bool]]] = {}
    for name, member, is_alternative in _members(workflow.inputs, root):
        if name not in hidden:
            members.setdefault(name, []).append((inliner.inlined(member), is_alternative))
    optional = {*hidden, *given, *workflow.callback_inputs}
    required = [name for name in _required(workflow.inputs, root) if name in members and name not in optional]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _combined(found) for name, found in members.items()},
        "required": required,
        "additionalProperties": takes_other_names(workflow),
    }
    if inliner.definitions:
        schema["$defs"] = inliner.definitions
    return schema


# ------------------------------------------------------------------ the root


def _parts(schema: JsonValue, root: JsonValue) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield a schema and those that it is composed of, each with whether it is only one of several."""
    waiting: list[tuple[JsonValue, bool]] = [(schema, False)]
    seen: set[int] = set()
    while waiting:
        part, is_alternative = waiting.pop(0)
        if not isinstance(part, dict) or id(part) in seen:
            continue
        seen.add(id(part))
        yield part, is_alternative
        reference = part.get("$ref")
        if isinstance(reference, str):
            waiting.append((follow_in_document(reference, root), is_alternative))
        waiting += [(each, is_alternative) for each in _listed(part.get("allOf"))]
        waiting += [(each, True) for keyword in _ALTERNATIVES for each in _listed(part.get(keyword))]
        waiting += [(part.get(keyword), True) for keyword in _CONDITIONS]
        dependent = part.get("dependentSchemas")
        waiting += [(each, True) for each in (dependent.values() if isinstance(dependent, dict) else ())]


def _listed(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _members(schema: JsonValue, root: JsonValue) -> Iterator[tuple[str, JsonValue, bool]]:
    for part, is_alternative in _parts(schema, root):
        properties = part.get("properties")
        for name, member in (properties if isinstance(properties, dict) else {}).items():
            if isinstance(name, str):
                yield name, member, is_alternative


def _required(schema: JsonValue, root: JsonValue) -> list[str]:
    """Return the inputs that must be given, whichever of the alternatives holds."""
    found = (part.get("required") for part, is_alternative in _parts(schema, root) if not is_alternative)
    return list(dict.fromkeys(name for names in found for name in _listed(names) if isinstance(name, str)))


def _combined(found: list[tuple[dict[str, Any] | bool, bool]]) -> dict[str, Any] | bool:
    """Return one schema of an input that several parts describe: all of those that always hold, else any of them."""
    always = [schema for schema, is_alternative in found if not is_alternative]
    if len(found) == 1 or len(always) == 1:
        return (always or [found[0][0]])[0]
    return {"allOf": always} if always else {"anyOf": [schema for schema, _ in found]}


# ------------------------------------------------------------------ secrets in a schema


def _holds_secret(schema: JsonValue, root: JsonValue) -> bool:
    """Return whether a value of a schema has a secret in it, by a name or a mark anywhere in the schema."""
    waiting, seen = [schema], set[int]()
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        if not isinstance(part, dict) or id(part) in seen:
            continue
        seen.add(id(part))
        if part.get("format") == "password" or any(part.get(mark) is True for mark in _MARKS):
            return True
        properties = part.get("properties")
        if isinstance(properties, dict) and any(isinstance(name, str) and is_secret_name(name) for name in properties):
            return True
        if isinstance(part.get("$ref"), str):
            waiting.append(follow_in_document(part["$ref"], root))
        waiting += part.values()
    return False


# ------------------------------------------------------------------ references


class _Inliner:
    """Copies schemas; what a `$ref` refers to becomes a definition, so that a recursive schema stays one."""

    def __init__(self, root: JsonValue) -> None:
        self._root = root
        self._names: dict[str, str] = {}
        self.definitions: dict[str, Any] = {}

    def inlined(self, schema: JsonValue, depth: int = 0) -> dict[str, Any] | bool:
        """Return a copy of a schema that refers to definitions only; one nested too deeply accepts anything."""
        if not isinstance(schema, dict) or depth > _DEEPEST:
            return schema if isinstance(schema, bool) else True
        return {
            key: self._keyword(key, value, depth + 1)
            for key, value in schema.items()
            if isinstance(key, str) and not self._is_left_out(key, value)
        }

    def _is_left_out(self, key: str, value: JsonValue) -> bool:
        # The base of references, which have none any more; a reference to what is not there accepts anything.
        if key in ("$id", "$schema", "$anchor", "$dynamicAnchor", "$dynamicRef", "$comment") or key.startswith("x-"):
            return True
        return key == "$ref" and (not isinstance(value, str) or follow_in_document(value, self._root) is MISSING)

    def _keyword(self, key: str, value: JsonValue, depth: int) -> Any:
        if key == "$ref" and isinstance(value, str):
            return f"#/$defs/{self._defined(value, depth)}"
        if key in _BY_NAME and isinstance(value, Mapping):
            return {name: self.inlined(each, depth) for name, each in value.items()}
        if key in ("enum", "const", "default", "examples", "required", "type", "example"):
            return value
        if isinstance(value, dict):
            return self.inlined(value, depth)
        if isinstance(value, list):
            return [self.inlined(each, depth) if isinstance(each, (dict, bool)) else each for each in value]
        return value

    def _defined(self, reference: str, depth: int) -> str:
        if reference not in self._names:
            plain = reference.rpartition("/")[2].lstrip("#") or "root"
            name, number = plain, 2
            while name in self.definitions:
                name, number = f"{plain}{number}", number + 1
            self._names[reference] = name
            self.definitions[name] = True  # until it is known, so that a recursive schema ends
            self.definitions[name] = self.inlined(follow_in_document(reference, self._root), depth)
        return self._names[reference]
