"""The inputs of a generated workflow: a name and a schema of its own for each value that no response has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.secrets import is_secret_name
from arazzo_runner.generate.draft import DraftWorkflow, Noted, plain
from arazzo_runner.generate.shapes import Part, shape_of
from arazzo_runner.generate.tidying import tidy
from arazzo_runner.runtime.mock.sampler import fits, followed
from arazzo_runner.sources.operation import OperationParameter
from arazzo_runner.sources.schema.check import PLAIN
from arazzo_runner.sources.schema.context import LISTED, NAMED, ONE, SchemaContext

_MOST_SCHEMAS: Final = 60
"""How many schemas one input has; what is nested below more of them is only said to have its type."""
_LEFT_OUT: Final = frozenset(
    {"example", "nullable", "readOnly", "writeOnly", "xml", "externalDocs", "discriminator", "deprecated", "$id",
     "$schema", "$anchor", "$dynamicAnchor", "$comment", "id", "collectionFormat", "allowEmptyValue"}
)  # fmt: skip
_SCHEMAS: Final = frozenset({*ONE, *LISTED, *NAMED, "dependentRequired", "$dynamicRef", "$ref"})
_LIMITS: Final = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Inputs:
    """Collects the inputs of one workflow. Values of the same `key` are one input."""

    def __init__(self, workflow: DraftWorkflow) -> None:
        self._workflow = workflow
        self._names: dict[tuple[str, ...], str] = {}

    def expression(
        self, key: tuple[str, ...], wanted: str, schema: dict[str, Any], comment: str, *, otherwise: str = ""
    ) -> str:
        """Return the expression of the input of a key, which gets a name like `wanted` and the schema if it is new.

        `otherwise` is the name that it gets if there is an input like `wanted`.
        """
        name = self._names.get(key)
        if name is None:
            name = self._unlike(input_name(wanted), input_name(otherwise or wanted))
            self._names[key] = name
            self._workflow.inputs[name] = Noted(schema, comment)
            if "default" not in schema:
                self._workflow.required.append(name)
        return f"$inputs.{name}"

    def _unlike(self, wanted: str, otherwise: str) -> str:
        """Return a name that differs from those of other inputs in more than case and separators."""
        alike = {_folded(each) for each in self._workflow.inputs}
        if _folded(wanted) not in alike:
            return wanted
        name, number = otherwise, 2
        while _folded(name) in alike:
            name, number = f"{otherwise}{number}", number + 1
        return name

    def shared(self, name: str, schema: Mapping[str, Any]) -> str | None:
        """Return the expression of an input of this name and schema, whatever its key."""
        wanted = input_name(name)
        known = plain(self._workflow.inputs.get(wanted))
        return f"$inputs.{wanted}" if isinstance(known, dict) and _essence(known) == _essence(schema) else None


def input_name(text: str) -> str:
    """Return a name as a word of letters, digits and `_`.

    >>> input_name("X-Request-Id"), input_name("filter[status]"), input_name("pet_id"), input_name("2fa")
    ('xRequestId', 'filterStatus', 'pet_id', 'input2fa')
    """
    if _IDENTIFIER.fullmatch(text) and len(text) <= 60:
        return text
    words = _WORD.findall(text) or ["value"]
    first, *others = words
    first = first.lower() if first.isupper() else first
    name = "".join([first[:1].lower() + first[1:], *(word[:1].upper() + word[1:] for word in others)])[:60]
    return name if name[0].isalpha() else f"input{name}"


def parameter_part(parameter: OperationParameter) -> Part:
    """Return the schema of a parameter, with its own example."""
    if parameter.content is not None:
        return Part(parameter.content.schema, parameter.content.base)
    return Part(parameter.schema, parameter.base)


def parameter_examples(parameter: OperationParameter) -> list[JsonValue]:
    """Return the examples of a parameter beside its schema."""
    found = [] if parameter.example is None else [parameter.example]
    values = (each.get("value") for each in parameter.examples.values() if isinstance(each, dict))
    return [*found, *(each for each in values if each is not None)]


def input_schema(
    part: Part | None,
    context: SchemaContext,
    *,
    name: str,
    description: str = "",
    examples: list[JsonValue] | None = None,
) -> dict[str, Any]:
    """Return a schema of an input in JSON Schema 2020-12 that refers to nothing outside of itself.

    That of a secret has `format: password`, and no default and no examples.
    """
    found = tidy(_Copying(context).schema(part.schema, part.base, ())) if part is not None else {}
    schema: dict[str, Any] = found if isinstance(found, dict) else {}
    if description and "description" not in schema:
        schema = {"description": _short(description), **schema}
    if is_secret(name, part, context):
        schema = {key: each for key, each in schema.items() if key not in ("default", "examples", "enum", "const")}
        return {**schema, "type": "string", "format": "password"}
    if examples and part is not None:
        fitting = [each for each in examples if fits(each, schema, PLAIN, "", "request")]
        if fitting:
            schema["examples"] = fitting[:1]
    return schema


def is_secret(name: str, part: Part | None, context: SchemaContext) -> bool:
    """Return whether a value is a secret by its name or its format."""
    shape = shape_of(part, context)
    is_text = shape.kind in ("string", "")
    return is_text and (shape.own.get("format") == "password" or is_secret_name(name))


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


def _essence(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name not in ("description", "examples", "title")}


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:197].rstrip() + "…"


class _Copying:
    """Copies one schema; `_left` is how many schemas it may still have."""

    def __init__(self, context: SchemaContext) -> None:
        self._context = context
        self._left = _MOST_SCHEMAS

    def schema(self, schema: JsonValue, base: str, around: tuple[int, ...]) -> JsonValue:
        found, base = followed(schema, base, self._context)
        if not isinstance(found, dict):
            return found if isinstance(found, bool) else {}
        self._left -= 1
        own = id(found)
        if self._left < 0 or around.count(own) > 1 or len(around) > 8:
            return _only_type(found)
        if own in around:  # a schema inside of itself has only what it must have
            found = _required_part(found)
        copied = self._copied(found, base, (*around, own))
        if isinstance(schema, dict) and "$ref" in schema and isinstance(schema.get("description"), str):
            copied["description"] = _short(schema["description"])
        return copied

    def _copied(self, schema: dict[str, Any], base: str, around: tuple[int, ...]) -> dict[str, Any]:
        copied: dict[str, Any] = {}
        for name, value in schema.items():
            if name in _LEFT_OUT or name.startswith("x-"):
                continue
            if name in _SCHEMAS:
                nested = self._nested(name, value, base, around)
                if nested is not None:
                    copied[name] = nested
            else:
                copied[name] = _short(value) if name == "description" and isinstance(value, str) else value
        _modernise(copied, schema, self._context)
        return copied

    def _nested(self, name: str, value: JsonValue, base: str, around: tuple[int, ...]) -> JsonValue:
        if name in ONE and isinstance(value, (dict, bool)):
            return self.schema(value, base, around)
        if name in LISTED and isinstance(value, list) and value:
            return [self.schema(each, base, around) for each in value]
        if name in NAMED and isinstance(value, dict):
            is_kept = name not in ("$defs", "definitions")
            return {str(key): self.schema(each, base, around) for key, each in value.items()} if is_kept else None
        return value if name == "dependentRequired" else None


def _required_part(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object's schema without its optional members."""
    members, required = schema.get("properties"), schema.get("required")
    if not isinstance(members, dict):
        return dict(schema)
    names = required if isinstance(required, list) else []
    return {**schema, "properties": {name: each for name, each in members.items() if name in names}}


def _only_type(schema: Mapping[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    return {"type": kind} if isinstance(kind, (str, list)) else {}


def _modernise(copied: dict[str, Any], schema: Mapping[str, Any], context: SchemaContext) -> None:
    """Change what OpenAPI 2.0 and 3.0 say in another way than JSON Schema 2020-12."""
    if copied.get("type") == "file":
        copied.update(type="string", format="binary")
    if "example" in schema and "examples" not in copied:
        copied["examples"] = [schema["example"]]
    for name, limit in _LIMITS.items():
        if isinstance(copied.get(name), bool) and copied.pop(name) and limit in copied:
            copied[name] = copied.pop(limit)
    is_nullable = context.has_nullable and True in (schema.get("nullable"), schema.get("x-nullable"))
    if is_nullable and isinstance(copied.get("type"), str):
        copied["type"] = [copied["type"], "null"]
        if isinstance(copied.get("enum"), list) and None not in copied["enum"]:
            copied["enum"] = [*copied["enum"], None]
