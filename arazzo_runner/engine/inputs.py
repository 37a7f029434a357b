"""Inputs of a workflow: texts become the types of its schema, defaults are applied, the result is checked.

Also those of a workflow that a step calls: its parameters become inputs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final, cast

from arazzo_runner.base.json_values import MISSING, JsonValue, pointer_tokens, resolve_pointer, to_text
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.base.settings import INPUT, INPUT_FILE
from arazzo_runner.engine.absent import missing_value
from arazzo_runner.engine.mismatches import without_texts_of
from arazzo_runner.engine.options import Level
from arazzo_runner.engine.resolve import CannotBuild, Unresolved, expression_text, may_be_left_out, resolve
from arazzo_runner.errors import Diagnostic, Location, Severity, did_you_mean
from arazzo_runner.expressions.nodes import InputReference
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.program.context import declares, pinpoint
from arazzo_runner.program.model import CompiledParameter, CompiledWorkflow, Program, WorkflowKey
from arazzo_runner.program.schemas import input_names, secret_values
from arazzo_runner.program.values import placed, placed_references
from arazzo_runner.sources.http_media.files import Described, is_file, without_files
from arazzo_runner.sources.schema.check import SchemaContext, SchemaError, checked, resolve_within, unknown_formats

# ------------------------------------------------------------------ inputs

_PROVIDED: Final = "http://127.0.0.1/callback"
"""Stands, where inputs are checked, for the URL of a webhook, which is not known yet."""


class InputProblem(Record):
    """What is wrong with an input: a Diagnostic code, a sentence, a hint; `name` is that of the input, if it is one."""

    code: str
    message: str
    hint: str | None = None
    name: str = ""


class PreparedInputs(Record):
    """Inputs with their defaults, what is wrong with them, and what was not checked."""

    inputs: dict[str, JsonValue]
    errors: tuple[InputProblem, ...] = ()
    warnings: tuple[InputProblem, ...] = ()
    notes: tuple[InputProblem, ...] = ()


def prepare_inputs(
    schema: JsonValue,
    given: Mapping[str, JsonValue],
    texts: Mapping[str, str],
    *,
    root: JsonValue = None,
    formats: Level = "warn",
    secret: Collection[str] = (),
    provided: Collection[str] = (),
) -> PreparedInputs:
    """Convert texts to the schema's types, apply defaults, and check (semantics §3).

    `root` is the Arazzo document, for `$ref: '#/components/inputs/x'` and `$anchor`; `formats` the
    level of wrong formats; `secret` are the inputs whose values no message may have, `provided` those
    that the run gives itself where nobody else does.
    """
    flat = flattened(schema, root)
    properties = _properties(flat)
    inputs = dict(given)
    for name, text in texts.items():
        inputs[name] = coerce_text(text, _resolved(properties.get(name), root))
    inputs = cast(dict[str, JsonValue], _with_defaults(inputs, flat, root))
    warnings = [] if not isinstance(flat, dict) else _unknown(inputs, properties, flat)
    later = {name: _PROVIDED for name in provided if name not in inputs}
    errors = [_missing(name, properties, inputs) for name in _required(flat) if name not in {**inputs, **later}]
    if errors or schema is None:
        return PreparedInputs(inputs, tuple(errors), tuple(warnings))
    resolve = resolve_within(root)
    forms, hidden = _Forms(properties, root, given, texts), Secrets()
    for value in secret_values(inputs, schema, root):
        hidden.declare(value)
    plain, files = without_files({**inputs, **later}, Described(schema, "", resolve))
    check = without_texts_of(files, checked(plain, schema, SchemaContext("2020-12", resolve), formats=formats != "off"))
    errors += [
        _with_hint(_mismatch(error, properties, secret, forms, hidden), error, inputs)
        for error in check.errors
        if _input_of(error) not in later
    ]
    wrong = [
        replace(_mismatch(error, properties, secret, forms, hidden), code="value-format")
        for error in check.formats
        if _input_of(error) not in later
    ]
    (errors if formats == "error" else warnings).extend(wrong)
    notes = tuple(InputProblem("unknown-format", sentence) for sentence in unknown_formats(check))
    return PreparedInputs(inputs, tuple(errors), tuple(warnings), notes)


def described_input(program: Program, name: str) -> Described:
    """Return what the workflow of a program says of an input."""
    workflow = program.workflow
    root = workflow.document.raw
    return Described(flattened(workflow.inputs, root), "", resolve_within(root)).member(name)


def coerce_text(text: str, schema: JsonValue) -> JsonValue:
    """Return a text from the command line as a value of the schema's type, or the text when it is none.

    >>> coerce_text("3", {"type": "integer"}), coerce_text("3", {"type": "string"}), coerce_text("3", None)
    (3, '3', '3')
    """
    if not isinstance(schema, dict):
        return text
    if "type" not in schema:
        return _as_listed(text, schema)
    types = schema["type"]
    for kind in types if isinstance(types, list) else [types]:
        value = _as_type(text, kind)
        if value is not MISSING:
            return value
    return text


def _as_listed(text: str, schema: dict[str, Any]) -> JsonValue:
    """Return a text as one of the values that a schema without a type lists, or as a type of its alternatives."""
    listed = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(listed, list):
        return next((each for each in listed if not isinstance(each, str) and to_text(each) == text), text)
    for keyword in ("oneOf", "anyOf"):
        alternatives = schema.get(keyword)
        for each in alternatives if isinstance(alternatives, list) else ():
            types = each.get("type") if isinstance(each, dict) else None
            value = coerce_text(text, each)
            if value != text or types == "string":
                return value
    return text


def _as_type(text: str, kind: object) -> JsonValue:
    if kind == "string":
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return MISSING
    fits = {
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, (int, float)) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
        "null": value is None,
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
    }
    return value if fits.get(str(kind), False) else MISSING


def _with_defaults(value: JsonValue, schema: JsonValue, root: JsonValue) -> JsonValue:
    """Return a value with the defaults of its members, and of the items of its lists."""
    part = flattened(schema, root)
    if not isinstance(part, dict):
        return value
    if isinstance(value, list):
        return _items_with_defaults(value, part, root)
    if not isinstance(value, dict):
        return value
    found = dict(value)
    for name, member in _properties(part).items():
        flat = flattened(member, root)
        if name in found:
            found[name] = _with_defaults(found[name], flat, root)
        elif isinstance(flat, dict) and "default" in flat:
            found[name] = flat["default"]
    return found


def _items_with_defaults(items: list[JsonValue], schema: dict[str, Any], root: JsonValue) -> list[JsonValue]:
    first = schema.get("prefixItems")
    schemas = first[: len(items)] if isinstance(first, list) else []
    rest = len(items) - len(schemas)
    return [
        _with_defaults(item, each, root)
        for item, each in zip(items, [*schemas, *[schema.get("items")] * rest], strict=True)
    ]


def _missing(name: str, properties: Mapping[str, Any], given: Mapping[str, Any]) -> InputProblem:
    schema = properties.get(name)
    about = schema.get("description") if isinstance(schema, dict) else None
    text = f" ({' '.join(about.split())})" if isinstance(about, str) else ""
    setting = INPUT_FILE if Described(schema).asks_for_file else INPUT
    hint = f"give it with {setting.of(name)}"
    typo = did_you_mean(name, [each for each in given if each not in properties], prefix="instead of ")
    if typo is not None:
        hint += f" {typo.rstrip('?')}"
    return InputProblem("missing-input", f'input "{name}" is required{text}', hint, name)


def _mismatch(
    error: SchemaError, properties: Mapping[str, Any], secret: Collection[str], forms: _Forms, hidden: Secrets
) -> InputProblem:
    name = _input_of(error)
    message = hidden.mask(error.message)
    if error.keyword == "additionalProperties":
        hint = next((did_you_mean(each, properties) for each in _quoted(message)), None)
        return InputProblem("unknown-input", f"inputs: {message}", hint)
    if name in secret:
        message = f'"{name}" does not fit its schema: {error.keyword}'
    return InputProblem("invalid-input", f"input {message}" if name else f"inputs: {message}", forms.hint(name), name)


def _input_of(error: SchemaError) -> str:
    return pointer_tokens(error.pointer)[0] if error.pointer else ""


class _Forms(Record):
    """The schemas of the inputs, and which inputs were given, as values and as texts."""

    properties: Mapping[str, Any]
    root: JsonValue
    given: Collection[str]
    texts: Collection[str]

    def hint(self, name: str) -> str | None:
        """Return what to write for an input."""
        if not name or name not in self.properties:
            return None
        if name not in self.given and name not in self.texts:  # its default is wrong, or a part of it
            return f"give it with {INPUT.of(name)}"
        from arazzo_runner.engine.input_forms import form_hint  # lazily: few inputs are wrong

        resolve = partial(_resolved, root=self.root)
        return form_hint(name, self.properties[name], resolve, is_text=name in self.texts)


def _with_hint(problem: InputProblem, error: SchemaError, inputs: JsonValue) -> InputProblem:
    """Return a problem, with the hint how to declare a file if a file was given for another value."""
    if not error.asks_for_text or not is_file(resolve_pointer(inputs, error.pointer), is_expected=True):
        return problem
    return replace(problem, hint="declare the input as a file: {type: string, format: binary}")


def _quoted(message: str) -> list[str]:
    return message.split('"')[1::2]


def _unknown(
    inputs: Mapping[str, JsonValue], properties: Mapping[str, Any], schema: dict[str, Any]
) -> list[InputProblem]:
    if not properties or schema.get("additionalProperties") is False or "patternProperties" in schema:
        return []
    return [
        InputProblem("unknown-input", f'input "{name}" is not declared', did_you_mean(name, properties), name)
        for name in inputs
        if name not in properties
    ]


# ------------------------------------------------------------------ schemas of one Arazzo document


def flattened(schema: JsonValue, root: JsonValue) -> JsonValue:
    """Return a schema with its `$ref` and allOf merged, as far as `properties` and `required` are concerned."""
    part = _resolved(schema, root)
    if not isinstance(part, dict) or "allOf" not in part or not isinstance(part["allOf"], list):
        return part
    merged: dict[str, Any] = {key: value for key, value in part.items() if key != "allOf"}
    for each in part["allOf"][:50]:
        inner = _resolved(each, root)
        if isinstance(inner, dict):
            merged["properties"] = {**_properties(inner), **_properties(merged)}
            merged["required"] = [*_required(inner), *_required(merged)]
    return merged


def _resolved(schema: JsonValue, root: JsonValue) -> JsonValue:
    for _ in range(32):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str) or not reference.startswith("#"):
            return schema
        schema = _local(reference[1:], root)
    return None


def _local(fragment: str, root: JsonValue) -> JsonValue:
    if not fragment or fragment.startswith("/"):
        found = resolve_pointer(root, fragment)
        return None if found is MISSING else found
    components = root.get("components") if isinstance(root, dict) else None
    inputs = components.get("inputs") if isinstance(components, dict) else None
    named = (each for each in (inputs or {}).values() if isinstance(each, dict) and each.get("$anchor") == fragment)
    return next(named, None)


def _properties(schema: JsonValue) -> dict[str, Any]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


def _required(schema: JsonValue) -> list[str]:
    required = schema.get("required") if isinstance(schema, dict) else None
    return [name for name in required if isinstance(name, str)] if isinstance(required, list) else []


def call_inputs(
    target: CompiledWorkflow, parameters: Sequence[CompiledParameter], scope: Scope, at: Location, formats: Level
) -> tuple[dict[str, JsonValue], tuple[Diagnostic, ...]]:
    """Return the inputs of a workflow called with these parameters, and warnings (Arazzo §Parameter Object).

    Raises CannotBuild when a value is missing or the inputs do not fit the target's schema.
    """
    given: dict[str, JsonValue] = {}
    for parameter in parameters:
        what = f'input "{parameter.name}"'
        try:
            resolved = resolve(parameter.value, scope)
        except Unresolved as missing:
            raise missing_value(missing.expression, missing.value, scope, what, parameter.at) from None
        if resolved is not MISSING:
            given[parameter.name] = resolved
        elif not may_be_left_out(parameter.value, scope):
            expression = expression_text(parameter.value)
            raise missing_value(expression, parameter.value, scope, what, parameter.at)
    return checked_inputs(target, given, at, formats)


def inherited_inputs(target: CompiledWorkflow, inputs: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the caller's inputs that the target declares too (semantics §5)."""
    schema = target.inputs if isinstance(target.inputs, dict) else {}
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {} if target.inputs is None else dict(inputs)
    return {name: value for name, value in inputs.items() if name in properties}


