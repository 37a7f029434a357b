"""The step of a call: values become literals, secrets and texts that would be expressions become inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue, escaped
from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.base.secrets import is_secret_name
from arazzo_runner.cli.call.body import GivenBody
from arazzo_runner.cli.call.expressions import holds_expression, means_expressions
from arazzo_runner.cli.call.parameters import GivenParameter
from arazzo_runner.cli.call.schemas import flat_schema, is_secret, types_of
from arazzo_runner.generate.draft import DraftParameter, DraftStep
from arazzo_runner.program.values import is_selector
from arazzo_runner.sources.http_media.files import Described, described_by
from arazzo_runner.sources.http_media.media_types import is_json
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import Operation

_MOST_OUTPUTS: Final = 8
_IDENTITY: Final = re.compile(r"(^|[a-z0-9_-])(id|Id|ID|uuid|guid)$")


class NewInput(Record):
    """An input of the workflow, and the value that the call gives it."""

    _hidden_in_repr = ("value",)

    schema: dict[str, JsonValue]
    value: JsonValue


class Call(Record, kw_only=True):
    """What is called: the operation of a description, what it is given, and which status is expected (None: 2xx)."""

    source: str
    description: OpenApiDescription
    operation: Operation
    parameters: Sequence[GivenParameter] = ()
    body: GivenBody | None = None
    expected: int | None = None
    captures: Mapping[str, str] = field(default_factory=dict)
    allow_expressions: bool = False

    @property
    def has_expressions(self) -> bool:
        """Whether a value is an expression, which only a workflow can evaluate."""
        in_body = self.allow_expressions and self.body is not None and means_expressions(self.body.payload)
        return in_body or any(each.is_expression for each in self.parameters)

    @property
    def is_newer(self) -> bool:
        """Whether the step needs Arazzo 1.1."""
        return any(each.location == "querystring" for each in self.parameters)


class Written(MutableRecord, kw_only=True):
    """A step with the inputs that it reads; `known` are the schemas of inputs that the workflow already has."""

    step: DraftStep
    known: Mapping[str, JsonValue]
    inputs: dict[str, NewInput] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, JsonValue]:
        """The values of the inputs by name."""
        return {name: each.value for name, each in self.inputs.items()}

    def input_for(self, name: str, schema: dict[str, JsonValue], value: JsonValue, *, is_shared: bool) -> str:
        """Return the expression of an input for a value: a known one of this name and schema, else a new one."""
        wanted = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "value"
        if is_shared and self.known.get(wanted) == schema and wanted not in self.inputs:
            self.inputs[wanted] = NewInput(schema, value)
            return f"$inputs.{wanted}"
        found = unused_name(wanted, [*self.known, *self.inputs])
        self.inputs[found] = NewInput(schema, value)
        return f"$inputs.{found}"


def written_step(
    call: Call,
    step_id: str,
    *,
    several_sources: bool = False,
    known_inputs: Mapping[str, JsonValue] | None = None,
    outputs: Mapping[str, str] | None = None,
) -> Written:
    """Return the step of a call; `outputs` are expressions by name."""
    step = DraftStep(step_id=step_id)
    written = Written(step=step, known=known_inputs or {})
    _name_operation(step, call, several_sources=several_sources)
    for each in call.parameters:
        value = each.value if each.is_expression else _literal(each.value, each.described, each.name, written, call)
        if each.is_secret and not each.is_expression:
            value = _secret(each.value, each.described, each.name, written)
        step.parameters.append(DraftParameter(name=each.name, location=each.location, value=value))
    if call.body is not None:
        step.has_body = True
        step.content_type = call.body.content_type
        step.body = _literal(call.body.payload, call.body.described, "body", written, call)
    if call.expected is not None:
        step.criteria.append(f"$statusCode == {call.expected}")
    step.outputs = {**(outputs or {}), **call.captures}
    return written


def _name_operation(step: DraftStep, call: Call, *, several_sources: bool) -> None:
    operation = call.operation
    name = operation.operation_id
    if name is not None and len(call.description.same_id(name)) == 1 and "$" not in name:
        is_plain = not several_sources and "." not in name
        step.operation_id = name if is_plain else f"$sourceDescriptions.{call.source}.{name}"
    else:
        step.operation_path = f"{{$sourceDescriptions.{call.source}.url}}#{operation.pointer}"


def usual_step_id(operation: Operation) -> str:
    """Return the stepId for an operation: its operationId, else its method and path."""
    if operation.operation_id is not None:
        return re.sub(r"[^A-Za-z0-9_-]+", "-", operation.operation_id).strip("-") or "call"
    return re.sub(r"[^A-Za-z0-9_]+", "-", f"{operation.method.lower()}{operation.path}").strip("-")


# ------------------------------------------------------------------ values


def _secret(value: JsonValue, described: Described, name: str, written: Written) -> str:
    kinds = types_of(flat_schema(described))
    kind = kinds[0] if len(kinds) == 1 and not isinstance(value, str) else "string"
    return written.input_for(name, {"type": kind, "format": "password"}, value, is_shared=True)


def _literal(value: JsonValue, described: Described, name: str, written: Written, call: Call) -> JsonValue:
    """Return a value as the document writes it: an input for each secret in it, and for what reads like an expression.

    An input of the second kind has the value as its default.
    """
    if isinstance(value, str):
        if holds_expression(value) and not call.allow_expressions:
            return written.input_for(name, {"type": "string", "default": value}, value, is_shared=False)
        return value
    if isinstance(value, dict):
        if is_selector(value) and not call.allow_expressions:
            return written.input_for(name, {"type": "object", "default": value}, value, is_shared=False)
        return {key: _member(key, item, described.member(key), written, call) for key, item in value.items()}
    if isinstance(value, list):
        items = described.items() or Described(None)
        return [_literal(item, items, name, written, call) for item in value]
    return value


def _member(name: str, value: JsonValue, described: Described, written: Written, call: Call) -> JsonValue:
    is_text = isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != ""
    if is_text and is_secret(name, described) and not (call.allow_expressions and means_expressions(value)):
        return _secret(value, described, name, written)
    return _literal(value, described, name, written, call)


# ------------------------------------------------------------------ outputs


def usual_outputs(operation: Operation, status: int | None = None, body: JsonValue = None) -> dict[str, str]:
    """Return expressions of what later steps may need: ids and secrets among the members of the documented response.

    With a `status`, those of that response that the `body` has; without one, of all successful responses.
    """
    names: list[str] = []
    for code, response in operation.responses.items():
        if not (code.startswith("2") if status is None else response is operation.documented(status)):
            continue
        for content_type, media in response.content.items():
            if is_json(content_type):
                names += _members(flat_schema(described_by(media)))
    found = [name for name in dict.fromkeys(names) if _is_wanted(name)]
    if status is not None:
        present = body if isinstance(body, dict) else {}
        found = [name for name in found if present.get(name) is not None]
    return {_output_name(name): f"$response.body#/{escaped(name)}" for name in found[:_MOST_OUTPUTS]}


def _members(schema: dict[str, Any]) -> list[str]:
    properties = schema.get("properties")
    return [name for name in properties if isinstance(name, str)] if isinstance(properties, dict) else []


def _is_wanted(name: str) -> bool:
    return bool(_IDENTITY.search(name)) or is_secret_name(name)


def _output_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "value"
