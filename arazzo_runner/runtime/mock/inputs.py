"""Inputs that nothing gives, made up: from the inputs' schema and those of the operations that read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, assert_never

from arazzo_runner.base.json_values import MISSING, JsonValue, pointer_tokens, to_text
from arazzo_runner.base.records import Record, replace
from arazzo_runner.engine.inputs import coerce_text, flattened
from arazzo_runner.engine.request import accepted
from arazzo_runner.expressions.nodes import InputReference
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledParameter,
    CompiledStep,
    CompiledWorkflow,
    ExpressionValue,
    MessageCall,
    ObjectValue,
    OperationCall,
    Program,
    Unlinked,
    Value,
    WorkflowCall,
    WorkflowKey,
)
from arazzo_runner.runtime.mock.expected import references
from arazzo_runner.runtime.mock.sampler import fits, followed, holds_something, sample
from arazzo_runner.sources.http_media.media_types import is_form
from arazzo_runner.sources.operation import MediaType, Operation, OperationParameter
from arazzo_runner.sources.schema.check import SchemaContext, resolve_within, schemas_below

MOST_NESTING = 8


class Use(Record):
    """What one reader asks of an input, or of the part of it at `path`: an example, and a schema.

    With `is_text` the value is sent as text, so that `5` and `"5"` are the same to the reader.
    """

    path: tuple[str, ...]
    schema: JsonValue
    base: str
    context: SchemaContext
    example: JsonValue = MISSING
    is_text: bool = False

    def takes(self, value: JsonValue) -> bool:
        """Return whether a value fits."""
        forms = [value, coerce_text(value, self.schema)] if self.is_text and isinstance(value, str) else [value]
        return any(fits(form, self.schema, self.context, self.base, "request") for form in forms)


def sample_inputs(program: Program, given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return `given` with every further input that the workflow of a program declares or reads.

    What nearly spells a declared name is not made up: it is a mistake that the run reports.
    A default is left to the run, and so is the URL of a webhook. What is made up fits the inputs' schema, and as far
    as it can the schemas of the operations that it is sent to.
    """
    workflow = program.workflow
    root = workflow.document.raw
    schema = flattened(workflow.inputs, root)
    context = SchemaContext("2020-12", resolve_within(root))
    declared = schema.get("properties") if isinstance(schema, dict) else None
    properties: dict[str, Any] = declared if isinstance(declared, dict) else {}
    uses: dict[str, list[Use]] = {}
    for name, use in _uses(program, workflow.key, 0):
        uses.setdefault(name, []).append(use)
    found = dict(given)
    meant = [name for name in _read(workflow) if name in properties or not _is_misspelt(name, properties)]
    for name in dict.fromkeys([*properties, *meant]):
        part = followed(properties.get(name, {}), "", context)[0]
        is_given = name in found or name in workflow.callback_inputs  # by the run
        if not is_given and not (isinstance(part, dict) and "default" in part):
            found[name] = _made(part, context, uses.get(name, []))
    return found


def _is_misspelt(name: str, declared: Iterable[str]) -> bool:
    from difflib import get_close_matches  # lazily: few documents read inputs that they do not declare

    return bool(get_close_matches(name.casefold(), [each.casefold() for each in declared], n=1, cutoff=0.84))


def _read(workflow: CompiledWorkflow) -> Iterator[str]:
    """Yield the names of the inputs that a workflow refers to."""
    for expression in references(workflow):
        if isinstance(expression, InputReference) and expression.name is not None:
            yield expression.name


# ------------------------------------------------------------------ values


def _made(schema: JsonValue, context: SchemaContext, uses: list[Use]) -> JsonValue:
    """Return the first value that fits every schema, else the first that fits that of the inputs."""
    candidates = list(_candidates(schema, context, uses))
    fitting = [each for each in candidates if fits(each, schema, context, "", "request")]
    whole = [use for use in uses if not use.path]
    for value in fitting:
        if all(use.takes(value) for use in whole):
            return value
    return next(iter(fitting or candidates), "example")


def _candidates(schema: JsonValue, context: SchemaContext, uses: list[Use]) -> Iterator[JsonValue]:
    own = sample(schema, context, direction="request") if schema else MISSING
    made: list[JsonValue] = [] if own is MISSING else [_completed(own, uses)]
    for use in uses:
        if not use.path:
            values = [use.example, sample(use.schema, use.context, use.base, "request")]
            made += [each for each in values if each is not MISSING]
            made += [to_text(each) for each in values if use.is_text and isinstance(each, (bool, int, float))]
    if own is MISSING:
        made.append(_completed({}, uses))
    yield from (each for each in made if holds_something(each))
    yield from () if own is MISSING else (own,)


def _completed(value: JsonValue, uses: list[Use]) -> JsonValue:
    """Return a mapping with the members that readers ask for and its own schema does not name."""
    if not isinstance(value, dict):
        return value
    for use in uses:
        place = value
        for token in use.path[:-1]:
            place = place.setdefault(token, {}) if isinstance(place, dict) else {}
        if use.path and isinstance(place, dict) and not holds_something(place.get(use.path[-1], MISSING) or None):
            place[use.path[-1]] = sample(use.schema, use.context, use.base, "request")
    return value


# ------------------------------------------------------------------ who reads an input