def checked_inputs(
    target: CompiledWorkflow, given: dict[str, JsonValue], at: Location, formats: Level
) -> tuple[dict[str, JsonValue], tuple[Diagnostic, ...]]:
    """Return `given` with the schema's defaults, and warnings of wrong formats.

    Raises CannotBuild with the first mismatch.
    """
    secret = target.secret_inputs
    prepared = prepare_inputs(
        target.inputs, given, {},
        root=target.document.raw, formats=formats, secret=secret, provided=target.callback_inputs,
    )  # fmt: skip
    what = f'the inputs of workflow "{target.workflow_id}" do not fit'
    if prepared.errors:
        raise CannotBuild.because("invalid-input", f"{what}: {prepared.errors[0].message}", at)
    return prepared.inputs, tuple(
        Diagnostic(code=each.code, severity=Severity.WARNING, message=f"{what}: {each.message}", at=at)
        for each in prepared.warnings
        if each.code == "value-format"
    )


# ------------------------------------------------------------------ inputs that are not declared


def inputs_without_value(program: Program, given: Collection[str]) -> Iterator[Diagnostic]:
    """Yield an error for each input that is neither declared nor given, by the user or by a call (semantics §3)."""
    if not any(each.code == "undeclared-input" for each in program.diagnostics):
        return
    undeclared = {key: list(undeclared_inputs(workflow)) for key, workflow in program.workflows.items()}
    for key, names in _calls(program, given):
        workflow = program.workflows[key]
        for reference, at in undeclared[key]:
            if names is not None and not declares(names, str(reference.name)):
                message = f'input "{reference.name}" is neither declared nor given'
                known = input_names(workflow.inputs, workflow.document.raw) or frozenset()
                hint = did_you_mean(str(reference.name), known) or "declare it in the workflow's inputs, or give it"
                place = pinpoint(reference, at, workflow.document.raw)
                yield Diagnostic(code="undeclared-input", severity=Severity.ERROR, message=message, at=place, hint=hint)


