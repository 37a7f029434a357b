"""A workflow that calls operations one after the other: their parameters, bodies, criteria and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.names import unused_name
from arazzo_runner.generate.bodies import Leaf, payload_of
from arazzo_runner.generate.chains import (
    Found,
    Wanted,
    collection_of,
    created,
    linked,
    listed,
    named,
    normal,
    singular,
)
from arazzo_runner.generate.criteria import member_criteria, status_criterion
from arazzo_runner.generate.draft import DraftParameter, DraftStep, DraftWorkflow, Noted, Tree, plain
from arazzo_runner.generate.inputs import Inputs, input_schema, parameter_examples, parameter_part
from arazzo_runner.generate.operations import ApiOperation, needed_parameters, variable_names
from arazzo_runner.generate.shapes import Part, Shape, shape_of
from arazzo_runner.sources.operation import OperationParameter

_GENERAL: Final = frozenset({"id", "uuid", "guid", "name", "key", "slug", "number", "code"})


def build_workflow(
    workflow_id: str, operations: Sequence[ApiOperation], source: str, *, summary: str = ""
) -> DraftWorkflow:
    """Return a workflow of these operations in this order; `source` is the name of their source description."""
    building = _Building(workflow_id, operations, source)
    for operation in operations:
        building.add(operation)
    return building.finished(summary)


class _Building:
    """One workflow as it grows; `_threaded` are the expressions of each step that later steps need."""

    def __init__(self, workflow_id: str, operations: Sequence[ApiOperation], source: str) -> None:
        self.workflow = DraftWorkflow(workflow_id=workflow_id)
        self._inputs = Inputs(self.workflow)
        self._source = source
        self._done: list[ApiOperation] = []
        self._steps: dict[str, DraftStep] = {}
        self._threaded: dict[str, list[tuple[str, bool]]] = {}
        self._given = set(_given_collections(operations))
        self._is_single = len(operations) == 1

    def add(self, operation: ApiOperation) -> None:
        """Add the step of an operation."""
        step = DraftStep(step_id=operation.name, description=operation.summary or None)
        if self._is_single:  # the workflow says the same
            step.description = None
        if operation.operation_id is not None:
            step.operation_id = self._named(operation, operation.operation_id)
        else:
            path = "{$sourceDescriptions." + self._source + ".url}#" + operation.operation.pointer
            step.operation_path = self._named(operation, path)
        for parameter in _sent_parameters(operation, self._done):
            value = self._parameter(operation, parameter)
            step.parameters.append(DraftParameter(name=parameter.name, location=parameter.location, value=value))
        payload = payload_of(operation.operation, lambda leaf: self._leaf(operation, leaf))
        if payload is not None:
            step.content_type, step.body, step.has_body = payload.content_type, payload.value, True
        self._steps[operation.name] = step
        self._threaded[operation.name] = []
        self._done.append(operation)
        self.workflow.steps.append(step)

    def _named(self, operation: ApiOperation, name: str) -> Tree:
        """Return how a step names an operation, with the comment that a deprecated one needs."""
        why = "arazzo-ignore: deprecated-operation -- it was asked for, or there is no other"
        return Noted(name, why) if operation.is_deprecated else name

    def finished(self, summary: str) -> DraftWorkflow:
        """Add criteria and outputs, and return the workflow."""
        for operation in self._done:
            step = self._steps[operation.name]
            step.criteria = [status_criterion(operation), *member_criteria(operation, self._threaded[operation.name])]
            if "location" in operation.answer_headers and operation.method == "POST" and not step.outputs:
                why = "the URL of what was created; no expression gives a part of it"
                step.outputs["location"] = Noted("$response.header.Location", why)
            for name in step.outputs:
                own = unused_name(name, self.workflow.outputs)
                self.workflow.outputs[own] = f"$steps.{step.step_id}.outputs.{name}"
        if not self.workflow.outputs and self._done:
            self._add_last_answer()
        self.workflow.summary = summary or None
        return self.workflow

    def _add_last_answer(self) -> None:
        """Make the last JSON body an output, so that the workflow gives something."""
        for operation in reversed(self._done):
            if operation.shape.kind in ("object", "array") and operation.method != "DELETE":
                self._steps[operation.name].outputs["answer"] = "$response.body"
                self.workflow.outputs["answer"] = f"$steps.{operation.name}.outputs.answer"
                return

    # ------------------------------------------------------------------ values

    def _parameter(self, operation: ApiOperation, parameter: OperationParameter) -> Tree:
        context = operation.operation.schemas
        part = parameter_part(parameter)
        shape = shape_of(part, context)
        link = linked(operation, parameter.name, parameter.location, self._done)
        if link is not None:
            value = self._of_link(*link)
            if value is not None:
                return value
        collection = collection_of(operation.operation.path, parameter.name) if parameter.location == "path" else ""
        wanted = Wanted(name=parameter.name, location=parameter.location, shape=shape, collection=collection)
        found = self._found(operation, wanted)
        if found is not None:
            return self._threaded_value(found)
        if shape.only_value and parameter.location != "path":
            return Noted(shape.only_value[0], "the only value that the description allows")
        place = normal(operation.operation.path.partition("{" + parameter.name + "}")[0])
        kind = f"{shape.kind} {shape.own.get('format')} {shape.own.get('enum')} {shape.own.get('pattern')}"
        key = ("path", place, kind) if collection else (parameter.location, parameter.name, kind)
        name = _input_name(parameter.name, collection)
        schema = input_schema(part, context, name=parameter.name, examples=parameter_examples(parameter))
        comment = f"{parameter.location} parameter {parameter.name} of {operation.title}"
        return self._inputs.expression(key, name, schema, comment, otherwise=f"{operation.name} {name}")

    def _leaf(self, operation: ApiOperation, leaf: Leaf) -> Tree:
        if leaf.shape.only_value:
            return Noted(leaf.shape.only_value[0], "the only value that the description allows")
        name = leaf.path[-1] if leaf.path else "body"
        context = operation.operation.schemas
        if leaf.default is MISSING and leaf.path:
            found = named(Wanted(name=name, location="body", shape=leaf.shape), self._done)
            if found is not None:
                return self._threaded_value(found)
        schema = input_schema(leaf.part, context, name=name, examples=[] if leaf.example is MISSING else [leaf.example])
        if leaf.default is not MISSING and "default" not in schema and schema.get("format") != "password":
            schema["default"] = leaf.default
            schema.pop("examples", None)
        shared = self._inputs.shared(name, schema) if leaf.path else None
        if shared is not None:
            return shared
        comment = f"body of {operation.title}" + (f", {'/'.join(leaf.path)}" if leaf.path else "")
        key = ("body", operation.name, *leaf.path)
        return self._inputs.expression(key, name, schema, comment, otherwise=f"{operation.name} {name}")

    def _found(self, operation: ApiOperation, wanted: Wanted) -> Found | None:
        """Return the earlier value for a parameter; only requests that change nothing take one from a list."""
        if not wanted.collection:
            return named(wanted, self._done)
        found = created(wanted, self._done)
        if found is None and operation.operation.safe and wanted.collection not in self._given:
            found = listed(wanted, self._done)
        return found

    def _threaded_value(self, found: Found) -> Tree:
        return Noted(self._output(found.producer, found.expression, found.name, found.is_nullable), found.why)

    def _output(self, producer: ApiOperation, expression: str, name: str, is_nullable: bool) -> str:
        """Return the expression of an output of an earlier step, which gets it if it is new."""
        step = self._steps[producer.name]
        known = next((own for own, value in step.outputs.items() if plain(value) == expression), None)
        if known is None:
            known = unused_name(name, step.outputs)
            step.outputs[known] = expression
            if expression.startswith("$response.body#"):
                self._threaded[producer.name].append((expression, is_nullable))
        return f"$steps.{step.step_id}.outputs.{known}"

    def _of_link(self, producer: ApiOperation, value: JsonValue, link: str) -> Tree | None:
        """Return the value that a link gives: of the response an output, of the request what that step sends."""
        why = f"by the link {link} of {producer.title}"
        if not isinstance(value, str) or not value.startswith("$"):
            return Noted(value, why) if not isinstance(value, str) or "{$" not in value else None
        if value.startswith(("$response.body#/", "$response.header.")):
            name = value.rpartition("/")[2].rpartition(".")[2] or "value"
            return Noted(self._output(producer, value, name, False), why)
        place, _, name = value.removeprefix("$request.").partition(".")
        if not value.startswith("$request.") or not name:
            return None
        sent = self._steps[producer.name].parameters
        found = next((each.value for each in sent if (each.location, each.name) == (place, name)), None)
        return None if found is None else Noted(plain(found), why)


def _sent_parameters(operation: ApiOperation, earlier: Sequence[ApiOperation]) -> Iterable[OperationParameter]:
    """Yield the parameters that must be sent, and optional ones that a link gives."""
    needed = list(needed_parameters(operation.operation))
    yield from needed
    for each in operation.operation.parameters:
        is_open = each not in needed and not operation.operation.is_credential(each) and each.location != "path"
        if is_open and linked(operation, each.name, each.location, earlier) is not None:
            yield each


def _given_collections(operations: Sequence[ApiOperation]) -> Iterable[str]:
    """Yield the collections of which an item is changed that no step creates: the user must say which."""
    for position, operation in enumerate(operations):
        if operation.operation.safe:
            continue
        for name in variable_names(operation.path):
            collection = collection_of(operation.operation.path, name)
            wanted = Wanted(name=name, location="path", shape=_variable_shape(operation, name), collection=collection)
            if created(wanted, operations[:position]) is None:
                yield collection


def _variable_shape(operation: ApiOperation, name: str) -> Shape:
    parameter = operation.operation.parameter(name, "path")
    part = Part({}) if parameter is None else parameter_part(parameter)
    return shape_of(part, operation.operation.schemas)


def _input_name(name: str, collection: str) -> str:
    """Return the name of the input of a parameter; that of a path's `{id}` says of what it is the id."""
    if collection and name.lower() in _GENERAL:
        return f"{singular(collection)}-{name}" if len(name) > 2 else f"{singular(collection)}Id"
    return name