def _uses(program: Program, key: WorkflowKey, depth: int) -> Iterator[tuple[str, Use]]:
    """Yield each input of a workflow that is sent as it is, with what its reader asks for."""
    workflow = program.workflows.get(key)
    if workflow is None or depth > MOST_NESTING:
        return
    for step in workflow.steps:
        match step.call:
            case OperationCall() as call:
                yield from _sent(step, call)
            case MessageCall() as message:
                yield from _in_message(step, message)
            case WorkflowCall() as called:
                yield from _passed_on(program, step, called.workflow, depth)
            case Unlinked():
                pass
            case _:
                assert_never(step.call)


def _sent(step: CompiledStep, call: OperationCall) -> Iterator[tuple[str, Use]]:
    context = call.operation.schemas
    for parameter in step.parameters:
        reference = _input_of(parameter.value)
        usual = _usual_header(parameter, step, call.operation)
        if reference is not None and usual is not None:
            yield from _use(reference, Use((), {"const": usual}, "", context))
        elif reference is not None and parameter.declared is not None:
            yield from _use(reference, _parameter_use(parameter.declared, context))
    media_type = None
    if step.body is not None and call.operation.request_body is not None:
        media_type = call.operation.request_body.content.get(step.body.content_type)
    if step.body is not None and step.body.payload is not None and media_type is not None:
        for path, reference in _inputs_in(step.body.payload, ()):
            use = _body_use(media_type, path, context)
            if use is not None:
                yield from _use(reference, use)


def _in_message(step: CompiledStep, call: MessageCall) -> Iterator[tuple[str, Use]]:
    """Yield the inputs of an address, and of the headers and the payload of the first message that there is."""
    context = call.description.schemas
    message = next(iter(call.messages), None) if call.action == "send" else None
    headers = None if message is None else message.headers
    for parameter in step.parameters:
        reference = _input_of(parameter.value)
        schemas: list[tuple[JsonValue, str]] = []
        if parameter.location == "path":
            declared = call.channel.parameters.get(parameter.name)
            schemas = [({"enum": [*declared.enum]}, "")] if declared is not None and declared.enum else []
        elif parameter.location == "header" and message is not None and headers is not None:
            schemas = schemas_below(headers, (parameter.name,), context, message.base) or []
        if reference is not None and schemas:
            yield from _use(reference, Use((), *followed(*schemas[0], context), context, is_text=True))
    payload = None if step.body is None else step.body.payload
    if payload is None or message is None or message.payload is None or message.schema_format is not None:
        return
    for path, reference in _inputs_in(payload, ()):
        found = schemas_below(message.payload, path, context, message.base)
        if found:
            yield from _use(reference, Use((), *followed(*found[0], context), context))


def _usual_header(parameter: CompiledParameter, step: CompiledStep, operation: Operation) -> str | None:
    """Return what a header says that OpenAPI leaves to other fields (§Parameter Object, name)."""
    name = parameter.name.lower() if parameter.location == "header" else ""
    if name == "content-type":
        offered = operation.request_body.content if operation.request_body is not None else {}
        return step.body.content_type if step.body is not None else next(iter(offered), None)
    if name == "accept":
        return accepted(operation)
    if name != "authorization":
        return None
    schemes = [each for each in operation.security_schemes.values() if isinstance(each, dict)]
    kinds = [str(each.get("scheme", "bearer")) for each in schemes if each.get("type") == "http"]
    return f"{next(iter(kinds), 'bearer').capitalize()} ZXhhbXBsZTpleGFtcGxl"


def _use(reference: InputReference, use: Use) -> Iterator[tuple[str, Use]]:
    if reference.name is not None:
        path = (*pointer_tokens(reference.pointer or ""), *map(str, reference.path))
        yield reference.name, replace(use, path=path)


def _passed_on(program: Program, step: CompiledStep, key: WorkflowKey, depth: int) -> Iterator[tuple[str, Use]]:
    inner: dict[str, list[Use]] = {}
    for name, use in _uses(program, key, depth + 1):
        inner.setdefault(name, []).append(use)
    for parameter in step.parameters:
        reference = _input_of(parameter.value)
        if reference is not None:
            for use in inner.get(parameter.name, ()):
                if not use.path:
                    yield from _use(reference, use)


def _input_of(value: Value) -> InputReference | None:
    expression = value.expression if isinstance(value, ExpressionValue) else None
    return expression if isinstance(expression, InputReference) else None


def _inputs_in(value: Value, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], InputReference]]:
    """Yield the inputs that a payload has as whole values, with their paths in it."""
    reference = _input_of(value)
    if reference is not None:
        yield path, reference
    if isinstance(value, ObjectValue):
        for name, item in value.members:
            if isinstance(name, str):
                yield from _inputs_in(item, (*path, name))
    if isinstance(value, ArrayValue):
        for index, item in enumerate(value.items):
            yield from _inputs_in(item, (*path, str(index)))


def _parameter_use(declared: OperationParameter, context: SchemaContext) -> Use:
    examples = [each["value"] for each in declared.examples.values() if isinstance(each, dict) and "value" in each]
    example = declared.example if declared.example is not None else next(iter(examples), MISSING)
    if declared.content is not None:
        return Use((), declared.content.schema, declared.content.base, context, example)
    return Use((), followed(declared.schema, declared.base, context)[0], declared.base, context, example, is_text=True)


def _body_use(media_type: MediaType, path: tuple[str, ...], context: SchemaContext) -> Use | None:
    found = schemas_below(media_type.schema, path, context, media_type.base)
    if not found:
        return None
    schema, base = followed(*found[0], context)
    return Use((), schema, base, context, is_text=bool(path) and is_form(media_type.content_type))