def undeclared_inputs(workflow: CompiledWorkflow) -> Iterator[tuple[InputReference, Location]]:
    """Yield the inputs that a workflow reads without declaring them, with their locations."""
    known = input_names(workflow.inputs, workflow.document.raw)
    places = chain.from_iterable(map(placed_references, workflow.steps))
    outputs = chain.from_iterable(placed(value, workflow.at) for _, value in workflow.outputs)
    for expression, at in chain(places, outputs) if known is not None else ():
        if isinstance(expression, InputReference) and expression.name and not declares(known or (), expression.name):
            yield expression, at


def _calls(program: Program, given: Collection[str]) -> Iterator[tuple[WorkflowKey, Collection[str] | None]]:
    """Yield each way in which a workflow is run, with the names of its inputs there; None where they are unknown."""
    if program.entry is not None:
        yield program.entry, given
    for workflow in program.workflows.values():
        for key in workflow.depends_on:
            yield key, _inherited_names(program.workflows[key], given)
        for step in workflow.steps:
            if step.called_workflow is not None:
                yield step.called_workflow, {each.name for each in step.parameters}
            for action in (*step.on_success, *step.on_failure):
                inherited = (
                    () if action.workflow is None else _inherited_names(program.workflows[action.workflow], None)
                )
                if action.workflow is not None and inherited is not None:
                    yield action.workflow, {*inherited, *(each.name for each in action.parameters)}


def _inherited_names(target: CompiledWorkflow, names: Collection[str] | None) -> Collection[str] | None:
    """Return which of the caller's inputs a workflow inherits that it does not declare."""
    is_closed = target.inputs is None or (isinstance(target.inputs, dict) and "properties" in target.inputs)
    return () if is_closed else names
